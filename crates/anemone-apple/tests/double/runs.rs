//! Running: the right numbers, on every path, in every layout.

use crate::bed::{Bed, bed, elements, floats, surface, surface_of};
use crate::{double, programs};
use anemone_apple::{Error, Model, Options, Path, Surface, layout::ElementType};

/// Some whole numbers, which `fp16` holds too, different for each `seed`.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7 + seed * 13) % 101) as f32 - 50.0).collect()
}

/// Runs `x - a` and compares.
fn check(model: &Model, path: Path) {
    let procedure = &model.procedures()[0];
    let (x, a, y) = (procedure.input("x").unwrap(), procedure.input("a").unwrap(), procedure.output("y").unwrap());
    let count = y.layout.elements();
    let values = [numbers(count, 1), numbers(count, 2)];
    let given = [surface_of(x, &values[0], f32::to_le_bytes), surface_of(a, &values[1], f32::to_le_bytes)];
    let result = surface(y, 0xff);
    // Surfaces are in the order of the procedure's ports.
    let inputs: Vec<_> = procedure.inputs.iter().map(|p| if p.name == "x" { &given[0] } else { &given[1] }).collect();
    model.evaluate(0, &inputs, &[&result], path).unwrap();
    let expected: Vec<_> = values[0].iter().zip(&values[1]).map(|(x, a)| x - a).collect();
    assert_eq!(floats(y, &result), expected, "{:?} on the {} path", y.layout, path.name());
}

#[test]
fn every_path_gives_the_same() {
    let bed = bed();
    let model = bed.load(&programs::difference(&[2, 3, 4, 5]));
    Path::ALL.into_iter().for_each(|path| check(&model, path));
}

#[test]
fn every_width_is_right() {
    let bed = bed();
    for width in 1..=40 {
        for dims in [vec![width], vec![3, width], vec![2, 3, width], vec![1, 2, 3, width], vec![2, 1, 3, 2, width]] {
            let model = bed.load(&programs::difference(&dims));
            let layout = model.procedures()[0].outputs[0].layout;
            assert_eq!(layout.dense(), width % 16 == 0 || layout.rows() == 1, "rows begin on 64 bytes: {dims:?}");
            check(&model, Path::Client);
        }
    }
}

#[test]
fn padded_planes_are_stepped_over() {
    let bed = bed();
    for padding in [64, 192, 4096] {
        double::set("plane_padding", padding);
        for dims in [vec![2, 3, 4, 5], vec![2, 3, 2, 4, 16], vec![3, 1, 16], vec![1, 1, 1, 7]] {
            let model = bed.load(&programs::difference(&dims));
            let layout = model.procedures()[0].outputs[0].layout;
            let unpadded = layout.rows() * layout.row_stride();
            assert!(layout.bytes() > unpadded, "{layout:?}");
            check(&model, Path::InMemory);
            // The next padding is another layout of the same program.
            model.purge().unwrap();
        }
    }
}

/// `y` is the sum of inputs `i0`, `i1`, ..., times 1, 2, ...
fn weighted_sum(count: usize) -> String {
    let ty = "tensor<fp32, [1, 3]>";
    let params: Vec<_> = (0..count).map(|i| format!("{ty} i{i}")).collect();
    let mut body = format!("{ty} s0 = add(x = i0, y = fp32(0x0p+0));");
    for i in 1..count {
        body +=
            &format!("{ty} p{i} = mul(x = i{i}, y = fp32({}.0)); {ty} s{i} = add(x = s{}, y = p{i});", i + 1, i - 1);
    }
    format!("program(1.3) {{ func main<ios16>({}) {{ {body} }} -> (s{}); }}", params.join(", "), count - 1)
}

#[test]
fn many_inputs_bind_by_name_though_the_alphabet_reorders_them() {
    let bed = bed();
    let model = bed.load(&weighted_sum(12));
    let procedure = &model.procedures()[0];
    let names: Vec<_> = procedure.inputs.iter().map(|p| &*p.name).collect();
    assert_eq!(names[..5], ["i0", "i1", "i10", "i11", "i2"], "the framework sorts");
    let index = |name: &str| name[1..].parse::<usize>().unwrap();
    let surfaces: Vec<_> = procedure
        .inputs
        .iter()
        .map(|p| surface_of(p, &[1.0, 10.0, (index(&p.name) == 10) as u8 as f32], f32::to_le_bytes))
        .collect();
    let y = surface(&procedure.outputs[0], 0);
    model.evaluate(0, &surfaces.iter().collect::<Vec<_>>(), &[&y], Path::Direct).unwrap();
    assert_eq!(floats(&procedure.outputs[0], &y), [78.0, 780.0, 11.0]);
}

#[test]
fn inputs_that_nothing_reads_are_no_ports() {
    let bed = bed();
    let text = "program(1.3) { func main<ios16>(tensor<fp32, [1, 4]> dead, tensor<fp32, [1, 4]> x) {
        tensor<fp32, [1, 4]> y = relu(x = x); } -> (y); }";
    let model = bed.load(text);
    let ports = &model.procedures()[0];
    assert_eq!(ports.inputs.iter().map(|p| (&*p.name, p.symbol)).collect::<Vec<_>>(), [("x", 0)]);
    let (x, y) =
        (surface_of(&ports.inputs[0], &[-1.0, 2.0, -3.0, 4.0], f32::to_le_bytes), surface(&ports.outputs[0], 0));
    model.evaluate(0, &[&x], &[&y], Path::Client).unwrap();
    assert_eq!(floats(&ports.outputs[0], &y), [0.0, 2.0, 0.0, 4.0]);
}

#[test]
fn functions_are_procedures() {
    let bed = bed();
    let model = bed.load(programs::TWO_FUNCTIONS);
    let procedures = model.procedures();
    let facts: Vec<_> = procedures.iter().map(|p| (&*p.name, p.id, p.inputs[0].symbol, p.outputs[0].symbol)).collect();
    assert_eq!(facts, [("double", 0, 0, 0), ("square", 1, 1, 1)]);
    for (at, expected) in [[2.0, 4.0, 6.0, 8.0], [1.0, 4.0, 9.0, 16.0]].into_iter().enumerate() {
        let (from, to) = (&procedures[at].inputs[0], &procedures[at].outputs[0]);
        let (x, y) = (surface_of(from, &[1.0, 2.0, 3.0, 4.0], f32::to_le_bytes), surface(to, 0));
        for path in Path::ALL {
            model.evaluate(at, &[&x], &[&y], path).unwrap();
            assert_eq!(floats(to, &y), expected, "{}", procedures[at].name);
        }
    }
    let y = surface(&procedures[0].outputs[0], 0);
    let error = model.evaluate(2, &[&y], &[&y], Path::InMemory).unwrap_err();
    assert!(error.to_string().contains("no procedure 2"), "{error}");
}

/// Runs a program from `x` to `y` on bytes.
fn bytes_through<const IN: usize, const OUT: usize>(
    bed: &Bed,
    text: &str,
    values: &[[u8; IN]],
) -> (ElementType, Vec<[u8; OUT]>) {
    let model = bed.load(text);
    let (from, to) = (&model.procedures()[0].inputs[0], &model.procedures()[0].outputs[0]);
    let (x, y) = (surface_of(from, values, |v| v), surface(to, 0x77));
    model.evaluate(0, &[&x], &[&y], Path::Client).unwrap();
    (from.layout.element(), elements(to, &y, |v| v))
}

#[test]
fn every_element_type_has_its_size() {
    let bed = bed();
    let text = |from: &str, to: &str, operation: &str| {
        format!(
            "program(1.3) {{ func main<ios17>(tensor<{from}, [2, 3]> x) {{ tensor<{to}, [2, 3]> y = {operation}; }} -> (y); }}"
        )
    };
    let ints = [1, -2, 3, -100_000, 5, 6];
    let result = bytes_through::<4, 4>(&bed, &text("int32", "int32", "add(x = x, y = x)"), &ints.map(i32::to_le_bytes));
    assert_eq!(result, (ElementType::Int32, ints.map(|i| (2 * i).to_le_bytes()).to_vec()));
    // 1, 2, 3 as halves.
    let halves = [0x3c00_u16, 0x4000, 0x4200, 0xbc00, 0, 0x3c00].map(u16::to_le_bytes);
    let result = bytes_through::<2, 2>(&bed, &text("fp16", "fp16", "relu(x = x)"), &halves);
    let expected = [0x3c00_u16, 0x4000, 0x4200, 0, 0, 0x3c00].map(u16::to_le_bytes);
    assert_eq!(result, (ElementType::Float16, expected.to_vec()));
    let result =
        bytes_through::<1, 1>(&bed, &text("bool", "bool", "logical_not(x = x)"), &[[0], [1], [0], [1], [1], [0]]);
    assert_eq!(result, (ElementType::Bool, vec![[1], [0], [1], [0], [0], [1]]));
    for (name, ty) in [("int8", ElementType::Int8), ("uint8", ElementType::UInt8)] {
        let result = bytes_through::<1, 1>(
            &bed,
            &text(name, name, "reshape(shape = tensor<int32, [2]>([2, 3]), x = x)"),
            &[[1], [2], [3], [4], [5], [127]],
        );
        assert_eq!(result, (ty, vec![[1], [2], [3], [4], [5], [127]]));
    }
    for (name, ty) in [("int16", ElementType::Int16), ("uint16", ElementType::UInt16)] {
        let values = [1_u16, 2, 300, 4, 5, 32_767].map(u16::to_le_bytes);
        let operation = "reshape(shape = tensor<int32, [2]>([2, 3]), x = x)";
        assert_eq!(bytes_through::<2, 2>(&bed, &text(name, name, operation), &values), (ty, values.to_vec()));
    }
}

#[test]
fn requests_are_kept_by_surfaces_mapped_once_and_bounded() {
    let bed = bed();
    let mut options = Options::default();
    options.bindings = 2;
    let model = bed.try_load(&programs::difference(&[1, 3]), options).unwrap();
    let port = &model.procedures()[0].outputs[0];
    let s: Vec<_> = (0..5).map(|_| surface(port, 0)).collect();
    let run = |y: &Surface| model.evaluate_kept(0, &[&s[0], &s[1]], &[y], Path::Direct).unwrap();
    let calls = || {
        let request = "requestWithInputs:inputIndices:outputs:outputIndices:weightsBuffer:perfStats:procedureIndex:";
        [request, "mapIOSurfacesWithModel:request:cacheInference:error:", "unmapIOSurfacesWithModel:request:"]
            .map(double::calls)
    };
    (0..3).for_each(|_| assert!(run(&s[2]).mapped));
    assert_eq!(calls(), [1, 1, 0]);
    run(&s[3]);
    run(&s[2]);
    assert_eq!(calls(), [2, 2, 0]);
    run(&s[4]);
    assert_eq!((calls(), double::get("mapped")), ([3, 3, 1], 2), "the one that was not used for longest gave way");
    run(&s[2]);
    assert_eq!(calls(), [3, 3, 1]);
    run(&s[3]);
    assert_eq!(calls(), [4, 4, 2]);
    drop(model);
    assert_eq!(calls(), [4, 4, 4], "unmapped before the program goes");
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_sent() {
    let bed = bed();
    let model = bed.load(&programs::difference(&[1, 5_000]));
    let port = &model.procedures()[0].outputs[0];
    let (a, x, y, small) = (surface(port, 0), surface(port, 0), surface(port, 0), Surface::new(64).unwrap());
    let error = |inputs: &[&Surface], outputs: &[&Surface]| match model.evaluate(0, inputs, outputs, Path::Client) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it ran"),
    };
    assert_eq!(error(&[&a], &[&y]), "the procedure has 2 inputs, 1 given");
    assert_eq!(error(&[&a, &x], &[]), "the procedure has 1 outputs, 0 given");
    assert_eq!(error(&[&a, &small], &[&y]), "input `x` takes 20032 bytes, the surface given has 64");
    assert_eq!(error(&[&a, &x], &[&small]), "output `y` takes 20032 bytes, the surface given has 64");
    assert!(error(&[&a, &x], &[&x]).contains("in use"), "an output that is also an input");
    let guard = y.read().unwrap();
    assert!(matches!(model.evaluate(0, &[&a, &x], &[&y], Path::Client), Err(Error::Busy(_))));
    drop(guard);
    let guard = x.write().unwrap();
    assert!(matches!(model.evaluate(0, &[&a, &x], &[&y], Path::Client), Err(Error::Busy(_))));
    drop(guard);
    let reading = x.read().unwrap();
    assert_eq!(double::calls("evaluateWithModel:options:request:qos:error:"), 0);
    model.evaluate(0, &[&a, &x], &[&y], Path::Client).unwrap();
    drop(reading);
}

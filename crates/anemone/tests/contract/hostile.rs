//! Arguments that nobody means: the builder takes all of them, and neither it nor the check panics, overflows or takes
//! memory for what is only a number. What they let through runs.

use crate::{compiled, default_backend, evaluate};
use anemone::{
    Convolution2dDescriptor, ConvolutionTranspose2dDescriptor, ErrorKind, Graph, PadFillMode, PadMode, Shape, Tensor,
};

/// The same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Mostly small, so that some calls are right and others follow from them.
    fn size(&mut self) -> usize {
        const LIMITS: [usize; 9] =
            [0, 63, 65, 1 << 15, (1 << 31) - 1, 1 << 31, 1 << 32, usize::MAX / 2 + 1, usize::MAX];
        if self.below(20) == 0 { self.one(&LIMITS) } else { self.one(&[1, 1, 2, 3, 4, 64]) }
    }

    fn shape(&mut self) -> Shape {
        Shape::from_dims([(); 4].map(|()| self.size()))
    }

    fn float(&mut self) -> f64 {
        self.one(&[0.0, -0.0, 1.0, -2.5, 1e-30, 1e30, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN])
    }

    fn axis(&mut self) -> i64 {
        self.one(&[0, 1, 2, 3, -1, -2, -3, -4, 4, -5, i64::MAX, i64::MIN])
    }

    fn numbers(&mut self) -> Vec<f32> {
        let len = self.one(&[0, 1, 2, 3, 4, 9, 12, 16, 36, 64, 256]);
        vec![self.float() as f32; len]
    }
}

/// A random call on random tensors.
fn call(g: &mut Graph, r: &mut Random, tensors: &[Tensor]) -> Tensor {
    let (x, y, z) = (r.one(tensors), r.one(tensors), r.one(tensors));
    let pad_mode = r.one(&[PadMode::Valid, PadMode::Same]);
    let groups = r.size();
    match r.below(24) {
        0 => g.placeholder(r.shape()),
        1 => g.constant(&r.numbers(), r.shape()),
        2 => {
            // A large one takes the memory that it says; that is not what is tested here.
            let shape = r.shape();
            let small = shape.total_elements() < 1 << 16 || shape.total_elements() > 1 << 32;
            g.constant_with_scalar(r.float() as f32, if small { shape } else { Shape::channels(3) })
        }
        3 => g.constant_with_f16_bytes(&vec![0x7b; r.below(40)], r.shape()),
        4 => g.inner_product(x, &r.numbers(), r.size(), r.size()),
        5 => g.matrix_multiplication(x, y, r.below(2) == 0, r.below(2) == 0),
        6 => g.addition(x, y),
        7 => g.power(x, y),
        8 => g.leaky_relu(x, r.float()),
        9 => g.hard_sigmoid(x, r.float(), r.float()),
        10 => g.reshape(x, r.shape()),
        11 => g.transpose(x, r.one(&[[0, 1, 3, 2], [3, 2, 1, 0], [0, 0, 1, 2], [0, 1, 2, usize::MAX], [4, 3, 2, 1]])),
        12 => g.slice(x, [(); 4].map(|()| r.one(&[0, 0, 1, usize::MAX])), r.shape().dims()),
        13 => g.concat(&[x, y, z][..r.below(4)], r.one(&[0, 1, 2, 3, 4, usize::MAX])),
        14 => g.flatten_2d(x),
        15 => g.reduce_mean(x, r.axis()),
        16 => g.soft_max(x, r.axis()),
        17 => g.instance_norm(x, y, r.float()),
        18 => g.convolution_2d(x, y, (r.below(2) == 0).then_some(z), &Convolution2dDescriptor { groups, pad_mode }),
        19 => g.convolution_2d_1x1_dynamic(x, y),
        20 => {
            let (stride_height, stride_width) = (r.size(), r.size());
            let descriptor = ConvolutionTranspose2dDescriptor { groups, stride_height, stride_width, pad_mode };
            g.convolution_transpose_2d(x, y, (r.below(2) == 0).then_some(z), &descriptor)
        }
        21 => g.avg_pool(x, r.size(), r.size(), r.size(), r.size(), pad_mode),
        22 => g.max_pool(x, r.size(), r.size(), r.size(), r.size(), pad_mode),
        _ => {
            let mode = r.one(&[PadFillMode::Constant, PadFillMode::Reflect, PadFillMode::Replicate]);
            g.pad(x, r.size(), r.size(), r.size(), r.size(), mode, r.float())
        }
    }
}

#[test]
fn no_arguments_make_the_builder_the_check_or_a_run_panic() {
    let foreign = Graph::new().placeholder(Shape::spatial(4, 1, 64));
    let (mut right, mut wrong, mut run) = (0, 0, 0);
    for seed in 0..20_000 {
        let mut r = Random(seed);
        let mut g = Graph::new();
        let mut tensors = vec![g.placeholder(Shape::spatial(4, 1, 64)), g.placeholder(Shape::spatial(4, 4, 4))];
        tensors.push(g.constant(&[0.5; 16], Shape::channels(4)));
        if seed % 16 == 0 {
            tensors.push(foreign);
        }
        for _ in 0..1 + r.below(4) {
            let made = call(&mut g, &mut r, &tensors);
            tensors.push(made);
        }
        let last = g.relu(tensors[tensors.len() - 1]);
        g.output(last);
        match g.program() {
            Ok(program) => {
                let ty = program.main().ty(program.main().outputs[0]);
                assert_eq!(*ty.dims, last.shape.dims(), "seed {seed}: the handle knows the shape");
                right += 1;
                let function = program.main();
                let work = function.nodes.iter().map(|n| n.macs).max().unwrap_or_default();
                let most = function.values.iter().map(|v| v.ty.dims.elements()).max().unwrap_or_default();
                if seed % 8 == 0 && most < 1 << 14 && work < 1 << 20 {
                    let executable = compiled(&g);
                    // A Neural Engine takes no program whose results are always the same.
                    let constant = executable.why().contains("no output depends on an input");
                    assert!(executable.backend() == default_backend() || constant, "{}", executable.why());
                    let filled = executable.inputs().iter().map(|p| vec![0.5; p.shape.total_elements()]);
                    let inputs: Vec<_> = filled.collect();
                    crate::run(&executable, &inputs.iter().map(Vec::as_slice).collect::<Vec<_>>());
                    run += 1;
                }
            }
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Graph);
                assert!(e.diagnostics().iter().any(|d| d.slug != "no-output"), "seed {seed}: {e}");
                assert!(!e.to_string().contains("(unknown)"), "seed {seed}: {e}");
                wrong += 1;
            }
        }
    }
    assert!(right > 2_000 && wrong > 2_000 && run > 200, "{right} right, {wrong} wrong, {run} run: nothing is tested");
}

/// Of a window far larger than its input nearly all is padding, which must cost nothing.
#[test]
fn a_window_of_billions_of_elements_is_soon_run() {
    let mut g = Graph::new();
    let x = g.placeholder(Shape::spatial(1, 2, 3));
    let most = (1 << 31) - 1;
    g.max_pool(x, 5, most, 1, 1, PadMode::Same);
    g.avg_pool(x, most, 1, 1, 1, PadMode::Same);
    let found = evaluate(&g, &[&[1.0, 2.0, 3.0, 6.0, 5.0, 4.0]]);
    assert_eq!(*found[0], [6.0; 6]);
    assert_eq!(*found[1], [0.0; 6], "a sum of two elements, divided by billions");
}

//! `run` with states, steps, values on the way and a trace.

use crate::support::{Folder, read_npy, singles};
use serde_json::Value;

/// A sum that is kept: `y = sum so far + relu(x) * w`, with a result that is not an output.
const RUNNING: &str = "\
program(1.3)
{
    func main<ios18>(tensor<fp32, [2]> x, tensor<fp32, [2]> w, state<tensor<fp16, [2]>> kept) {
        tensor<fp16, [2]> before = read_state(input = kept);
        tensor<fp32, [2]> wide = cast(x = before, dtype = string(\"fp32\"));
        tensor<fp32, [2]> r = relu(x = x)[name = string(\"clipping\")];
        tensor<fp32, [2]> m = mul(x = r, y = w);
        tensor<fp32, [2]> y = add(x = m, y = wide);
        tensor<fp16, [2]> after = cast(x = y, dtype = string(\"fp16\"));
        write_state(input = kept, data = after);
    } -> (y);
}
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("running.mil", RUNNING);
    folder.write("x.npy", singles("(3, 2)", &[1.0, -1.0, 2.0, 3.0, 4.0, 5.0]));
    folder.write("w.npy", singles("(2,)", &[1.0, 10.0]));
    folder
}

#[test]
fn states_go_from_step_to_step() {
    let folder = folder();
    let ran = folder.anemone("run running.mil -i x=x.npy -i w=w.npy --steps 3 -o out --state-out kept").ok();
    assert!(ran.out.contains("y       [3, 2]  fp32") && ran.out.contains("for each of 3 steps"), "{}", ran.out);
    let y = read_npy(&folder.read("out/y.npy"));
    assert_eq!(y, ("(3, 2)".to_owned(), vec![1.0, 0.0, 3.0, 30.0, 7.0, 80.0]));
    assert_eq!(read_npy(&folder.read("kept/kept.npy")), ("(2,)".to_owned(), vec![7.0, 80.0]));

    // From there on.
    folder.write("next.npy", singles("(2,)", &[1.0, 1.0]));
    let run = "run running.mil -i x=next.npy -i w=w.npy -o next";
    folder.anemone(&format!("{run} --state-in kept")).ok();
    assert_eq!(read_npy(&folder.read("next/y.npy")).1, [8.0, 90.0]);
    folder.anemone(run).ok();
    assert_eq!(read_npy(&folder.read("next/y.npy")).1, [1.0, 10.0]);
}

#[test]
fn states_that_do_not_fit_are_refused() {
    let folder = folder();
    let run = "run running.mil -i x=ones -i w=ones";
    folder.anemone(&format!("{run} --state-in nowhere")).fails(1, &["read state `kept` from nowhere/kept.npy"]);
    folder.write("wrong/kept.npy", singles("(3,)", &[0.0; 3]));
    folder.anemone(&format!("{run} --state-in wrong")).fails(1, &["float32[3], and the state is fp16[2]"]);
    folder.write("small.mil", crate::support::SMALL);
    let ran = folder.anemone("run small.mil -i x=ones -i z=ones --state-out kept");
    ran.fails(1, &["the function `main` has no states"]);
    let ran = folder.anemone("run running.mil -i x=x.npy -i w=ones --steps 2");
    ran.fails(1, &["x.npy is float32[3, 2], and the input is fp32[2]", "a file for 2 steps is [2, 2]"]);
    folder.anemone("run running.mil -i x=ones -i w=ones --steps 2 --backend ane").fails(2, &["--backend ane: --steps"]);
}

#[test]
fn values_on_the_way_are_saved() {
    let folder = folder();
    let run = "run running.mil -i x=x.npy -i w=w.npy --steps 3";
    let ran =
        folder.anemone(&format!("{run} -o out --dump m --dump clipping=r.npy --dump y=again.npy --dump before")).ok();
    assert!(ran.out.contains("saved    out/m.npy\nsaved    r.npy\n"), "{}", ran.out);
    assert!(ran.out.starts_with("output") && !ran.out.contains("\nm "), "{}", ran.out);
    assert_eq!(read_npy(&folder.read("out/m.npy")).1, [1.0, 0.0, 2.0, 30.0, 4.0, 50.0]);
    assert_eq!(read_npy(&folder.read("r.npy")).1, [1.0, 0.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(read_npy(&folder.read("out/before.npy")).1, [0.0, 0.0, 1.0, 0.0, 3.0, 30.0]);
    assert_eq!(folder.read("again.npy"), folder.read("out/y.npy"));
    let before = folder.entries();
    folder.anemone(&format!("{run} -o none --dump nothing")).fails(1, &["no value or operation of that name"]);
    folder.anemone(&format!("{run} -o none --dump kept")).fails(1, &["it is a state", "--state-out"]);
    assert_eq!(folder.entries(), before);
}

#[test]
fn values_in_blocks_are_not_saved() {
    let folder = Folder::new();
    let text = r#"program(1.3) { func main<ios17>(tensor<fp32, [2]> x, bool p) {
        tensor<fp32, [2]> y = cond(pred = p)
        () {
            tensor<fp32, [2]> inner = relu(x = x)[name = string("deep")];
        } -> (inner)
        () {
            tensor<fp32, [2]> other = exp(x = x);
        } -> (other);
    } -> (y); }"#;
    folder.write("cond.mil", text);
    for name in ["inner", "deep"] {
        let ran = folder.anemone(&format!("run cond.mil -i x=ones -i p=ones --dump {name}"));
        ran.fails(1, &["it lies in a block of a cond, which gives `y`"]);
    }
    folder.anemone("run cond.mil -i x=ones -i p=ones --dump y").ok();
    assert_eq!(read_npy(&folder.read("y.npy")).1, [1.0, 1.0]);
}

#[test]
fn a_trace_has_every_step() {
    let folder = folder();
    folder.anemone("run running.mil -i x=x.npy -i w=w.npy --steps 3 --trace run.json").ok();
    let trace: Value = serde_json::from_slice(&folder.read("run.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |cat: &str| events.iter().filter(|e| e["cat"] == cat).collect::<Vec<_>>();
    let (runs, steps) = (of("run"), of("step"));
    assert_eq!(runs.len(), 3);
    let planned = folder.json("inspect running.mil").1["plan"]["steps"].as_array().unwrap().len();
    assert_eq!(steps.len(), 3 * planned);
    for step in steps {
        assert_eq!(step["ph"], "X");
        let run = &runs[step["args"]["run"].as_u64().unwrap() as usize];
        let span = |e: &Value| {
            let ts = e["ts"].as_f64().unwrap();
            (ts, ts + e["dur"].as_f64().unwrap())
        };
        let ((begin, end), (first, last)) = (span(step), span(run));
        // Within its run, but for how decimal fractions round.
        assert!(begin >= first - 1e-3 && end <= last + 1e-3 && begin <= end, "{step} {run}");
        assert!(step["args"]["bytes_written"].as_u64().unwrap() > 0);
    }
    let text = String::from_utf8(folder.read("run.json")).unwrap();
    assert!(text.contains("relu") && text.contains("process_name"), "{text}");
}

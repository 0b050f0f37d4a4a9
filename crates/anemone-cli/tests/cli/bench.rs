use crate::support::{Folder, with_weights};

#[test]
fn times_follow_a_check_of_the_result() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    let text = folder.anemone("bench a.mil --iterations 20 --threads 1").ok();
    for expected in ["p50", "p99", "\n  20  ", "GFLOP/s", "GB/s", "reference", "3 runs gave equal bytes"] {
        assert!(text.out.contains(expected), "{expected}\n{}", text.out);
    }
    let (_, json) = folder.json("bench a.mil --seconds 0.05 --profile f32");
    assert_eq!(json["reference"]["compared"], true);
    assert!(json["reference"]["error"].as_f64().unwrap() <= json["reference"]["tolerance"].as_f64().unwrap());
    let time = |name: &str| json["seconds"][name].as_f64().unwrap();
    assert!(
        0.0 < time("min") && time("min") <= time("p50") && time("p50") <= time("p95") && time("p95") <= time("p99")
    );
    assert!(time("p99") <= time("max"));
    assert_eq!(json["ran_on"]["profile"], "f32");
    let gflops = 2.0 * json["macs"].as_f64().unwrap() / time("p50") / 1e9;
    assert!((json["gflops"].as_f64().unwrap() / gflops - 1.0).abs() < 1e-9);
    assert!(json["peak"]["gflops"].as_f64().unwrap() > 0.0);
    // 4 by 64 halves in and out, 16 weights; the profile f32 keeps them in four bytes.
    assert!(json["bytes_moved"].as_u64().unwrap() >= 2 * 4 * 64 * 4, "{json}");
}

#[test]
fn large_programs_are_not_compared_with_the_reference() {
    let folder = Folder::new();
    let text = "program(1.3) { func main<ios16>(tensor<fp16, [1, 1024, 1024]> x) {\n\
                tensor<fp16, [1, 1024, 1024]> y = matmul(x = x, y = x); } -> (y); }";
    folder.write("large.mil", text);
    let (_, json) = folder.json("bench large.mil --iterations 1");
    assert_eq!((&json["reference"]["compared"], &json["runs"]), (&false.into(), &1.into()));
    assert_eq!(json["macs"], 1u64 << 30);
}

use anemone_apple::*;

#[test]
fn smoke() {
    let framework = Framework::get().unwrap();
    for f in Framework::preflight() {
        println!("{f}");
    }
    println!("{:?}", framework.device().unwrap());
    let text = r#"program(1.3)
{
    func main<ios16>(tensor<fp16, [1, 2, 1, 3]> x, tensor<fp16, [1, 2, 1, 3]> a) {
        tensor<fp16, [1, 2, 1, 3]> y = sub(x = x, y = a);
    } -> (y);
}"#;
    let source = Source { text: text.as_bytes(), weights: &[] };
    let model = Model::new(framework, &source, Options::default()).unwrap();
    println!("{:?}", model.procedures());
    let s: Vec<_> = (0..3).map(|_| Surface::new(MIN_BYTES).unwrap()).collect();
    s[0].write().unwrap()[..2].copy_from_slice(&0x3c00u16.to_le_bytes());
    for p in Path::ALL {
        println!("{:?}", model.evaluate(0, &[&s[0], &s[1]], &[&s[2]], p).unwrap());
    }
    println!("{:?}", model.evaluate_kept(0, &[&s[0], &s[1]], &[&s[2]], Path::Direct).unwrap());
    println!("{:?}", &s[2].read().unwrap()[..8]);
    model.submit(0, &[&s[0], &s[1]], &[&s[2]]).unwrap().wait().unwrap();
}

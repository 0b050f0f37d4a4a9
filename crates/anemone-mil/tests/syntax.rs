//! The tree: canonical texts are fixed points, any text is brought to canonical form, and no text does harm.

#![allow(clippy::unwrap_used)]

#[path = "syntax/trees.rs"]
mod trees;

use anemone_mil::syntax::{self, MAX_ERRORS, parse, print};
use anemone_mil::{Dialect, NoWeights, Source};

/// All that is known of operations is in the table of the intermediate representation.
#[test]
fn no_operation_is_named_here() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            // `shape` is also a word of Core ML's metadata.
            for schema in anemone_ir::op::SCHEMAS.iter().filter(|s| s.mnemonic != "shape") {
                assert!(!text.contains(&format!("\"{}\"", schema.mnemonic)), "{}: {}", path.display(), schema.mnemonic);
            }
            assert!(!text.contains("Op::"), "{}", path.display());
        }
    }
    assert!(files > 10);
}

/// Everything that the grammar has, in canonical form.
const WHOLE_GRAMMAR: &str = r#"program(1.3)
[buildInfo = dict<string, string>({{"coremlc-component-MIL", "3520.4.1"}, {"coremlc-version", "3520.5.1"}})]
{
    func empty<ios15>() {
        } -> ();
    func main<ios18>(state<tensor<fp16, [1, 4]>> cache, tensor<fp16, [1, ?]> flexible, tensor<fp16, [*?]> more, int32 n) [FlexibleShapeInformation = tuple<tuple<string, dict<string, tensor<int32, [?]>>>, tuple<string, dict<string, list<tensor<int32, [2]>, ?>>>>((("DefaultShapes", {{"flexible", [1, 1]}}), ("RangeDims", {{"flexible", [[1, 1], [1, 32000]]}}))), none = list<string, 0>([])] {
            tensor<fp16, [2, 3]> c = const()[name = string("c"), val = tensor<fp16, [2, 3]>([[0x1p+0, -0x1.8p-3, 0x1.5p-17], [inf, -inf, nan]])];
            tensor<int4, [3]> narrow = const()[name = string("narrow"), val = tensor<int4, [3]>([-8, 7, 0])];
            tensor<uint64, [2]> wide = const()[name = string("wide"), val = tensor<uint64, [2]>([0, 18446744073709551615])];
            tensor<fp16, [64, 64]> w = const()[name = string("w"), val = tensor<fp16, [64, 64]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64)))];
            tensor<fp16, [8]> lut = constexpr_lut_to_dense(indices = tensor<uint4, [8]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(8320))), lut = tensor<fp16, [2]>([0x1p+0, 0x0p+0]))[name = string("lut")];
            tensor<fp16, [1, 4]> held = read_state(input = cache)[name = string("held")];
            tensor<fp16, [1, 2]> a@0, tensor<fp16, [1, 2]> a@1 = split(axis = int32(1), num_splits = int32(2), x = held)[name = string("a")];
            tensor<fp16, [2, 2]> b = concat(axis = int32(0), interleave = bool(false), values = (a@0, a@1, tensor<fp16, [0, 2]>([])))[name = string("b\n\"\\\t\r é")];
            write_state(data = held, input = cache)[name = string("store")];
            int32 last, tensor<fp16, [1, 2]> sum = while_loop(loop_vars = (n, (a@0)))
                (int32 i, tensor<fp16, [1, 2]> x) {
                    bool go = less(x = i, y = int32(10))[name = string("go")];
                } -> (go)
                (int32 i_1, tensor<fp16, [1, 2]> x_1) {
                    bool even = equal(x = i_1, y = int32(0));
                    tensor<fp16, [1, 2]> y = cond(pred = even)
                        () {
                        } -> (x_1)
                        () {
                            tensor<fp16, [1, 2]> doubled = add(x = x_1, y = x_1)[name = string("doubled")];
                        } -> (doubled);
                    int32 next = add(x = i_1, y = int32(1))[name = string("next")];
                } -> (next, y);
        } -> (b, sum, lut);
}"#;

#[test]
fn canonical_texts_are_fixed_points() {
    let tree = parse(WHOLE_GRAMMAR).unwrap();
    assert_eq!(print(&tree), WHOLE_GRAMMAR);
    // The other dialect differs in the spelling of scalars, and says the same.
    let mut old = tree.clone();
    old.version = Dialect::V1_0.version();
    let text = print(&old);
    assert!(text.contains("val = tensor<int4, [3]>([-8, 7, 0])") && text.contains("pred = even"));
    assert!(text.contains("[name = tensor<string, []>(\"go\")]") && !text.contains("string(\""));
    assert_eq!(print(&parse(&text).unwrap()), text);
    assert_eq!(parse(&text).unwrap().functions, tree.functions);
}

#[test]
fn other_layouts_are_brought_to_canonical_form() {
    let text = "program ( 1 ) // the head\n{func main<ios16>(tensor<fp16,[2]>x,int32 n)[]{//two\r\n\
        tensor<fp16,[]>a=const()[val=fp16(0.1)];tensor<fp16,[4]>b=const()[val=tensor<fp16,[4]>([1e-5,-12,-0,\
        0x1.1000000000000p-20])];\tf(x=a)[];}->(a);}//end";
    let canonical = "program(1.0)
{
    func main<ios16>(tensor<fp16, [2]> x, tensor<int32, []> n) {
            tensor<fp16, []> a = const()[val = tensor<fp16, []>(0x1.999999999999ap-4)];
            tensor<fp16, [4]> b = const()[val = tensor<fp16, [4]>([0x1.4f8b588e368f1p-17, -12, -0, 0x1.1p-20])];
            f(x = a);
        } -> (a);
}";
    assert_eq!(print(&parse(text).unwrap()), canonical);
}

#[test]
fn random_trees_are_read_as_they_were_written() {
    arbtest::arbtest(|u| {
        let tree = trees::text(u)?;
        let text = print(&tree);
        let back = parse(&text).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        assert_eq!(back, tree, "{text}");
        assert_eq!(print(&back), text);
        Ok(())
    })
    .budget_ms(1000);
}

/// Reads a text in every way there is; it may be wrong.
fn read(text: &str) {
    let source = Source::new("x.mil", text);
    match source.parse(&NoWeights) {
        Ok(parsed) => drop(anemone_mil::print(&parsed.program, parsed.dialect)),
        Err(e) => assert!(!e.diagnostics().is_empty() && !e.to_string().is_empty()),
    }
    if let Ok(tree) = parse(text) {
        let printed = print(&tree);
        assert_eq!(print(&parse(&printed).unwrap()), printed);
    }
}

#[test]
fn arbitrary_text_does_no_harm() {
    arbtest::arbtest(|u| {
        read(u.arbitrary()?);
        Ok(())
    });
    const WORDS: &[&str] = &[
        "program", "(", ")", "1.3", "{", "}", "func", "main", "<", ">", "ios16", "tensor", "fp16", ",", "[", "]", "1",
        "?", "*?", "x", "y", "=", "relu", "const", "val", "name", "string", "\"s\"", "->", ";", "-", "0x1p+0", "inf",
        "BLOBFILE", "dict", "list", "tuple", "state", "\"", "\\", "//", "\n", "é", "\0",
    ];
    arbtest::arbtest(|u| {
        let words: Vec<&str> =
            u.arbitrary_iter::<u8>()?.map(|w| Ok(WORDS[w? as usize % WORDS.len()])).collect::<Result<_, _>>()?;
        read(&words.join(if u.arbitrary()? { " " } else { "" }));
        Ok(())
    })
    .budget_ms(500);
}

#[test]
fn mutations_of_a_text_do_no_harm() {
    arbtest::arbtest(|u| {
        let mut bytes = WHOLE_GRAMMAR.as_bytes().to_vec();
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.choose_index(bytes.len())?;
            match u.int_in_range(0..=3)? {
                0 => bytes[at] = u.arbitrary()?,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                _ => {
                    let end = (at + u.int_in_range(0..=200)?).min(bytes.len());
                    let copied = bytes[at..end].to_vec();
                    let to = u.choose_index(bytes.len())?;
                    bytes.splice(to..to, copied);
                }
            }
        }
        read(&String::from_utf8_lossy(&bytes));
        Ok(())
    })
    .budget_ms(1000);
}

#[test]
fn every_truncated_text_is_an_error_at_its_end() {
    for end in (0..WHOLE_GRAMMAR.len()).filter(|at| WHOLE_GRAMMAR.is_char_boundary(*at)) {
        let errors = parse(&WHOLE_GRAMMAR[..end]).unwrap_err();
        assert!(!errors.is_empty(), "{end}");
    }
}

/// An operation with `open` as often as `times`, `inner`, and `close` as often, in a text that is right otherwise.
fn nested(times: usize, (head, open, inner, close, tail): (&str, &str, &str, &str, &str)) -> String {
    let operation = [head, &open.repeat(times), inner, &close.repeat(times), tail].concat();
    format!("program(1.3) {{ func main<ios16>() {{ {operation}; }} -> (); }}")
}

#[test]
fn nesting_is_bounded() {
    let bombs = [
        ("f(x = ", "(", "y", ")", ")"),
        ("f(x = int32(", "[", "1", "]", "))"),
        ("f(x = int32(", "(", "1", ")", "))"),
        ("f(x = int32(", "{{1, ", "1", "}}", "))"),
        ("f(x = ", "list<", "int32", ", 1>", "(1))"),
        ("f(x = ", "tuple<", "int32", ">", "(1))"),
        ("f(x = ", "dict<int32, ", "int32", ">", "(1))"),
        ("f(x = ", "state<", "int32", ">", "(1))"),
        ("f(x = ", "int32(BLOBFILE(a = ", "int32(1)", "))", ")"),
        ("f()", "() { f()", "() { } -> ()", "; } -> ()", ""),
    ];
    for bomb in bombs {
        assert!(parse(&nested(60, bomb)).is_ok(), "{bomb:?}");
        for times in [66, 100_000] {
            let errors = parse(&nested(times, bomb)).unwrap_err();
            assert_eq!(errors[0].slug, "nesting", "{bomb:?}");
        }
        // The same, never closed.
        let (head, open, ..) = bomb;
        let text = format!("program(1.3) {{ func main<ios16>() {{ {head}{}", open.repeat(100_000));
        assert_eq!(parse(&text).unwrap_err()[0].slug, "nesting", "{bomb:?}");
    }
}

#[test]
fn errors_are_bounded_and_reading_goes_on_behind_them() {
    let text = format!("program(1.3) {{ func main<ios16>() {{ {} }} -> (); }}", "int32 x = f(;\n".repeat(1000));
    assert_eq!(parse(&text).unwrap_err().len(), MAX_ERRORS);
    // What is skipped after an error may be all errors, too.
    let foreign = format!("program(1.3) {{ func main<ios16>() {{ f(x = ) {}", "$ ".repeat(100_000));
    assert_eq!(parse(&foreign).unwrap_err().len(), MAX_ERRORS);
    let text = "program(1.3) { func main<ios16>() {
        int32 a = f(x = );
        int32 b = f(x = a);
        int33 c = f(x = a);
        int32 d = f(x = \"q\\z\");
        int32 e = f(x = 12ab);
        int32 f = f(x = true);
        int32 g = f(x = a, y = [1]);
        f(x = (a, \"s\"));
        } -> (a; }";
    let errors = parse(text).unwrap_err();
    let messages: Vec<_> = errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "a value is wanted here, not `)`",
            "`int33` is no type",
            "a backslash and 'z' is no escape of MIL text",
            "`12ab` is no number: a number is written as `12`, `0.5`, `1e-5` or `0x1.8p-3`",
            "a constant is written with its type",
            "a constant is written with its type",
            "a constant is written with its type",
            "`,` or `)` is wanted here, not `;`",
        ]
    );
}

#[test]
fn typed_values_stand_alone() {
    let typed = syntax::parse_typed("list<tensor<int32, [2]>, ?>([[1, 4], [4, 4]])").unwrap();
    assert_eq!(syntax::print_typed(&typed, Dialect::V1_3), "list<tensor<int32, [2]>, ?>([[1, 4], [4, 4]])");
    assert!(syntax::parse_typed("int32(1) int32(2)").is_err());
    assert!(syntax::parse_typed("").is_err());
}

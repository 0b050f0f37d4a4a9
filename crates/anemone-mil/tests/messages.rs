//! What people see of a text that is wrong.

#![allow(clippy::unwrap_used)]

use anemone_mil::{NoWeights, Source, load, parse};

fn report(text: &str) -> String {
    match parse(text, &NoWeights) {
        Ok(_) => "nothing is wrong".into(),
        Err(e) => e.to_string(),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = report(text);
    assert!(found == expected, "found:\n{found}\nexpected:\n{expected}");
}

#[test]
fn operands_have_their_places() {
    check(
        r#"program(1.3)
{
    func main<ios16>(tensor<fp16, [1, 4, 1, 64]> a, tensor<fp16, [1, 3, 1, 64]> b) {
            tensor<fp16, [1, 4, 1, 64]> y = add(x = a, y = b)[name = string("sum")];
            // What depends on `y` is not reported.
            tensor<fp16, [1, 4, 1, 64]> z = relu(x = y);
            tensor<fp16, [1, 4, 1, 64]> w = rleu(x = a);
            tensor<fp16, [1, 3, 1, 64]> v = relu(x = a);
        } -> (z, w, v);
}"#,
        "model.mil has 3 errors

error[broadcast] in `add` (sum): [1, 4, 1, 64] and [1, 3, 1, 64] do not broadcast: pairs of dimensions must be equal, or one of them 1
  --> model.mil:4:45
   |
 4 |             tensor<fp16, [1, 4, 1, 64]> y = add(x = a, y = b)[name = string(\"sum\")];
   |                                             ^^^
   = x is fp16[1, 4, 1, 64], made at model.mil:3:50
   = y is fp16[1, 3, 1, 64], made at model.mil:3:81

error[unknown-operation] in `rleu` (w): `rleu` is no operation that this version knows
  --> model.mil:7:45
   |
 7 |             tensor<fp16, [1, 4, 1, 64]> w = rleu(x = a);
   |                                             ^^^^
   = help: is `elu` meant?

error[declared-type] in `relu` (v): `v` is declared as fp16[1, 3, 1, 64], but is fp16[1, 4, 1, 64]
  --> model.mil:8:45
   |
 8 |             tensor<fp16, [1, 3, 1, 64]> v = relu(x = a);
   |                                             ^^^^
   = x is fp16[1, 4, 1, 64], made at model.mil:3:50",
    );
}

#[test]
fn mistakes_of_grammar_come_first_and_together() {
    check(
        "program(1.3)
{
    func main<ios16>(tensor<fp16, [2]> a) {
            tensor<fp16, [2]> y = relu(x = a;
            tensor<fp17, [2]> z = relu(x = a);
            tensor<fp16, [2]> w = relu(x = a)[name = string(\"é\ttwo)];
            tensor<fp16, [3]> v = relu(x = a);
        } -> (y)
}",
        "model.mil has 4 errors

error[syntax]: `,` or `)` is wanted here, not `;`
  --> model.mil:4:45
   |
 4 |             tensor<fp16, [2]> y = relu(x = a;
   |                                             ^

error[syntax]: an element type is wanted here, not `fp17`
  --> model.mil:5:20
   |
 5 |             tensor<fp17, [2]> z = relu(x = a);
   |                    ^^^^

error[syntax]: the string is not closed on its line
  --> model.mil:6:61
   |
 6 |             tensor<fp16, [2]> w = relu(x = a)[name = string(\"é two)];
   |                                                             ^^^^^^^^^

error[syntax]: `;` is wanted here, not `}`
  --> model.mil:9:1
   |
 9 | }
   | ^",
    );
}

#[test]
fn what_a_program_cannot_hold_is_said_where_it_stands() {
    check(
        r#"program(1.3)
{
    func main<ios18>(tensor<fp16, [1, ?]> a, state<tensor<fp16, [2]>> s, tensor<fp16, [2]> b) {
            tensor<fp16, [1, ?]> y = relu(x = a);
            tensor<bf16, [2]> z = relu(x = b);
            tensor<fp16, [2]> u = relu(x = z);
            tensor<fp16, [2]> c = cond(pred = bool(true)) () { } -> (b) () { } -> (b);
            tensor<fp16, [2]> d = relu(x = c);
            tensor<fp16, [4]> o = concat(axis = int32(0), values = ((b, b), b));
        } -> (y, u, d, o);
}"#,
        "model.mil has 3 errors

error[open-shape]: input `a`: fp16[1, ?] has open dimensions
  --> model.mil:3:43
   |
 3 |     func main<ios18>(tensor<fp16, [1, ?]> a, state<tensor<fp16, [2]>> s, tensor<fp16, [2]> b) {
   |                                           ^
   = help: give the input a shape before the program is checked; the command line has `--shape`

error[unsupported]: tensors of bf16 are not supported
  --> model.mil:5:13
   |
 5 |             tensor<bf16, [2]> z = relu(x = b);
   |             ^^^^^^^^^^^^^^^^^

error[unsupported]: a tuple inside a tuple is not supported
  --> model.mil:9:69
   |
 9 |             tensor<fp16, [4]> o = concat(axis = int32(0), values = ((b, b), b));
   |                                                                     ^^^^^^",
    );
}

#[test]
fn names_must_be_defined_before() {
    check(
        "program(1.3)
{
    func main<ios16>(tensor<fp16, [2]> x) {
            tensor<fp16, [2]> a = add(x = later, y = later);
            tensor<fp16, [2]> later = relu(x = x);
            tensor<fp16, [2]> b = relu(x = latr);
            tensor<fp16, [2]> x = relu(x = b);
        } -> (a, later, nothing);
}",
        "model.mil has 4 errors

error[undefined]: `later` is not defined
  --> model.mil:4:43
   |
 4 |             tensor<fp16, [2]> a = add(x = later, y = later);
   |                                           ^^^^^
   = help: it is defined only later; an operation reads what was defined before it

error[undefined]: `latr` is not defined
  --> model.mil:6:44
   |
 6 |             tensor<fp16, [2]> b = relu(x = latr);
   |                                            ^^^^
   = help: is `later` meant?

error[duplicate-name]: the name `x` is used twice
  --> model.mil:7:31
   |
 7 |             tensor<fp16, [2]> x = relu(x = b);
   |                               ^

error[undefined]: `nothing` is not defined
  --> model.mil:8:25
   |
 8 |         } -> (a, later, nothing);
   |                         ^^^^^^^",
    );
}

/// The slugs, messages and marked texts of the errors in a text.
fn findings(text: &str) -> Vec<(&'static str, String, String)> {
    let error = parse(text, &NoWeights).unwrap_err();
    let marked = |d: &anemone_ir::Diagnostic| match d.location {
        anemone_ir::Location::Text { start, end } => text[start..end].to_owned(),
        other => other.to_string(),
    };
    error.diagnostics().iter().map(|d| (d.slug, d.message.clone(), marked(d))).collect()
}

#[test]
fn values_must_fit_their_types() {
    let cases = [
        ("fp16", "70000", "range", "70000 does not fit fp16, which ends at 65504.0", "70000"),
        ("fp16", "0x1.ffep+15", "range", "65520 does not fit fp16, which ends at 65504.0", "0x1.ffep+15"),
        ("fp32", "-1e40", "range", "-1e40 does not fit fp32, which ends at 3.4028234663852886e38", "-1e40"),
        ("int8", "128", "range", "128 does not fit int8, which holds -128 to 127", "128"),
        ("uint8", "-1", "range", "-1 does not fit uint8, which holds 0 to 255", "-1"),
        (
            "int32",
            "18446744073709551615",
            "range",
            "18446744073709551615 does not fit int32, which holds -2147483648 to 2147483647",
            "18446744073709551615",
        ),
        ("int32", "1.5", "value", "a whole number is wanted here, of type int32", "1.5"),
        ("bool", "1", "value", "`true` or `false` is wanted here", "1"),
        ("string", "1", "value", "a string is wanted here", "1"),
        ("fp16", "true", "value", "a number is wanted here, of type fp16", "true"),
        ("fp16", "[1]", "value", "a number is wanted here, of type fp16", "[1]"),
        ("tensor<fp16, [2]>", "1", "value", "a row of 2 in brackets is wanted here", "1"),
        ("tensor<fp16, [2, 2]>", "[[1, 2], [3]]", "length", "2 elements are declared, 1 are given", "[3]"),
        ("tensor<fp16, [2]>", "[1, [2]]", "value", "a number is wanted here, of type fp16", "[2]"),
        ("tensor<fp16, [2]>", "(1, 2)", "value", "a row of 2 in brackets is wanted here", "(1, 2)"),
        ("tensor<fp16, [1000000, 1000000]>", "[1]", "length", "1000000 rows are declared, 1 are given", "[1]"),
        ("tensor<int32, [0]>", "[1]", "length", "0 elements are declared, 1 are given", "[1]"),
    ];
    for (ty, value, slug, message, marked) in cases {
        let text =
            format!("program(1.3) {{ func main<ios16>() {{ {ty} c = const()[val = {ty}({value})]; }} -> (c); }}");
        assert_eq!(findings(&text), [(slug, message.to_owned(), marked.to_owned())], "{text}");
    }
    let absurd = [
        ("[1, 1, 1, 1, 1, 1, 1, 1]", "rank 8 is above 5, the highest rank Core ML and the Neural Engine take"),
        ("[18446744073709551615, 0]", "the tensor would have more than 2^40 elements"),
        ("[10000000, 10000000]", "the tensor would have more than 2^40 elements"),
    ];
    for (dims, message) in absurd {
        let text = format!("program(1.3) {{ func main<ios16>(tensor<fp16, {dims}> x) {{ }} -> (x); }}");
        assert_eq!(findings(&text), [("dims", message.to_owned(), format!("tensor<fp16, {dims}>"))]);
    }
    // Tables of compressed weights have two axes more than tensors; a tensor that has as many is found by the check.
    let text = "program(1.3) { func main<ios16>(tensor<fp16, [1, 1, 1, 1, 1, 1]> x) { } -> (x); }";
    let message = "input `x`: rank 6 is above 5, the highest rank Core ML and the Neural Engine take".to_owned();
    assert_eq!(findings(text), [("rank", message, "x".to_owned())]);
}

#[test]
fn heads_are_checked() {
    let text = "program(2.0)[a = int32(BLOBFILE()), a = int32(0)] { func main<ios99>() { } -> (); }";
    let found = findings(text);
    let found: Vec<_> = found.iter().map(|(slug, message, marked)| (*slug, &**message, &**marked)).collect();
    assert_eq!(
        found,
        [
            ("version", "version 2.0 of MIL text is not known", "2.0"),
            ("unsupported", "attribute `a` refers to a file, which only constants may", "BLOBFILE()"),
            ("attribute", "attribute `a` is given twice", "a"),
            ("no-output", "function `main` has no output", "main"),
            ("opset", "operation set `ios99` is not known", "ios99"),
        ]
    );
    assert_eq!(findings("program(1.3) { }"), [("no-function", "the program has no function".into(), "1.3".into())]);
    let duplicated = "program(1.3) { func f<ios16>(tensor<fp16, [1]> x) { } -> (x); func f<ios16>() { } -> (); }";
    assert_eq!(findings(duplicated)[0].0, "duplicate-name");
}

#[test]
fn a_long_line_is_shown_around_the_place() {
    let row = vec!["1"; 100_000].join(", ");
    let text = format!(
        "program(1.3) {{ func main<ios16>() {{ tensor<int8, [200001]> c = const()[val = tensor<int8, [200001]>([{row}, 128, {row}])]; }} -> (c); }}"
    );
    let report = report(&text);
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[2], "error[range]: 128 does not fit int8, which holds -128 to 127");
    assert!(lines[5].chars().count() < 130, "{}", lines[5]);
    let at = lines[6].find("^^^").unwrap();
    assert_eq!(lines[5].chars().skip(at).take(3).collect::<String>(), "128");
    // Beyond the middle of a short line's end, at its very end, and in an empty text.
    assert!(self::report("program(1.3) {").ends_with("\n 1 | program(1.3) {\n   |               ^"));
    assert!(self::report("").ends_with("\n 1 | \n   | ^"));
    assert!(self::report("program(1.3) {\n\n").ends_with("\n 3 | \n   | ^"));
}

#[test]
fn colour_is_for_who_asks() {
    let source = Source::new("m.mil", "program(1.3) { }");
    let error = source.parse(&NoWeights).unwrap_err();
    let plain = source.render(&error.diagnostics()[0], false);
    let coloured = source.render(&error.diagnostics()[0], true);
    assert!(!plain.contains('\x1b'));
    assert!(coloured.starts_with("\x1b[1;31merror[no-function]\x1b[0m: the program"));
    let mut stripped = coloured;
    for code in ["\x1b[1;31m", "\x1b[1;34m", "\x1b[0m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn a_text_cannot_reach_the_terminal() {
    let report = report("program(1.3) { func \x1b[2J<ios16>() { } -> (); }");
    assert!(!report.contains('\x1b'), "{report:?}");
}

#[test]
fn files_that_are_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.mil");
    assert!(load(&path).unwrap_err().to_string().starts_with(&format!("cannot read {}: ", path.display())));
    std::fs::write(&path, b"program(\xff)").unwrap();
    let message = format!("{} is no UTF-8 text: what stands at byte 8 is not", path.display());
    assert_eq!(load(&path).unwrap_err().to_string(), message);
    std::fs::write(&path, "program(1.3) {").unwrap();
    assert!(load(&path).unwrap_err().to_string().contains(&format!("--> {}:1:15", path.display())));
}

//! Taking a file apart into programs and directives.

use super::values::Reader;
use super::{Case, Failure, File, Finding, Run};
use crate::tolerance::Tolerance;
use anemone_ir::{Profile, Severity};
use std::path::Path;

/// A line of a file.
struct Line<'a> {
    /// From 1.
    number: usize,
    /// Its first byte in the file.
    start: usize,
    /// What stands before a comment, without blanks around it.
    code: &'a str,
    /// The comment after `//`, without blanks around it.
    comment: Option<&'a str>,
}

/// Takes a file apart.
///
/// # Errors
/// Everything in it that looks like a directive and is none, and programs that test nothing.
pub fn parse(path: &Path, text: &str) -> Result<File, Vec<Failure>> {
    let lines = lines(text);
    let starts: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].code.starts_with("program")).collect();
    let mut failures = Vec::new();
    let mut fail = |line: usize, message: String| failures.push(Failure { path: path.to_owned(), line, message });
    if starts.is_empty() {
        fail(1, "there is no program".to_owned());
    }
    let mut programs = Vec::new();
    for (i, at) in starts.iter().enumerate() {
        let last = starts.get(i + 1).map_or(lines.len(), |next| head(&lines, *next));
        let lines = &lines[if i == 0 { 0 } else { head(&lines, *at) }..last];
        let number = lines.iter().find(|l| l.code.starts_with("program")).map_or(1, |l| l.number);
        let end = lines.last().map_or(0, |l| l.start + text[l.start..].find('\n').unwrap_or(text.len() - l.start));
        let mut case = Case {
            line: number,
            text: blank(&text[..lines[0].start]) + &text[lines[0].start..end],
            runs: Vec::new(),
            findings: Vec::new(),
        };
        for (line, message) in directives(lines, &mut case) {
            fail(line, message);
        }
        if case.runs.is_empty() && case.findings.is_empty() {
            fail(number, "this program has no `// run:` and no `// error:`: it tests nothing".to_owned());
        }
        if let Some(run) = case.runs.first().filter(|_| case.findings.iter().any(|f| f.severity == Severity::Error)) {
            fail(run.line, "a program with errors cannot be run".to_owned());
        }
        programs.push(case);
    }
    if failures.is_empty() { Ok(File { path: path.to_owned(), programs }) } else { Err(failures) }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let line = |(index, line): (usize, &'_ str)| {
        let (at, length) = (start, line.len());
        start += length;
        (index + 1, at)
    };
    let places: Vec<(usize, usize)> = text.split_inclusive('\n').enumerate().map(line).collect();
    let split = |((number, start), line): ((usize, usize), &'_ str)| {
        let at = comment_at(line);
        (number, start, at, line.len())
    };
    let parts = places.into_iter().zip(text.split_inclusive('\n')).map(split);
    parts
        .map(|(number, start, at, length)| {
            let line = &text[start..start + length];
            let code = line[..at.unwrap_or(length)].trim();
            Line { number, start, code, comment: at.map(|at| line[at + 2..].trim()) }
        })
        .collect()
}

/// Where a comment begins: at `//` that is not in a string.
fn comment_at(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let (mut quoted, mut at) = (false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'/' if !quoted && bytes.get(at + 1) == Some(&b'/') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The first of the comment lines directly above a line.
fn head(lines: &[Line<'_>], at: usize) -> usize {
    let above = lines[..at].iter().rev().take_while(|l| l.code.is_empty() && l.comment.is_some()).count();
    at - above
}

/// Spaces instead of everything but line ends, byte for byte.
fn blank(text: &str) -> String {
    text.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect()
}

/// Reads the directives of a program's lines into `case`; gives what is wrong, with its line.
fn directives(lines: &[Line<'_>], case: &mut Case) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Line { number, code, comment, .. } = lines[at];
        at += 1;
        let Some((kind, text)) = comment.and_then(directive) else { continue };
        match kind {
            "run" => {
                let mut whole = text.to_owned();
                while open(&whole) && lines.get(at).is_some_and(|l| l.code.is_empty() && l.comment.is_some()) {
                    whole.push(' ');
                    whole.push_str(lines[at].comment.unwrap_or_default());
                    at += 1;
                }
                match run(number, &whole) {
                    Ok(run) => case.runs.push(run),
                    Err(e) => wrong.push((number, e)),
                }
            }
            "error" | "warning" => {
                let own = || lines[at..].iter().find(|l| !l.code.is_empty()).map(|l| l.number);
                let line = if code.is_empty() { own() } else { Some(number) };
                let severity = if kind == "error" { Severity::Error } else { Severity::Warning };
                match (line, finding(text)) {
                    (Some(line), Some((slug, message))) => {
                        let last = last_of_statement(lines, line);
                        case.findings.push(Finding { line, last, severity, slug, message });
                    }
                    (None, _) => wrong.push((number, format!("there is no line after this for the {kind}"))),
                    (_, None) => wrong.push((number, format!("`{kind}: slug: part of the message` is wanted"))),
                }
            }
            other => wrong.push((number, format!("`{other}` is no directive; is run, error or warning meant?"))),
        }
    }
    wrong
}

/// The last line of a statement that begins in a line.
fn last_of_statement(lines: &[Line<'_>], first: usize) -> usize {
    let ends = |l: &&Line<'_>| l.number >= first && l.code.ends_with([';', '{', '}']);
    lines.iter().find(ends).map_or(first, |l| l.number)
}

/// What a comment directs, and the rest of it: `run: …`, `run[…]: …` and so on. A word that looks like a directive's is
/// given too, so that nothing is passed over because of a slip.
fn directive(comment: &str) -> Option<(&str, &str)> {
    let end = comment.find(|c: char| !c.is_alphabetic())?;
    let (word, rest) = comment.split_at(end);
    if !rest.trim_start().starts_with([':', '[']) {
        return None;
    }
    let word_or_slip = ["run", "er", "war"].into_iter().any(|prefix| word.to_lowercase().starts_with(prefix));
    word_or_slip.then(|| (word, rest.trim_start().trim_start_matches(':')))
}

/// Whether a bracket is still open, or the arrow is still to come.
fn open(text: &str) -> bool {
    let count = |set: &[char]| text.chars().filter(|c| set.contains(c)).count();
    count(&['[', '(']) > count(&[']', ')']) || !text.contains("->") || text.trim_end().ends_with(&[',', '>'][..])
}

/// `slug: message`.
fn finding(text: &str) -> Option<(String, String)> {
    let (slug, message) = text.split_once(':')?;
    let (slug, message) = (slug.trim(), message.trim());
    (!slug.is_empty() && !slug.contains(' ') && !message.is_empty()).then(|| (slug.to_owned(), message.to_owned()))
}

/// A run line from what follows the word `run`.
fn run(line: usize, text: &str) -> Result<Run, String> {
    let mut r = Reader::new(text);
    let (profile, tolerance) = if r.take("[") { options(&mut r)? } else { (None, Tolerance::default()) };
    r.take(":");
    let function = r.name()?.to_owned();
    r.expect("(")?;
    let mut inputs: Vec<(String, _)> = Vec::new();
    while !r.take(")") {
        if !inputs.is_empty() {
            r.expect(",")?;
        }
        let name = r.name()?.to_owned();
        r.expect("=")?;
        if inputs.iter().any(|(n, _)| *n == name) {
            return Err(format!("`{name}` is given twice"));
        }
        inputs.push((name, r.values()?));
    }
    r.expect("->")?;
    let mut outputs = vec![r.values()?];
    while r.take(",") {
        outputs.push(r.values()?);
    }
    if !r.at_end() {
        return Err(format!("nothing is wanted after the outputs, but there is `{r:?}`"));
    }
    Ok(Run { line, source: text.trim().to_owned(), function, inputs, outputs, profile, tolerance })
}

/// `fp16, tolerance = 2 ulp]`.
fn options(r: &mut Reader<'_>) -> Result<(Option<Profile>, Tolerance), String> {
    let (mut profile, mut tolerance) = (None, Tolerance::default());
    loop {
        match r.name()? {
            "fp16" => profile = Some(Profile::Fp16),
            "f32" => profile = Some(Profile::F32),
            "tolerance" => {
                r.expect("=")?;
                tolerance.steps = r.number()?.value as u64;
                r.expect("ulp")?;
            }
            "abs" => {
                r.expect("=")?;
                tolerance.abs = r.number()?.value;
            }
            "rel" => {
                r.expect("=")?;
                tolerance.rel = r.number()?.value;
            }
            other => return Err(format!("`{other}` is no option; fp16, f32, tolerance, abs and rel are")),
        }
        if r.take("]") {
            return Ok((profile, tolerance));
        }
        r.expect(",")?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::values::Values;
    use super::*;

    fn parse_text(text: &str) -> Result<File, Vec<String>> {
        parse(Path::new("t.mil"), text).map_err(|e| e.iter().map(Failure::to_string).collect())
    }

    const TWO: &str = r#"// Expected values: by hand.
program(1.3)
{
    // run: main(x = [1, 2]) -> [1, 2]
    // run[fp16, tolerance = 2 ulp]: main(x = iota) -> ?, -1
    func main<ios16>(tensor<fp16, [2]> x) {
        string s = const()[name = string("http://"), val = string("\"//")]; // a comment
    } -> (y, z);
}

// The second.
program(1.0)
{
    func main<ios16>(tensor<fp16, [2]> x) {
        // error: broadcast: [2] and [3]
        // Why: they differ.
        tensor<fp16, [2]> y =
            add(x = x, y = x);
        tensor<fp16, [2]> z = mul(x = x, y = x); // error: dtype: a: b
    } -> (y);
}
"#;

    #[test]
    fn programs_and_directives_keep_their_lines() {
        let file = parse_text(TWO).unwrap();
        let [first, second] = &file.programs[..] else { panic!() };
        assert_eq!((first.line, second.line), (2, 12));
        assert_eq!(first.runs.iter().map(|r| r.line).collect::<Vec<_>>(), [4, 5]);
        let run = &first.runs[1];
        assert_eq!((run.profile, run.tolerance), (Some(Profile::Fp16), Tolerance::steps(2)));
        assert_eq!(run.inputs, [("x".to_owned(), Values::Iota { start: 0.0, step: 1.0 })]);
        assert_eq!(run.outputs[0], Values::Unchecked);
        let findings: Vec<_> = second.findings.iter().map(|f| (f.line, f.last, &*f.slug, &*f.message)).collect();
        assert_eq!(findings, [(17, 18, "broadcast", "[2] and [3]"), (19, 19, "dtype", "a: b")]);
        let at = second.text.find("add(").unwrap();
        assert_eq!(TWO[at..].find("add("), Some(0));
        assert!(second.text.trim_start().starts_with("// The second."));
        assert!(!first.text.contains("second"));
    }

    #[test]
    fn a_run_line_goes_on_while_a_bracket_is_open() {
        let text = "program(1.3) {\n// run: main(x = [1,\n//   2]) ->\n// [1,\n// 2]\n// A comment.\n}";
        let file = parse_text(text).unwrap();
        assert_eq!(file.programs[0].runs[0].source, "main(x = [1, 2]) -> [1, 2]");
    }

    #[test]
    fn slips_are_not_passed_over() {
        let errors = |directive: &str| parse_text(&format!("program(1.3) {{\n// {directive}\n}}")).unwrap_err();
        assert!(errors("runs: main() -> 1")[0].starts_with("t.mil:2: `runs` is no directive"));
        assert!(errors("Error: broadcast: x")[0].contains("no directive"));
        assert!(errors("run: main() -> 1 2")[0].contains("after the outputs"));
        assert!(errors("run: main(x = 1, x = 2) -> 1")[0].contains("twice"));
        assert!(errors("run[fp61]: main() -> 1")[0].contains("no option"));
        assert!(errors("run: main() = 1")[0].contains("`->` is wanted"));
        assert!(errors("error: broadcast")[0].contains("slug"));
        assert!(errors("Nothing: at all.")[0].contains("tests nothing"));
        assert!(errors("run: main() -> 1\n// error: a: b")[0].contains("cannot be run"));
        assert!(parse_text("// run: main() -> 1").unwrap_err()[0].contains("no program"));
    }
}

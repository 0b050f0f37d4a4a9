//! Names that MIL text takes.

/// Words of the language and element types: none of them can name a value.
const RESERVED: &[&str] = &[
    "any",
    "bool",
    "program",
    "func",
    "tensor",
    "list",
    "dict",
    "tuple",
    "true",
    "false",
    "string",
    "bf16",
    "fp16",
    "fp32",
    "fp64",
    "int4",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint1",
    "uint2",
    "uint3",
    "uint4",
    "uint6",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "fp8e4m3fn",
    "fp8e5m2",
    "state",
    "const",
    "inf",
    "nan",
    "BLOBFILE",
];

/// Why `name` cannot name a value; `None` if it can.
pub fn problem(name: &str) -> Option<&'static str> {
    let mut chars = name.chars();
    match chars.next() {
        None => return Some("it is empty"),
        Some(c) if !(c.is_ascii_alphabetic() || c == '_') => return Some("it does not begin with a letter or `_`"),
        Some(_) => {}
    }
    if chars.any(|c| !(c.is_ascii_alphanumeric() || c == '_' || c == '@')) {
        return Some("it has a character that MIL text does not take");
    }
    if RESERVED.contains(&name) {
        return Some("it is a word of the language");
    }
    None
}

/// The number of single-character edits between two words, for suggestions.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["x", "_0", "var_17@output", "conv_1"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in ["", "0x", "a-b", "tensor", "fp16", "é"] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(distance("conv", "cnov"), 2);
        assert_eq!(distance("relu", "relu6"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}

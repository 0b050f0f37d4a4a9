//! Compares the encodings of Rust types with the type string of a method, at compile time.
//!
//! A type string is what `method_getTypeEncoding` gives on Apple's systems: the result, the receiver, the selector, then the
//! arguments, each followed by its offset in the frame: `B36@0:8I16@20^@28`.

use objc2::encode::Encoding;

/// Compares one encoding with the type string at `at`: the place after it, or `None` where they differ.
///
/// It knows the codes that the table of methods uses; any other is a difference, so that it fails closed.
const fn one(encoding: &Encoding, types: &[u8], at: usize) -> Option<usize> {
    if at >= types.len() {
        return None;
    }
    let block = at + 1 < types.len() && types[at + 1] == b'?';
    match (encoding, types[at]) {
        (Encoding::Block, b'@') if block => Some(at + 2),
        (Encoding::Object, b'@') if !block => Some(at + 1),
        (Encoding::Bool, b'B')
        | (Encoding::UInt, b'I')
        | (Encoding::Int, b'i')
        | (Encoding::ULongLong | Encoding::ULong, b'Q')
        | (Encoding::LongLong | Encoding::Long, b'q')
        | (Encoding::Char, b'c')
        | (Encoding::Void, b'v') => Some(at + 1),
        // The table's types are those of ARM. On Intel's Macs BOOL is a signed char, and in GNUstep an unsigned one.
        #[cfg(not(all(target_vendor = "apple", target_arch = "aarch64")))]
        (Encoding::Char | Encoding::UChar, b'B') => Some(at + 1),
        (Encoding::Pointer(Encoding::Struct(name, _)), b'^') => structure(name.as_bytes(), types, at + 1),
        (Encoding::Pointer(to), b'^') => one(to, types, at + 1),
        _ => None,
    }
}

/// `{name=}`, of which the fields are not looked at.
const fn structure(name: &[u8], types: &[u8], at: usize) -> Option<usize> {
    if at >= types.len() || types[at] != b'{' {
        return None;
    }
    let mut i = 0;
    while i < name.len() {
        if at + 1 + i >= types.len() || types[at + 1 + i] != name[i] {
            return None;
        }
        i += 1;
    }
    let end = at + 1 + i;
    if end + 1 < types.len() && types[end] == b'=' && types[end + 1] == b'}' { Some(end + 2) } else { None }
}

const fn skip_digits(types: &[u8], mut at: usize) -> usize {
    while at < types.len() && types[at].is_ascii_digit() {
        at += 1;
    }
    at
}

/// Whether a message with these arguments and this result is one to a method of this type.
pub(super) const fn matches(arguments: &[Encoding], result: &Encoding, types: &str) -> bool {
    let types = types.as_bytes();
    let Some(at) = one(result, types, 0) else { return false };
    let receiver = skip_digits(types, at);
    if receiver >= types.len() || types[receiver] != b'@' {
        return false;
    }
    let selector = skip_digits(types, receiver + 1);
    if selector >= types.len() || types[selector] != b':' {
        return false;
    }
    let mut at = skip_digits(types, selector + 1);
    let mut i = 0;
    while i < arguments.len() {
        let Some(end) = one(&arguments[i], types, at) else { return false };
        at = skip_digits(types, end);
        i += 1;
    }
    at == types.len()
}

/// How many arguments a selector takes.
pub(super) const fn colons(selector: &str) -> usize {
    let selector = selector.as_bytes();
    let (mut i, mut colons) = (0, 0);
    while i < selector.len() {
        if selector[i] == b':' {
            colons += 1;
        }
        i += 1;
    }
    colons
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURFACE: Encoding = Encoding::Pointer(&Encoding::Struct("__IOSurface", &[]));
    const ERROR: Encoding = Encoding::Pointer(&Encoding::Object);

    #[test]
    fn equal_types_match() {
        assert!(matches(&[], &Encoding::Object, "@16@0:8"));
        assert!(matches(&[], &Encoding::Void, "v16@0:8"));
        assert!(matches(&[SURFACE], &Encoding::Object, "@24@0:8^{__IOSurface=}16"));
        assert!(matches(&[Encoding::UInt, Encoding::Object, ERROR], &Encoding::Bool, "B36@0:8I16@20^@28"));
        assert!(matches(&[Encoding::Block], &Encoding::Void, "v24@0:8@?16"));
    }

    #[test]
    fn other_types_do_not() {
        let types = "B36@0:8I16@20^@28";
        assert!(!matches(&[Encoding::ULongLong, Encoding::Object, ERROR], &Encoding::Bool, types), "a wide QoS");
        assert!(!matches(&[Encoding::UInt, Encoding::Object, ERROR], &Encoding::Object, types), "another result");
        assert!(!matches(&[Encoding::UInt, Encoding::Object], &Encoding::Bool, types), "an argument short");
        assert!(!matches(&[Encoding::UInt, Encoding::Object, ERROR, ERROR], &Encoding::Bool, types), "one too many");
        assert!(!matches(&[Encoding::Object], &Encoding::Object, "@24@0:8^{__IOSurface=}16"), "object for surface");
        assert!(!matches(&[SURFACE], &Encoding::Object, "@24@0:8^{__IOSurfaces=}16"), "a longer name");
        assert!(!matches(&[SURFACE], &Encoding::Object, "@24@0:8^{__IOSurf=}16"), "a shorter name");
        assert!(!matches(&[Encoding::Object], &Encoding::Void, "v24@0:8@?16"), "object for block");
        for cut in 0..types.len() - 2 {
            assert!(!matches(&[Encoding::UInt, Encoding::Object, ERROR], &Encoding::Bool, &types[..cut]), "{cut}");
        }
    }

    #[test]
    fn selectors_say_how_many_arguments_they_take() {
        assert_eq!((colons("model"), colons("unloadWithQoS:error:")), (0, 2));
    }
}

use super::*;
use half::f16;

fn read(mut bytes: &[u8]) -> Result<(Vec<u64>, Elements), Error> {
    let header = read_header(&mut bytes)?;
    let elements = read_elements(&mut bytes, &header)?;
    Ok((header.shape, elements))
}

/// A file with this header, in one of the versions of the format.
fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
    let length = (header.len() as u32).to_le_bytes();
    bytes.extend(&length[..if version == 1 { 2 } else { 4 }]);
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn dict(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}   \n")
}

#[test]
fn what_is_written_is_read() {
    let all = [
        Elements::F16(vec![f16::ONE, f16::NAN, f16::from_f32(-65504.0)]),
        Elements::F32(vec![1.5, f32::INFINITY, -0.0]),
        Elements::I32(vec![i32::MIN, 0, 7]),
        Elements::I16(vec![i16::MIN, 0, 7]),
        Elements::U16(vec![u16::MAX, 0, 7]),
        Elements::I8(vec![i8::MIN, 0, 7]),
        Elements::U8(vec![u8::MAX, 0, 7]),
        Elements::Bool(vec![1, 0, 1]),
    ];
    for elements in &all {
        for dims in [&[3][..], &[1, 3], &[3, 1, 1, 1, 1]] {
            let mut bytes = Vec::new();
            write(&mut bytes, dims, elements).unwrap();
            assert_eq!((bytes.len() - elements.bytes().len()) % 64, 0);
            let (shape, read) = read(&bytes).unwrap();
            assert_eq!(shape, dims.iter().map(|d| *d as u64).collect::<Vec<_>>());
            assert_eq!((read.dtype(), read.bytes()), (elements.dtype(), elements.bytes()));
        }
    }
}

#[test]
fn the_header_is_numpys_own() {
    // From `numpy.save` of NumPy 2.
    for (dims, text) in [
        (&[][..], "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"),
        (&[3], "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"),
        (&[1, 64], "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 64), }"),
    ] {
        assert_eq!(Header::text(DType::Fp32, dims), text);
    }
    let mut bytes = Vec::new();
    write(&mut bytes, &[], &Elements::F32(vec![2.0])).unwrap();
    assert_eq!(bytes.len(), 128 + 4);
    assert_eq!((&bytes[..10], bytes[127]), (&b"\x93NUMPY\x01\x00\x76\x00"[..], b'\n'));
}

#[test]
fn versions_and_spellings() {
    for version in [1, 2, 3] {
        for header in
            [dict("<i4", "False", "(2,)"), "{\"shape\":(2L,),\"fortran_order\":False,\"descr\":\"=i4\"}".to_owned()]
        {
            let (shape, elements) = read(&file(version, &header, &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])).unwrap();
            assert_eq!((shape, elements), (vec![2], Elements::I32(vec![1, -1])));
        }
    }
    let (shape, elements) = read(&file(1, &dict("|b1", "False", "()"), &[1])).unwrap();
    assert_eq!((shape, elements), (vec![], Elements::Bool(vec![1])));
}

#[test]
fn types_have_names() {
    for (descr, name, dtype) in [
        ("<f2", "float16", Some(DType::Fp16)),
        (">f4", "float32", Some(DType::Fp32)),
        ("<f8", "float64", None),
        ("<i8", "int64", None),
        ("|u1", "uint8", Some(DType::UInt8)),
        ("<c8", "complex64", None),
        ("|b1", "bool", Some(DType::Bool)),
        ("|O", "`|O`", None),
        ("<U5", "`<U5`", None),
        ("<M8[ns]", "`<M8[ns]`", None),
        ("", "``", None),
    ] {
        let header = Header::parse(&dict(descr, "False", "(1,)")).unwrap();
        assert_eq!((header.type_name().as_str(), header.dtype()), (name, dtype));
        assert_eq!(header.order == Order::Big, descr.starts_with('>'));
    }
}

#[test]
fn bad_files_are_refused() {
    let good = file(1, &dict("<f4", "False", "(2, 3)"), &[0; 24]);
    assert!(read(&good).is_ok());
    for end in 0..good.len() {
        let error = read(&good[..end]).unwrap_err();
        let expected = match end {
            0..6 => "is not a .npy file",
            6..10 => "ends within its header",
            _ if end < good.len() - 24 => "and ends within it",
            _ => "is cut short: float32[2, 3] takes 24 bytes",
        };
        assert!(error.message.contains(expected), "{end}: {error}");
    }
    let cases: &[(&[u8], &str)] = &[
        (b"PK\x03\x04 and so on", "is not a .npy file"),
        (&[&good[..], &[0]].concat(), "goes on after the 24 bytes that float32[2, 3] takes"),
        (&file(4, "", &[]), "has version 4.0 of the .npy format"),
        (&file(2, &"x".repeat(MAX_HEADER + 1), &[]), "more than 65536 are not read"),
        (&file(1, &dict("|O", "False", "(1,)"), &[0; 8]), "holds Python objects"),
        (&file(1, &dict("<f8", "False", "(1,)"), &[0; 8]), "elements of type float64"),
        (&file(1, &dict("|b1", "False", "(2,)"), &[1, 2]), "has the byte 2 for element 1"),
        (&file(1, &dict("<f4", "Maybe", "(1,)"), &[]), "True or False"),
        (&file(1, &dict("<f4", "False", "(-1,)"), &[]), "something else than numbers"),
        (&file(1, &dict("<f4", "False", "(99999999999999999999,)"), &[]), "something else than numbers"),
        (&file(1, &dict("<f4", "False", "(4294967296, 4294967296)"), &[]), "fits no memory"),
        (&file(1, &dict("<f4", "False", "(9223372036854775807,)"), &[]), "fit no memory"),
        (&file(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", &[]), "several fields"),
        (&file(1, "{'descr': '<f4', 'fortran_order': False}", &[]), "wants the keys"),
        (&file(1, "{'descr': '<f4", &[]), "ends within a string"),
        (&file(1, "{'shape': (1", &[]), "ends where ')' belongs"),
        (&file(1, "{} more", &[]), "goes on after its dictionary"),
        (&file(1, "", &[]), "ends where '{' belongs"),
    ];
    for (bytes, expected) in cases {
        let error = read(bytes).unwrap_err();
        assert!(error.message.contains(expected), "{error} / {expected}");
    }
}

#[test]
fn a_lying_shape_takes_no_memory() {
    // 4 GiB are declared and nothing is there: an allocation up front would be seen as seconds, or as a failure.
    let lying = file(1, &dict("<f4", "False", "(1073741824,)"), &[0; 16]);
    assert!(read(&lying).unwrap_err().message.contains("takes 4294967296 bytes, and 16 are there"));
}

#[test]
fn arbitrary_bytes_do_not_panic() {
    arbtest::arbtest(|u| {
        let tail: Vec<u8> = u.arbitrary()?;
        let version: u8 = u.int_in_range(0..=4)?;
        let _ = read(&tail);
        let _ = read(&[&[0x93, b'N', b'U', b'M', b'P', b'Y', version, 0], &tail[..]].concat());
        let _ = Header::parse(&String::from_utf8_lossy(&tail));
        // Near the language: words of it in any order.
        let words =
            ["{", "}", "'descr'", ":", "'<f4'", ",", "'shape'", "(", ")", "3", "'fortran_order'", "True", "L", "'"];
        let text: String = (0..u.int_in_range(0..=20)?).map(|_| u.choose(&words).copied()).collect::<Result<_, _>>()?;
        let _ = read(&file(version, &text, &tail));
        Ok(())
    });
}

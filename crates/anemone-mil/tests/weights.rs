//! Weight files: their bytes, forged ones, and where a text may look for them.

#![allow(clippy::unwrap_used)]

use anemone_mil::blob::{Entry, Reader, Writer};
use anemone_mil::{Dialect, Element, Folder, InMemory, NoWeights, Printed, Weights, load, parse, print};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// `count` bytes that differ.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 37 + 11) as u8).collect()
}

/// A blob's 64 bytes of metadata.
fn metadata(sentinel: u32, code: u32, fields: [u64; 3]) -> Vec<u8> {
    let mut out = [sentinel.to_le_bytes(), code.to_le_bytes()].concat();
    out.extend(fields.iter().flat_map(|f| f.to_le_bytes()));
    out.resize(64, 0);
    out
}

/// A file with the header of one blob.
fn file(rest: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![1, 0, 0, 0, 2, 0, 0, 0];
    out.resize(64, 0);
    rest.iter().for_each(|part| out.extend_from_slice(part));
    out
}

fn entries(file: Vec<u8>) -> Result<Vec<Entry>, String> {
    let store = InMemory::new(file);
    let reader = Reader::new(&store).map_err(|e| e.to_string())?;
    reader.entries().collect::<Result<_, _>>().map_err(|e| e.to_string())
}

#[test]
fn the_layout_is_the_formats() {
    let mut writer = Writer::new();
    assert_eq!(writer.push(Element::Fp16, 3, &[1, 2, 3, 4, 5, 6]), Some(64));
    // int4 [-8, 7, 1, 2, -1]: 20 bits in three bytes, four bits unused.
    assert_eq!(writer.push(Element::Int4, 5, &[0x78, 0x21, 0x0f]), Some(192));
    let mut expected = file(&[&metadata(0xDEAD_BEEF, 1, [6, 128, 0]), &[1, 2, 3, 4, 5, 6]]);
    expected[0] = 2;
    expected.resize(192, 0);
    expected.extend(metadata(0xDEAD_BEEF, 8, [3, 256, 4]));
    expected.extend([0x78, 0x21, 0x0f]);
    assert_eq!(writer.finish(), expected);
    assert!(Writer::new().finish().is_empty());
}

#[test]
fn every_type_is_read_back() {
    let elements: Vec<_> = Element::ALL.iter().copied().filter(|e| e.code().is_some()).collect();
    let data: Vec<_> = elements.iter().map(|e| bytes(e.bytes(21).unwrap() as usize)).collect();
    let mut writer = Writer::new();
    let offsets: Vec<_> = elements.iter().zip(&data).map(|(e, d)| writer.push(*e, 21, d).unwrap()).collect();
    let store = InMemory::new(writer.finish());
    let reader = Reader::new(&store).unwrap();
    let read: Vec<_> = reader.entries().map(Result::unwrap).collect();
    assert_eq!((read.len(), reader.count()), (17, 17));
    for (((entry, element), data), offset) in read.iter().zip(elements).zip(&data).zip(offsets) {
        assert_eq!((entry.offset, entry.element, entry.count), (offset, element, 21));
        assert_eq!(entry.data % 64, 0);
        assert_eq!(reader.entry(offset).unwrap(), *entry);
        assert_eq!(reader.data(entry).unwrap().as_slice(), data);
    }
}

#[test]
fn equal_data_is_stored_once() {
    let (a, b) = (bytes(64), bytes(64));
    let mut writer = Writer::new();
    let first = writer.push(Element::Fp16, 32, &a).unwrap();
    assert_eq!(writer.push(Element::Fp16, 32, &b), Some(first));
    assert_ne!(writer.push(Element::Int16, 32, &b), Some(first), "of another type");
    let narrow = writer.push(Element::UInt3, 170, &a).unwrap();
    assert_ne!(writer.push(Element::UInt3, 169, &a), Some(narrow), "of another length");
    assert_eq!(entries(writer.finish()).unwrap().len(), 4);
    assert_eq!(Writer::new().push(Element::Fp16, 3, &[0; 5]), None, "half an element");
    assert_eq!(Writer::new().push(Element::Bool, 1, &[0]), None, "no type of weight files");
}

#[test]
fn offsets_beyond_32_bits() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("weights")).unwrap();
    let at = 5u64 << 30;
    // The file has a hole of 5 GiB, which takes no space.
    let mut weights = fs::File::create(folder.path().join("weights/weight.bin")).unwrap();
    weights.write_all(&file(&[])).unwrap();
    weights.seek(SeekFrom::Start(at)).unwrap();
    weights.write_all(&metadata(0xDEAD_BEEF, 1, [4, at + 64, 0])).unwrap();
    weights.write_all(&[0, 0x3c, 0, 0xbc]).unwrap();
    fs::write(folder.path().join("model.mil"), constant("[2]", "@model_path/weights/weight.bin", at)).unwrap();
    let program = load(&folder.path().join("model.mil")).unwrap();
    let output = program.main().value(program.main().outputs[0]);
    assert_eq!(output.literal.as_ref().unwrap().to_f64().unwrap(), [1.0, -1.0]);
}

#[test]
fn what_is_printed_is_saved_with_its_weights_or_without() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a/b");
    let weights = InMemory::new(file(&[&metadata(0xDEAD_BEEF, 1, [24, 128, 0]), &bytes(24)]));
    let text = constant("[12]", "@model_path/weights/weight.bin", 64);
    let printed = print(&parse(&text, &weights).unwrap(), Dialect::V1_3);
    printed.save(&folder).unwrap();
    assert_eq!(print(&load(&folder.join("model.mil")).unwrap(), Dialect::V1_3), printed);

    let small = Printed { files: Vec::new(), ..printed };
    small.save(temporary.path()).unwrap();
    assert_eq!(fs::read_to_string(temporary.path().join("model.mil")).unwrap(), small.text);
    assert!(!temporary.path().join("weights").exists());
    // A file where the folder should be.
    let taken = temporary.path().join("model.mil");
    let error = small.save(&taken).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: ", taken.display())), "{error}");
}

/// A text whose only constant is in a file.
fn constant(dims: &str, path: &str, offset: u64) -> String {
    format!(
        "program(1.3) {{ func main<ios16>() {{
            tensor<fp16, {dims}> c = const()[val = tensor<fp16, {dims}>(BLOBFILE(path = string(\"{path}\"), offset = uint64({offset})))];
        }} -> (c); }}"
    )
}

/// The message of the only error of a text with a constant of 2 by 3 halves at offset 64.
fn refusal(file: Vec<u8>) -> String {
    let error = parse(&constant("[2, 3]", "@model_path/w.bin", 64), &InMemory::new(file)).unwrap_err();
    let [one] = error.diagnostics() else { panic!("{error}") };
    assert_eq!(one.slug, "weights");
    assert!(error.to_string().contains("^^^^^^^^"), "{error}");
    one.message.clone()
}

#[test]
fn forged_files_are_refused_with_what_was_expected_and_found() {
    let good = metadata(0xDEAD_BEEF, 1, [12, 128, 0]);
    assert!(parse(&constant("[2, 3]", "@model_path/w.bin", 64), &InMemory::new(file(&[&good, &[0; 12]]))).is_ok());
    let at = r#""@model_path/w.bin", blob at offset 64"#;
    let forged = |sentinel, code, fields| file(&[&metadata(sentinel, code, fields), &[0; 12]]);
    let cases = [
        (vec![], r#""@model_path/w.bin", the file has 0 bytes, its header alone should have 64"#.to_owned()),
        (vec![0; 200], r#""@model_path/w.bin", the file is of version 0, 2 was expected"#.to_owned()),
        (file(&[]), format!("{at}: its 64 bytes of metadata end beyond the file, which has 64")),
        (file(&[&good[..63]]), format!("{at}: its 64 bytes of metadata end beyond the file, which has 127")),
        (file(&[&good, &[0; 11]]), format!("{at}: its 12 bytes at 128 end beyond the file, which has 139")),
        (
            forged(0xBEEF_DEAD, 1, [12, 128, 0]),
            format!("{at}: it begins with 0xbeefdead, a blob begins with 0xdeadbeef"),
        ),
        (forged(0xDEAD_BEEF, 99, [12, 128, 0]), format!("{at}: 99 is the number of no element type")),
        (forged(0xDEAD_BEEF, 2, [12, 128, 0]), format!("{at}: it holds 3 elements of fp32, 6 of fp16 are declared")),
        (forged(0xDEAD_BEEF, 1, [10, 128, 0]), format!("{at}: it holds 5 elements of fp16, 6 of fp16 are declared")),
        (
            forged(0xDEAD_BEEF, 1, [11, 128, 0]),
            format!("{at}: 88 bits are not a whole number of fp16, which take 16 each"),
        ),
        (
            forged(0xDEAD_BEEF, 1, [u64::MAX, 128, 0]),
            format!("{at}: its 18446744073709551615 bytes at 128 end beyond the file, which has 140"),
        ),
        (
            forged(0xDEAD_BEEF, 1, [12, u64::MAX - 4, 0]),
            format!("{at}: its 12 bytes at 18446744073709551611 end beyond the file, which has 140"),
        ),
        (forged(0xDEAD_BEEF, 8, [12, 128, 8]), format!("{at}: 8 unused bits at its end, at most 7 were expected")),
    ];
    for (file, message) in cases {
        assert_eq!(refusal(file), message);
    }
}

#[test]
fn references_are_checked() {
    let one = |text: &str| {
        let error =
            parse(text, &InMemory::new(file(&[&metadata(0xDEAD_BEEF, 1, [12, 128, 0]), &[0; 12]]))).unwrap_err();
        error.diagnostics().iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ")
    };
    for offset in [0, 63, 100] {
        let expected = "blobs begin on a multiple of 64, behind the header";
        assert!(one(&constant("[2, 3]", "@model_path/w.bin", offset)).ends_with(expected), "{offset}");
    }
    let far = u64::MAX - 63;
    assert!(one(&constant("[2, 3]", "@model_path/w.bin", far)).contains("end beyond the file"));
    // A terabyte is declared, and nothing is taken for it.
    let declared = one(&constant("[1000000, 1000000]", "@model_path/w.bin", 64));
    assert!(declared.ends_with("it holds 6 elements of fp16, 1000000000000 of fp16 are declared"), "{declared}");
    let text = constant("[2, 3]", "p", 64);
    assert_eq!(one(&text.replace("offset = uint64(64)", "offset = uint64(64), offset = uint64(64)")), FIELDS);
    assert_eq!(one(&text.replace("uint64(64)", "int32(64)")), FIELDS);
    assert_eq!(one(&text.replace("uint64(64)", "uint64(-1)")), FIELDS);
    assert_eq!(one(&text.replace("string(", "int32(")), FIELDS);
    assert_eq!(one(&text.replace(", offset = uint64(64)", "")), "the BLOBFILE has no `offset`");
    assert_eq!(one(&text.replace("path = string(\"p\"), ", "")), "the BLOBFILE has no `path`");
    let error = parse(&text, &NoWeights).unwrap_err();
    assert_eq!(error.diagnostics()[0].message, r#""p" cannot be read: no weights were given with this text"#);
}

const FIELDS: &str = "a BLOBFILE has a `path` of type string and an `offset` of type uint64, each once";

#[test]
fn arbitrary_files_do_no_harm() {
    arbtest::arbtest(|u| {
        let header: [u8; 4] = u.arbitrary()?;
        let mut all = [&header[..], &[2, 0, 0, 0]].concat();
        all.resize(64, 0);
        for _ in 0..u.int_in_range(0..=3)? {
            let fields = [u.arbitrary::<u8>()?.into(), u.arbitrary::<u16>()?.into(), u.int_in_range(0..=9)?];
            all.extend(metadata(0xDEAD_BEEF, u.int_in_range(0..=18)?, fields));
            all.resize(all.len() + u.int_in_range(0..=3)? * 64, 7);
        }
        if u.arbitrary()? {
            let at = u.choose_index(all.len())?;
            all[at] = u.arbitrary()?;
        }
        let len = all.len();
        let store = InMemory::new(all);
        let Ok(reader) = Reader::new(&store) else { return Ok(()) };
        let found = reader.entries().filter_map(Result::ok).inspect(|e| drop(reader.data(e).unwrap())).count();
        assert!(found <= len / 64);
        for offset in [u.arbitrary()?, u.int_in_range(0..=8)? * 64] {
            if let Ok(e) = reader.entry(offset) {
                assert!(e.data + e.size <= len as u64);
            }
        }
        Ok(())
    })
    .budget_ms(500);
    arbtest::arbtest(|u| drop_result(entries(u.arbitrary()?)));
}

fn drop_result<T, E>(_: Result<T, E>) -> arbitrary::Result<()> {
    Ok(())
}

#[test]
fn blobs_that_point_back_do_not_go_round() {
    let mut forged = file(&[&metadata(0xDEAD_BEEF, 1, [0, 64, 0])]);
    forged[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(entries(forged).unwrap_err().contains("end beyond the file"));
}

/// What a folder answers to a path.
fn answer(folder: &Path, path: &str) -> String {
    match Folder::new(folder).open(path) {
        Ok(store) => format!("{} bytes", store.size().unwrap()),
        Err(e) => e.to_string(),
    }
}

#[test]
fn paths_stay_in_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let bundle = root.path().join("pipeline.mlmodelc");
    for folder in ["pipeline.mlmodelc/model0/weights", "pipeline.mlmodelc/weights", "plain/weights", "plain/model"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("secret.bin"), [0; 7]).unwrap();
    fs::write(bundle.join("weights/weight.bin"), [0; 5]).unwrap();
    fs::write(bundle.join("model0/weights/weight.bin"), [0; 3]).unwrap();
    fs::write(root.path().join("plain/weights/weight.bin"), [0; 4]).unwrap();
    let plain = root.path().join("plain");
    assert_eq!(answer(&plain, "@model_path/weights/weight.bin"), "4 bytes");
    assert_eq!(answer(&plain, "@model_path/./weights/../weights/weight.bin"), "4 bytes");
    for path in
        ["@model_path/../secret.bin", "@model_path/weights/../../secret.bin", "@model_path/../plain/weights/weight.bin"]
    {
        assert_eq!(answer(&plain, path), "the path leaves the folder of the model", "{path}");
    }
    assert_eq!(answer(&plain, "/etc/passwd"), "a path of weights begins with `@model_path/`");
    assert_eq!(answer(&plain, "weights/weight.bin"), "a path of weights begins with `@model_path/`");
    for path in ["@model_path//etc/passwd", "@model_path/weights\\..\\..\\secret.bin", "@model_path/a\0b"] {
        assert_eq!(answer(&plain, path), "the path is no plain path inside the folder of the model", "{path}");
    }
    assert_eq!(answer(&plain, "@model_path/weights"), "it is a folder");
    // The models of a pipeline share the weights of their bundle, and nothing around it.
    let model = bundle.join("model0");
    assert_eq!(answer(&model, "@model_path/weights/weight.bin"), "3 bytes");
    assert_eq!(answer(&model, "@model_path/../weights/weight.bin"), "5 bytes");
    assert_eq!(answer(&model, "@model_path/../../secret.bin"), "the path leaves the folder of the model");
    assert_eq!(
        answer(&plain.join("model"), "@model_path/../weights/weight.bin"),
        "the path leaves the folder of the model"
    );
}

#[test]
fn one_blob_is_read_once_for_all_who_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let blob = file(&[&metadata(0xDEAD_BEEF, 1, [12, 128, 0]), &bytes(12)]);
    fs::write(folder.path().join("w.bin"), blob).unwrap();
    let text = constant("[2, 3]", "@model_path/w.bin", 64);
    let second = text.lines().nth(1).unwrap().replace(" c = ", " d = ");
    let text = text.replace("        } -> (c)", &format!("{second}\n}} -> (c, d)"));
    fs::write(folder.path().join("model.mil"), text).unwrap();
    let program = load(&folder.path().join("model.mil")).unwrap();
    let f = program.main();
    let data = |i: usize| f.value(f.outputs[i]).literal.as_ref().unwrap().bytes().unwrap().as_ptr();
    assert_eq!(data(0), data(1));
}

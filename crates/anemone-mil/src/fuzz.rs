//! What fuzzers call: arbitrary bytes into each reader. None of these panics, nor takes memory out of proportion to its bytes.
//!
//! Beyond that, what was read is written and read again, and must be the same.

use crate::description::Description;
use crate::model::{compiled, decode, manifest};
use crate::proto::{ModelDescription, read, write};
use crate::weights::InMemory;
use crate::{NoWeights, blob, raise, syntax};
use prost::Message;

/// A MIL text.
pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(tree) = syntax::parse(text) else { return };
    let printed = syntax::print(&tree);
    assert_eq!(syntax::parse(&printed).as_ref(), Ok(&tree), "{printed}");
    let _ = anemone_ir::check(raise(&tree, &NoWeights));
}

/// A protobuf model.
pub fn protobuf(bytes: &[u8]) {
    let Ok(model) = decode::decode(bytes, "model.mlmodel") else { return };
    let _ = anemone_ir::check(raise(&model.tree, &NoWeights));
    // What is said twice, or of a type that values in place do not have, cannot be written.
    let Ok(program) = write::program(&model.tree) else { return };
    let again = read::text(&program, model.specification).expect("what was written can be read");
    let mut tree = model.tree;
    for function in &mut tree.functions {
        // It belongs to the description.
        function.attributes.retain(|a| &*a.name.name != crate::description::FLEXIBLE);
    }
    assert_eq!(syntax::print(&again), syntax::print(&tree));
}

/// A `Manifest.json`.
pub fn manifest(bytes: &[u8]) {
    let _ = manifest::root_item(bytes);
}

/// A `weight.bin`.
pub fn blob(bytes: &[u8]) {
    let store = InMemory::new(bytes.to_vec());
    let Ok(reader) = blob::Reader::new(&store) else { return };
    let mut writer = blob::Writer::new();
    let read: Vec<_> =
        reader.entries().map_while(Result::ok).filter_map(|e| Some((e, reader.data(&e).ok()?))).collect();
    for (entry, data) in &read {
        assert!(writer.push(entry.element, entry.count, data.as_slice()).is_some());
    }
}

/// A `coremldata.bin`.
pub fn coremldata(bytes: &[u8]) {
    let Ok(data) = compiled::read(bytes) else { return };
    if data.not_a_program.is_some() {
        return;
    }
    let Ok(message) = ModelDescription::decode(data.description) else { return };
    let description = Description::read(message);
    let functions = description.functions.len();
    let file = compiled::written(data.specification, data.description, functions);
    let again = compiled::read(&file).expect("what was written can be read");
    assert_eq!(again.specification, data.specification);
    assert!(again.description.starts_with(data.description));
    let _ = description.write().encode_to_vec();
}

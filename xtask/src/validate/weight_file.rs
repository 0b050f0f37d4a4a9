//! A weight file by itself.

use super::Options;
use super::emit::Emitter;
use crate::Error;
use anemone_ir::literal::pack;
use anemone_mil::{Element, blob};
use std::fs;

/// A weight file with a blob of every element type, those included that no program has yet.
pub(super) fn emit(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    const SOURCE: &str = "weight.bin of every type";
    if !options.wants(SOURCE) {
        return Ok(());
    }
    let mut blobs = Vec::new();
    for element in Element::ALL.iter().filter(|e| e.code().is_some()) {
        // Lengths for which elements below a byte fill the last byte, and for which they do not.
        for count in [1, 8, 37] {
            let numbers: Vec<i8> = (0..count).map(|i| (i * 5 % (1 << element.bits().min(7))) as i8).collect();
            let packed = element.dtype().filter(|d| d.is_packed());
            let data = if let Some(dtype) = packed {
                pack(dtype, numbers)
            } else {
                numbers.iter().flat_map(|n| n.to_le_bytes().repeat(element.bits() as usize / 8)).collect()
            };
            blobs.push((*element, count, data));
        }
    }
    let mut writer = blob::Writer::new();
    for (element, count, data) in &blobs {
        let name = element.name();
        writer
            .push(*element, *count as u64, data)
            .ok_or_else(|| format!("no blob of {count} {name} can be written"))?;
    }
    let path = emitter.path("every_type.bin".as_ref());
    fs::write(&path, writer.finish())?;
    let blobs: Vec<_> = blobs.into_iter().map(|(e, count, data)| (e.name(), count, data)).collect();
    emitter.manifest.weight_file(SOURCE, path, &blobs);
    Ok(())
}

//! `coremldata.bin`, which tells of a compiled model what its text does not: the model's type, specification and description.
//!
//! ```text
//! 0    u32 type of the model, by its field in the protobuf: 502 is an ML program; u32; 20 bytes of zeros
//! 28   u64 length and string: `generic`
//!      u32 specification, 28 bytes of zeros
//!      u64 length and the ModelDescription as protobuf
//!      for each function: u32 502, 12 bytes of zeros
//! ```
//!
//! Seen in eleven files of Apple's compiler, of specifications 7 to 9.

use crate::proto::{self, type_name};

const PROGRAM: u32 = 502;

/// What the file says.
pub(crate) struct CoreMlData<'a> {
    pub(crate) specification: i32,
    pub(crate) description: &'a [u8],
    /// The type, if it is no ML program.
    pub(crate) not_a_program: Option<&'static str>,
}

/// Reads a file.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(file: &[u8]) -> Result<CoreMlData<'_>, String> {
    let mut at = Cursor { file, at: 0 };
    let kind = at.u32()?;
    if kind != PROGRAM {
        let name = type_name(kind).ok_or_else(|| format!("{kind} is the number of no type of models"))?;
        return Ok(CoreMlData { specification: 0, description: &[], not_a_program: Some(name) });
    }
    at.take(24)?;
    at.string()?;
    let specification = at.u32()? as i32;
    at.take(28)?;
    let description = at.string()?;
    Ok(CoreMlData { specification, description, not_a_program: None })
}

struct Cursor<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.file.len());
        let short = || format!("{len} bytes are wanted at {}, and the file has {}", self.at, self.file.len());
        let part = &self.file[self.at..end.ok_or_else(short)?];
        self.at += len;
        Ok(part)
    }

    fn u32(&mut self) -> Result<u32, String> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// A length in eight bytes, and as much.
    fn string(&mut self) -> Result<&'a [u8], String> {
        let (low, high) = (self.u32()?, self.u32()?);
        let len = u64::from(low) | u64::from(high) << 32;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }
}

/// The field of a description that is always there in this file.
const METADATA: u32 = 100;

/// Writes a file. `functions` is how many the description describes, 0 if it does not say functions.
pub(crate) fn written(specification: i32, description: &[u8], functions: usize) -> Vec<u8> {
    let mut description = description.to_vec();
    if !proto::has_field(&description, METADATA) {
        prost::encoding::bytes::encode(METADATA, &Vec::<u8>::new(), &mut description);
    }
    let mut out = Vec::new();
    out.extend(PROGRAM.to_le_bytes());
    // What this number means is not known: it is 5 in files of specification 7, 9 in those of 9.
    out.extend(if specification >= 9 { specification } else { 5 }.to_le_bytes());
    out.extend([0; 20]);
    string(&mut out, b"generic");
    out.extend(specification.to_le_bytes());
    out.extend([0; 28]);
    string(&mut out, &description);
    for _ in 0..functions.max(1) {
        out.extend(PROGRAM.to_le_bytes());
        out.extend([0; 12]);
    }
    out
}

/// `analytics/coremldata.bin`, which Core ML wants to be there: names and values, of which these two are always the same.
pub(super) fn analytics() -> Vec<u8> {
    let mut out = Vec::new();
    string(&mut out, b"NeuralNetworkModelDetails");
    out.extend(2u64.to_le_bytes());
    for (name, value) in [("containsCustomLayer", "0"), ("modelDimension", "0")] {
        string(&mut out, name.as_bytes());
        string(&mut out, value.as_bytes());
    }
    out
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

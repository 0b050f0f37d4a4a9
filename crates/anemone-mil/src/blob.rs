//! `weight.bin`: blob storage, version 2. All numbers are little-endian.
//!
//! ```text
//! 0    header, 64 bytes: u32 count of blobs, u32 version = 2, zeros
//! 64·k metadata, 64 bytes: u32 0xDEADBEEF, u32 element type, u64 size in bytes, u64 offset of the data in the file,
//!      u64 unused bits at the end of the data, zeros
//!      the data; the Apple tools put it behind its metadata
//! ```
//!
//! A blob is named by the offset of its metadata. Metadata begins on 64 bytes. Elements below a byte are a stream of bits,
//! the first element in the least significant ones; see [`anemone_ir::literal::pack`].

use crate::element::Element;
use crate::weights::Store;
use anemone_ir::literal::Bytes;
use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::fmt;
use std::io;

/// Headers, metadata and data begin on a multiple of this.
pub const ALIGNMENT: u64 = 64;

const VERSION: u32 = 2;
const SENTINEL: u32 = 0xDEAD_BEEF;

/// Lays out a weight file, and writes it. Equal data of one element type is stored once.
#[derive(Default)]
pub struct Writer<'a> {
    blobs: Vec<Planned<'a>>,
    /// Where the last blob ends.
    end: u64,
    seen: HashMap<(Element, &'a [u8], u64), u64>,
}

/// A blob to be written.
struct Planned<'a> {
    offset: u64,
    code: u32,
    unused: u64,
    data: &'a [u8],
}

impl<'a> Writer<'a> {
    /// A file without blobs.
    pub fn new() -> Writer<'a> {
        Writer::default()
    }

    /// Adds `count` elements and returns the offset that names the blob; that of an earlier one if it has the same data.
    /// `None` if weight files cannot hold `element`, or `data` has another length than as many elements take.
    pub fn push(&mut self, element: Element, count: u64, data: &'a [u8]) -> Option<u64> {
        let code = element.code()?;
        if element.bytes(count)? != data.len() as u64 {
            return None;
        }
        let size = data.len() as u64;
        let offset = self.end.next_multiple_of(ALIGNMENT).max(ALIGNMENT);
        match self.seen.entry((element, data, count)) {
            Occupied(earlier) => return Some(*earlier.get()),
            Vacant(new) => new.insert(offset),
        };
        let unused = if element.is_packed() { size * 8 - count * u64::from(element.bits()) } else { 0 };
        self.blobs.push(Planned { offset, code, unused, data });
        self.end = offset + ALIGNMENT + size;
        Some(offset)
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// Writes the file; nothing if nothing was added.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut block = [0; ALIGNMENT as usize];
        block[..4].copy_from_slice(&(self.blobs.len() as u32).to_le_bytes());
        block[4..8].copy_from_slice(&VERSION.to_le_bytes());
        out.write_all(&block)?;
        let mut end = ALIGNMENT;
        for blob in &self.blobs {
            out.write_all(&[0; ALIGNMENT as usize][..(blob.offset - end) as usize])?;
            let size = blob.data.len() as u64;
            block = [0; ALIGNMENT as usize];
            block[..4].copy_from_slice(&SENTINEL.to_le_bytes());
            block[4..8].copy_from_slice(&blob.code.to_le_bytes());
            for (at, field) in [size, blob.offset + ALIGNMENT, blob.unused].into_iter().enumerate() {
                block[8 + at * 8..16 + at * 8].copy_from_slice(&field.to_le_bytes());
            }
            out.write_all(&block)?;
            out.write_all(blob.data)?;
            end = blob.offset + ALIGNMENT + size;
        }
        Ok(())
    }

    /// The file in memory; empty if nothing was added.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.end as usize);
        self.write(&mut bytes).expect("memory is written to without fail");
        bytes
    }
}

/// A blob of a file: what its metadata says, checked against the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The offset of the metadata, which names the blob.
    pub offset: u64,
    /// The element type.
    pub element: Element,
    /// The number of elements.
    pub count: u64,
    /// Where the data begins.
    pub data: u64,
    /// The bytes of the data.
    pub size: u64,
}

/// Why a blob cannot be read: which, what was expected, what was found.
#[derive(Debug)]
pub struct BlobError {
    /// The offset of the metadata; `None` if it is about the file.
    pub offset: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "blob at offset {offset}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for BlobError {}

/// Reads a weight file. Nothing in it is believed before it is checked.
pub struct Reader<'a> {
    store: &'a dyn Store,
    size: u64,
    count: u32,
}

impl<'a> Reader<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, is too short for a header, or is of another version.
    pub fn new(store: &'a dyn Store) -> Result<Reader<'a>, BlobError> {
        let failed = |message: String| BlobError { offset: None, message };
        let size = store.size().map_err(|e| failed(e.to_string()))?;
        if size < ALIGNMENT {
            return Err(failed(format!("the file has {size} bytes, its header alone should have {ALIGNMENT}")));
        }
        let header = store.read(0, ALIGNMENT).map_err(|e| failed(e.to_string()))?;
        let (count, version) = (u32_at(header.as_slice(), 0), u32_at(header.as_slice(), 4));
        if version != VERSION {
            return Err(failed(format!("the file is of version {version}, {VERSION} was expected")));
        }
        Ok(Reader { store, size, count })
    }

    /// How many blobs the header counts. Nobody has checked it.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The blob whose metadata begins at `offset`.
    ///
    /// # Errors
    /// There is none, or what it says of itself cannot be.
    pub fn entry(&self, offset: u64) -> Result<Entry, BlobError> {
        let failed = |message: String| Err(BlobError { offset: Some(offset), message });
        if !offset.is_multiple_of(ALIGNMENT) || offset == 0 {
            return failed(format!("blobs begin on a multiple of {ALIGNMENT}, behind the header"));
        }
        if offset.checked_add(ALIGNMENT).is_none_or(|end| end > self.size) {
            return failed(format!("its {ALIGNMENT} bytes of metadata end beyond the file, which has {}", self.size));
        }
        let metadata = match self.store.read(offset, ALIGNMENT) {
            Ok(bytes) => bytes,
            Err(e) => return failed(e.to_string()),
        };
        let metadata = metadata.as_slice();
        let sentinel = u32_at(metadata, 0);
        if sentinel != SENTINEL {
            return failed(format!("it begins with {sentinel:#010x}, a blob begins with {SENTINEL:#010x}"));
        }
        let code = u32_at(metadata, 4);
        let Some(element) = Element::from_code(code) else {
            return failed(format!("{code} is the number of no element type"));
        };
        let (size, data, unused) = (u64_at(metadata, 8), u64_at(metadata, 16), u64_at(metadata, 24));
        if data.checked_add(size).is_none_or(|end| end > self.size) {
            return failed(format!("its {size} bytes at {data} end beyond the file, which has {}", self.size));
        }
        // Files from before the narrow types may have anything where those have the number of unused bits.
        let unused = if element.is_packed() { unused } else { 0 };
        let bits = u128::from(size) * 8;
        if unused >= 8 || u128::from(unused) > bits {
            return failed(format!("{unused} unused bits at its end, at most 7 were expected"));
        }
        let (used, each) = (bits - u128::from(unused), u128::from(element.bits()));
        if used % each != 0 {
            return failed(format!("{used} bits are not a whole number of {element}, which take {each} each"));
        }
        let count = (used / each) as u64;
        Ok(Entry { offset, element, count, data, size })
    }

    /// The data of a blob.
    ///
    /// # Errors
    /// The file cannot be read, or there is no memory for it.
    pub fn data(&self, entry: &Entry) -> Result<Bytes, BlobError> {
        let read = self.store.read(entry.data, entry.size);
        read.map_err(|e| BlobError { offset: Some(entry.offset), message: e.to_string() })
    }

    /// Every blob, in the order of the file; it ends with the first error.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry, BlobError>> + '_ {
        let mut next = Some(ALIGNMENT);
        (0..self.count).map_while(move |_| {
            let entry = self.entry(next.take()?);
            if let Ok(e) = &entry {
                // Where the data ends is within the file. If it lies before its metadata, the next blob does not.
                next = (e.data + e.size).max(e.offset + ALIGNMENT).checked_next_multiple_of(ALIGNMENT);
            }
            Some(entry)
        })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

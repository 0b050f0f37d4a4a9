//! Reads what a linked Mach-O file says of itself: a 64-bit one for one machine, little endian.
//!
//! Layouts and numbers are those of `mach-o/loader.h` and `mach-o/nlist.h` in Apple's xnu and cctools.

use crate::Error;
use std::ops::Range;

const MH_MAGIC_64: u32 = 0xfeed_facf;
const CPU_TYPE_ARM64: u32 = 0x0100_000c;
const MH_EXECUTE: u32 = 2;
/// `MH_NOUNDEFS | MH_DYLDLINK | MH_TWOLEVEL | MH_PIE`: nothing is left to be found wherever it may be.
const MH_FLAGS: u32 = 0x1 | 0x4 | 0x80 | 0x20_0000;
const LC_SYMTAB: u32 = 0x2;
const LC_LOAD_DYLIB: u32 = 0xc;
const LC_SEGMENT_64: u32 = 0x19;
const LC_CODE_SIGNATURE: u32 = 0x1d;
const LC_BUILD_VERSION: u32 = 0x32;
/// Any `LC_LOAD_DYLIB`-like command that is not the plain one: weak, re-exported, lazy, upward.
const LC_OTHER_DYLIBS: [u32; 4] = [0x8000_0018, 0x8000_001f, 0x20, 0x8000_0023];
const N_STAB: u8 = 0xe0;
const N_TYPE: u8 = 0x0e;
const N_EXT: u8 = 0x01;

/// A program for arm64, as its load commands describe it.
#[derive(Debug)]
pub(super) struct Image {
    /// `LC_BUILD_VERSION`: the platform's number, and the oldest version of it that will do.
    pub(super) build: (u32, Version),
    /// The libraries that are loaded with it, by install name, with the compatibility version asked for.
    pub(super) dylibs: Vec<(String, Version)>,
    /// The symbols that come from elsewhere.
    pub(super) imports: Vec<Import>,
    /// Where the segment `__TEXT` is in the file.
    pub(super) text: Range<usize>,
    /// Where the code signature is in the file.
    pub(super) signature: Range<usize>,
}

/// A symbol that comes from elsewhere.
#[derive(Debug)]
pub(super) struct Import {
    /// The name, with C's leading underscore.
    pub(super) name: String,
    /// The library it is bound to, a number from 1. Others than those of libraries are special: 254 is a look-up in all of
    /// them when the program starts.
    pub(super) ordinal: u8,
}

/// `xxxx.yy.zz` in four bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Version(pub(super) u32);

impl Version {
    pub(super) const fn new(major: u32, minor: u32) -> Self {
        Self(major << 16 | minor << 8)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0 >> 16, self.0 >> 8 & 0xff)
    }
}

impl Image {
    /// Reads a program.
    ///
    /// # Errors
    ///
    /// If it is no program for arm64 that names the library of each symbol, or is cut short, or has no signature.
    pub(super) fn read(file: &[u8]) -> Result<Self, Error> {
        if (u32_at(file, 0)?, u32_at(file, 4)?, u32_at(file, 12)?) != (MH_MAGIC_64, CPU_TYPE_ARM64, MH_EXECUTE) {
            return Err("not a Mach-O program for arm64".into());
        }
        let flags = u32_at(file, 24)?;
        if flags & MH_FLAGS != MH_FLAGS {
            return Err(format!("flags {flags:#x}; {MH_FLAGS:#x} should be among them").into());
        }
        let mut parts = Parts::default();
        let mut at = 32;
        for _ in 0..u32_at(file, 16)? {
            let size = u32_at(file, at + 4)? as usize;
            // The smallest command is its number and its size.
            if size < 8 {
                return Err(format!("a load command of {size} bytes at {at}").into());
            }
            parts.add(file, bytes(file, at, size)?)?;
            at += size;
        }
        parts.finish()
    }
}

/// What the commands read so far have said.
#[derive(Default)]
struct Parts {
    build: Option<(u32, Version)>,
    dylibs: Vec<(String, Version)>,
    imports: Option<Vec<Import>>,
    text: Option<Range<usize>>,
    signature: Option<Range<usize>>,
}

impl Parts {
    fn add(&mut self, file: &[u8], command: &[u8]) -> Result<(), Error> {
        match u32_at(command, 0)? {
            LC_BUILD_VERSION => self.build = Some((u32_at(command, 8)?, Version(u32_at(command, 12)?))),
            LC_LOAD_DYLIB => {
                let name = string_at(command, u32_at(command, 8)? as usize)?;
                self.dylibs.push((name, Version(u32_at(command, 20)?)));
            }
            LC_SYMTAB => self.imports = Some(imports(file, command)?),
            LC_SEGMENT_64 if bytes(command, 8, 16)?.starts_with(b"__TEXT\0") => {
                let (start, size) = (u64_at(command, 40)?, u64_at(command, 48)?);
                self.text = Some(range(file, start.try_into()?, size.try_into()?)?);
            }
            LC_CODE_SIGNATURE => {
                self.signature = Some(range(file, u32_at(command, 8)? as usize, u32_at(command, 12)? as usize)?);
            }
            other if LC_OTHER_DYLIBS.contains(&other) => {
                return Err(format!("a library is loaded in another way than by LC_LOAD_DYLIB: {other:#x}").into());
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Image, Error> {
        Ok(Image {
            build: self.build.ok_or("no LC_BUILD_VERSION")?,
            dylibs: self.dylibs,
            imports: self.imports.ok_or("no LC_SYMTAB")?,
            text: self.text.ok_or("no segment __TEXT")?,
            signature: self.signature.ok_or("no LC_CODE_SIGNATURE")?,
        })
    }
}

/// The undefined symbols of the table that `LC_SYMTAB` names: entries of 16 bytes, and names elsewhere.
fn imports(file: &[u8], command: &[u8]) -> Result<Vec<Import>, Error> {
    let [entries, count, names, names_size] = [8, 12, 16, 20].map(|at| u32_at(command, at));
    let (entries, count) = (entries? as usize, count? as usize);
    let names = bytes(file, names? as usize, names_size? as usize)?;
    let mut imports = Vec::new();
    for entry in bytes(file, entries, count.checked_mul(16).ok_or("a symbol table too large")?)?.chunks_exact(16) {
        let kind = entry[4];
        // An undefined symbol has the type 0. Others are defined here, or are for debuggers.
        if kind & N_STAB == 0 && kind & N_TYPE == 0 && kind & N_EXT != 0 {
            // The library's number is in the upper byte of `n_desc`.
            imports.push(Import { name: string_at(names, u32_at(entry, 0)? as usize)?, ordinal: entry[7] });
        }
    }
    Ok(imports)
}

fn range(file: &[u8], start: usize, size: usize) -> Result<Range<usize>, Error> {
    bytes(file, start, size)?;
    Ok(start..start + size)
}

/// `size` bytes from `start`, if they are there.
pub(super) fn bytes(from: &[u8], start: usize, size: usize) -> Result<&[u8], Error> {
    start.checked_add(size).and_then(|end| from.get(start..end)).ok_or_else(|| cut_short(from, start))
}

/// The text from `start` to the next zero.
pub(super) fn string_at(from: &[u8], start: usize) -> Result<String, Error> {
    let tail = from.get(start..).ok_or_else(|| cut_short(from, start))?;
    let end = tail.iter().position(|&b| b == 0).ok_or_else(|| cut_short(from, start))?;
    Ok(str::from_utf8(&tail[..end])?.to_owned())
}

fn cut_short(from: &[u8], start: usize) -> Error {
    format!("cut short: something at {start} is not in {} bytes", from.len()).into()
}

fn u32_at(from: &[u8], at: usize) -> Result<u32, Error> {
    Ok(u32::from_le_bytes(bytes(from, at, 4)?.try_into()?))
}

fn u64_at(from: &[u8], at: usize) -> Result<u64, Error> {
    Ok(u64::from_le_bytes(bytes(from, at, 8)?.try_into()?))
}

//! Checks the ad-hoc signature that the linker writes. Without a right one, macOS kills a program for arm64 at its start.
//!
//! A signature is a *superblob*: a list of blobs with their kinds. One is the code directory, which holds a hash of every page
//! of the file before the signature. Layouts and numbers are those of `cs_blobs.h` in Apple's xnu, big endian throughout.

use super::macho::{Image, bytes, string_at};
use crate::Error;
use sha2::{Digest as _, Sha256};

const CSMAGIC_EMBEDDED_SIGNATURE: u32 = 0xfade_0cc0;
const CSMAGIC_CODEDIRECTORY: u32 = 0xfade_0c02;
/// The first version of a code directory that says which part of the file is executable.
const CS_SUPPORTSEXECSEG: u32 = 0x2_0400;
/// `CS_ADHOC | CS_LINKER_SIGNED`
const CS_FLAGS: u32 = 0x2 | 0x2_0000;
const CS_HASHTYPE_SHA256: u8 = 2;
const CS_EXECSEG_MAIN_BINARY: u64 = 1;

/// Checks that the signature is the linker's, covers the whole file before it, and has the right hash of every page; the
/// number of pages.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn verify(file: &[u8], image: &Image) -> Result<usize, Error> {
    let signature = &file[image.signature.clone()];
    if image.signature.end != file.len() {
        return Err(format!("{} bytes follow the signature", file.len() - image.signature.end).into());
    }
    if u32_at(signature, 0)? != CSMAGIC_EMBEDDED_SIGNATURE {
        return Err("the signature is of an unknown kind".into());
    }
    // An ad-hoc signature of the linker's has this blob alone.
    let (1, at) = (u32_at(signature, 8)?, u32_at(signature, 16)? as usize) else {
        return Err("the signature is not the code directory alone".into());
    };
    let size = u32_at(signature, at + 4)? as usize;
    let directory = CodeDirectory(bytes(signature, at, size)?);
    directory.check(image)?;
    directory.check_pages(&file[..image.signature.start])
}

/// A blob of the kind `CSMAGIC_CODEDIRECTORY`.
struct CodeDirectory<'a>(&'a [u8]);

impl CodeDirectory<'_> {
    /// Checks everything but the hashes.
    fn check(&self, image: &Image) -> Result<(), Error> {
        if u32_at(self.0, 0)? != CSMAGIC_CODEDIRECTORY {
            return Err("the signature has no code directory".into());
        }
        let (version, flags) = (u32_at(self.0, 8)?, u32_at(self.0, 12)?);
        if version < CS_SUPPORTSEXECSEG || flags != CS_FLAGS {
            return Err(format!("a code directory of version {version:#x} with the flags {flags:#x}").into());
        }
        if string_at(self.0, u32_at(self.0, 20)? as usize)?.is_empty() {
            return Err("the signature names no program".into());
        }
        let (start, size, kind) = (u64_at(self.0, 64)?, u64_at(self.0, 72)?, u64_at(self.0, 80)?);
        let text = &image.text;
        if (start, size, kind) != (text.start as u64, text.len() as u64, CS_EXECSEG_MAIN_BINARY) {
            return Err(
                format!("signed as executable are {size} bytes at {start}, kind {kind}; __TEXT is {text:?}").into()
            );
        }
        Ok(())
    }

    /// Compares the hash of every page of `code` with the one that is written down.
    fn check_pages(&self, code: &[u8]) -> Result<usize, Error> {
        let (hashes, count, end) = (u32_at(self.0, 16)? as usize, u32_at(self.0, 28)? as usize, u32_at(self.0, 32)?);
        let [hash_size, hash_type, _platform, page_bits] = bytes(self.0, 36, 4)?.try_into()?;
        if (hash_size, hash_type) != (32, CS_HASHTYPE_SHA256) || !(12..=16).contains(&page_bits) {
            return Err(format!("hashes of kind {hash_type} over pages of 2^{page_bits} bytes").into());
        }
        let pages = code.chunks(1 << page_bits);
        if end as usize != code.len() || count != pages.len() {
            return Err(format!("{count} pages and {end} bytes are signed, of {} bytes", code.len()).into());
        }
        for (i, page) in pages.enumerate() {
            if bytes(self.0, hashes + 32 * i, 32)? != Sha256::digest(page).as_slice() {
                return Err(format!("page {i} of {count} is not the one that was signed").into());
            }
        }
        Ok(count)
    }
}

fn u32_at(from: &[u8], at: usize) -> Result<u32, Error> {
    Ok(u32::from_be_bytes(bytes(from, at, 4)?.try_into()?))
}

fn u64_at(from: &[u8], at: usize) -> Result<u64, Error> {
    Ok(u64::from_be_bytes(bytes(from, at, 8)?.try_into()?))
}

//! NumPy's `.npy` files: one array each.
//!
//! Files are not trusted. The header is read first, and may not be longer than [`MAX_HEADER`]; memory for elements is taken
//! as they arrive. So a file costs memory in proportion to what is really in it, whatever it says of itself.

mod header;

pub(crate) use header::{Header, Kind, Order};

use crate::elements::Elements;
use anemone_ir::DType;
use std::fmt;
use std::io::{self, Read, Write};

/// The longest header that is read, in bytes; NumPy itself warns from 10,000 on.
const MAX_HEADER: usize = 64 * 1024;

/// Why a file is not taken, and how to mend it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reads as far as the elements.
pub(crate) fn read_header(from: &mut impl Read) -> Result<Header, Error> {
    let mut start = [0; 8];
    let found = read_up_to(from, &mut start)?;
    if &start[..found.min(6)] != b"\x93NUMPY" {
        let error = Error::new("is not a .npy file: it does not begin with \\x93NUMPY");
        return Err(if start.starts_with(b"PK") {
            error.hint("it seems to be a .npz archive; save the array itself with numpy.save")
        } else {
            error.hint("save the array with numpy.save")
        });
    }
    if found < start.len() {
        return Err(Error::new("ends within its header"));
    }
    let mut length = [0; 4];
    let wide = match start[6] {
        1 => 2,
        2 | 3 => 4,
        other => {
            let message = format!("has version {other}.{} of the .npy format; 1, 2 and 3 are read", start[7]);
            return Err(Error::new(message));
        }
    };
    if read_up_to(from, &mut length[..wide])? < wide {
        return Err(Error::new("ends within its header"));
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        return Err(Error::new(format!(
            "says that its header has {length} bytes; more than {MAX_HEADER} are not read"
        )));
    }
    let mut text = vec![0; length];
    if read_up_to(from, &mut text)? < length {
        return Err(Error::new(format!("says that its header has {length} bytes, and ends within it")));
    }
    // Versions 1 and 2 are Latin-1; what is read of them is ASCII in all versions.
    Header::parse(&String::from_utf8_lossy(&text))
}

/// Reads the elements that come after `header`, which must be of a type that [`Header::dtype`] gives, to the file's end.
pub(crate) fn read_elements(from: &mut impl Read, header: &Header) -> Result<Elements, Error> {
    let dtype = header.dtype().ok_or_else(|| header.refused())?;
    let elements = header.elements()?;
    let wanted = elements
        .checked_mul(dtype.size() as u64)
        .filter(|n| isize::try_from(*n).is_ok())
        .ok_or_else(|| Error::new(format!("says that it has {elements} elements, which fit no memory")))?;
    let mut bytes = Vec::new();
    let found = from.take(wanted).read_to_end(&mut bytes).map_err(io_error)? as u64;
    if found < wanted {
        let message = format!("is cut short: {header} takes {wanted} bytes, and {found} are there");
        return Err(Error::new(message));
    }
    if read_up_to(from, &mut [0])? > 0 {
        let message = format!("goes on after the {wanted} bytes that {header} takes");
        return Err(Error::new(message).hint("save one array to a file"));
    }
    if dtype == DType::Bool
        && let Some(at) = bytes.iter().position(|b| *b > 1)
    {
        return Err(Error::new(format!("has the byte {} for element {at}; a bool is 0 or 1", bytes[at])));
    }
    let count = bytes.len() / dtype.size();
    let mut elements = Elements::zeros(dtype, count).map_err(Error::new)?;
    elements.bytes_mut().copy_from_slice(&bytes);
    Ok(elements)
}

/// Writes an array: version 1, little-endian, C order, as `numpy.save` does.
pub(crate) fn write(to: &mut impl Write, dims: &[usize], elements: &Elements) -> io::Result<()> {
    let text = Header::text(elements.dtype(), dims);
    // The elements begin on a multiple of 64 bytes; the header ends with a line feed.
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    to.write_all(b"\x93NUMPY\x01\x00")?;
    to.write_all(&u16::try_from(length).expect("the header of five dimensions is short").to_le_bytes())?;
    to.write_all(format!("{text:<width$}\n", width = length - 1).as_bytes())?;
    to.write_all(elements.bytes())
}

/// Fills `to` as far as there are bytes; gives how many there were.
fn read_up_to(from: &mut impl Read, to: &mut [u8]) -> Result<usize, Error> {
    let mut found = 0;
    while found < to.len() {
        match from.read(&mut to[found..]) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(io_error(e)),
        }
    }
    Ok(found)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn io_error(e: io::Error) -> Error {
    Error::new(format!("cannot be read: {e}"))
}

#[cfg(test)]
mod tests;

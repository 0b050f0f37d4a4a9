//! Inputs from NumPy files.

use crate::elements::{Elements, numpy};
use crate::failure::Problem;
use crate::npy;
use anemone_ir::{DType, TensorType};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The elements of an input; those of `steps` runs if the file has them.
pub(super) fn read(name: &str, ty: &TensorType, path: &Path, steps: Option<usize>) -> Result<Elements, Problem> {
    tensor(&format!("input `{name}`"), ty, path, steps)
}

/// The elements of a file that is to hold a tensor.
///
/// # Errors
/// It cannot be read, or holds something else. `what` is what it is for.
pub(crate) fn tensor(what: &str, ty: &TensorType, path: &Path, steps: Option<usize>) -> Result<Elements, Problem> {
    let io = |e| Problem::io(&format!("read {what} from"), path, &e);
    let in_file = |e: npy::Error| {
        let problem = Problem::new("npy", format!("{what}: {} {}", path.display(), e.message));
        Problem { hint: e.hint, ..problem }
    };
    let file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.is_dir() {
        return Err(Problem::new("io", format!("{what}: {} is a folder; a .npy file is wanted", path.display())));
    }
    let mut file = BufReader::new(file);
    let header = npy::read_header(&mut file).map_err(in_file)?;
    // Before the elements are read: a file of something else may be as long as it likes.
    fits(what, ty, &header, steps).map_err(in_file)?;
    npy::read_elements(&mut file, &header).map_err(in_file)
}

/// Whether a file holds what an input takes.
fn fits(what: &str, ty: &TensorType, header: &npy::Header, steps: Option<usize>) -> Result<(), npy::Error> {
    if header.dtype().is_none() && header.kind == npy::Kind::Other {
        return Err(header.refused());
    }
    let found = header.dtype();
    let kind = what.split(' ').next().unwrap_or_default();
    let rounded = ty.dtype == DType::Fp16 && found == Some(DType::Fp32);
    if found != Some(ty.dtype) && !rounded {
        let (_, python) = numpy(ty.dtype).unwrap_or_default();
        let hint = format!("convert it: numpy.save(FILE, x.astype(\"{python}\"))");
        return Err(npy::Error::new(format!("is {header}, and the {kind} is {ty}")).hint(hint));
    }
    let dims: Vec<u64> = ty.dims.iter().map(|d| *d as u64).collect();
    let of_steps = |n: usize| header.shape.first() == Some(&(n as u64)) && header.shape[1..] == dims;
    if header.shape != dims && !steps.is_some_and(of_steps) {
        let error = npy::Error::new(format!("is {header}, and the {kind} is {ty}"));
        let same_count = header.elements().is_ok_and(|n| n == ty.dims.elements() as u64);
        return Err(match same_count {
            true => {
                error.hint(format!("the number of elements is right: numpy.save(FILE, x.reshape({:?}))", &*ty.dims))
            }
            false => match steps {
                Some(n) => {
                    let all: Vec<_> = std::iter::once(n as u64).chain(dims).collect();
                    error.hint(format!("a file for {n} steps is {all:?}, and one for every step alike {:?}", &*ty.dims))
                }
                None => error,
            },
        });
    }
    if header.order == npy::Order::Big {
        let hint = format!("convert it: numpy.save(FILE, x.astype(\"<{}\"))", header.descr.trim_start_matches('>'));
        return Err(npy::Error::new("has big-endian elements").hint(hint));
    }
    if header.fortran {
        let hint = "convert it: numpy.save(FILE, numpy.ascontiguousarray(x))";
        return Err(npy::Error::new("is in Fortran order, the first index fastest").hint(hint));
    }
    Ok(())
}

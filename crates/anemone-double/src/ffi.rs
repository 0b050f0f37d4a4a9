//! The functions that the double calls. `crates/anemone-apple/double/engine.h` declares them for C.
//!
//! A message of an error goes into memory of the caller, cut off where that ends.

use crate::program::{self, Program};
use crate::tensor::{Tensor, TensorMut};
use anemone_ir::types::MAX_RANK;
use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A program and the strings that are handed out for it.
pub struct Handle {
    program: Program,
    names: Vec<Names>,
}

/// The strings of a function.
struct Names {
    function: CString,
    inputs: Vec<CString>,
    outputs: Vec<CString>,
}

/// An input or output.
#[repr(C)]
pub struct Port {
    /// Its name; lives as long as the program.
    pub name: *const c_char,
    /// The element type in MIL's spelling; lives as long as the program.
    pub dtype: *const c_char,
    /// Bytes of an element.
    pub size: usize,
    /// How many dimensions there are.
    pub rank: usize,
    /// The dimensions.
    pub dims: [usize; MAX_RANK],
    /// Whether the function reads it.
    pub is_read: bool,
}

/// Memory of an input or output.
#[repr(C)]
pub struct Memory {
    /// Where it begins; null for an input that nothing reads.
    pub base: *mut u8,
    /// How many bytes there are.
    pub bytes: usize,
    /// Bytes from element to element, for each dimension.
    pub strides: [usize; MAX_RANK],
}

/// Writes a message into the caller's memory.
///
/// # Safety
/// `to` has room for `room` bytes.
unsafe fn report(message: &str, to: *mut c_char, room: usize) {
    let Some(most) = room.checked_sub(1) else { return };
    let length = message.floor_char_boundary(most.min(message.len()));
    // SAFETY: the caller has room for `room` bytes, and these are at most as many.
    unsafe {
        std::ptr::copy_nonoverlapping(message.as_ptr(), to.cast(), length);
        to.add(length).write(0);
    }
}

/// Names of MIL have no zero bytes: the grammar sees to it.
fn string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn names(function: &program::Function) -> Names {
    let all = |ports: &[program::Port]| ports.iter().map(|p| string(&p.name)).collect();
    Names { function: string(function.name()), inputs: all(function.inputs()), outputs: all(function.outputs()) }
}

/// Reads the program in a folder, for a Neural Engine of an architecture. Null if it cannot be read; then there is a message.
///
/// # Safety
/// `folder` and `architecture` are strings; `error` has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_load(
    folder: *const c_char,
    architecture: *const c_char,
    error: *mut c_char,
    room: usize,
) -> *mut Handle {
    // SAFETY: both are strings, says the caller.
    let (folder, architecture) = unsafe { (CStr::from_ptr(folder), CStr::from_ptr(architecture)) };
    let folder = Path::new(OsStr::from_bytes(folder.to_bytes()));
    match Program::load(folder, &architecture.to_string_lossy()) {
        Ok(program) => {
            let names = program.functions().iter().map(names).collect();
            Box::into_raw(Box::new(Handle { program, names }))
        }
        Err(e) => {
            // SAFETY: the caller vouches for it.
            unsafe { report(&e.to_string(), error, room) };
            std::ptr::null_mut()
        }
    }
}

/// Frees a program.
///
/// # Safety
/// It came from [`anemone_double_load`], and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_free(handle: *mut Handle) {
    // SAFETY: it was made by `Box::into_raw`, and is not used any more, says the caller.
    drop(unsafe { Box::from_raw(handle) });
}

/// The number of functions.
///
/// # Safety
/// `handle` is a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_functions(handle: *const Handle) -> usize {
    // SAFETY: it is a program, says the caller.
    unsafe { &*handle }.names.len()
}

/// The name of a function, which lives as long as the program.
///
/// # Safety
/// `handle` is a program, which has so many functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_function_name(handle: *const Handle, function: usize) -> *const c_char {
    // SAFETY: it is a program, says the caller.
    unsafe { &*handle }.names[function].function.as_ptr()
}

/// The number of inputs, or of outputs.
///
/// # Safety
/// `handle` is a program, which has so many functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_ports(handle: *const Handle, function: usize, outputs: bool) -> usize {
    // SAFETY: it is a program, says the caller.
    let names = &unsafe { &*handle }.names[function];
    if outputs { names.outputs.len() } else { names.inputs.len() }
}

/// An input or output.
///
/// # Safety
/// `handle` is a program, which has so many functions, which have so many ports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_port(handle: *const Handle, function: usize, outputs: bool, at: usize) -> Port {
    // SAFETY: it is a program, says the caller.
    let handle = unsafe { &*handle };
    let (names, function) = (&handle.names[function], &handle.program.functions()[function]);
    let (names, ports) =
        if outputs { (&names.outputs, function.outputs()) } else { (&names.inputs, function.inputs()) };
    let port = &ports[at];
    let mut dims = [0; MAX_RANK];
    dims[..port.ty.dims.rank()].copy_from_slice(&port.ty.dims);
    Port {
        name: names[at].as_ptr(),
        dtype: dtype(port.ty.dtype).as_ptr(),
        size: port.ty.dtype.size(),
        rank: port.ty.dims.rank(),
        dims,
        is_read: port.is_read,
    }
}

/// The name of an element type, for C.
fn dtype(dtype: anemone_ir::DType) -> &'static CStr {
    use anemone_ir::DType;
    match dtype {
        DType::Bool => c"bool",
        DType::String => c"string",
        DType::Fp16 => c"fp16",
        DType::Fp32 => c"fp32",
        DType::Int8 => c"int8",
        DType::Int16 => c"int16",
        DType::Int32 => c"int32",
        DType::UInt8 => c"uint8",
        DType::UInt16 => c"uint16",
        DType::UInt32 => c"uint32",
        DType::Int4 => c"int4",
        DType::UInt1 => c"uint1",
        DType::UInt2 => c"uint2",
        DType::UInt3 => c"uint3",
        DType::UInt4 => c"uint4",
        DType::UInt6 => c"uint6",
    }
}

/// Runs a function: `true` if it ran, else there is a message.
///
/// # Safety
/// `handle` is a program, which has so many functions. `inputs` and `outputs` are as many as it has; their memory is
/// initialised, nobody writes the inputs meanwhile, and nobody else touches the outputs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn anemone_double_evaluate(
    handle: *const Handle,
    function: usize,
    inputs: *const Memory,
    outputs: *const Memory,
    error: *mut c_char,
    room: usize,
) -> bool {
    // SAFETY: it is a program, says the caller.
    let function = &unsafe { &*handle }.program.functions()[function];
    // SAFETY: there are as many, says the caller.
    let (inputs, outputs) = unsafe { (list(inputs, function.inputs().len()), list(outputs, function.outputs().len())) };
    // SAFETY: the memory is as the functions below want it, says the caller.
    let inputs: Vec<_> = function.inputs().iter().zip(inputs).map(|(p, m)| unsafe { read(p, m) }).collect();
    // SAFETY: as above.
    let outputs = function.outputs().iter().zip(outputs).map(|(p, m)| unsafe { written(p, m) }).collect();
    match function.evaluate(&inputs, outputs) {
        Ok(()) => true,
        Err(e) => {
            // SAFETY: the caller vouches for it.
            unsafe { report(&e.to_string(), error, room) };
            false
        }
    }
}

/// The memory of an input.
///
/// # Safety
/// It is initialised, and nobody writes it while the result is used.
unsafe fn read<'a>(port: &program::Port, memory: &'a Memory) -> Option<Tensor<'a>> {
    if memory.base.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    let bytes = unsafe { std::slice::from_raw_parts(memory.base, memory.bytes) };
    Some(Tensor { bytes, strides: &memory.strides[..port.ty.dims.rank()] })
}

/// The memory of an output.
///
/// # Safety
/// It is not null and initialised, and nobody else touches it while the result is used.
unsafe fn written<'a>(port: &program::Port, memory: &'a Memory) -> TensorMut<'a> {
    // SAFETY: the caller vouches for it.
    let bytes = unsafe { std::slice::from_raw_parts_mut(memory.base, memory.bytes) };
    TensorMut { bytes, strides: &memory.strides[..port.ty.dims.rank()] }
}

/// A C array; a null pointer where there are none.
///
/// # Safety
/// There are so many, and they live as long as the result is used.
unsafe fn list<'a, T>(first: *const T, count: usize) -> &'a [T] {
    // SAFETY: there are so many, says the caller.
    if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(first, count) } }
}

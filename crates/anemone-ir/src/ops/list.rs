//! Lists of tensors of one type.
//!
//! A list has the length that it is made with. MIL also has lists that grow; what shape a result has would then depend on the
//! run, so that those are refused. A list is kept as its tensors stacked, the first dimension being its length. MIL does not
//! say what a position outside means: it is the nearest one inside.

use crate::diagnostic::{OpError, ensure, fail};
use crate::literal::Literal;
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::control::one;
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Kind, TensorType};

const ELEMENTS: DTypeSet = DTypeSet::BASIC;

const fn list() -> Param {
    Param::new("ls", TypeRule::T).kind(Some(Kind::List))
}

const fn position(name: &'static str) -> Param {
    Param::new(name, TypeRule::Of(DType::Int32.set()))
}

/// The type of a list's tensors.
fn element(list: TensorType) -> Result<TensorType, OpError> {
    Ok(TensorType::new(list.dtype, Dims::new(&list.dims[1..])?))
}

/// A number of tensors of one type, stacked.
fn stacked(count: usize, element: TensorType) -> Result<TensorType, OpError> {
    let dims: Vec<usize> = std::iter::once(count).chain(element.dims.iter().copied()).collect();
    Ok(TensorType::new(element.dtype, Dims::new(&dims)?))
}

/// Where the tensors at some positions lie in a list's elements.
fn places<'a>(x: &'a Inputs<'_>, positions: &str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
    let list = x.get("ls");
    let size = list.ty.dims[1..].iter().product::<usize>();
    let last = (list.ty.dims[0] - 1) as f64;
    x.get(positions).data.iter().map(move |at| {
        let at = at.clamp(0.0, last) as usize * size;
        at..at + size
    })
}

/// The list with other tensors at some positions; of those at the same position the last one stays.
fn written(x: &Inputs<'_>, positions: &str) -> Vec<Vec<f64>> {
    let mut out = x.get("ls").data.clone();
    let size = x.get("ls").ty.dims[1..].iter().product::<usize>();
    for (place, value) in places(x, positions).zip(x.get("value").data.chunks(size)) {
        out[place].copy_from_slice(value);
    }
    vec![out]
}

/// A list of zeros.
#[derive(Clone, PartialEq, Debug)]
pub struct MakeList;

impl Operation for MakeList {
    const SCHEMA: Schema = Schema::new(
        "make_list",
        DTypeSet::NONE,
        &[
            Param::ints("init_length").optional(),
            Param::bools("dynamic_length").optional(),
            Param::ints("elem_shape").tuple(),
            Param::string("dtype").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        if call.bool("dynamic_length", true)? {
            return Err(OpError::new("list", "a list that grows is not supported")
                .hint("give it its length with `init_length`, and set `dynamic_length` to false"));
        }
        let length = call.int("init_length", 1)?;
        ensure!(length >= 1, "range", "`init_length` is {length}; at least 1 is wanted");
        let name = call.str("dtype", "fp32")?;
        let Some(dtype) = DType::from_name(name).filter(|d| ELEMENTS.contains(*d)) else {
            fail!("dtype", "`dtype` is \"{name}\"; a list holds {ELEMENTS}");
        };
        let dims = call.tuple_ints("elem_shape")?.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>();
        let Ok(dims) = dims else { fail!("range", "`elem_shape` has a dimension below 0") };
        let ty = stacked(length as usize, TensorType::new(dtype, Dims::new(&dims)?))?;
        Ok(Inferred::one(MakeList, ty).kinds(vec![Kind::List]))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![vec![0.0; x.result(0).dims.elements()]]
    }
}

/// How many tensors a list has.
#[derive(Clone, PartialEq, Debug)]
pub struct ListLength;

impl Operation for ListLength {
    const SCHEMA: Schema = Schema::new("list_length", ELEMENTS, &[list()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let length = i32::try_from(call.ty("ls").dims[0]).map_err(|_| OpError::new("range", "the list is too long"))?;
        Ok(Inferred::one(ListLength, TensorType::scalar(DType::Int32)).known(Literal::from(length)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![vec![x.get("ls").ty.dims[0] as f64]]
    }
}

/// The tensor at a position.
#[derive(Clone, PartialEq, Debug)]
pub struct ListRead;

impl Operation for ListRead {
    const SCHEMA: Schema = Schema::new("list_read", ELEMENTS, &[list(), position("index")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        one("index", call.ty("index"))?;
        Ok(Inferred::one(ListRead, element(call.ty("ls"))?))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        places(x, "index").map(|place| x.get("ls").data[place].to_vec()).collect()
    }
}

/// The list with another tensor at a position.
#[derive(Clone, PartialEq, Debug)]
pub struct ListWrite;

impl Operation for ListWrite {
    const SCHEMA: Schema = Schema::new("list_write", ELEMENTS, &[list(), position("index"), Param::t("value")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (list, value) = (call.ty("ls"), call.ty("value"));
        one("index", call.ty("index"))?;
        let wanted = element(list)?;
        ensure!(value == wanted, "shape", "`value` is {value}, the list holds {wanted}");
        Ok(Inferred::one(ListWrite, list).kinds(vec![Kind::List]))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        written(x, "index")
    }
}

/// The tensors at some positions, stacked.
#[derive(Clone, PartialEq, Debug)]
pub struct ListGather;

impl Operation for ListGather {
    const SCHEMA: Schema = Schema::new("list_gather", ELEMENTS, &[list(), position("indices").vector()]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let count = call.ty("indices").dims.elements();
        Ok(Inferred::one(ListGather, stacked(count, element(call.ty("ls"))?)?))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        vec![places(x, "indices").flat_map(|place| x.get("ls").data[place].iter().copied()).collect()]
    }
}

/// The list with other tensors at some positions. Of several at one position the last one stays.
#[derive(Clone, PartialEq, Debug)]
pub struct ListScatter;

impl Operation for ListScatter {
    const SCHEMA: Schema =
        Schema::new("list_scatter", ELEMENTS, &[list(), position("indices").vector(), Param::t("value")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (list, value) = (call.ty("ls"), call.ty("value"));
        let wanted = stacked(call.ty("indices").dims.elements(), element(list)?)?;
        ensure!(value == wanted, "shape", "`value` is {value}, {wanted} is wanted");
        Ok(Inferred::one(ListScatter, list).kinds(vec![Kind::List]))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        written(x, "indices")
    }
}

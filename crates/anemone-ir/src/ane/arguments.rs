//! The arguments that an operation was not given, with the values that it has taken for them.
//!
//! The engine's front end refuses `rsqrt` without `epsilon`, `gelu` without `mode`, `conv` without the full list (ironmill,
//! ANEForge, mil_spec); coremltools writes every argument. So all that MIL has a value for is written, in the type of `x`.

use crate::literal::Literal;
use crate::ops::activation::GeluMode;
use crate::ops::gather::Indexing;
use crate::ops::reduce::Axes;
use crate::ops::window::Window;
use crate::program::Node;
use crate::types::{DType, TensorType};
use crate::{Arg, Op};

/// The optional arguments that an operation was not given and has a value for. `x` is the type of its first operand, `given`
/// those of its arguments.
pub(super) fn missing(
    node: &Node,
    x: &TensorType,
    result: &TensorType,
    given: impl Fn(&str) -> Option<DType>,
) -> Vec<(&'static str, Literal)> {
    let mut all = match &node.op {
        // Both factors have one type.
        Op::UpsampleNearestNeighbor(_) | Op::UpsampleBilinear(_) => {
            let dtype = FACTORS.iter().find_map(|name| given(name)).unwrap_or(DType::Int32);
            let factors = FACTORS.iter().filter_map(|name| Some((*name, Literal::scalar(dtype, 1.0)?)));
            let bilinear = matches!(node.op, Op::UpsampleBilinear(_));
            factors.chain(bilinear.then(|| ("align_corners", true.into()))).collect()
        }
        op => defaults(op, x, result),
    };
    // An empty list of axes means the same as none, and is a form that nobody is known to write.
    all.retain(|(name, literal)| *node.arg(name) == Arg::Absent && literal.ty().dims.elements() > 0);
    all
}

const FACTORS: [&str; 2] = ["scale_factor_height", "scale_factor_width"];

/// An argument in full, if it says something that depends on the operation set: a 0 or -1 in `shape`, an index that is
/// negative or out of range.
pub(super) fn explicit(node: &Node, param: &str, given: &Literal, result: &TensorType) -> Option<Literal> {
    match (&node.op, param) {
        (Op::Reshape(_), "shape") => {
            let short = given.to_i64().is_some_and(|sizes| sizes.iter().any(|d| *d < 1));
            short.then(|| ints(&result.dims))
        }
        (Op::Gather(op), "indices") => positions(given, op.rows.indexing, &op.rows.sizes),
        (Op::GatherNd(op), "indices") => positions(given, op.rows.indexing, &op.rows.sizes),
        (Op::GatherAlongAxis(op), "indices") => positions(given, op.along.indexing, &[op.along.size]),
        _ => None,
    }
}

/// Indices of axes of these sizes in turn as the positions that they mean, if they are others.
fn positions(given: &Literal, indexing: Indexing, sizes: &[usize]) -> Option<Literal> {
    let numbers = given.to_i64()?;
    let means = |(index, size): (&i64, &usize)| indexing.position(*index, *size) as i64;
    let positions: Vec<i64> = numbers.iter().zip(sizes.iter().cycle()).map(means).collect();
    let ty = TensorType::new(DType::Int32, given.ty().dims);
    let positions = (positions != numbers).then(|| positions.iter().map(|p| *p as f64).collect::<Vec<_>>())?;
    Literal::from_f64(ty, &positions).ok()
}

fn defaults(op: &Op, x: &TensorType, result: &TensorType) -> Vec<(&'static str, Literal)> {
    let rank = x.dims.rank();
    let epsilon = |value: f64| half(value).map(|l| ("epsilon", l)).into_iter().collect();
    match op {
        Op::Rsqrt(op) => epsilon(op.epsilon),
        Op::Log(op) => epsilon(op.epsilon),
        Op::Inverse(op) => epsilon(op.epsilon),
        Op::InstanceNorm(op) => epsilon(op.epsilon),
        Op::BatchNorm(op) => epsilon(op.epsilon),
        Op::L2Norm(op) => epsilon(op.epsilon),
        Op::LayerNorm(op) => {
            let mut all: Vec<_> = epsilon(op.epsilon);
            all.push(("axes", ints(&op.axes)));
            all
        }
        Op::Gelu(op) => vec![("mode", gelu_mode(op.mode).into())],
        Op::Softmax(op) => vec![("axis", int(op.axis))],
        Op::Linear(op) => Literal::fp16(&[op.outputs], vec![half::f16::ZERO; op.outputs])
            .map(|zeros| ("bias", zeros))
            .into_iter()
            .collect(),
        Op::Matmul(op) => vec![("transpose_x", op.transpose_x.into()), ("transpose_y", op.transpose_y.into())],
        Op::Conv(op) => convolution(&op.window, op.groups),
        Op::ConvTranspose(op) => {
            let mut all = convolution(&op.window, op.groups);
            all.push(("output_shape", ints(&result.dims)));
            all
        }
        Op::MaxPool(op) => pool(&op.window),
        Op::L2Pool(op) => pool(&op.window),
        Op::AvgPool(op) => {
            let mut all = pool(&op.window);
            all.push(("exclude_padding_from_average", op.exclude_padding.into()));
            all
        }
        Op::ReduceSum(op) => reduction(&op.axes),
        Op::ReduceMean(op) => reduction(&op.axes),
        Op::ReduceMin(op) => reduction(&op.axes),
        Op::ReduceMax(op) => reduction(&op.axes),
        Op::ReduceProd(op) => reduction(&op.axes),
        Op::ReduceL1Norm(op) => reduction(&op.axes),
        Op::ReduceSumSquare(op) => reduction(&op.axes),
        Op::ReduceL2Norm(op) => reduction(&op.axes),
        Op::ReduceLogSum(op) => reduction(&op.axes),
        Op::ReduceLogSumExp(op) => reduction(&op.axes),
        Op::Concat(op) => vec![("interleave", op.interleave.into())],
        Op::Squeeze(_) => {
            let ones: Vec<usize> = (0..rank).filter(|axis| x.dims[*axis] == 1).collect();
            vec![("axes", ints(&ones))]
        }
        Op::SliceByIndex(_) => slices(rank),
        Op::Pad(op) => {
            let constant = half(op.constant).map(|l| ("constant_val", l));
            [("mode", "constant".into())].into_iter().chain(constant).collect()
        }
        Op::Gather(_) => vec![("axis", int(0)), ("batch_dims", int(0)), ("validate_indices", false.into())],
        Op::GatherNd(_) => vec![("batch_dims", int(0)), ("validate_indices", false.into())],
        Op::GatherAlongAxis(_) => vec![("axis", int(0)), ("validate_indices", false.into())],
        Op::Topk(op) => vec![
            ("k", int(op.k)),
            ("axis", int(rank.saturating_sub(1))),
            ("ascending", op.sorted.ascending.into()),
            ("sort", true.into()),
            ("return_indices", true.into()),
        ],
        Op::Argsort(op) => vec![("axis", int(rank.saturating_sub(1))), ("ascending", op.sorted.ascending.into())],
        Op::SliceUpdate(_) => slices(rank),
        Op::LocalResponseNorm(_) => {
            [("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)].into_iter().filter_map(|(n, x)| Some((n, half(x)?))).collect()
        }
        Op::Cumsum(_) => vec![("axis", int(0)), ("exclusive", false.into()), ("reverse", false.into())],
        Op::ReduceArgmax(_) | Op::ReduceArgmin(_) => {
            vec![("axis", int(rank.saturating_sub(1))), ("keep_dims", false.into()), ("output_dtype", "int32".into())]
        }
        Op::BandPart(_) => vec![("lower", Literal::from(-1)), ("upper", Literal::from(-1))],
        Op::Reverse(_) => vec![("axes", ints(&(0..rank).collect::<Vec<_>>()))],
        Op::ReverseSequence(_) => vec![("seq_axis", int(0)), ("batch_axis", int(0))],
        Op::Flatten2d(_) => vec![("axis", int(1))],
        Op::RandomCategorical(_) => vec![("mode", "logits".into()), ("size", int(1)), ("seed", Literal::from(-1))],
        Op::ResizeBilinear(_) => {
            vec![("target_size_height", int(1)), ("target_size_width", int(1)), ("sampling_mode", "DEFAULT".into())]
        }
        Op::Resize(_) => vec![("interpolation_mode", "LINEAR".into()), ("sampling_mode", "DEFAULT".into())],
        _ => Vec::new(),
    }
}

/// `stride` and the masks of a slice.
fn slices(rank: usize) -> Vec<(&'static str, Literal)> {
    let mut all = vec![("stride", ints(&vec![1; rank]))];
    all.extend(["begin_mask", "end_mask", "squeeze_mask"].map(|name| (name, no(rank))));
    all
}

/// MIL's word for how gelu is computed.
pub(super) fn gelu_mode(mode: GeluMode) -> &'static str {
    match mode {
        GeluMode::Exact => "EXACT",
        GeluMode::Tanh => "TANH_APPROXIMATION",
        GeluMode::Sigmoid => "SIGMOID_APPROXIMATION",
    }
}

fn half(value: f64) -> Option<Literal> {
    Literal::scalar(DType::Fp16, value)
}

fn int(value: usize) -> Literal {
    Literal::from(value as i32)
}

fn ints(values: &[usize]) -> Literal {
    Literal::from(&*values.iter().map(|v| *v as i32).collect::<Vec<_>>())
}

fn no(len: usize) -> Literal {
    Literal::bools(&[len], &vec![false; len]).expect("one value for each axis")
}

/// `strides`, `pad_type` and `pad`; padding counts only with `pad_type` custom, which is not the default.
fn window(window: &Window) -> Vec<(&'static str, Literal)> {
    let pad = ints(&vec![0; 2 * window.rank()]);
    vec![("strides", ints(&window.strides)), ("pad_type", "valid".into()), ("pad", pad)]
}

fn convolution(of: &Window, groups: usize) -> Vec<(&'static str, Literal)> {
    let mut all = window(of);
    all.extend([("dilations", ints(&of.dilations)), ("groups", int(groups))]);
    all
}

fn pool(of: &Window) -> Vec<(&'static str, Literal)> {
    let mut all = window(of);
    all.push(("ceil_mode", false.into()));
    all
}

fn reduction(axes: &Axes) -> Vec<(&'static str, Literal)> {
    vec![("axes", ints(&axes.axes)), ("keep_dims", axes.keep_dims.into())]
}

//! The rows about operations.
//!
//! Chips: ANEForge measured M1 to M5 Pro; ane-bridge an M5; ironmill's is not known; maderix an M4 and an M5; Orion an M4 Max;
//! mil_infer an M4; computer-graphics-tools has tests on hardware and does not say which.

use super::super::rules;
use super::{Action, Row, Site, keep};
use crate::Op;
use crate::ane::Generation::{H13, H14, H15};
use crate::limits::Confidence::{High, Low};
use crate::types::DType;
use std::cmp::Ordering;

const fn rewrite(
    id: &'static str,
    operations: &'static [&'static str],
    claim: &'static str,
    source: &'static str,
    becomes: &'static str,
    make: super::Make,
) -> Row {
    Row::new(id, operations, claim, source, Action::Rewrite { becomes, make })
}

const fn warn(id: &'static str, operations: &'static [&'static str], claim: &'static str, source: &'static str) -> Row {
    Row::new(id, operations, claim, source, Action::Warn)
}

const fn refuse(
    id: &'static str,
    operations: &'static [&'static str],
    claim: &'static str,
    source: &'static str,
) -> Row {
    Row::new(id, operations, claim, source, Action::Refuse).sure(High)
}

/// Every row about operations. Of an operation's rows that are on, all findings are reported; the first that replaces or
/// refuses it decides.
pub static ROWS: &[Row] = &[
    // What is left out, or becomes something else with the same bits.
    rewrite(
        "identity",
        &["identity"],
        "the front end refuses it",
        "ANEForge; Espresso",
        "its operand",
        rules::operand,
    ),
    rewrite(
        "cast-same",
        &["cast"],
        "the front end refuses `cast`",
        "ANEForge; ironmill runs some",
        "its operand",
        rules::operand,
    )
    .when(|site| matches!(&site.node.op, Op::Cast(cast) if cast.from == cast.to)),
    rewrite(
        "cast-truth",
        &["cast"],
        "the front end refuses `cast`, and takes comparisons",
        "ANEForge; ironmill runs it",
        "a comparison with 0",
        rules::truth,
    )
    .when(|site| matches!(&site.node.op, Op::Cast(cast) if cast.from == DType::Fp16 && cast.to == DType::Bool)),
    rewrite(
        "cast-number",
        &["cast"],
        "the front end refuses `cast`, and takes `select`",
        "ANEForge; ironmill runs it",
        "a select of 1 and 0",
        rules::halves,
    )
    .when(|site| matches!(&site.node.op, Op::Cast(cast) if cast.from == DType::Bool && cast.to == DType::Fp16)),
    rewrite(
        "logic",
        &["logical_and", "logical_or", "logical_xor"],
        "the front end refuses logic of two operands",
        "ANEForge, ironmill; computer-graphics-tools runs logical_and",
        "arithmetic on 1 and 0, and a comparison",
        rules::logic,
    )
    .sure(High),
    rewrite(
        "concat",
        &["concat"],
        "two tensors are joined at a time, and not interleaved",
        "ANEForge; computer-graphics-tools and maderix join more",
        "concats of two",
        rules::concat,
    )
    .when(|site| {
        let values = site.tuple("values");
        let scalars = values.first().is_some_and(|id| site.ty(*id).dims.rank() == 0);
        // Interleaving takes an axis more.
        let interleave = matches!(&site.node.op, Op::Concat(op) if op.interleave);
        let fits = !interleave || values.first().is_some_and(|id| site.ty(*id).dims.rank() < crate::types::MAX_RANK);
        (values.len() != 2 || interleave || scalars) && fits && !(interleave && scalars)
    }),
    rewrite(
        "stack",
        &["stack"],
        "two tensors are joined at a time",
        "ANEForge, of concat",
        "reshapes, and concats of two",
        rules::stack,
    )
    .when(|site| site.tuple("values").len() > 2),
    rewrite(
        "tile",
        &["tile"],
        "tensors are repeated 2, 3, 4 or 8 times, and along one axis",
        "ANEForge",
        "tiles by these factors, and concats",
        rules::repeat,
    )
    .when(|site| {
        let reps = site.numbers("reps");
        let known = |times: &i64| *times == 1 || rules::FACTORS.contains(&(*times as usize));
        !reps.iter().all(known) || reps.iter().filter(|times| **times > 1).count() > 1
    }),
    rewrite(
        "conv-product",
        &["conv"],
        "weights that are computed at run time give wrong results",
        "computer-graphics-tools; ANEForge (refused)",
        "a matrix product",
        rules::product,
    )
    .sure(High)
    .when(|site| site.is_run_time("weight") && is_product(site)),
    // What rounds otherwise than the operation it stands for.
    rewrite(
        "conv-bias",
        &["conv", "conv_transpose"],
        "a convolution takes no bias",
        "Orion, maderix, libane; computer-graphics-tools and Core ML's own texts have one",
        "the convolution without bias, and an addition",
        rules::bias_apart,
    )
    .rounding()
    .when(|site| site.argument("bias").is_some() && !site.is_run_time("weight")),
    rewrite(
        "reduce-mean",
        &["reduce_mean"],
        "it compiles, and fails when it is run",
        "ane-bridge; ANEForge and computer-graphics-tools run it",
        "reduce_sum, times 1 / n",
        rules::mean,
    )
    .rounding(),
    rewrite(
        "gelu",
        &["gelu"],
        "the compiler refuses it",
        "Orion, mil_infer (without `mode`?); ANEForge and computer-graphics-tools run it",
        "its formula",
        rules::gelu,
    )
    .rounding(),
    rewrite(
        "clip-order",
        &["clip"],
        "the lower bound is below the upper one in the newer operation sets",
        "coremltools",
        "maximum and minimum",
        rules::bounds,
    )
    .sure(High)
    // A zero may have another sign.
    .rounding()
    .since(H15)
    .when(|site| matches!(&site.node.op, Op::Clip(op) if op.alpha.partial_cmp(&op.beta) != Some(Ordering::Less))),
    // What is refused.
    refuse(
        "value-dtype",
        &[],
        "values are fp16, or bool within a program: there is no arithmetic on fp32 and on integers",
        "ane-bridge, the contract (fp32); ironmill, mil_spec (integers)",
    )
    .slug("ane-dtype")
    .mend("write it in fp16; integers up to 2,048 are exact there")
    .when(|site| site.node.results.iter().any(|id| !matches!(site.ty(*id).dtype, DType::Fp16 | DType::Bool))),
    refuse(
        "conv-weights",
        &["conv", "conv_transpose"],
        "weights that are computed at run time give wrong results",
        "computer-graphics-tools; ANEForge (refused)",
    )
    .slug("ane-weights")
    .mend("make the weights constant; or a 1 by 1 kernel without groups, strides and padding, which becomes a matmul")
    .when(|site| site.is_run_time("weight")),
    refuse("reduce-prod", &["reduce_prod"], "there is no product along an axis", "ironmill, ANEForge")
        .mend("multiply slices; or exp(reduce_sum(log(x))) where all of x is positive"),
    refuse("sin-cos", &["sin", "cos"], "sine and cosine exist from M3 on", "ANEForge (M1, M2), ironmill, ane-bridge")
        .until(H14)
        .mend("use a polynomial of x, or a table as a constant"),
    refuse(
        "kernel-width",
        &["conv", "conv_transpose"],
        "a kernel is at most 15 wide",
        "ane-bridge (M5), ANEForge (M4, M5), ironmill (16)",
    )
    .mend("split the kernel, or use space_to_depth first")
    .when(|site| kernel_width(site) > 15),
    refuse("axis", &[], "an axis has at most 65,536 elements", "ANEForge, mil_spec")
        .mend("split the tensor")
        .when(|site| longest(site, usize::MAX) > 65_536),
    // What one source refuses, or sources disagree about.
    warn("sin-cos-newer", &["sin", "cos"], "sine and cosine may be refused", "ironmill, ane-bridge (M5); ANEForge and computer-graphics-tools run them")
        .since(H15)
        .mend("try it on the machine"),
    warn(
        "not-there",
        &[
            "acos", "asin", "atanh", "cosh", "sinh", "tan", "mod", "one_hot", "shape", "cumsum", "band_part",
            "reverse_sequence", "random_bernoulli", "random_categorical", "random_normal",
        ],
        "the operation is not there on the engine",
        "ANEForge",
    )
    .mend("compute it before, or of operations that are there"),
    refuse("non-zero", &["non_zero"], "how many elements are not 0 is not known before a run", "ANEForge, ironmill")
        .mend("multiply by a mask, made by comparing with 0"),
    warn("random-uniform", &["random_uniform"], "it exists from M3 on", "ANEForge")
        .until(H14)
        .mend("draw the numbers before, and give them as an input"),
    keep("random-uniform-newer", &["random_uniform"], "it runs; its numbers are its own", "ANEForge").since(H15),
    warn("argmin", &["reduce_argmin"], "it exists from M3 on", "ANEForge").until(H14).mend("search the negated numbers"),
    warn(
        "argmax-axis",
        &["reduce_argmax", "reduce_argmin"],
        "an axis of more than 2,048 elements is not searched",
        "computer-graphics-tools",
    )
    .mend("split the axis, and search each part first")
    .when(|site| site.argument("x").is_some_and(|x| site.ty(x).dims.iter().any(|d| *d > 2048))),
    keep(
        "argmax",
        &["reduce_argmax", "reduce_argmin"],
        "it runs, with `uint16` indices",
        "computer-graphics-tools; ANEForge has `reduce_argmax` of MIL refused",
    )
    .sure(Low),
    keep("shapes-rare", &["flatten2d", "reverse"], "they run, with the right elements", "ANEForge"),
    keep("reshape-like", &["reshape_like"], "nobody says", "nobody"),
    keep("local-response-norm", &["local_response_norm"], "it runs, within 0.00014", "ANEForge"),
    warn("kernel-width-m1", &["conv", "conv_transpose"], "a kernel is at most 13 wide", "ANEForge (M1)")
        .until(H13)
        .mend("split the kernel, or use space_to_depth first")
        .when(|site| (14..=15).contains(&kernel_width(site))),
    warn(
        "axis-older",
        &[],
        "the last two axes have at most 16,384 elements up to M3",
        "ANEForge (M1, M2 Pro), ironmill",
    )
    .until(H15)
    .mend("split the tensor")
    .when(|site| longest(site, 2) > 16_384 && longest(site, usize::MAX) <= 65_536),
    warn("pool-window-m1", &["max_pool", "avg_pool", "l2_pool"], "a pool's window is at most 29", "ANEForge (M1)")
        .until(H13)
        .mend("pool twice")
        .when(|site| pool_window(site) > 29),
    warn("pool-window", &["max_pool", "avg_pool", "l2_pool"], "a pool's window is at most 31", "ANEForge")
        .since(H14)
        .mend("pool twice")
        .when(|site| pool_window(site) > 31),
    warn("pool-ceil", &["max_pool"], "`ceil_mode` with padding is refused", "computer-graphics-tools")
        .mend("pad first, with `pad` and a constant of -inf")
        .when(|site| match &site.node.op {
            Op::MaxPool(op) => site.truth("ceil_mode") && op.window.before.iter().chain(&op.window.after).any(|p| *p > 0),
            _ => false,
        }),
    warn("conv-dilated", &["conv", "conv_transpose"], "dilated convolutions leave the engine", "hollance, of Core ML")
        .sure(Low)
        .mend("try it on the machine; or spread the weights with zeros")
        .when(|site| match &site.node.op {
            Op::Conv(op) => op.window.dilations.iter().any(|d| *d > 1),
            Op::ConvTranspose(op) => op.window.dilations.iter().any(|d| *d > 1),
            _ => false,
        }),
    warn("pad-reflect", &["pad"], "reflected padding is refused, or done in software", "ANEForge (M1)")
        .until(H13)
        .mend("pad with a constant, or join reversed slices")
        .when(|site| site.text("mode") == Some("reflect")),
    warn(
        "slice-width",
        &["slice_by_size", "slice_by_index", "split"],
        "slices that do not begin at the start of the last axis turn what is beyond 4,094 into infinity; joined, they give wrong \
         elements",
        "ANEForge (M1, M2: 7 machines)",
    )
    .until(H14)
    .mend("slice along another axis: transpose first")
    .when(slices_width),
    // What stays.
    keep("const", &["const"], "constants are part of the text", "every source").sure(High),
    keep(
        "arithmetic",
        &["add", "sub", "mul", "real_div", "maximum", "minimum", "abs", "square"],
        "they run",
        "every source",
    )
    .sure(High),
    keep(
        "functions",
        &["sqrt", "exp", "exp2", "pow", "erf", "sign", "floor", "ceil", "floor_div"],
        "they run; a floor that is only scaled may be wrong",
        "ANEForge, ironmill, computer-graphics-tools; ane-bridge refuses exp and sqrt on an M5",
    ),
    keep("round", &["round"], "it runs; halves go away from zero", "ANEForge; computer-graphics-tools").sure(High),
    keep(
        "epsilon",
        &["rsqrt", "log", "inverse"],
        "they run with `epsilon` written, which may be 0; the logarithm of infinity is 0",
        "ironmill, ANEForge, computer-graphics-tools; ane-bridge refuses log on an M5",
    )
    .sure(High),
    keep(
        "activations",
        &["relu", "relu6", "sigmoid", "tanh", "silu", "softsign", "softplus", "clip", "softmax"],
        "they run; softplus drops to 0 near 10.4",
        "every source; coremltools #2687 (softplus)",
    )
    .sure(High),
    keep(
        "activations-rare",
        &[
            "thresholded_relu", "clamped_relu", "scaled_tanh", "threshold", "prelu", "softplus_parametric", "atan", "fill",
            "fill_like", "range_1d",
        ],
        "they run; of prelu and softplus_parametric nobody says with what results",
        "ANEForge",
    ),
    keep(
        "activations-scaled",
        &["leaky_relu", "elu", "sigmoid_hard", "linear_activation"],
        "they run, each as its own operation",
        "ANEForge, computer-graphics-tools",
    )
    .sure(High),
    keep(
        "products",
        &["conv", "conv_transpose", "linear", "matmul"],
        "they run, accumulating wide; results above 32,752 become infinite",
        "every source; ANEForge (7 machines)",
    )
    .sure(High),
    keep(
        "pools",
        &["max_pool", "avg_pool", "l2_pool"],
        "they run",
        "ANEForge, computer-graphics-tools; ironmill refuses max and avg",
    )
    .sure(High),
    keep(
        "norms",
        &["layer_norm", "instance_norm", "batch_norm", "l2_norm"],
        "they run",
        "ANEForge, computer-graphics-tools; ironmill refuses batch_norm",
    )
    .sure(High),
    keep(
        "reductions",
        &[
            "reduce_sum",
            "reduce_min",
            "reduce_max",
            "reduce_l1_norm",
            "reduce_l2_norm",
            "reduce_sum_square",
            "reduce_log_sum",
            "reduce_log_sum_exp",
        ],
        "they run; sums accumulate in fp16, exact for integers up to 2,048",
        "ANEForge, ironmill, computer-graphics-tools",
    )
    .sure(High),
    keep(
        "shapes",
        &["reshape", "expand_dims", "squeeze", "transpose", "split", "slice_by_size", "slice_by_index", "stack", "tile"],
        "they run, if something else does too",
        "ANEForge, computer-graphics-tools, Orion",
    )
    .sure(High),
    keep("concat-two", &["concat"], "it runs", "ANEForge, computer-graphics-tools, ironmill; Orion refuses it"),
    keep("pad", &["pad"], "it runs", "ANEForge, computer-graphics-tools, ironmill").sure(High),
    keep(
        "comparisons",
        &["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_not", "select"],
        "they run",
        "ANEForge, ironmill",
    )
    .sure(High),
    keep(
        "compressed",
        &[
            "constexpr_affine_dequantize",
            "constexpr_blockwise_shift_scale",
            "constexpr_lut_to_dense",
            "constexpr_sparse_to_dense",
            "constexpr_cast",
            "constexpr_lut_to_sparse",
            "constexpr_sparse_blockwise_shift_scale",
        ],
        "weights are written out in halves before the engine sees them",
        "how anemone writes programs",
    ),
    keep("quantize", &["quantize", "dequantize"], "they run", "ANEForge"),
    refuse(
        "control-flow",
        &["cond", "while_loop"],
        "blocks do not run on the engine",
        "ANEForge; no source has them run",
    )
    .mend("run the blocks as functions of their own, and decide between them outside"),
    refuse(
        "states",
        &["read_state", "write_state"],
        "the front end refuses states",
        "ANEForge, ane-bridge-rs on an M5; computer-graphics-tools runs them, up to 7 written ones",
    )
    .sure(Low)
    .mend("give the state as an input, and its new value as an output"),
    refuse(
        "lists",
        &["make_list", "list_length", "list_read", "list_write", "list_gather", "list_scatter"],
        "lists do not run on the engine",
        "ANEForge; no source has them run",
    )
    .mend("stack the tensors into one"),
    refuse(
        "attention-older",
        &["scaled_dot_product_attention"],
        "programs for it are written in ios16, which does not have this operation",
        "coremltools (since ios18); maderix (how programs are written)",
    )
    .until(H14)
    .mend("write it as two products and a softmax"),
    warn(
        "attention-mask",
        &["scaled_dot_product_attention"],
        "the mask is left out of account",
        "maderix, Orion; computer-graphics-tools has one that is added honoured",
    )
    .since(H15)
    .mend("write it as two products and a softmax")
    .when(|site| site.argument("attn_mask").is_some()),
    keep("attention", &["scaled_dot_product_attention"], "it runs", "computer-graphics-tools").since(H15),
    keep("einsum", &["einsum"], "it runs; nobody says with which equations", "ane-bridge"),
    // What positions of the run choose, and order.
    warn(
        "gather",
        &["gather", "gather_along_axis"],
        "only `uint16` indices along the innermost axis run, if any",
        "ironmill, mil_infer, hollance (refused); computer-graphics-tools runs these",
    )
    .mend("multiply by a matrix of ones and zeros, or gather on the CPU"),
    warn("gather-nd", &["gather_nd"], "it exists from M2 on", "ANEForge")
        .until(H13)
        .mend("gather on the CPU, and give the result as an input"),
    keep("gather-nd-newer", &["gather_nd"], "it runs from M2 on", "ANEForge").since(H14),
    warn("slice-begin", &["slice_by_size"], "a part that begins where the run says runs with scalar positions, if at all", "mil_spec (positions are constants); computer-graphics-tools runs scalar ones")
        .mend("make `begin` a constant, or multiply by a mask")
        .when(|site| site.is_run_time("begin")),
    refuse(
        "slice-update-older",
        &["slice_update"],
        "programs for it are written in ios16, which does not have this operation",
        "coremltools (since ios18); maderix (how programs are written)",
    )
    .until(H14)
    .mend("join the parts with `concat`, or select by a mask"),
    warn(
        "slice-update",
        &["slice_update"],
        "only whole planes of the channels' axis are replaced, if anything is",
        "computer-graphics-tools",
    )
    .mend("join the parts with `concat`, or select by a mask"),
    refuse(
        "scatter",
        &["scatter", "scatter_nd", "scatter_along_axis"],
        "nothing is put where indices say",
        "ironmill, ANEForge, hollance",
    )
    .mend("select by a mask, or scatter on the CPU"),
    refuse("sliding-windows", &["sliding_windows"], "there are no sliding windows", "ironmill, ANEForge")
        .mend("stack slices, or use a convolution"),
    refuse(
        "boxes",
        &["non_maximum_suppression"],
        "it gives integers, and what it does depends on its numbers",
        "ane-bridge, ironmill (integers)",
    )
    .mend("have the program give boxes and scores, and suppress on the CPU"),
    warn("topk-m1", &["topk", "argsort"], "sorting exists from M2 on", "ANEForge")
        .until(H13)
        .mend("sort on the CPU"),
    warn("topk-axis", &["topk", "argsort"], "an axis of more than 2,048 elements is not sorted", "computer-graphics-tools")
        .since(H14)
        .mend("split the axis, and take the best of each part first")
        .when(|site| site.argument("x").is_some_and(|x| site.ty(x).dims.iter().any(|d| *d > 2048))),
    keep("topk", &["topk"], "it runs, with `uint16` indices", "computer-graphics-tools, ANEForge").since(H14),
    keep("argsort", &["argsort"], "it runs; nobody says with which indices", "ANEForge").since(H14),
    warn(
        "resize-m1",
        &["upsample_bilinear", "resize_bilinear", "resize"],
        "the M1 has nothing that interpolates: it rounds otherwise, and some modes abort",
        "ANEForge",
    )
    .until(H13)
    .mend("write it as a transposed convolution, or resize on the CPU"),
    keep(
        "resize",
        &["upsample_bilinear", "resize_bilinear", "resize"],
        "it runs; nobody says with which numbers",
        "ANEForge, computer-graphics-tools",
    )
    .since(H14),
    keep("resize-nearest", &["resize_nearest_neighbor"], "it runs, with the right numbers", "ANEForge"),
    warn(
        "batch-blocks",
        &["space_to_batch"],
        "blocks are of 2, 3, 4 or 8",
        "ANEForge",
    )
    .mend("do it in several steps")
    .when(|site| matches!(&site.node.op, Op::SpaceToBatch(op) if op.blocks.block.iter().any(|b| ![1, 2, 3, 4, 8].contains(b)))),
    keep("batch", &["space_to_batch", "batch_to_space"], "they run", "ANEForge, computer-graphics-tools"),
    keep("crop", &["crop", "pixel_unshuffle"], "they run", "ANEForge"),
    warn(
        "sample-m1",
        &["resample", "affine"],
        "points of images are read from M2 on",
        "ANEForge",
    )
    .until(H13)
    .mend("sample on the CPU, and give the result as an input"),
    refuse(
        "crop-resize",
        &["crop_resize"],
        "it is not there on an M5, and its arguments are others in each operation set",
        "mil_infer, ANEForge (from M2 on, without results)",
    )
    .mend("slice and resize, or do it on the CPU"),
    keep("sample", &["resample", "affine"], "they run; nobody says with which numbers", "ANEForge, mil_infer").since(H14),
    refuse(
        "recurrent",
        &["lstm", "gru", "rnn"],
        "the engine steps through no sequence",
        "ANEForge, ironmill, hollance",
    )
    .mend("write the steps out as products and functions of elements, or run it on the CPU"),
    keep(
        "space",
        &["pixel_shuffle", "depth_to_space", "space_to_depth", "upsample_nearest_neighbor"],
        "they run; in Core ML, factors above 2 leave the engine",
        "ANEForge, computer-graphics-tools; hollance",
    )
    .sure(High),
];

/// A 1 by 1 kernel without groups, strides and padding.
fn is_product(site: &Site<'_>) -> bool {
    let Op::Conv(op) = &site.node.op else { return false };
    let ones = op.window.kernel.iter().chain(&op.window.strides).all(|n| *n == 1);
    ones && op.groups == 1 && op.window.before.iter().chain(&op.window.after).all(|p| *p == 0)
}

fn kernel_width(site: &Site<'_>) -> usize {
    match &site.node.op {
        Op::Conv(op) => op.window.kernel.last().copied().unwrap_or(0),
        Op::ConvTranspose(op) => op.window.kernel.last().copied().unwrap_or(0),
        _ => 0,
    }
}

fn pool_window(site: &Site<'_>) -> usize {
    let window = match &site.node.op {
        Op::MaxPool(op) => &op.window,
        Op::AvgPool(op) => &op.window,
        Op::L2Pool(op) => &op.window,
        _ => return 0,
    };
    window.kernel.iter().copied().max().unwrap_or(0)
}

/// The longest of the last so many axes of the results.
fn longest(site: &Site<'_>, axes: usize) -> usize {
    let of = |id: &crate::ValueId| site.ty(*id).dims.iter().rev().take(axes).copied().max().unwrap_or(0);
    site.node.results.iter().map(of).max().unwrap_or(0)
}

/// Whether a slice takes a part of the last axis that does not begin at its start.
fn slices_width(site: &Site<'_>) -> bool {
    let Some(x) = site.argument("x") else { return false };
    let Some(last) = site.ty(x).dims.rank().checked_sub(1) else { return false };
    match &site.node.op {
        Op::Split(op) => op.axis == last && op.sizes.len() > 1,
        Op::SliceBySize(op) => {
            op.map.axes.last().and_then(|runs| runs.first()?.source).is_some_and(|(first, _)| first > 0)
        }
        Op::SliceByIndex(op) => {
            op.map.axes.last().and_then(|runs| runs.first()?.source).is_some_and(|(first, _)| first > 0)
        }
        _ => false,
    }
}

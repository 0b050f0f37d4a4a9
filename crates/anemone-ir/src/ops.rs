//! The operations, by family. A file holds, for each of its operations, the declaration, the type rule and the reference.

pub mod activation;
pub mod attention;
pub mod batch;
pub mod boxes;
pub mod cast;
pub mod compare;
pub mod constant;
pub mod constexpr;
pub mod control;
pub mod conv;
pub mod create;
pub mod einsum;
pub mod elementwise;
pub mod gather;
pub mod linear;
pub mod list;
pub mod movement;
pub mod norm;
pub mod pad;
pub mod pool;
pub mod quantize;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resize;
pub mod reverse;
pub mod sample;
pub mod scatter;
pub mod shape;
pub mod slice;
pub mod sort;
pub mod space;
pub mod state;
pub mod tensor;
pub mod window;

/// The table of all operations: `family { mnemonic Type, … }`. The enum [`crate::Op`], dispatch, the parser's look-up, the
/// builder's methods and the engine's kernels are made from it; an operation that is not fully declared does not compile.
#[macro_export]
macro_rules! for_each_op {
    ($callback:path) => {
        $callback! {
            constant {
                const Const,
                identity Identity,
            }
            elementwise {
                abs Abs, square Square, sqrt Sqrt, rsqrt Rsqrt, exp Exp, exp2 Exp2, log Log, inverse Inverse, sign Sign,
                floor Floor, ceil Ceil, round Round, erf Erf, sin Sin, cos Cos, tan Tan,
                acos Acos, asin Asin, atan Atan, atanh Atanh, cosh Cosh, sinh Sinh,
                add Add, sub Sub, mul Mul, real_div RealDiv, floor_div FloorDiv, mod Mod, pow Pow, maximum Maximum, minimum Minimum,
            }
            activation {
                relu Relu, relu6 Relu6, leaky_relu LeakyRelu, elu Elu, clip Clip, sigmoid Sigmoid,
                sigmoid_hard SigmoidHard, linear_activation LinearActivation, tanh Tanh, softplus Softplus,
                softsign Softsign, silu Silu, gelu Gelu, thresholded_relu ThresholdedRelu, clamped_relu ClampedRelu,
                scaled_tanh ScaledTanh, threshold Threshold, prelu Prelu, softplus_parametric SoftplusParametric,
            }
            linear { linear Linear, matmul Matmul, }
            einsum { einsum Einsum, }
            attention { scaled_dot_product_attention ScaledDotProductAttention, }
            conv { conv Conv, conv_transpose ConvTranspose, }
            pool { max_pool MaxPool, avg_pool AvgPool, l2_pool L2Pool, }
            norm {
                softmax Softmax, layer_norm LayerNorm, instance_norm InstanceNorm, batch_norm BatchNorm, l2_norm L2Norm,
                local_response_norm LocalResponseNorm,
            }
            reduce {
                reduce_sum ReduceSum, reduce_mean ReduceMean, reduce_min ReduceMin, reduce_max ReduceMax,
                reduce_prod ReduceProd, reduce_l1_norm ReduceL1Norm, reduce_sum_square ReduceSumSquare,
                reduce_l2_norm ReduceL2Norm, reduce_log_sum ReduceLogSum, reduce_log_sum_exp ReduceLogSumExp,
                reduce_argmax ReduceArgmax, reduce_argmin ReduceArgmin,
            }
            shape {
                reshape Reshape, expand_dims ExpandDims, squeeze Squeeze, transpose Transpose, concat Concat, stack Stack,
                split Split, tile Tile, flatten2d Flatten2d, reshape_like ReshapeLike,
            }
            slice { slice_by_size SliceBySize, slice_by_index SliceByIndex, slice_update SliceUpdate, sliding_windows SlidingWindows, }
            gather { gather Gather, gather_nd GatherNd, gather_along_axis GatherAlongAxis, }
            scatter { scatter Scatter, scatter_nd ScatterNd, scatter_along_axis ScatterAlongAxis, }
            sort { topk Topk, argsort Argsort, }
            reverse { reverse Reverse, reverse_sequence ReverseSequence, }
            tensor { cumsum Cumsum, band_part BandPart, non_zero NonZero, }
            random {
                random_bernoulli RandomBernoulli, random_categorical RandomCategorical, random_normal RandomNormal,
                random_uniform RandomUniform,
            }
            boxes { non_maximum_suppression NonMaximumSuppression, }
            pad { pad Pad, }
            cast { cast Cast, }
            compare {
                equal Equal, not_equal NotEqual, less Less, less_equal LessEqual, greater Greater,
                greater_equal GreaterEqual, logical_and LogicalAnd, logical_or LogicalOr, logical_xor LogicalXor,
                logical_not LogicalNot, select Select,
            }
            constexpr {
                constexpr_affine_dequantize ConstexprAffineDequantize,
                constexpr_blockwise_shift_scale ConstexprBlockwiseShiftScale,
                constexpr_lut_to_dense ConstexprLutToDense, constexpr_sparse_to_dense ConstexprSparseToDense,
                constexpr_cast ConstexprCast, constexpr_lut_to_sparse ConstexprLutToSparse,
                constexpr_sparse_blockwise_shift_scale ConstexprSparseBlockwiseShiftScale,
            }
            quantize { quantize Quantize, dequantize Dequantize, }
            create { shape Shape, fill Fill, fill_like FillLike, range_1d Range1d, one_hot OneHot, }
            control { cond Cond, while_loop WhileLoop, }
            state { read_state ReadState, write_state WriteState, }
            list {
                make_list MakeList, list_length ListLength, list_read ListRead, list_write ListWrite,
                list_gather ListGather, list_scatter ListScatter,
            }
            space {
                pixel_shuffle PixelShuffle, pixel_unshuffle PixelUnshuffle, depth_to_space DepthToSpace,
                space_to_depth SpaceToDepth, upsample_nearest_neighbor UpsampleNearestNeighbor, crop Crop,
            }
            batch { space_to_batch SpaceToBatch, batch_to_space BatchToSpace, }
            resize {
                upsample_bilinear UpsampleBilinear, resize_bilinear ResizeBilinear,
                resize_nearest_neighbor ResizeNearestNeighbor, resize Resize,
            }
            sample { crop_resize CropResize, resample Resample, affine Affine, }
            recurrent { lstm Lstm, gru Gru, rnn Rnn, }
        }
    };
}

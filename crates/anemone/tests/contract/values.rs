//! What every method computes, by the contract's conventions, against plain loops.

use crate::{evaluate, executable, ramp};
use anemone::{Convolution2dDescriptor, ConvolutionTranspose2dDescriptor, Graph, PadFillMode, PadMode, Shape, Tensor};
use half::f16;

/// The elements of `f(x)`.
fn of(shape: Shape, data: &[f32], f: impl FnOnce(&mut Graph, Tensor) -> Tensor) -> (Shape, Vec<f32>) {
    let mut g = Graph::new();
    let x = g.placeholder(shape);
    let y = f(&mut g, x);
    let found = evaluate(&g, &[data]);
    assert_eq!(executable(&g).outputs()[0].shape, y.shape, "the handle knows the shape");
    (y.shape, found[0].to_vec())
}

/// Equal, but for one unit of `fp16` in the last place.
#[track_caller]
fn assert_close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        let rounded = anemone_ir::reference::to_f16(*y).to_f64();
        let unit = (rounded.abs() / 1024.0).max(2f64.powi(-24));
        let same = f64::from(*x) == rounded || (f64::from(*x) - rounded).abs() <= unit;
        assert!(same || (x.is_nan() && y.is_nan()), "element {i}: {x}, {y} is right");
    }
}

const ROW: Shape = Shape::spatial(1, 1, 8);
const NUMBERS: [f32; 8] = [-2.0, -1.0, -0.25, 0.0, 0.25, 1.0, 2.0, 5.0];

#[test]
fn binary_operations_broadcast_in_every_dimension() {
    type Binary = (fn(&mut Graph, Tensor, Tensor) -> Tensor, fn(f64, f64) -> f64);
    let operations: [Binary; 7] = [
        (Graph::addition, |x, y| x + y),
        (Graph::subtraction, |x, y| x - y),
        (Graph::multiplication, |x, y| x * y),
        (Graph::division, |x, y| x / y),
        (Graph::power, |x, y| x.powf(y)),
        (Graph::maximum, f64::max),
        (Graph::minimum, f64::min),
    ];
    let dims = [2, 3, 2, 4];
    for (operation, expected) in operations {
        for mask in 0..16 {
            // Dimension i of x is 1 if bit i is set, and that of y if it is not.
            let side = |bit: usize| {
                let dim = |i: usize| if mask >> i & 1 == bit { 1 } else { dims[i] };
                Shape::from_dims([dim(0), dim(1), dim(2), dim(3)])
            };
            let (a, b) = (side(1), side(0));
            let x: Vec<f32> = ramp(a.total_elements()).iter().map(|v| v.abs() + 0.5).collect();
            let y: Vec<f32> = ramp(b.total_elements()).iter().map(|v| v + 2.125).collect();
            let mut g = Graph::new();
            let (ta, tb) = (g.placeholder(a), g.placeholder(b));
            let out = operation(&mut g, ta, tb);
            assert_eq!(out.shape.dims(), dims);
            let wanted = each(out.shape, |at| {
                let index = |s: Shape| offset(s, std::array::from_fn(|i| at[i].min(s.dims()[i] - 1)));
                expected(f64::from(x[index(a)]), f64::from(y[index(b)]))
            });
            assert_close(&evaluate(&g, &[&x, &y])[0], &wanted);
        }
    }
}

#[test]
fn unary_operations_are_exact_at_their_definitions() {
    type Unary = (fn(&mut Graph, Tensor) -> Tensor, fn(f64) -> f64);
    let operations: [Unary; 15] = [
        (Graph::absolute, f64::abs),
        (Graph::square_root, f64::sqrt),
        (Graph::reciprocal_square_root, |x| 1.0 / x.sqrt()),
        (Graph::exponent, f64::exp),
        (Graph::logarithm, f64::ln),
        (Graph::reciprocal, |x| 1.0 / x),
        (Graph::relu, |x| x.max(0.0)),
        (Graph::sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Graph::tanh, f64::tanh),
        (Graph::softplus, |x| x.exp().ln_1p()),
        (Graph::softsign, |x| x / (1.0 + x.abs())),
        (|g, x| g.leaky_relu(x, 0.25), |x| if x < 0.0 { 0.25 * x } else { x }),
        (|g, x| g.elu(x, 0.5), |x| if x > 0.0 { x } else { 0.5 * x.exp_m1() }),
        (|g, x| g.hard_sigmoid(x, 0.25, 0.5), |x| (0.25 * x + 0.5).clamp(0.0, 1.0)),
        (|g, x| g.linear(x, -3.0, 0.5), |x| -3.0 * x + 0.5),
    ];
    for (operation, expected) in operations {
        let (shape, found) = of(ROW, &NUMBERS, operation);
        assert_eq!(shape, ROW);
        let wanted: Vec<f64> = NUMBERS.iter().map(|x| expected(f64::from(*x))).collect();
        assert_close(&found, &wanted);
    }
}

#[test]
fn inner_product_takes_weights_by_outputs_over_the_channels() {
    let shape = Shape { batch: 2, channels: 3, height: 2, width: 4 };
    let (data, weights) = (ramp(48), ramp(15));
    let (found_shape, found) = of(shape, &data, |g, x| g.inner_product(x, &weights, 3, 5));
    assert_eq!(found_shape, Shape { channels: 5, ..shape });
    let wanted = each(found_shape, |[b, o, h, w]| {
        (0..3).map(|i| f64::from(weights[o * 3 + i]) * f64::from(data[offset(shape, [b, i, h, w])])).sum()
    });
    assert_close(&found, &wanted);
}

#[test]
fn matrices_multiply_for_each_batch_and_channel() {
    for transpose_x in [false, true] {
        for transpose_y in [false, true] {
            let turned = |h, w, turn: bool| if turn { (w, h) } else { (h, w) };
            let ((xh, xw), (yh, yw)) = (turned(3, 4, transpose_x), turned(4, 5, transpose_y));
            let a = Shape { batch: 2, channels: 3, height: xh, width: xw };
            // The batch of the second is repeated.
            let b = Shape { batch: 1, channels: 3, height: yh, width: yw };
            let (x, y) = (ramp(a.total_elements()), ramp(b.total_elements()));
            let mut g = Graph::new();
            let (ta, tb) = (g.placeholder(a), g.placeholder(b));
            let out = g.matrix_multiplication(ta, tb, transpose_x, transpose_y);
            assert_eq!(out.shape.dims(), [2, 3, 3, 5]);
            let wanted = each(out.shape, |[n, c, i, j]| {
                let left = |k| if transpose_x { [n, c, k, i] } else { [n, c, i, k] };
                let right = |k| if transpose_y { [0, c, j, k] } else { [0, c, k, j] };
                (0..4).map(|k| f64::from(x[offset(a, left(k))]) * f64::from(y[offset(b, right(k))])).sum()
            });
            assert_close(&evaluate(&g, &[&x, &y])[0], &wanted);
        }
    }
}

#[test]
fn elements_move_as_the_shapes_say() {
    let shape = Shape { batch: 2, channels: 3, height: 4, width: 5 };
    let data = ramp(120);
    let at = |at: [usize; 4]| f64::from(data[offset(shape, at)]);

    let (to, found) = of(shape, &data, |g, x| g.reshape(x, Shape { batch: 1, channels: 6, height: 10, width: 2 }));
    assert_eq!((to.dims(), found), ([1, 6, 10, 2], data.clone()));

    let (to, found) = of(shape, &data, |g, x| g.flatten_2d(x));
    assert_eq!((to, found), (Shape::channels(120), data.clone()));

    let (to, found) = of(shape, &data, |g, x| g.transpose(x, [3, 0, 2, 1]));
    assert_eq!(to.dims(), [5, 2, 4, 3]);
    assert_close(&found, &each(to, |[w, b, h, c]| at([b, c, h, w])));

    let (to, found) = of(shape, &data, |g, x| g.slice(x, [1, 0, 2, 1], [1, 3, 2, 3]));
    assert_eq!(to.dims(), [1, 3, 2, 3]);
    assert_close(&found, &each(to, |[b, c, h, w]| at([b + 1, c, h + 2, w + 1])));

    for axis in 0..4 {
        let (to, found) = of(shape, &data, |g, x| {
            let twice = g.linear(x, 2.0, 0.0);
            g.concat(&[x, twice, x], axis)
        });
        let dim = shape.dims()[axis];
        let mut dims = shape.dims();
        dims[axis] *= 3;
        assert_eq!(to.dims(), dims);
        let wanted = each(to, |mut i| {
            let part = i[axis] / dim;
            i[axis] %= dim;
            if part == 1 { 2.0 * at(i) } else { at(i) }
        });
        assert_close(&found, &wanted);
    }
}

#[test]
fn reductions_keep_their_axis_and_count_negative_ones_from_the_end() {
    type Reduction = (fn(&mut Graph, Tensor, i64) -> Tensor, fn(&[f64]) -> f64);
    let operations: [Reduction; 4] = [
        (Graph::reduce_sum, |v| v.iter().sum()),
        (Graph::reduce_mean, |v| v.iter().sum::<f64>() / v.len() as f64),
        (Graph::reduce_min, |v| v.iter().copied().fold(f64::INFINITY, f64::min)),
        (Graph::reduce_max, |v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    ];
    let shape = Shape { batch: 2, channels: 3, height: 4, width: 5 };
    let data = ramp(120);
    for (operation, expected) in operations {
        for axis in 0..4 {
            for axis in [axis, axis - 4] {
                let (to, found) = of(shape, &data, |g, x| operation(g, x, axis));
                let axis = axis.rem_euclid(4) as usize;
                let mut dims = shape.dims();
                dims[axis] = 1;
                assert_eq!(to.dims(), dims);
                assert_close(&found, &each(to, |at| expected(&line(shape, &data, axis, at))));
            }
        }
    }
}

#[test]
fn softmax_is_along_its_axis_and_survives_large_numbers() {
    let shape = Shape { batch: 2, channels: 3, height: 4, width: 5 };
    let data: Vec<f32> = ramp(120).iter().map(|x| x * 1000.0).collect();
    for axis in -4..4 {
        let (to, found) = of(shape, &data, |g, x| g.soft_max(x, axis));
        assert_eq!(to, shape);
        let axis = axis.rem_euclid(4) as usize;
        let wanted = each(shape, |at| {
            let all = line(shape, &data, axis, at);
            let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (all[at[axis]] - most).exp() / all.iter().map(|x| (x - most).exp()).sum::<f64>()
        });
        assert_close(&found, &wanted);
    }
}

#[test]
fn instance_norm_takes_scales_or_scales_and_shifts() {
    let shape = Shape { batch: 2, channels: 3, height: 2, width: 8 };
    let data = ramp(96);
    for params in [vec![1.0, 2.0, -0.5], vec![1.0, 2.0, -0.5, 0.25, 0.0, 4.0]] {
        // The shape of the parameters may be that of all of them, or of the channels.
        for channels in [params.len(), 3] {
            let (to, found) = of(shape, &data, |g, x| {
                let params = g.constant(&params, Shape::channels(channels));
                g.instance_norm(x, params, 0.125)
            });
            assert_eq!(to, shape);
            let wanted = each(shape, |[b, c, h, w]| {
                let plane: Vec<f64> = (0..16).map(|i| f64::from(data[(b * 3 + c) * 16 + i])).collect();
                let mean = plane.iter().sum::<f64>() / 16.0;
                let variance = plane.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 16.0;
                let shift = params.get(3 + c).map_or(0.0, |x| f64::from(*x));
                (plane[h * 8 + w] - mean) / (variance + 0.125).sqrt() * f64::from(params[c]) + shift
            });
            assert_close(&found, &wanted);
        }
    }
}

/// A convolution by its definition: weights `[out, in / groups, kh, kw]`, zeros around.
struct Conv<'a> {
    weights: &'a [f32],
    kernel: [usize; 2],
    outputs: usize,
    groups: usize,
    /// Rows and columns of zeros before.
    before: [usize; 2],
}

impl Conv<'_> {
    fn of(&self, shape: Shape, data: &[f32], to: Shape) -> Vec<f64> {
        let ([kh, kw], inputs) = (self.kernel, shape.channels / self.groups);
        each(to, |[b, o, h, w]| {
            let first = o / (self.outputs / self.groups) * inputs;
            let mut sum = 0.0;
            for (i, y, x) in (0..inputs).flat_map(|i| (0..kh).flat_map(move |y| (0..kw).map(move |x| (i, y, x)))) {
                let (Some(row), Some(column)) =
                    ((h + y).checked_sub(self.before[0]), (w + x).checked_sub(self.before[1]))
                else {
                    continue;
                };
                if row < shape.height && column < shape.width {
                    let weight = self.weights[((o * inputs + i) * kh + y) * kw + x];
                    sum += f64::from(weight) * f64::from(data[offset(shape, [b, first + i, row, column])]);
                }
            }
            sum
        })
    }
}

#[test]
fn convolution_takes_both_forms_of_weights_groups_and_padding() {
    let shape = Shape { batch: 2, channels: 4, height: 5, width: 7 };
    let data = ramp(shape.total_elements());
    for (groups, kernel) in [(1, [3, 3]), (2, [2, 3]), (4, [1, 2]), (1, [1, 1]), (1, [4, 4])] {
        let ([kh, kw], outputs, inputs) = (kernel, 8, 4 / groups);
        let weights = ramp(outputs * inputs * kh * kw);
        let short = Shape::spatial(outputs, kh, kw);
        let plain = Shape { batch: outputs, channels: inputs, height: kh, width: kw };
        for pad_mode in [PadMode::Valid, PadMode::Same] {
            let same = pad_mode == PadMode::Same;
            let to = if same {
                Shape { channels: outputs, ..shape }
            } else {
                Shape { batch: 2, channels: outputs, height: 6 - kh, width: 8 - kw }
            };
            // Of an odd number of rows the larger part goes before.
            let before = if same { [kh / 2, kw / 2] } else { [0, 0] };
            let wanted = Conv { weights: &weights, kernel, outputs, groups, before }.of(shape, &data, to);
            for form in [short, plain] {
                let (found_shape, found) = of(shape, &data, |g, x| {
                    let weights = g.constant(&weights, form);
                    g.convolution_2d(x, weights, None, &Convolution2dDescriptor { groups, pad_mode })
                });
                assert_eq!(found_shape, to);
                assert_close(&found, &wanted);
            }
        }
    }
}

#[test]
fn a_bias_is_added_for_each_output() {
    let (data, weights, bias) = (ramp(8 * 2), ramp(2 * 3), [1.0, -2.0, 0.5]);
    let shape = Shape::spatial(2, 1, 8);
    let (_, without) = of(shape, &data, |g, x| {
        let weights = g.constant(&weights, Shape::channels(3));
        g.convolution_2d_1x1(x, weights, None)
    });
    let (to, with) = of(shape, &data, |g, x| {
        let weights = g.constant(&weights, Shape::channels(3));
        let bias = g.constant(&bias, Shape::channels(3));
        g.convolution_2d_1x1(x, weights, Some(bias))
    });
    assert_close(&with, &each(to, |[_, c, _, w]| f64::from(without[c * 8 + w]) + f64::from(bias[c])));
}

#[test]
fn a_dynamic_convolution_takes_weights_at_run_time() {
    let shape = Shape { batch: 2, channels: 3, height: 2, width: 4 };
    let (data, weights) = (ramp(48), ramp(15));
    let mut g = Graph::new();
    let x = g.placeholder(shape);
    let w = g.placeholder(Shape { batch: 5, ..Shape::channels(3) });
    let dynamic = g.convolution_2d_1x1_dynamic(x, w);
    let constant = g.inner_product(x, &weights, 3, 5);
    assert_eq!((dynamic.shape, constant.shape.channels), (Shape { channels: 5, ..shape }, 5));
    let found = evaluate(&g, &[&data, &weights]);
    assert_eq!(found[0], found[1]);
}

#[test]
fn transposed_convolution_takes_both_forms_of_weights_groups_and_strides() {
    let shape = Shape { batch: 2, channels: 4, height: 3, width: 4 };
    let data = ramp(shape.total_elements());
    for (groups, [kh, kw], [sh, sw]) in
        [(1, [3, 3], [1, 1]), (2, [2, 3], [2, 1]), (1, [3, 2], [2, 2]), (4, [2, 2], [2, 3]), (1, [4, 5], [1, 2])]
    {
        let (outputs, each_group) = (4 * groups, 4);
        let weights = ramp(4 * each_group * kh * kw);
        let to = Shape { batch: 2, channels: outputs, height: 2 * sh + kh, width: 3 * sw + kw };
        let mut wanted = vec![0.0; to.total_elements()];
        each(shape, |[b, i, h, w]| {
            let first = i / (4 / groups) * each_group;
            for (o, y, x) in (0..each_group).flat_map(|o| (0..kh).flat_map(move |y| (0..kw).map(move |x| (o, y, x)))) {
                let weight = f64::from(weights[((i * each_group + o) * kh + y) * kw + x]);
                wanted[offset(to, [b, first + o, h * sh + y, w * sw + x])] +=
                    weight * f64::from(data[offset(shape, [b, i, h, w])]);
            }
            0.0
        });
        let forms = [Shape::spatial(outputs, kh, kw), Shape { batch: 4, channels: each_group, height: kh, width: kw }];
        for form in forms {
            let run = |pad_mode| {
                of(shape, &data, |g, x| {
                    let weights = g.constant(&weights, form);
                    let descriptor =
                        ConvolutionTranspose2dDescriptor { groups, stride_height: sh, stride_width: sw, pad_mode };
                    g.convolution_transpose_2d(x, weights, None, &descriptor)
                })
            };
            let (found_shape, found) = run(PadMode::Valid);
            assert_eq!(found_shape, to);
            assert_close(&found, &wanted);
            // `Same` cuts to input * stride elements, an odd one before, or leaves elements that no weight reaches.
            let same = Shape { batch: 2, channels: outputs, height: 3 * sh, width: 4 * sw };
            let before = [kh.saturating_sub(sh).div_ceil(2), kw.saturating_sub(sw).div_ceil(2)];
            let (found_shape, found) = run(PadMode::Same);
            assert_eq!(found_shape, same);
            let cut = each(same, |[b, o, h, w]| {
                let (h, w) = (h + before[0], w + before[1]);
                if h < to.height && w < to.width { wanted[offset(to, [b, o, h, w])] } else { 0.0 }
            });
            assert_close(&found, &cut);
        }
    }
}

#[test]
fn pools_keep_the_batch_and_pad_before() {
    let shape = Shape { batch: 3, channels: 2, height: 5, width: 6 };
    let data = ramp(shape.total_elements());
    for ([kh, kw], [sh, sw]) in [([2, 2], [2, 2]), ([3, 2], [1, 2]), ([4, 3], [2, 1]), ([1, 1], [3, 3])] {
        for pad_mode in [PadMode::Valid, PadMode::Same] {
            let (height, width, before) = match pad_mode {
                PadMode::Valid => ((5 - kh) / sh + 1, (6 - kw) / sw + 1, [0, 0]),
                PadMode::Same => {
                    let (h, w) = (5usize.div_ceil(sh), 6usize.div_ceil(sw));
                    let total = [((h - 1) * sh + kh).saturating_sub(5), ((w - 1) * sw + kw).saturating_sub(6)];
                    (h, w, total.map(|t| t.div_ceil(2)))
                }
            };
            let to = Shape { height, width, ..shape };
            // What is under the window; `None` is padding.
            let window = |[b, c, h, w]: [usize; 4]| -> Vec<Option<f64>> {
                let all = (0..kh).flat_map(|y| (0..kw).map(move |x| (h * sh + y, w * sw + x)));
                let element = |(y, x): (usize, usize)| {
                    let (y, x) = (y.checked_sub(before[0])?, x.checked_sub(before[1])?);
                    (y < 5 && x < 6).then(|| f64::from(data[offset(shape, [b, c, y, x])]))
                };
                all.map(element).collect()
            };
            let most = |at| window(at).into_iter().flatten().fold(f64::NEG_INFINITY, f64::max);
            let mean = |at| window(at).into_iter().map(Option::unwrap_or_default).sum::<f64>() / (kh * kw) as f64;
            let (found_shape, found) = of(shape, &data, |g, x| g.max_pool(x, kh, kw, sh, sw, pad_mode));
            assert_eq!(found_shape, to);
            assert_close(&found, &each(to, most));
            let (found_shape, found) = of(shape, &data, |g, x| g.avg_pool(x, kh, kw, sh, sw, pad_mode));
            assert_eq!(found_shape, to);
            assert_close(&found, &each(to, mean));
        }
    }
    let (to, found) = of(shape, &data, |g, x| g.global_avg_pool(x));
    assert_eq!(to, Shape { batch: 3, ..Shape::channels(2) });
    let wanted: Vec<f64> = data.chunks(30).map(|p| p.iter().map(|x| f64::from(*x)).sum::<f64>() / 30.0).collect();
    assert_close(&found, &wanted);
}

#[test]
fn padding_fills_in_each_mode() {
    let shape = Shape { batch: 2, channels: 2, height: 3, width: 4 };
    let data = ramp(48);
    let [top, bottom, left, right] = [2, 1, 1, 3];
    for (mode, value) in [(PadFillMode::Constant, -1.5), (PadFillMode::Reflect, 0.0), (PadFillMode::Replicate, 0.0)] {
        let (to, found) = of(shape, &data, |g, x| g.pad(x, top, bottom, left, right, mode, value));
        assert_eq!(to.dims(), [2, 2, 6, 8]);
        // Where an element comes from along an axis; `None` is filled.
        let source = |at: usize, before: usize, len: usize| -> Option<usize> {
            let at = at as i64 - before as i64;
            let last = len as i64 - 1;
            let inside = match mode {
                PadFillMode::Constant => at,
                PadFillMode::Replicate => at.clamp(0, last),
                PadFillMode::Reflect if at > last => 2 * last - at,
                PadFillMode::Reflect => at.abs(),
            };
            usize::try_from(inside).ok().filter(|i| *i < len)
        };
        let wanted = each(to, |[b, c, h, w]| match (source(h, top, 3), source(w, left, 4)) {
            (Some(h), Some(w)) => f64::from(data[offset(shape, [b, c, h, w])]),
            _ => value,
        });
        assert_close(&found, &wanted);
    }
}

#[test]
fn constants_come_as_numbers_a_scalar_or_halves() {
    let mut g = Graph::new();
    let x = g.placeholder(Shape::spatial(3, 1, 2));
    let numbers = g.constant(&[0.5, -1.0, 0.1], Shape::channels(3));
    let bytes: Vec<u8> = [0.5f32, -1.0, 0.1].iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
    let halves = g.constant_with_f16_bytes(&bytes, Shape::channels(3));
    let scalar = g.constant_with_scalar(0.25, Shape::spatial(3, 1, 2));
    for constant in [numbers, halves, scalar] {
        g.multiplication(x, constant);
    }
    let found = evaluate(&g, &[&[2.0; 6]]);
    let tenth = 2.0 * f16::from_f32(0.1).to_f32();
    assert_eq!(*found[0], [1.0, 1.0, -2.0, -2.0, tenth, tenth]);
    assert_eq!(found[1], found[0]);
    assert_eq!(*found[2], [0.5; 6]);
}

#[test]
fn shapes_count_their_elements() {
    let shape = Shape { width: 5, height: 4, channels: 3, batch: 2 };
    assert_eq!((shape.total_elements(), Shape::spatial(3, 4, 5).batch), (120, 1));
    assert_eq!(Shape::channels(7), Shape { batch: 1, channels: 7, height: 1, width: 1 });
    assert_eq!(Shape::spatial(usize::MAX, 2, 1).total_elements(), usize::MAX, "no overflow");
}

/// Where an element lies.
fn offset(shape: Shape, [b, c, h, w]: [usize; 4]) -> usize {
    b * shape.channels * shape.height * shape.width + c * shape.height * shape.width + h * shape.width + w
}

/// A number for every position, in order.
fn each(shape: Shape, mut f: impl FnMut([usize; 4]) -> f64) -> Vec<f64> {
    let [n, c, h, w] = shape.dims();
    let at = |i: usize| [i / (c * h * w) % n, i / (h * w) % c, i / w % h, i % w];
    (0..shape.total_elements()).map(|i| f(at(i))).collect()
}

/// The elements along an axis through a position.
fn line(shape: Shape, data: &[f32], axis: usize, mut at: [usize; 4]) -> Vec<f64> {
    let mut element = |i| {
        at[axis] = i;
        f64::from(data[offset(shape, at)])
    };
    (0..shape.dims()[axis]).map(&mut element).collect()
}

//! Convolution and its transpose.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::window::{PadType, Window, coordinates, counts, custom_pad, pad_type};
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};

/// Convolution of `x` `[n, in, spatial…]` with `weight` `[out, in / groups, kernel…]`; 1 to 3 spatial axes.
#[derive(Clone, PartialEq, Debug)]
pub struct Conv {
    /// The window.
    pub window: Window,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Channels of `x`.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
}

/// Channels of `x`, and its spatial sizes.
fn channels_and_space(x: &TensorType) -> Result<(usize, &[usize]), OpError> {
    match &*x.dims {
        [_, channels, space @ ..] if !space.is_empty() => Ok((*channels, space)),
        _ => fail!("rank", "`x` is {}, [n, channels, 1 to 3 spatial axes] is wanted", x.dims),
    }
}

fn groups(call: &Call<'_>) -> Result<usize, OpError> {
    match call.int("groups", 1)? {
        g @ 1.. => Ok(g as usize),
        g => fail!("groups", "`groups` is {g}, it must be at least 1"),
    }
}

fn check_bias(call: &Call<'_>, outputs: usize) -> Result<(), OpError> {
    match call.ty_opt("bias") {
        Some(bias) if *bias.dims != [outputs] => fail!("shape", "`bias` is {}, [{outputs}] is wanted", bias.dims),
        _ => Ok(()),
    }
}

fn result(x: &TensorType, outputs: usize, space: &[usize]) -> Result<TensorType, OpError> {
    let dims: Vec<usize> = [x.dims[0], outputs].into_iter().chain(space.iter().copied()).collect();
    Ok(TensorType::new(x.dtype, Dims::new(&dims)?))
}

impl Operation for Conv {
    const SCHEMA: Schema = Schema::new(
        "conv",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::new("weight", TypeRule::U),
            Param::new("bias", TypeRule::U).constant_before_ios17().optional(),
            Param::ints("strides").vector().optional(),
            Param::string("pad_type").optional(),
            Param::ints("pad").vector().optional(),
            Param::ints("dilations").vector().optional(),
            Param::ints("groups").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, w) = (call.ty("x"), call.ty("weight"));
        let (inputs, space) = channels_and_space(&x)?;
        ensure!(
            w.dims.rank() == x.dims.rank(),
            "rank",
            "`weight` is {}, but `x` {}: [out, in / groups, {} kernel axes] is wanted",
            w.dims,
            x.dims,
            space.len()
        );
        let groups = groups(call)?;
        let outputs = w.dims[0];
        ensure!(
            inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups),
            "groups",
            "{inputs} channels in and {outputs} out are not divisible into {groups} groups"
        );
        ensure!(
            w.dims[1] == inputs / groups,
            "shape",
            "`weight` is {} and takes {} channels in each group, but `x` is {} with {groups} groups: {} each",
            w.dims,
            w.dims[1],
            x.dims,
            inputs / groups
        );
        let window = Window::read(call, &w.dims[2..], space, true)?;
        let constant = call.literal("weight").is_some();
        ensure!(
            constant || window.dilations.iter().all(|d| *d == 1),
            "not-constant",
            "a `weight` computed at run time goes with dilations of 1 only"
        );
        check_bias(call, outputs)?;
        let ty = result(&x, outputs, &window.output)?;
        let each = w.dims[1..].iter().product();
        Ok(Inferred::one(Conv { window, groups, inputs, outputs }, ty).macs(ty.dims.elements(), each))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (a, w, bias) = (x.get("x"), &x.get("weight").data, x.opt("bias"));
        let win = &self.window;
        let (space_in, space_out): (usize, usize) = (win.input.iter().product(), win.output.iter().product());
        let taps: usize = win.kernel.iter().product();
        let (each_in, each_out) = (self.inputs / self.groups, self.outputs / self.groups);
        let mut out = Vec::with_capacity(x.result(0).dims.elements());
        for n in 0..a.ty.dims[0] {
            for o in 0..self.outputs {
                let first = n * self.inputs + o / each_out * each_in;
                for at in 0..space_out {
                    let mut sum = 0.0;
                    win.visit(&win.coordinates(at), |tap, source| {
                        for i in 0..each_in {
                            sum += a.data[(first + i) * space_in + source] * w[(o * each_in + i) * taps + tap];
                        }
                    });
                    out.push(sum + bias.map_or(0.0, |b| b.data[o]));
                }
            }
        }
        vec![out]
    }
}

/// The transpose of a convolution: each input element adds the kernel to the output. Weight: `[in, out / groups, kernel…]`.
#[derive(Clone, PartialEq, Debug)]
pub struct ConvTranspose {
    /// The window of the convolution that this is the transpose of: its `input` is this operation's output.
    pub window: Window,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Channels of `x`.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
}

impl ConvTranspose {
    /// The window, with `input` and `output` as the forward convolution would have them.
    fn window(call: &Call<'_>, x: &TensorType, kernel: &[usize]) -> Result<Window, OpError> {
        let rank = kernel.len();
        if call.str("pad_type", "valid")? == "same_lower" {
            fail!("pad-type", "`pad_type` is \"same_lower\"; allowed here are valid, same, custom");
        }
        let pad_type = pad_type(call)?;
        let (mut before, mut after) = custom_pad(call, pad_type, rank)?;
        let (strides, dilations) = (counts(call, "strides", rank)?, counts(call, "dilations", rank)?);
        let given = call.ints("output_shape");
        let mut size = Vec::with_capacity(rank);
        for axis in 0..rank {
            let d = x.dims[axis + 2] as u128;
            let full = (d - 1) * strides[axis] as u128 + (kernel[axis] as u128 - 1) * dilations[axis] as u128 + 1;
            ensure!(full < 1 << 40, "window", "spatial axis {axis} of the result would have {full} elements");
            let full = full as usize;
            let natural = match pad_type {
                PadType::Valid => full,
                PadType::Same | PadType::SameLower => x.dims[axis + 2] * strides[axis],
                PadType::Custom => match full.checked_sub(before[axis] + after[axis]) {
                    Some(n @ 1..) => n,
                    _ => fail!(
                        "window",
                        "on spatial axis {axis} `pad` takes {} of {full} elements",
                        before[axis] + after[axis]
                    ),
                },
            };
            // PyTorch's `output_padding` adds elements that no kernel reaches, fewer than a stride or a dilation.
            let most = full + strides[axis].max(dilations[axis]) - 1;
            let wanted = match &given {
                Some(shape) => usize::try_from(*shape.get(axis + 2).unwrap_or(&0)).unwrap_or(0),
                None => natural,
            };
            ensure!(
                (1..=most).contains(&wanted),
                "window",
                "spatial axis {axis}: `output_shape` asks for {wanted} elements, 1 to {most} are possible"
            );
            if pad_type == PadType::Same {
                let total = full.saturating_sub(wanted);
                before[axis] = total / 2;
                after[axis] = total - before[axis];
            }
            size.push(wanted);
        }
        Ok(Window {
            kernel: kernel.to_vec(),
            strides,
            dilations,
            before,
            after,
            input: size,
            output: x.dims[2..].to_vec(),
        })
    }
}

impl Operation for ConvTranspose {
    const SCHEMA: Schema = Schema::new(
        "conv_transpose",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::new("weight", TypeRule::U).constant_before_ios17(),
            Param::new("bias", TypeRule::U).constant_before_ios17().optional(),
            Param::ints("pad").vector().optional(),
            Param::ints("output_shape").vector().optional(),
            Param::string("pad_type").optional(),
            Param::ints("strides").vector().optional(),
            Param::ints("dilations").vector().optional(),
            Param::ints("groups").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (x, w) = (call.ty("x"), call.ty("weight"));
        let (inputs, space) = channels_and_space(&x)?;
        ensure!(w.dims.rank() == x.dims.rank(), "rank", "`weight` is {}, but `x` {}", w.dims, x.dims);
        let groups = groups(call)?;
        ensure!(inputs.is_multiple_of(groups), "groups", "{inputs} channels are not divisible into {groups} groups");
        ensure!(
            w.dims[0] == inputs,
            "shape",
            "`weight` is {} and takes {} channels, `x` has {inputs}",
            w.dims,
            w.dims[0]
        );
        let Some(outputs) = w.dims[1].checked_mul(groups) else { fail!("groups", "too many channels") };
        if let Some(shape) = call.ints("output_shape") {
            ensure!(
                shape.len() == space.len() + 2 && shape[0] == x.dims[0] as i64 && shape[1] == outputs as i64,
                "shape",
                "`output_shape` is {shape:?}; [{}, {outputs}, {} spatial sizes] is wanted",
                x.dims[0],
                space.len()
            );
        }
        check_bias(call, outputs)?;
        let window = ConvTranspose::window(call, &x, &w.dims[2..])?;
        let ty = result(&x, outputs, &window.input)?;
        let each = w.dims[1..].iter().product();
        Ok(Inferred::one(ConvTranspose { window, groups, inputs, outputs }, ty).macs(x.dims.elements(), each))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (a, w, bias) = (x.get("x"), &x.get("weight").data, x.opt("bias"));
        let win = &self.window;
        let (space_in, space_out): (usize, usize) = (win.output.iter().product(), win.input.iter().product());
        let taps: usize = win.kernel.iter().product();
        let (each_in, each_out) = (self.inputs / self.groups, self.outputs / self.groups);
        let mut out = vec![0.0; x.result(0).dims.elements()];
        for n in 0..a.ty.dims[0] {
            for i in 0..self.inputs {
                for at in 0..space_in {
                    let value = a.data[(n * self.inputs + i) * space_in + at];
                    win.visit(&coordinates(at, &win.output), |tap, target| {
                        for o in 0..each_out {
                            let channel = n * self.outputs + i / each_in * each_out + o;
                            out[channel * space_out + target] += value * w[(i * each_out + o) * taps + tap];
                        }
                    });
                }
            }
        }
        if let Some(bias) = bias {
            out.iter_mut().enumerate().for_each(|(at, y)| *y += bias.data[at / space_out % self.outputs]);
        }
        vec![out]
    }
}

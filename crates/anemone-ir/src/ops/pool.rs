//! Pooling.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::maximum;
use crate::ops::window::Window;
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};

/// The window of a pool, and the result's type.
fn read(call: &Call<'_>) -> Result<(Window, TensorType), OpError> {
    let x = call.ty("x");
    let space = match &*x.dims {
        [_, _, space @ ..] if !space.is_empty() => space,
        _ => fail!("rank", "`x` is {}, [n, channels, 1 to 3 spatial axes] is wanted", x.dims),
    };
    let kernel = super::window::counts(call, "kernel_sizes", space.len())?;
    Dims::new(&kernel).map_err(|_| OpError::new("window", format!("`kernel_sizes` {kernel:?} are too large")))?;
    let mut window = Window::read(call, &kernel, space, false)?;
    if call.bool("ceil_mode", false)? {
        ensure!(space.len() <= 2, "ceil-mode", "`ceil_mode` goes with 1 or 2 spatial axes, there are {}", space.len());
        let pad_type = call.str("pad_type", "valid")?;
        ensure!(!pad_type.starts_with("same"), "ceil-mode", "`ceil_mode` does not go with `pad_type` {pad_type}");
        ensure!(
            window.before == window.after,
            "ceil-mode",
            "`ceil_mode` wants the same padding before and after each axis"
        );
        window.round_up();
    }
    let dims: Vec<usize> = x.dims[..2].iter().chain(&window.output).copied().collect();
    Ok((window, TensorType::new(x.dtype, Dims::new(&dims)?)))
}

/// For each output element: `finish` of the elements under the window, folded with `fold`, of how many there are, and of
/// the coordinates.
fn pool(
    window: &Window,
    x: &Inputs<'_>,
    start: f64,
    fold: impl Fn(f64, f64) -> f64,
    finish: impl Fn(f64, usize, &[usize]) -> f64,
) -> Vec<Vec<f64>> {
    let a = &x.get("x").data;
    let (space_in, space_out): (usize, usize) = (window.input.iter().product(), window.output.iter().product());
    let one = |at: usize| {
        let plane = &a[at / space_out * space_in..][..space_in];
        let (mut acc, mut count) = (start, 0);
        let coordinates = window.coordinates(at % space_out);
        window.visit(&coordinates, |_, source| {
            acc = fold(acc, plane[source]);
            count += 1;
        });
        finish(acc, count, &coordinates)
    };
    vec![(0..x.result(0).dims.elements()).map(one).collect()]
}

const PARAMS: [Param; 6] = [
    Param::t("x"),
    Param::ints("kernel_sizes").vector(),
    Param::ints("strides").vector().optional(),
    Param::string("pad_type"),
    Param::ints("pad").vector().optional(),
    Param::bools("ceil_mode").optional(),
];

/// The largest element under the window; padding does not take part.
#[derive(Clone, PartialEq, Debug)]
pub struct MaxPool {
    /// The window.
    pub window: Window,
}

impl Operation for MaxPool {
    const SCHEMA: Schema = Schema::new("max_pool", DTypeSet::FLOAT, &PARAMS);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (window, ty) = read(call)?;
        Ok(Inferred::one(MaxPool { window }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        pool(&self.window, x, f64::NEG_INFINITY, maximum, |max, _, _| max)
    }
}

/// The mean of the elements under the window.
#[derive(Clone, PartialEq, Debug)]
pub struct AvgPool {
    /// The window.
    pub window: Window,
    /// Whether the sum is divided by the number of real elements rather than by that of real and padding ones
    /// ([`Window::covered`]).
    pub exclude_padding: bool,
}

impl Operation for AvgPool {
    const SCHEMA: Schema = Schema::new(
        "avg_pool",
        DTypeSet::FLOAT,
        &[
            PARAMS[0],
            PARAMS[1],
            PARAMS[2],
            PARAMS[3],
            PARAMS[4],
            PARAMS[5],
            Param::bools("exclude_padding_from_average").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (window, ty) = read(call)?;
        let exclude_padding = call.bool("exclude_padding_from_average", false)?;
        Ok(Inferred::one(AvgPool { window, exclude_padding }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        // A window that sees no element has mean 0.
        let divisor =
            |count: usize, at: &[usize]| if self.exclude_padding { count } else { self.window.covered(at) }.max(1);
        pool(&self.window, x, 0.0, |a, b| a + b, |sum, count, at| sum / divisor(count, at) as f64)
    }
}

/// The square root of the sum of squares under the window.
#[derive(Clone, PartialEq, Debug)]
pub struct L2Pool {
    /// The window.
    pub window: Window,
}

impl Operation for L2Pool {
    const SCHEMA: Schema = Schema::new("l2_pool", DTypeSet::FLOAT, &PARAMS);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (window, ty) = read(call)?;
        ensure!(window.rank() <= 2, "rank", "`x` is {}; `l2_pool` takes 1 or 2 spatial axes", call.ty("x").dims);
        Ok(Inferred::one(L2Pool { window }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        pool(&self.window, x, 0.0, |a, b| a + b * b, |sum, _, _| sum.sqrt())
    }
}

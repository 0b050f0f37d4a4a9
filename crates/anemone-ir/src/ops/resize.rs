//! Tensors with other sizes along their last axes, by interpolation.

mod grid;

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::reference::{Array, Inputs};
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};
pub use grid::{Interpolation, Resized, Sampling, Tap};

/// The last axes of a tensor, resized: what the operations of this file have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resizing {
    /// The axes, the outermost first.
    pub axes: Vec<Resized>,
}

impl Resizing {
    /// `x` with its last axes resized to these sizes.
    fn new(
        x: TensorType,
        sizes: &[usize],
        sampling: Sampling,
        interpolation: Interpolation,
    ) -> Result<(Resizing, TensorType), OpError> {
        let mut dims = x.dims.to_vec();
        let first = dims.len() - sizes.len();
        let mut axes = Vec::with_capacity(sizes.len());
        for (from, to) in dims[first..].iter_mut().zip(sizes) {
            ensure!(*from > 0, "shape", "`x` is {}, which has no elements to interpolate", x.dims);
            axes.push(Resized { from: *from, to: *to, sampling, interpolation });
            *from = *to;
        }
        Ok((Resizing { axes }, TensorType::new(x.dtype, Dims::new(&dims)?)))
    }

    /// The result's elements: one axis after the other, the innermost first.
    fn apply(&self, x: &Array) -> Vec<f64> {
        let mut data = x.data.clone();
        let mut inner = 1;
        for axis in self.axes.iter().rev() {
            data = axis.apply(&data, inner);
            inner *= axis.to;
        }
        data
    }
}

/// A size that was asked for.
fn size(name: &str, size: i64) -> Result<usize, OpError> {
    match usize::try_from(size) {
        Ok(size) if size > 0 => Ok(size),
        _ => fail!("range", "`{name}` is {size}; 1 or more is wanted"),
    }
}

/// The sizes of the last two axes.
fn targets(call: &Call<'_>) -> Result<[usize; 2], OpError> {
    let one = |name| size(name, call.int(name, 1)?);
    Ok([one("target_size_height")?, one("target_size_width")?])
}

/// `x`, which must have rows and columns.
fn image(call: &Call<'_>) -> Result<TensorType, OpError> {
    let x = call.ty("x");
    ensure!(x.dims.rank() >= 3, "rank", "`x` is {}, rank 3 or more is wanted", x.dims);
    Ok(x)
}

macro_rules! resizing {
    ($($(#[$doc:meta])* $Type:ident { $schema:expr } $infer:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $Type {
            /// How each of the last axes is resized.
            pub resizing: Resizing,
        }

        impl Operation for $Type {
            const SCHEMA: Schema = $schema;

            fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
                let infer: fn(&Call<'_>) -> Result<(Resizing, TensorType), OpError> = $infer;
                let (resizing, ty) = infer(call)?;
                Ok(Inferred::one($Type { resizing }, ty))
            }

            fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                vec![self.resizing.apply(x.get("x"))]
            }
        }
    )*};
}

/// `int32` or `fp32`.
pub(super) const FACTOR: TypeRule = TypeRule::Of(DType::Int32.set().or(DType::Fp32.set()));

/// A factor that an axis of `d` elements is to grow by, and the size that comes of it: `floor(d * factor)`, reckoned in
/// `f32` as Core ML's tools do, where 10 elements times the `f32` nearest to 0.7 are 7. `None` stands for a size that no
/// axis can have.
pub(super) fn scaled(call: &Call<'_>, name: &str, d: usize) -> Result<(f64, Option<usize>), OpError> {
    let factor = match call.literal(name).and_then(|l| l.to_f64()).as_deref() {
        None => 1.0,
        Some([f]) => *f,
        Some(_) => fail!("scalar", "`{name}` must be one number"),
    };
    if factor >= 1.0 && factor == libm::floor(factor) && factor.is_finite() {
        return Ok((factor, d.checked_mul(factor as usize)));
    }
    let size = libm::floorf(d as f32 * factor as f32);
    // Above 2^24 an `f32` does not tell sizes apart.
    let fits = factor > 0.0 && (1.0..=16_777_216.0).contains(&size);
    Ok((factor, fits.then_some(size as usize)))
}

/// Both factors are of one type.
pub(super) fn same_factors(call: &Call<'_>) -> Result<(), OpError> {
    if let (Some(a), Some(b)) = (call.ty_opt("scale_factor_height"), call.ty_opt("scale_factor_width")) {
        ensure!(a.dtype == b.dtype, "dtype", "the factors are {} and {}; one type is wanted", a.dtype, b.dtype);
    }
    Ok(())
}

resizing! {
    /// The last two axes grown by factors, with bilinear interpolation. The samples lie as [`Sampling::StrictAlignCorners`]
    /// says with `align_corners`, which is the default, as [`Sampling::UnalignCorners`] says without it, and as
    /// [`Sampling::Default`] says where neither corners are aligned nor pixels have their centres at halves, which iOS 16
    /// brought. Where the factors are fractions, only the sizes that come of them matter.
    UpsampleBilinear {
        Schema::new(
            "upsample_bilinear",
            DTypeSet::FLOAT,
            &[
                Param::t("x"),
                Param::new("scale_factor_height", FACTOR).constant().optional(),
                Param::new("scale_factor_width", FACTOR).constant().optional(),
                Param::bools("align_corners").optional(),
                Param::bools("half_pixel_centers").optional().since(Opset::Ios16),
            ],
        )
    } |call| {
        let x = image(call)?;
        same_factors(call)?;
        let align = call.bool("align_corners", true)?;
        let sampling = match (align, call.bool("half_pixel_centers", !align)?) {
            (true, false) => Sampling::StrictAlignCorners,
            (false, true) => Sampling::UnalignCorners,
            (false, false) => Sampling::Default,
            (true, true) => fail!("mode", "`align_corners` and `half_pixel_centers` exclude each other"),
        };
        let mut sizes = [0; 2];
        for (size, (d, name)) in
            sizes.iter_mut().zip(x.dims[x.dims.rank() - 2..].iter().zip(["scale_factor_height", "scale_factor_width"]))
        {
            let (factor, scaled) = scaled(call, name, *d)?;
            *size = scaled
                .ok_or_else(|| OpError::new("range", format!("`{name}` {factor} does not go with {}", x.dims)))?;
        }
        Resizing::new(x, &sizes, sampling, Interpolation::Linear)
    };

    /// The last two axes with other sizes, by bilinear interpolation; see [`Sampling`].
    ResizeBilinear {
        Schema::new(
            "resize_bilinear",
            DTypeSet::FLOAT,
            &[
                Param::t("x"),
                Param::ints("target_size_height").optional(),
                Param::ints("target_size_width").optional(),
                Param::string("sampling_mode").optional(),
            ],
        )
    } |call| {
        let x = image(call)?;
        Resizing::new(x, &targets(call)?, Sampling::read(call)?, Interpolation::Linear)
    };

    /// The last two axes with other sizes: element `i` of `n` is the one of `m` that holds the centre of its part,
    /// `floor((i + 0.5) * m / n)`. Core ML's tools translate to it what has pixels' centres at halves; their older format
    /// takes it for [`super::space::UpsampleNearestNeighbor`], which has no such halves. Both agree where `n` is a multiple
    /// of `m`; elsewhere nobody has measured which is right.
    ResizeNearestNeighbor {
        Schema::new(
            "resize_nearest_neighbor",
            DTypeSet::FLOAT,
            &[Param::t("x"), Param::ints("target_size_height"), Param::ints("target_size_width")],
        )
    } |call| {
        let x = image(call)?;
        Resizing::new(x, &targets(call)?, Sampling::Default, Interpolation::Nearest)
    };

    /// The last `resized_dims` axes with the last sizes of `shape`; a size of 0 keeps the one that there is. Linear
    /// interpolation goes along each axis, so two of them are bilinear; see [`Interpolation`] and [`Sampling`]. Of `int32`
    /// what is between two numbers loses its fraction; nobody says how Core ML rounds it.
    Resize {
        Schema::new(
            "resize",
            DTypeSet::NUMBER,
            &[
                Param::t("x"),
                Param::new("shape", TypeRule::Of(SIZES)).constant().vector(),
                Param::new("resized_dims", TypeRule::Of(DType::UInt32.set())).constant(),
                Param::string("interpolation_mode").optional(),
                Param::string("sampling_mode").optional(),
            ],
        )
        .since(Opset::Ios17)
    } |call| {
        let x = call.ty("x");
        let shape = call.ints("shape").unwrap_or_default();
        let rank = x.dims.rank();
        ensure!(shape.len() <= rank, "length", "`shape` has {} elements, but `x` is {}", shape.len(), x.dims);
        let count = usize::try_from(call.int("resized_dims", 0)?).unwrap_or(usize::MAX);
        ensure!(count <= shape.len(), "range", "`resized_dims` is {count}, but `shape` has {} elements", shape.len());
        let interpolation = match call.str("interpolation_mode", "LINEAR")? {
            "LINEAR" => Interpolation::Linear,
            "NEAREST_NEIGHBOR" => Interpolation::Nearest,
            other => fail!("mode", "`interpolation_mode` is {other:?}; LINEAR and NEAREST_NEIGHBOR are allowed"),
        };
        let asked = shape[shape.len() - count..].iter().zip(&x.dims[rank - count..]);
        let sizes = asked.map(|(to, from)| if *to == 0 { Ok(*from) } else { size("shape", *to) });
        let sizes: Vec<usize> = sizes.collect::<Result<_, _>>()?;
        Resizing::new(x, &sizes, Sampling::read(call)?, interpolation)
    };
}

/// What `resize` takes sizes as.
const SIZES: DTypeSet = DType::Int16.set().or(DType::UInt16.set()).or(DType::Int32.set()).or(DType::UInt32.set());

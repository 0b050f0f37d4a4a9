//! Images sampled at points that are known when the program runs: `crop_resize`, `resample` and `affine`.

mod boxes;
mod points;

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema, TypeRule};
use crate::ops::resize::Sampling;
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};
pub use boxes::{BoxMode, along};
pub use points::{Coordinates, Image, Padding, Sampler};

/// A size of the result.
fn size(call: &Call<'_>, name: &str) -> Result<usize, OpError> {
    match usize::try_from(call.int(name, 1)?) {
        Ok(size) if size > 0 => Ok(size),
        _ => fail!("range", "`{name}` is {}; 1 or more is wanted", call.int(name, 1)?),
    }
}

/// `x` as `[n, c, h, w]`, none of which may be 0.
fn images(call: &Call<'_>) -> Result<[usize; 4], OpError> {
    let x = call.ty("x").dims;
    let [n, c, h, w] = *x else { fail!("rank", "`x` is {x}, [n, c, h, w] is wanted") };
    ensure!(h > 0 && w > 0, "shape", "`x` is {x}, which has no elements to interpolate");
    Ok([n, c, h, w])
}

/// Parts of images, each resized to the same size by bilinear interpolation.
///
/// Until iOS 16, `roi` is `[n, 1, 4, 1, 1]`, boxes for all images, or `[n, 1, 5, 1, 1]`, boxes after the number of one, and
/// the result `[n, images, c, h, w]`, where `images` is 1 for numbered ones, as Core ML's document says; its tools infer all
/// of them. Since iOS 17, `boxes` is `[n, 4]`, `box_indices` has their images (by default the first, the second, …), and the
/// result is `[n, c, h, w]`. A box of an image that does not exist is empty.
///
/// Points beyond the first or last element of the image are `pad_value`, which is 0 before iOS 16. How points lie between
/// the ends of a box is told at [`along`].
#[derive(Clone, PartialEq, Debug)]
pub struct CropResize {
    /// Height and width of the result.
    pub target: [usize; 2],
    /// Whether 1 stands for the last element of an axis.
    pub normalized: bool,
    /// What boxes are multiplied by.
    pub scale: f64,
    /// What the numbers of a box mean.
    pub mode: BoxMode,
    /// Where points lie.
    pub sampling: Sampling,
    /// What is outside of an image.
    pub pad: f64,
}

const BOXES: TypeRule = TypeRule::Of(DTypeSet::FLOAT.or(DType::UInt16.set()));
const BOX_INDICES: TypeRule = TypeRule::Of(DType::UInt16.set().or(DType::Int32.set()));

impl CropResize {
    /// The boxes before iOS 17, and the dimensions before the channels.
    fn regions(call: &Call<'_>, images: usize) -> Result<Vec<usize>, OpError> {
        let Some(roi) = call.ty_opt("roi") else { fail!("argument", "argument `roi` is missing") };
        match *roi.dims {
            [n, 1, 4, 1, 1] => Ok(vec![n, images]),
            [n, 1, 5, 1, 1] => Ok(vec![n, 1]),
            _ => fail!("shape", "`roi` is {}, [n, 1, 4, 1, 1] or [n, 1, 5, 1, 1] is wanted", roi.dims),
        }
    }

    /// The same since iOS 17.
    fn boxes(call: &Call<'_>, images: usize, normalized: bool) -> Result<Vec<usize>, OpError> {
        ensure!(call.ty_opt("roi").is_none(), "argument", "since ios17 `boxes` and `box_indices` stand for `roi`");
        let Some(boxes) = call.ty_opt("boxes") else { fail!("argument", "argument `boxes` is missing") };
        let [n, 4] = *boxes.dims else { fail!("shape", "`boxes` is {}, [n, 4] is wanted", boxes.dims) };
        ensure!(
            !normalized || boxes.dtype.is_float(),
            "dtype",
            "`boxes` is {}; normalized ones are floats",
            boxes.dtype
        );
        match call.ty_opt("box_indices") {
            None => ensure!(n <= images, "shape", "{n} boxes without `box_indices` need {n} images; `x` has {images}"),
            Some(indices) => {
                ensure!(*indices.dims == [n], "shape", "`box_indices` is {}, [{n}] is wanted", indices.dims);
                let known = call.ints("box_indices").unwrap_or_default();
                if let Some(bad) = known.iter().find(|i| usize::try_from(**i).ok().is_none_or(|i| i >= images)) {
                    fail!("range", "`box_indices` holds {bad}; `x` has {images} images");
                }
            }
        }
        Ok(vec![n])
    }
}

impl Operation for CropResize {
    const SCHEMA: Schema = Schema::new(
        "crop_resize",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::t("roi").optional(),
            Param::new("boxes", BOXES).optional().since(Opset::Ios17),
            Param::new("box_indices", BOX_INDICES).optional().since(Opset::Ios17),
            Param::ints("target_height").optional(),
            Param::ints("target_width").optional(),
            Param::bools("normalized_coordinates").optional(),
            Param::new("spatial_scale", TypeRule::Of(DType::Fp32.set())).constant().optional(),
            Param::string("box_coordinate_mode").optional(),
            Param::string("sampling_mode").optional(),
            Param::const_t("pad_value").optional().since(Opset::Ios16),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let [n, c, ..] = images(call)?;
        let normalized = call.bool("normalized_coordinates", false)?;
        let mut dims = match call.opset >= Opset::Ios17 {
            true => CropResize::boxes(call, n, normalized)?,
            false => CropResize::regions(call, n)?,
        };
        let op = CropResize {
            target: [size(call, "target_height")?, size(call, "target_width")?],
            normalized,
            scale: call.float("spatial_scale", 1.0)?,
            mode: BoxMode::read(call)?,
            sampling: Sampling::read(call)?,
            pad: call.float("pad_value", 0.0)?,
        };
        dims.extend([c, op.target[0], op.target[1]]);
        Ok(Inferred::one(op, TensorType::new(call.ty("x").dtype, Dims::new(&dims)?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let image = x.get("x");
        let [n, c, h, w] = *image.ty.dims else { unreachable!("the rank was checked") };
        let boxes = x.opt("boxes").or(x.opt("roi")).expect("one of both was checked");
        let width = if x.opt("boxes").is_some() { 4 } else { boxes.ty.dims[2] };
        let sampler = Sampler { nearest: false, padding: Padding::Constant(self.pad) };
        let mut out = Vec::new();
        for (k, numbers) in boxes.data.chunks_exact(width).enumerate() {
            let index = match x.opt("box_indices") {
                Some(indices) => Some(indices.data[k]),
                None if width == 5 => Some(numbers[0]),
                None if x.opt("boxes").is_some() => Some(k as f64),
                None => None,
            };
            let [rows, columns] = self.lines(&numbers[width - 4..], [h, w]);
            // A box without a number is one of all images.
            let of: Vec<Option<usize>> = match index {
                Some(index) => vec![(0..n).find(|i| *i as f64 == libm::trunc(index))],
                None => (0..n).map(Some).collect(),
            };
            for (image_index, channel) in of.iter().flat_map(|i| (0..c).map(move |channel| (i, channel))) {
                let plane =
                    image_index.map(|i| Image { data: &image.data[(i * c + channel) * h * w..][..h * w], h, w });
                for row in &rows {
                    let at = |column: &f64| plane.map_or(self.pad, |plane| self.point(&sampler, plane, *row, *column));
                    out.extend(columns.iter().map(at));
                }
            }
        }
        vec![out]
    }
}

impl CropResize {
    /// Where the rows and columns of a box lie in its image.
    fn lines(&self, numbers: &[f64], sizes: [usize; 2]) -> [Vec<f64>; 2] {
        let ends = self.mode.ends(numbers);
        [0, 1].map(|axis| {
            let last = (sizes[axis] - 1) as f64;
            let factor = self.scale * if self.normalized { last } else { 1.0 };
            let [start, end] = ends[axis].map(|at| at * factor);
            along(self.sampling, start, end, last, self.target[axis])
        })
    }

    /// A point of an image; beyond the centres of the outermost elements there is nothing.
    fn point(&self, sampler: &Sampler, image: Image<'_>, row: f64, column: f64) -> f64 {
        let inside = |at: f64, size: usize| (0.0..=(size - 1) as f64).contains(&at);
        if inside(row, image.h) && inside(column, image.w) { sampler.sample(image, row, column) } else { self.pad }
    }
}

const SAMPLED: [Param; 5] = [
    Param::string("sampling_mode"),
    Param::string("padding_mode"),
    Param::const_t("padding_value"),
    Param::string("coordinates_mode"),
    Param::bools("align_corners"),
];

/// Images sampled at points of the run: `coordinates` is `[n, h, w, 2]`, the column before the row. See [`Sampler`] and
/// [`Coordinates`].
#[derive(Clone, PartialEq, Debug)]
pub struct Resample {
    /// What a point is, and what is outside.
    pub sampler: Sampler,
    /// What coordinates mean.
    pub coordinates: Coordinates,
}

impl Operation for Resample {
    const SCHEMA: Schema = Schema::new(
        "resample",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::new("coordinates", TypeRule::Of(DTypeSet::NUMBERS)),
            SAMPLED[0],
            SAMPLED[1],
            SAMPLED[2],
            SAMPLED[3],
            SAMPLED[4],
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let [n, c, ..] = images(call)?;
        let points = call.ty("coordinates");
        let allowed = match call.opset {
            Opset::Ios15 => DType::Int32.set().or(DType::Fp32.set()),
            Opset::Ios16 => DTypeSet::NUMBER,
            _ => DTypeSet::NUMBERS,
        };
        ensure!(
            allowed.contains(points.dtype),
            "dtype",
            "`coordinates` is {}, which {} does not take here; it takes {allowed}",
            points.dtype,
            call.opset
        );
        let [m, h, w, 2] = *points.dims else {
            fail!("shape", "`coordinates` is {}, [n, h, w, 2] is wanted", points.dims)
        };
        ensure!(m == n, "shape", "`coordinates` is {}, for {m} images; `x` has {n}", points.dims);
        let op = Resample { sampler: Sampler::read(call)?, coordinates: Coordinates::read(call)? };
        Ok(Inferred::one(op, TensorType::new(call.ty("x").dtype, Dims::new(&[n, c, h, w])?)))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (image, points) = (x.get("x"), x.get("coordinates"));
        let [n, _, h, w] = *image.ty.dims else { unreachable!("the rank was checked") };
        let each = points.data.len() / n.max(1);
        let place = |point: &[f64]| [self.coordinates.place(point[1], h), self.coordinates.place(point[0], w)];
        let places = |k: usize| points.data[k * each..][..each].chunks_exact(2).map(place).collect();
        vec![self.sampler.planes(image, places)]
    }
}

/// Images sampled where a linear map takes the points of the result: `x' = a0 x + a1 y + a2`, `y' = b0 x + b1 y + b2`, the
/// row `[a0, a1, a2, b0, b1, b2]` of `transform_matrix` being an image's, or the only one that of all. Coordinates run from
/// -1 to 1, of the result as of `x`. Core ML's tools take `bilinear` alone, and zeros outside.
#[derive(Clone, PartialEq, Debug)]
pub struct Affine {
    /// Height and width of the result.
    pub target: [usize; 2],
    /// What a point is, and what is outside.
    pub sampler: Sampler,
    /// What coordinates mean.
    pub coordinates: Coordinates,
}

impl Operation for Affine {
    const SCHEMA: Schema = Schema::new(
        "affine",
        DTypeSet::FLOAT,
        &[
            Param::t("x"),
            Param::t("transform_matrix"),
            Param::ints("output_height"),
            Param::ints("output_width"),
            SAMPLED[0],
            SAMPLED[1],
            SAMPLED[2],
            SAMPLED[3],
            SAMPLED[4],
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let [n, c, ..] = images(call)?;
        let matrix = call.ty("transform_matrix").dims;
        let [m, 6] = *matrix else { fail!("shape", "`transform_matrix` is {matrix}, [n, 6] is wanted") };
        ensure!(m == n || m == 1, "shape", "`transform_matrix` is {matrix}; `x` has {n} images");
        let (sampler, coordinates) = (Sampler::read(call)?, Coordinates::read(call)?);
        ensure!(!sampler.nearest, "mode", "`sampling_mode` of `affine` must be bilinear");
        ensure!(
            sampler.padding == Padding::Constant(0.0),
            "mode",
            "`padding_mode` of `affine` must be constant, and `padding_value` 0"
        );
        ensure!(
            coordinates.is_minus_one_to_one(),
            "mode",
            "`coordinates_mode` of `affine` must be normalized_minus_one_to_one"
        );
        let target = [size(call, "output_height")?, size(call, "output_width")?];
        let ty = TensorType::new(call.ty("x").dtype, Dims::new(&[n, c, target[0], target[1]])?);
        Ok(Inferred::one(Affine { target, sampler, coordinates }, ty))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (image, matrix) = (x.get("x"), x.get("transform_matrix"));
        let [_, _, h, w] = *image.ty.dims else { unreachable!("the rank was checked") };
        let [rows, columns] = self.target;
        let places = |k: usize| {
            let k = if matrix.ty.dims[0] == 1 { 0 } else { k };
            let m = &matrix.data[6 * k..][..6];
            let point = |at: usize| {
                let y = self.coordinates.grid(at / columns, rows);
                let x = self.coordinates.grid(at % columns, columns);
                let (to_x, to_y) = (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]);
                [self.coordinates.place(to_y, h), self.coordinates.place(to_x, w)]
            };
            (0..rows * columns).map(point).collect()
        };
        vec![self.sampler.planes(image, places)]
    }
}

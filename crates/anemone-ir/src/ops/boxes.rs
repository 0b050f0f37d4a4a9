//! Boxes of detectors.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::ops::elementwise::maximum;
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Opset, TensorType};

/// The boxes with the highest scores, without those that overlap one that has been taken by more than `iou_threshold`, at most
/// `max_boxes` for each batch.
///
/// A box is its centre, width and height; its score is the largest of its classes', and its class is the first of that score.
/// With `per_class_suppression` only boxes of the same class suppress each other. Boxes of equal scores are taken in the order
/// of their indices. Up to iOS 16 boxes whose score is below `score_threshold` are not taken; a score of NaN is below all.
/// Where none is left, the first of the highest score is taken all the same, as Core ML does by Apple's tests.
///
/// Results are the boxes, their scores and their indices, filled up with 0, 0 and -1, and up to iOS 16 how many there are.
#[derive(Clone, PartialEq, Debug)]
pub struct NonMaximumSuppression {
    /// Overlap, as a part of the union, above which a box is suppressed.
    pub iou_threshold: f64,
    /// The lowest score of a box that is taken.
    pub score_threshold: f64,
    /// Boxes of the result.
    pub max_boxes: usize,
    /// Whether classes are apart.
    pub per_class: bool,
    /// Boxes of a batch.
    pub boxes: usize,
    /// Classes.
    pub classes: usize,
    /// Whether boxes are the last axis, as since iOS 17.
    pub boxes_last: bool,
}

impl Operation for NonMaximumSuppression {
    const SCHEMA: Schema = Schema::new(
        "non_maximum_suppression",
        DTypeSet::FLOAT,
        &[
            Param::t("boxes"),
            Param::t("scores"),
            Param::const_t("iou_threshold"),
            Param::const_t("score_threshold").before(Opset::Ios17),
            Param::ints("max_boxes"),
            Param::bools("per_class_suppression").optional(),
        ],
    );

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let (boxes, scores) = (call.ty("boxes"), call.ty("scores"));
        let boxes_last = call.opset >= Opset::Ios17;
        let (box_axis, other) = if boxes_last { (2, 1) } else { (1, 2) };
        let layout = if boxes_last { ["[n, 4, B]", "[n, K, B]"] } else { ["[n, B, 4]", "[n, B, K]"] };
        ensure!(
            boxes.dims.rank() == 3
                && scores.dims.rank() == 3
                && boxes.dims[other] == 4
                && boxes.dims[0] == scores.dims[0]
                && boxes.dims[box_axis] == scores.dims[box_axis],
            "shape",
            "`boxes` is {} and `scores` {}; {} and {} are wanted",
            boxes.dims,
            scores.dims,
            layout[0],
            layout[1]
        );
        let max_boxes = match call.int("max_boxes", 1)? {
            n if n >= 1 => n as usize,
            n => fail!("range", "`max_boxes` is {n}; at least 1 is wanted"),
        };
        let results = [boxes, scores].map(|ty| Ok(TensorType::new(ty.dtype, ty.dims.with(box_axis, max_boxes)?)));
        let mut results = results.into_iter().collect::<Result<Vec<_>, OpError>>()?;
        let batch = scores.dims[0];
        results.push(TensorType::new(DType::Int32, Dims::new(&[batch, max_boxes])?));
        if !boxes_last {
            results.push(TensorType::new(DType::Int32, Dims::new(&[batch])?));
        }
        let op = NonMaximumSuppression {
            iou_threshold: call.float("iou_threshold", 0.0)?,
            score_threshold: call.float("score_threshold", f64::NEG_INFINITY)?,
            max_boxes,
            per_class: call.bool("per_class_suppression", false)?,
            boxes: boxes.dims[box_axis],
            classes: scores.dims[other],
            boxes_last,
        };
        Ok(Inferred::many(op, results))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let (boxes, scores) = (&x.get("boxes").data, &x.get("scores").data);
        let batches = boxes.len() / (4 * self.boxes);
        let mut out: Vec<Vec<f64>> = x.results().iter().map(|ty| vec![0.0; ty.dims.elements()]).collect();
        out[2].fill(-1.0);
        for batch in 0..batches {
            let coordinate = |at: usize, i: usize| boxes[self.place(batch, self.boxes, 4, at, i)];
            let score = |at: usize, class: usize| scores[self.place(batch, self.boxes, self.classes, at, class)];
            let taken = self.taken(&coordinate, &score);
            for (to, at) in taken.iter().enumerate() {
                (0..4).for_each(|i| out[0][self.place(batch, self.max_boxes, 4, to, i)] = coordinate(*at, i));
                for class in 0..self.classes {
                    out[1][self.place(batch, self.max_boxes, self.classes, to, class)] = score(*at, class);
                }
                out[2][batch * self.max_boxes + to] = *at as f64;
            }
            if let Some(counts) = out.get_mut(3) {
                counts[batch] = taken.len() as f64;
            }
        }
        out
    }
}

impl NonMaximumSuppression {
    /// Where number `i` of `each` of box `at` of `boxes` lies.
    fn place(&self, batch: usize, boxes: usize, each: usize, at: usize, i: usize) -> usize {
        batch * boxes * each + if self.boxes_last { i * boxes + at } else { at * each + i }
    }

    /// The boxes that are taken, in their order.
    fn taken(&self, coordinate: &impl Fn(usize, usize) -> f64, score: &impl Fn(usize, usize) -> f64) -> Vec<usize> {
        let best = |at: usize| (0..self.classes).map(|class| score(at, class)).fold(f64::NEG_INFINITY, maximum);
        let best: Vec<f64> = (0..self.boxes).map(best).collect();
        let class = |at: usize| (0..self.classes).find(|class| score(at, *class) == best[at]);
        let mut order: Vec<usize> = (0..self.boxes).filter(|at| !best[*at].is_nan()).collect();
        order.sort_by(|a, b| best[*b].total_cmp(&best[*a]));
        let area = |at: usize| Area::new(|i| coordinate(at, i));
        let mut taken: Vec<(usize, Area)> = Vec::new();
        for at in order.iter().copied().take_while(|at| best[*at] >= self.score_threshold) {
            if taken.len() == self.max_boxes {
                break;
            }
            let new = area(at);
            let suppresses = |(other, old): &(usize, Area)| {
                (!self.per_class || class(*other) == class(at)) && old.overlap(&new) > self.iou_threshold
            };
            if !taken.iter().any(suppresses) {
                taken.push((at, new));
            }
        }
        match taken[..] {
            [] => vec![order.first().copied().unwrap_or(0)],
            _ => taken.iter().map(|(at, _)| *at).collect(),
        }
    }
}

/// A box by its edges.
struct Area {
    left: f64,
    right: f64,
    low: f64,
    high: f64,
    size: f64,
}

impl Area {
    fn new(number: impl Fn(usize) -> f64) -> Area {
        let [x, y, width, height] = [0, 1, 2, 3].map(number);
        Area {
            left: x - width / 2.0,
            right: x + width / 2.0,
            low: y - height / 2.0,
            high: y + height / 2.0,
            size: width * height,
        }
    }

    /// The intersection over the union; NaN if neither has a size.
    fn overlap(&self, other: &Area) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.high.min(other.high) - self.low.max(other.low);
        let both = width.max(0.0) * height.max(0.0);
        both / (self.size + other.size - both)
    }
}

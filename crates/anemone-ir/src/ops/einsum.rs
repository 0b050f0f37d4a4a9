//! Products of two tensors by an equation.

use crate::diagnostic::{OpError, ensure, fail};
use crate::op::{Call, Inferred, Operation, Param, Schema};
use crate::reference::Inputs;
use crate::types::{DTypeSet, Dims, TensorType};

/// The sum, over the letters that are not in the result, of the products of two tensors, such as `nchw,nwhu->nchu`.
///
/// Each letter stands for an axis. MIL takes two equations, `nchw,nwhu->nchu` and `chw,whr->chr` in any letters; here any
/// equation of two tensors goes whose result is written out. A letter of the result may be of size 1 in one of the tensors,
/// which is then repeated.
#[derive(Clone, PartialEq, Debug)]
pub struct Einsum {
    /// The axes: for each letter its size, and elements from one index to the next in both tensors and the result, 0 where it
    /// is not or is repeated. Those of the result come first, in its order.
    pub axes: Vec<EinsumAxis>,
    /// How many of them are the result's.
    pub kept: usize,
}

/// A letter of an equation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EinsumAxis {
    /// How many indices it has.
    pub size: usize,
    /// Elements from one to the next in the first tensor.
    pub x: usize,
    /// In the second.
    pub y: usize,
    /// In the result.
    pub out: usize,
}

fn parse(equation: &str) -> Option<[Vec<char>; 3]> {
    let letters: String = equation.chars().filter(|c| *c != ' ').collect();
    let (operands, result) = letters.split_once("->")?;
    let (x, y) = operands.split_once(',')?;
    let all = [x, y, result];
    let good = all.iter().all(|side| side.chars().all(|c| c.is_ascii_alphabetic()));
    good.then(|| all.map(|side| side.chars().collect()))
}

impl Operation for Einsum {
    const SCHEMA: Schema =
        Schema::new("einsum", DTypeSet::FLOAT, &[Param::t("values").tuple(), Param::string("equation")]);

    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError> {
        let values = call.tuple("values");
        let [x, y] = values[..] else { fail!("values", "`values` has {} tensors, two are wanted", values.len()) };
        let equation = call.str("equation", "")?;
        let Some([of_x, of_y, of_out]) = parse(equation) else {
            fail!(
                "equation",
                "`equation` is \"{equation}\"; two operands and a result in letters, as \"ab,bc->ac\", are wanted"
            )
        };
        for (letters, ty) in [(&of_x, &x), (&of_y, &y)] {
            let rank = ty.dims.rank();
            ensure!(letters.len() == rank, "equation", "\"{equation}\" has {} letters for {}", letters.len(), ty.dims);
        }
        if let Some(twice) = of_out.iter().enumerate().find_map(|(i, c)| of_out[..i].contains(c).then_some(c)) {
            fail!("equation", "\"{equation}\" has `{twice}` twice in its result");
        }
        let mut letters = of_out.clone();
        letters.extend(of_x.iter().chain(&of_y));
        let mut axes: Vec<(char, EinsumAxis)> = Vec::new();
        for letter in letters.into_iter() {
            if axes.iter().all(|(seen, _)| *seen != letter) {
                axes.push((letter, axis(letter, (&of_x, &x.dims), (&of_y, &y.dims), of_out.contains(&letter))?));
            }
        }
        let kept = of_out.len();
        let dims = Dims::new(&axes[..kept].iter().map(|(_, axis)| axis.size).collect::<Vec<_>>())?;
        let mut axes: Vec<EinsumAxis> = axes.into_iter().map(|(_, axis)| axis).collect();
        axes.iter_mut().zip(dims.strides()).take(kept).for_each(|(axis, stride)| axis.out = stride);
        let each = axes[kept..].iter().fold(1usize, |n, axis| n.saturating_mul(axis.size));
        Ok(Inferred::one(Einsum { axes, kept }, TensorType::new(x.dtype, dims)).macs(dims.elements(), each))
    }

    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
        let [a, b] = x.tuple("values") else { unreachable!("`infer` lets two tensors through") };
        let (kept, summed) = self.axes.split_at(self.kept);
        let (outputs, terms) = (count(kept), count(summed));
        let one = |at: usize| {
            let (x0, y0) = position(kept, at);
            let term = |i: usize| {
                let (x, y) = position(summed, i);
                a.data[x0 + x] * b.data[y0 + y]
            };
            (0..terms).map(term).fold(0.0, |sum, product| sum + product)
        };
        vec![(0..outputs).map(one).collect()]
    }
}

/// A letter's axis, but for the result's stride. In one operand it may occur more than once: then along the diagonal.
fn axis(letter: char, x: (&[char], &Dims), y: (&[char], &Dims), kept: bool) -> Result<EinsumAxis, OpError> {
    let mut size: Option<usize> = None;
    let mut strides = [0; 2];
    for ((letters, dims), stride) in [x, y].into_iter().zip(&mut strides) {
        let mut own = None;
        for at in (0..letters.len()).filter(|at| letters[*at] == letter) {
            let d = dims[at];
            ensure!(own.is_none_or(|o| o == d), "shape", "`{letter}` is twice in one operand, {dims}, with two sizes");
            own = Some(d);
            *stride += dims.strides()[at];
        }
        let Some(own) = own else { continue };
        size = match size {
            None => Some(own),
            Some(other) if other == own => Some(own),
            Some(other) if kept && (other == 1 || own == 1) => Some(other.max(own)),
            Some(other) => {
                fail!("shape", "`{letter}` has {other} elements in the first operand and {own} in the second")
            }
        };
        if own == 1 {
            *stride = 0;
        }
    }
    let Some(size) = size else { fail!("equation", "`{letter}` of the result is in neither operand") };
    Ok(EinsumAxis { size, x: strides[0], y: strides[1], out: 0 })
}

fn count(axes: &[EinsumAxis]) -> usize {
    axes.iter().map(|axis| axis.size).product()
}

/// Where both operands have the element with a row-major number.
fn position(axes: &[EinsumAxis], mut at: usize) -> (usize, usize) {
    let (mut x, mut y) = (0, 0);
    for axis in axes.iter().rev() {
        x += at % axis.size * axis.x;
        y += at % axis.size * axis.y;
        at /= axis.size;
    }
    (x, y)
}

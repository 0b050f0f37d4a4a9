//! Functions of integers, element by element: chains compute in `f32`, which does not hold every `int32`. What each gives is
//! the reference's: sums, differences and products wrap, and what is divided by zero is 0.

use super::Form;
use crate::chain::MapOp;
use crate::memory::{Io, Stored};
use crate::plan::{PlanCx, Planned, Step};
use crate::team::Team;
use anemone_ir::reference::to_f16;
use anemone_ir::{DType, Dims, ValueId};
use anemone_simd::{Binary, Unary};
use half::f16;

/// The form of a function some of whose operands or results are `int32`; the reference where there is none.
pub(super) fn form(cx: &PlanCx<'_>, op: MapOp, params: &[&str]) -> Form {
    let Some(reads) = params.iter().map(|p| cx.id(p)).collect::<Option<Vec<_>>>() else { return Form::Reference };
    let integers = |ids: &[ValueId]| ids.iter().all(|id| cx.ty(*id).dtype == DType::Int32);
    let suits = match op {
        MapOp::Unary(f) => matches!(f, Unary::Abs | Unary::Square | Unary::Sign) && integers(&reads),
        MapOp::Binary(f) => is_there(f) && integers(&reads),
        MapOp::Select => integers(&reads[1..]),
    };
    if !suits {
        return Form::Reference;
    }
    let result = cx.result(0).dims;
    let places = Places::new(&result, reads.iter().map(|id| cx.ty(*id).dims));
    Form::Step(Planned { step: Box::new(Map { op, places }), reads, scratch: 0 })
}

/// Where the operands of each element of a result are: row by row, of equal steps.
struct Places {
    /// Elements of a row.
    columns: usize,
    /// The dimensions of the rows.
    outer: Vec<usize>,
    /// For each operand, its strides along those dimensions, and from one element of a row to the next.
    operands: Vec<(Vec<usize>, usize)>,
    elements: usize,
}

impl Places {
    fn new(result: &Dims, operands: impl Iterator<Item = Dims> + Clone) -> Places {
        let elements = result.elements();
        let whole =
            |dims: &Dims| if dims.elements() == elements { Some(1) } else { (dims.elements() == 1).then_some(0) };
        if let Some(steps) = operands.clone().map(|dims| whole(&dims)).collect::<Option<Vec<_>>>() {
            let operands = steps.into_iter().map(|step| (Vec::new(), step)).collect();
            return Places { columns: elements, outer: Vec::new(), operands, elements };
        }
        let (columns, outer) = result.split_last().map_or((1, Vec::new()), |(last, outer)| (*last, outer.to_vec()));
        let strides = |dims: Dims| {
            let mut strides = dims.broadcast_strides(result)[..result.rank()].to_vec();
            let step = strides.pop().unwrap_or(0);
            (strides, step)
        };
        Places { columns, outer, operands: operands.map(strides).collect(), elements }
    }

    /// Where an operand's first element of a row is, and the step to the next.
    fn first(&self, operand: usize, row: usize) -> (usize, usize) {
        let (strides, step) = &self.operands[operand];
        let (mut rest, mut first) = (row, 0);
        for (d, stride) in self.outer.iter().zip(strides).rev() {
            first += rest % d * stride;
            rest /= d;
        }
        (first, *step)
    }

    /// Calls `work` for parts of rows: the row, the first column, and the elements to be written.
    fn each<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>, work: impl Fn(usize, usize, &mut [T]) + Sync) {
        let to = io.write::<T>(0);
        let piece = team.piece(self.elements, 1);
        team.chunks(to, piece, |start, mut to, _| {
            let mut at = start;
            while !to.is_empty() {
                let (row, column) = (at / self.columns, at % self.columns);
                let (part, rest) = to.split_at_mut(to.len().min(self.columns - column));
                at += part.len();
                work(row, column, part);
                to = rest;
            }
        });
    }
}

/// `count` elements of a row from a column on.
#[derive(Clone, Copy)]
enum Row<'a, T> {
    One(T),
    Many(&'a [T]),
}

impl<'a, T: Copy> Row<'a, T> {
    fn of(x: &'a [T], (first, step): (usize, usize), column: usize, count: usize) -> Row<'a, T> {
        if step == 0 { Row::One(x[first]) } else { Row::Many(&x[first + column..][..count]) }
    }

    fn get(&self, at: usize) -> T {
        match self {
            Row::One(x) => *x,
            Row::Many(x) => x[at],
        }
    }
}

struct Map {
    op: MapOp,
    places: Places,
}

impl Step for Map {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match self.op {
            MapOp::Unary(Unary::Abs) => self.unary(io, team, i32::wrapping_abs),
            MapOp::Unary(Unary::Square) => self.unary(io, team, |x| x.wrapping_mul(x)),
            MapOp::Unary(Unary::Sign) => self.unary(io, team, i32::signum),
            MapOp::Unary(other) => unreachable!("{other:?} of integers is the reference's"),
            MapOp::Binary(f) => self.both(f, io, team),
            MapOp::Select => self.select(io, team),
        }
    }
}

impl Map {
    fn unary(&self, io: &mut Io<'_>, team: &Team<'_>, f: impl Fn(i32) -> i32 + Sync) {
        let x = io.read::<i32>(0);
        let to = io.write::<i32>(0);
        let piece = team.piece(to.len(), 1);
        team.chunks(to, piece, |start, to, _| to.iter_mut().zip(&x[start..]).for_each(|(to, x)| *to = f(*x)));
    }

    fn binary<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>, f: impl Fn(i32, i32) -> T + Sync) {
        let (x, y) = (io.read::<i32>(0), io.read::<i32>(1));
        self.places.each::<T>(io, team, |row, column, to| {
            let x = Row::of(x, self.places.first(0, row), column, to.len());
            let y = Row::of(y, self.places.first(1, row), column, to.len());
            match (x, y) {
                (Row::Many(x), Row::Many(y)) => to.iter_mut().zip(x).zip(y).for_each(|((to, x), y)| *to = f(*x, *y)),
                (Row::Many(x), Row::One(y)) => to.iter_mut().zip(x).for_each(|(to, x)| *to = f(*x, y)),
                (Row::One(x), Row::Many(y)) => to.iter_mut().zip(y).for_each(|(to, y)| *to = f(x, *y)),
                (Row::One(x), Row::One(y)) => to.fill(f(x, y)),
            }
        });
    }

    fn select(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let (cond, a, b) = (io.read::<u8>(0), io.read::<i32>(1), io.read::<i32>(2));
        self.places.each::<i32>(io, team, |row, column, to| {
            let cond = Row::of(cond, self.places.first(0, row), column, to.len());
            let a = Row::of(a, self.places.first(1, row), column, to.len());
            let b = Row::of(b, self.places.first(2, row), column, to.len());
            for (at, to) in to.iter_mut().enumerate() {
                *to = if cond.get(at) != 0 { a.get(at) } else { b.get(at) };
            }
        });
    }
}

/// Declares the functions of two integers.
macro_rules! binaries {
    ($($name:ident => $f:expr;)*) => {
        fn is_there(f: Binary) -> bool {
            matches!(f, $(Binary::$name)|*)
        }

        impl Map {
            fn both(&self, f: Binary, io: &mut Io<'_>, team: &Team<'_>) {
                match f {
                    $(Binary::$name => self.binary(io, team, $f),)*
                    other => unreachable!("{other:?} of integers is the reference's"),
                }
            }
        }
    };
}
binaries! {
    Add => i32::wrapping_add;
    Sub => i32::wrapping_sub;
    Mul => i32::wrapping_mul;
    RealDiv => |x, y| if y == 0 { 0 } else { x.wrapping_div(y) };
    FloorDiv => floor_div;
    Mod => modulo;
    Maximum => |x, y| x.max(y);
    Minimum => |x, y| x.min(y);
    Equal => |x, y| u8::from(x == y);
    NotEqual => |x, y| u8::from(x != y);
    Less => |x, y| u8::from(x < y);
    LessEqual => |x, y| u8::from(x <= y);
    Greater => |x, y| u8::from(x > y);
    GreaterEqual => |x, y| u8::from(x >= y);
}

/// What is left of a division that rounds down: with the divisor's sign.
fn modulo(x: i32, y: i32) -> i32 {
    if y == 0 {
        return 0;
    }
    let rest = x.wrapping_rem(y);
    if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }
}

fn floor_div(x: i32, y: i32) -> i32 {
    if y == 0 {
        return 0;
    }
    let down = x.wrapping_rem(y) != 0 && (x < 0) != (y < 0);
    x.wrapping_div(y).wrapping_sub(i32::from(down))
}

/// The form of a conversion from integers, or to `int32`.
pub(super) fn cast(cx: &PlanCx<'_>, from: DType, to: DType) -> Form {
    let converts = from.int_range().is_some() || (to == DType::Int32 && (from.is_float() || from == DType::Bool));
    match cx.id("x") {
        Some(x) if converts && to != DType::UInt32 && from != DType::UInt32 => {
            Form::Step(Planned { step: Box::new(Convert), reads: vec![x], scratch: 0 })
        }
        _ => Form::Reference,
    }
}

struct Convert;

impl Step for Convert {
    fn run(&self, io: &mut Io<'_>, team: &Team<'_>) {
        match io.dtype(0) {
            DType::Fp16 => convert(io, team, io.read::<f16>(0), |x| x.to_f32() as i32),
            DType::Fp32 => convert(io, team, io.read::<f32>(0), |x| x as i32),
            DType::Bool => convert(io, team, io.read::<u8>(0), i32::from),
            DType::Int32 => convert(io, team, io.read::<i32>(0), |x| x),
            DType::Int16 => convert(io, team, io.read::<u16>(0), |x| i32::from(x as i16)),
            DType::UInt16 => convert(io, team, io.read::<u16>(0), i32::from),
            DType::Int8 => convert(io, team, io.read::<u8>(0), |x| i32::from(x as i8)),
            DType::UInt8 => convert(io, team, io.read::<u8>(0), i32::from),
            other => unreachable!("{other} is the reference's"),
        }
    }
}

fn convert<F: Stored>(io: &mut Io<'_>, team: &Team<'_>, x: &[F], integer: impl Fn(F) -> i32 + Sync) {
    // By the type that the result is stored as.
    match io.target(0).dtype {
        DType::Fp16 => put(io, team, x, |x| to_f16(f64::from(integer(x)))),
        DType::Fp32 => put(io, team, x, |x| integer(x) as f32),
        DType::Int32 => put(io, team, x, integer),
        DType::Int16 | DType::UInt16 => put(io, team, x, |x| integer(x) as u16),
        DType::Int8 | DType::UInt8 => put(io, team, x, |x| integer(x) as u8),
        DType::Bool => put(io, team, x, |x| u8::from(integer(x) != 0)),
        other => unreachable!("{other} is the reference's"),
    }
}

fn put<F: Stored, T: Stored>(io: &mut Io<'_>, team: &Team<'_>, x: &[F], f: impl Fn(F) -> T + Sync) {
    let to = io.write::<T>(0);
    let piece = team.piece(to.len(), 1);
    team.chunks(to, piece, |start, to, _| to.iter_mut().zip(&x[start..]).for_each(|(to, x)| *to = f(*x)));
}

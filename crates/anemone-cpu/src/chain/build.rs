//! From functions of values to instructions on registers.

use super::{Chain, Instr, Load, Walk};
use anemone_simd::map::Keep;
use anemone_simd::{Binary, Unary};

/// A function of elements.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum MapOp {
    Unary(Unary),
    Binary(Binary),
    /// Of the condition, the value where it is true, and the value elsewhere.
    Select,
}

impl MapOp {
    /// Whether the outcome is a half already if the operands are.
    pub(crate) fn keeps_halves(self) -> bool {
        match self {
            MapOp::Unary(op) => matches!(
                op,
                Unary::Abs
                    | Unary::Sign
                    | Unary::Floor
                    | Unary::Ceil
                    | Unary::Round
                    | Unary::Relu
                    | Unary::Not
                    | Unary::Truth
            ),
            MapOp::Binary(op) => !matches!(
                op,
                Binary::Add
                    | Binary::Sub
                    | Binary::Mul
                    | Binary::RealDiv
                    | Binary::FloorDiv
                    | Binary::Mod
                    | Binary::Pow
            ),
            MapOp::Select => true,
        }
    }
}

/// A number per element, before registers are given out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Reg(usize);

enum Virtual {
    Given,
    Load(usize),
    Map { op: MapOp, args: Vec<Reg>, keep: Keep },
    Store { from: Reg, write: usize },
}

/// Writes a [`Chain`].
pub(crate) struct Builder {
    code: Vec<Virtual>,
    loads: Vec<Load>,
    elements: usize,
}

impl Builder {
    pub(crate) fn new(elements: usize) -> Builder {
        Builder { code: Vec::new(), loads: Vec::new(), elements }
    }

    fn push(&mut self, instr: Virtual) -> Reg {
        self.code.push(instr);
        Reg(self.code.len() - 1)
    }

    /// What a source gives; the first call of a builder, or never called.
    pub(crate) fn given(&mut self) -> Reg {
        assert!(self.code.is_empty(), "the given register is register 0");
        self.push(Virtual::Given)
    }

    /// An operand.
    pub(crate) fn load(&mut self, read: usize, walk: Walk) -> Reg {
        self.loads.push(Load { read, walk });
        self.push(Virtual::Load(self.loads.len() - 1))
    }

    /// A function, and how its results are kept.
    pub(crate) fn map(&mut self, op: MapOp, args: &[Reg], keep: Keep) -> Reg {
        self.push(Virtual::Map { op, args: args.to_vec(), keep })
    }

    /// A result.
    pub(crate) fn store(&mut self, from: Reg, write: usize) {
        self.push(Virtual::Store { from, write });
    }

    /// Gives out registers.
    pub(crate) fn finish(self) -> Chain {
        let mut last_use = vec![0; self.code.len()];
        for (at, instr) in self.code.iter().enumerate() {
            match instr {
                Virtual::Given | Virtual::Load(_) => {}
                Virtual::Map { args, .. } => args.iter().for_each(|r| last_use[r.0] = at),
                Virtual::Store { from, .. } => last_use[from.0] = at,
            }
        }
        let mut out = Allocation { homes: vec![usize::MAX; self.code.len()], last_use, free: Vec::new(), count: 0 };
        let mut code = Vec::with_capacity(self.code.len());
        for (at, instr) in self.code.iter().enumerate() {
            match instr {
                Virtual::Given => out.homes[at] = out.fresh(),
                Virtual::Load(load) => {
                    out.homes[at] = out.fresh();
                    code.push(Instr::Load { load: *load, to: out.homes[at] });
                }
                Virtual::Map { op, args, keep } => out.map(at, *op, args, *keep, &mut code),
                Virtual::Store { from, write } => {
                    code.push(Instr::Store { from: out.homes[from.0], write: *write });
                    out.release(at, &[*from]);
                }
            }
        }
        Chain { code, loads: self.loads, registers: out.count, elements: self.elements }
    }
}

struct Allocation {
    /// The register of each value.
    homes: Vec<usize>,
    last_use: Vec<usize>,
    free: Vec<usize>,
    count: usize,
}

impl Allocation {
    fn fresh(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }

    /// Frees the registers of values that are not used after `at`.
    fn release(&mut self, at: usize, args: &[Reg]) {
        for (i, arg) in args.iter().enumerate() {
            if self.last_use[arg.0] == at && !args[..i].contains(arg) {
                self.free.push(self.homes[arg.0]);
            }
        }
    }

    /// An operation works in place of one operand: on a copy if that is used elsewhere.
    fn map(&mut self, at: usize, op: MapOp, args: &[Reg], keep: Keep, code: &mut Vec<Instr>) {
        let target = if op == MapOp::Select { args[1] } else { args[0] };
        let others: Vec<Reg> = args.iter().copied().filter(|r| *r != target).collect();
        let repeated = args.iter().filter(|r| **r == target).count() > 1;
        let home = self.homes[target.0];
        let to = if self.last_use[target.0] == at && !repeated {
            home
        } else {
            let to = self.fresh();
            code.push(Instr::Copy { from: home, to });
            to
        };
        let homes: Vec<usize> = args.iter().map(|r| self.homes[r.0]).collect();
        code.push(match op {
            MapOp::Unary(op) => Instr::Unary { op, at: to, keep },
            MapOp::Binary(op) => Instr::Binary { op, a: to, b: homes[1], keep },
            MapOp::Select => Instr::Select { cond: homes[0], a: to, b: homes[2] },
        });
        self.homes[at] = to;
        self.release(at, &others);
        if to != home {
            self.release(at, &[target]);
        }
    }
}

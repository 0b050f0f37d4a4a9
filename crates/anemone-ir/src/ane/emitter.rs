//! One function, written for the Neural Engine.

use super::fold::Known;
use super::table::{self, Action, ROWS, Row, Rules, Site};
use super::{Change, Generation, Ports, arguments};
use crate::builder::{Argument, Arguments, Var};
use crate::diagnostic::{Diagnostic, Location, Operand, Severity};
use crate::draft::DraftFunction;
use crate::literal::Literal;
use crate::op::{Param, TypeRule, schema};
use crate::program::{Arg, Def, Function, Node, ValueId};
use crate::rewrite::Rewrite;
use crate::types::{DType, TensorType};
use std::sync::Arc;

/// A function as it was written, and what was found on the way.
pub(super) struct Written {
    pub(super) function: DraftFunction,
    pub(super) ports: Ports,
    pub(super) changes: Vec<Change>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Writes a function for a generation.
pub(super) fn function(source: &Function, generation: Generation, rules: &Rules) -> Written {
    let known = Known::of(source);
    let ports = ports(source, &known);
    let names = ports.inputs.iter().flatten().chain(&ports.outputs).cloned();
    let out = Rewrite::new(source, generation.form().opset, names.collect::<Vec<_>>());
    let mut emitter = Emitter { source, known, generation, rules, out, changes: Vec::new(), findings: Vec::new() };
    emitter.inputs(&ports);
    for node in &source.nodes {
        emitter.node(node);
    }
    let outputs = emitter.outputs(&ports);
    emitter.check_program(&ports);
    let Emitter { out, changes, findings, .. } = emitter;
    Written { function: out.finish(&outputs), ports, changes, findings }
}

/// A function being written.
pub(super) struct Emitter<'a> {
    source: &'a Function,
    known: Known,
    generation: Generation,
    rules: &'a Rules,
    out: Rewrite,
    changes: Vec<Change>,
    findings: Vec<Diagnostic>,
}

/// Names by which the alphabet has the order of the declaration.
fn ports(source: &Function, known: &Known) -> Ports {
    let names = |letter: char, count: usize| {
        let digits = count.saturating_sub(1).to_string().len().max(3);
        (0..count).map(move |at| Arc::from(format!("{letter}{at:0digits$}")))
    };
    let read: Vec<bool> = source.params.iter().map(|id| known.wanted[id.index()]).collect();
    let mut numbered = names('i', read.iter().filter(|read| **read).count());
    Ports {
        function: source.name.clone(),
        inputs: read
            .iter()
            .map(|read| read.then(|| numbered.next().expect("one name for each that is read")))
            .collect(),
        outputs: names('o', source.outputs.len()).collect(),
    }
}

impl<'a> Emitter<'a> {
    fn inputs(&mut self, ports: &Ports) {
        for (id, name) in self.source.params.iter().zip(&ports.inputs) {
            let value = self.source.value(*id);
            match name {
                Some(name) => {
                    let var = self.out.input(name, value.ty, value.location);
                    self.out.bind(*id, var);
                    self.check_port(&table::INPUT, *id);
                    self.renamed(*id, name);
                }
                None => self.changed(&table::UNREAD, "", &value.name.clone(), value.location, "input left out".into()),
            }
        }
    }

    fn renamed(&mut self, id: ValueId, name: &Arc<str>) {
        let value = self.source.value(id);
        if value.name != *name {
            self.changed(&table::PORTS, "", &value.name, value.location, format!("called {name}"));
        }
    }

    /// An operation: left out, in another form, or as it is with all its arguments.
    fn node(&mut self, node: &'a Node) {
        if node.mnemonic() == "const" {
            return;
        }
        if node.results.iter().all(|id| self.known.literals[id.index()].is_some()) {
            return self.change(node, &table::CONSTANT, "computed".to_owned());
        }
        if !node.results.iter().any(|id| self.known.wanted[id.index()]) {
            return self.change(node, &table::UNREAD, "left out".to_owned());
        }
        let made = self.by_table(node);
        for (id, var) in node.results.iter().zip(made) {
            self.out.bind(*id, var);
        }
    }

    /// What the first rows that are about an operation make of it.
    fn by_table(&mut self, node: &'a Node) -> Vec<Var> {
        let (rules, generation) = (self.rules, self.generation);
        for row in ROWS.iter().filter(|row| rules.is_on(row) && row.is_about(node.mnemonic(), generation)) {
            if !(row.when)(&Site { source: self.source, literals: &self.known.literals, node }) {
                continue;
            }
            match row.action {
                Action::Keep | Action::Always => {}
                Action::Warn => self.find(node, row, Severity::Warning),
                Action::Refuse => {
                    self.find(node, row, Severity::Error);
                    return node.results.iter().map(|_| self.out.poison()).collect();
                }
                Action::Rewrite { becomes, make } => {
                    self.change(node, row, becomes.to_owned());
                    return make(self, node);
                }
            }
        }
        self.keep(node)
    }

    /// The operation itself, with all its arguments in the types that the engine takes.
    pub(super) fn keep(&mut self, node: &'a Node) -> Vec<Var> {
        let mut args = Arguments::new();
        for (param, arg) in node.op.schema().params.iter().zip(&node.args) {
            match arg {
                Arg::Absent => {}
                Arg::One(id) => args.push((param.name, Argument::Var(self.argument(node, param, *id)))),
                Arg::Many(ids) => {
                    let vars = ids.iter().map(|id| self.argument(node, param, *id)).collect();
                    args.push((param.name, Argument::Tuple(vars)));
                }
            }
        }
        let first = node.operands().next().map_or(TensorType::scalar(DType::Fp16), |id| self.ty(id));
        let missing = arguments::missing(node, &first, self.source.ty(node.results[0]));
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
            self.change(node, &table::ARGUMENTS, format!("written out: {}", names.join(", ")));
        }
        args.extend(missing.into_iter().map(|(name, literal)| (name, Argument::Literal(literal))));
        self.call(node, node.mnemonic(), None, args)
    }

    /// A constant argument in the type that all generations and operation sets take: halves, and `int32`.
    fn argument(&mut self, node: &Node, param: &Param, id: ValueId) -> Var {
        let Some(literal) = &self.known.literals[id.index()] else { return self.operand(id) };
        let dtype = match (param.rule, literal.ty().dtype) {
            (TypeRule::T | TypeRule::U, DType::Fp32) => DType::Fp16,
            (TypeRule::Index, _) => DType::Int32,
            (_, same) => same,
        };
        if dtype == literal.ty().dtype {
            return self.operand(id);
        }
        let ty = TensorType::new(dtype, literal.ty().dims);
        let numbers = literal.to_f64().unwrap_or_default();
        let Ok(converted) = Literal::from_f64(ty, &numbers) else { return self.operand(id) };
        let rounding =
            converted.to_f64().is_none_or(|v| v.iter().zip(&numbers).any(|(a, b)| a.to_bits() != b.to_bits()));
        self.change(node, &table::DTYPES, format!("{} as {dtype}", param.name));
        if let Some(change) = self.changes.last_mut() {
            change.rounding = rounding;
        }
        self.named(node, param.name, converted)
    }

    /// A constant, named after an operation and what it is for.
    fn named(&mut self, node: &Node, what: &str, literal: Literal) -> Var {
        let name = self.out.free(&format!("{}_{what}", self.name(node)));
        self.out.constant(&name, literal, node.location)
    }

    /// What stands for a value; a constant is written where it is first used.
    pub(super) fn operand(&mut self, id: ValueId) -> Var {
        if let Some(var) = self.out.get(id) {
            return var;
        }
        let value = self.source.value(id);
        let var = match (&self.known.literals[id.index()], value.def) {
            (Some(literal), Def::Immediate) => {
                let name = self.out.free("constant");
                self.out.constant(&name, literal.clone(), value.location)
            }
            (Some(literal), _) => {
                let name = self.out.claim(&value.name);
                self.out.constant(&name, literal.clone(), value.location)
            }
            (None, _) => self.out.poison(),
        };
        self.out.bind(id, var);
        var
    }

    /// Writes an operation for `node`. With `step`, it is one on the way, and named after it; without, it is what stands for the
    /// node. Numbers and other constants among the arguments become constants with names.
    pub(super) fn call(
        &mut self,
        node: &Node,
        mnemonic: &'static str,
        step: Option<&str>,
        args: Arguments,
    ) -> Vec<Var> {
        let results: Vec<Arc<str>> = node.results.iter().map(|id| self.source.value(*id).name.clone()).collect();
        let name = match step {
            Some(step) => self.out.free(&format!("{}_{step}", results[0])),
            None if results.len() == 1 => self.out.claim(&results[0]),
            None => node.name.clone().unwrap_or_else(|| results[0].clone()),
        };
        let args = args.into_iter().map(|(param, argument)| {
            let literal = match argument {
                Argument::Literal(literal) => Some(literal),
                Argument::Number(n) => Literal::scalar(number_type(mnemonic, param), n),
                other => return (param, other),
            };
            let constant = self.out.free(&format!("{name}_{param}"));
            let var = literal.map(|l| self.out.constant(&constant, l, node.location));
            (param, Argument::Var(var.unwrap_or_else(|| self.out.poison())))
        });
        let args = args.collect();
        let vars = self.out.call(mnemonic, &name, args, node.location);
        if step.is_none() && results.len() > 1 {
            for (var, result) in vars.iter().zip(&results) {
                let name = self.out.claim(result);
                self.out.rename(*var, &name);
            }
        }
        vars
    }

    /// The type of a value of the original function.
    pub(super) fn ty(&self, id: ValueId) -> TensorType {
        *self.source.ty(id)
    }

    /// The data of a constant of the original function, or of what is computed of constants.
    pub(super) fn literal(&self, id: ValueId) -> Option<&Literal> {
        self.known.literals[id.index()].as_ref()
    }

    fn name(&self, node: &Node) -> Arc<str> {
        self.source.value(node.results[0]).name.clone()
    }

    /// The outputs under their names. Each is what an operation of its own gives.
    fn outputs(&mut self, ports: &Ports) -> Vec<(Var, Location)> {
        let mut outputs: Vec<(Var, Location)> = Vec::with_capacity(ports.outputs.len());
        for (id, name) in self.source.outputs.iter().zip(&ports.outputs) {
            self.check_port(&table::OUTPUT, *id);
            let value = self.source.value(*id);
            let mut var = self.operand(*id);
            if !self.out.is_computed(var) || outputs.iter().any(|(other, _)| *other == var) {
                let what = format!("{} times 1", value.name);
                self.changed(&table::COPY, "", &value.name, value.location, what);
                let one = self.out.free(&format!("{name}_y"));
                let one = self.out.constant(&one, half::f16::ONE.into(), value.location);
                let copy = self.out.free(&format!("{name}_copy"));
                var = self.out.call("mul", &copy, vec![("x", var.into()), ("y", one.into())], value.location)[0];
            }
            self.renamed(*id, name);
            self.out.rename(var, name);
            outputs.push((var, value.location));
        }
        outputs
    }

    fn check_port(&mut self, row: &'static Row, id: ValueId) {
        let value = self.source.value(id);
        if value.ty.dtype != DType::Fp16 {
            let message = format!("{} `{}` is {}: {}", row.operations[0], value.name, value.ty, row.claim);
            self.findings.push(Diagnostic::error("ane-port", message, value.location).with_hint(row.hint()));
            let poison = self.out.poison();
            self.out.bind(id, poison);
        }
    }

    fn check_program(&mut self, ports: &Ports) {
        if ports.inputs.iter().all(Option::is_none) {
            let row = &table::NO_INPUT;
            let message = format!("function `{}`: {}", self.source.name, row.claim);
            self.findings.push(Diagnostic::error("ane-port", message, Location::Unknown).with_hint(row.hint()));
        }
    }

    /// Notes a finding about an operation.
    fn find(&mut self, node: &Node, row: &'static Row, severity: Severity) {
        let operand = |(param, arg): (&Param, &Arg)| {
            let ids: Vec<ValueId> = arg.ids().iter().copied().filter(|id| self.literal(*id).is_none()).collect();
            let name: Arc<str> = param.name.into();
            ids.into_iter().map(move |id| (name.clone(), id))
        };
        let operands = node.op.schema().params.iter().zip(&node.args).flat_map(operand);
        let operands = operands.map(|(param, id)| {
            let value = self.source.value(id);
            Operand { param, ty: value.ty, location: value.location }
        });
        let finding = Diagnostic {
            severity,
            slug: row.slug,
            message: format!("on {}: {}", self.generation, row.claim),
            operation: Some((node.mnemonic().into(), self.name(node))),
            location: node.location,
            operands: operands.collect(),
            hint: Some(row.hint()),
        };
        self.findings.push(finding);
    }

    fn change(&mut self, node: &Node, row: &'static Row, what: String) {
        let name = self.name(node);
        self.changed(row, node.mnemonic(), &name, node.location, what);
    }

    fn changed(
        &mut self,
        row: &'static Row,
        mnemonic: &'static str,
        name: &Arc<str>,
        location: Location,
        what: String,
    ) {
        let (function, name) = (self.source.name.clone(), name.clone());
        self.changes.push(Change { row, function, mnemonic, name, location, what, rounding: row.rounding });
    }
}

/// The type of a bare number for a parameter.
fn number_type(mnemonic: &str, param: &str) -> DType {
    let rule = schema(mnemonic).and_then(|s| s.params.iter().find(|p| p.name == param)).map(|p| p.rule);
    match rule {
        Some(TypeRule::Of(set)) => set.iter().next().unwrap_or(DType::Fp16),
        _ => DType::Fp16,
    }
}

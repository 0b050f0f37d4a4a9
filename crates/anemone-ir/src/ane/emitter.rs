//! One function, written for the Neural Engine.

use super::fold::Known;
use super::table::{self, Action, ROWS, Row, Rules, Site};
use super::{Change, Generation, Ports, arguments};
use crate::args;
use crate::builder::{Argument, Arguments, Var};
use crate::diagnostic::{Diagnostic, Location, Operand, Severity};
use crate::draft::{DraftFunction, DraftNode};
use crate::literal::Literal;
use crate::op::{Param, TypeRule, schema};
use crate::program::{Arg, Def, Function, Node, Value, ValueId};
use crate::rewrite::Rewrite;
use crate::types::{DType, Dims, TensorType};
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
    let Emitter { out, changes, mut findings, .. } = emitter;
    let function = out.finish(&outputs);
    findings.extend(check_program(&function, &ports));
    Written { function, ports, changes, findings }
}

/// What is wrong with a function as a whole.
fn check_program(function: &DraftFunction, ports: &Ports) -> Option<Diagnostic> {
    let find = |severity, row: &Row| {
        let message = format!("function `{}`: {}", function.name, row.claim);
        let finding = Diagnostic::error("ane-program", message, Location::Unknown).with_hint(row.hint());
        Some(Diagnostic { severity, ..finding })
    };
    if ports.inputs.iter().all(Option::is_none) {
        return find(Severity::Error, &table::NO_INPUT);
    }
    let moves = |node: &DraftNode| &*node.mnemonic == "const" || table::MOVEMENT.operations.contains(&&*node.mnemonic);
    if function.nodes.iter().all(moves) { find(Severity::Warning, &table::MOVEMENT) } else { None }
}

/// The most axes of a port that all sources take.
const MOST_PORT_AXES: usize = 4;

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
    fn node(&mut self, node: &Node) {
        if node.mnemonic() == "const" {
            return;
        }
        if node.writes_state().is_some() {
            self.by_table(node);
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
    fn by_table(&mut self, node: &Node) -> Vec<Var> {
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
        if node.op.schema().since > self.generation.form().opset {
            self.find(node, &table::OPSET, Severity::Error);
            return node.results.iter().map(|_| self.out.poison()).collect();
        }
        self.keep(node)
    }

    /// The operation itself, with all its arguments in the types that the engine takes.
    pub(super) fn keep(&mut self, node: &Node) -> Vec<Var> {
        let args = self.arguments(node, &[]);
        self.call(node, node.mnemonic(), None, args)
    }

    /// All arguments of an operation, in the types that the engine takes, but for those in `without`.
    pub(super) fn arguments(&mut self, node: &Node, without: &[&str]) -> Arguments {
        let mut args = Arguments::new();
        let schema = node.op.schema();
        let opset = self.generation.form().opset;
        let exists = |param: &Param| param.exists(opset);
        for (param, arg) in schema.params.iter().zip(&node.args).filter(|(param, _)| exists(param)) {
            match arg {
                _ if without.contains(&param.name) => {}
                Arg::Absent => {}
                Arg::One(id) => args.push((param.name, Argument::Var(self.argument(node, param, *id)))),
                Arg::Many(ids) => {
                    let vars = ids.iter().map(|id| self.argument(node, param, *id)).collect();
                    args.push((param.name, Argument::Tuple(vars)));
                }
            }
        }
        let first = node.operands().next().map_or(TensorType::scalar(DType::Fp16), |id| self.ty(id));
        let given = |name: &str| node.arg(name).ids().first().map(|id| self.ty(*id).dtype);
        let mut missing = arguments::missing(node, &first, self.source.ty(node.results[0]), given);
        missing.retain(|(name, _)| schema.params.iter().any(|param| param.name == *name && exists(param)));
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
            self.change(node, &table::ARGUMENTS, format!("written out: {}", names.join(", ")));
        }
        args.extend(missing.into_iter().map(|(name, literal)| (name, Argument::Literal(literal))));
        args
    }

    /// An operation on the way to what stands for `node`, named after it and what it gives. On constants alone, it is one.
    pub(super) fn step(&mut self, node: &Node, step: &str, mnemonic: &'static str, args: Arguments) -> Var {
        let args = typed(mnemonic, args);
        if let Some(literal) = self.out.fold(mnemonic, &args) {
            return self.named(node, step, literal);
        }
        self.call(node, mnemonic, Some(step), args)[0]
    }

    /// The operation that stands for `node`, which has one result.
    pub(super) fn result(&mut self, node: &Node, mnemonic: &'static str, args: Arguments) -> Var {
        self.call(node, mnemonic, None, typed(mnemonic, args))[0]
    }

    /// Has what was a step be what stands for `node`.
    pub(super) fn settle(&mut self, node: &Node, var: Var) -> Var {
        let name = self.name(node);
        let name = self.out.claim(&name);
        self.out.rename(var, &name);
        var
    }

    /// A constant under other dimensions, named after `node` and what it is for.
    pub(super) fn constant(&mut self, node: &Node, what: &str, literal: &Literal, dims: &[usize]) -> Var {
        match Dims::new(dims).ok().and_then(|dims| literal.reshaped(dims).ok()) {
            Some(literal) => self.named(node, what, literal),
            None => self.out.poison(),
        }
    }

    /// A constant argument in the type that all generations and operation sets take: halves, and `int32`.
    fn argument(&mut self, node: &Node, param: &Param, id: ValueId) -> Var {
        let Some(literal) = &self.known.literals[id.index()] else { return self.operand(id) };
        if let Some(whole) = arguments::explicit(node, param.name, literal, self.source.ty(node.results[0])) {
            self.change(node, &table::ARGUMENTS, format!("written out: {}", param.name));
            return self.named(node, param.name, whole);
        }
        let dtype = match (param.rule, literal.ty().dtype) {
            (TypeRule::T | TypeRule::U, DType::Fp32) => DType::Fp16,
            (TypeRule::Index | TypeRule::Indices, _) => DType::Int32,
            (_, same) => same,
        };
        if dtype == literal.ty().dtype {
            let written = self.out.get(id).is_some() || self.source.value(id).def != Def::Immediate;
            let literal = literal.clone();
            return if written { self.operand(id) } else { self.named(node, param.name, literal) };
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
    /// node.
    fn call(&mut self, node: &Node, mnemonic: &'static str, step: Option<&str>, args: Arguments) -> Vec<Var> {
        let results: Vec<Arc<str>> = node.results.iter().map(|id| self.source.value(*id).name.clone()).collect();
        let name = match step {
            Some(step) => self.out.free(&format!("{}_{step}", results[0])),
            None if results.len() == 1 => self.out.claim(&results[0]),
            None => node.name.clone().unwrap_or_else(|| results[0].clone()),
        };
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
        let result = node.results.first().map(|id| self.source.value(*id).name.clone());
        result.or_else(|| node.name.clone()).unwrap_or_else(|| node.mnemonic().into())
    }

    /// The outputs under their names. Each is what an operation of its own gives.
    fn outputs(&mut self, ports: &Ports) -> Vec<(Var, Location)> {
        let mut outputs: Vec<(Var, Location)> = Vec::with_capacity(ports.outputs.len());
        for (id, name) in self.source.outputs.iter().zip(&ports.outputs) {
            self.check_port(&table::OUTPUT, *id);
            let value = self.source.value(*id);
            let mut var = self.operand(*id);
            if self.out.is_constant(var) {
                var = self.chosen(var, *id, name);
            } else if self.out.is_input(var) || outputs.iter().any(|(other, _)| *other == var) {
                var = self.copied(var, *id, name);
            }
            self.renamed(*id, name);
            self.out.rename(var, name);
            outputs.push((var, value.location));
        }
        outputs
    }

    /// A product with 1; see [`table::COPY`].
    fn copied(&mut self, var: Var, id: ValueId, name: &str) -> Var {
        let Value { name: old, location, .. } = self.source.value(id);
        self.changed(&table::COPY, "", old, *location, format!("{old} times 1"));
        self.made(&format!("{name}_copy"), "mul", args! { x: var, y: half::f16::ONE }, *location)
    }

    /// A choice between a constant and itself, by a number that an input has; see [`table::CONSTANT_OUTPUT`].
    fn chosen(&mut self, constant: Var, id: ValueId, name: &str) -> Var {
        let Value { name: old, location, .. } = self.source.value(id);
        let input =
            self.source.params.iter().find_map(|id| self.out.get(*id).map(|var| (var, self.ty(*id).dims.rank())));
        // Without an input the program is refused as a whole.
        let Some((input, rank)) = input else { return self.out.poison() };
        self.changed(&table::CONSTANT_OUTPUT, "", old, *location, format!("{old} chosen by a select"));
        let number = if rank == 0 {
            input
        } else {
            let axes: Vec<i32> = (0..rank as i32).collect();
            self.made(
                &format!("{name}_number"),
                "reduce_max",
                args! { x: input, axes: &*axes, keep_dims: false },
                *location,
            )
        };
        let cond = self.made(&format!("{name}_cond"), "equal", args! { x: number, y: number }, *location);
        self.made(&format!("{name}_chosen"), "select", args! { cond: cond, a: constant, b: constant }, *location)
    }

    /// An operation that stands for nothing in the original program.
    fn made(&mut self, name: &str, mnemonic: &'static str, args: Arguments, location: Location) -> Var {
        let name = self.out.free(name);
        self.out.call(mnemonic, &name, args, location)[0]
    }

    fn check_port(&mut self, row: &'static Row, id: ValueId) {
        let value = self.source.value(id);
        if value.ty.dtype != DType::Fp16 {
            let message = format!("{} `{}` is {}: {}", row.operations[0], value.name, value.ty, row.claim);
            self.findings.push(Diagnostic::error("ane-port", message, value.location).with_hint(row.hint()));
            let poison = self.out.poison();
            self.out.bind(id, poison);
        } else if value.ty.dims.rank() > MOST_PORT_AXES {
            let (port, row) = (row.operations[0], &table::RANK);
            let message = format!("{port} `{}` is {}: {}", value.name, value.ty, row.claim);
            self.findings.push(Diagnostic::warning("ane-port", message, value.location).with_hint(row.hint()));
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

/// Arguments with each bare number as a constant of the type that its parameter takes: a half, where it takes the type of `x`.
fn typed(mnemonic: &str, args: Arguments) -> Arguments {
    let rule = |param: &str| schema(mnemonic)?.params.iter().find(|p| p.name == param).map(|p| p.rule);
    let dtype = |param: &str| match rule(param) {
        Some(TypeRule::Of(set)) => set.iter().next().unwrap_or(DType::Fp16),
        _ => DType::Fp16,
    };
    let one = |(param, argument): (&'static str, Argument)| match argument {
        Argument::Number(n) => (param, Literal::scalar(dtype(param), n).map_or(argument, Argument::Literal)),
        other => (param, other),
    };
    args.into_iter().map(one).collect()
}

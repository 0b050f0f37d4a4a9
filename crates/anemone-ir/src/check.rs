//! The check: from a [`Draft`] to a [`Program`], or every independent error.
//!
//! A value whose operation is in error is *poisoned*: what depends on it is not checked, so that one mistake gives one
//! error. Everything else is still checked.

use crate::diagnostic::{Diagnostic, Location, OpError, Operand, Severity, fail};
use crate::draft::{Draft, DraftBlock, DraftFunction, DraftNode, DraftValue};
use crate::literal::Literal;
use crate::names;
use crate::op::{BlockRule, BlockTypes, Call, Inferred, Known, Op, Param, Schema, TypeRule, ValueInfo, schema};
use crate::program::{Arg, Block, Def, Function, Node, Program, Value, ValueId};
use crate::reference::{self, Inputs};
use crate::types::{DType, Declared, DimsError, Kind, MAX_RANK, Opset, TensorType};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// Every error of a draft, and its warnings.
#[derive(Clone, Debug)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(d, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Checks a draft. This is the only way to a [`Program`].
///
/// # Errors
/// All independent errors, with the places where they were made.
pub fn check(draft: Draft) -> Result<Program, Diagnostics> {
    let mut diagnostics = draft.errors;
    let mut functions = Vec::with_capacity(draft.functions.len());
    if draft.functions.is_empty() && diagnostics.is_empty() {
        diagnostics.push(Diagnostic::error("no-function", "the program has no function", Location::Unknown));
    }
    let mut seen = HashSet::new();
    for function in draft.functions {
        if !seen.insert(function.name.clone()) {
            let message = format!("there is more than one function `{}`", function.name);
            diagnostics.push(Diagnostic::error("duplicate-name", message, function.location));
        }
        let (function, found) = check_function(function);
        diagnostics.extend(found);
        functions.extend(function);
    }
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(Diagnostics(diagnostics));
    }
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Program { functions, build_info: draft.build_info, attributes: draft.attributes, warnings: diagnostics })
}

fn check_function(draft: DraftFunction) -> (Option<Function>, Vec<Diagnostic>) {
    let mut checking = Checking::new(&draft);
    let (params, states) = checking.params();
    let nodes = checking.nodes(&draft.nodes, true);
    let Checking { infos, defs, mut diagnostics, .. } = checking;
    check_outputs(&draft, &infos, &mut diagnostics);
    check_definitions(&draft, &mut diagnostics);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return (None, diagnostics);
    }
    let values = draft.values.into_iter().zip(infos).zip(defs);
    let values = values
        .filter_map(|((v, i), def)| {
            let location = v.location;
            Some(Value { name: v.name, kind: i.kind, ty: i.ty?, def, literal: i.literal, location })
        })
        .collect();
    let function = Function {
        name: draft.name,
        opset: draft.opset,
        params,
        states,
        nodes,
        outputs: draft.outputs.into_iter().map(|(id, _)| id).collect(),
        values,
        attributes: draft.attributes,
    };
    (Some(function), diagnostics)
}

/// A function while it is checked.
struct Checking<'a> {
    draft: &'a DraftFunction,
    infos: Vec<ValueInfo>,
    defs: Vec<Def>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Checking<'a> {
    fn new(draft: &'a DraftFunction) -> Checking<'a> {
        let mut diagnostics = draft.errors.clone();
        check_names(draft, &mut diagnostics);
        let info = |v: &DraftValue| v.literal.clone().map(ValueInfo::constant).unwrap_or_default();
        Checking {
            draft,
            infos: draft.values.iter().map(info).collect(),
            defs: vec![Def::Immediate; draft.values.len()],
            diagnostics,
        }
    }

    /// The inputs and the states.
    fn params(&mut self) -> (Vec<ValueId>, Vec<ValueId>) {
        let (mut inputs, mut states) = (Vec::new(), Vec::new());
        for id in &self.draft.params {
            let value = &self.draft.values[id.index()];
            match check_param(value.declared) {
                Ok((kind, ty)) => self.infos[id.index()] = ValueInfo { kind, ..ValueInfo::of(ty) },
                Err(e) => {
                    let message = format!("input `{}`: {}", value.name, e.message);
                    let mut diagnostic = Diagnostic::error(e.slug, message, value.location);
                    diagnostic.hint = e.hint;
                    self.diagnostics.push(diagnostic);
                }
            }
            let (of, def): (_, fn(usize) -> Def) = match self.infos[id.index()].kind {
                Kind::State => (&mut states, Def::State),
                Kind::Tensor | Kind::List => (&mut inputs, Def::Param),
            };
            self.defs[id.index()] = def(of.len());
            of.push(*id);
        }
        (inputs, states)
    }

    /// Checks operations one after the other.
    fn nodes(&mut self, nodes: &[DraftNode], outermost: bool) -> Vec<Node> {
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            if let Some(node) = self.node(node, outermost.then_some(out.len())) {
                out.push(node);
            }
        }
        out
    }

    fn node(&mut self, node: &DraftNode, place: Option<usize>) -> Option<Node> {
        let blocks = self.blocks(node);
        let (blocks, types): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        let types: Option<Vec<BlockTypes>> = types.into_iter().collect();
        let (inferred, args) = match check_node(self.draft, &self.infos, node, types.as_deref()) {
            Checked::Poisoned => return None,
            Checked::Error(d) => {
                self.diagnostics.push(*d);
                return None;
            }
            Checked::Ok(checked) => *checked,
        };
        let found = check_results(self.draft, node, &inferred).and_then(|()| match place {
            None if inferred.op.schema().touches_state() => {
                fail!("unsupported", "a state is read or written inside of a block, which is not supported")
            }
            _ => Ok(()),
        });
        if let Err(e) = found {
            self.diagnostics.push(describe(self.draft, &self.infos, node, e));
            return None;
        }
        let mut known = known(&inferred, &args, &self.infos).into_iter();
        for (index, (id, ty)) in node.results.iter().zip(&inferred.results).enumerate() {
            let kind = inferred.kind(index);
            self.infos[id.index()] = ValueInfo { kind, literal: known.next(), ..ValueInfo::of(*ty) };
            self.defs[id.index()] = place.map_or(Def::Block, |node| Def::Result { node, index });
        }
        Some(Node {
            op: inferred.op,
            args,
            results: node.results.clone(),
            name: node.name.clone(),
            attributes: node.attributes.clone(),
            blocks,
            macs: inferred.macs,
            location: node.location,
        })
    }

    /// Checks the blocks of an operation, with what they give; `None` where that is in error.
    fn blocks(&mut self, node: &DraftNode) -> Vec<(Block, Option<BlockTypes>)> {
        let rules = schema(&node.mnemonic).map_or(&[][..], |s| s.blocks);
        let block = |(rule, block): (&BlockRule, &DraftBlock)| {
            let given = rule.params.and_then(|param| node.args.iter().find(|(name, _)| **name == *param));
            let given = given.map_or(&[][..], |(_, arg)| arg.ids());
            for (id, given) in block.params.iter().zip(given) {
                let ValueInfo { ty, kind, .. } = self.infos[given.index()];
                self.infos[id.index()] = ValueInfo { ty, kind, literal: None };
                self.defs[id.index()] = Def::Block;
                self.check_block_param(*id);
            }
            if block.params.len() != given.len() {
                let (wanted, found) = (given.len(), block.params.len());
                let message = format!("block `{}` has {found} parameters, {wanted} are right", rule.name);
                self.diagnostics.push(Diagnostic::error("block", message, node.location));
            }
            let nodes = self.nodes(&block.nodes, false);
            let infos = block.outputs.iter().map(|id| &self.infos[id.index()]);
            let outputs: Option<Vec<_>> = infos.map(|info| Some((info.kind, info.ty?))).collect();
            let checked = Block { params: block.params.clone(), nodes, outputs: block.outputs.clone() };
            (checked, outputs.map(|outputs| BlockTypes { outputs }))
        };
        rules.iter().zip(&node.blocks).map(block).collect()
    }

    /// A block's parameter is what its declaration says, if it has one.
    fn check_block_param(&mut self, id: ValueId) {
        let (value, info) = (&self.draft.values[id.index()], &self.infos[id.index()]);
        if let (Some(declared), Some(ty)) = (value.declared, info.ty)
            && !declared.admits(info.kind, &ty)
        {
            let message = format!("`{}` is declared as {declared}, but stands for {ty}", value.name);
            self.diagnostics.push(Diagnostic::error("declared-type", message, value.location));
            self.infos[id.index()].ty = None;
        }
    }
}

/// What is computed while checking has no more elements than this, nor have its operands together: shapes and the like.
const KNOWN: usize = 1 << 12;

/// The data of an operation's results, where they are known before any run: constants, what follows from types, and small
/// results computed from constants. Halves are left out, because profiles keep them differently.
pub(crate) fn known(inferred: &Inferred<Op>, args: &[Arg], infos: &[ValueInfo]) -> Vec<Literal> {
    if let Op::Const(c) = &inferred.op {
        return vec![c.val.clone()];
    }
    if !inferred.known.is_empty() {
        return inferred.known.clone();
    }
    let schema = inferred.op.schema();
    let size = |types: &mut dyn Iterator<Item = &TensorType>| {
        types.map(|ty| if ty.dtype == DType::Fp16 { KNOWN + 1 } else { ty.dims.elements() }).sum::<usize>()
    };
    let operands = || args.iter().flat_map(|arg| arg.ids().iter().map(|id| &infos[id.index()]));
    if !schema.pure
        || !schema.blocks.is_empty()
        || operands().any(|info| info.literal.is_none())
        || size(&mut operands().filter_map(|info| info.ty.as_ref())) > KNOWN
        || size(&mut inferred.results.iter()) > KNOWN
    {
        return Vec::new();
    }
    let array = |id: &ValueId| infos[id.index()].literal.as_ref().and_then(reference::constant);
    let arrays: Vec<Vec<_>> = args.iter().map(|arg| arg.ids().iter().filter_map(array).collect()).collect();
    let inputs = arrays.iter().map(|arrays| arrays.iter().collect()).collect();
    let results = inferred.op.eval(&Inputs::new(schema, inputs, &inferred.results));
    let literals = inferred.results.iter().zip(results).map(|(ty, data)| Literal::from_f64(*ty, &data).ok());
    literals.collect::<Option<_>>().unwrap_or_default()
}

fn check_param(declared: Option<Declared>) -> Result<(Kind, TensorType), OpError> {
    let Some(declared) = declared else { fail!("untyped", "it has no type") };
    match declared.known() {
        None => Err(OpError::new("open-shape", format!("{declared} has open dimensions"))
            .hint("give the input a shape before the program is checked; the command line has `--shape`")),
        Some(_) if declared.kind == Kind::List => fail!("list", "a list cannot be an input"),
        Some(t) if t.dtype == DType::String => fail!("dtype", "a string cannot be an input"),
        Some(t) if t.dtype.is_packed() => fail!("dtype", "only constants are {}", t.dtype),
        Some(t) if t.dims.rank() > MAX_RANK => fail!("rank", "{}", DimsError::Rank(t.dims.rank())),
        Some(t) if t.dims.contains(&0) => fail!("empty", "{t} has no elements"),
        Some(t) => Ok((declared.kind, t)),
    }
}

fn check_names(draft: &DraftFunction, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, Location> = HashMap::new();
    let bad_function = names::problem(&draft.name).map(|why| (&draft.name, draft.location, why));
    let values = draft.values.iter().filter(|v| !(v.name.is_empty() && v.literal.is_some()));
    for value in values {
        if let Some(why) = names::problem(&value.name) {
            diagnostics.push(bad_name(&value.name, value.location, why));
        }
        if let Some(first) = seen.insert(&value.name, value.location) {
            let message = match first {
                Location::Unknown | Location::Text { .. } => format!("the name `{}` is used twice", value.name),
                Location::Rust(_) => format!("the name `{}` is used twice, first at {first}", value.name),
            };
            diagnostics.push(Diagnostic::error("duplicate-name", message, value.location));
        }
    }
    diagnostics.extend(bad_function.map(|(name, at, why)| bad_name(name, at, why)));
}

fn bad_name(name: &str, at: Location, why: &str) -> Diagnostic {
    Diagnostic::error("name", format!("`{name}` cannot be a name: {why}"), at)
        .with_hint("a name is a letter or `_`, then letters, digits, `_` or `@`, and no word of the language")
}

/// Every value comes about once. Builders and parsers see to that; a draft may also be made by hand.
fn check_definitions(draft: &DraftFunction, diagnostics: &mut Vec<Diagnostic>) {
    let in_error = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let mut times: Vec<u32> = draft.values.iter().map(|v| u32::from(v.literal.is_some())).collect();
    draft.params.iter().for_each(|id| times[id.index()] += 1);
    count_definitions(&draft.nodes, &mut times);
    for (value, times) in draft.values.iter().zip(times) {
        // After another error it may be for that reason that something is not defined.
        if times > 1 || (times == 0 && !in_error) {
            let message = format!("`{}` is defined {times} times, once is right", value.name);
            diagnostics.push(Diagnostic::error("definition", message, value.location));
        }
    }
}

fn count_definitions(nodes: &[DraftNode], times: &mut [u32]) {
    for node in nodes {
        for block in &node.blocks {
            block.params.iter().for_each(|id| times[id.index()] += 1);
            count_definitions(&block.nodes, times);
        }
        node.results.iter().for_each(|id| times[id.index()] += 1);
    }
}

fn check_outputs(draft: &DraftFunction, infos: &[ValueInfo], diagnostics: &mut Vec<Diagnostic>) {
    if draft.outputs.is_empty() {
        let message = format!("function `{}` has no output", draft.name);
        diagnostics.push(Diagnostic::error("no-output", message, draft.location));
    }
    let mut seen = HashSet::new();
    for (id, at) in &draft.outputs {
        let name = &draft.values[id.index()].name;
        if name.is_empty() && draft.values[id.index()].literal.is_some() {
            diagnostics.push(Diagnostic::error("name", "an output has a name; an immediate constant has none", *at));
        }
        if !seen.insert(*id) {
            diagnostics.push(Diagnostic::error("duplicate-output", format!("`{name}` is an output twice"), *at));
        }
        if let Some(ty) = infos[id.index()].ty.filter(|t| t.dtype == DType::String || t.dtype.is_packed()) {
            diagnostics.push(Diagnostic::error(
                "dtype",
                format!("output `{name}` is {}, which only constants are", ty.dtype),
                *at,
            ));
        }
        if let Some(ty) = infos[id.index()].ty.filter(|t| t.dims.rank() > MAX_RANK) {
            let message = format!("output `{name}` is {ty}: {}", DimsError::Rank(ty.dims.rank()));
            diagnostics.push(Diagnostic::error("rank", message, *at));
        }
        if infos[id.index()].kind != Kind::Tensor {
            diagnostics.push(Diagnostic::error("kind", format!("output `{name}` is no tensor"), *at));
        }
        if infos[id.index()].ty.is_some_and(|t| t.dims.contains(&0)) {
            diagnostics.push(Diagnostic::error("empty", format!("output `{name}` has no elements"), *at));
        }
    }
}

pub(crate) enum Checked {
    /// An operand is in error already.
    Poisoned,
    Error(Box<Diagnostic>),
    Ok(Box<(Inferred<Op>, Vec<Arg>)>),
}

/// Checks one call against what is known of the values before it, but not yet what is declared of its results.
pub(crate) fn check_node(
    draft: &DraftFunction,
    infos: &[ValueInfo],
    node: &DraftNode,
    blocks: Option<&[BlockTypes]>,
) -> Checked {
    let result = bind(draft.opset, node).and_then(|(schema, args)| {
        let Some(blocks) = blocks else { return Ok(None) };
        if args.iter().flat_map(Arg::ids).any(|id| infos[id.index()].ty.is_none()) {
            return Ok(None);
        }
        check_types(schema, draft.opset, &args, infos)?;
        let first = node.results.first().map(|id| &draft.values[id.index()]);
        let declared = first.is_none_or(|v| v.declared.is_some()).then_some(node.results.len());
        let call = Call {
            opset: draft.opset,
            schema,
            args: &args,
            values: infos,
            attributes: &node.attributes,
            blocks,
            declared_results: declared,
        };
        Ok(Some((Op::infer(&call)?, args)))
    });
    match result {
        Ok(Some(checked)) => Checked::Ok(Box::new(checked)),
        Ok(None) => Checked::Poisoned,
        // The error of an argument that could not be made has been recorded where it was made.
        Err(_) if node.args.iter().any(|(_, a)| *a == Arg::Absent) => Checked::Poisoned,
        Err(e) => Checked::Error(Box::new(describe(draft, infos, node, e))),
    }
}

fn describe(draft: &DraftFunction, infos: &[ValueInfo], node: &DraftNode, e: OpError) -> Diagnostic {
    let operand = |param: &Arc<str>, id: &ValueId| {
        let ty = infos[id.index()].ty?;
        let location = draft.values[id.index()].location;
        Some(Operand { param: param.clone(), ty, location })
    };
    // Of an operation that nobody knows, operands say nothing.
    let args = if schema(&node.mnemonic).is_some() { &*node.args } else { &[] };
    let operands = args.iter().flat_map(|(p, a)| a.ids().iter().filter_map(move |id| operand(p, id)));
    let name = node.name.clone().or_else(|| node.results.first().map(|id| draft.values[id.index()].name.clone()));
    Diagnostic {
        severity: Severity::Error,
        slug: e.slug,
        message: e.message,
        operation: Some((node.mnemonic.clone(), name.unwrap_or_else(|| node.mnemonic.clone()))),
        location: node.location,
        operands: operands.collect(),
        hint: e.hint,
    }
}

/// Finds the schema and puts the arguments into its order.
fn bind(opset: Opset, node: &DraftNode) -> Result<(&'static Schema, Vec<Arg>), OpError> {
    let Some(schema) = schema(&node.mnemonic) else {
        return Err(unknown_operation(&node.mnemonic));
    };
    if opset < schema.since {
        fail!("opset", "`{}` exists since {}, the function is {opset}", schema.mnemonic, schema.since);
    }
    let mut args = vec![Arg::Absent; schema.params.len()];
    for (name, arg) in &node.args {
        let Some(at) = schema.position(name).filter(|at| schema.params[*at].exists(opset)) else {
            let known: Vec<_> = schema.params.iter().filter(|p| p.exists(opset)).map(|p| p.name).collect();
            return Err(OpError::new("argument", format!("there is no argument `{name}` in {opset}"))
                .hint(format!("its arguments are {}", known.join(", "))));
        };
        if args[at] != Arg::Absent {
            fail!("argument", "argument `{name}` is given twice");
        }
        if matches!(arg, Arg::Many(_)) && !schema.params[at].tuple {
            fail!("argument", "argument `{name}` is a tuple, one value is wanted");
        }
        args[at] = arg.clone();
    }
    // In the form of iOS 16 all that weights are made of are attributes.
    let by_attributes = schema.constexpr && !node.attributes.is_empty();
    for (param, arg) in schema.params.iter().zip(&args) {
        if by_attributes {
            if *arg != Arg::Absent {
                fail!("argument", "it has both attributes and arguments; one form or the other is right");
            }
        } else if *arg == Arg::Absent && !param.optional && param.exists(opset) {
            fail!("argument", "argument `{}` is missing", param.name);
        }
    }
    if node.blocks.len() != schema.blocks.len() {
        fail!("block", "it has {} blocks, {} are right", node.blocks.len(), schema.blocks.len());
    }
    let wanted = if schema.constexpr && !by_attributes { &[][..] } else { schema.attributes };
    for name in wanted {
        if !node.attributes.iter().any(|(n, _)| &**n == *name) {
            fail!("attribute", "attribute `{name}` is missing");
        }
    }
    if let Some((name, _)) = node.attributes.iter().find(|(n, _)| !schema.attributes.contains(&&**n)) {
        fail!("attribute", "there is no attribute `{name}`");
    }
    Ok((schema, args))
}

fn unknown_operation(mnemonic: &str) -> OpError {
    let error = OpError::new("unknown-operation", format!("`{mnemonic}` is no operation that this version knows"));
    let near = crate::op::SCHEMAS.iter().map(|s| (names::distance(s.mnemonic, mnemonic), s.mnemonic)).min();
    match near {
        Some((distance, name)) if distance <= 2 => error.hint(format!("is `{name}` meant?")),
        _ => error,
    }
}

/// Element types and constness.
fn check_types(schema: &Schema, opset: Opset, args: &[Arg], infos: &[ValueInfo]) -> Result<(), OpError> {
    let mut t: Option<(DType, &str)> = None;
    let mut u: Option<(DType, &str)> = None;
    for (param, arg) in schema.params.iter().zip(args) {
        for id in arg.ids() {
            let info = &infos[id.index()];
            let Some(ty) = info.ty else { continue };
            check_kind(param, info.kind)?;
            let accepts = schema.accepts(param, opset);
            if !accepts.contains(ty.dtype) {
                fail!(
                    "dtype",
                    "`{}` is {}, which {opset} does not take here: allowed are {accepts}",
                    param.name,
                    ty.dtype
                );
            }
            let group = match param.rule {
                TypeRule::T => Some(&mut t),
                TypeRule::U if opset >= Opset::Ios17 => Some(&mut u),
                TypeRule::U => Some(&mut t),
                TypeRule::Of(_) | TypeRule::Index | TypeRule::Indices => None,
            };
            if let Some(group) = group {
                let (first, name) = *group.get_or_insert((ty.dtype, param.name));
                if first != ty.dtype {
                    return Err(OpError::new(
                        "dtype",
                        format!("`{}` is {}, but `{name}` is {first}; {opset} wants them alike", param.name, ty.dtype),
                    )
                    .hint("convert one of them with `cast`"));
                }
            }
            if param.vector && ty.dims.rank() != 1 {
                let error = OpError::new("rank", format!("`{}` is {ty}, a vector is wanted", param.name));
                return Err(if ty.dims.rank() == 0 { error.hint("one number is written [n]") } else { error });
            }
            check_known(param, opset, info)?;
            if ty.dims.rank() > MAX_RANK && !schema.constexpr {
                fail!("rank", "`{}` is {ty}: {}", param.name, DimsError::Rank(ty.dims.rank()));
            }
            // Lists of settings, such as axes, may be empty; data may not.
            let constant = param.known == Known::AtCompile && matches!(param.rule, TypeRule::Of(_));
            let setting = constant || param.rule == TypeRule::Index;
            if !setting && ty.dims.contains(&0) {
                fail!("empty", "`{}` is {ty}, which has no elements", param.name);
            }
        }
    }
    Ok(())
}

fn check_kind(param: &Param, kind: Kind) -> Result<(), OpError> {
    let name = |kind| match kind {
        Kind::Tensor => "a tensor",
        Kind::List => "a list",
        Kind::State => "a state",
    };
    match param.kind {
        Some(wanted) if wanted != kind => {
            fail!("kind", "`{}` is {}, {} is wanted", param.name, name(kind), name(wanted))
        }
        None if kind == Kind::State => fail!("kind", "`{}` is a state, a tensor or a list is wanted", param.name),
        _ => Ok(()),
    }
}

fn check_known(param: &Param, opset: Opset, info: &ValueInfo) -> Result<(), OpError> {
    if param.known.is_needed(opset) && info.literal.is_none() {
        fail!("not-constant", "`{}` must be a constant, but is computed at run time", param.name);
    }
    Ok(())
}

fn check_results(draft: &DraftFunction, node: &DraftNode, inferred: &Inferred<Op>) -> Result<(), OpError> {
    let (declared, found) = (node.results.len(), inferred.results.len());
    if declared != found {
        let plural = if found == 1 { "" } else { "s" };
        fail!("results", "it has {found} result{plural}, {declared} are declared");
    }
    for (index, (id, ty)) in node.results.iter().zip(&inferred.results).enumerate() {
        if ty.dims.contains(&0) && !matches!(inferred.op, Op::Const(_)) {
            fail!("empty", "the result would be {ty}, which has no elements");
        }
        let value = &draft.values[id.index()];
        if let Some(declared) = value.declared
            && !declared.admits(inferred.kind(index), ty)
        {
            fail!("declared-type", "`{}` is declared as {declared}, but is {ty}", value.name);
        }
    }
    Ok(())
}

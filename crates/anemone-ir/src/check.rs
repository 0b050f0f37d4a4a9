//! The check: from a [`Draft`] to a [`Program`], or every independent error.
//!
//! A value whose operation is in error is *poisoned*: what depends on it is not checked, so that one mistake gives one
//! error. Everything else is still checked.

use crate::diagnostic::{Diagnostic, Location, OpError, Operand, Severity, fail};
use crate::draft::{Draft, DraftFunction, DraftNode};
use crate::names;
use crate::op::{Call, Inferred, Known, Op, Param, Schema, TypeRule, ValueInfo, schema};
use crate::program::{Arg, Def, Function, Node, Program, Value, ValueId};
use crate::types::{DType, Opset, TensorType};
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
    let mut diagnostics = draft.errors.clone();
    check_names(&draft, &mut diagnostics);
    let mut infos: Vec<ValueInfo> =
        draft.values.iter().map(|v| ValueInfo { ty: None, literal: v.literal.clone() }).collect();
    let mut defs = vec![Def::Immediate; draft.values.len()];
    for (info, value) in infos.iter_mut().zip(&draft.values) {
        info.ty = value.literal.as_ref().map(|l| *l.ty());
    }
    for (at, id) in draft.params.iter().enumerate() {
        let value = &draft.values[id.index()];
        defs[id.index()] = Def::Param(at);
        infos[id.index()].ty = value.declared;
        if let Err(e) = check_param(value.declared) {
            infos[id.index()].ty = None;
            diagnostics.push(Diagnostic::error(
                e.slug,
                format!("input `{}`: {}", value.name, e.message),
                value.location,
            ));
        }
    }
    let mut nodes = Vec::with_capacity(draft.nodes.len());
    for node in &draft.nodes {
        match check_node(&draft, &infos, node) {
            Checked::Poisoned => {}
            Checked::Error(d) => diagnostics.push(*d),
            Checked::Ok(checked) => {
                let (inferred, args) = *checked;
                if let Err(e) = check_results(&draft, node, &inferred) {
                    diagnostics.push(describe(&draft, &infos, node, e));
                    continue;
                }
                for (index, (id, ty)) in node.results.iter().zip(&inferred.results).enumerate() {
                    infos[id.index()] = ValueInfo { ty: Some(*ty), literal: constant_of(&inferred.op) };
                    defs[id.index()] = Def::Result { node: nodes.len(), index };
                }
                nodes.push(Node {
                    op: inferred.op,
                    args,
                    results: node.results.clone(),
                    name: node.name.clone(),
                    attributes: node.attributes.clone(),
                    macs: inferred.macs,
                    location: node.location,
                });
            }
        }
    }
    check_outputs(&draft, &infos, &mut diagnostics);
    check_definitions(&draft, &mut diagnostics);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return (None, diagnostics);
    }
    let values = draft.values.into_iter().zip(infos).zip(defs);
    let values = values
        .filter_map(|((v, i), def)| {
            Some(Value { name: v.name, ty: i.ty?, def, literal: i.literal, location: v.location })
        })
        .collect();
    let function = Function {
        name: draft.name,
        opset: draft.opset,
        params: draft.params,
        nodes,
        outputs: draft.outputs.into_iter().map(|(id, _)| id).collect(),
        values,
        attributes: draft.attributes,
    };
    (Some(function), diagnostics)
}

fn constant_of(op: &Op) -> Option<crate::literal::Literal> {
    match op {
        Op::Const(c) => Some(c.val.clone()),
        _ => None,
    }
}

fn check_param(ty: Option<TensorType>) -> Result<(), OpError> {
    match ty {
        None => fail!("untyped", "it has no type"),
        Some(t) if t.dtype == DType::String => fail!("dtype", "a string cannot be an input"),
        Some(t) if t.dims.contains(&0) => fail!("empty", "{t} has no elements"),
        Some(_) => Ok(()),
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
    for id in draft.params.iter().chain(draft.nodes.iter().flat_map(|n| &n.results)) {
        times[id.index()] += 1;
    }
    for (value, times) in draft.values.iter().zip(times) {
        // After another error it may be for that reason that something is not defined.
        if times > 1 || (times == 0 && !in_error) {
            let message = format!("`{}` is defined {times} times, once is right", value.name);
            diagnostics.push(Diagnostic::error("definition", message, value.location));
        }
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
        if infos[id.index()].ty.is_some_and(|t| t.dtype == DType::String) {
            diagnostics.push(Diagnostic::error("dtype", format!("output `{name}` is a string"), *at));
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
pub(crate) fn check_node(draft: &DraftFunction, infos: &[ValueInfo], node: &DraftNode) -> Checked {
    let result = bind(draft.opset, node).and_then(|(schema, args)| {
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
        let Some(at) = schema.position(name).filter(|at| opset >= schema.params[*at].since) else {
            let known: Vec<_> = schema.params.iter().filter(|p| opset >= p.since).map(|p| p.name).collect();
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
    for (param, arg) in schema.params.iter().zip(&args) {
        if *arg == Arg::Absent && !param.optional {
            fail!("argument", "argument `{}` is missing", param.name);
        }
    }
    for name in schema.attributes {
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
    if mnemonic.starts_with("constexpr_") {
        return error.hint("compressed weights are not supported yet: convert the model without compression");
    }
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
                TypeRule::Of(_) | TypeRule::Index => None,
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
            // Lists of settings, such as axes, may be empty; data may not.
            let setting = param.known == Known::AtCompile && matches!(param.rule, TypeRule::Of(_) | TypeRule::Index);
            if !setting && ty.dims.contains(&0) {
                fail!("empty", "`{}` is {ty}, which has no elements", param.name);
            }
        }
    }
    Ok(())
}

fn check_known(param: &Param, opset: Opset, info: &ValueInfo) -> Result<(), OpError> {
    let needed = match param.known {
        Known::Anytime => false,
        Known::AtCompile => true,
        Known::AtCompileBeforeIos17 => opset < Opset::Ios17,
    };
    if needed && info.literal.is_none() {
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
    for (id, ty) in node.results.iter().zip(&inferred.results) {
        if ty.dims.contains(&0) && constant_of(&inferred.op).is_none() {
            fail!("empty", "the result would be {ty}, which has no elements");
        }
        let value = &draft.values[id.index()];
        if let Some(declared) = value.declared
            && declared != *ty
        {
            fail!("declared-type", "`{}` is declared as {declared}, but is {ty}", value.name);
        }
    }
    Ok(())
}

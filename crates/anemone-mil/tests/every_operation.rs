//! Random calls of every operation, most of them wrong: an error or a program, and every program comes back from its text.

#![allow(clippy::unwrap_used)]

#[path = "round_trip/fixed_point.rs"]
mod fixed_point;

use anemone_ir::draft::{DraftFunction, DraftNode, DraftValue};
use anemone_ir::op::{Param, SCHEMAS, Schema, TypeRule};
use anemone_ir::{Arg, DType, Dims, Draft, Literal, Location, Opset, TensorType, ValueId, check};
use anemone_mil::Dialect;
use arbitrary::{Result, Unstructured};
use fixed_point::fixed_point;

type U<'a, 'b> = &'a mut Unstructured<'b>;

const STRINGS: &[&str] =
    &["valid", "same", "custom", "constant", "reflect", "EXACT", "fp16", "int32", "CHANNEL", "", "x"];
const NUMBERS: &[f64] = &[0.0, 1.0, 2.0, -1.0, 3.0, 1e30, -1e30, 0.5, f64::NAN, f64::INFINITY];

fn dims(u: U<'_, '_>) -> Result<Vec<usize>> {
    let rank = u.int_in_range(0..=5)?;
    (0..rank).map(|_| Ok(*u.choose(&[1, 2, 4, 0, 3])?)).collect()
}

fn literal(u: U<'_, '_>, dtype: DType, dims: &[usize]) -> Result<Literal> {
    let ty = TensorType::new(dtype, Dims::new(dims).unwrap());
    let count = ty.dims.elements();
    if dtype == DType::String {
        let strings = (0..count).map(|_| Ok((*u.choose(STRINGS)?).to_owned())).collect::<Result<_>>()?;
        return Ok(Literal::strings(dims, strings).unwrap());
    }
    let numbers = (0..count).map(|_| u.choose(NUMBERS).copied()).collect::<Result<Vec<_>>>()?;
    Ok(Literal::from_f64(ty, &numbers).unwrap())
}

/// A value for a parameter: likely of the right kind, a parameter of the function or an immediate.
fn value(u: U<'_, '_>, f: &mut DraftFunction, param: &Param) -> Result<ValueId> {
    let dtype = match param.rule {
        _ if u.ratio(1, 12)? => *u.choose(&DType::ALL)?,
        TypeRule::Index | TypeRule::Indices => DType::Int32,
        TypeRule::Of(set) => set.iter().next().unwrap(),
        TypeRule::T | TypeRule::U => DType::Fp16,
    };
    let dims = match param.rule {
        TypeRule::T | TypeRule::U => dims(u)?,
        // Vectors of a small length, or scalars.
        _ => (0..u.int_in_range(0..=1)?).map(|_| u.int_in_range(0..=5)).collect::<Result<_>>()?,
    };
    if u.ratio(2, 3)? && matches!(param.rule, TypeRule::T | TypeRule::U) {
        let name = format!("v{}", f.values.len()).into();
        let declared = Some(TensorType::new(dtype, Dims::new(&dims).unwrap()).into());
        let id = f.value(DraftValue { name, declared, literal: None, location: Location::Unknown });
        f.params.push(id);
        return Ok(id);
    }
    let literal = literal(u, dtype, &dims)?;
    Ok(f.immediate(literal, Location::Unknown))
}

fn call(u: U<'_, '_>, schema: &Schema) -> Result<Draft> {
    let mut f = DraftFunction::new("main", *u.choose(&Opset::ALL)?, Location::Unknown);
    let mut args = Vec::new();
    for param in schema.params {
        if param.optional && u.arbitrary()? {
            continue;
        }
        let arg = if param.tuple && u.ratio(9, 10)? {
            let count = u.int_in_range(0..=3)?;
            Arg::Many((0..count).map(|_| value(u, &mut f, param)).collect::<Result<_>>()?)
        } else if let (true, Some(same)) = (u.ratio(1, 3)?, f.params.last()) {
            Arg::One(*same)
        } else {
            Arg::One(value(u, &mut f, param)?)
        };
        args.push((param.name.into(), arg));
    }
    let attributes = schema.attributes.iter().map(|name| {
        let dims = dims(u)?;
        let dtype = *u.choose(&DType::ALL)?;
        Ok(((*name).into(), literal(u, dtype, &dims)?))
    });
    let attributes = attributes.collect::<Result<_>>()?;
    let results = if schema.mnemonic == "split" { u.int_in_range(1..=4)? } else { 1 };
    let results: Vec<_> = (0..results)
        .map(|i| {
            let name = format!("r{i}").into();
            f.value(DraftValue { name, declared: None, literal: None, location: Location::Unknown })
        })
        .collect();
    f.outputs.extend(results.iter().map(|id| (*id, Location::Unknown)));
    let (mnemonic, name) = (schema.mnemonic.into(), Some("r0".into()));
    let (blocks, location) = (Vec::new(), Location::Unknown);
    f.nodes.push(DraftNode { mnemonic, args, attributes, results, name, blocks, location });
    Ok(Draft { functions: vec![f], ..Draft::default() })
}

#[test]
fn random_calls_come_back() {
    let mut good = 0;
    for schema in SCHEMAS {
        let mut of_this = 0;
        arbtest::arbtest(|u| {
            if let Ok(program) = check(call(u, schema)?) {
                of_this += 1;
                for dialect in Dialect::ALL {
                    fixed_point(&program, dialect);
                }
            }
            Ok(())
        })
        .budget_ms(60);
        good += usize::from(of_this > 0);
    }
    assert!(good * 2 > SCHEMAS.len(), "only {good} of {} operations were ever called rightly", SCHEMAS.len());
}

//! Values on the way that two models have under the same name: where they part.

use super::measure::{HEADINGS, Measure};
use super::side::Side;
use crate::elements::numpy;
use crate::failure::Failure;
use crate::style::Style;
use crate::table::{Align, Table};
use anemone_ir::program::Def;
use anemone_ir::types::Kind;
use anemone_ir::{Function, ValueId};
use serde::Serialize;
use std::collections::HashMap;

/// Values are kept at the same time as long as they take no more bytes than this.
const MOST_BYTES: usize = 256 << 20;

/// A value of both.
#[derive(Clone, Serialize)]
pub(crate) struct Compared {
    name: String,
    /// What makes it, in A.
    operation: &'static str,
    shape: Vec<usize>,
    #[serde(flatten)]
    measure: Measure,
}

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Values {
    /// How many were compared.
    pub(super) compared: usize,
    pub(super) first_different: Option<Compared>,
    pub(super) first_parted: Option<Compared>,
    /// Every one, if that was asked for.
    all: Vec<Compared>,
}

impl Values {
    /// Compares values of both in A's order, up to the first that has parted or, if all are wanted, to the end. Models may be
    /// large: few values are kept at a time, and the models run as often as that takes.
    pub(super) fn of(a: &Side, b: &Side, parted: f64, all: bool) -> Result<Values, Failure> {
        let mut out = Values { compared: 0, first_different: None, first_parted: None, all: Vec::new() };
        let common = common(&a.function, &b.function);
        let bytes = |(id, _): &(ValueId, ValueId)| a.function.ty(*id).bytes() * 2;
        let mut rest = &common[..];
        while !rest.is_empty() && (all || out.first_parted.is_none()) {
            let mut sum = 0;
            let fit = rest.iter().take_while(|pair| {
                sum += bytes(pair);
                sum <= MOST_BYTES
            });
            let (now, later) = rest.split_at(fit.count().max(1));
            rest = later;
            out.compare(a, b, now, parted, all)?;
        }
        Ok(out)
    }

    fn compare(
        &mut self,
        a: &Side,
        b: &Side,
        pairs: &[(ValueId, ValueId)],
        parted: f64,
        all: bool,
    ) -> Result<(), Failure> {
        let (of_a, of_b): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        for (((name, x), (_, y)), id) in a.values(&of_a)?.iter().zip(&b.values(&of_b)?).zip(of_a) {
            let measure = x.measure(y, &x.elements.to_f64(), &y.elements.to_f64());
            let compared = Compared {
                name: name.clone(),
                operation: operation(&a.function, id),
                shape: x.ty.dims.to_vec(),
                measure,
            };
            self.compared += 1;
            let m = &compared.measure;
            let has_parted = m.not_finite > 0 || m.snr.is_some_and(|snr| snr < parted);
            if !m.is_equal() && self.first_different.is_none() {
                self.first_different = Some(compared.clone());
            }
            if has_parted && self.first_parted.is_none() {
                self.first_parted = Some(compared.clone());
            }
            if all {
                self.all.push(compared);
            }
        }
        Ok(())
    }

    /// Every value.
    pub(super) fn table(&self, style: Style) -> String {
        let mut columns = vec![("value", Align::Left), ("operation", Align::Left)];
        columns.extend(HEADINGS[..4].iter().map(|heading| (*heading, Align::Right)));
        let mut table = Table::new(&columns);
        for value in &self.all {
            let mut row = vec![value.name.clone(), value.operation.to_owned()];
            row.extend(value.measure.cells().into_iter().take(4));
            table.row(row);
        }
        table.text("", style)
    }
}

impl Compared {
    /// In a line.
    pub(super) fn text(&self) -> String {
        let cells = self.measure.cells();
        let Compared { name, operation, .. } = self;
        format!("`{name}` ({operation}): max abs {}, cosine {}, SNR {}", cells[0], cells[2], cells[3])
    }
}

/// Results that both functions compute at run time under the same name and in the same shape, in the order of `a`.
fn common(a: &Function, b: &Function) -> Vec<(ValueId, ValueId)> {
    let computed = |function: &Function, id: ValueId| {
        let value = function.value(id);
        let is_array = value.kind == Kind::Tensor && value.literal.is_none() && numpy(value.ty.dtype).is_some();
        is_array && matches!(value.def, Def::Result { .. })
    };
    let in_b: HashMap<&str, ValueId> =
        b.ids().filter(|id| computed(b, *id)).map(|id| (&*b.value(id).name, id)).collect();
    let results = a.nodes.iter().flat_map(|node| &node.results).copied().filter(|id| computed(a, *id));
    let pair = |id: ValueId| Some((id, *in_b.get(&*a.value(id).name)?));
    results.filter_map(pair).filter(|(x, y)| a.ty(*x).dims == b.ty(*y).dims).collect()
}

fn operation(function: &Function, id: ValueId) -> &'static str {
    match function.value(id).def {
        Def::Result { node, .. } => function.nodes[node].mnemonic(),
        _ => "",
    }
}

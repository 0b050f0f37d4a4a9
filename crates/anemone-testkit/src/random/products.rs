//! Arguments of products by an equation, and of attention.

use super::Generator;
use anemone_ir::builder::{Argument, Arguments};
use anemone_ir::{DType, DTypeSet};
use arbitrary::Result;

impl Generator<'_, '_> {
    pub(super) fn einsum(&mut self, dtype: DType) -> Result<Arguments> {
        let equation = *self.u.choose(&[
            "nchw,nwhu->nchu",
            "chw,whr->chr",
            "ij,jk->ik",
            "ji,kj->ki",
            "bhid,bhjd->bhij",
            "bihd,bjhd->bhij",
            "iab,abj->ij",
            "abk,kc->abc",
            "ij,ij->",
            "i,j->ij",
            "ii,ij->ij",
        ])?;
        let (mut sizes, mut values) = ([0; 128], Vec::new());
        for letters in equation.split(&[',', '-'][..]).take(2) {
            let mut dims = Vec::new();
            for letter in letters.bytes() {
                let size = &mut sizes[usize::from(letter)];
                if *size == 0 {
                    *size = *self.u.choose(&[1, 2, 3, 5, 8, 17])?;
                }
                dims.push(*size);
            }
            while dims.iter().product::<usize>() > super::MOST_ELEMENTS / 4 {
                let most = (0..letters.len()).max_by_key(|at| dims[*at]).unwrap_or(0);
                let letter = letters.as_bytes()[most];
                sizes[usize::from(letter)] = 1;
                letters.bytes().zip(&mut dims).filter(|(l, _)| *l == letter).for_each(|(_, d)| *d = 1);
            }
            values.push(self.shaped(dtype, &dims)?);
        }
        Ok(vec![("values", Argument::Tuple(values)), ("equation", equation.into())])
    }

    pub(super) fn attention(&mut self, dtype: DType) -> Result<Arguments> {
        let mut batch = self.dims(1..=2)?.to_vec();
        batch.iter_mut().for_each(|d| *d = (*d).min(3));
        let mut size = || self.u.choose(&[1, 2, 3, 5, 8, 17]).copied();
        let (queries, keys, depth, width) = (size()?, size()?, size()?, size()?);
        let of = |rows: usize, columns: usize| [&*batch, &[rows, columns]].concat();
        let query = self.shaped(dtype, &of(queries, depth))?;
        let key = self.shaped(dtype, &of(keys, depth))?;
        let value = self.shaped(dtype, &of(keys, width))?;
        let mut arguments = vec![("query", query.into()), ("key", key.into()), ("value", value.into())];
        if self.u.ratio(2, 3)? {
            let mask = self.dtype(DTypeSet::FLOAT.or(DType::Bool.set()))?;
            let whole = of(queries, keys);
            let from = self.u.int_in_range(0..=whole.len() - 1)?;
            let mut shape = whole[from..].to_vec();
            if shape.len() > 1 && self.u.ratio(1, 3)? {
                shape[0] = 1;
            }
            arguments.extend(self.weights(mask, &shape)?.map(|mask| ("attn_mask", mask)));
        }
        Ok(arguments)
    }
}

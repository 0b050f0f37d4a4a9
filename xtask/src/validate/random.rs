//! Random programs.

use super::Options;
use super::emit::Emitter;
use crate::Error;
use anemone_conformance::numbers::Random;
use anemone_testkit::random::{sample_of, schemas};
use arbitrary::Unstructured;

/// Programs out of random bytes: a number of them for every operation, with a call of it.
pub(super) fn emit(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    if !options.wants("random") {
        return Ok(());
    }
    for schema in schemas() {
        let mut made = 0;
        let mut seeds = 0..u64::from(options.random) * 1000;
        while made < options.random {
            let seed = seeds.next().ok_or_else(|| format!("no random program calls `{}`", schema.mnemonic))?;
            let mut numbers = Random::new(seed);
            let bytes: Vec<u8> = (0..512).flat_map(|_| numbers.bits().to_le_bytes()).collect();
            if let Ok(sample) = sample_of(&mut Unstructured::new(&bytes), schema) {
                emitter.program(&format!("random:{}-{seed}", schema.mnemonic), &sample.program)?;
                made += 1;
            }
        }
    }
    Ok(())
}

//! The programs of the filetests.

use super::Options;
use super::emit::Emitter;
use crate::Error;
use anemone_conformance::filetest::{self, FILES};
use anemone_ir::Severity;
use anemone_ir::ane::Generation;
use anemone_mil::{NoWeights, parse};
use std::io::{self, Write as _};

/// One generation of each form of text.
const GENERATIONS: [Generation; 2] = [Generation::H13, Generation::H16];

/// Every program of the filetests that is to be accepted; and as the Neural Engine takes it, unless the table refuses it.
pub(super) fn emit(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    let (mut taken, mut refused) = (0, 0);
    for (mnemonic, text) in FILES {
        let source = format!("filetests/{mnemonic}.mil");
        if options.wants(&source) {
            let path = filetest::path(mnemonic);
            let file = filetest::parse(&path, text).map_err(|failures| filetest::render(&failures))?;
            let valid = file.programs.iter().filter(|p| p.findings.iter().all(|f| f.severity != Severity::Error));
            for case in valid {
                let program = parse(&case.text, &NoWeights).map_err(|e| format!("{}: {e}", path.display()))?;
                let source = format!("{source}:{}", case.line);
                emitter.program(&source, &program)?;
                for generation in GENERATIONS {
                    let count = if emitter.for_ane(&source, &program, generation)? { &mut taken } else { &mut refused };
                    *count += 1;
                }
            }
        }
    }
    if taken + refused > 0 {
        writeln!(io::stderr(), "filetests for the Neural Engine: {taken} written, {refused} refused by the table")?;
    }
    Ok(())
}

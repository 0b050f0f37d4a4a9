//! The programs of the filetests.

use super::Options;
use super::emit::Emitter;
use crate::Error;
use anemone_conformance::filetest::{self, FILES};
use anemone_ir::Severity;
use anemone_mil::{NoWeights, parse};

/// Every program of the filetests that is to be accepted.
pub(super) fn emit(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    for (mnemonic, text) in FILES {
        let source = format!("filetests/{mnemonic}.mil");
        if options.wants(&source) {
            let path = filetest::path(mnemonic);
            let file = filetest::parse(&path, text).map_err(|failures| filetest::render(&failures))?;
            let valid = file.programs.iter().filter(|p| p.findings.iter().all(|f| f.severity != Severity::Error));
            for case in valid {
                let program = parse(&case.text, &NoWeights).map_err(|e| format!("{}: {e}", path.display()))?;
                emitter.program(&format!("{source}:{}", case.line), &program)?;
            }
        }
    }
    Ok(())
}

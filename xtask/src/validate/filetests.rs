//! The programs of the filetests.

use super::Options;
use super::emit::Emitter;
use crate::Error;
use anemone_ir::Severity;
use anemone_mil::{Folder, parse};
use anemone_testkit::filetest;
use std::fs;

/// Every program of the filetests that is to be accepted.
pub(super) fn emit(emitter: &mut Emitter, options: &Options) -> Result<(), Error> {
    let folder = filetest::folder().join("run");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Error>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "mil"));
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let source = format!("filetests/run/{name}");
        if options.wants(&source) {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let file = filetest::directive::parse(&path, &text).map_err(|failures| filetest::render(&failures))?;
            let valid = file.programs.iter().filter(|p| p.findings.iter().all(|f| f.severity != Severity::Error));
            for case in valid {
                let program =
                    parse(&case.text, &Folder::new(&folder)).map_err(|e| format!("{}: {e}", path.display()))?;
                emitter.program(&format!("{source}:{}", case.line), &program)?;
            }
        }
    }
    Ok(())
}

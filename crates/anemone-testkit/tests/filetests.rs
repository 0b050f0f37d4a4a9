//! `filetests/run`: a file for each operation, and a test for each file.
//!
//! One operation's: `cargo test -p anemone-testkit --test filetests run::conv`.

use anemone_ir::op::schema;
use anemone_testkit::filetest::run::run_file;
use anemone_testkit::filetest::{folder, render};

fn check(mnemonic: &str) {
    let failures = run_file(&folder().join("run").join(mnemonic).with_extension("mil"), mnemonic);
    assert!(failures.is_empty(), "{}", render(&failures));
}

macro_rules! file {
    (const) => {
        #[test]
        fn r#const() {
            super::check("const");
        }
    };
    ($mnemonic:ident) => {
        #[test]
        fn $mnemonic() {
            super::check(stringify!($mnemonic));
        }
    };
}

macro_rules! files {
    ($($family:ident { $($mnemonic:ident $Type:ident,)* })*) => {
        mod run {
            $($(file! { $mnemonic })*)*
        }
    };
}

anemone_ir::for_each_op!(files);

#[test]
fn every_file_is_of_an_operation() {
    let names = std::fs::read_dir(folder().join("run")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let strays: Vec<String> = names.filter(|n| n.strip_suffix(".mil").and_then(schema).is_none()).collect();
    assert!(strays.is_empty(), "no operations: {strays:?}");
}

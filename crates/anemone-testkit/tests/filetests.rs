//! A test for each operation's filetest.
//!
//! One operation's: `cargo test -p anemone-testkit --test filetests run::conv`.

use anemone_conformance::filetest::render;
use anemone_testkit::filetests::run_file;

fn check(mnemonic: &str) {
    let failures = run_file(mnemonic);
    assert!(failures.is_empty(), "{}", render(&failures));
}

macro_rules! file {
    (const) => {
        #[test]
        fn r#const() {
            super::check("const");
        }
    };
    (mod) => {
        #[test]
        fn r#mod() {
            super::check("mod");
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

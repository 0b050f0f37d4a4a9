//! The stated minimum version of Rust is the one that CI builds with, and so it is tested.

/// The value of `key = "value"` in a file this simple.
fn value<'a>(toml: &'a str, key: &str) -> &'a str {
    let line = toml.lines().find(|l| l.split('=').next().is_some_and(|k| k.trim() == key));
    line.and_then(|l| l.split('"').nth(1)).unwrap_or_else(|| panic!("no `{key}`"))
}

#[test]
fn the_stated_rust_version_is_the_pinned_toolchain() {
    let stated = value(include_str!("../../Cargo.toml"), "rust-version");
    let pinned = value(include_str!("../../rust-toolchain.toml"), "channel");
    assert_eq!(pinned, format!("{stated}.0"), "rust-version in Cargo.toml, channel in rust-toolchain.toml");
}

#[test]
fn every_crate_takes_its_rust_version_from_the_workspace() {
    assert_eq!(env!("CARGO_PKG_RUST_VERSION"), value(include_str!("../../Cargo.toml"), "rust-version"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for group in ["crates", "examples"] {
        for entry in std::fs::read_dir(format!("{root}/{group}")).unwrap() {
            let folder = entry.unwrap().path();
            if !folder.is_dir() {
                continue;
            }
            let manifest = folder.join("Cargo.toml");
            let text = std::fs::read_to_string(&manifest).unwrap();
            assert!(text.contains("rust-version.workspace = true"), "{}", manifest.display());
        }
    }
}

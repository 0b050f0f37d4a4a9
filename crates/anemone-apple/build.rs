//! Says where there is Objective-C to talk to: on Apple's systems, and where the test double is wanted.

fn main() {
    let apple = std::env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple");
    if apple || std::env::var_os("CARGO_FEATURE_DOUBLE").is_some() {
        println!("cargo::rustc-cfg=objc");
    }
}

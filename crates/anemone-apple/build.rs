//! Says where there is Objective-C to talk to: on Apple's systems, and where the test double is wanted. Builds the double.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

/// The double of the framework.
const FRAMEWORK: &[&str] = &[
    "cache.m",
    "client.m",
    "compiled.m",
    "descriptor.m",
    "device.m",
    "engine.c",
    "in_memory_model.m",
    "model.m",
    "object.m",
    "program.m",
    "request.m",
    "stats.m",
    "switches.m",
];
/// Systems that are another than is known: one that has changed a method, one that has lost a class, and an old one that has not
/// got everything yet. The name of the library, what is defined for it, and the files that this makes others of.
const VARIANTS: &[(&str, &str, &[&str])] = &[
    ("Changed", "DOUBLE_CHANGED", &["in_memory_model.m"]),
    ("WithoutClass", "DOUBLE_WITHOUT_SURFACE_OBJECT", &["object.m"]),
    ("OfMacOS12", "DOUBLE_OF_MACOS_12", &["client.m", "in_memory_model.m", "request.m"]),
];

/// What the Objective-C runtime lacks; linked to.
const SHIM: &[&str] = &["shim.c", "shim.m"];
/// The double of IOSurface; linked to.
const IOSURFACE: &[&str] = &["iosurface.m"];

const MISSING: &str = "the feature `double` of anemone-apple needs gcc for Objective-C, GNUstep and a runtime for blocks \
                       (Debian: apt-get install gobjc libgnustep-base-dev libblocksruntime-dev)";

fn main() {
    let apple = std::env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple");
    let double = std::env::var_os("CARGO_FEATURE_DOUBLE").is_some();
    if apple || double {
        println!("cargo::rustc-cfg=objc");
    }
    if double && !apple {
        println!("cargo::rerun-if-changed=double");
        if let Err(e) = Double::new().and_then(|double| double.build()) {
            println!("cargo::error={e}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}

/// Where the double is, where it goes, and how it is compiled.
struct Double {
    sources: PathBuf,
    out: PathBuf,
    flags: Vec<String>,
}

impl Double {
    fn new() -> Result<Double, String> {
        let folder = |variable: &str| std::env::var_os(variable).map(PathBuf::from).unwrap_or_default();
        let flags = Command::new("gnustep-config").arg("--objc-flags").output();
        let flags = flags.map_err(|e| format!("{MISSING}: gnustep-config: {e}"))?;
        if !flags.status.success() {
            return Err(format!("{MISSING}: gnustep-config: {}", flags.status));
        }
        let flags = String::from_utf8_lossy(&flags.stdout).into_owned();
        // Cargo knows by itself what depends on what; GNUstep's headers have warnings of their own.
        let flags = flags.split_whitespace().filter(|f| *f != "-MMD" && *f != "-MP");
        let quiet = |flag: &str| flag.strip_prefix("-I/").map_or(flag.to_owned(), |path| format!("-isystem/{path}"));
        let flags = flags.map(quiet).chain(["-std=gnu11", "-D_GNU_SOURCE"].map(str::to_owned)).collect();
        Ok(Double { sources: folder("CARGO_MANIFEST_DIR").join("double"), out: folder("OUT_DIR"), flags })
    }

    fn build(&self) -> Result<(), String> {
        let objects = self.compile(SHIM, None)?;
        self.link("anemone_shim", &objects, &["-ldl"])?;
        let objects = self.compile(IOSURFACE, None)?;
        self.link("anemone_iosurface", &objects, &[])?;
        let objects = self.compile(FRAMEWORK, None)?;
        let with = ["-lanemone_iosurface", "-lBlocksRuntime", "-ldl"];
        let path = self.link("AppleNeuralEngine", &objects, &with)?;
        for (name, definition, changed) in VARIANTS {
            let other = self.compile(changed, Some(definition))?;
            let same = FRAMEWORK.iter().zip(&objects).filter(|(source, _)| !changed.contains(source));
            let all: Vec<_> = same.map(|(_, object)| object.clone()).chain(other).collect();
            self.link(&format!("AppleNeuralEngine{name}"), &all, &with)?;
        }
        println!("cargo::rustc-link-search=native={}", self.out.display());
        println!("cargo::rustc-link-lib=dylib=anemone_shim");
        println!("cargo::rustc-link-lib=dylib=anemone_iosurface");
        // Before GNUstep, which has functions of these names for blocks of another kind.
        println!("cargo::rustc-link-lib=dylib=BlocksRuntime");
        println!("cargo::rustc-env=ANEMONE_DOUBLE={}", path.display());
        Ok(())
    }

    /// Compiles files, all at once, into objects in the same order.
    fn compile(&self, sources: &[&str], definition: Option<&str>) -> Result<Vec<PathBuf>, String> {
        let object = |source: &&str| self.out.join(format!("{}{source}.o", definition.unwrap_or_default()));
        let objects: Vec<_> = sources.iter().map(object).collect();
        let start = |(source, object): (&&str, &PathBuf)| {
            let mut gcc = Command::new("gcc");
            let objective_c = |flag: &&String| flag.contains("objc") || flag.contains("string-class");
            gcc.args(self.flags.iter().filter(|flag| source.ends_with(".m") || !objective_c(flag)));
            gcc.args(definition.map(|d| format!("-D{d}")));
            gcc.arg("-c").arg(self.sources.join(source)).arg("-o").arg(object);
            gcc.stderr(std::process::Stdio::piped()).spawn().map_err(|e| format!("{MISSING}: gcc: {e}"))
        };
        let running = sources.iter().zip(&objects).map(start).collect::<Result<Vec<Child>, _>>()?;
        for (child, source) in running.into_iter().zip(sources) {
            let output = child.wait_with_output().map_err(|e| format!("gcc: {e}"))?;
            check(&output, source)?;
        }
        Ok(objects)
    }

    fn link(&self, name: &str, objects: &[PathBuf], libraries: &[&str]) -> Result<PathBuf, String> {
        let path: &Path = &self.out.join(format!("lib{name}.so"));
        let mut gcc = Command::new("gcc");
        gcc.arg("-shared").arg("-o").arg(path).args(objects).arg("-L").arg(&self.out);
        gcc.args(libraries).args(["-lgnustep-base", "-lobjc", "-lpthread"]);
        check(&gcc.output().map_err(|e| format!("{MISSING}: gcc: {e}"))?, name)?;
        Ok(path.to_owned())
    }
}

/// Fails with what gcc says; warnings go to the log.
fn check(output: &Output, what: &str) -> Result<(), String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        said.lines().for_each(|line| println!("cargo::warning={line}"));
        return Ok(());
    }
    let hint =
        if said.contains("Foundation/Foundation.h") || said.contains("cc1obj") { MISSING } else { "it is wrong" };
    let errors: Vec<_> = said.lines().filter(|line| line.contains("error") || line.contains("undefined")).collect();
    Err(format!("{what} cannot be compiled, since {hint}: {}", errors.join(" | ")))
}

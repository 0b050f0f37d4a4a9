//! The machine, as reports name it.

use serde::Serialize;
use std::process::Command;

/// The processor and the system.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) os: &'static str,
    pub(crate) arch: &'static str,
    /// The processor's own name; absent where the system does not tell.
    pub(crate) cpu: Option<String>,
    pub(crate) cores: usize,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Machine { os: std::env::consts::OS, arch: std::env::consts::ARCH, cpu: processor(), cores }
    }
}

/// The processor's name, where the system tells it.
fn processor() -> Option<String> {
    if cfg!(target_os = "macos") {
        let output = Command::new("/usr/sbin/sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        return Some(name).filter(|n| !n.is_empty());
    }
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = cpuinfo.lines().find(|l| l.starts_with("model name"))?;
    let name = line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(name).filter(|n| !n.is_empty())
}

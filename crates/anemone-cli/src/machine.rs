//! The machine, as reports name it.

use serde::{Deserialize, Serialize};
use std::process::Command;

/// The processor and the system. What the system does not tell is absent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) os: String,
    pub(crate) arch: String,
    /// The processor's own name.
    pub(crate) cpu: Option<String>,
    pub(crate) cores: usize,
    /// What the maker calls the machine, such as `Mac15,3`.
    pub(crate) model: Option<String>,
    /// The version of the system.
    pub(crate) os_version: Option<String>,
    /// Its build; of Linux, the kernel.
    pub(crate) os_build: Option<String>,
    /// Whether the system is a guest in a virtual machine.
    pub(crate) virtual_machine: Option<bool>,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (os, arch) = (std::env::consts::OS.to_owned(), std::env::consts::ARCH.to_owned());
        if cfg!(target_os = "macos") {
            let sysctl = |name| said("/usr/sbin/sysctl", &["-n", name]);
            return Machine {
                os,
                arch,
                cores,
                cpu: sysctl("machdep.cpu.brand_string"),
                model: sysctl("hw.model"),
                os_version: said("/usr/bin/sw_vers", &["-productVersion"]),
                os_build: said("/usr/bin/sw_vers", &["-buildVersion"]),
                virtual_machine: sysctl("kern.hv_vmm_present").map(|v| v != "0"),
            };
        }
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let about = |name: &str| cpuinfo.lines().find(|l| l.starts_with(name)).and_then(|l| l.split_once(':'));
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let pretty = release.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="));
        Machine {
            os,
            arch,
            cores,
            cpu: about("model name").and_then(|(_, name)| clean(name)),
            model: line_of("/sys/class/dmi/id/product_name"),
            os_version: pretty.and_then(|name| clean(name.trim_matches('"'))),
            os_build: line_of("/proc/sys/kernel/osrelease"),
            virtual_machine: about("flags").map(|(_, flags)| flags.split(' ').any(|flag| flag == "hypervisor")),
        }
    }

    /// `macOS 26.3 (25D2128)`, as much of it as is known.
    pub(crate) fn system(&self) -> String {
        let Machine { os, os_version, os_build, .. } = self;
        let name = match (os.as_str(), os_version) {
            ("macos", Some(version)) => format!("macOS {version}"),
            (_, Some(version)) => version.clone(),
            (os, None) => os.to_owned(),
        };
        os_build.as_ref().map_or(name.clone(), |build| format!("{name} ({build})"))
    }
}

/// What a program of the system says.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    clean(&String::from_utf8_lossy(&output.stdout))
}

fn line_of(path: &str) -> Option<String> {
    clean(&std::fs::read_to_string(path).ok()?)
}

/// Words with one blank between them; `None` if there are none.
fn clean(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(text).filter(|text| !text.is_empty())
}

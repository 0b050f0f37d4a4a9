//! The libraries of a Mac, as far as they are needed: by name.
//!
//! The linker wants to know which library has which name, and nothing else. Apple's kit tells it by text files (`.tbd`), and
//! so do we, with the few names that our programs import. They are in `xtask/apple`, a file for each library.

use super::macho::Version;
use crate::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A library that is part of macOS.
pub(super) struct Library {
    /// Where it is in the kit, without `.tbd`. The first place is the file's, the others are copies.
    places: &'static [&'static str],
    /// What a program calls it.
    pub(super) install_name: &'static str,
    /// The oldest version that programs made with this list can be run with.
    pub(super) compatibility: Version,
    /// The names: one a line, without C's leading underscore; `#` begins a comment.
    list: &'static str,
    /// Whether a name that no program imports is a mistake. Those of the standard library change with the compiler.
    pub(super) exact: bool,
}

/// The libraries, with their install names and compatibility versions as the kits from macOS 11 on have them.
pub(super) static LIBRARIES: [Library; 6] = [
    Library {
        // C's and the mathematical library are names for it, too.
        places: &["usr/lib/libSystem", "usr/lib/libc", "usr/lib/libm"],
        install_name: "/usr/lib/libSystem.B.dylib",
        compatibility: Version::new(1, 0),
        list: include_str!("../../apple/libSystem.txt"),
        exact: false,
    },
    Library {
        // The crate libc links it, and takes nothing of it.
        places: &["usr/lib/libiconv"],
        install_name: "/usr/lib/libiconv.2.dylib",
        compatibility: Version::new(7, 0),
        list: "",
        exact: true,
    },
    Library {
        places: &["usr/lib/libobjc"],
        install_name: "/usr/lib/libobjc.A.dylib",
        compatibility: Version::new(1, 0),
        list: include_str!("../../apple/libobjc.txt"),
        exact: true,
    },
    Library {
        places: &["System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"],
        install_name: "/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation",
        compatibility: Version::new(150, 0),
        list: include_str!("../../apple/CoreFoundation.txt"),
        exact: true,
    },
    Library {
        places: &["System/Library/Frameworks/Foundation.framework/Foundation"],
        install_name: "/System/Library/Frameworks/Foundation.framework/Versions/C/Foundation",
        compatibility: Version::new(300, 0),
        list: include_str!("../../apple/Foundation.txt"),
        exact: true,
    },
    Library {
        places: &["System/Library/Frameworks/IOSurface.framework/IOSurface"],
        install_name: "/System/Library/Frameworks/IOSurface.framework/Versions/A/IOSurface",
        compatibility: Version::new(1, 0),
        list: include_str!("../../apple/IOSurface.txt"),
        exact: true,
    },
];

impl Library {
    /// The names as they are in a program, with C's leading underscore.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.list.lines().map(|line| line.split_once('#').map_or(line, |(name, _)| name).trim());
        lines.filter(|line| !line.is_empty())
    }

    /// The library's text for the linker, in version 4 of the format.
    fn tbd(&self) -> String {
        let Self { install_name, compatibility, .. } = self;
        let mut text = format!(
            "--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-macos ]\ninstall-name: '{install_name}'\n\
             current-version: {compatibility}\ncompatibility-version: {compatibility}\n"
        );
        let names: Vec<String> = self.names().map(|name| format!("'{name}'")).collect();
        if !names.is_empty() {
            write!(text, "exports:\n  - targets: [ arm64-macos ]\n    symbols: [ {} ]\n", names.join(", "))
                .expect("a string takes everything");
        }
        text + "...\n"
    }
}

/// Writes a kit of all libraries.
pub(super) fn write(sdk: &Path) -> Result<(), Error> {
    for library in &LIBRARIES {
        let text = library.tbd();
        for place in library.places {
            let path = sdk.join(place).with_extension("tbd");
            fs::create_dir_all(path.parent().expect("places are in folders"))?;
            // One that is the same is not written again.
            if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                fs::write(&path, &text)?;
            }
        }
    }
    Ok(())
}

//! What every test stands on: it has the double to itself, and must leave nothing behind.

use crate::double;
use anemone_apple::{Error, Framework, Model, Options, Port, Source, Surface, error::NsError};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What GNUstep says when an object is handed out where nothing will ever release it.
pub(crate) const NO_POOL: &str = "autorelease called without pool";

static TURN: Mutex<()> = Mutex::new(());

/// The double, for one test. When it is dropped nothing may be left: no object, no surface, no loaded program, no mapped
/// request, no file; and nothing may have been misused.
pub(crate) struct Bed {
    pub(crate) framework: &'static Framework,
    _turn: MutexGuard<'static, ()>,
    /// Faults that the test means to make.
    pub(crate) faults: i64,
    live: i64,
    surfaces: i64,
}

pub(crate) fn bed() -> Bed {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let framework = Framework::get().unwrap();
    double::reset();
    Bed { framework, _turn: turn, faults: 0, live: double::live(), surfaces: double::live_of("IOSurface") }
}

impl Bed {
    /// A loaded program without weights.
    pub(crate) fn load(&self, text: &str) -> Model {
        self.try_load(text, Options::default()).unwrap()
    }

    pub(crate) fn try_load(&self, text: &str, options: Options) -> Result<Model, Error> {
        Model::new(self.framework, &Source { text: text.as_bytes(), weights: &[] }, options)
    }
}

/// Waits until something holds: what a run's own thread lets go of goes a little after the run's end.
pub(crate) fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

impl Drop for Bed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        assert!(soon(|| double::live() == self.live), "{} objects too many are left", double::live() - self.live);
        assert!(soon(|| double::live_of("IOSurface") == self.surfaces), "surfaces are left");
        assert_eq!(double::get("faults"), self.faults, "misused; see what the double printed");
        assert!(soon(|| double::get("loaded") == 0), "programs are left loaded");
        assert_eq!(double::get("mapped"), 0, "requests are left mapped");
        assert_eq!(left_behind(), [""; 0], "files are left");
    }
}

/// The folder in which programs are staged.
pub(crate) fn root() -> PathBuf {
    objc2::rc::autoreleasepool(|_| PathBuf::from(objc2_foundation::NSTemporaryDirectory().to_string()))
}

/// What is in there and looks like a program's files.
pub(crate) fn left_behind() -> Vec<String> {
    let entries: Vec<_> = std::fs::read_dir(root()).map(|entries| entries.flatten().collect()).unwrap_or_default();
    let names = entries.into_iter().filter_map(|e| e.file_name().into_string().ok());
    // Identifiers of the double: three hashes.
    names.filter(|name| name == "anemone-ane" || name.split('_').filter(|part| part.len() == 16).count() == 3).collect()
}

/// A surface as large as a port's layout asks for, filled with `fill`.
pub(crate) fn surface(port: &Port, fill: u8) -> Surface {
    let surface = Surface::new(port.layout.bytes()).unwrap();
    surface.write().unwrap().fill(fill);
    surface
}

/// A surface with these elements, which are of the port's type.
pub(crate) fn surface_of<const SIZE: usize, T: Copy>(port: &Port, values: &[T], bytes: fn(T) -> [u8; SIZE]) -> Surface {
    let surface = surface(port, 0xa5);
    let dense: Vec<u8> = values.iter().flat_map(|v| bytes(*v)).collect();
    port.layout.pack(&dense, port.layout.row_bytes(), &mut surface.write().unwrap()).unwrap();
    surface
}

/// The elements of a surface.
pub(crate) fn elements<const SIZE: usize, T>(port: &Port, surface: &Surface, value: fn([u8; SIZE]) -> T) -> Vec<T> {
    let mut dense = vec![0; port.layout.elements() * SIZE];
    port.layout.unpack(&surface.read().unwrap(), &mut dense, port.layout.row_bytes()).unwrap();
    dense.as_chunks::<SIZE>().0.iter().map(|bytes| value(*bytes)).collect()
}

/// `fp32` elements.
pub(crate) fn floats(port: &Port, surface: &Surface) -> Vec<f32> {
    elements(port, surface, f32::from_le_bytes)
}

/// The error that the framework gave.
pub(crate) fn ns_error(error: &Error) -> &NsError {
    error.ns_error().unwrap_or_else(|| panic!("{error} has no NSError"))
}

/// The command that runs an ignored test of this program in a process of its own, which stages in the same folder as this.
pub(crate) fn sibling(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

/// Runs a command with a folder of its own to stage in.
pub(crate) fn apart(command: &mut Command) -> Output {
    let folder = tempfile::tempdir().unwrap();
    // GNUstep takes the place of temporary files from here.
    command.env("TEMP", folder.path()).output().unwrap()
}

/// Runs an ignored test of this program in a process, and with a folder, of its own.
pub(crate) fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    apart(sibling(test).envs(variables.iter().copied()))
}

/// What a process said; it must have run one test and succeeded.
pub(crate) fn said(output: &Output) -> String {
    let text = both(output);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(!text.contains(NO_POOL), "{text}");
    text
}

/// Both streams.
pub(crate) fn both(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

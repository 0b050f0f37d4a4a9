//! A program, from its text to its unloading.

use crate::attributes::{self, Procedure};
use crate::bindings::Bindings;
use crate::error::{Error, Stage};
use crate::framework::{Framework, temporary_directory};
use crate::guard::{guarded, outcome, taken};
use crate::methods::{descriptor, model};
use crate::object::Object;
use crate::qos::Qos;
use crate::reproduction;
use crate::slots::Slots;
use crate::staging::Staging;
use objc2::rc::Retained;
use objc2::runtime::AnyObject;
use objc2_foundation::{NSData, NSDictionary, NSNumber, NSString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A program's text and the files that it refers to.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// MIL text.
    pub text: &'a [u8],
    /// The bytes of each weight file, by the path that the text has for it: `@model_path/weights/weight.bin`.
    pub weights: &'a [(String, Vec<u8>)],
}

/// How to load a program.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How urgent the work is.
    pub qos: Qos,
    /// Whether runs can measure the hardware's time: [`crate::Model::evaluate_with_statistics`].
    pub statistics: bool,
    /// Bindings of surfaces that are kept for the next run with them.
    pub bindings: usize,
    /// Submitted runs that may be under way at once. More than two gain nothing (measured on an M5 by ane-bridge-rs).
    pub in_flight: usize,
    /// Where to leave a folder with everything that is needed to see a failure of compiling or loading again.
    pub reproduction: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options { qos: Qos::Default, statistics: false, bindings: 16, in_flight: 2, reproduction: None }
    }
}

/// `kANEFPerformanceStatsMask` of the options of loading and of running.
pub(crate) const STATISTICS_MASK: &str = "kANEFPerformanceStatsMask";

/// All four bits that the driver knows (freedomtan/ane_pmu_profiler).
pub(crate) const ALL_STATISTICS: u32 = 15;

/// A loaded program. It is unloaded when the last handle and the last run of it are gone.
#[derive(Clone, Debug)]
pub struct Model(pub(crate) Arc<Loaded>);

/// What a [`Model`] is a handle of.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) framework: &'static Framework,
    /// The in-memory model.
    pub(crate) object: Object,
    /// The `_ANEModel` inside, which is what the client takes; before macOS 14 it cannot be had.
    pub(crate) inner: Option<Object>,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) options: Options,
    pub(crate) bindings: Bindings,
    pub(crate) slots: Slots,
    /// What the framework calls the program; also the name of the folder of its files.
    name: String,
    was_cached: bool,
}

impl Model {
    /// Compiles a program, unless the system has it in its cache, and loads it.
    ///
    /// The files that the compiler reads are gone afterwards, also if it fails. A cached program that cannot be loaded is
    /// dropped from the cache and compiled again, once.
    ///
    /// # Errors
    /// Whatever the framework says. With [`Options::reproduction`] there is a folder then.
    pub fn new(framework: &'static Framework, source: &Source<'_>, options: Options) -> Result<Model, Error> {
        let folder = options.reproduction.clone();
        let report = |error: &Error| {
            if let Some(folder) = &folder {
                leave(folder, framework, source, error);
            }
        };
        let (object, name, was_cached) = load(source, &options).inspect_err(report)?;
        // From here on the program is unloaded whatever happens: by `Loaded`.
        let mut loaded = Loaded {
            framework,
            object,
            inner: None,
            procedures: Vec::new(),
            bindings: Bindings::new(options.bindings),
            slots: Slots::new(options.in_flight),
            options,
            name,
            was_cached,
        };
        loaded.describe().inspect_err(report)?;
        Ok(Model(Arc::new(loaded)))
    }

    /// The functions of the program.
    pub fn procedures(&self) -> &[Procedure] {
        &self.0.procedures
    }

    /// Whether the system had the compiled program in its cache.
    pub fn was_cached(&self) -> bool {
        self.0.was_cached
    }

    /// Drops the compiled program from the system's cache. What is loaded goes on running.
    ///
    /// # Errors
    /// The framework throws.
    pub fn purge(&self) -> Result<(), Error> {
        let _claim = Staging::claim(&temporary_directory(), &self.0.name)?;
        purge(&self.0.object)
    }
}

impl Loaded {
    /// Reads what the framework says of the loaded program.
    fn describe(&mut self) -> Result<(), Error> {
        self.procedures = guarded(Stage::Attributes, || {
            // SAFETY: the object is an in-memory model; the preflight has found the method.
            let attributes =
                unsafe { taken(model::model_attributes(&self.object), Stage::Attributes, "modelAttributes") };
            attributes::read(attributes?)
        })?;
        if self.framework.has("_ANEInMemoryModel", &["model"]) {
            self.inner = guarded(Stage::Load, || {
                // SAFETY: the object is an in-memory model; the preflight has found the method.
                Ok(unsafe { Retained::retain(model::inner_model(&self.object)) }.map(Object::new))
            })?;
        }
        Ok(())
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // Unloading removes the folder of the files, which another may be filling. Without the claim it must happen all the same.
        let claim = Staging::claim(&temporary_directory(), &self.name);
        let _claim = claim.inspect_err(|e| tracing::warn!("a program is unloaded without a claim on its folder: {e}"));
        // Surfaces are unmapped while the program that they are mapped for is still loaded.
        self.bindings.clear();
        let qos = self.options.qos.value();
        let unloaded = guarded(Stage::Unload, || {
            // SAFETY: the object is a loaded in-memory model; the preflight has found the method.
            outcome(Stage::Unload, |error| unsafe { model::unload(&self.object, qos, error) })
        });
        if let Err(e) = unloaded {
            tracing::warn!("{e}");
        }
    }
}

/// Compiles if need be, and loads. Gives the model, its name, and whether it came from the cache.
fn load(source: &Source<'_>, options: &Options) -> Result<(Object, String, bool), Error> {
    let (object, name) = describe(source)?;
    let claim = Staging::claim(&temporary_directory(), &name)?;
    let cached = guarded(Stage::Compile, || {
        // SAFETY: the object is an in-memory model; the preflight has found the method.
        Ok(unsafe { model::compiled_model_exists(&object) }.as_bool())
    })?;
    if cached {
        match load_compiled(&object, options) {
            Ok(()) => return Ok((object, name, true)),
            Err(e) => tracing::warn!("the program in the system's cache is no good, compiling it again: {e}"),
        }
        purge(&object)?;
    }
    // The framework writes files of its own there; they are removed with ours, by the claim.
    claim.write(source.text, source.weights)?;
    compile(&object, options)?;
    load_compiled(&object, options)?;
    Ok((object, name, false))
}

/// Makes the in-memory model of a program; gives also the name of the folder that the compiler reads.
fn describe(source: &Source<'_>) -> Result<(Object, String), Error> {
    guarded(Stage::Descriptor, || {
        let text = NSData::with_bytes(source.text);
        let weights = weights(source.weights);
        // SAFETY: in this block: receivers are the table's classes, or the objects that their factories gave; the preflight has
        // found the methods; the dictionary of weights is one of dictionaries and not nil, as the framework wants.
        unsafe {
            let class = descriptor::class()?;
            let descriptor = descriptor::with_mil_text(class, &text, &weights, None);
            let descriptor = taken(descriptor, Stage::Descriptor, "modelWithMILText:weights:optionsPlist:")?;
            let object = model::with_descriptor(model::class()?, &descriptor);
            let object = Object::new(taken(object, Stage::Model, "inMemoryModelWithDescriptor:")?);
            let name = taken(model::hex_string_identifier(&object), Stage::Model, "hexStringIdentifier")?;
            let nothing = Error::Nothing { stage: Stage::Model, what: "hexStringIdentifier" };
            let name = name.downcast_ref::<NSString>().map(ToString::to_string).ok_or(nothing)?;
            Ok((object, name))
        }
    })
}

/// The dictionary of the weight files: for each path its bytes, and where in them to begin.
fn weights(files: &[(String, Vec<u8>)]) -> Retained<NSDictionary> {
    let entry = |bytes: &Vec<u8>| {
        let (offset, data) = (NSNumber::new_u64(0), NSData::with_bytes(bytes));
        let keys = [NSString::from_str("offset"), NSString::from_str("data")];
        let values: [&AnyObject; 2] = [&offset, &data];
        NSDictionary::from_slices(&keys.each_ref().map(|k| &**k), &values)
    };
    let keys: Vec<_> = files.iter().map(|(path, _)| NSString::from_str(path)).collect();
    let values: Vec<_> = files.iter().map(|(_, bytes)| entry(bytes)).collect();
    let keys: Vec<_> = keys.iter().map(|k| &**k).collect();
    let values: Vec<&AnyObject> = values.iter().map(|v| v.as_ref()).collect();
    untyped(NSDictionary::from_slices(&keys, &values))
}

/// Forgets what a dictionary holds: the framework's methods take any.
fn untyped(dictionary: Retained<NSDictionary<NSString, AnyObject>>) -> Retained<NSDictionary> {
    // SAFETY: the type parameters are only for Rust; every key is an object.
    unsafe { Retained::cast_unchecked(dictionary) }
}

/// The options of a message: with the mask of the statistics, or empty. Never nil, which the framework does not bear.
pub(crate) fn options_dictionary(statistics: bool) -> Retained<NSDictionary> {
    if !statistics {
        return untyped(NSDictionary::new());
    }
    let (key, mask) = (NSString::from_str(STATISTICS_MASK), NSNumber::new_u32(ALL_STATISTICS));
    let mask: &AnyObject = &mask;
    untyped(NSDictionary::from_slices(&[&*key], &[mask]))
}

/// Programs that this process has compiled.
static COMPILED: AtomicUsize = AtomicUsize::new(0);

/// How many programs a process can compile, about, before the compiler fails without a word (measured on M3 to M5 by
/// maderix/ANE, Orion and ironmill). Those that come from the system's cache do not count.
pub const MOST_COMPILED: usize = 119;

/// Programs that this process has compiled; see [`MOST_COMPILED`].
pub fn compiled() -> usize {
    COMPILED.load(Ordering::Relaxed)
}

fn compile(object: &Object, options: &Options) -> Result<(), Error> {
    let before = COMPILED.fetch_add(1, Ordering::Relaxed);
    if before >= MOST_COMPILED {
        tracing::warn!(
            "this process has compiled {before} programs; after about {MOST_COMPILED} the compiler may fail"
        );
    }
    guarded(Stage::Compile, || {
        let dictionary = options_dictionary(false);
        let qos = options.qos.value();
        // SAFETY: the object is an in-memory model; the preflight has found the method; the options are a dictionary.
        outcome(Stage::Compile, |error| unsafe { model::compile(object, qos, &dictionary, error) })
    })
}

fn load_compiled(object: &Object, options: &Options) -> Result<(), Error> {
    guarded(Stage::Load, || {
        let dictionary = options_dictionary(options.statistics);
        let qos = options.qos.value();
        // SAFETY: the object is an in-memory model; the preflight has found the method; the options are a dictionary.
        outcome(Stage::Load, |error| unsafe { model::load(object, qos, &dictionary, error) })
    })
}

fn purge(object: &Object) -> Result<(), Error> {
    guarded(Stage::Compile, || {
        // SAFETY: the object is an in-memory model; the preflight has found the method.
        unsafe { model::purge_compiled_model(object) };
        Ok(())
    })
}

/// Leaves what is needed to see a failure again. That this fails too is logged: the failure itself is what counts.
fn leave(folder: &Path, framework: &Framework, source: &Source<'_>, error: &Error) {
    let device = framework.device().unwrap_or_default();
    let known = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".to_owned());
    let report = [
        ("system", format!("{} {}", known(device.product), known(device.build))),
        ("architecture", known(device.architecture)),
        ("failed to", error.stage().map_or("load the framework", Stage::name).to_owned()),
        ("error", error.to_string()),
    ];
    match reproduction::write(folder, source.text, source.weights, &report) {
        Ok(path) => tracing::info!("what failed is in {}", path.display()),
        Err(e) => tracing::warn!("no reproduction could be left in {}: {e}", folder.display()),
    }
}

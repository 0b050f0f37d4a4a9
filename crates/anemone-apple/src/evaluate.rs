//! Running a loaded program.

use crate::attributes::{Port, Procedure};
use crate::bindings::{Binding, Key};
use crate::error::{Error, Stage};
use crate::guard::{guarded, outcome, taken};
use crate::lease::{Exclusive, Shared};
use crate::methods::{client, model, request, statistics, statistics_surface, surface_object};
use crate::model::{Loaded, Model, options_dictionary};
use crate::object::Object;
use crate::surface::Surface;
use objc2::rc::Retained;
use objc2::runtime::AnyObject;
use objc2_foundation::{NSArray, NSNumber};
use std::sync::Arc;
use std::time::Duration;

/// The way a request takes. All of them run in this process; they differ in the queue that the request goes through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Path {
    /// `-[_ANEInMemoryModel evaluateWithQoS:options:request:error:]`
    #[default]
    InMemory,
    /// `-[_ANEClient evaluateWithModel:options:request:qos:error:]`
    Client,
    /// `-[_ANEClient doEvaluateDirectWithModel:options:request:qos:error:]`; at most a tenth faster (117 and 106 µs on an
    /// M5, ane-infer).
    Direct,
    /// `-[_ANEClient evaluateRealTimeWithModel:options:request:error:]`
    RealTime,
}

impl Path {
    /// Every path.
    pub const ALL: [Path; 4] = [Path::InMemory, Path::Client, Path::Direct, Path::RealTime];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Path::InMemory => "in-memory",
            Path::Client => "client",
            Path::Direct => "direct",
            Path::RealTime => "real-time",
        }
    }

    /// The client's method that takes it.
    fn selector(self) -> Option<&'static str> {
        match self {
            Path::InMemory => None,
            Path::Client => Some("evaluateWithModel:options:request:qos:error:"),
            Path::Direct => Some("doEvaluateDirectWithModel:options:request:qos:error:"),
            Path::RealTime => Some("evaluateRealTimeWithModel:options:request:error:"),
        }
    }
}

/// How a run went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Evaluated {
    /// Whether the surfaces had been mapped before.
    pub mapped: bool,
    /// The time on the hardware itself, without dispatch. Most systems keep it to themselves: see
    /// [`Model::evaluate_with_statistics`].
    pub hardware: Option<Duration>,
}

/// Leases on the surfaces of a run.
#[derive(Default)]
pub(crate) struct Leases {
    _read: Vec<Shared>,
    _written: Vec<Exclusive>,
}

impl Leases {
    /// Fails if a surface is in use, or if one that is written is bound twice: what a run leaves there is then undefined.
    pub(crate) fn of(inputs: &[&Surface], outputs: &[&Surface]) -> Result<Leases, Error> {
        Ok(Leases {
            _read: inputs.iter().map(|s| s.lease().shared()).collect::<Result<_, _>>()?,
            _written: outputs.iter().map(|s| s.lease().exclusive()).collect::<Result<_, _>>()?,
        })
    }
}

/// The size of the surface that a run's statistics are written to (freedomtan/ane_pmu_profiler).
const STATISTICS_BYTES: usize = 4096;

/// The kind of statistics that are the hardware's own counters (freedomtan/ane_pmu_profiler).
const HARDWARE_COUNTERS: i64 = 2;

impl Model {
    /// Whether runs can take a path here.
    pub fn can(&self, path: Path) -> bool {
        let Loaded { framework, inner, .. } = &*self.0;
        let client = inner.is_some() && framework.client().is_some();
        path.selector().is_none_or(|selector| client && framework.has("_ANEClient", &[selector]))
    }

    /// Runs a procedure with a request made for this run.
    ///
    /// Surfaces are given in the order of the procedure's ports, each at least as large as the port's layout. They are leased
    /// while the run lasts.
    ///
    /// # Errors
    /// [`Error::Binding`] if a surface is missing or too small or the path cannot be taken, [`Error::Busy`] if one is in use,
    /// or what the framework says.
    pub fn evaluate(
        &self,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
        path: Path,
    ) -> Result<Evaluated, Error> {
        self.leased(procedure, inputs, outputs, false, |key| self.run(&self.0.bind(key, inputs, outputs)?, path))
    }

    /// As [`Model::evaluate`], with the request of an earlier run on the same surfaces if it is kept, and their mapping.
    ///
    /// # Errors
    /// As [`Model::evaluate`].
    pub fn evaluate_kept(
        &self,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
        path: Path,
    ) -> Result<Evaluated, Error> {
        self.leased(procedure, inputs, outputs, false, |key| self.run(&*self.0.kept(&key, inputs, outputs)?, path))
    }

    /// As [`Model::evaluate_kept`] on the client's path, and measures the time on the hardware.
    ///
    /// The driver gives that time only to systems that were started with `anedebug=1`, to programs with Apple's entitlement
    /// for hardware counters, and on builds of Apple's own (freedomtan/ane_pmu_profiler); elsewhere it is `None`.
    ///
    /// # Errors
    /// As [`Model::evaluate`]; also [`Error::Binding`] if the program was not loaded with [`crate::Options::statistics`].
    pub fn evaluate_with_statistics(
        &self,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
    ) -> Result<Evaluated, Error> {
        if !self.0.options.statistics {
            return Err(Error::Binding("the program was not loaded for statistics".to_owned()));
        }
        let path = if self.can(Path::Client) { Path::Client } else { Path::InMemory };
        if !self.0.can_measure() {
            return self.evaluate_kept(procedure, inputs, outputs, path);
        }
        self.leased(procedure, inputs, outputs, true, |key| {
            let binding = self.0.kept(&key, inputs, outputs)?;
            if let Some(surface) = &binding.statistics {
                surface.write()?.fill(0);
            }
            let evaluated = self.run(&binding, path)?;
            Ok(Evaluated { hardware: hardware_time(&binding)?, ..evaluated })
        })
    }

    /// Does something with surfaces that fit a procedure and are leased meanwhile.
    fn leased(
        &self,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
        statistics: bool,
        run: impl FnOnce(Key) -> Result<Evaluated, Error>,
    ) -> Result<Evaluated, Error> {
        let key = self.0.key(procedure, inputs, outputs, statistics)?;
        let _leases = Leases::of(inputs, outputs)?;
        run(key)
    }

    fn run(&self, binding: &Binding, path: Path) -> Result<Evaluated, Error> {
        if !self.can(path) {
            return Err(Error::Binding(format!("the framework of this system has no {} path", path.name())));
        }
        guarded(Stage::Evaluate, || self.0.send(binding, path))?;
        Ok(Evaluated { mapped: binding.is_mapped(), hardware: None })
    }
}

impl Loaded {
    /// Whether this system has all that measuring takes.
    fn can_measure(&self) -> bool {
        let parts = [
            ("_ANEPerformanceStatsIOSurface", "objectWithIOSurface:statType:"),
            ("_ANERequest", "perfStats"),
            ("_ANEPerformanceStats", "hwExecutionTime"),
        ];
        parts.iter().all(|(class, selector)| self.framework.has(class, &[selector]))
    }

    /// Checks the surfaces of a run against the procedure.
    pub(crate) fn key(
        &self,
        procedure: usize,
        inputs: &[&Surface],
        outputs: &[&Surface],
        statistics: bool,
    ) -> Result<Key, Error> {
        let ports = self.procedures.get(procedure);
        let ports = ports.ok_or_else(|| Error::Binding(format!("the program has no procedure {procedure}")))?;
        check("input", &ports.inputs, inputs)?;
        check("output", &ports.outputs, outputs)?;
        let surfaces = inputs.iter().chain(outputs).map(|s| s.id()).collect();
        Ok(Key { procedure, surfaces, statistics })
    }

    /// The binding that is kept for these surfaces; made and mapped if there is none.
    fn kept(&self, key: &Key, inputs: &[&Surface], outputs: &[&Surface]) -> Result<Arc<Binding>, Error> {
        self.bindings.get(key, || {
            let mut binding = self.bind(key.clone(), inputs, outputs)?;
            binding.map(self);
            Ok(binding)
        })
    }

    /// Makes a request for surfaces that fit.
    pub(crate) fn bind(&self, key: Key, inputs: &[&Surface], outputs: &[&Surface]) -> Result<Binding, Error> {
        let procedure = &self.procedures[key.procedure];
        let measured = key.statistics.then(|| Surface::new(STATISTICS_BYTES)).transpose()?;
        let request = guarded(Stage::Request, || new_request(procedure, inputs, outputs, measured.as_ref()))?;
        if self.framework.has("_ANERequest", &["validate"]) {
            guarded(Stage::Request, || {
                // SAFETY: the object is a request; the preflight has found the method.
                match unsafe { request::validate(&request) }.as_bool() {
                    true => Ok(()),
                    false => Err(Error::Failed { stage: Stage::Request, error: None }),
                }
            })?;
        }
        Ok(Binding::new(key, request, measured))
    }

    /// Sends a request on a path that can be taken. Belongs into a guard.
    pub(crate) fn send(&self, binding: &Binding, path: Path) -> Result<(), Error> {
        let options = options_dictionary(binding.statistics.is_some());
        let (request, qos) = (&*binding.request, self.options.qos.value());
        let client = || Some((self.framework.client()?, self.inner.as_ref()?));
        outcome(Stage::Evaluate, |error| {
            // SAFETY: in this block: the in-memory model, or the client with its own kind of model, never the in-memory one; a
            // request for it; the options are a dictionary. The preflight has found the methods: `can` was asked.
            unsafe {
                match (path, client()) {
                    (Path::Client, Some((client, inner))) => {
                        client::evaluate(client, inner, &options, request, qos, error)
                    }
                    (Path::Direct, Some((client, inner))) => {
                        client::evaluate_direct(client, inner, &options, request, qos, error)
                    }
                    (Path::RealTime, Some((client, inner))) => {
                        client::evaluate_real_time(client, inner, &options, request, error)
                    }
                    (Path::InMemory, _) | (_, None) => model::evaluate(&self.object, qos, &options, request, error),
                }
            }
        })
    }
}

fn check(side: &str, ports: &[Port], surfaces: &[&Surface]) -> Result<(), Error> {
    if ports.len() != surfaces.len() {
        let message = format!("the procedure has {} {side}s, {} given", ports.len(), surfaces.len());
        return Err(Error::Binding(message));
    }
    match ports.iter().zip(surfaces).find(|(port, surface)| surface.bytes() < port.layout.bytes()) {
        None => Ok(()),
        Some((port, surface)) => {
            let (name, wanted, given) = (&port.name, port.layout.bytes(), surface.bytes());
            Err(Error::Binding(format!("{side} `{name}` takes {wanted} bytes, the surface given has {given}")))
        }
    }
}

/// Makes a request. Belongs into a guard.
fn new_request(
    procedure: &Procedure,
    inputs: &[&Surface],
    outputs: &[&Surface],
    measured: Option<&Surface>,
) -> Result<Object, Error> {
    let objects = |surfaces: &[&Surface]| -> Result<Retained<NSArray>, Error> {
        let objects = surfaces.iter().map(|s| surface_object(s)).collect::<Result<Vec<_>, _>>()?;
        Ok(NSArray::from_retained_slice(&objects))
    };
    let indices = |ports: &[Port]| -> Retained<NSArray> {
        let index = |p: &Port| Retained::<AnyObject>::from(NSNumber::new_usize(p.symbol));
        NSArray::from_retained_slice(&ports.iter().map(index).collect::<Vec<_>>())
    };
    let measured = measured.map(statistics_array).transpose()?;
    let (inputs, outputs) = (objects(inputs)?, objects(outputs)?);
    // SAFETY: the receiver is the class; arrays of surface objects and of numbers, statistics or nil, and a number are what the
    // method wants; the preflight has found it.
    let request = unsafe {
        request::new(
            request::class()?,
            &inputs,
            &indices(&procedure.inputs),
            &outputs,
            &indices(&procedure.outputs),
            None,
            measured.as_deref(),
            &NSNumber::new_usize(procedure.id),
        )
    };
    // SAFETY: the result is nil, or an object that lives until the pool is emptied.
    unsafe { taken(request, Stage::Request, "requestWithInputs:…") }.map(Object::new)
}

fn surface_object(surface: &Surface) -> Result<Retained<AnyObject>, Error> {
    // SAFETY: the receiver is the class, the argument a surface that is alive; the preflight has found the method.
    unsafe {
        let object = surface_object::new(surface_object::class()?, surface.as_ptr());
        taken(object, Stage::Request, "objectWithIOSurface:")
    }
}

fn statistics_array(surface: &Surface) -> Result<Retained<NSArray>, Error> {
    let object = surface_object(surface)?;
    // SAFETY: the receiver is the class, the argument a surface object; `can_measure` was asked for the method.
    let statistics = unsafe {
        let object = statistics_surface::new(statistics_surface::class()?, &object, HARDWARE_COUNTERS);
        taken(object, Stage::Request, "objectWithIOSurface:statType:")?
    };
    Ok(NSArray::from_retained_slice(&[statistics]))
}

/// What the last run of a request has measured.
fn hardware_time(binding: &Binding) -> Result<Option<Duration>, Error> {
    let Some(surface) = &binding.statistics else { return Ok(None) };
    // Where the driver keeps the counters to itself nothing is written, and the framework's reader of such a surface has been
    // seen to crash (ane-bridge-rs).
    if surface.read()?.iter().all(|b| *b == 0) {
        return Ok(None);
    }
    guarded(Stage::Evaluate, || {
        // SAFETY: the object is a request; its statistics are nil or alive until the pool is emptied; `can_measure` was
        // asked for both methods.
        let nanoseconds = unsafe {
            let measured = request::statistics(&binding.request).as_ref();
            measured.map(|m| statistics::hardware_execution_time(m))
        };
        Ok(nanoseconds.filter(|ns| *ns > 0).map(Duration::from_nanos))
    })
}

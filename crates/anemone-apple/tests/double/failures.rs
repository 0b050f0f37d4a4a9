//! Every message that can fail, in every way it can.

use crate::bed::{Bed, bed, left_behind, ns_error, surface};
use crate::double::{self, CODE, DOMAIN, How, TEXT};
use crate::programs;
use anemone_apple::{Error, Model, Options, Path, Stage, Surface};

/// Whether an error is what a message's failure becomes: of this stage, with what the double was told to say.
fn assert_is(error: &Error, stage: Stage, how: How, returns_bool: bool) {
    assert_eq!(error.stage(), Some(stage), "{error}");
    match (how, error) {
        (How::Exception, Error::Exception { name, reason, .. }) => assert_eq!((&**name, &**reason), (DOMAIN, TEXT)),
        (How::Object, Error::Exception { reason, .. }) => assert!(reason.contains("no NSException"), "{error}"),
        (How::Error, Error::Failed { error: Some(ns), .. }) if returns_bool => {
            assert_eq!((&*ns.domain, ns.code, &*ns.description), (DOMAIN, CODE, TEXT));
        }
        (How::Nil, Error::Failed { error: None, .. }) if returns_bool => {}
        (How::Nil | How::Error, Error::Nothing { .. }) if !returns_bool => {}
        _ => panic!("{how:?} became {error:?}"),
    }
    // What is said names the step and, if there is one, the reason.
    let text = error.to_string();
    assert!(text.contains(stage.name()), "{text}");
    assert_eq!(text.contains(TEXT), matches!(error, Error::Failed { error: Some(_), .. }) || how == How::Exception);
}

/// Messages on the way to a loaded program whose failure ends it, and whether they return BOOL.
const LOADING: &[(&str, Stage, bool)] = &[
    ("modelWithMILText:weights:optionsPlist:", Stage::Descriptor, false),
    ("inMemoryModelWithDescriptor:", Stage::Model, false),
    ("hexStringIdentifier", Stage::Model, false),
    ("compileWithQoS:options:error:", Stage::Compile, true),
    ("loadWithQoS:options:error:", Stage::Load, true),
    ("modelAttributes", Stage::Attributes, false),
];

#[test]
fn loading_fails_as_its_step_says_and_leaves_nothing() {
    for (selector, stage, returns_bool) in LOADING {
        for how in How::ALL {
            let bed = bed();
            double::fail_next(selector, how);
            let text = programs::difference(&[1, 3]);
            let error = bed.try_load(&text, Options::default()).unwrap_err();
            // Descriptors and models are made in one step.
            let stage = if *stage == Stage::Model && matches!(how, How::Exception | How::Object) {
                Stage::Descriptor
            } else {
                *stage
            };
            assert_is(&error, stage, how, *returns_bool);
            assert_eq!(left_behind(), [""; 0], "{selector} {how:?}");
            assert_eq!(double::live_of("_ANEInMemoryModel"), 0, "{selector} {how:?}");
            // The next one is not harmed.
            bed.load(&text);
        }
    }
}

#[test]
fn what_has_no_answer_to_give_may_throw() {
    // These cannot fail otherwise: NO, and nil, are answers of theirs.
    for (selector, stage) in [("compiledModelExists", Stage::Compile), ("model", Stage::Load)] {
        for how in [How::Exception, How::Object] {
            let bed = bed();
            double::fail_next(selector, how);
            let text = programs::difference(&[1, 3]);
            assert_is(&bed.try_load(&text, Options::default()).unwrap_err(), stage, how, false);
        }
    }
    let bed = bed();
    double::fail_next("model", How::Nil);
    let model = bed.load(&programs::difference(&[1, 3]));
    assert!(!model.can(Path::Client), "no inner model, no client");
    for how in [How::Exception, How::Object] {
        double::fail_next("purgeCompiledModel", how);
        assert_is(&model.purge().unwrap_err(), Stage::Compile, how, false);
    }
}

struct Runnable {
    model: Model,
    surfaces: [Surface; 3],
}

impl Runnable {
    fn new(bed: &Bed) -> Runnable {
        let model = bed.load(&programs::difference(&[1, 3]));
        let ports = &model.procedures()[0];
        let surfaces = [&ports.inputs[0], &ports.inputs[1], &ports.outputs[0]].map(|port| surface(port, 0));
        Runnable { model, surfaces }
    }

    fn run(&self, path: Path) -> Result<(), Error> {
        let [a, x, y] = &self.surfaces;
        self.model.evaluate(0, &[a, x], &[y], path).map(drop)
    }

    /// As [`Runnable::run`], with the request that is kept, on the direct path.
    fn run_kept(&self) -> Result<bool, Error> {
        let [a, x, y] = &self.surfaces;
        self.model.evaluate_kept(0, &[a, x], &[y], Path::Direct).map(|evaluated| evaluated.mapped)
    }
}

#[test]
fn running_fails_as_its_path_says() {
    let bed = bed();
    let it = Runnable::new(&bed);
    let selectors = [
        "evaluateWithQoS:options:request:error:",
        "evaluateWithModel:options:request:qos:error:",
        "doEvaluateDirectWithModel:options:request:qos:error:",
        "evaluateRealTimeWithModel:options:request:error:",
    ];
    for (path, selector) in Path::ALL.into_iter().zip(selectors) {
        for how in How::ALL {
            double::fail_next(selector, how);
            assert_is(&it.run(path).unwrap_err(), Stage::Evaluate, how, true);
            it.run(path).unwrap();
        }
        assert_eq!(double::calls(selector), 8, "each path sends its own message");
    }
    // A failing client reports the failure under the model's UUID. The in-memory model has none, and would throw.
    assert_eq!(double::calls("getUUID"), 3 * 2);
}

#[test]
fn making_a_request_fails_as_its_step_says() {
    let bed = bed();
    let it = Runnable::new(&bed);
    let request = "requestWithInputs:inputIndices:outputs:outputIndices:weightsBuffer:perfStats:procedureIndex:";
    for (selector, returns_bool) in [("objectWithIOSurface:", false), (request, false), ("validate", true)] {
        for how in How::ALL {
            // `validate` has no place for an error.
            let how = if selector == "validate" && how == How::Error { How::Nil } else { how };
            double::fail_next(selector, how);
            assert_is(&it.run(Path::InMemory).unwrap_err(), Stage::Request, how, returns_bool);
            it.run(Path::InMemory).unwrap();
        }
    }
}

#[test]
fn surfaces_that_cannot_be_mapped_are_no_failure() {
    let bed = bed();
    for how in How::ALL {
        let it = Runnable::new(&bed);
        double::fail_next("mapIOSurfacesWithModel:request:cacheInference:error:", how);
        assert!(!it.run_kept().unwrap(), "{how:?}");
        assert_eq!(double::get("mapped"), 0);
        drop(it);
        assert!(Runnable::new(&bed).run_kept().unwrap(), "{how:?}");
    }
}

#[test]
fn unloading_that_fails_ends_quietly() {
    for how in How::ALL {
        let mut bed = bed();
        let it = Runnable::new(&bed);
        it.run(Path::Client).unwrap();
        double::fail_next("unloadWithQoS:error:", how);
        drop(it);
        // The double notes that the program was let go of while it was loaded; no more can be done.
        bed.faults = 1;
    }
}

#[test]
fn errors_below_an_error_are_read() {
    let bed = bed();
    double::fail_next("compileWithQoS:options:error:", How::Error);
    double::underlying("middle", 2, "because of this");
    double::underlying("bottom", 3, "and that");
    let error = bed.try_load(&programs::difference(&[1, 3]), Options::default()).unwrap_err();
    let ns = ns_error(&error);
    let [middle] = &*ns.underlying else { panic!("{error}") };
    let [bottom] = &*middle.underlying else { panic!("{error}") };
    assert_eq!((&*middle.domain, middle.code, &*middle.description), ("middle", 2, "because of this"));
    assert_eq!((&*bottom.domain, bottom.code, bottom.underlying.len()), ("bottom", 3, 0));
    let text = error.to_string();
    assert!(text.contains("because of this") && text.contains("and that"), "{text}");
}

#[test]
fn a_machine_that_cannot_be_asked_is_an_error() {
    let bed = bed();
    for how in [How::Exception, How::Object] {
        double::fail_next("hasANE", how);
        assert_is(&bed.framework.device().unwrap_err(), Stage::Device, how, false);
    }
    double::fail_next("aneArchitectureType", How::Nil);
    assert_eq!(bed.framework.device().unwrap().architecture, None);
}

#[test]
fn the_machine_is_as_the_system_says() {
    let bed = bed();
    let device = bed.framework.device().unwrap();
    assert_eq!((device.has_ane, device.architecture.as_deref(), device.cores), (Some(true), Some("h16g"), Some(16)));
    assert_eq!((device.engines, device.board, device.is_virtual_machine), (Some(1), Some(272), Some(false)));
    for (name, value) in [("has_ane", 0), ("virtual_machine", 1), ("engines", 2), ("cores", 32)] {
        double::set(name, value);
    }
    double::set_text("architecture", "h13g");
    let device = bed.framework.device().unwrap();
    assert_eq!((device.has_ane, device.architecture.as_deref(), device.cores), (Some(false), Some("h13g"), Some(32)));
    assert_eq!((device.engines, device.is_virtual_machine), (Some(2), Some(true)));
}

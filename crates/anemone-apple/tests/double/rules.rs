//! What the double itself does when it is used as it should not be: it must not be kinder than the framework.

use crate::bed::{bed, both, child, root, soon};
use crate::double;
use crate::programs;
use anemone_apple::{Framework, staging::Staging};
use block2::RcBlock;
use objc2::encode::{Encoding, RefEncode};
use objc2::exception;
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{AnyClass, AnyObject, Bool};
use objc2::{msg_send, sel};
use objc2_foundation::{NSArray, NSData, NSDictionary, NSError, NSNumber, NSString};
use std::ffi::c_void;
use std::panic::AssertUnwindSafe;

#[repr(C)]
struct IOSurface {
    _private: [u8; 0],
}

// SAFETY: as the double's methods declare it.
unsafe impl RefEncode for IOSurface {
    const ENCODING_REF: Encoding = Encoding::Pointer(&Encoding::Struct("__IOSurface", &[]));
}

unsafe extern "C" {
    fn IOSurfaceCreate(properties: *const c_void) -> *mut IOSurface;
    fn IOSurfaceLock(surface: *mut IOSurface, options: u32, seed: *mut u32) -> i32;
    fn IOSurfaceUnlock(surface: *mut IOSurface, options: u32, seed: *mut u32) -> i32;
    fn IOSurfaceGetBaseAddress(surface: *mut IOSurface) -> *mut c_void;
    fn CFRelease(object: *const c_void);
}

type Object = Retained<AnyObject>;
type Outcome = Result<(), Retained<NSError>>;

fn class(name: &std::ffi::CStr) -> &'static AnyClass {
    AnyClass::get(name).unwrap()
}

fn iosurface(bytes: usize) -> *mut IOSurface {
    let keys =
        ["Width", "Height", "BytesPerElement", "BytesPerRow"].map(|k| NSString::from_str(&format!("IOSurface{k}")));
    let values = [bytes, 1, 1, bytes].map(NSNumber::new_usize);
    let properties = NSDictionary::from_slices(&keys.each_ref().map(|k| &**k), &values.each_ref().map(|v| &**v));
    // SAFETY: a dictionary.
    let surface = unsafe { IOSurfaceCreate(Retained::as_ptr(&properties).cast()) };
    assert!(!surface.is_null());
    surface
}

fn empty() -> Retained<NSDictionary> {
    NSDictionary::new()
}

fn descriptor(text: &AnyObject, weights: Option<&NSDictionary>) -> Option<Object> {
    let class = class(c"_ANEInMemoryModelDescriptor");
    // SAFETY: the double bears whatever objects these are; that is what is tested.
    unsafe { msg_send![class, modelWithMILText: text, weights: weights, optionsPlist: None::<&NSData>] }
}

/// A model that is neither staged nor compiled.
fn model(text: &str) -> Object {
    model_with(text, &empty())
}

fn model_with(text: &str, weights: &NSDictionary) -> Object {
    let descriptor = descriptor(&NSData::with_bytes(text.as_bytes()), Some(weights)).unwrap();
    // SAFETY: a descriptor.
    let model: Option<Object> =
        unsafe { msg_send![class(c"_ANEInMemoryModel"), inMemoryModelWithDescriptor: &*descriptor] };
    model.unwrap()
}

fn compile(model: &AnyObject) -> Outcome {
    // SAFETY: the object is a model.
    unsafe { msg_send![model, compileWithQoS: 21_u32, options: &*empty(), error: _] }
}

fn load(model: &AnyObject, mask: Option<u32>) -> Outcome {
    let key = NSString::from_str("kANEFPerformanceStatsMask");
    let options = mask.map(|mask| NSDictionary::from_slices(&[&*key], &[&*NSNumber::new_u32(mask)]));
    let options = options.map_or(empty(), |options| {
        // SAFETY: the types of the keys and values are only for Rust.
        unsafe { Retained::cast_unchecked(options) }
    });
    // SAFETY: the object is a model.
    unsafe { msg_send![model, loadWithQoS: 21_u32, options: &*options, error: _] }
}

fn evaluate(model: &AnyObject, request: &AnyObject) -> Outcome {
    // SAFETY: a model and a request.
    unsafe { msg_send![model, evaluateWithQoS: 21_u32, options: &*empty(), request: request, error: _] }
}

fn unload(model: &AnyObject) -> Outcome {
    // SAFETY: the object is a model.
    unsafe { msg_send![model, unloadWithQoS: 21_u32, error: _] }
}

/// A compiled and loaded model.
fn loaded(text: &str) -> Object {
    let model = model(text);
    // SAFETY: the object is a model.
    let hex: Retained<NSString> = unsafe { msg_send![&*model, hexStringIdentifier] };
    let staging = Staging::claim(&root(), &hex.to_string()).unwrap();
    staging.write::<&str, &[u8]>(text.as_bytes(), &[]).unwrap();
    compile(&model).unwrap();
    load(&model, None).unwrap();
    model
}

/// Surfaces and the numbers of the symbols that they are for.
type Bound<'a> = &'a [(*mut IOSurface, usize)];

fn request(inputs: Bound<'_>, outputs: Bound<'_>, statistics: Option<&NSArray>) -> Option<Object> {
    let surface = |(surface, _): &(*mut IOSurface, usize)| -> Object {
        // SAFETY: a surface that is alive.
        let object: Option<Object> = unsafe { msg_send![class(c"_ANEIOSurfaceObject"), objectWithIOSurface: *surface] };
        object.unwrap()
    };
    let surfaces = |bound: Bound<'_>| NSArray::from_retained_slice(&bound.iter().map(surface).collect::<Vec<_>>());
    let indices = |bound: Bound<'_>| {
        NSArray::from_retained_slice(&bound.iter().map(|(_, index)| NSNumber::new_usize(*index)).collect::<Vec<_>>())
    };
    // SAFETY: arrays of what the method wants.
    unsafe {
        msg_send![
            class(c"_ANERequest"),
            requestWithInputs: &*surfaces(inputs),
            inputIndices: &*indices(inputs),
            outputs: &*surfaces(outputs),
            outputIndices: &*indices(outputs),
            weightsBuffer: None::<&AnyObject>,
            perfStats: statistics,
            procedureIndex: &*NSNumber::new_usize(0),
        ]
    }
}

/// The reason of what is thrown.
fn thrown<R: std::fmt::Debug>(body: impl FnOnce() -> R) -> String {
    let exception = exception::catch(AssertUnwindSafe(body)).expect_err("nothing was thrown").expect("nil was thrown");
    // SAFETY: the double throws exceptions, which have a name and a reason.
    let (name, reason): (Retained<NSString>, Retained<NSString>) =
        unsafe { (msg_send![&*exception, name], msg_send![&*exception, reason]) };
    assert_eq!(name.to_string(), "NSInvalidArgumentException");
    reason.to_string()
}

/// An error's code, and what it says.
fn code(outcome: Outcome) -> (isize, String) {
    let error = outcome.expect_err("it did not fail");
    assert_eq!(error.domain().to_string(), "com.apple.appleneuralengine");
    let reason = error.localizedFailureReason().map(|r| r.to_string()).unwrap_or_default();
    (error.code(), format!("{}: {reason}", error.localizedDescription()))
}

/// Runs a test with the double to itself, in a pool.
fn with_double(body: impl FnOnce()) {
    let _bed = bed();
    autoreleasepool(|_| body());
}

#[test]
fn arguments_are_never_nil_and_texts_are_data() {
    with_double(|| {
        let data = NSData::with_bytes(b"x");
        assert!(descriptor(&data, None).is_none(), "weights are not nil");
        let inner: Retained<NSDictionary> = empty();
        let outer = NSDictionary::from_slices(&[&*NSString::from_str("@model_path/w.bin")], &[&*inner]);
        // SAFETY: the types of the keys and values are only for Rust.
        let outer: Retained<NSDictionary> = unsafe { Retained::cast_unchecked(outer) };
        assert!(descriptor(&data, Some(&outer)).is_none(), "an inner dictionary is not empty");
        let text = NSString::from_str("program(1.3) {}");
        assert!(thrown(|| descriptor(&text, Some(&empty()))).contains("no NSData"));
        let model = model("x");
        let nil = None::<&NSDictionary>;
        // SAFETY: the object is a model; options that are nil are what is tested.
        let compiled = || -> Outcome { unsafe { msg_send![&*model, compileWithQoS: 21_u32, options: nil, error: _] } };
        assert!(thrown(compiled).contains("nil"));
        // SAFETY: as above.
        let loaded = || -> Outcome { unsafe { msg_send![&*model, loadWithQoS: 21_u32, options: nil, error: _] } };
        assert!(thrown(loaded).contains("nil"));
    });
}

#[test]
fn the_order_of_a_life_is_kept() {
    with_double(|| {
        let text = programs::difference(&[1, 3]);
        let model = model(&text);
        let surfaces = [iosurface(64), iosurface(64), iosurface(64)];
        let request = request(&[(surfaces[0], 0), (surfaces[1], 1)], &[(surfaces[2], 0)], None).unwrap();
        assert_eq!(code(load(&model, None)).0, 6, "not compiled");
        assert_eq!(code(evaluate(&model, &request)).0, 8, "not loaded");
        assert_eq!(code(unload(&model)).0, 23, "not loaded");
        let (number, text_of) = code(compile(&model));
        assert!(number == 9 && text_of.contains("no folder"), "not staged: {number} {text_of}");
        let model = loaded(&text);
        // SAFETY: the object is a model.
        let (state, depth): (u64, i8) = unsafe { (msg_send![&*model, state], msg_send![&*model, queueDepth]) };
        assert_eq!((state, depth), (3, 127));
        evaluate(&model, &request).unwrap();
        // The folder of the files goes with the program, whoever has made it.
        // SAFETY: the object is a model.
        let hex: Retained<NSString> = unsafe { msg_send![&*model, hexStringIdentifier] };
        let folder = root().join(hex.to_string());
        std::fs::create_dir(&folder).unwrap();
        unload(&model).unwrap();
        assert!(!folder.exists());
        assert_eq!(code(unload(&model)).0, 23, "unloaded twice");
        assert_eq!(code(evaluate(&model, &request)).0, 8, "unloaded");
        // SAFETY: each has one reference left, which is ours; the request has its own.
        surfaces.iter().for_each(|s| unsafe { CFRelease(s.cast()) });
    });
}

#[test]
fn staged_files_are_compared_with_what_was_handed_over() {
    with_double(|| {
        let model = model("program(1.3) {}");
        // SAFETY: the object is a model.
        let hex: Retained<NSString> = unsafe { msg_send![&*model, hexStringIdentifier] };
        let staging = Staging::claim(&root(), &hex.to_string()).unwrap();
        staging.write::<&str, &[u8]>(b"program(1.3) { }", &[]).unwrap();
        let (number, text) = code(compile(&model));
        assert!(number == 9 && text.contains("model.mil is not what was handed over"), "{text}");
        std::fs::remove_file(staging.folder().join("model.mil")).unwrap();
        let (number, text) = code(compile(&model));
        assert!(number == 9 && text.contains("model.mil cannot be read"), "{text}");
        drop(staging);

        let inner = NSDictionary::from_slices(&[&*NSString::from_str("data")], &[&*NSData::with_bytes(b"1")]);
        let outer = NSDictionary::from_slices(&[&*NSString::from_str("@model_path/weights/w.bin")], &[&*inner]);
        // SAFETY: the types of the keys and values are only for Rust.
        let outer: Retained<NSDictionary> = unsafe { Retained::cast_unchecked(outer) };
        let model = model_with("program(1.3) {}", &outer);
        // SAFETY: the object is a model.
        let hex: Retained<NSString> = unsafe { msg_send![&*model, hexStringIdentifier] };
        let staging = Staging::claim(&root(), &hex.to_string()).unwrap();
        staging.write::<&str, &[u8]>(b"program(1.3) {}", &[]).unwrap();
        let (number, text) = code(compile(&model));
        assert!(number == 9 && text.contains("weights/w.bin cannot be read"), "{text}");
        // What the framework writes by itself: the text again, and the weights under the name of their key.
        assert_eq!(std::fs::read(staging.folder().join("net.plist")).unwrap(), b"program(1.3) {}");
        assert_eq!(std::fs::read(staging.folder().join("data")).unwrap(), b"1");
    });
}

#[test]
fn a_run_wants_every_port_once_and_large_enough() {
    with_double(|| {
        let model = loaded(&programs::difference(&[1, 5_000]));
        let [a, x, y, small] = [32_768, 32_768, 32_768, 64].map(iosurface);
        let refused = |inputs: Bound<'_>, outputs: Bound<'_>| {
            let (number, text) = code(evaluate(&model, &request(inputs, outputs, None).unwrap()));
            assert!(number == 8 && text.contains("status=0x1d"), "{number} {text}");
            text
        };
        assert!(refused(&[(a, 0)], &[(y, 0)]).contains("1 inputs are bound, the procedure has 2"));
        assert!(refused(&[(a, 0), (x, 2)], &[(y, 0)]).contains("symbol 2 is no input"));
        assert!(refused(&[(a, 0), (x, 0)], &[(y, 0)]).contains("input a is bound twice"));
        assert!(refused(&[(a, 0), (small, 1)], &[(y, 0)]).contains("input x takes 20032 bytes"));
        assert!(refused(&[(a, 0), (x, 1)], &[(small, 0)]).contains("output y takes 20032 bytes"));
        assert!(refused(&[(a, 0), (x, 1)], &[(x, 0)]).contains("the surface of output y is in use"));
        assert!(refused(&[], &[(y, 0)]).contains("not valid"));
        // SAFETY: a surface, locked and unlocked alike.
        unsafe { IOSurfaceLock(y, 1, std::ptr::null_mut()) };
        assert!(refused(&[(a, 0), (x, 1)], &[(y, 0)]).contains("the surface of output y is in use"));
        // SAFETY: as above.
        unsafe { IOSurfaceUnlock(y, 1, std::ptr::null_mut()) };
        // In another order, by symbol.
        evaluate(&model, &request(&[(x, 1), (a, 0)], &[(y, 0)], None).unwrap()).unwrap();
        unload(&model).unwrap();
        // SAFETY: each has one reference, which is ours; requests are freed with the pool and have their own.
        [a, x, y, small].iter().for_each(|s| unsafe { CFRelease(s.cast()) });
    });
}

#[test]
fn a_failing_client_asks_the_model_for_its_uuid() {
    with_double(|| {
        let model = loaded(&programs::difference(&[1, 3]));
        // SAFETY: a class method that gives the one client, and one that gives the inner model.
        let (client, inner): (Object, Object) =
            unsafe { (msg_send![class(c"_ANEClient"), sharedConnection], msg_send![&*model, model]) };
        let surface = iosurface(64);
        let request = request(&[(surface, 0)], &[(surface, 0)], None).unwrap();
        let run = |model: &AnyObject| -> Outcome {
            // SAFETY: the client, a model of one kind or the other, a request.
            unsafe {
                msg_send![&*client, evaluateWithModel: model, options: &*empty(), request: &*request, qos: 21_u32, error: _]
            }
        };
        assert_eq!(code(run(&inner)).0, 8);
        assert!(thrown(|| run(&model)).contains("getUUID"), "the in-memory model has none");
        assert!(!model.class().responds_to(sel!(getUUID)) && inner.class().responds_to(sel!(getUUID)));
        unload(&model).unwrap();
        // SAFETY: one reference is ours.
        unsafe { CFRelease(surface.cast()) };
    });
}

/// Starts a run of `difference` that takes a while, with a handler that does nothing; the request and its surfaces.
fn start(model: &AnyObject) -> (Object, [*mut IOSurface; 3]) {
    let surfaces = [iosurface(64), iosurface(64), iosurface(64)];
    let request = request(&[(surfaces[0], 0), (surfaces[1], 1)], &[(surfaces[2], 0)], None).unwrap();
    let handler = RcBlock::new(|_: Bool, _: *mut NSError| {});
    // SAFETY: a request, which copies the block.
    unsafe { msg_send![&*request, setCompletionHandler: &*handler] }
    double::set("completion_delay", 50);
    evaluate(model, &request).unwrap();
    (request, surfaces)
}

#[test]
fn what_a_run_needs_is_not_let_go_of_before_it_is_done() {
    let mut bed = bed();
    autoreleasepool(|_| {
        let model = loaded(&programs::difference(&[1, 3]));
        let done = || soon(|| double::get("in_flight") == 0);
        // In a pool of its own, so that nothing else keeps the request.
        let begin = || autoreleasepool(|_| start(&model));
        let (request, first) = begin();
        drop(request);
        assert!(done() && soon(|| double::get("faults") == 1), "the request");
        let (request, second) = begin();
        unload(&model).unwrap();
        assert_eq!(double::get("faults"), 2, "the program");
        assert!(done());
        drop(request);
        // What the run's own thread still holds goes a little later.
        assert!(soon(|| double::live_of("_ANERequest") == 0));
        for surface in first.into_iter().chain(second) {
            // SAFETY: one reference is ours.
            unsafe { CFRelease(surface.cast()) };
        }
    });
    bed.faults = 2;
}

#[test]
fn measuring_what_was_not_loaded_for_it_throws() {
    with_double(|| {
        let model = loaded(&programs::difference(&[1, 3]));
        let surface = iosurface(4096);
        // SAFETY: a surface that is alive, then its object.
        let statistics: Object = unsafe {
            let object: Object = msg_send![class(c"_ANEIOSurfaceObject"), objectWithIOSurface: surface];
            msg_send![class(c"_ANEPerformanceStatsIOSurface"), objectWithIOSurface: &*object, statType: 2_i64]
        };
        let statistics = NSArray::from_retained_slice(&[statistics]);
        let run =
            |model: &AnyObject| evaluate(model, &request(&[(surface, 0)], &[(surface, 0)], Some(&statistics)).unwrap());
        assert_eq!(thrown(|| run(&model)), "ProgramCreate stats buffer size:0");
        unload(&model).unwrap();
        load(&model, Some(15)).unwrap();
        assert_eq!(code(run(&model)).0, 8, "now it is only the surfaces that are wrong");
        // Two of a kind, and what is no surface for statistics.
        let two = NSArray::from_retained_slice(&[statistics.objectAtIndex(0), statistics.objectAtIndex(0)]);
        let other = NSArray::from_retained_slice(&[Object::from(NSNumber::new_u32(1))]);
        for array in [two, other] {
            let request = request(&[(surface, 0)], &[(surface, 0)], Some(&array)).unwrap();
            // SAFETY: the object is a request.
            let valid: Bool = unsafe { msg_send![&*request, validate] };
            assert!(!valid.as_bool());
        }
        unload(&model).unwrap();
        // SAFETY: one reference is ours.
        unsafe { CFRelease(surface.cast()) };
    });
}

#[test]
fn what_nobody_calls_yet_answers_as_it_is_known_to() {
    with_double(|| {
        let mapper = class(c"_ANEQoSMapper");
        for (qos, queue) in [(0_u32, 2_i32), (33, 3), (25, 4), (21, 5), (17, 5), (9, 6), (u32::MAX, 5)] {
            // SAFETY: class methods of these types.
            let (priority, index): (i32, u64) =
                unsafe { (msg_send![mapper, programPriorityForQoS: qos], msg_send![mapper, queueIndexForQoS: qos]) };
            assert_eq!((priority, index), (queue, queue as u64), "{qos}");
        }
        // SAFETY: a class method, then methods of what it gives.
        let (bytes, named): (Retained<NSData>, Retained<NSDictionary<NSString, NSNumber>>) = unsafe {
            let statistics: Object = msg_send![class(c"_ANEPerformanceStats"), statsWithHardwareExecutionNS: 5_u64];
            (msg_send![&*statistics, perfCounterData], msg_send![&*statistics, performanceCounters])
        };
        assert_eq!((bytes.len(), named.len()), (232, 24));
        // SAFETY: class methods that give nil, and client methods of these types.
        unsafe {
            let new: Option<Object> = msg_send![class(c"_ANERequest"), new];
            let client: Object = msg_send![class(c"_ANEClient"), sharedConnection];
            let (begun, ended): (Bool, Bool) =
                (msg_send![&*client, beginRealTimeTask], msg_send![&*client, endRealTimeTask]);
            assert!(new.is_none() && !begun.as_bool() && !ended.as_bool());
        }
    });
}

/// Misuse of surfaces that ends the process, and what it says then.
const MISUSE: &[(&str, &str)] = &[
    ("unlocked", "base address of surface 1 is asked for while it is not locked"),
    ("unlock", "surface 1 is unlocked as it is not locked"),
    ("otherwise", "surface 1 is unlocked as it is not locked"),
    ("twice", "CFRelease of what is no surface, or no longer"),
    ("in_use", "surface 1 is freed in use"),
];

#[test]
fn misused_surfaces_end_the_process() {
    for (kind, message) in MISUSE {
        let output = child("rules::misuse", &[("ANEMONE_MISUSE", kind)]);
        let text = both(&output);
        assert!(
            !output.status.success() && text.contains(&format!("IOSurface double: {message}"))
                || text.contains(&format!("IOSurface double: the {message}")),
            "{kind}: {text}"
        );
    }
}

#[test]
#[ignore = "run in a process of its own, which it ends"]
fn misuse() {
    Framework::get().unwrap();
    let surface = autoreleasepool(|_| iosurface(64));
    let nothing = std::ptr::null_mut();
    // SAFETY: the double ends the process before anything is done.
    unsafe {
        match &*std::env::var("ANEMONE_MISUSE").unwrap() {
            "unlocked" => drop(IOSurfaceGetBaseAddress(surface)),
            "unlock" => drop(IOSurfaceUnlock(surface, 0, nothing)),
            "otherwise" => {
                IOSurfaceLock(surface, 1, nothing);
                IOSurfaceUnlock(surface, 0, nothing);
            }
            "twice" => {
                CFRelease(surface.cast());
                CFRelease(surface.cast());
            }
            "in_use" => {
                IOSurfaceLock(surface, 0, nothing);
                CFRelease(surface.cast());
            }
            other => panic!("{other}"),
        }
    }
    panic!("the process goes on");
}

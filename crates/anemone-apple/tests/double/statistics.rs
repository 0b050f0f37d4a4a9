//! Measuring the time on the hardware.

use crate::bed::{bed, surface};
use crate::double::{self, How};
use crate::programs;
use anemone_apple::{Error, Model, Options};

fn options() -> Options {
    let mut options = Options::default();
    options.statistics = true;
    options
}

/// The time on the hardware, in nanoseconds.
fn measure(model: &Model) -> Result<Option<u128>, Error> {
    let ports = &model.procedures()[0];
    let (a, x, y) = (surface(&ports.inputs[0], 0), surface(&ports.inputs[1], 0), surface(&ports.outputs[0], 0));
    let evaluated = model.evaluate_with_statistics(0, &[&a, &x], &[&y])?;
    Ok(evaluated.hardware.map(|time| time.as_nanos()))
}

#[test]
fn a_closed_gate_gives_nothing_and_an_open_one_the_time() {
    let bed = bed();
    let model = bed.try_load(&programs::difference(&[1, 3]), options()).unwrap();
    assert_eq!(double::get("load_mask"), 15);
    assert_eq!(measure(&model).unwrap(), None, "counters of a stock system are 0, which is no time");
    assert_eq!(double::get("evaluate_mask"), 15);
    double::set("gate", 1);
    assert!(measure(&model).unwrap().is_some_and(|ns| ns > 0));
    // Other runs of the same program are not measured.
    let ports = &model.procedures()[0];
    let (a, x, y) = (surface(&ports.inputs[0], 0), surface(&ports.inputs[1], 0), surface(&ports.outputs[0], 0));
    let path = anemone_apple::Path::InMemory;
    assert_eq!(model.evaluate(0, &[&a, &x], &[&y], path).unwrap().hardware, None);
    assert_eq!(double::get("evaluate_mask"), 0);
}

#[test]
fn a_program_that_was_not_loaded_for_it_is_not_measured() {
    let bed = bed();
    double::set("gate", 1);
    let model = bed.load(&programs::difference(&[1, 3]));
    assert_eq!(double::get("load_mask"), 0);
    // The framework would throw; see `rules`.
    assert!(matches!(measure(&model), Err(Error::Binding(_))));
    assert_eq!(double::calls("evaluateWithModel:options:request:qos:error:"), 0);
}

#[test]
fn what_cannot_be_measured_is_no_time() {
    let bed = bed();
    double::set("gate", 1);
    let model = bed.try_load(&programs::difference(&[1, 3]), options()).unwrap();
    double::fail_next("perfStats", How::Nil);
    assert_eq!(measure(&model).unwrap(), None);
    for how in [How::Exception, How::Object] {
        double::fail_next("perfStats", how);
        assert!(matches!(measure(&model), Err(Error::Exception { .. })));
    }
    double::fail_next("objectWithIOSurface:statType:", How::Nil);
    assert!(matches!(measure(&model), Err(Error::Nothing { .. })));
}

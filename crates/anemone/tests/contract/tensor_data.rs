//! `TensorData`: guards and locks, layout, rounding.

use anemone::{ErrorKind, LockedSlice, LockedSliceMut, Shape, TensorData};
use half::f16;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

const SMALL: Shape = Shape::channels(4);

#[test]
fn a_new_tensor_is_zeros_and_a_filled_one_its_data() {
    assert_eq!(*TensorData::new(SMALL).read_f32(), [0.0; 4]);
    let t = TensorData::with_f32(&[1.0, -2.0, 0.5, 0.0], SMALL);
    assert_eq!(t.shape(), SMALL);
    assert_eq!(*t.read_f32(), [1.0, -2.0, 0.5, 0.0]);
    assert_eq!(*t.as_f32_slice(), [1.0, -2.0, 0.5, 0.0]);
}

#[test]
fn the_order_is_batch_channel_height_width_whatever_the_row_stride() {
    for width in [1, 2, 31, 32, 33, 64, 65] {
        let shape = Shape { batch: 2, channels: 3, height: 2, width };
        let data: Vec<f32> = (0..shape.total_elements()).map(|i| i as f32).collect();
        let t = TensorData::with_f32(&data, shape);
        assert_eq!(*t.read_f32(), data);
        assert_eq!(t.row_stride() % 32, 0);
        let halves = t.as_f16();
        assert_eq!(halves.rows(), 12);
        for row in 0..12 {
            assert_eq!(halves.row(row).as_ptr() as usize % 64, 0, "width {width}");
            let expected: Vec<_> = data[row * width..][..width].iter().map(|x| f16::from_f32(*x)).collect();
            assert_eq!(halves.row(row), expected);
        }
        assert_eq!(halves.dense().is_some(), width % 32 == 0);
    }
}

#[test]
fn writes_reach_their_elements_and_no_others() {
    let shape = Shape { batch: 1, channels: 2, height: 2, width: 33 };
    let t = TensorData::new(shape);
    t.write_f32_at(33, 1.0);
    t.write_f32_sparse(&[0, 131, 65], &[2.0, 3.0, 4.0]);
    // Of two values for one place, the later stays.
    t.write_f32_sparse(&[5, 5], &[6.0, 7.0]);
    let mut expected = vec![0.0; 132];
    (expected[0], expected[5], expected[33], expected[65], expected[131]) = (2.0, 7.0, 1.0, 4.0, 3.0);
    assert_eq!(*t.read_f32(), expected);
    t.as_f16_mut().row(3)[0] = f16::from_f32(9.0);
    expected[99] = 9.0;
    assert_eq!(*t.read_f32(), expected);
    t.copy_from_f32(&vec![1.0; 132]);
    assert_eq!(*t.read_f32(), [1.0; 132]);
}

#[test]
fn a_write_guard_holds_the_contents_and_stores_them_when_dropped() {
    let t = TensorData::with_f32(&[1.0, 2.0, 3.0, 4.0], SMALL);
    {
        let mut guard: LockedSliceMut<'_> = t.as_f32_slice_mut();
        assert_eq!(*guard, [1.0, 2.0, 3.0, 4.0]);
        guard[1] = 0.1;
        assert_eq!(guard[1], 0.1, "rounded when stored, not before");
    }
    let slice: LockedSlice<'_> = t.as_f32_slice();
    assert_eq!(*slice, [1.0, f16::from_f32(0.1).to_f32(), 3.0, 4.0]);
}

/// The same for every way to lock for reading.
type Attempt = (&'static str, fn(&TensorData) -> Option<ErrorKind>);

const READS: &[Attempt] = &[
    ("as_f32_slice", |t| t.try_as_f32_slice().err().map(|e| e.kind())),
    ("as_f16", |t| t.try_as_f16().err().map(|e| e.kind())),
    ("read_f32", |t| t.try_read_f32().err().map(|e| e.kind())),
];

const WRITES: &[Attempt] = &[
    ("as_f32_slice_mut", |t| t.try_as_f32_slice_mut().err().map(|e| e.kind())),
    ("as_f16_mut", |t| t.try_as_f16_mut().err().map(|e| e.kind())),
    ("copy_from_f32", |t| t.try_copy_from_f32(&[9.0; 4]).err().map(|e| e.kind())),
    ("write_f32_sparse", |t| t.try_write_f32_sparse(&[0], &[9.0]).err().map(|e| e.kind())),
];

#[test]
fn there_are_many_readers_or_one_writer() {
    let t = TensorData::with_f32(&[1.0, 2.0, 3.0, 4.0], SMALL);
    let reader = t.as_f32_slice();
    READS.iter().for_each(|(name, attempt)| assert_eq!(attempt(&t), None, "{name} beside a reader"));
    WRITES.iter().for_each(|(name, attempt)| assert_eq!(attempt(&t), Some(ErrorKind::Locked), "{name}"));
    drop(reader);
    let writer = t.as_f16_mut();
    READS.iter().chain(WRITES).for_each(|(name, attempt)| assert_eq!(attempt(&t), Some(ErrorKind::Locked), "{name}"));
    drop(writer);
    assert_eq!(*t.read_f32(), [1.0, 2.0, 3.0, 4.0], "what was refused has written nothing");
    READS.iter().chain(WRITES).for_each(|(name, attempt)| assert_eq!(attempt(&t), None, "{name} of a free tensor"));
}

/// The message and line of a panic.
fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_second_writer_panics_at_its_own_line_and_leaves_the_tensor_usable() {
    let t = TensorData::new(SMALL);
    let mut first = t.as_f32_slice_mut();
    let message = panic_of(|| {
        t.as_f32_slice_mut();
    });
    let line = line!() - 2;
    assert!(message.contains(&format!("{}:{line}:", file!())), "{message}");
    first[0] = 5.0;
    drop(first);
    assert_eq!(t.read_f32()[0], 5.0);
}

#[test]
fn a_panic_that_unwinds_through_a_guard_leaves_the_tensor_usable() {
    let t = TensorData::new(SMALL);
    panic_of(|| {
        let mut guard = t.as_f32_slice_mut();
        guard[0] = 1.0;
        panic!("{}", String::from("on purpose"));
    });
    t.write_f32_at(1, 2.0);
    assert_eq!(t.read_f32()[1], 2.0);
}

#[test]
fn wrong_lengths_and_indices_are_refused_and_change_nothing() {
    let t = TensorData::with_f32(&[1.0; 4], SMALL);
    for kind in [
        TensorData::try_with_f32(&[1.0; 3], SMALL).err().map(|e| e.kind()),
        t.try_copy_from_f32(&[2.0; 5]).err().map(|e| e.kind()),
        t.try_write_f32_sparse(&[0, 4], &[2.0, 2.0]).err().map(|e| e.kind()),
        t.try_write_f32_sparse(&[0, 1], &[2.0]).err().map(|e| e.kind()),
    ] {
        assert_eq!(kind, Some(ErrorKind::Length));
    }
    assert!(panic_of(|| t.write_f32_at(4, 2.0)).contains("index 4"));
    assert!(panic_of(|| t.copy_from_f32(&[])).contains("0 elements"));
    assert!(panic_of(|| drop(TensorData::with_f32(&[1.0; 9], SMALL))).contains("9 elements"));
    assert_eq!(*t.read_f32(), [1.0; 4]);
}

#[test]
fn a_shape_that_no_memory_holds_is_an_error() {
    for shape in [Shape::spatial(usize::MAX, usize::MAX, 2), Shape::spatial(1, 1 << 62, 1), Shape::channels(1 << 58)] {
        assert_eq!(TensorData::try_new(shape).unwrap_err().kind(), ErrorKind::Shape);
        assert!(TensorData::try_with_f32(&[], shape).is_err());
    }
}

#[test]
fn locks_hold_between_threads() {
    let t = TensorData::new(SMALL);
    let (locked, refused) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut guard = t.as_f32_slice_mut();
            locked.wait();
            refused.wait();
            guard[0] = 1.0;
        });
        locked.wait();
        assert_eq!(t.try_read_f32().unwrap_err().kind(), ErrorKind::Locked);
        refused.wait();
    });
    assert_eq!(t.read_f32()[0], 1.0);
}

/// What IEEE 754 says of rounding to a half, with integers: to nearest, a tie to the even one.
fn rounded(x: f32) -> u16 {
    let sign = u16::from(x.is_sign_negative()) << 15;
    let x = x.abs();
    if x.is_nan() {
        return 0x7e00 | sign;
    }
    // All finite halves are multiples of 2^-24; beyond 2^-14, of 2^(exponent - 10).
    let exponent = if x == 0.0 { -14 } else { (f64::from(x).log2().floor() as i32).max(-14) };
    let steps = f64::from(x) / 2f64.powi(exponent - 10);
    let even = steps.round_ties_even() * 2f64.powi(exponent - 10);
    if even >= 65520.0 { 0x7c00 | sign } else { f16::from_f32(even as f32).to_bits() | sign }
}

#[test]
fn every_half_survives_and_what_lies_between_is_rounded_to_even() {
    let width = 1 << 16;
    let halves: Vec<f32> = (0..=u16::MAX).map(|bits| f16::from_bits(bits).to_f32()).collect();
    let t = TensorData::with_f32(&halves, Shape::spatial(1, 1, width));
    for (bits, half) in (0..=u16::MAX).zip(t.as_f16().row(0)) {
        let same = half.to_bits() == bits || f16::from_bits(bits).is_nan() && half.is_nan();
        assert!(same, "{bits:#06x} became {:#06x}", half.to_bits());
    }
    // Half way to the next half, and the two floats beside that.
    for step in [-1, 0, 1] {
        let between = halves.iter().enumerate().map(|(bits, x)| {
            let next = f16::from_bits((bits as u16).saturating_add(1)).to_f32();
            if !x.is_finite() || !next.is_finite() {
                return 65519.996 + step as f32;
            }
            let middle = ((f64::from(*x) + f64::from(next)) / 2.0) as f32;
            f32::from_bits(middle.to_bits().wrapping_add_signed(step))
        });
        let between: Vec<f32> = between.collect();
        let t = TensorData::with_f32(&between, Shape::spatial(1, 1, width));
        for (x, half) in between.iter().zip(t.as_f16().row(0)) {
            assert_eq!(half.to_bits(), rounded(*x), "{x:e}");
        }
    }
}

#[test]
fn overflow_nan_and_subnormals_are_as_ieee_says() {
    let given = [65504.0, 65519.99, 65520.0, 1e30, f32::NEG_INFINITY, f32::NAN, 5.960_464_5e-8, 2.980_232_2e-8, -1e-30];
    let t = TensorData::with_f32(&given, Shape::channels(9));
    let found = t.read_f32();
    assert_eq!(found[..2], [65504.0, 65504.0]);
    assert_eq!(found[2..5], [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY]);
    assert!(found[5].is_nan());
    assert_eq!(found[6..8], [5.960_464_5e-8, 0.0], "the least subnormal stays; half of it is a tie, and 0 is even");
    assert!(found[8] == 0.0 && found[8].is_sign_negative());
}

#[test]
fn tensors_and_guards_can_be_printed() {
    let t = TensorData::with_f32(&[1.0; 4], SMALL);
    assert!(format!("{t:?}").contains("Shape"));
    assert_eq!(format!("{:?}", t.as_f32_slice()), "[1.0, 1.0, 1.0, 1.0]");
}

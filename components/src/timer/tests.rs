//! Durations as steps, and the bytes of timers.

use super::{Firing, TIMER_MS_MAX, Timer, TimerError, TimerOrder, TimerStage, steps_of};
use crate::canonical::Canonical;
use crate::fields::Fields;

fn round<T: Canonical + PartialEq + core::fmt::Debug>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.put(&mut bytes);
    for end in 0..bytes.len() {
        assert!(T::read(&mut Fields(&bytes[..end])).is_err(), "{value:?} from {end} of its bytes");
    }
    let mut fields = Fields(&bytes);
    assert_eq!(T::read(&mut fields).as_ref(), Ok(value));
    assert!(fields.end().is_ok());
    bytes
}

/// Claim: durations that are whole steps in everything but the last bits are so many; others are rounded up; a world
/// whose time stands has no step by which anything is over.
#[test]
fn durations_are_steps() {
    assert_eq!(steps_of(5000.0, 1.0 / 60.0), 300);
    assert_eq!(steps_of(5000.0, 0.02), 250);
    assert_eq!(steps_of(100.0, 0.1), 1);
    assert_eq!(steps_of(100.1, 0.1), 2);
    assert_eq!(steps_of(1.0, 10.0), 1);
    assert_eq!((steps_of(0.0, 0.1), steps_of(0.0, 0.0)), (0, 0));
    assert_eq!(steps_of(1.0, 0.0), u64::MAX);
}

/// Claim: what was not said is an error of its own each, and so is what is no time.
#[test]
fn three_errors() {
    let plan = Timer::<u8>::plan;
    assert_eq!(plan().sends(1).build(), Err(TimerError::NoDuration));
    assert_eq!(plan().after_ms(1.0).build(), Err(TimerError::NoEvent));
    for wrong in [f64::NAN, f64::INFINITY, -1.0, TIMER_MS_MAX * 2.0] {
        assert!(matches!(plan().after_ms(wrong).sends(1).build(), Err(TimerError::NotATime(_))), "{wrong}");
        assert!(matches!(TimerOrder::<u8>::reset(wrong), Err(TimerError::NotATime(_))), "{wrong}");
    }
    let said = TimerError::NotATime(f64::NAN).to_string();
    assert_eq!(
        said,
        "a timer cannot fire NaN ms from now; a duration is a number from 0 to 1000000000000000"
    );
}

/// Claim: elapsed and remaining time and expiry follow from the stage and the step.
#[test]
fn time_goes_by() {
    let timer = Timer::plan().after_ms(1000.0).sends(1_u8).build().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((timer.elapsed_ms(9, 0.1), timer.remaining_ms(9, 0.1)), (0.0, 1000.0));
    let armed = timer.at_stage(TimerStage::Armed { since: 5, due: 15 });
    assert!((armed.elapsed_ms(9, 0.1) - 400.0).abs() < 1e-9);
    assert!((armed.remaining_ms(9, 0.1) - 600.0).abs() < 1e-9);
    assert_eq!(armed.remaining_ms(99, 0.1), 0.0);
    assert!(!armed.is_expired(14) && armed.is_expired(15));
    assert!(armed.at_stage(TimerStage::Fired { since: 5, at: 15 }).is_expired(15));
}

/// Claim: every timer, order and firing comes back from its bytes and from nothing else; -0.0 is 0.0; bytes of a
/// duration that is none are refused.
#[test]
fn bytes_come_back() {
    let timer = Timer::plan().after_ms(-0.0).sends([1_u16, 2]).to(77).build();
    let timer = timer.unwrap_or_else(|error| panic!("{error}"));
    let armed = TimerStage::Armed { since: 1, due: 2 };
    for stage in [TimerStage::New, armed, TimerStage::Fired { since: 3, at: 4 }, TimerStage::Stopped] {
        let mut bytes = round(&timer.at_stage(stage));
        bytes[..8].copy_from_slice(&f64::NAN.to_bits().to_le_bytes());
        assert!(Timer::<[u16; 2]>::read(&mut Fields(&bytes)).is_err());
        bytes[..8].copy_from_slice(&(-0.0_f64).to_bits().to_le_bytes());
        assert!(Timer::<[u16; 2]>::read(&mut Fields(&bytes)).is_err());
    }
    round(&TimerOrder::<u8>::stop());
    round(&TimerOrder::<u8>::again());
    round(&TimerOrder::<u8>::reset(12.5).unwrap_or_else(|error| panic!("{error}")));
    round(&Firing { timer: 1, due: 2, event: 3_u64 });
}

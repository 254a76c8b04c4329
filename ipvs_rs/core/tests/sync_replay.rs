// SPDX-License-Identifier: GPL-2.0

//! The window in which each datagram is taken once.

use ipvs_core::sync::{Replay, Replayed};
use proptest::prelude::*;
use std::collections::HashSet;

const SIZE: u32 = Replay::SIZE;

#[test]
fn each_number_is_taken_once() {
    let half = 1 << 31;
    for start in [0, 1, 63, 1023, 5000, half - 2, half, u32::MAX - 1, u32::MAX] {
        let mut window = Replay::new(1, start);
        for (ahead, expected) in [
            (0, Err(Replayed::Twice)),
            (1, Ok(())),
            (1, Err(Replayed::Twice)),
            (3, Ok(())),
            (2, Ok(())),
            (2, Err(Replayed::Twice)),
            // Behind the first one: nobody knows whether it was taken.
            (0_u32.wrapping_sub(5), Err(Replayed::Twice)),
            (0_u32.wrapping_sub(5), Err(Replayed::Twice)),
            // The ends of the window, whose highest is 3 ahead.
            (4_u32.wrapping_sub(SIZE), Err(Replayed::Twice)),
            (3_u32.wrapping_sub(SIZE), Err(Replayed::TooOld)),
            // One step, and the next one is out.
            (4, Ok(())),
            (4_u32.wrapping_sub(SIZE), Err(Replayed::TooOld)),
            (5_u32.wrapping_sub(SIZE), Err(Replayed::Twice)),
            // As far as a window, and further.
            (4 + SIZE, Ok(())),
            (4, Err(Replayed::TooOld)),
            (5, Ok(())),
            (4 + 3 * SIZE, Ok(())),
            (4 + SIZE, Err(Replayed::TooOld)),
            (5 + 2 * SIZE, Ok(())),
            // Half of all numbers are behind.
            (3 + 3 * SIZE + half + 1, Err(Replayed::TooOld)),
            (3 + 3 * SIZE + half, Ok(())),
        ] {
            let taken = window.take(1, start.wrapping_add(ahead));
            assert_eq!(taken, expected, "{start} {ahead}");
        }
    }
}

#[test]
fn a_later_run_begins_anew() {
    let mut window = Replay::new(u32::MAX, 100);
    for (epoch, sequence, expected) in [
        (u32::MAX, 101, Ok(())),
        (u32::MAX - 1, 102, Err(Replayed::Epoch)),
        (u32::MAX.wrapping_add(1 << 31), 102, Err(Replayed::Epoch)),
        // The epoch has wrapped.
        (0, 7, Ok(())),
        (0, 7, Err(Replayed::Twice)),
        (0, 101, Ok(())),
        (u32::MAX, 103, Err(Replayed::Epoch)),
        (9, 1, Ok(())),
        (0, 102, Err(Replayed::Epoch)),
    ] {
        assert_eq!(
            window.take(epoch, sequence),
            expected,
            "{epoch:#x} {sequence}"
        );
    }
}

#[test]
fn a_run_that_was_told_of_begins_behind_what_it_has_sent() {
    let mut window = Replay::new(5, 100);
    window.begin(4, 200);
    window.begin(5, 200);
    assert_eq!(window, Replay::new(5, 100), "earlier, and known");
    window.begin(6, 50);
    for (sequence, expected) in [
        (50, Err(Replayed::Twice)),
        (49, Err(Replayed::Twice)),
        (52, Ok(())),
        (51, Ok(())),
        (51, Err(Replayed::Twice)),
    ] {
        assert_eq!(window.take(6, sequence), expected, "{sequence}");
    }
    assert_eq!(window.take(5, 101), Err(Replayed::Epoch));
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut window = Replay::new(5, 5000);
    for (epoch, sequence) in [
        (4, 9000),
        (5, 5000),
        (5, 5000 - SIZE),
        (5, 5000 + (1 << 31)),
    ] {
        let before = window;
        assert!(window.take(epoch, sequence).is_err());
        assert_eq!(window, before, "{epoch} {sequence}");
    }
}

proptest! {
    #[test]
    fn a_window_is_as_a_list_of_all(
        (epoch, start) in any::<(u32, u32)>(),
        steps in prop::collection::vec((prop_oneof![
            20 => -1100_i64..1100,
            3 => -3000_i64..3000,
            1 => -(1_i64 << 31) + 1..1 << 31,
        ], 0_u32..60), 0..200),
    ) {
        // Numbers are counted from the start here, without a wrap.
        let (mut epoch, mut highest, mut first) = (epoch, 0_i64, 0_i64);
        let mut taken = HashSet::from([0]);
        let mut window = Replay::new(epoch, start);
        for (step, change) in steps {
            let number = highest + step;
            // CAST: The number on the wire wraps.
            let sequence = start.wrapping_add(number as u32);
            if change == 0 {
                epoch = epoch.wrapping_add(1);
                prop_assert_eq!(window.take(epoch, sequence), Ok(()));
                prop_assert_eq!(window.take(epoch.wrapping_sub(1), sequence), Err(Replayed::Epoch));
                (highest, first, taken) = (number, number, HashSet::from([number]));
                continue;
            }
            let expected = match number {
                _ if number <= highest - i64::from(SIZE) => Err(Replayed::TooOld),
                _ if number < first || !taken.insert(number) => Err(Replayed::Twice),
                _ => Ok(()),
            };
            highest = highest.max(number);
            prop_assert_eq!(window.take(epoch, sequence), expected, "{}", number);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The three defences against a flood: `drop_packet` drops some new connections, `drop_entry` ends
//! some old ones, and `secure_tcp` lets only a whole handshake make a connection established.
//!
//! Each defence has a mode, which the administrator sets. In the automatic modes the director
//! itself changes between [`IDLE`] and [`ACTIVE`], once a second.

mod entry;

pub use entry::{drop_entry, EntryDrop, IdleDropper, ASSURED, IDLE_SECONDS};

/// The defence is off.
pub const OFF: i32 = 0;
/// The defence is automatic and off, because there is enough memory.
pub const IDLE: i32 = 1;
/// The defence is automatic and on, because memory is short.
pub const ACTIVE: i32 = 2;
/// The defence is on, however much memory there is.
pub const ALWAYS: i32 = 3;

/// The mode after `mode`, when memory is short or not.
pub const fn next(mode: i32, memory_is_short: bool) -> i32 {
    match (mode, memory_is_short) {
        (IDLE, true) => ACTIVE,
        (ACTIVE, false) => IDLE,
        (mode, _) => mode,
    }
}

/// Whether a defence in this mode does anything.
pub const fn is_on(mode: i32) -> bool {
    matches!(mode, ACTIVE | ALWAYS)
}

/// The memory of the machine, and the threshold below which it is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The number of free pages and of pages in buffers.
    pub available: u64,
    /// The sysctl `amemthresh`, in pages; a negative number counts as 0.
    pub threshold: i32,
}

impl Memory {
    /// Whether memory is short.
    pub fn is_short(self) -> bool {
        self.missing().is_some()
    }

    /// The threshold and the number of pages that are missing, if memory is short.
    fn missing(self) -> Option<(u64, u64)> {
        let threshold = u64::try_from(self.threshold).unwrap_or(0);
        let missing = threshold.checked_sub(self.available)?;
        (missing != 0).then_some((threshold, missing))
    }

    /// The drop rate in a mode of `drop_packet`: one of so many new connections is dropped. 0 drops
    /// none.
    ///
    /// The less memory there is, the more connections are dropped. `always` is the sysctl
    /// `am_droprate`, the rate in the mode [`ALWAYS`].
    pub fn drop_rate(self, mode: i32, always: i32) -> i32 {
        match mode {
            ALWAYS => always,
            ACTIVE => self
                .missing()
                .and_then(|(threshold, missing)| threshold.checked_div(missing))
                .and_then(|rate| i32::try_from(rate).ok())
                .unwrap_or(0),
            _ => 0,
        }
    }
}

/// Counts a new connection, of which one in `rate` is dropped. A negative rate drops each of them.
///
/// Returns the new counter, and whether this connection is dropped.
pub const fn count_down(counter: i32, rate: i32) -> (i32, bool) {
    if rate == 0 {
        return (counter, false);
    }
    match counter.saturating_sub(1) {
        left @ 1.. => (left, false),
        _ => (rate, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_modes_follow_the_memory() {
        for (mode, short, expected) in [
            (OFF, true, OFF),
            (IDLE, true, ACTIVE),
            (ACTIVE, true, ACTIVE),
            (ALWAYS, true, ALWAYS),
            (OFF, false, OFF),
            (IDLE, false, IDLE),
            (ACTIVE, false, IDLE),
            (ALWAYS, false, ALWAYS),
        ] {
            assert_eq!(next(mode, short), expected, "{mode} {short}");
            let is = is_on(next(mode, short));
            assert_eq!(is, mode == ALWAYS || short && mode != OFF, "{mode}");
        }
    }

    #[test]
    fn memory_is_short_below_the_threshold() {
        for (available, threshold, short) in [
            (0, 0, false),
            (0, -1, false),
            (0, 1, true),
            (1023, 1024, true),
            (1024, 1024, false),
            (u64::MAX, i32::MAX, false),
        ] {
            let memory = Memory {
                available,
                threshold,
            };
            assert_eq!(memory.is_short(), short, "{memory:?}");
        }
    }

    #[test]
    fn the_drop_rate_grows_as_memory_shrinks() {
        for (available, threshold, mode, rate) in [
            (900, 1000, ACTIVE, 10),
            (500, 1000, ACTIVE, 2),
            (999, 1000, ACTIVE, 1000),
            (0, 1000, ACTIVE, 1),
            (2000, 1000, ACTIVE, 0),
            (0, 1000, IDLE, 0),
            (0, 1000, OFF, 0),
            (0, 1000, ALWAYS, 7),
            (2000, 1000, ALWAYS, 7),
        ] {
            let memory = Memory {
                available,
                threshold,
            };
            assert_eq!(memory.drop_rate(mode, 7), rate, "{memory:?} {mode}");
        }
    }

    fn dropped(rate: i32) -> Vec<bool> {
        let mut counter = 0;
        let mut one = || {
            let (left, drops) = count_down(counter, rate);
            counter = left;
            drops
        };
        (0..7).map(|_| one()).collect()
    }

    #[test]
    fn one_of_so_many_new_connections_is_dropped() {
        let (o, x) = (false, true);
        for (rate, expected) in [
            (0, [o, o, o, o, o, o, o]),
            (1, [x, x, x, x, x, x, x]),
            (-1, [x, x, x, x, x, x, x]),
            (i32::MIN, [x, x, x, x, x, x, x]),
            (3, [x, o, o, x, o, o, x]),
            (5, [x, o, o, o, o, x, o]),
        ] {
            assert_eq!(dropped(rate), expected, "{rate}");
        }
    }
}

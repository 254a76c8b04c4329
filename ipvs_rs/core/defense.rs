// SPDX-License-Identifier: GPL-2.0

//! What a director gives up when memory is short: some packets, some connections, its trust.
//!
//! Each of the three defences has a mode, which the administrator sets. In the automatic modes
//! the director itself changes between [`IDLE`] and [`ACTIVE`], once a second.

use crate::conn::ConnFlags;
use crate::proto::tcp::State;
use crate::proto::TCP;

/// The defence is off.
pub const OFF: i32 = 0;
/// It is automatic, and there is memory.
pub const IDLE: i32 = 1;
/// It is automatic, and memory is short.
pub const ACTIVE: i32 = 2;
/// It is on whatever memory there is.
pub const ALWAYS: i32 = 3;

/// The mode that follows `mode`.
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

/// The memory of the machine against what it should not fall below, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Free pages and those of buffers.
    pub available: u64,
    /// The sysctl `amemthresh`; less than 0 is 0.
    pub threshold: i32,
}

impl Memory {
    /// Whether memory is short.
    pub fn is_short(self) -> bool {
        self.missing().is_some()
    }

    /// The threshold, and how much less there is.
    fn missing(self) -> Option<(u64, u64)> {
        let threshold = u64::try_from(self.threshold).unwrap_or(0);
        let missing = threshold.checked_sub(self.available)?;
        (missing != 0).then_some((threshold, missing))
    }

    /// Of how many new connections one is dropped, in a mode of `drop_packet`; 0 for none.
    ///
    /// The less memory there is, the more are dropped. `always` is the sysctl `am_droprate`.
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

/// Counts a new connection where one of `rate` is dropped; less than 0 is each of them.
///
/// Returns the new counter, and whether this one is dropped.
pub const fn count_down(counter: i32, rate: i32) -> (i32, bool) {
    if rate == 0 {
        return (counter, false);
    }
    match counter.saturating_sub(1) {
        left @ 1.. => (left, false),
        _ => (rate, true),
    }
}

/// What `drop_entry` does with a connection that it comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryDrop {
    /// It is dropped.
    Always,
    /// It is dropped if [`IdleDropper`] say so.
    IfIdle,
    /// It stays.
    Never,
}

/// What `drop_entry` does with a connection in this state, or a template.
///
/// `one_packet` says that the template's service schedules each packet on its own.
pub fn drop_entry(protocol: u8, state: u8, flags: ConnFlags, one_packet: bool) -> EntryDrop {
    if flags.has(ConnFlags::TEMPLATE) {
        return match (one_packet, state & ASSURED) {
            (true, _) => EntryDrop::IfIdle,
            (false, 0) => EntryDrop::Always,
            (false, _) => EntryDrop::Never,
        };
    }
    match protocol {
        TCP => match State::from_number(state) {
            Some(State::SynRecv | State::SynAck) => EntryDrop::Always,
            Some(State::Established) => EntryDrop::IfIdle,
            _ => EntryDrop::Never,
        },
        SCTP => match state {
            SCTP_INIT1 | SCTP_INIT => EntryDrop::Always,
            SCTP_ESTABLISHED => EntryDrop::IfIdle,
            _ => EntryDrop::Never,
        },
        _ => EntryDrop::IfIdle,
    }
}

/// In the state of a template: one of its connections was answered.
pub const ASSURED: u8 = 1;

const SCTP: u8 = 132;
const SCTP_INIT1: u8 = 1;
const SCTP_INIT: u8 = 2;
const SCTP_ESTABLISHED: u8 = 8;

/// How long a connection must have had no packet to be diced, in seconds.
pub const IDLE_SECONDS: u32 = 60;

/// Decides about connections that are idle: every first of those with one packet is dropped,
/// every second of those with two, and so on up to eight; busier ones stay.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdleDropper([i32; 8]);

impl IdleDropper {
    /// Whether a connection with so many packets is dropped, that had none for so long.
    pub fn drops(&mut self, packets: u32, idle_seconds: u32) -> bool {
        if idle_seconds < IDLE_SECONDS {
            return false;
        }
        let Ok(rate) = i32::try_from(packets) else {
            return false;
        };
        let index = rate.checked_sub(1).and_then(|it| usize::try_from(it).ok());
        let Some(counter) = index.and_then(|index| self.0.get_mut(index)) else {
            return false;
        };
        let (left, drops) = count_down(*counter, rate);
        *counter = left;
        drops
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::UDP;

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

    #[test]
    fn half_open_connections_are_dropped_and_idle_ones_diced() {
        use EntryDrop::{Always, IfIdle, Never};
        let template = ConnFlags::TEMPLATE;
        for (protocol, state, flags, one_packet, expected) in [
            (TCP, 3, ConnFlags::EMPTY, false, Always),
            (TCP, 10, ConnFlags::EMPTY, false, Always),
            (TCP, 1, ConnFlags::EMPTY, false, IfIdle),
            (TCP, 0, ConnFlags::EMPTY, false, Never),
            (TCP, 2, ConnFlags::EMPTY, false, Never),
            (TCP, 4, ConnFlags::EMPTY, false, Never),
            (TCP, 200, ConnFlags::EMPTY, false, Never),
            (UDP, 0, ConnFlags::EMPTY, false, IfIdle),
            (SCTP, 1, ConnFlags::EMPTY, false, Always),
            (SCTP, 2, ConnFlags::EMPTY, false, Always),
            (SCTP, 3, ConnFlags::EMPTY, false, Never),
            (SCTP, 8, ConnFlags::EMPTY, false, IfIdle),
            (TCP, 0, template, false, Always),
            (TCP, ASSURED, template, false, Never),
            (UDP, ASSURED, template, true, IfIdle),
            (0, 0, template, false, Always),
        ] {
            let found = drop_entry(protocol, state, flags, one_packet);
            assert_eq!(found, expected, "{protocol} {state} {flags:?}");
        }
    }

    #[test]
    fn dice_drop_idle_connections_of_few_packets() {
        let mut dice = IdleDropper::default();
        assert!((0..10).all(|_| !dice.drops(1, 59)));
        assert!((0..10).all(|_| dice.drops(1, 60)));
        let every_third: Vec<_> = (0..6).map(|_| dice.drops(3, 60)).collect();
        assert_eq!(every_third, [true, false, false, true, false, false]);
        for packets in [0, 9, 1000, u32::MAX] {
            assert!((0..10).all(|_| !dice.drops(packets, 1000)), "{packets}");
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Which connections the defence `drop_entry` ends.

use super::count_down;
use crate::conn::ConnFlags;
use crate::proto::{sctp, tcp, SCTP, TCP};

/// Whether the defence `drop_entry` ends a connection that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryDrop {
    /// The connection ends.
    Always,
    /// The connection ends if the [`IdleDropper`] chooses it.
    IfIdle,
    /// The connection stays.
    Never,
}

/// Whether the defence `drop_entry` ends a connection or template in this state.
///
/// `one_packet` says that the service of a template schedules each packet on its own.
pub fn drop_entry(protocol: u8, state: u8, flags: ConnFlags, one_packet: bool) -> EntryDrop {
    if flags.has(ConnFlags::TEMPLATE) {
        return match (one_packet, state & ASSURED) {
            (true, _) => EntryDrop::IfIdle,
            (false, 0) => EntryDrop::Always,
            (false, _) => EntryDrop::Never,
        };
    }
    match protocol {
        TCP => match tcp::State::from_number(state) {
            Some(tcp::State::SynRecv | tcp::State::SynAck) => EntryDrop::Always,
            Some(tcp::State::Established) => EntryDrop::IfIdle,
            _ => EntryDrop::Never,
        },
        SCTP => match sctp::State::from_number(state) {
            Some(sctp::State::Init1 | sctp::State::Init) => EntryDrop::Always,
            Some(sctp::State::Established) => EntryDrop::IfIdle,
            _ => EntryDrop::Never,
        },
        _ => EntryDrop::IfIdle,
    }
}

/// In the state of a template: a server has answered one of its connections.
pub const ASSURED: u8 = 1;

/// The time without a packet after which a connection is idle, in seconds.
pub const IDLE_SECONDS: u32 = 60;

/// Chooses which idle connections end: each one that had one packet, every second of those that had
/// two, and so on up to eight packets. Connections with more packets stay.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdleDropper([i32; 8]);

impl IdleDropper {
    /// Whether a connection ends that had `packets` in all, the last one `idle_seconds` ago.
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
    fn half_open_connections_end_always_and_idle_ones_by_turns() {
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
    fn of_idle_connections_those_of_few_packets_end() {
        let mut dropper = IdleDropper::default();
        assert!((0..10).all(|_| !dropper.drops(1, 59)));
        assert!((0..10).all(|_| dropper.drops(1, 60)));
        let every_third: Vec<_> = (0..6).map(|_| dropper.drops(3, 60)).collect();
        assert_eq!(every_third, [true, false, false, true, false, false]);
        for packets in [0, 9, 1000, u32::MAX] {
            assert!((0..10).all(|_| !dropper.drops(packets, 1000)), "{packets}");
        }
    }
}

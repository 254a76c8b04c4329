// SPDX-License-Identifier: GPL-2.0

//! Decisions about packets and servers.

pub mod lookup;
pub mod overload;
pub mod reuse;

use crate::flow::{Flow, Fragment};
use crate::proto;
use crate::proto::sctp::Event;
use crate::proto::tcp::flags::{RST, SYN};
use crate::wire::{udp, HeaderSource};

/// Whether a packet that belongs to no connection may open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It may, if there is a service for it.
    Allowed,
    /// It may not, and is nothing to us.
    Refused,
    /// Its transport header is not all there: drop it.
    Unreadable,
}

/// Of which protocols packets in the middle open connections, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sloppy {
    /// The sysctl `sloppy_tcp`.
    pub tcp: bool,
    /// The sysctl `sloppy_sctp`.
    pub sctp: bool,
}

/// Whether a packet means to open a connection, even where there is one between the same ends.
#[inline]
pub fn opens<S: HeaderSource + ?Sized>(flow: &Flow, packet: &S) -> bool {
    match flow.protocol {
        proto::TCP => flow.tcp_flags(packet).is_some_and(|flags| flags & SYN != 0),
        proto::SCTP => Event::of_flow(flow, packet) == Some(Event::Init),
        _ => false,
    }
}

/// Whether a packet says that there is no connection: nobody must answer that there is none.
pub fn denies<S: HeaderSource + ?Sized>(flow: &Flow, packet: &S) -> bool {
    match flow.protocol {
        proto::TCP => flow.tcp_flags(packet).is_some_and(|flags| flags & RST != 0),
        proto::SCTP => {
            let event = Event::of_first_chunk(packet, flow.transport);
            flow.fragment != Fragment::Later && event == Some(Event::Abort)
        }
        _ => false,
    }
}

/// Decides about a packet that belongs to no connection.
///
/// As the C module does: TCP needs a SYN without RST. SYN with ACK is allowed on purpose: so the
/// data connections of FTP begin, as seen by a director that the replies do not pass. With
/// `sloppy_tcp` all but RST opens one, so that a director can take over in the middle. SCTP needs
/// an INIT, and with `sloppy_sctp` all but ABORT opens one.
#[inline]
pub fn opening<S: HeaderSource + ?Sized>(flow: &Flow, packet: &S, sloppy: Sloppy) -> Opening {
    if matches!(flow.fragment, Fragment::Later) {
        return Opening::Refused;
    }
    match flow.protocol {
        proto::TCP => match flow.tcp_flags(packet) {
            None => Opening::Unreadable,
            Some(flags) if flags & RST != 0 => Opening::Refused,
            Some(flags) if flags & SYN != 0 || sloppy.tcp => Opening::Allowed,
            Some(_) => Opening::Refused,
        },
        proto::UDP => match packet.array::<{ udp::HEADER_LEN }>(flow.transport) {
            None => Opening::Unreadable,
            Some(_) => Opening::Allowed,
        },
        proto::SCTP => match Event::of_first_chunk(packet, flow.transport) {
            None => Opening::Unreadable,
            Some(Event::Abort) => Opening::Refused,
            Some(event) if event == Event::Init || sloppy.sctp => Opening::Allowed,
            Some(_) => Opening::Refused,
        },
        _ => Opening::Refused,
    }
}

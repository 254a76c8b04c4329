// SPDX-License-Identifier: GPL-2.0

//! Which packets may open a connection.

use crate::flow::{Flow, Fragment};
use crate::proto;
use crate::proto::sctp::Event;
use crate::proto::tcp::flags::{RST, SYN};
use crate::wire::{udp, HeaderSource};

/// Whether a packet that belongs to no connection may open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The packet may open a connection, if there is a service for it.
    Allowed,
    /// The packet may not open a connection, and passes.
    Refused,
    /// The transport header is not all there, and the packet is to be dropped.
    Unreadable,
}

/// The protocols of which a packet from the middle of a conversation may open a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sloppy {
    /// The sysctl `sloppy_tcp`.
    pub tcp: bool,
    /// The sysctl `sloppy_sctp`.
    pub sctp: bool,
}

/// Whether a packet opens a connection, even if there is one between the same ends already.
#[inline]
pub fn opens<S: HeaderSource + ?Sized>(flow: &Flow, packet: &S) -> bool {
    match flow.protocol {
        proto::TCP => flow.tcp_flags(packet).is_some_and(|flags| flags & SYN != 0),
        proto::SCTP => Event::of_flow(flow, packet) == Some(Event::Init),
        _ => false,
    }
}

/// Whether a packet aborts a connection. Such a packet must not be answered with an error.
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
/// As the C module does: TCP needs a SYN without RST. A SYN with ACK is allowed on purpose: it is
/// the first packet of an FTP data connection that a director sees whom the replies do not pass. With
/// `sloppy_tcp` every packet without RST opens a connection, so that a director can take over in the
/// middle. SCTP needs an INIT; with `sloppy_sctp` every packet without ABORT opens a connection.
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

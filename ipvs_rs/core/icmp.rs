// SPDX-License-Identifier: GPL-2.0

//! The errors of ICMP (RFC 792) and ICMPv6 (RFC 4443), and the packets that they are about.
//!
//! ```text
//!   0            message          embedded         embedded + about.transport
//!   | IP header   | ICMP header    | IP header      | ports ...
//!   | src > dst   | kind code sum  | about.src > about.dst
//! ```
//!
//! The sender of an error quotes the packet that caused it. If the director has translated that
//! packet, it must translate the error too: the outer header as that of a packet of the other
//! direction, and the quoted header as the packet was.

use crate::addr::{Addr, Family};
use crate::flow::{ipsec, Flow, Fragment, Network, NotOurs, Tuple};
use crate::wire::{
    icmp::{v4, v6, Header, HEADER_LEN},
    ports::Ports,
    protocol::{ICMP, ICMPV6},
    HeaderSource,
};

mod edit;
pub mod tunnel;

pub use edit::{to_client, to_server};

/// An ICMP error that quotes a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The network header of the error itself.
    pub outer: Network,
    /// The type of the error: see [`v4`] and [`v6`].
    pub kind: u8,
    /// The code of the error, which says more about its type.
    pub code: u8,
    /// Where the quoted packet begins, in bytes from the start of the network header.
    pub embedded: usize,
    /// The flow of the quoted packet. Its offsets count from the start of the quoted packet.
    pub about: Flow,
}

/// Why an ICMP packet is no [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReport {
    /// The packet is a fragment, and has to be reassembled first.
    Fragment,
    /// The packet ends before its ICMP header does.
    Truncated,
    /// The quoted packet is of a protocol that IPVS balances, but ends before its ports.
    NoPorts,
    /// The packet is not an error, or does not quote a packet that IPVS balances.
    Other,
}

impl Report {
    /// Reads an ICMP packet.
    ///
    /// # Errors
    ///
    /// See [`NoReport`].
    pub fn parse<S: HeaderSource + ?Sized>(packet: &S) -> Result<Self, NoReport> {
        let outer = Network::parse(packet).map_err(|_| NoReport::Other)?;
        if outer.fragment != Fragment::Whole {
            return Err(NoReport::Fragment);
        }
        let header = packet.array(outer.transport).ok_or(NoReport::Truncated)?;
        let Header { kind, code, .. } = Header::read(&header);
        if !is_error(outer.family, outer.protocol, kind) {
            return Err(NoReport::Other);
        }
        let embedded = outer.transport.saturating_add(HEADER_LEN);
        let about = quoted(&Inside(packet, embedded), outer.family);
        Ok(Self {
            outer,
            kind,
            code,
            embedded,
            about: about?,
        })
    }

    /// The two ends of the conversation that the error is about, in the direction of the error.
    ///
    /// An error travels in the opposite direction of the packet that it is about.
    #[inline]
    pub const fn tuple(&self) -> Tuple {
        let tuple = match self.has_ports() {
            true => self.about.tuple(),
            false => self.about.key_exchange(),
        };
        tuple.reversed()
    }

    /// Whether the quoted packet is of a protocol with ports.
    #[inline]
    pub const fn has_ports(&self) -> bool {
        !ipsec::rides(self.about.protocol)
    }

    /// The flow of a packet of the same conversation in the direction of the error. There is no such
    /// packet, so its transport header must not be read.
    #[inline]
    pub const fn counterpart(&self) -> Flow {
        let about = self.about;
        Flow {
            src: about.dst,
            dst: about.src,
            sport: about.dport,
            dport: about.sport,
            ..about
        }
    }

    /// Where the ICMP header begins, in bytes from the start of the network header.
    #[inline]
    pub const fn message(&self) -> usize {
        self.outer.transport
    }

    /// Where the ports of the quoted packet end, in bytes from the start of the network header. An
    /// edit changes nothing behind them.
    #[inline]
    pub const fn headers(&self) -> usize {
        let ports = self.embedded.saturating_add(self.about.transport);
        match self.has_ports() {
            true => ports.saturating_add(Ports::LEN),
            false => ports,
        }
    }
}

/// Whether messages of this kind are errors that IPVS passes on.
///
/// As the C module does: these are destination unreachable, source quench and time exceeded in IPv4,
/// and all errors in IPv6.
const fn is_error(family: Family, protocol: u8, kind: u8) -> bool {
    match family {
        Family::V4 => {
            protocol == ICMP
                && matches!(
                    kind,
                    v4::DESTINATION_UNREACHABLE | v4::SOURCE_QUENCH | v4::TIME_EXCEEDED
                )
        }
        Family::V6 => protocol == ICMPV6 && kind < v6::FIRST_INFORMATIONAL,
    }
}

/// The flow of the quoted packet, if IPVS balances its protocol and its ports are there.
///
/// The length in its header is that of the whole packet, of which only a part is quoted, so it is
/// ignored.
fn quoted<S: HeaderSource>(packet: &S, family: Family) -> Result<Flow, NoReport> {
    let network = Network {
        end: usize::MAX,
        ..Network::parse(packet).map_err(|_| NoReport::Other)?
    };
    if network.family == family && ipsec::rides(network.protocol) {
        return Ok(network.with_key_exchange());
    }
    if network.family != family || network.fragment == Fragment::Later {
        return Err(NoReport::Other);
    }
    network.with_ports(packet).map_err(|reason| match reason {
        NotOurs::NoPorts { .. } => NoReport::NoPorts,
        _ => NoReport::Other,
    })
}

/// A packet inside another one: the bytes from an offset on, which counts in bytes from the start of
/// the outer packet.
struct Inside<'a, S: ?Sized>(&'a S, usize);

impl<S: HeaderSource + ?Sized> HeaderSource for Inside<'_, S> {
    #[inline]
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0.bytes(self.1.checked_add(offset)?, buf)
    }
}

/// One end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address, in network order.
    pub addr: Addr,
    /// The port, in host order.
    pub port: u16,
}

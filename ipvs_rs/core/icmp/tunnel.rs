// SPDX-License-Identifier: GPL-2.0

//! ICMP errors about packets of a tunnel.
//!
//! ```text
//!   0            message        embedded                        inner
//!   | IP header  | ICMP header  | IP header  | UDP, GUE, GRE    | IP header  | ports ...
//!   | of error   |              | director > server             | client > service
//! ```
//!
//! A router on the path of a tunnel sees the director as the sender, and sends the error to it.

use super::{is_error, quoted, Inside, NoReport};
use crate::addr::{Addr, Family};
use crate::flow::{Flow, Fragment, Network};
use crate::tunnel::Wrapping;
use crate::wire::{
    gre, gue,
    icmp::{self, v4, v6},
    ipv4, ipv6,
    ports::Ports,
    protocol::{GRE, IPIP, IPV6, UDP},
    udp, HeaderSource,
};

/// What carries the inner packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The outer IP header alone.
    Ip,
    /// UDP and GUE.
    Gue {
        /// The UDP port of the server, in host order.
        port: u16,
    },
    /// GRE.
    Gre,
}

impl Layer {
    /// Whether the packets to a server with this encapsulation are carried so.
    #[inline]
    pub const fn is_of(self, wrapping: Wrapping) -> bool {
        match (self, wrapping) {
            (Self::Ip, Wrapping::Ip) | (Self::Gre, Wrapping::Gre { .. }) => true,
            (Self::Gue { port }, Wrapping::Gue { port: own, .. }) => port == own,
            _ => false,
        }
    }
}

/// An ICMP error about a packet of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelReport {
    /// The network header of the error itself.
    pub outer: Network,
    /// The type of the error: see [`v4`] and [`v6`].
    pub kind: u8,
    /// The code of the error, which says more about its type.
    pub code: u8,
    /// The second word of the ICMP header, in host order.
    pub rest: u32,
    /// Where the quoted packet begins, in bytes from the start of the network header.
    pub embedded: usize,
    /// The destination address of the quoted packet, in network order.
    pub server: Addr,
    /// What carries the inner packet.
    pub layer: Layer,
    /// Where the inner packet begins, in bytes from the start of the network header.
    pub inner: usize,
    /// The flow of the inner packet. Its offsets count from the start of the inner packet.
    pub about: Flow,
    /// Whether no router may fragment the inner packet.
    pub dont_fragment: bool,
}

/// The ICMP error that the client is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The packets of the client are too big.
    TooBig {
        /// The length of all headers before the client's packet, in bytes.
        overhead: u32,
        /// The MTU that the error reports, in bytes.
        mtu: u32,
    },
    /// The same error that the director got.
    Same,
    /// The service cannot be reached.
    Unreachable,
    /// No error.
    Nothing,
}

impl TunnelReport {
    /// Reads an ICMP packet that is not a fragment.
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
        let icmp::Header { kind, code, rest } = icmp::Header::read(&header);
        if !is_error(outer.family, outer.protocol, kind) {
            return Err(NoReport::Other);
        }
        let embedded = outer.transport.saturating_add(icmp::HEADER_LEN);
        let wrapped = Inside(packet, embedded);
        let network = Network::parse(&wrapped).map_err(|_| NoReport::Other)?;
        if network.family != outer.family || network.fragment == Fragment::Later {
            return Err(NoReport::Other);
        }
        let (layer, length, family) = layer(&wrapped, &network).ok_or(NoReport::Other)?;
        let start = network.transport.saturating_add(length);
        let inner = embedded.saturating_add(start);
        let client = Inside(packet, inner);
        let about = quoted(&client, family)?;
        let dont_fragment = match family {
            Family::V4 => ipv4::Header::of(&client).is_some_and(|header| header.dont_fragment()),
            Family::V6 => false,
        };
        Ok(Self {
            outer,
            kind,
            code,
            rest,
            embedded,
            server: network.dst,
            layer,
            inner,
            about,
            dont_fragment,
        })
    }

    /// Where the ICMP header begins, in bytes from the start of the network header.
    #[inline]
    pub const fn message(&self) -> usize {
        self.outer.transport
    }

    /// The MTU of the next link on the path of the tunnel in bytes, if the error is about that.
    pub const fn mtu(&self) -> Option<u32> {
        match (self.outer.family, self.kind, self.code) {
            // RFC 1191, section 4: the upper half is unused.
            (Family::V4, v4::DESTINATION_UNREACHABLE, v4::FRAGMENTATION_NEEDED) => {
                Some(self.rest & 0xFFFF)
            }
            (Family::V6, v6::PACKET_TOO_BIG, _) => Some(self.rest),
            _ => None,
        }
    }

    /// The error that the client is sent.
    ///
    /// If both packets are of IPv4, as the C module does: the client gets the error that the director
    /// got, and is told an MTU only if its packet must not be fragmented. In the other cases RFC 2473,
    /// section 8, and RFC 4213, section 3.4, apply: for the client the tunnel is one link.
    pub const fn client_error(&self) -> ClientError {
        match (self.mtu(), self.outer.family, self.about.family) {
            (Some(_), _, Family::V4) if !self.dont_fragment => ClientError::Nothing,
            (Some(mtu), _, _) => ClientError::TooBig {
                // CAST: Headers of a packet.
                overhead: self.inner.saturating_sub(self.embedded) as u32,
                mtu,
            },
            (None, Family::V4, Family::V4) => ClientError::Same,
            // IPv6 has no source quench, and higher types are not defined.
            (None, Family::V4, Family::V6) if self.kind == v4::SOURCE_QUENCH => {
                ClientError::Nothing
            }
            (None, Family::V6, _) if self.kind > v6::PARAMETER_PROBLEM => ClientError::Nothing,
            (None, _, _) => ClientError::Unreachable,
        }
    }
}

/// What carries the inner packet, the length of the headers between the two IP headers in bytes, and
/// the family of the inner packet.
fn layer<S: HeaderSource>(packet: &S, network: &Network) -> Option<(Layer, usize, Family)> {
    let at = network.transport;
    match network.protocol {
        IPIP => Some((Layer::Ip, 0, Family::V4)),
        IPV6 => Some((Layer::Ip, 0, Family::V6)),
        UDP => {
            let port = Ports::read(packet.array(at)?).dst;
            let gue = gue::Header::read(packet.array(at.checked_add(udp::HEADER_LEN)?)?);
            if !gue.is_data() {
                return None;
            }
            let family = match gue.protocol {
                IPIP => Family::V4,
                IPV6 => Family::V6,
                _ => return None,
            };
            let length = udp::HEADER_LEN.saturating_add(gue.header_len());
            Some((Layer::Gue { port }, length, family))
        }
        GRE => {
            let gre = gre::Header::read(packet.array(at)?);
            Some((Layer::Gre, gre.header_len()?, gre.inner_family()?))
        }
        _ => None,
    }
}

/// The MTU that a client is told whose packet is of the family `about`, in bytes. `mtu` is the MTU of
/// the path of the tunnel, and `overhead` the length of the headers before the client's packet.
pub fn told_mtu(about: Family, mtu: u32, overhead: u32) -> u32 {
    let least = match about {
        Family::V4 => ipv4::MIN_MTU,
        Family::V6 => ipv6::MIN_MTU,
    };
    mtu.saturating_sub(overhead).max(least)
}

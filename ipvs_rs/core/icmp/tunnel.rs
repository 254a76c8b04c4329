// SPDX-License-Identifier: GPL-2.0

//! ICMP errors about packets in which others travel.
//!
//! ```text
//!   0            message        embedded                        inner
//!   | IP header  | ICMP header  | IP header  | UDP, GUE, GRE    | IP header  | ports ...
//!   | of error   |              | director > server             | client > service
//! ```
//!
//! Whoever was on the way of a tunnel knows the director only, and complains to it.

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

/// What a packet travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Right in IP.
    Ip,
    /// In UDP to this port, and GUE.
    Gue {
        /// The UDP port of the server.
        port: u16,
    },
    /// In GRE.
    Gre,
}

impl Layer {
    /// Whether a server's packets are wrapped so.
    #[inline]
    pub const fn is_of(self, wrapping: Wrapping) -> bool {
        match (self, wrapping) {
            (Self::Ip, Wrapping::Ip) | (Self::Gre, Wrapping::Gre { .. }) => true,
            (Self::Gue { port }, Wrapping::Gue { port: own, .. }) => port == own,
            _ => false,
        }
    }
}

/// An ICMP error about a packet in which another one travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelReport {
    /// The network header of the error itself.
    pub outer: Network,
    /// What went wrong.
    pub kind: u8,
    /// What went wrong, in detail.
    pub code: u8,
    /// The second word of the ICMP header.
    pub rest: u32,
    /// Where the quoted packet begins, in bytes from the start of the network header.
    pub embedded: usize,
    /// Where that packet was to go.
    pub server: Addr,
    /// What it says that the inner one travels in.
    pub layer: Layer,
    /// Where the inner packet begins, in bytes from the start of the network header.
    pub inner: usize,
    /// The inner packet, as far as it is there. Its offsets count from its own beginning.
    pub about: Flow,
    /// Whether the inner packet must not be fragmented.
    pub dont_fragment: bool,
}

/// What to tell the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// Its packets may have so many bytes less than the way of the tunnel takes.
    TooBig {
        /// All that is before the packet of the client.
        overhead: u32,
        /// The largest packet that the error speaks of.
        mtu: u32,
    },
    /// What the director was told.
    Same,
    /// The service can not be reached.
    Unreachable,
    /// Nothing.
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

    /// The largest packet that the next link of the tunnel's way takes, if the error is about
    /// that.
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

    /// What to tell the client.
    ///
    /// As the C module does where both packets are of IPv4: it hears what the director heard, and
    /// of its packets' size only if these must not be fragmented. In the other cases RFC 2473,
    /// section 8, and RFC 4213, section 3.4: for the client the tunnel is one link.
    pub const fn client_error(&self) -> ClientError {
        match (self.mtu(), self.outer.family, self.about.family) {
            (Some(_), _, Family::V4) if !self.dont_fragment => ClientError::Nothing,
            (Some(mtu), _, _) => ClientError::TooBig {
                // CAST: Headers of a packet.
                overhead: self.inner.saturating_sub(self.embedded) as u32,
                mtu,
            },
            (None, Family::V4, Family::V4) => ClientError::Same,
            // Source quench, which IPv6 never had, and errors that nobody has defined.
            (None, Family::V4, Family::V6) if self.kind == v4::SOURCE_QUENCH => {
                ClientError::Nothing
            }
            (None, Family::V6, _) if self.kind > v6::PARAMETER_PROBLEM => ClientError::Nothing,
            (None, _, _) => ClientError::Unreachable,
        }
    }
}

/// What is between the IP header of a packet and the one inside, the length of that, and the
/// family of the inner one.
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

/// The size of packets that a client is told, of the family of `about`, on a way that takes `mtu`.
pub fn told_mtu(about: Family, mtu: u32, overhead: u32) -> u32 {
    let least = match about {
        Family::V4 => ipv4::MIN_MTU,
        Family::V6 => ipv6::MIN_MTU,
    };
    mtu.saturating_sub(overhead).max(least)
}

// SPDX-License-Identifier: GPL-2.0

//! What identifies services and real servers.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use ipvs_core::addr::{Addr, Family};

use crate::protocol::Protocol;

/// What identifies a virtual service in its network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(from = "crate::stored::Service", into = "crate::stored::Service")
)]
pub enum ServiceKey {
    /// Packets to an address.
    Address {
        /// The family of `addr`.
        family: Family,
        /// The transport protocol.
        protocol: Protocol,
        /// The virtual address.
        addr: Addr,
        /// The virtual port, in host order; 0 for all ports.
        port: u16,
    },
    /// Packets with a firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark, which is not 0.
        mark: u32,
    },
}

impl ServiceKey {
    /// The service of packets of a protocol to an address and port; port 0 is all ports. The scope and the flow of an IPv6 address
    /// do not count.
    pub fn new(protocol: Protocol, to: impl Into<SocketAddr>) -> Self {
        let (family, addr, port) = parts(to.into());
        Self::Address {
            family,
            protocol,
            addr,
            port,
        }
    }

    /// The service of packets of TCP.
    pub fn tcp(to: impl Into<SocketAddr>) -> Self {
        Self::new(Protocol::TCP, to)
    }

    /// The service of packets of UDP.
    pub fn udp(to: impl Into<SocketAddr>) -> Self {
        Self::new(Protocol::UDP, to)
    }

    /// The service of packets of SCTP.
    pub fn sctp(to: impl Into<SocketAddr>) -> Self {
        Self::new(Protocol::SCTP, to)
    }

    /// The service of packets with a firewall mark. The kernel takes the mark 0 for none: it names the TCP service of the
    /// unspecified address and port 0.
    pub const fn from_mark(family: Family, mark: u32) -> Self {
        if mark == 0 {
            Self::Address {
                family,
                protocol: Protocol::TCP,
                addr: Addr::ZERO,
                port: 0,
            }
        } else {
            Self::Mark { family, mark }
        }
    }

    /// The family of the packets.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { family, .. } | Self::Mark { family, .. } => *family,
        }
    }

    /// The virtual address and port; [`None`] of a service of a firewall mark.
    pub fn to_socket_addr(&self) -> Option<SocketAddr> {
        match *self {
            Self::Address {
                family, addr, port, ..
            } => Some(SocketAddr::new(addr.to_ip(family), port)),
            Self::Mark { .. } => None,
        }
    }
}

/// What identifies a real server in its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(from = "crate::stored::End", into = "crate::stored::End")
)]
pub struct DestKey {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port, in host order; 0 for the port that the packet was sent to.
    pub port: u16,
}

impl DestKey {
    /// The address and port.
    pub fn to_socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr.to_ip(self.family), self.port)
    }
}

impl From<SocketAddr> for DestKey {
    /// The scope and the flow of an IPv6 address do not count.
    fn from(at: SocketAddr) -> Self {
        let (family, addr, port) = parts(at);
        Self { family, addr, port }
    }
}

impl From<SocketAddrV4> for DestKey {
    fn from(at: SocketAddrV4) -> Self {
        SocketAddr::from(at).into()
    }
}

impl From<SocketAddrV6> for DestKey {
    fn from(at: SocketAddrV6) -> Self {
        SocketAddr::from(at).into()
    }
}

impl From<IpAddr> for DestKey {
    /// The server at this address, to the port that the packet was sent to.
    fn from(at: IpAddr) -> Self {
        SocketAddr::new(at, 0).into()
    }
}

/// Family, address and port.
pub(crate) fn parts(at: SocketAddr) -> (Family, Addr, u16) {
    (Family::of(at.ip()), at.ip().into(), at.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_socket_addresses_and_back() {
        for text in ["192.0.2.1:80", "[2001:db8::1]:443", "[::ffff:192.0.2.1]:0"] {
            let at: SocketAddr = text.parse().unwrap();
            assert_eq!(DestKey::from(at).to_socket_addr().to_string(), text);
            let service = ServiceKey::udp(at);
            assert_eq!(service.to_socket_addr(), Some(at));
            assert_eq!(service.family() == Family::V4, at.is_ipv4());
        }
        assert_eq!(
            ServiceKey::tcp(([192, 0, 2, 1], 80)),
            ServiceKey::Address {
                family: Family::V4,
                protocol: Protocol::TCP,
                addr: Addr::from_v4([192, 0, 2, 1]),
                port: 80,
            }
        );
        assert_eq!(DestKey::from(IpAddr::from([10, 0, 0, 2])).port, 0);
        assert_eq!(ServiceKey::from_mark(Family::V6, 7).to_socket_addr(), None);
    }

    #[test]
    fn the_mark_0_is_none() {
        let none = ServiceKey::from_mark(Family::V4, 0);
        assert_eq!(none, ServiceKey::tcp(([0, 0, 0, 0], 0)));
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Connections, as kernels with the additions of `ipvs_rs` tell and end them.

use std::net::{IpAddr, SocketAddr};

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::uapi::additions::{conn, top};

use crate::attributes::Attributes;
use crate::key::{parts, ServiceKey};
use crate::protocol::Protocol;
use crate::request::{put_addr, put_service};

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(from = "crate::stored::End", into = "crate::stored::End")
)]
#[non_exhaustive]
pub struct Side {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port, in host order; 0 of the client of a persistence template.
    pub port: u16,
}

impl Side {
    /// An address, which is of this family, and a port.
    pub const fn new(family: Family, addr: Addr, port: u16) -> Self {
        Self { family, addr, port }
    }

    /// The address and port.
    pub fn to_socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.addr.to_ip(self.family), self.port)
    }
}

impl From<SocketAddr> for Side {
    fn from(at: SocketAddr) -> Self {
        let (family, addr, port) = parts(at);
        Self { family, addr, port }
    }
}

/// A connection, or a persistence template.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Connection {
    /// The transport protocol; number 0 of a template of a firewall mark.
    pub protocol: Protocol,
    /// The client; of a template with a netmask, the network.
    pub client: Side,
    /// The virtual service; of a template of a firewall mark, the mark in the last four bytes.
    pub service: Side,
    /// The real server.
    pub server: Side,
    /// The state, as `/proc/net/ip_vs_conn` has it.
    pub state: String,
    /// `IP_VS_CONN_F_*` of `<linux/ip_vs.h>`.
    pub flags: u32,
    /// Seconds until it ends if there are no more packets.
    pub expires: u32,
    /// Packets from the client.
    pub packets_in: u32,
    /// The name of the persistence engine, and what that knows the client by.
    pub engine: Option<(String, Vec<u8>)>,
}

/// An address, with a port or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(from = "crate::stored::Filter", into = "crate::stored::Filter")
)]
#[non_exhaustive]
pub struct SideFilter {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port.
    pub port: Option<u16>,
}

impl SideFilter {
    /// An address, with a port or any.
    pub fn new(ip: IpAddr, port: Option<u16>) -> Self {
        Self {
            family: Family::of(ip),
            addr: ip.into(),
            port,
        }
    }
}

impl From<IpAddr> for SideFilter {
    /// This address with any port.
    fn from(ip: IpAddr) -> Self {
        Self::new(ip, None)
    }
}

impl From<SocketAddr> for SideFilter {
    fn from(at: SocketAddr) -> Self {
        Self::new(at.ip(), Some(at.port()))
    }
}

impl From<Side> for SideFilter {
    fn from(side: Side) -> Self {
        side.to_socket_addr().into()
    }
}

/// Which connections are meant: those for which all that is given here is so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct ConnectionFilter {
    /// Of this service.
    pub of: Option<ServiceKey>,
    /// Of this transport protocol.
    pub protocol: Option<Protocol>,
    /// From this client.
    pub client: Option<SideFilter>,
    /// To this virtual address.
    pub service: Option<SideFilter>,
    /// To this real server.
    pub server: Option<SideFilter>,
    /// In this state.
    pub state: Option<String>,
}

impl ConnectionFilter {
    /// The same, of this transport protocol only.
    #[must_use]
    pub const fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// The same, of this service only.
    #[must_use]
    pub const fn with_service(mut self, key: ServiceKey) -> Self {
        self.of = Some(key);
        self
    }

    /// The same, from this client only: an address, or one with a port.
    #[must_use]
    pub fn with_client(mut self, client: impl Into<SideFilter>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// The same, to this real server only: an address, or one with a port.
    #[must_use]
    pub fn with_server(mut self, server: impl Into<SideFilter>) -> Self {
        self.server = Some(server.into());
        self
    }

    /// The connection with the protocol and the ends of this one, and no other.
    pub fn only(connection: &Connection) -> Self {
        Self {
            protocol: Some(connection.protocol),
            client: Some(connection.client.into()),
            service: Some(connection.service.into()),
            server: Some(connection.server.into()),
            ..Self::default()
        }
    }

    /// Whether all connections are meant.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The attributes that say so.
    pub(crate) fn attributes(&self) -> Result<Attributes, Full> {
        let mut out = Attributes::default();
        if let Some(key) = &self.of {
            put_service(&mut out, key)?;
        }
        let within = Self {
            of: None,
            ..self.clone()
        };
        if !within.is_everything() {
            out.nest(top::CONN, |out| within.put(out))?;
        }
        Ok(out)
    }

    fn put(&self, out: &mut Attributes) -> Result<(), Full> {
        if let Some(protocol) = self.protocol {
            out.put_u16(conn::PROTOCOL, protocol.number())?;
        }
        let sides = [
            (&self.client, conn::CLIENT_ADDR, conn::CLIENT_PORT),
            (&self.service, conn::VIRTUAL_ADDR, conn::VIRTUAL_PORT),
            (&self.server, conn::SERVER_ADDR, conn::SERVER_PORT),
        ];
        for (side, addr, port) in sides {
            let Some(side) = side else { continue };
            put_addr(out, addr, side.family, side.addr)?;
            if let Some(number) = side.port {
                out.put_be16(port, number)?;
            }
        }
        match &self.state {
            Some(state) => out.put(conn::STATE, &[state.as_bytes(), &[0]].concat()),
            None => Ok(()),
        }
    }
}

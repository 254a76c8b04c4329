// SPDX-License-Identifier: GPL-2.0

//! Connections, as kernels with the additions of `ipvs_rs` tell and end them.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::config::ServiceKey;
use ipvs_core::uapi::additions::{conn, top};

use crate::attributes::Attributes;
use crate::request::{put_addr, put_service};

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port, in host order; 0 of the client of a persistence template.
    pub port: u16,
}

/// A connection, or a persistence template.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The number of the transport protocol; 0 of a template of a firewall mark.
    pub protocol: u16,
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
pub struct SideFilter {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port.
    pub port: Option<u16>,
}

/// Which connections are meant: those for which all that is given here is so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Of this service.
    pub of: Option<ServiceKey>,
    /// Of this transport protocol.
    pub protocol: Option<u16>,
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
    /// The connection with the protocol and the ends of this one, and no other.
    pub fn only(connection: &Connection) -> Self {
        let side = |side: &Side| {
            Some(SideFilter {
                family: side.family,
                addr: side.addr,
                port: Some(side.port),
            })
        };
        Self {
            protocol: Some(connection.protocol),
            client: side(&connection.client),
            service: side(&connection.service),
            server: side(&connection.server),
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
            out.put_u16(conn::PROTOCOL, protocol)?;
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

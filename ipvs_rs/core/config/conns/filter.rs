// SPDX-License-Identifier: GPL-2.0

//! The connections that a client asks for.

use super::{ConnView, STATE_MAX};
use crate::addr::{Addr, Family};
use crate::config::{request, Error, Name, ServiceKey};
use crate::nla::{Attributes, Kind};
use crate::uapi::additions::{conn, top, ALL};
use crate::uapi::top::SERVICE;

const REQUEST: [Kind; 17] = {
    let mut kinds = [Kind::Any; 17];
    let [service, .., conn, flags] = &mut kinds;
    *service = Kind::Nested;
    *conn = Kind::Nested;
    *flags = Kind::U32;
    kinds
};

const CONN: [Kind; 9] = [
    Kind::U16,                  // FAMILY
    Kind::U16,                  // PROTOCOL
    Kind::Binary(16),           // CLIENT_ADDR
    Kind::U16,                  // CLIENT_PORT
    Kind::Binary(16),           // VIRTUAL_ADDR
    Kind::U16,                  // VIRTUAL_PORT
    Kind::Binary(16),           // SERVER_ADDR
    Kind::U16,                  // SERVER_PORT
    Kind::NulString(STATE_MAX), // STATE
];

/// A filter of connections: it takes those that have all the values which the client gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    service: Option<ServiceKey>,
    family: Option<Family>,
    protocol: Option<u16>,
    client: Option<(Family, Addr)>,
    client_port: Option<u16>,
    virtual_addr: Option<(Family, Addr)>,
    virtual_port: Option<u16>,
    server: Option<(Family, Addr)>,
    server_port: Option<u16>,
    state: Option<Name>,
    all: bool,
}

impl Filter {
    /// Reads what follows the generic netlink header.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Missing`], [`Error::UnsupportedFamily`] or
    /// [`Error::AddressLength`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let request = Attributes::parse(bytes, &REQUEST).map_err(|_| Error::Malformed)?;
        let nest = request.bytes(top::CONN).unwrap_or_default();
        let wanted = Attributes::parse(nest, &CONN).map_err(|_| Error::Malformed)?;
        let family = wanted.u16(conn::FAMILY).map(Family::from_af);
        Ok(Self {
            service: request
                .bytes(SERVICE)
                .map(request::service_key)
                .transpose()?,
            family: family
                .map(|known| known.ok_or(Error::UnsupportedFamily))
                .transpose()?,
            protocol: wanted.u16(conn::PROTOCOL),
            client: addr(&wanted, conn::CLIENT_ADDR)?,
            client_port: wanted.be16(conn::CLIENT_PORT),
            virtual_addr: addr(&wanted, conn::VIRTUAL_ADDR)?,
            virtual_port: wanted.be16(conn::VIRTUAL_PORT),
            server: addr(&wanted, conn::SERVER_ADDR)?,
            server_port: wanted.be16(conn::SERVER_PORT),
            state: wanted
                .string(conn::STATE)
                .map(|name| Name::new(name).ok_or(Error::Malformed))
                .transpose()?,
            all: request.u32(top::FLAGS).unwrap_or(0) & ALL != 0,
        })
    }

    /// Whether the client gave any value, or asked for all connections.
    pub fn is_deliberate(&self) -> bool {
        *self != Self::default()
    }

    /// Whether the client asks for this connection.
    pub fn takes(&self, conn: &ConnView<'_>) -> bool {
        fn is<T: PartialEq>(wanted: Option<T>, found: T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        let tuple = &conn.tuple;
        is(self.service, conn.service)
            && is(self.family, tuple.family)
            && is(self.protocol, tuple.protocol.into())
            && is(self.client, (tuple.family, tuple.src))
            && is(self.client_port, tuple.sport)
            && is(self.virtual_addr, (tuple.family, tuple.dst))
            && is(self.virtual_port, tuple.dport)
            && is(self.server, conn.server)
            && is(self.server_port, conn.server_port)
            && self
                .state
                .is_none_or(|state| state.as_bytes() == conn.state.as_bytes())
    }
}

/// The address in an attribute. Its length tells the family.
fn addr(attributes: &Attributes<'_, 9>, kind: u16) -> Result<Option<(Family, Addr)>, Error> {
    let Some(bytes) = attributes.bytes(kind) else {
        return Ok(None);
    };
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| (Family::V4, Addr::from_v4(bytes)));
    let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| (Family::V6, Addr::from_v6(bytes)));
    v4.or(v6).map(Some).map_err(|_| Error::AddressLength)
}

// SPDX-License-Identifier: GPL-2.0

//! Connections, as clients ask for them and are told of them: see `include/uapi/ipvs_rs.h`.

use super::{
    reply::{AttributeSink, Full},
    request, Error, Name, ServiceKey,
};
use crate::addr::{Addr, Family};
use crate::conn::ConnFlags;
use crate::flow::Tuple;
use crate::nla::{Attributes, Kind, NESTED};
use crate::uapi::additions::{conn, top, ALL};
use crate::uapi::top::SERVICE;

/// The longest name of a state.
pub const STATE_MAX: usize = 15;

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

/// A connection or template as a client is told of it.
#[derive(Clone, Copy, Debug)]
pub struct ConnView {
    /// The ends of the client's packets.
    pub tuple: Tuple,
    /// The real server.
    pub server: (Family, Addr),
    /// Its port.
    pub server_port: u16,
    /// The name of the state.
    pub state: &'static str,
    /// The flags.
    pub flags: ConnFlags,
    /// Seconds until it ends if there are no more packets.
    pub expires: u32,
    /// Packets from the client.
    pub packets: u32,
    /// The service that it was scheduled by.
    pub service: ServiceKey,
}

/// Which connections a client asks for: those that have all the values that are given.
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

/// The bytes of an address, as many as its family has.
fn put_addr<S: AttributeSink>(
    sink: &mut S,
    kind: u16,
    (family, addr): (Family, Addr),
) -> Result<(), Full> {
    match family {
        Family::V4 => sink.put(kind, &addr.v4()),
        Family::V6 => sink.put(kind, &addr.octets()),
    }
}

/// An address, of the family that its length tells.
fn addr(attributes: &Attributes<'_, 9>, kind: u16) -> Result<Option<(Family, Addr)>, Error> {
    let Some(bytes) = attributes.bytes(kind) else {
        return Ok(None);
    };
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| (Family::V4, Addr::from_v4(bytes)));
    let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| (Family::V6, Addr::from_v6(bytes)));
    v4.or(v6).map(Some).map_err(|_| Error::AddressLength)
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

    /// Whether the client says which connections he means, be it that he means all.
    pub fn is_deliberate(&self) -> bool {
        *self != Self::default()
    }

    /// Whether a connection is asked for.
    pub fn takes(&self, conn: &ConnView) -> bool {
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

/// Adds a connection, and what identifies its service.
///
/// # Errors
///
/// [`Full`].
pub fn put<S: AttributeSink>(sink: &mut S, view: &ConnView) -> Result<(), Full> {
    super::event::service_key(sink, &view.service)?;
    sink.nest(top::CONN | NESTED, |sink| {
        let tuple = &view.tuple;
        sink.put_u16(conn::FAMILY, tuple.family.af())?;
        sink.put_u16(conn::PROTOCOL, tuple.protocol.into())?;
        put_addr(sink, conn::CLIENT_ADDR, (tuple.family, tuple.src))?;
        sink.put_be16(conn::CLIENT_PORT, tuple.sport)?;
        put_addr(sink, conn::VIRTUAL_ADDR, (tuple.family, tuple.dst))?;
        sink.put_be16(conn::VIRTUAL_PORT, tuple.dport)?;
        put_addr(sink, conn::SERVER_ADDR, view.server)?;
        sink.put_be16(conn::SERVER_PORT, view.server_port)?;
        if let Some(name) = Name::new(view.state.as_bytes()) {
            sink.put_name(conn::STATE, &name)?;
        }
        let (family, _) = view.server;
        sink.put_u16(conn::SERVER_FAMILY, family.af())?;
        sink.put_u32(conn::FLAGS, view.flags.bits())?;
        sink.put_u32(conn::EXPIRES, view.expires)?;
        sink.put_u32(conn::IN_PACKETS, view.packets)
    })
}

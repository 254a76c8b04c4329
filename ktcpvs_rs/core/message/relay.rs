// SPDX-License-Identifier: GPL-2.0

//! A relay, and which relays a request means.

use ipvs_core::{
    addr::{Addr, Family},
    config::reply::{AttributeSink, Full},
    nla::{Attributes, Kind},
};

use super::{addr, put_addr, put_string, Endpoint, Error};
use crate::uapi::relay as kind;

const CLIENT: [u16; 2] = [kind::CLIENT_ADDR, kind::CLIENT_PORT];
const SERVER: [u16; 2] = [kind::SERVER_ADDR, kind::SERVER_PORT];
/// The longest state.
const STATE_MAX: usize = 15;
/// The longest state and its NUL.
const ROOM: usize = STATE_MAX.saturating_add(1);

/// By the numbers of the attributes.
const KINDS: [Kind; 9] = [
    Kind::Binary(16),
    Kind::U16,
    Kind::Binary(16),
    Kind::U16,
    Kind::NulString(STATE_MAX),
    Kind::U32,
    Kind::AtLeast(8),
    Kind::AtLeast(8),
    Kind::U32,
];

fn parse(nest: &[u8]) -> Result<Attributes<'_, 9>, Error> {
    Attributes::parse(nest, &KINDS)
        .map_err(|_| Error::Malformed("an attribute of a relay is not of its kind"))
}

/// A relay, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay<'a> {
    /// The client.
    pub client: Endpoint,
    /// The server, if there is a connection to one, or one is being made.
    pub server: Option<Endpoint>,
    /// See [`Relay::state`](crate::relay::Relay::state).
    pub state: &'a [u8],
    /// So many seconds ago the client has connected.
    pub age: u32,
    /// Bytes from the client.
    pub bytes_in: u64,
    /// Bytes to the client.
    pub bytes_out: u64,
    /// Requests, or connections of which nothing is read, for which a server was chosen.
    pub requests: u32,
}

impl<'a> Relay<'a> {
    /// Reads a nest.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn read(nest: &'a [u8]) -> Result<Self, Error> {
        let found = parse(nest)?;
        let bytes = |kind| {
            let found = found.bytes(kind).and_then(<[u8]>::first_chunk);
            found.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let at = |at| Part::read(&found, at).map(Part::endpoint);
        Ok(Self {
            client: at(CLIENT)?.ok_or(Error::Missing("a relay needs a client"))?,
            server: at(SERVER)?,
            state: found.string(kind::STATE).unwrap_or_default(),
            age: found.u32(kind::AGE).unwrap_or(0),
            bytes_in: bytes(kind::IN),
            bytes_out: bytes(kind::OUT),
            requests: found.u32(kind::REQUESTS).unwrap_or(0),
        })
    }

    /// Writes the attributes.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for them.
    pub fn write(&self, out: &mut impl AttributeSink) -> Result<(), Full> {
        Part::of(&self.client).write(out, CLIENT)?;
        if let Some(server) = &self.server {
            Part::of(server).write(out, SERVER)?;
        }
        put_string::<ROOM>(out, kind::STATE, self.state)?;
        out.put_u32(kind::AGE, self.age)?;
        out.put_u64(kind::IN, self.bytes_in, kind::PAD)?;
        out.put_u64(kind::OUT, self.bytes_out, kind::PAD)?;
        out.put_u32(kind::REQUESTS, self.requests)
    }
}

/// An address and a port, of which each may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The address.
    pub addr: Option<(Family, Addr)>,
    /// The port.
    pub port: Option<u16>,
}

impl Part {
    /// Both of them.
    pub const fn of(at: &Endpoint) -> Self {
        Self {
            addr: Some((at.family, at.addr)),
            port: Some(at.port),
        }
    }

    fn endpoint(self) -> Option<Endpoint> {
        let ((family, addr), port) = (self.addr?, self.port?);
        Some(Endpoint { family, addr, port })
    }

    fn read(found: &Attributes<'_, 9>, [at, port]: [u16; 2]) -> Result<Self, Error> {
        Ok(Self {
            addr: found.bytes(at).map(addr).transpose()?,
            port: found.be16(port),
        })
    }

    fn write(&self, out: &mut impl AttributeSink, [at, port]: [u16; 2]) -> Result<(), Full> {
        if let Some((family, addr)) = self.addr {
            put_addr(out, at, family, addr)?;
        }
        match self.port {
            Some(value) => out.put_be16(port, value),
            None => Ok(()),
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an endpoint has all that is said. Where nothing is said, none is needed.
    fn matches(&self, at: Option<&Endpoint>) -> bool {
        let Some(at) = at else {
            return self.is_nothing();
        };
        self.addr.is_none_or(|addr| addr == (at.family, at.addr))
            && self.port.is_none_or(|port| port == at.port)
    }
}

/// Which relays a request means: those that have all that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayFilter {
    /// Of the client.
    pub client: Part,
    /// Of the server.
    pub server: Part,
}

impl RelayFilter {
    /// Reads a nest.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn read(nest: &[u8]) -> Result<Self, Error> {
        let found = parse(nest)?;
        Ok(Self {
            client: Part::read(&found, CLIENT)?,
            server: Part::read(&found, SERVER)?,
        })
    }

    /// Writes the attributes.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for them.
    pub fn write(&self, out: &mut impl AttributeSink) -> Result<(), Full> {
        self.client.write(out, CLIENT)?;
        self.server.write(out, SERVER)
    }

    /// Whether nothing is said, so that all relays are meant.
    pub fn is_all(&self) -> bool {
        self.client.is_nothing() && self.server.is_nothing()
    }

    /// Whether a relay is meant.
    pub fn matches(&self, client: &Endpoint, server: Option<&Endpoint>) -> bool {
        self.client.matches(Some(client)) && self.server.matches(server)
    }
}

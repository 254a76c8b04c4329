// SPDX-License-Identifier: GPL-2.0

//! What messages of the netlink family say: [`uapi`](crate::uapi) has the numbers.
//!
//! Both sides use this. The kernel has checked the form of a request by its policy before it is read here, and a client checks nothing
//! before; so each reader is total, and refuses what is no value.

mod event;
mod relay;
mod rule;
mod server;
mod service;

pub use event::Action;
pub use relay::{Part, Relay, RelayFilter};
pub use rule::Rule;
pub use server::Server;
pub use service::{Number, Service};

use ipvs_core::{
    addr::{Addr, Family},
    config::reply::{AttributeSink, Full},
};

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An attribute is not of its kind, or has a value that nothing has; `EINVAL`.
    Malformed(&'static str),
    /// An attribute that is needed is missing; `EINVAL`.
    Missing(&'static str),
}

impl Error {
    /// What is wrong.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed(text) | Self::Missing(text) => text,
        }
    }
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The family of the address.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port.
    pub port: u16,
}

/// An address of 4 or 16 bytes.
fn addr(bytes: &[u8]) -> Result<(Family, Addr), Error> {
    let family = match bytes.len() {
        4 => Family::V4,
        16 => Family::V6,
        _ => return Err(Error::Malformed("an address has neither 4 nor 16 bytes")),
    };
    let addr = Addr::from_wire(bytes).ok_or(Error::Malformed("an address is too long"))?;
    Ok((family, addr))
}

/// An address of the family that another attribute names.
fn addr_of(family: Option<u16>, bytes: &[u8]) -> Result<(Family, Addr), Error> {
    let (found, addr) = addr(bytes)?;
    match family {
        Some(af) if Family::from_af(af) != Some(found) => Err(Error::Malformed(
            "an address has not as many bytes as its family has",
        )),
        _ => Ok((found, addr)),
    }
}

/// The address and the port that the attributes of these numbers say.
fn endpoint<const N: usize>(
    found: &ipvs_core::nla::Attributes<'_, N>,
    [family, at, port]: [u16; 3],
) -> Result<Endpoint, Error> {
    let bytes = found
        .bytes(at)
        .ok_or(Error::Missing("a server needs an address"))?;
    let port = found.be16(port).filter(|port| *port != 0);
    let port = port.ok_or(Error::Missing("a server needs a port"))?;
    let (family, addr) = addr_of(found.u16(family), bytes)?;
    Ok(Endpoint { family, addr, port })
}

fn put_endpoint(
    out: &mut impl AttributeSink,
    [family, at, port]: [u16; 3],
    endpoint: &Endpoint,
) -> Result<(), Full> {
    out.put_u16(family, endpoint.family.af())?;
    put_addr(out, at, endpoint.family, endpoint.addr)?;
    out.put_be16(port, endpoint.port)
}

fn put_addr(
    out: &mut impl AttributeSink,
    kind: u16,
    family: Family,
    addr: Addr,
) -> Result<(), Full> {
    match family {
        Family::V4 => out.put(kind, &addr.v4()),
        Family::V6 => out.put(kind, &addr.octets()),
    }
}

/// A string with the NUL behind it.
fn put_string<const N: usize>(
    out: &mut impl AttributeSink,
    kind: u16,
    text: &[u8],
) -> Result<(), Full> {
    let mut room = [0; N];
    for (to, from) in room.iter_mut().zip(text) {
        *to = *from;
    }
    let len = text.len().saturating_add(1);
    out.put(kind, room.get(..len).ok_or(Full)?)
}

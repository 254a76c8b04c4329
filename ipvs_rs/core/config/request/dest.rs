// SPDX-License-Identifier: GPL-2.0

//! The nest that describes a real server.

use super::{addr_of, family, read};
use crate::addr::Family;
use crate::config::{DestKey, DestSpec, Error, Tunnel};
use crate::conn::Method;
use crate::nla::{Attributes, Kind};
use crate::uapi::{self, dest as dst};

const POLICY: [Kind; 15] = [
    Kind::Binary(16), // ADDR
    Kind::U16,        // PORT
    Kind::U32,        // FWD_METHOD
    Kind::U32,        // WEIGHT
    Kind::U32,        // U_THRESH
    Kind::U32,        // L_THRESH
    Kind::U32,        // ACTIVE_CONNS
    Kind::U32,        // INACT_CONNS
    Kind::U32,        // PERSIST_CONNS
    Kind::Nested,     // STATS
    Kind::U16,        // ADDR_FAMILY
    Kind::Any,        // STATS64
    Kind::U8,         // TUN_TYPE
    Kind::U16,        // TUN_PORT
    Kind::U16,        // TUN_FLAGS
];

/// The attributes that identify a real server, before the address family is known.
struct DestIdentity {
    /// The address in network order; the missing bytes are zero.
    addr: [u8; 16],
    /// The port, in host order.
    port: u16,
    /// The number of the address family; 0 for that of the service.
    af: u16,
}

impl DestIdentity {
    fn parse(attributes: &Attributes<'_, 15>) -> Result<Self, Error> {
        Ok(Self {
            addr: attributes.padded(dst::ADDR).ok_or(Error::Missing)?,
            port: attributes.be16(dst::PORT).ok_or(Error::Missing)?,
            af: attributes.u16(dst::ADDR_FAMILY).unwrap_or(0),
        })
    }

    fn key(&self, service: Family) -> Result<DestKey, Error> {
        let family = match self.af {
            0 => service,
            af => family(af)?,
        };
        Ok(DestKey {
            family,
            addr: addr_of(family, self.addr),
            port: self.port,
        })
    }
}

/// The real server that a nest names. `service` is the address family of its service.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::UnsupportedFamily`], in this order.
pub fn dest_key(nest: &[u8], service: Family) -> Result<DestKey, Error> {
    let mut attributes = Attributes::none();
    read(&mut attributes, nest, &POLICY)?;
    DestIdentity::parse(&attributes)?.key(service)
}

/// The real server that a nest names, and its settings, for adding and changing a server.
///
/// `service` is the address family of its service. `syncing` says that a synchronisation daemon
/// runs.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`], [`Error::UnsupportedFamily`],
/// [`Error::MixedFamilies`], then those of [`DestSpec::new`].
pub fn dest(nest: &[u8], service: Family, syncing: bool) -> Result<(DestKey, DestSpec), Error> {
    let mut attributes = Attributes::none();
    read(&mut attributes, nest, &POLICY)?;
    let identity = DestIdentity::parse(&attributes)?;
    let number = |kind| attributes.u32(kind).ok_or(Error::Missing);
    let method = Method::from_bits(number(dst::FWD_METHOD)?);
    // CAST: the attribute is a signed number in disguise.
    let weight = number(dst::WEIGHT)? as i32;
    let upper = number(dst::U_THRESH)?;
    let lower = number(dst::L_THRESH)?;
    let tunnel = Tunnel {
        kind: attributes.u8(dst::TUN_TYPE).unwrap_or(uapi::tunnel::IPIP),
        port: attributes.be16(dst::TUN_PORT).unwrap_or(0),
        flags: attributes.u16(dst::TUN_FLAGS).unwrap_or(0),
    };
    let key = identity.key(service)?;
    if key.family != service && (syncing || method != Method::Tunnel) {
        return Err(Error::MixedFamilies);
    }
    Ok((key, DestSpec::new(method, weight, upper, lower, tunnel)?))
}

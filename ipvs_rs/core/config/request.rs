// SPDX-License-Identifier: GPL-2.0

//! From netlink attributes to valid requests.
//!
//! The C module checks in stages with lookups in between, and what it answers to a request with
//! several faults depends on their order. Each function here is one stage.

use super::{
    DaemonRole, DaemonSpec, DestKey, DestSpec, Error, FlagChange, Name, Netmask, Said, ServiceKey,
    ServiceSpec, TimeoutChange, Tunnel,
};
use crate::addr::{Addr, Family};
use crate::conn::Method;
use crate::nla::{Attributes, Kind};
use crate::proto;
use crate::uapi::{self, daemon, dest as dst, service as svc, top};

const REQUEST: [Kind; 6] = [
    Kind::Nested, // SERVICE
    Kind::Nested, // DEST
    Kind::Nested, // DAEMON
    Kind::U32,    // TIMEOUT_TCP
    Kind::U32,    // TIMEOUT_TCP_FIN
    Kind::U32,    // TIMEOUT_UDP
];

const SERVICE: [Kind; 12] = [
    Kind::U16,                                 // AF
    Kind::U16,                                 // PROTOCOL
    Kind::Binary(16),                          // ADDR
    Kind::U16,                                 // PORT
    Kind::U32,                                 // FWMARK
    Kind::NulString(uapi::SCHEDULER_NAME_MAX), // SCHED_NAME
    Kind::Binary(8),                           // FLAGS
    Kind::U32,                                 // TIMEOUT
    Kind::U32,                                 // NETMASK
    Kind::Nested,                              // STATS
    Kind::NulString(uapi::PE_NAME_MAX),        // PE_NAME
    Kind::Any,                                 // STATS64
];

const DEST: [Kind; 15] = [
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

const DAEMON: [Kind; 8] = [
    Kind::U32,                                 // STATE
    Kind::NulString(uapi::INTERFACE_NAME_MAX), // MCAST_IFN
    Kind::U32,                                 // SYNC_ID
    Kind::U16,                                 // SYNC_MAXLEN
    Kind::U32,                                 // MCAST_GROUP
    Kind::AtLeast(16),                         // MCAST_GROUP6
    Kind::U16,                                 // MCAST_PORT
    Kind::U8,                                  // MCAST_TTL
];

/// The top level of a request.
#[derive(Clone, Debug)]
pub struct Request<'a>(Attributes<'a, 6>);

impl<'a> Request<'a> {
    /// Reads what follows the generic netlink header.
    ///
    /// # Errors
    ///
    /// [`Error::Attribute`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let attributes = Attributes::parse(bytes, &REQUEST).map_err(Error::Attribute)?;
        Ok(Self(attributes))
    }

    /// The payload of the nest that describes a service.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn service(&self) -> Result<&'a [u8], Error> {
        self.0.bytes(top::SERVICE).ok_or(Error::Missing)
    }

    /// The payload of the nest that describes a real server.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn dest(&self) -> Result<&'a [u8], Error> {
        self.0.bytes(top::DEST).ok_or(Error::Missing)
    }

    /// The payload of the nest that describes a synchronisation daemon.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`].
    pub fn daemon(&self) -> Result<&'a [u8], Error> {
        self.0.bytes(top::DAEMON).ok_or(Error::Missing)
    }

    /// The timeouts, where a missing one changes nothing.
    ///
    /// # Errors
    ///
    /// See [`TimeoutChange::new`].
    pub fn timeouts(&self, hz: u32) -> Result<TimeoutChange, Error> {
        let seconds = |kind| self.0.u32(kind).unwrap_or(0);
        TimeoutChange::new(
            seconds(top::TIMEOUT_TCP),
            seconds(top::TIMEOUT_TCP_FIN),
            seconds(top::TIMEOUT_UDP),
            hz,
        )
    }
}

fn parse<'a, const N: usize>(
    bytes: &'a [u8],
    policy: &[Kind; N],
) -> Result<Attributes<'a, N>, Error> {
    Attributes::parse(bytes, policy).map_err(|_| Error::Malformed)
}

/// An address of a family. As the C module does: of more than four bytes IPv4 takes the first.
fn addr_of(family: Family, bytes: [u8; 16]) -> Addr {
    let addr = Addr::from_v6(bytes);
    match family {
        Family::V4 => Addr::from_v4(addr.v4()),
        Family::V6 => addr,
    }
}

fn family(af: u16) -> Result<Family, Error> {
    Family::from_af(af).ok_or(Error::UnsupportedFamily)
}

/// Which service a nest names.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::UnsupportedFamily`], in this order.
pub fn service_key(nest: &[u8]) -> Result<ServiceKey, Error> {
    service_key_in(&parse(nest, &SERVICE)?)
}

fn service_key_in(attributes: &Attributes<'_, 12>) -> Result<ServiceKey, Error> {
    let af = attributes.u16(svc::AF).ok_or(Error::Missing)?;
    if let Some(mark) = attributes.u32(svc::FWMARK) {
        return Ok(ServiceKey::from_mark(family(af)?, mark));
    }
    let protocol = attributes.u16(svc::PROTOCOL).ok_or(Error::Missing)?;
    let addr = attributes.padded(svc::ADDR).ok_or(Error::Missing)?;
    let port = attributes.be16(svc::PORT).ok_or(Error::Missing)?;
    let family = family(af)?;
    Ok(ServiceKey::Address {
        family,
        protocol,
        addr: addr_of(family, addr),
        port,
    })
}

/// A whole service, for adding and changing.
///
/// # Errors
///
/// Those of [`service_key`], then [`Error::Missing`]. See also [`Netmask::check`].
pub fn service(nest: &[u8]) -> Result<(ServiceKey, ServiceSpec), Error> {
    let attributes = parse(nest, &SERVICE)?;
    let key = service_key_in(&attributes)?;
    let scheduler = attributes.string(svc::SCHED_NAME).ok_or(Error::Missing)?;
    let flags: [u8; 8] = attributes.padded(svc::FLAGS).ok_or(Error::Missing)?;
    let [v0, v1, v2, v3, m0, m1, m2, m3] = flags;
    let spec = ServiceSpec {
        scheduler: if scheduler == uapi::NO_SCHEDULER {
            None
        } else {
            Some(Name::new(scheduler).ok_or(Error::Malformed)?)
        },
        pe: attributes
            .string(svc::PE_NAME)
            .filter(|name| !name.is_empty())
            .map(|name| Name::new(name).ok_or(Error::Malformed))
            .transpose()?,
        flags: FlagChange {
            value: u32::from_ne_bytes([v0, v1, v2, v3]),
            mask: u32::from_ne_bytes([m0, m1, m2, m3]),
        },
        timeout: attributes.u32(svc::TIMEOUT).ok_or(Error::Missing)?,
        netmask: Netmask(attributes.padded(svc::NETMASK).ok_or(Error::Missing)?),
        said: Said {
            protocol: proto::TCP.into(),
            addr: Addr::ZERO,
            port: 0,
        },
    };
    Ok((key, spec))
}

/// What all requests about a real server say.
struct DestIdentity {
    addr: [u8; 16],
    port: u16,
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

/// Which real server of a service of the family `service` a nest names.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::UnsupportedFamily`], in this order.
pub fn dest_key(nest: &[u8], service: Family) -> Result<DestKey, Error> {
    DestIdentity::parse(&parse(nest, &DEST)?)?.key(service)
}

/// A whole real server, for adding to a service of the family `service` and for changing.
///
/// `syncing` says that a synchronisation daemon runs.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`], [`Error::UnsupportedFamily`],
/// [`Error::MixedFamilies`], then those of [`DestSpec::new`].
pub fn dest(nest: &[u8], service: Family, syncing: bool) -> Result<(DestKey, DestSpec), Error> {
    let attributes = parse(nest, &DEST)?;
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

/// Which synchronisation daemon a nest names, for stopping it.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::DaemonRole`].
pub fn daemon_role(nest: &[u8]) -> Result<DaemonRole, Error> {
    let state = parse(nest, &DAEMON)?.u32(daemon::STATE);
    DaemonRole::from_number(state.ok_or(Error::Missing)?).ok_or(Error::DaemonRole)
}

/// A whole synchronisation daemon, for starting it.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::NotMulticast`]. See also
/// [`DaemonSpec::role`].
pub fn daemon(nest: &[u8]) -> Result<DaemonSpec, Error> {
    let attributes = parse(nest, &DAEMON)?;
    let state = attributes.u32(daemon::STATE).ok_or(Error::Missing)?;
    let interface = attributes.string(daemon::MCAST_IFN).ok_or(Error::Missing)?;
    let sync_id = attributes.u32(daemon::SYNC_ID).ok_or(Error::Missing)?;
    let group = if let Some(group) = attributes.padded::<4>(daemon::MCAST_GROUP) {
        let [first, ..] = group;
        // RFC 5771: 224.0.0.0/4.
        if first & 0xF0 != 0xE0 {
            return Err(Error::NotMulticast);
        }
        Some((Family::V4, Addr::from_v4(group)))
    } else if let Some(group) = attributes.padded::<16>(daemon::MCAST_GROUP6) {
        let [first, ..] = group;
        // RFC 4291, section 2.7: ff00::/8.
        if first != 0xFF {
            return Err(Error::NotMulticast);
        }
        Some((Family::V6, Addr::from_v6(group)))
    } else {
        None
    };
    Ok(DaemonSpec {
        state,
        interface: Name::new(interface).ok_or(Error::Malformed)?,
        sync_id,
        max_len: attributes.u16(daemon::SYNC_MAXLEN).unwrap_or(0),
        group,
        port: attributes.u16(daemon::MCAST_PORT).unwrap_or(0),
        ttl: attributes.u8(daemon::MCAST_TTL).unwrap_or(0),
    })
}

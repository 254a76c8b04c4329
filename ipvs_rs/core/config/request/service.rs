// SPDX-License-Identifier: GPL-2.0

//! The nest that describes a virtual service.

use super::{addr_of, family, read};
use crate::addr::Addr;
use crate::config::{Error, FlagChange, Name, Netmask, NominalTarget, ServiceKey, ServiceSpec};
use crate::nla::{Attributes, Kind};
use crate::uapi::{self, service as svc};
use crate::wire::protocol::TCP;

const POLICY: [Kind; 12] = [
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

/// The service that a nest names.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::Missing`] or [`Error::UnsupportedFamily`], in this order.
pub fn service_key(nest: &[u8]) -> Result<ServiceKey, Error> {
    let mut attributes = Attributes::none();
    read(&mut attributes, nest, &POLICY)?;
    service_key_in(&attributes)
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

/// The service that a nest names, and its settings, for adding and changing a service.
///
/// # Errors
///
/// Those of [`service_key`], then [`Error::Missing`]. See also [`Netmask::check`].
pub fn service(nest: &[u8]) -> Result<(ServiceKey, ServiceSpec), Error> {
    let mut attributes = Attributes::none();
    read(&mut attributes, nest, &POLICY)?;
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
        nominal: NominalTarget {
            protocol: TCP.into(),
            addr: Addr::ZERO,
            port: 0,
        },
    };
    Ok((key, spec))
}

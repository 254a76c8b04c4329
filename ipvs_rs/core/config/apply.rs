// SPDX-License-Identifier: GPL-2.0

//! A whole table in one message: see `APPLY` in `include/uapi/ipvs_rs.h`.
//!
//! The kernel has checked the policy of the command before. The checks here are those that a policy
//! cannot express. Values without a meaning, which the C module accepts, are rejected.

use super::{request, DestKey, DestSpec, Error, ServiceKey, ServiceSpec};
use crate::addr::Family;
use crate::nla::Iter;
use crate::proto;
use crate::uapi::{additions, dest as dst, service as svc, service_flags as flags, top};

/// The flags of a service that have a meaning.
const KNOWN_FLAGS: u32 = flags::PERSISTENT
    | flags::HASHED
    | flags::ONE_PACKET
    | flags::SCHED1
    | flags::SCHED2
    | flags::SCHED3;

/// An item of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The payload of the nest of a service.
    Service(&'a [u8]),
    /// The payload of the nest of a real server. It belongs to the last service before it.
    Dest(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The payload of the nest.
    pub const fn payload(self) -> &'a [u8] {
        match self {
            Self::Service(payload) | Self::Dest(payload) => payload,
        }
    }
}

/// The items of the list, in order, in what follows the generic netlink header.
pub fn items(bytes: &[u8]) -> impl Iterator<Item = Item<'_>> {
    Iter::new(bytes).filter_map(|(kind, payload)| match kind {
        top::SERVICE => Some(Item::Service(payload)),
        top::DEST => Some(Item::Dest(payload)),
        _ => None,
    })
}

/// Whether the list is the whole table, so that services which are not in it are deleted.
pub fn is_whole_table(bytes: &[u8]) -> bool {
    Iter::new(bytes).any(|(kind, payload)| {
        let flags = payload.first_chunk().copied().map(u32::from_ne_bytes);
        kind == additions::top::FLAGS && flags.is_some_and(|flags| flags & additions::ALL != 0)
    })
}

/// Whether a nest holds an attribute.
fn has(nest: &[u8], attribute: u16) -> bool {
    Iter::new(nest).any(|(kind, _)| kind == attribute)
}

/// Checks that an address has as many bytes as its family, or 16 bytes, with which both families may
/// be sent.
fn check_length(nest: &[u8], attribute: u16, family: Family) -> Result<(), Error> {
    let mut all = Iter::new(nest).filter(|(kind, _)| *kind == attribute);
    let fits = all.all(|(_, payload)| match (family, payload.len()) {
        (Family::V4, 4) | (_, 16) => true,
        (Family::V4 | Family::V6, _) => false,
    });
    match fits {
        true => Ok(()),
        false => Err(Error::AddressLength),
    }
}

/// The service that a nest names, and its settings.
///
/// # Errors
///
/// Those of [`request::service`], [`Error::UnknownProtocol`], [`Error::Ambiguous`],
/// [`Error::UnknownFlags`], [`Error::AddressLength`], [`Error::Prefix`].
pub fn service(nest: &[u8]) -> Result<(ServiceKey, ServiceSpec), Error> {
    let (key, spec) = request::service(nest)?;
    let by_address = [svc::PROTOCOL, svc::ADDR, svc::PORT];
    match key {
        ServiceKey::Address { .. } if has(nest, svc::FWMARK) => return Err(Error::Ambiguous),
        ServiceKey::Mark { .. } if by_address.iter().any(|kind| has(nest, *kind)) => {
            return Err(Error::Ambiguous);
        }
        ServiceKey::Address { protocol, .. }
            if ![proto::TCP, proto::UDP, proto::SCTP]
                .map(u16::from)
                .contains(&protocol) =>
        {
            return Err(Error::UnknownProtocol);
        }
        ServiceKey::Address { .. } | ServiceKey::Mark { .. } => {}
    }
    check_length(nest, svc::ADDR, key.family())?;
    if spec.flags.value & spec.flags.mask & !KNOWN_FLAGS != 0 {
        return Err(Error::UnknownFlags);
    }
    spec.netmask.check(key.family())?;
    Ok((key, spec))
}

/// The real server that a nest names, and its settings. `service` is the address family of its
/// service, and `syncing` says that a synchronisation daemon runs.
///
/// # Errors
///
/// Those of [`request::dest`], [`Error::AddressLength`].
pub fn dest(nest: &[u8], service: Family, syncing: bool) -> Result<(DestKey, DestSpec), Error> {
    let (key, spec) = request::dest(nest, service, syncing)?;
    check_length(nest, dst::ADDR, key.family)?;
    Ok((key, spec))
}

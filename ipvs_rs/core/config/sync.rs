// SPDX-License-Identifier: GPL-2.0

//! The keys and the peers of the synchronisation daemons, and their state: see `include/uapi/ipvs_rs.h`.
//!
//! The kernel has checked the policies of the commands before. The checks here are those that a policy cannot express.

use core::net::IpAddr;

use super::{
    reply::{AttributeSink, Full},
    Error,
};
use crate::addr::Family;
use crate::nla::{Iter, NESTED};
use crate::sync::Authentication;
use crate::uapi::additions::{key, master, outcome, top};

/// The number of keys at most: the present one, and one that replaces it or was replaced.
pub const MOST_KEYS: usize = 2;

/// The number of peers at most.
pub const MOST_PEERS: usize = 8;

/// The payload of the first attribute of a kind.
fn first(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut found = Iter::new(bytes).filter(|(kind, _)| *kind == wanted);
    found.next().map(|(_, payload)| payload)
}

/// The authentication that is asked for.
///
/// # Errors
///
/// [`Error::Missing`], [`Error::Malformed`], or [`Error::NoKey`] if a code is asked for and the request has no key.
pub fn authentication(bytes: &[u8]) -> Result<Authentication, Error> {
    let number = first(bytes, top::AUTHENTICATION).ok_or(Error::Missing)?;
    let &[number] = number.first_chunk().ok_or(Error::Malformed)?;
    let wanted = Authentication::from_number(number).ok_or(Error::Malformed)?;
    if wanted != Authentication::Off && first(bytes, top::KEY).is_none() {
        return Err(Error::NoKey);
    }
    Ok(wanted)
}

/// The number of a key and its secret.
type Key<'a> = (u8, &'a [u8]);

fn key(nest: &[u8]) -> Result<Key<'_>, Error> {
    let number = first(nest, key::NUMBER).ok_or(Error::Missing)?;
    let &[number] = number.first_chunk().ok_or(Error::Malformed)?;
    let secret = first(nest, key::SECRET).ok_or(Error::Missing)?;
    Ok((number, secret))
}

/// The keys in a request, in their order: each number with its secret.
///
/// # Errors
///
/// [`Error::Missing`], [`Error::Malformed`] or [`Error::Keys`].
pub fn keys(bytes: &[u8]) -> Result<[Option<Key<'_>>; MOST_KEYS], Error> {
    let mut found = [None; MOST_KEYS];
    let nests = Iter::new(bytes).filter(|(kind, _)| *kind == top::KEY);
    for (_, nest) in nests {
        let (number, secret) = key(nest)?;
        if found.iter().flatten().any(|(known, _)| *known == number) {
            return Err(Error::Keys);
        }
        let place = found.iter_mut().find(|place| place.is_none());
        *place.ok_or(Error::Keys)? = Some((number, secret));
    }
    Ok(found)
}

/// The address of a peer.
fn peer(payload: &[u8]) -> Result<IpAddr, Error> {
    let addr = if let Ok(octets) = <[u8; 4]>::try_from(payload) {
        IpAddr::from(octets)
    } else if let Ok(octets) = <[u8; 16]>::try_from(payload) {
        IpAddr::from(octets)
    } else {
        return Err(Error::AddressLength);
    };
    let is_broadcast = matches!(addr, IpAddr::V4(addr) if addr.is_broadcast());
    match addr.is_unspecified() || addr.is_multicast() || is_broadcast {
        true => Err(Error::NotUnicast),
        false => Ok(addr),
    }
}

/// The peers in a request, and their family; [`None`] without any.
///
/// # Errors
///
/// [`Error::AddressLength`], [`Error::NotUnicast`], [`Error::ManyPeers`] or [`Error::PeerFamilies`].
pub fn peers(bytes: &[u8]) -> Result<Option<(Family, impl Iterator<Item = IpAddr> + '_)>, Error> {
    let all = || {
        let found = Iter::new(bytes).filter(|(kind, _)| *kind == top::PEER);
        found.map(|(_, payload)| peer(payload))
    };
    let mut family = None;
    for (number, addr) in (0..usize::MAX).zip(all()) {
        let of_this = family_of(addr?);
        if *family.get_or_insert(of_this) != of_this {
            return Err(Error::PeerFamilies);
        }
        if number >= MOST_PEERS {
            return Err(Error::ManyPeers);
        }
    }
    // Each of them is checked.
    Ok(family.map(|family| (family, all().filter_map(Result::ok))))
}

const fn family_of(addr: IpAddr) -> Family {
    match addr {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// Adds an address with as many bytes as its family has.
fn put_addr<S: AttributeSink>(sink: &mut S, kind: u16, addr: IpAddr) -> Result<(), Full> {
    match addr {
        IpAddr::V4(addr) => sink.put(kind, &addr.octets()),
        IpAddr::V6(addr) => sink.put(kind, &addr.octets()),
    }
}

/// Adds the authentication and the numbers of the keys, without their secrets.
///
/// # Errors
///
/// [`Full`].
pub fn put_keys<S: AttributeSink>(
    sink: &mut S,
    authentication: Authentication,
    numbers: impl Iterator<Item = u8>,
) -> Result<(), Full> {
    sink.put(top::AUTHENTICATION, &[authentication.number()])?;
    for number in numbers {
        sink.nest(top::KEY | NESTED, |sink| sink.put(key::NUMBER, &[number]))?;
    }
    Ok(())
}

/// Adds the peers.
///
/// # Errors
///
/// [`Full`].
pub fn put_peers<S: AttributeSink>(
    sink: &mut S,
    peers: impl Iterator<Item = IpAddr>,
) -> Result<(), Full> {
    for addr in peers {
        put_addr(sink, top::PEER, addr)?;
    }
    Ok(())
}

/// The length of the longest name of an event, in bytes.
const NAME_MAX: usize = 18;

/// Adds a kind of event and how many there were.
///
/// # Errors
///
/// [`Full`].
pub fn put_event<S: AttributeSink>(sink: &mut S, event: &str, total: u64) -> Result<(), Full> {
    let mut name = [0; NAME_MAX + 1];
    let places = name.iter_mut().take(NAME_MAX);
    places.zip(event.bytes()).for_each(|(to, byte)| *to = byte);
    let length = event.len().min(NAME_MAX);
    sink.nest(top::EVENTS | NESTED, |sink| {
        sink.put(outcome::NAME, name.get(..=length).unwrap_or(&name))?;
        sink.put(outcome::TOTAL, &total.to_ne_bytes())
    })
}

/// All that a client is told about a stream of a master.
#[derive(Clone, Copy, Debug)]
pub struct MasterView {
    /// The address that its datagrams come from.
    pub addr: IpAddr,
    /// The number of the master's thread.
    pub stream: u16,
    /// The second in which this run of the master began, since 1970.
    pub epoch: u32,
    /// Whether all connections that the master had are here.
    pub is_complete: bool,
    /// The number of datagrams that are missing.
    pub missing: u32,
    /// The time since its last message, in milliseconds.
    pub silence: u32,
}

/// Adds a stream of a master.
///
/// # Errors
///
/// [`Full`].
pub fn put_master<S: AttributeSink>(sink: &mut S, view: &MasterView) -> Result<(), Full> {
    sink.nest(top::MASTER | NESTED, |sink| {
        put_addr(sink, master::ADDR, view.addr)?;
        sink.put_u16(master::STREAM, view.stream)?;
        sink.put_u32(master::EPOCH, view.epoch)?;
        sink.put(master::COMPLETE, &[u8::from(view.is_complete)])?;
        sink.put_u32(master::MISSING, view.missing)?;
        sink.put_u32(master::SILENCE, view.silence)
    })
}

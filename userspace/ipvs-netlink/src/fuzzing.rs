// SPDX-License-Identifier: GPL-2.0

//! What reads the kernel's bytes, for the fuzz targets (`tests/fuzz`), which have no socket.

use ipvs_core::addr::Family;

use crate::error::Error;
use crate::message::{Content, Messages};
use crate::types::{Daemon, Dest, Info, Service};
use crate::{decode, Connection, Event, Timeouts};

/// The attributes of each answer in a datagram.
///
/// # Errors
///
/// If a message is cut off.
pub fn answers(datagram: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    for message in Messages::new(datagram) {
        if let Content::Answer(_, attributes) = message?.content()? {
            found.push(attributes.to_vec());
        }
    }
    Ok(found)
}

/// A service.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn service(attributes: &[u8]) -> Result<Service, Error> {
    decode::service(attributes)
}

/// A server of a service of this family.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn dest(attributes: &[u8], service: Family) -> Result<Dest, Error> {
    decode::dest(attributes, service)
}

/// A daemon.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn daemon(attributes: &[u8]) -> Result<Daemon, Error> {
    decode::daemon(attributes)
}

/// Version and table size.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn info(attributes: &[u8]) -> Result<Info, Error> {
    decode::info(attributes)
}

/// Timeouts.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn timeouts(attributes: &[u8]) -> Result<Timeouts, Error> {
    decode::timeouts(attributes)
}

/// A connection.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn connection(attributes: &[u8]) -> Result<Connection, Error> {
    decode::additions::connection(attributes)
}

/// What became of saved connections.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn outcomes(attributes: &[u8]) -> Result<Vec<(String, u32)>, Error> {
    decode::additions::outcomes(attributes)
}

/// The datagram about a saved connection.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn entries(attributes: &[u8]) -> Result<Vec<u8>, Error> {
    decode::additions::entries(attributes)
}

/// A file of saved connections with a body, and a line that is right if that has so many entries.
pub fn saved_file(entries: usize, body: &[u8]) -> Vec<u8> {
    crate::saved::file(entries, body)
}

/// An event; [`None`] if it is of a kind that is not known.
///
/// # Errors
///
/// See [`Error::Malformed`].
pub fn event(attributes: &[u8]) -> Result<Option<Event>, Error> {
    decode::additions::event(attributes)
}

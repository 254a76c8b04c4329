// SPDX-License-Identifier: GPL-2.0

//! A datagram that a master fills with messages about connections.

use super::{v0, v1, Entry, Trailer, Version, TRAILER_LEN};
use crate::addr::Family;

/// The room that a datagram with one entry may need, in bytes.
pub const LEAST_ROOM: usize = v1::HEADER_LEN + v1::LONGEST;

/// Why an entry was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// The datagram is full: send it, and write the entry to the next one.
    Full,
    /// The version has no entries of this kind: version 0 has none of IPv6.
    NotInVersion,
}

/// A datagram, and how much of it is written.
///
/// A datagram with one entry may be longer than the limit, up to [`LEAST_ROOM`]; another one is not.
pub struct Writer<'a> {
    room: &'a mut [u8],
    limit: usize,
    version: Version,
    length: usize,
    count: u8,
}

impl<'a> Writer<'a> {
    /// An empty datagram in `room` for directors with this sync id, of which `limit` bytes are to be filled.
    ///
    /// Returns [`None`] if there is no room for a header.
    pub fn new(room: &'a mut [u8], limit: usize, version: Version, sync_id: u8) -> Option<Self> {
        let length = match version {
            Version::V0 => v0::HEADER_LEN,
            Version::V1 => v1::HEADER_LEN,
        };
        room.get_mut(..length)?.fill(0);
        *room.get_mut(1)? = sync_id;
        if version == Version::V1 {
            *room.get_mut(5)? = 1;
        }
        Some(Self {
            room,
            limit,
            version,
            length,
            count: 0,
        })
    }

    /// The format.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// See [`Unwritten`].
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), Unwritten> {
        let limit = match self.count {
            0 => self.limit.max(LEAST_ROOM),
            u8::MAX => return Err(Unwritten::Full),
            _ => self.limit,
        };
        let end = limit.min(self.room.len()).max(self.length);
        let room = self.room.get_mut(self.length..end);
        let room = room.ok_or(Unwritten::Full)?;
        let written = match self.version {
            Version::V0 if [entry.family, entry.server_family] != [Family::V4; 2] => {
                return Err(Unwritten::NotInVersion)
            }
            Version::V0 => v0::write(entry, room),
            Version::V1 => v1::write(entry, room, self.length),
        };
        self.length = self.length.saturating_add(written.ok_or(Unwritten::Full)?);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// As [`finish`](Self::finish), with a trailer behind the last entry, for which there must be room. The datagram can
    /// then be [signed](super::sign).
    pub fn finish_numbered(mut self, trailer: &Trailer) -> &'a mut [u8] {
        let behind = self.room.get_mut(self.length..);
        if let Some(place) = behind.and_then(|room| room.first_chunk_mut()) {
            *place = trailer.write();
            self.length = self.length.saturating_add(TRAILER_LEN);
        }
        self.finish()
    }

    /// The datagram, with its header complete. Nothing is left of it in this afterwards.
    pub fn finish(self) -> &'a mut [u8] {
        let Self {
            room,
            version,
            length,
            count,
            ..
        } = self;
        let size = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let at = match version {
            Version::V0 => 0,
            Version::V1 => 4,
        };
        if let Some(place) = room.get_mut(2..4) {
            place.copy_from_slice(&size);
        }
        if let Some(place) = room.get_mut(at) {
            *place = count;
        }
        room.get_mut(..length).unwrap_or_default()
    }
}

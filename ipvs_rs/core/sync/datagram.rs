// SPDX-License-Identifier: GPL-2.0

//! A datagram with messages about connections, as a backup receives it.
//!
//! | offset | version 1 | version 0 |
//! |---|---|---|
//! | 0 | 0 | number of entries |
//! | 1 | sync id | sync id |
//! | 2 | length in bytes, big endian | length in bytes, big endian |
//! | 4 | number of entries | first entry |
//! | 5 | 1 | |
//! | 6 | 0 (2 bytes) | |
//! | 8 | first entry | |

use super::{v0, v1, Entry};

/// Why a datagram is not read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The datagram is shorter than a header.
    TooShort,
    /// The length in the header is not that of the datagram.
    Length,
    /// The datagram is for directors with another sync id.
    SyncId,
}

/// Why an entry is skipped; those after it are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// It has an option that is unknown, and not marked as optional.
    Option,
    /// It is for one packet, or a template without a client's port, or has a server of the other family without a tunnel.
    Flags,
    /// It is of a protocol that IPVS does not balance.
    Protocol,
    /// Its protocol has no such state.
    State,
    /// It has data of a persistence engine, and not the engine's name.
    Engine,
}

/// Why an entry, and all that may come after it, is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The datagram ends before the entry does.
    CutOff,
    /// The entry is of another version of the format.
    Version,
    /// The entry has a type that is neither that of IPv4 nor that of IPv6.
    Type,
    /// The entry is shorter than its fixed part.
    EntryLength,
    /// An option is longer than what is left of its entry, empty, or only its first byte is there.
    OptionLength,
    /// The adjustment of sequence numbers has a wrong length, or is there twice.
    Sequence,
    /// The data of a persistence engine is there twice.
    EngineData,
    /// The name of a persistence engine is too long, or is there twice.
    EngineName,
    /// What a saved entry has besides has a wrong length, or is there twice.
    Saved,
}

/// Why an entry has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The entry alone.
    Skipped(Skipped),
    /// The entry, and the rest of the datagram.
    Malformed(Malformed),
}

/// The format of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The old format: IPv4 without firewall marks, timeouts and data of persistence engines.
    V0,
    /// The present format.
    V1,
}

/// The entries of a datagram that are still to be read.
///
/// As the C module does: each entry is independent of the ones after it, so those before a malformed one count.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    version: Version,
    datagram: &'a [u8],
    offset: usize,
    left: u8,
}

/// The entries of a datagram, for a backup with this sync id, which takes any if it is 0.
///
/// # Errors
///
/// See [`Refused`].
pub fn parse(datagram: &[u8], sync_id: u32) -> Result<Entries<'_>, Refused> {
    let Some(&[first, id, high, low]) = datagram.first_chunk() else {
        return Err(Refused::TooShort);
    };
    if usize::from(u16::from_be_bytes([high, low])) != datagram.len() {
        return Err(Refused::Length);
    }
    if sync_id != 0 && sync_id != u32::from(id) {
        return Err(Refused::SyncId);
    }
    let (version, offset, left) = match datagram.first_chunk() {
        Some(&[0, _, _, _, count, 1, 0, 0]) => (Version::V1, v1::HEADER_LEN, count),
        _ => (Version::V0, v0::HEADER_LEN, first),
    };
    Ok(Entries {
        version,
        datagram,
        offset,
        left,
    })
}

impl Malformed {
    /// What is wrong, for who made the entry.
    pub const fn text(self) -> &'static str {
        match self {
            Self::CutOff => "it is cut off",
            Self::Version => "it is of another version",
            Self::Type => "it is of an unknown type",
            Self::EntryLength => "its length is too small",
            Self::OptionLength => "an option has a wrong length",
            Self::Sequence => "its sequence numbers have a wrong length or are there twice",
            Self::EngineData => "data of a persistence engine is there twice",
            Self::EngineName => "the name of a persistence engine is too long or is there twice",
            Self::Saved => "an option of a saved entry has a wrong length or is there twice",
        }
    }
}

impl<'a> Entries<'a> {
    /// The bytes behind the last entry; none while entries are left, or if one was malformed.
    pub fn rest(&self) -> &'a [u8] {
        match self.left {
            0 => self.datagram.get(self.offset..).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The format of the datagram.
    pub fn version(&self) -> Version {
        self.version
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let read = match self.version {
            Version::V0 => v0::read(self.datagram, self.offset),
            Version::V1 => v1::read(self.datagram, self.offset),
        };
        Some(match read {
            Ok((entry, end)) => {
                self.offset = end;
                entry.map_err(Fault::Skipped)
            }
            Err(malformed) => {
                self.left = 0;
                self.offset = self.datagram.len();
                Err(Fault::Malformed(malformed))
            }
        })
    }
}

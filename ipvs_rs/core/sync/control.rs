// SPDX-License-Identifier: GPL-2.0

//! Messages between a master and its backups about messages. Directors that do not know them ignore them: they look like
//! datagrams of version 0 without entries. All numbers are big endian.
//!
//! ```text
//!   0        1        2                 4        5        6                 8
//!   | 0      | sync id| size            | kind   | 0x81   | 0               |
//!   | stream          | flags           | epoch                             |
//!   | first                             | last                              |
//!   | bulks                             |
//! ```
//!
//! | kind | from | meaning |
//! |---|---|---|
//! | 1, hello | master | datagrams up to number `last` were sent since it began with `epoch`; `bulks` bulks are complete; flag 1: another one is on its way |
//! | 2, bulk | backup | all connections are wanted |
//! | 5, lost | master | the datagrams from `first` to `last` cannot be repeated |
//! | 6, repeat | backup | the datagrams from `first` to `last` are wanted again |
//!
//! A stream is a thread of the master. Bytes after these are ignored; there may be a [`Trailer`] at the end.

use super::{Trailer, TRAILER_LEN};
use crate::wire::HeaderSource;

/// The length of a message, in bytes.
pub const CONTROL_LEN: usize = 28;

/// The length of a message with a trailer, in bytes.
pub const NUMBERED_CONTROL_LEN: usize = CONTROL_LEN + TRAILER_LEN;

/// The byte by which these messages are told from datagrams of version 1.
const MARK: u8 = 0x81;

/// The flag of a hello while a bulk is on its way.
const BULK_RUNS: u16 = 1;

/// The kind of a [`Control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// A master tells how far it is.
    Hello,
    /// A backup wants all connections.
    Bulk,
    /// A master cannot repeat datagrams.
    Lost,
    /// A backup wants datagrams again.
    Repeat,
}

impl ControlKind {
    const fn number(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Bulk => 2,
            Self::Lost => 5,
            Self::Repeat => 6,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Hello),
            2 => Some(Self::Bulk),
            5 => Some(Self::Lost),
            6 => Some(Self::Repeat),
            _ => None,
        }
    }
}

/// A message about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// The kind, which tells the meaning of the numbers.
    pub kind: ControlKind,
    /// The number of the master's thread.
    pub stream: u16,
    /// The number that the master has chosen for this run.
    pub epoch: u32,
    /// The number of the first datagram.
    pub first: u32,
    /// The number of the last datagram.
    pub last: u32,
    /// The number of complete bulks.
    pub bulks: u32,
    /// Whether a bulk is on its way.
    pub bulk_runs: bool,
}

impl Control {
    /// A message of this kind about a stream, without numbers.
    pub const fn new(kind: ControlKind, stream: u16, epoch: u32) -> Self {
        Self {
            kind,
            stream,
            epoch,
            first: 0,
            last: 0,
            bulks: 0,
            bulk_runs: false,
        }
    }

    /// Reads a datagram for a director with this sync id, which takes any if it is 0. [`None`] for one that is no message
    /// of a known kind.
    pub fn read(datagram: &[u8], sync_id: u32) -> Option<Self> {
        let &[0, id, high, low, kind, MARK, 0, 0] = datagram.first_chunk()? else {
            return None;
        };
        let is_whole = usize::from(u16::from_be_bytes([high, low])) == datagram.len();
        if !is_whole || sync_id != 0 && sync_id != u32::from(id) {
            return None;
        }
        let half = |at| Some(u16::from_be_bytes(datagram.array(at)?));
        let word = |at| Some(u32::from_be_bytes(datagram.array(at)?));
        Some(Self {
            kind: ControlKind::from_number(kind)?,
            stream: half(8)?,
            bulk_runs: half(10)? & BULK_RUNS != 0,
            epoch: word(12)?,
            first: word(16)?,
            last: word(20)?,
            bulks: word(24)?,
        })
    }

    /// The datagram with a trailer, so that it can be [signed](super::sign).
    pub fn write_numbered(&self, sync_id: u8, trailer: &Trailer) -> [u8; NUMBERED_CONTROL_LEN] {
        let mut bytes = [0; NUMBERED_CONTROL_LEN];
        if let Some((message, end)) = bytes.split_first_chunk_mut::<CONTROL_LEN>() {
            *message = self.write(sync_id);
            if let Some(end) = end.first_chunk_mut() {
                *end = trailer.write();
            }
        }
        if let Some(length) = bytes.get_mut(3) {
            // CAST: A small constant.
            *length = NUMBERED_CONTROL_LEN as u8;
        }
        bytes
    }

    /// The datagram.
    pub fn write(&self, sync_id: u8) -> [u8; CONTROL_LEN] {
        let flags = match self.bulk_runs {
            true => BULK_RUNS,
            false => 0,
        };
        let ([s0, s1], [f0, f1]) = (self.stream.to_be_bytes(), flags.to_be_bytes());
        let [e0, e1, e2, e3] = self.epoch.to_be_bytes();
        let [a0, a1, a2, a3] = self.first.to_be_bytes();
        let [z0, z1, z2, z3] = self.last.to_be_bytes();
        let [b0, b1, b2, b3] = self.bulks.to_be_bytes();
        // CAST: A small constant.
        let (length, kind) = (CONTROL_LEN as u8, self.kind.number());
        [
            0, sync_id, 0, length, kind, MARK, 0, 0, s0, s1, f0, f1, e0, e1, e2, e3, a0, a1, a2,
            a3, z0, z1, z2, z3, b0, b1, b2, b3,
        ]
    }
}

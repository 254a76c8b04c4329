// SPDX-License-Identifier: GPL-2.0

//! The keys, the peers and the state of the synchronisation daemons.

use std::fmt;
use std::net::IpAddr;

pub use ipvs_core::sync::Authentication;

/// What the daemons of directors prove to each other, and ask for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncKeys {
    /// What is asked of others.
    pub authentication: Authentication,
    /// The keys: each number with its secret. The first one signs.
    pub keys: Vec<(u8, Vec<u8>)>,
}

impl SyncKeys {
    /// Keys, each with its number, the first of which signs.
    pub const fn new(authentication: Authentication, keys: Vec<(u8, Vec<u8>)>) -> Self {
        Self {
            authentication,
            keys,
        }
    }
}

impl fmt::Debug for SyncKeys {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<u8> = self.keys.iter().map(|(number, _)| *number).collect();
        f.debug_struct("SyncKeys")
            .field("authentication", &self.authentication)
            .field("keys", &numbers)
            .finish()
    }
}

/// A thread of a master that a backup hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Master {
    /// The address that its datagrams come from.
    pub addr: IpAddr,
    /// The number of the thread.
    pub stream: u16,
    /// The second in which the master began, since 1970.
    pub epoch: u32,
    /// Whether all connections that the master had are on the backup.
    pub is_complete: bool,
    /// The number of its datagrams that are missing.
    pub missing: u32,
    /// The milliseconds since its last message.
    pub silence: u32,
}

impl Master {
    /// A master that was just heard, of which nothing is missing or complete yet.
    pub const fn new(addr: IpAddr, stream: u16, epoch: u32) -> Self {
        Self {
            addr,
            stream,
            epoch,
            is_complete: false,
            missing: 0,
            silence: 0,
        }
    }
}

/// The state of the daemons of a network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct SyncState {
    /// What is asked of others; [`None`] if there were never keys.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::authentication"))]
    pub authentication: Option<Authentication>,
    /// The numbers of the keys. The first one signs.
    pub keys: Vec<u8>,
    /// The other directors, if they are known by their addresses.
    pub peers: Vec<IpAddr>,
    /// The masters that the backup hears.
    pub masters: Vec<Master>,
    /// The number of events of each kind, as in `/proc/net/ip_vs_sync`.
    pub events: Vec<(String, u64)>,
}

impl SyncState {
    /// Takes account of another part of the answer.
    pub(crate) fn add(&mut self, part: Self) {
        self.authentication = self.authentication.or(part.authentication);
        self.keys.extend(part.keys);
        self.peers.extend(part.peers);
        self.masters.extend(part.masters);
        self.events.extend(part.events);
    }
}

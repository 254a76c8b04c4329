// SPDX-License-Identifier: GPL-2.0

//! A synchronisation daemon: what it does, and how it is started.

use super::{Error, Name};
use crate::addr::{Addr, Family};

/// What a synchronisation daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum DaemonRole {
    /// Sends connections to other directors.
    Master = 1,
    /// Receives connections from another director.
    Backup = 2,
}

impl DaemonRole {
    /// The role with this number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Master),
            2 => Some(Self::Backup),
            _ => None,
        }
    }
}

/// How a synchronisation daemon is started; 0 and [`None`] stand for defaults, except in `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonSpec {
    /// The number of the role; see [`role`](Self::role).
    pub state: u32,
    /// The name of the network interface.
    pub interface: Name,
    /// The identifier that directors of one group have in common.
    pub sync_id: u32,
    /// The longest message, in bytes.
    pub max_len: u16,
    /// The address of the multicast group, in network order.
    pub group: Option<(Family, Addr)>,
    /// The UDP port, in host order.
    pub port: u16,
    /// The time to live of messages, in hops.
    pub ttl: u8,
}

impl DaemonSpec {
    /// The role of the daemon.
    ///
    /// This is not part of reading the request, because the C module looks up the interface first,
    /// and its error then is that of the interface.
    ///
    /// # Errors
    ///
    /// [`Error::DaemonRole`].
    pub fn role(&self) -> Result<DaemonRole, Error> {
        DaemonRole::from_number(self.state).ok_or(Error::DaemonRole)
    }
}

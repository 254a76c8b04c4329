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

/// The multicast group of a daemon for which none was given.
const DEFAULT_GROUP: (Family, Addr) = (Family::V4, Addr::from_v4([224, 0, 0, 81]));

/// The UDP port of a daemon for which none was given.
const DEFAULT_PORT: u16 = 8848;

/// The largest MTU that counts, in bytes.
const MOST_MTU: u32 = 65535;

/// The MTU of Ethernet, in bytes.
const ETHERNET_MTU: u32 = 1500;

/// The least length of the longest message that a backup accepts, in bytes.
const LEAST_BACKUP_LEN: u16 = 1024;

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

    /// The family of the multicast group.
    pub fn family(&self) -> Family {
        let (family, _) = self.group.unwrap_or(DEFAULT_GROUP);
        family
    }

    /// The daemon as it runs and is listed, on an interface of this MTU in bytes: no value stands for a default, and the
    /// longest message fits a datagram of this family.
    #[must_use]
    pub fn resolved(self, role: DaemonRole, mtu: u32, family: Family) -> Self {
        let headers = match family {
            Family::V4 => 28,
            Family::V6 => 48,
        };
        let without_headers = |mtu: u32| {
            let mtu = u16::try_from(mtu.min(MOST_MTU)).unwrap_or(u16::MAX);
            mtu.saturating_sub(headers)
        };
        let most = without_headers(MOST_MTU);
        let max_len = match (role, self.max_len) {
            (DaemonRole::Master, 0) => without_headers(ETHERNET_MTU),
            (DaemonRole::Master, wanted) => wanted.min(most),
            (DaemonRole::Backup, 0) => without_headers(mtu.max(ETHERNET_MTU)),
            (DaemonRole::Backup, wanted) => wanted.clamp(LEAST_BACKUP_LEN, most),
        };
        let or_default = |value, default| match value {
            0 => default,
            value => value,
        };
        Self {
            max_len,
            group: Some(self.group.unwrap_or(DEFAULT_GROUP)),
            port: or_default(self.port, DEFAULT_PORT),
            ttl: self.ttl.max(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V6: (Family, Addr) = (
        Family::V6,
        Addr::from_v6([0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 81]),
    );

    fn spec(group: Option<(Family, Addr)>, max_len: u16) -> DaemonSpec {
        DaemonSpec {
            state: 1,
            interface: Name::new(b"eth0").unwrap(),
            sync_id: 1,
            max_len,
            group,
            port: 0,
            ttl: 0,
        }
    }

    #[test]
    fn the_longest_message_fits_a_datagram() {
        use DaemonRole::{Backup, Master};
        for (role, group, max_len, mtu, expected) in [
            (Master, None, 0, 1500, 1472),
            (Master, None, 0, 9000, 1472),
            (Master, Some(V6), 0, 1500, 1452),
            (Master, None, 1, 1500, 1),
            (Master, None, 65535, 1500, 65507),
            (Master, Some(V6), 65535, 1500, 65487),
            (Backup, None, 0, 1500, 1472),
            (Backup, None, 0, 576, 1472),
            (Backup, None, 0, 9000, 8972),
            (Backup, None, 0, 65536, 65507),
            (Backup, Some(V6), 0, 1500, 1452),
            (Backup, None, 1, 1500, 1024),
            (Backup, None, 500, 1500, 1024),
            (Backup, Some(V6), 65535, 1500, 65487),
        ] {
            let spec = spec(group, max_len);
            let daemon = spec.resolved(role, mtu, spec.family());
            assert_eq!(
                daemon.max_len, expected,
                "{role:?} {group:?} {max_len} {mtu}"
            );
        }
    }

    #[test]
    fn a_daemon_is_listed_with_its_defaults() {
        let daemon = spec(None, 0).resolved(DaemonRole::Master, 1500, Family::V4);
        assert_eq!(daemon.group, Some(DEFAULT_GROUP));
        assert_eq!((daemon.port, daemon.ttl), (8848, 1));
        let chosen = DaemonSpec {
            port: 9000,
            ttl: 7,
            ..spec(Some(V6), 0)
        };
        let daemon = chosen.resolved(DaemonRole::Backup, 1500, Family::V6);
        assert_eq!((daemon.group, daemon.port, daemon.ttl), (Some(V6), 9000, 7));
    }
}

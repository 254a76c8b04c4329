// SPDX-License-Identifier: GPL-2.0

//! What is told of services, real servers and the rest.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::{DaemonRole, Name, Netmask, Tunnel};
use ipvs_core::conn::Method;
use ipvs_core::uapi::service_flags;

use crate::key::{DestKey, ServiceKey};

/// What the kernel says of IPVS itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Info {
    /// The version, one byte each: 0x010201 is 1.2.1.
    pub version: u32,
    /// The buckets of the connection table.
    pub table_size: u32,
}

/// All that can be changed of a virtual service. The kernel checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct ServiceSettings {
    /// The scheduler; [`None`] for none, which takes no connections.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::optional_name"))]
    pub scheduler: Option<Name>,
    /// The persistence engine.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::optional_name"))]
    pub pe: Option<Name>,
    /// The flags; see [`uapi::service_flags`](ipvs_core::uapi::service_flags).
    pub flags: u32,
    /// The time of persistence, in seconds.
    pub timeout: u32,
    /// Which clients persistence takes for one.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::netmask"))]
    pub netmask: Netmask,
}

impl ServiceSettings {
    /// `wlc`, not persistent, for a service of this family.
    pub fn new(family: Family) -> Self {
        Self {
            scheduler: Name::new(b"wlc"),
            pe: None,
            flags: 0,
            timeout: 0,
            netmask: Self::single_clients(family),
        }
    }

    /// The same with another scheduler; [`None`] for none, which takes no connections.
    #[must_use]
    pub fn with_scheduler(self, scheduler: Option<Name>) -> Self {
        Self { scheduler, ..self }
    }

    /// The same with these flags more; see [`uapi::service_flags`](ipvs_core::uapi::service_flags).
    #[must_use]
    pub const fn with_flags(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }

    /// The same with persistence: a client keeps its server for so many seconds.
    #[must_use]
    pub const fn persistent(mut self, timeout: u32) -> Self {
        self.timeout = timeout;
        self.with_flags(service_flags::PERSISTENT)
    }

    /// The same with another netmask, by which persistence takes clients for one.
    #[must_use]
    pub const fn with_netmask(mut self, netmask: Netmask) -> Self {
        self.netmask = netmask;
        self
    }

    /// The same with a persistence engine.
    #[must_use]
    pub const fn with_engine(mut self, engine: Option<Name>) -> Self {
        self.pe = engine;
        self
    }

    /// The netmask of single clients.
    pub const fn single_clients(family: Family) -> Netmask {
        match family {
            Family::V4 => Netmask([255; 4]),
            Family::V6 => Netmask(128_u32.to_ne_bytes()),
        }
    }

    /// Whether a flag is set.
    pub const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The flags without [`HASHED`](service_flags::HASHED), which the kernel adds to all.
    pub const fn own_flags(&self) -> u32 {
        self.flags & !service_flags::HASHED
    }
}

impl Default for ServiceSettings {
    /// IPv4, `wlc`, not persistent.
    fn default() -> Self {
        Self::new(Family::V4)
    }
}

/// A virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Service {
    /// What identifies it.
    pub key: ServiceKey,
    /// What can be changed of it.
    pub settings: ServiceSettings,
    /// Its statistics.
    pub stats: Stats,
}

impl Service {
    /// A service that nothing was counted of yet.
    pub fn new(key: ServiceKey, settings: ServiceSettings) -> Self {
        Self {
            key,
            settings,
            stats: Stats::default(),
        }
    }
}

/// All that can be changed of a real server. The kernel checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct DestSettings {
    /// How packets reach it.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::Method"))]
    pub method: Method,
    /// The weight; the kernel refuses those above `i32::MAX`.
    pub weight: u32,
    /// The upper threshold, 0 for none.
    pub upper: u32,
    /// The lower threshold, 0 for three quarters of the upper.
    pub lower: u32,
    /// The tunnel of [`Method::Tunnel`].
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::Tunnel"))]
    pub tunnel: Tunnel,
}

impl DestSettings {
    /// A server that packets reach so, of this weight, without thresholds.
    pub fn new(method: Method, weight: u32) -> Self {
        Self {
            method,
            weight,
            upper: 0,
            lower: 0,
            tunnel: Tunnel::default(),
        }
    }

    /// The same with thresholds: overloaded from `upper` connections on (0: never), until there are less than `lower` (0: than
    /// three quarters of the upper one).
    #[must_use]
    pub const fn with_thresholds(mut self, lower: u32, upper: u32) -> Self {
        (self.lower, self.upper) = (lower, upper);
        self
    }

    /// The same with a tunnel, for [`Method::Tunnel`].
    #[must_use]
    pub const fn with_tunnel(mut self, tunnel: Tunnel) -> Self {
        self.tunnel = tunnel;
        self
    }
}

impl Default for DestSettings {
    /// Direct routing, weight 1.
    fn default() -> Self {
        Self::new(Method::DirectRoute, 1)
    }
}

/// A real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Dest {
    /// What identifies it.
    pub key: DestKey,
    /// What can be changed of it.
    pub settings: DestSettings,
    /// Active connections.
    pub active: u32,
    /// Inactive connections.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
    /// Its statistics.
    pub stats: Stats,
}

impl Dest {
    /// A server without connections.
    pub fn new(key: DestKey, settings: DestSettings) -> Self {
        Self {
            key,
            settings,
            active: 0,
            inactive: 0,
            persistent: 0,
            stats: Stats::default(),
        }
    }
}

/// Counters since they were last set to zero, and rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct Stats {
    /// Connections.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets from servers.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes from servers.
    pub bytes_out: u64,
    /// The same per second.
    pub rates: Rates,
}

/// Events per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct Rates {
    /// Connections.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets from servers.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes from servers.
    pub bytes_out: u64,
}

/// How to start a synchronisation daemon; 0 and [`None`] leave it to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DaemonSettings {
    /// What it does.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::DaemonRole"))]
    pub role: DaemonRole,
    /// The interface.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::name"))]
    pub interface: Name,
    /// Which directors belong together.
    pub sync_id: u32,
    /// The longest message, in bytes.
    pub max_len: u16,
    /// The multicast group.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::group"))]
    pub group: Option<(Family, Addr)>,
    /// The UDP port.
    pub port: u16,
    /// The time to live of messages.
    pub ttl: u8,
}

impl DaemonSettings {
    /// A daemon on an interface, the rest of which is left to the kernel. Directors that belong together have the same `sync_id`.
    pub const fn new(role: DaemonRole, interface: Name, sync_id: u32) -> Self {
        Self {
            role,
            interface,
            sync_id,
            max_len: 0,
            group: None,
            port: 0,
            ttl: 0,
        }
    }
}

/// A synchronisation daemon that runs.
pub type Daemon = DaemonSettings;

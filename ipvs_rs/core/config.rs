// SPDX-License-Identifier: GPL-2.0

//! Services, real servers and settings: as a client asks for them, and as it is told of them.
//!
//! [`request`] turns attributes into the types of this file, which cannot hold what the C module
//! would reject. [`reply`] turns them into attributes again.

use crate::addr::{Addr, Family};
use crate::conn::Method;
use crate::nla::Defect;
use crate::proto::{self, Timeouts};
use crate::uapi;

pub mod apply;
pub mod conns;
pub mod event;
mod explain;
mod label;
pub mod reply;
pub mod request;

/// Why a request was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A top-level attribute is not of its kind; `ERANGE` or `EINVAL`, as the [`Defect`] says.
    Attribute(Defect),
    /// An attribute in a nest is not of its kind; `EINVAL`.
    Malformed,
    /// A mandatory attribute or nest is missing; `EINVAL`.
    Missing,
    /// Neither IPv4 nor IPv6; `EAFNOSUPPORT`.
    UnsupportedFamily,
    /// A server of another family than its service needs a tunnel, and no synchronisation daemon
    /// may run; `EINVAL`.
    MixedFamilies,
    /// The weight is negative; `ERANGE`.
    NegativeWeight,
    /// The upper threshold is beyond `i32::MAX`; `EINVAL`.
    UpperThreshold,
    /// The lower threshold is above the upper one; `ERANGE`.
    LowerThreshold,
    /// A GUE tunnel without a port; `EINVAL`.
    TunnelPort,
    /// An IPv6 persistence prefix that is not 1 to 128; `EINVAL`.
    Prefix,
    /// A timeout that is negative or too long; `EINVAL`.
    Timeout,
    /// The group of a synchronisation daemon is not multicast; `EINVAL`.
    NotMulticast,
    /// A synchronisation daemon is neither master nor backup; `EINVAL`.
    DaemonRole,
    /// An address that is not of 4 or 16 bytes, or not of as many as its family has; `EINVAL`.
    AddressLength,
    /// The sockopt interface knows TCP, UDP and SCTP only; `EFAULT`.
    Protocol,
    /// A service neither of TCP nor of UDP nor of SCTP, where that is checked; `EINVAL`.
    UnknownProtocol,
    /// A service that is known by a firewall mark and by an address, or by the mark 0, where that
    /// is checked; `EINVAL`.
    Ambiguous,
    /// Flags of a service that mean nothing, where that is checked; `EINVAL`.
    UnknownFlags,
}

/// The name of a scheduler or persistence engine, of up to 16 bytes without a NUL.
///
/// # Invariants
///
/// `len` is at most 16.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; 16],
    len: u8,
}

impl Name {
    /// A name; [`None`] if it is too long or holds a NUL.
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.contains(&0) {
            return None;
        }
        let mut bytes = [0; 16];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        let len = u8::try_from(name.len()).ok()?;
        // INVARIANT: a longer name did not fit into `bytes`.
        Some(Self { bytes, len })
    }

    /// The bytes of the name, without a NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", core::str::from_utf8(self.as_bytes()))
    }
}

/// What identifies a virtual service in its network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKey {
    /// Packets to an address.
    Address {
        /// The family of `addr`.
        family: Family,
        /// The transport protocol. Any number can be configured, few have traffic.
        protocol: u16,
        /// The virtual address.
        addr: Addr,
        /// The virtual port, 0 for all.
        port: u16,
    },
    /// Packets with a firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark, which is not 0.
        mark: u32,
    },
}

impl ServiceKey {
    /// The service of packets with `mark`.
    ///
    /// As the C module does: 0 is no mark, and means TCP to the unspecified address, port 0.
    pub const fn from_mark(family: Family, mark: u32) -> Self {
        if mark == 0 {
            Self::Address {
                family,
                protocol: proto::TCP as u16,
                addr: Addr::ZERO,
                port: 0,
            }
        } else {
            Self::Mark { family, mark }
        }
    }

    /// The family of the packets.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { family, .. } | Self::Mark { family, .. } => *family,
        }
    }
}

/// A change of service flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagChange {
    /// The new values.
    pub value: u32,
    /// Which flags get a new value.
    pub mask: u32,
}

impl FlagChange {
    /// The flags after the change; those of a new service are 0 before.
    ///
    /// [`HASHED`](uapi::service_flags::HASHED) is not stored: [`reply`] adds it to every service.
    pub const fn apply(self, old: u32) -> u32 {
        ((old & !self.mask) | (self.value & self.mask)) & !uapi::service_flags::HASHED
    }
}

/// Which clients persistence takes for one, as the four bytes stand in a message: an IPv4 netmask
/// in network order, or an IPv6 prefix length in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Netmask(pub [u8; 4]);

impl Netmask {
    /// Checks the mask of a service of this family.
    ///
    /// Apart from the reading of the request, because the C module looks for the scheduler and
    /// the persistence engine before.
    ///
    /// # Errors
    ///
    /// [`Error::Prefix`] if an IPv6 service has no prefix of 1 to 128 bits.
    pub const fn check(self, family: Family) -> Result<(), Error> {
        match (family, u32::from_ne_bytes(self.0)) {
            (Family::V4, _) | (Family::V6, 1..=128) => Ok(()),
            (Family::V6, _) => Err(Error::Prefix),
        }
    }
}

/// All that can be changed of a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The scheduler; [`None`] if it is called `none`.
    pub scheduler: Option<Name>,
    /// The persistence engine.
    pub pe: Option<Name>,
    /// The flags.
    pub flags: FlagChange,
    /// The time of persistence, in seconds.
    pub timeout: u32,
    /// Which clients persistence takes for one.
    pub netmask: Netmask,
    /// What a service that is known by a mark is said to be for.
    pub said: Said,
}

/// What a service that is known by a mark is said to be for. It takes packets of all protocols to
/// any address; only the sockopt interface sets this and shows it, and no edit changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The protocol, TCP unless the sockopt interface was told another one.
    pub protocol: u16,
    /// The address.
    pub addr: Addr,
    /// The port.
    pub port: u16,
}

/// What identifies a real server in its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DestKey {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port, 0 for that of the packet.
    pub port: u16,
}

/// How packets are wrapped on their way to a server behind a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// See [`uapi::tunnel`]; other numbers are stored and act as IPIP.
    pub kind: u8,
    /// The UDP port of GUE; not 0 then.
    pub port: u16,
    /// 1 checksum, 2 remote checksum offload.
    pub flags: u16,
}

impl Tunnel {
    /// The tunnel in one word.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        let Self { kind, port, flags } = self;
        ((kind as u64) << 32) | ((port as u64) << 16) | flags as u64
    }

    /// The reverse of [`to_bits`](Self::to_bits).
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        // CAST: The parts of the word.
        Self {
            kind: (bits >> 32) as u8,
            port: (bits >> 16) as u16,
            flags: bits as u16,
        }
    }
}

/// All that can be changed of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestSpec {
    method: Method,
    conn_flags: u32,
    weight: u32,
    upper: u32,
    lower: u32,
    tunnel: Tunnel,
}

impl DestSpec {
    /// Checks what a client asks for, in the order in which the C module does.
    ///
    /// # Errors
    ///
    /// [`Error::NegativeWeight`], [`Error::LowerThreshold`], [`Error::UpperThreshold`] or
    /// [`Error::TunnelPort`].
    pub const fn new(
        method: Method,
        weight: i32,
        upper: u32,
        lower: u32,
        tunnel: Tunnel,
    ) -> Result<Self, Error> {
        if weight < 0 {
            Err(Error::NegativeWeight)
        } else if lower > upper {
            Err(Error::LowerThreshold)
        } else if upper > i32::MAX as u32 {
            Err(Error::UpperThreshold)
        } else if tunnel.kind == uapi::tunnel::GUE && tunnel.port == 0 {
            Err(Error::TunnelPort)
        } else {
            Ok(Self {
                method,
                conn_flags: method.bits(),
                weight: weight as u32,
                upper,
                lower,
                tunnel,
            })
        }
    }

    /// The same, and flags for the connections to the server: see
    /// [`ConnFlags::for_destination`](crate::conn::ConnFlags::for_destination).
    #[must_use]
    pub const fn with_conn_flags(mut self, flags: u32) -> Self {
        self.conn_flags = flags;
        self
    }

    /// What a client asked for that connections to the server get, the method included.
    pub const fn conn_flags(&self) -> u32 {
        self.conn_flags
    }

    /// How packets reach the server.
    #[inline]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The weight, at most `i32::MAX`; 0 gets no new connections.
    #[inline]
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// The number of connections at which the server is overloaded, at most `i32::MAX`; 0 for
    /// never.
    #[inline]
    pub const fn upper(&self) -> u32 {
        self.upper
    }

    /// The number of connections below which the server has recovered, at most
    /// [`upper`](Self::upper); 0 for three quarters of that.
    #[inline]
    pub const fn lower(&self) -> u32 {
        self.lower
    }

    /// The tunnel that method `Tunnel` uses.
    #[inline]
    pub const fn tunnel(&self) -> Tunnel {
        self.tunnel
    }
}

/// A change of timeouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeoutChange {
    tcp_established: u32,
    tcp_fin_wait: u32,
    udp: u32,
}

impl TimeoutChange {
    /// A change to these seconds, where 0 keeps what is.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if one of them is more than fits into an `i32` as ticks, of which `hz`
    /// make a second.
    pub fn new(tcp_established: u32, tcp_fin_wait: u32, udp: u32, hz: u32) -> Result<Self, Error> {
        for seconds in [tcp_established, tcp_fin_wait, udp] {
            let ticks = u64::from(seconds).saturating_mul(u64::from(hz));
            if i32::try_from(ticks).is_err() {
                return Err(Error::Timeout);
            }
        }
        Ok(Self {
            tcp_established,
            tcp_fin_wait,
            udp,
        })
    }

    /// The timeouts after the change.
    #[must_use]
    pub const fn apply(&self, old: Timeouts) -> Timeouts {
        const fn change(old: u32, new: u32) -> u32 {
            if new == 0 {
                old
            } else {
                new
            }
        }
        Timeouts {
            tcp_established: change(old.tcp_established, self.tcp_established),
            tcp_fin_wait: change(old.tcp_fin_wait, self.tcp_fin_wait),
            udp: change(old.udp, self.udp),
        }
    }
}

/// What a synchronisation daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum DaemonRole {
    /// Sends.
    Master = 1,
    /// Receives.
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
    /// What it does, as a number; see [`role`](Self::role).
    pub state: u32,
    /// The interface.
    pub interface: Name,
    /// Which directors belong together.
    pub sync_id: u32,
    /// The longest message, in bytes.
    pub max_len: u16,
    /// The multicast group.
    pub group: Option<(Family, Addr)>,
    /// The UDP port.
    pub port: u16,
    /// The time to live of messages.
    pub ttl: u8,
}

impl DaemonSpec {
    /// What the daemon does.
    ///
    /// Apart from the reading of the request, because the C module looks for the interface before.
    ///
    /// # Errors
    ///
    /// [`Error::DaemonRole`].
    pub fn role(&self) -> Result<DaemonRole, Error> {
        DaemonRole::from_number(self.state).ok_or(Error::DaemonRole)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What programs send.
//!
//! The C module checks in stages with lookups in between, and what it answers to a request with
//! several faults depends on their order. Each function here is one stage.

use super::{bytes_at, size};
use crate::addr::{Addr, Family};
use crate::config::{
    DaemonSpec, DestKey, DestSpec, Error, FlagChange, Name, Netmask, NominalTarget, ServiceKey,
    ServiceSpec, TimeoutChange, Tunnel,
};
use crate::conn::Method;
use crate::proto;
use crate::uapi;

/// An `ip_vs_service_user`, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    protocol: u16,
    addr: [u8; 4],
    port: u16,
    mark: u32,
    scheduler: [u8; 16],
    flags: u32,
    timeout: u32,
    netmask: [u8; 4],
}

impl Service {
    /// Reads the structure, and nothing behind it.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is cut off.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Self::fields(bytes).ok_or(Error::Malformed)
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            protocol: u16::from_ne_bytes(bytes_at(bytes, 0)?),
            addr: bytes_at(bytes, 4)?,
            port: u16::from_be_bytes(bytes_at(bytes, 8)?),
            mark: u32::from_ne_bytes(bytes_at(bytes, 12)?),
            scheduler: bytes_at(bytes, 16)?,
            flags: u32::from_ne_bytes(bytes_at(bytes, 32)?),
            timeout: u32::from_ne_bytes(bytes_at(bytes, 36)?),
            netmask: bytes_at(bytes, 40)?,
        })
    }

    /// Whether it names none, which means all where statistics are set to zero.
    pub const fn is_blank(&self) -> bool {
        self.mark == 0 && u32::from_ne_bytes(self.addr) == 0 && self.port == 0
    }

    /// Which service it names.
    pub const fn key(&self) -> ServiceKey {
        key(self.protocol, self.addr, self.port, self.mark)
    }

    /// The protocol that the service is, or is to be, for. One that is known by a mark has a
    /// protocol too, though it takes packets of all.
    pub const fn protocol(&self) -> u16 {
        self.protocol
    }

    /// Checks that it is for a protocol that IPVS balances. Even where a mark makes it useless.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`].
    pub fn check_protocol(&self) -> Result<(), Error> {
        match u8::try_from(self.protocol) {
            Ok(proto::TCP | proto::UDP | proto::SCTP) => Ok(()),
            _ => Err(Error::Protocol),
        }
    }

    /// The name of the scheduler, [`None`] if it is called `none`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it has no end.
    pub fn scheduler(&self) -> Result<Option<Name>, Error> {
        let mut parts = self.scheduler.splitn(2, |byte| *byte == 0);
        let (Some(name), Some(_)) = (parts.next(), parts.next()) else {
            return Err(Error::Malformed);
        };
        match name == uapi::NO_SCHEDULER {
            true => Ok(None),
            false => Name::new(name).map(Some).ok_or(Error::Malformed),
        }
    }

    /// All of it, for adding and changing.
    ///
    /// # Errors
    ///
    /// See [`scheduler`](Self::scheduler).
    pub fn spec(&self) -> Result<ServiceSpec, Error> {
        Ok(ServiceSpec {
            scheduler: self.scheduler()?,
            pe: None,
            flags: FlagChange {
                value: self.flags,
                mask: u32::MAX,
            },
            timeout: self.timeout,
            netmask: Netmask(self.netmask),
            nominal: NominalTarget {
                protocol: self.protocol,
                addr: Addr::from_v4(self.addr),
                port: self.port,
            },
        })
    }
}

const fn key(protocol: u16, addr: [u8; 4], port: u16, mark: u32) -> ServiceKey {
    match mark {
        0 => ServiceKey::Address {
            family: Family::V4,
            protocol,
            addr: Addr::from_v4(addr),
            port,
        },
        mark => ServiceKey::Mark {
            family: Family::V4,
            mark,
        },
    }
}

/// The service that the header of an `ip_vs_get_dests` names.
pub fn dests_key(header: &[u8; size::DESTS]) -> Option<ServiceKey> {
    Some(key(
        u16::from_ne_bytes(bytes_at(header, 0)?),
        bytes_at(header, 4)?,
        u16::from_be_bytes(bytes_at(header, 8)?),
        u32::from_ne_bytes(bytes_at(header, 12)?),
    ))
}

/// The service that an `ip_vs_service_entry` names.
pub fn service_key(entry: &[u8; size::SERVICE_ENTRY]) -> Option<ServiceKey> {
    Some(key(
        u16::from_ne_bytes(bytes_at(entry, 0)?),
        bytes_at(entry, 4)?,
        u16::from_be_bytes(bytes_at(entry, 8)?),
        u32::from_ne_bytes(bytes_at(entry, 12)?),
    ))
}

/// The number of entries that `header` says there is room for: its number of 32 bits at `offset`.
pub fn count(header: &[u8], offset: usize) -> Option<u32> {
    bytes_at(header, offset).map(u32::from_ne_bytes)
}

/// Reads which real server an `ip_vs_dest_user` names.
///
/// # Errors
///
/// [`Error::Malformed`] if it is cut off.
pub fn dest_key(bytes: &[u8]) -> Result<DestKey, Error> {
    let addr = bytes_at(bytes, 0).ok_or(Error::Malformed)?;
    let port = bytes_at(bytes, 4).ok_or(Error::Malformed)?;
    Ok(DestKey {
        family: Family::V4,
        addr: Addr::from_v4(addr),
        port: u16::from_be_bytes(port),
    })
}

/// Reads what an `ip_vs_dest_user` asks for.
///
/// Unlike a netlink client this one may ask for flags of the connections as well.
///
/// # Errors
///
/// [`Error::Malformed`] if it is cut off, and those of [`DestSpec::new`].
pub fn dest(bytes: &[u8]) -> Result<DestSpec, Error> {
    let number = |offset| bytes_at(bytes, offset).map(u32::from_ne_bytes);
    let (Some(flags), Some(weight), Some(upper), Some(lower)) =
        (number(8), number(12), number(16), number(20))
    else {
        return Err(Error::Malformed);
    };
    // CAST: The field is a signed number.
    let weight = weight as i32;
    let method = Method::from_bits(flags);
    let spec = DestSpec::new(method, weight, upper, lower, Tunnel::default())?;
    Ok(spec.with_conn_flags(flags))
}

/// Reads an `ip_vs_timeout_user`.
///
/// # Errors
///
/// [`Error::Malformed`] if it is cut off, and those of [`TimeoutChange::new`].
pub fn timeouts(bytes: &[u8], hz: u32) -> Result<TimeoutChange, Error> {
    let number = |offset| bytes_at(bytes, offset).map(u32::from_ne_bytes);
    match (number(0), number(4), number(8)) {
        (Some(tcp), Some(fin), Some(udp)) => TimeoutChange::new(tcp, fin, udp, hz),
        _ => Err(Error::Malformed),
    }
}

/// Reads an `ip_vs_daemon_user`, of a daemon that is to be started.
///
/// # Errors
///
/// [`Error::Malformed`] if it is cut off, or its interface has no name or one without an end.
pub fn daemon(bytes: &[u8]) -> Result<DaemonSpec, Error> {
    let (Some(state), Some(interface), Some(sync_id)) = (
        bytes_at(bytes, 0),
        bytes_at::<16>(bytes, 4),
        bytes_at(bytes, 20),
    ) else {
        return Err(Error::Malformed);
    };
    let mut parts = interface.splitn(2, |byte| *byte == 0);
    let interface = match (parts.next(), parts.next()) {
        (Some(name), Some(_)) if !name.is_empty() => name,
        _ => return Err(Error::Malformed),
    };
    Ok(DaemonSpec {
        state: u32::from_ne_bytes(state),
        interface: Name::new(interface).ok_or(Error::Malformed)?,
        sync_id: u32::from_ne_bytes(sync_id),
        max_len: 0,
        group: None,
        port: 0,
        ttl: 0,
    })
}

/// Reads the state of an `ip_vs_daemon_user`, of a daemon that is to be stopped.
pub fn daemon_state(bytes: &[u8]) -> Option<u32> {
    bytes_at(bytes, 0).map(u32::from_ne_bytes)
}

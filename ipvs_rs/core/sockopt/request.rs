// SPDX-License-Identifier: GPL-2.0

//! The structures that programs send.
//!
//! The C module checks a request in stages, with lookups in between. Which error it reports for a
//! request with several faults depends on the order of the stages. Each function here is one stage.

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
    /// [`Error::Malformed`] if the structure is cut off.
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

    /// Whether the structure names no service. To set statistics to zero, this means all services.
    pub const fn is_blank(&self) -> bool {
        self.mark == 0 && u32::from_ne_bytes(self.addr) == 0 && self.port == 0
    }

    /// The service that the structure names.
    pub const fn key(&self) -> ServiceKey {
        key(self.protocol, self.addr, self.port, self.mark)
    }

    /// The number of the protocol in the structure. A service with a firewall mark has one too, though
    /// it takes packets of all protocols.
    pub const fn protocol(&self) -> u16 {
        self.protocol
    }

    /// Checks that the protocol is one that IPVS balances, even if a firewall mark makes it useless.
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

    /// The name of the scheduler; [`None`] for the name `none`, which means no scheduler.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the name has no NUL.
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

    /// The settings of the service, for adding and changing a service.
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

/// The number of entries for which the program has room: the number of 32 bits at `offset`.
pub fn count(header: &[u8], offset: usize) -> Option<u32> {
    bytes_at(header, offset).map(u32::from_ne_bytes)
}

/// Reads the key of the real server that an `ip_vs_dest_user` names.
///
/// # Errors
///
/// [`Error::Malformed`] if the structure is cut off.
pub fn dest_key(bytes: &[u8]) -> Result<DestKey, Error> {
    let addr = bytes_at(bytes, 0).ok_or(Error::Malformed)?;
    let port = bytes_at(bytes, 4).ok_or(Error::Malformed)?;
    Ok(DestKey {
        family: Family::V4,
        addr: Addr::from_v4(addr),
        port: u16::from_be_bytes(port),
    })
}

/// Reads the settings in an `ip_vs_dest_user`.
///
/// Unlike netlink, they include flags for the connections to the server.
///
/// # Errors
///
/// [`Error::Malformed`] if the structure is cut off, and those of [`DestSpec::new`].
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

/// Reads an `ip_vs_timeout_user`. A second has `hz` ticks.
///
/// # Errors
///
/// [`Error::Malformed`] if the structure is cut off, and those of [`TimeoutChange::new`].
pub fn timeouts(bytes: &[u8], hz: u32) -> Result<TimeoutChange, Error> {
    let number = |offset| bytes_at(bytes, offset).map(u32::from_ne_bytes);
    match (number(0), number(4), number(8)) {
        (Some(tcp), Some(fin), Some(udp)) => TimeoutChange::new(tcp, fin, udp, hz),
        _ => Err(Error::Malformed),
    }
}

/// Reads an `ip_vs_daemon_user` that describes a daemon to start.
///
/// # Errors
///
/// [`Error::Malformed`] if the structure is cut off, or the name of the interface is empty or has no
/// NUL.
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

/// Reads the number of the role in an `ip_vs_daemon_user` that describes a daemon to stop.
pub fn daemon_state(bytes: &[u8]) -> Option<u32> {
    bytes_at(bytes, 0).map(u32::from_ne_bytes)
}

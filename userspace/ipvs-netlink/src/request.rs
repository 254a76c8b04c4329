// SPDX-License-Identifier: GPL-2.0

//! Changes, as values that can be kept, compared and sent in one go.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::config::DaemonRole;
use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::{command, daemon, dest, service, top, NO_SCHEDULER};

use crate::attributes::Attributes;
use crate::key::{DestKey, ServiceKey};
use crate::types::{DaemonSettings, DestSettings, ServiceSettings};

/// A change of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Request {
    /// Adds a service; `EEXIST` if it is there, `ENOENT` if its scheduler is not.
    AddService(ServiceKey, ServiceSettings),
    /// Changes all settings of a service; `ESRCH` if it is not there.
    EditService(ServiceKey, ServiceSettings),
    /// Deletes a service with its servers; `ESRCH` if it is not there.
    DeleteService(ServiceKey),
    /// Adds a server; `ESRCH` without the service, `EEXIST` if it is there.
    AddDest(ServiceKey, DestKey, DestSettings),
    /// Changes all settings of a server; `ENOENT` if it is not there.
    EditDest(ServiceKey, DestKey, DestSettings),
    /// Deletes a server; `ENOENT` if it is not there.
    DeleteDest(ServiceKey, DestKey),
    /// Starts a synchronisation daemon; `EEXIST` if it runs.
    StartDaemon(DaemonSettings),
    /// Stops a synchronisation daemon; `ESRCH` if it does not run.
    StopDaemon(
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::DaemonRole"))] DaemonRole,
    ),
    /// Sets timeouts, of which 0 keeps what is.
    SetTimeouts(#[cfg_attr(feature = "serde", serde(with = "crate::stored::Timeouts"))] Timeouts),
    /// Sets the counters of a service and its servers to zero, or all counters.
    Zero(Option<ServiceKey>),
    /// Deletes all services.
    Flush,
}

impl Request {
    /// The number of the command.
    pub const fn command(&self) -> u8 {
        match self {
            Self::AddService(..) => command::NEW_SERVICE,
            Self::EditService(..) => command::SET_SERVICE,
            Self::DeleteService(..) => command::DEL_SERVICE,
            Self::AddDest(..) => command::NEW_DEST,
            Self::EditDest(..) => command::SET_DEST,
            Self::DeleteDest(..) => command::DEL_DEST,
            Self::StartDaemon(..) => command::NEW_DAEMON,
            Self::StopDaemon(..) => command::DEL_DAEMON,
            Self::SetTimeouts(..) => command::SET_CONFIG,
            Self::Zero(..) => command::ZERO,
            Self::Flush => command::FLUSH,
        }
    }

    /// The attributes of the request, as they stand in the message.
    pub(crate) fn attributes(&self) -> Result<Vec<u8>, Full> {
        let mut out = Attributes::default();
        match self {
            Self::AddService(key, settings) | Self::EditService(key, settings) => {
                out.nest(top::SERVICE, |out| {
                    put_key(out, key)?;
                    put_settings(out, settings)
                })?;
            }
            Self::DeleteService(key) | Self::Zero(Some(key)) => put_service(&mut out, key)?,
            Self::AddDest(key, server, settings) | Self::EditDest(key, server, settings) => {
                put_service(&mut out, key)?;
                out.nest(top::DEST, |out| {
                    put_dest_key(out, server)?;
                    put_dest(out, settings)
                })?;
            }
            Self::DeleteDest(key, server) => {
                put_service(&mut out, key)?;
                out.nest(top::DEST, |out| put_dest_key(out, server))?;
            }
            Self::StartDaemon(settings) => {
                out.nest(top::DAEMON, |out| put_daemon(out, settings))?;
            }
            Self::StopDaemon(role) => {
                out.nest(top::DAEMON, |out| out.put_u32(daemon::STATE, *role as u32))?;
            }
            Self::SetTimeouts(times) => {
                out.put_u32(top::TIMEOUT_TCP, times.tcp_established)?;
                out.put_u32(top::TIMEOUT_TCP_FIN, times.tcp_fin_wait)?;
                out.put_u32(top::TIMEOUT_UDP, times.udp)?;
            }
            Self::Zero(None) | Self::Flush => {}
        }
        Ok(out.0)
    }
}

/// Adds the nest that names a service.
pub(crate) fn put_service(out: &mut Attributes, key: &ServiceKey) -> Result<(), Full> {
    out.nest(top::SERVICE, |out| put_key(out, key))
}

pub(crate) fn put_key(out: &mut Attributes, key: &ServiceKey) -> Result<(), Full> {
    out.put_u16(service::AF, key.family().af())?;
    match key {
        ServiceKey::Mark { mark, .. } => out.put_u32(service::FWMARK, *mark),
        ServiceKey::Address {
            family,
            protocol,
            addr,
            port,
        } => {
            out.put_u16(service::PROTOCOL, protocol.number())?;
            put_addr(out, service::ADDR, *family, *addr)?;
            out.put_be16(service::PORT, *port)
        }
    }
}

/// Adds an address in its own length.
pub(crate) fn put_addr(
    out: &mut Attributes,
    kind: u16,
    family: Family,
    addr: Addr,
) -> Result<(), Full> {
    match family {
        Family::V4 => out.put(kind, &addr.v4()),
        Family::V6 => out.put(kind, &addr.octets()),
    }
}

pub(crate) fn put_settings(out: &mut Attributes, settings: &ServiceSettings) -> Result<(), Full> {
    match &settings.scheduler {
        Some(name) => out.put_name(service::SCHED_NAME, name)?,
        None => out.put(service::SCHED_NAME, &[NO_SCHEDULER, &[0]].concat())?,
    }
    if let Some(pe) = &settings.pe {
        out.put_name(service::PE_NAME, pe)?;
    }
    let mut flags = [0; 8];
    let words = settings.flags.to_ne_bytes().into_iter().chain([0xFF; 4]);
    for (to, from) in flags.iter_mut().zip(words) {
        *to = from;
    }
    out.put(service::FLAGS, &flags)?;
    out.put_u32(service::TIMEOUT, settings.timeout)?;
    out.put(service::NETMASK, &settings.netmask.0)
}

pub(crate) fn put_dest_key(out: &mut Attributes, key: &DestKey) -> Result<(), Full> {
    out.put_u16(dest::ADDR_FAMILY, key.family.af())?;
    put_addr(out, dest::ADDR, key.family, key.addr)?;
    out.put_be16(dest::PORT, key.port)
}

pub(crate) fn put_dest(out: &mut Attributes, settings: &DestSettings) -> Result<(), Full> {
    out.put_u32(dest::FWD_METHOD, settings.method.bits())?;
    out.put_u32(dest::WEIGHT, settings.weight)?;
    out.put_u32(dest::U_THRESH, settings.upper)?;
    out.put_u32(dest::L_THRESH, settings.lower)?;
    out.put(dest::TUN_TYPE, &[settings.tunnel.kind])?;
    out.put_be16(dest::TUN_PORT, settings.tunnel.port)?;
    out.put_u16(dest::TUN_FLAGS, settings.tunnel.flags)
}

fn put_daemon(out: &mut Attributes, settings: &DaemonSettings) -> Result<(), Full> {
    out.put_u32(daemon::STATE, settings.role as u32)?;
    out.put_name(daemon::MCAST_IFN, &settings.interface)?;
    out.put_u32(daemon::SYNC_ID, settings.sync_id)?;
    if settings.max_len != 0 {
        out.put_u16(daemon::SYNC_MAXLEN, settings.max_len)?;
    }
    if settings.port != 0 {
        out.put_u16(daemon::MCAST_PORT, settings.port)?;
    }
    if settings.ttl != 0 {
        out.put(daemon::MCAST_TTL, &[settings.ttl])?;
    }
    match settings.group {
        Some((Family::V4, addr)) => out.put(daemon::MCAST_GROUP, &addr.v4()),
        Some((Family::V6, addr)) => out.put(daemon::MCAST_GROUP6, &addr.octets()),
        None => Ok(()),
    }
}

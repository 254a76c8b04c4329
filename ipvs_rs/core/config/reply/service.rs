// SPDX-License-Identifier: GPL-2.0

//! A virtual service in a reply.

use super::{stats, AttributeSink, Full};
use crate::config::{Name, Netmask, ServiceKey};
use crate::est::Stats;
use crate::uapi::{service as svc, service_flags, top};

/// All that a client is told about a virtual service.
#[derive(Clone, Copy, Debug)]
pub struct ServiceView {
    /// What identifies it.
    pub key: ServiceKey,
    /// The scheduler, if there is one.
    pub scheduler: Option<Name>,
    /// The persistence engine, if there is one.
    pub pe: Option<Name>,
    /// The flags; see [`service_flags`].
    pub flags: u32,
    /// How long a client keeps its server, in seconds.
    pub timeout: u32,
    /// Which clients are one client for persistence.
    pub netmask: Netmask,
    /// The statistics.
    pub stats: Stats,
}

/// Adds the nest of a service.
///
/// # Errors
///
/// [`Full`].
pub fn service<S: AttributeSink>(sink: &mut S, view: &ServiceView) -> Result<(), Full> {
    sink.nest(top::SERVICE, |sink| service_attributes(sink, view))
}

/// Adds the attributes of a service.
///
/// # Errors
///
/// [`Full`].
pub fn service_attributes<S: AttributeSink>(sink: &mut S, view: &ServiceView) -> Result<(), Full> {
    service_key_attributes(sink, &view.key)?;
    service_settings_attributes(sink, view)?;
    stats::both(sink, svc::STATS, svc::STATS64, &view.stats)
}

/// Adds the attributes that identify a service.
///
/// # Errors
///
/// [`Full`].
pub fn service_key_attributes<S: AttributeSink>(
    sink: &mut S,
    key: &ServiceKey,
) -> Result<(), Full> {
    sink.put_u16(svc::AF, key.family().af())?;
    match *key {
        ServiceKey::Mark { mark, .. } => sink.put_u32(svc::FWMARK, mark)?,
        ServiceKey::Address {
            protocol,
            addr,
            port,
            ..
        } => {
            sink.put_u16(svc::PROTOCOL, protocol)?;
            sink.put(svc::ADDR, &addr.octets())?;
            sink.put_be16(svc::PORT, port)?;
        }
    }
    Ok(())
}

/// Adds the attributes of a service that can be changed.
///
/// # Errors
///
/// [`Full`].
pub fn service_settings_attributes<S: AttributeSink>(
    sink: &mut S,
    view: &ServiceView,
) -> Result<(), Full> {
    match &view.scheduler {
        Some(name) => sink.put_name(svc::SCHED_NAME, name)?,
        None => sink.put(svc::SCHED_NAME, b"none\0")?,
    }
    if let Some(name) = &view.pe {
        sink.put_name(svc::PE_NAME, name)?;
    }
    let [v0, v1, v2, v3] = (view.flags | service_flags::HASHED).to_ne_bytes();
    sink.put(svc::FLAGS, &[v0, v1, v2, v3, 0xFF, 0xFF, 0xFF, 0xFF])?;
    sink.put_u32(svc::TIMEOUT, view.timeout)?;
    sink.put(svc::NETMASK, &view.netmask.0)
}

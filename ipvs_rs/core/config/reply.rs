// SPDX-License-Identifier: GPL-2.0

//! From services, real servers and settings to netlink attributes.
//!
//! Order, sizes and padding are those of the C module: clients were seen to fail on an attribute
//! that they do not know.

use super::{DaemonSpec, DestKey, DestSpec, Name, Netmask, ServiceKey};
use crate::addr::Family;
use crate::est::Stats;
use crate::proto::Timeouts;
use crate::uapi::{self, daemon, dest as dst, info, service as svc, service_flags, stats, top};

/// The message has no room for the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where attributes are written to: a socket buffer in the kernel, a vector on the host.
pub trait AttributeSink {
    /// Adds an attribute.
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full>;

    /// Adds a number of 64 bits, behind an empty attribute of type `pad` where the machine needs
    /// that to find it aligned.
    ///
    /// As the kernel's `nla_put_u64_64bit`.
    fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full>;

    /// Adds an attribute that holds those that `fill` adds; its type has no flag.
    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full>;

    /// Adds a number of 16 bits in host order.
    fn put_u16(&mut self, kind: u16, value: u16) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds a number of 16 bits in network order.
    fn put_be16(&mut self, kind: u16, value: u16) -> Result<(), Full> {
        self.put(kind, &value.to_be_bytes())
    }

    /// Adds a number of 32 bits in host order.
    fn put_u32(&mut self, kind: u16, value: u32) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds a name and a NUL.
    fn put_name(&mut self, kind: u16, name: &Name) -> Result<(), Full> {
        let mut text = [0; 17];
        for (to, from) in text.iter_mut().zip(name.as_bytes()) {
            *to = *from;
        }
        let len = name.as_bytes().len().saturating_add(1);
        self.put(kind, text.get(..len).unwrap_or(&text))
    }
}

/// A virtual service as a client is told of it.
#[derive(Clone, Copy, Debug)]
pub struct ServiceView {
    /// What identifies it.
    pub key: ServiceKey,
    /// The scheduler.
    pub scheduler: Option<Name>,
    /// The persistence engine.
    pub pe: Option<Name>,
    /// The flags.
    pub flags: u32,
    /// The time of persistence, in seconds.
    pub timeout: u32,
    /// Which clients persistence takes for one.
    pub netmask: Netmask,
    /// The statistics.
    pub stats: Stats,
}

/// A real server as a client is told of it.
#[derive(Clone, Copy, Debug)]
pub struct DestView {
    /// What identifies it.
    pub key: DestKey,
    /// What can be changed of it.
    pub spec: DestSpec,
    /// Active connections.
    pub active: u32,
    /// Active and inactive connections.
    pub total: u32,
    /// Persistence templates.
    pub persistent: u32,
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
    both_stats(sink, svc::STATS, svc::STATS64, &view.stats)
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

/// Adds the attributes that can be changed of a service.
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

/// Adds the nest of a real server.
///
/// # Errors
///
/// [`Full`].
pub fn dest<S: AttributeSink>(sink: &mut S, view: &DestView) -> Result<(), Full> {
    sink.nest(top::DEST, |sink| dest_attributes(sink, view))
}

/// Adds the attributes of a real server.
///
/// # Errors
///
/// [`Full`].
pub fn dest_attributes<S: AttributeSink>(sink: &mut S, view: &DestView) -> Result<(), Full> {
    sink.put(dst::ADDR, &view.key.addr.octets())?;
    sink.put_be16(dst::PORT, view.key.port)?;
    dest_settings_attributes(sink, &view.spec)?;
    sink.put_u32(dst::ACTIVE_CONNS, view.active)?;
    // Both counts are read while they change.
    sink.put_u32(dst::INACT_CONNS, view.total.saturating_sub(view.active))?;
    sink.put_u32(dst::PERSIST_CONNS, view.persistent)?;
    sink.put_u16(dst::ADDR_FAMILY, view.key.family.af())?;
    both_stats(sink, dst::STATS, dst::STATS64, &view.stats)
}

/// Adds the attributes that can be changed of a real server.
///
/// # Errors
///
/// [`Full`].
pub fn dest_settings_attributes<S: AttributeSink>(
    sink: &mut S,
    spec: &DestSpec,
) -> Result<(), Full> {
    let tunnel = spec.tunnel();
    sink.put_u32(dst::FWD_METHOD, spec.method().bits())?;
    sink.put_u32(dst::WEIGHT, spec.weight())?;
    sink.put(dst::TUN_TYPE, &[tunnel.kind])?;
    sink.put_be16(dst::TUN_PORT, tunnel.port)?;
    sink.put_u16(dst::TUN_FLAGS, tunnel.flags)?;
    sink.put_u32(dst::U_THRESH, spec.upper())?;
    sink.put_u32(dst::L_THRESH, spec.lower())
}

fn both_stats<S: AttributeSink>(
    sink: &mut S,
    mixed: u16,
    wide: u16,
    view: &Stats,
) -> Result<(), Full> {
    sink.nest(mixed, |sink| stats_attributes(sink, view))?;
    sink.nest(wide, |sink| stats64_attributes(sink, view))
}

/// The older form: only bytes have 64 bits.
fn stats_attributes<S: AttributeSink>(sink: &mut S, view: &Stats) -> Result<(), Full> {
    let counters = &view.counters;
    // CAST: as the C module does, the low half.
    sink.put_u32(stats::CONNS, counters.conns as u32)?;
    sink.put_u32(stats::INPKTS, counters.inpkts as u32)?;
    sink.put_u32(stats::OUTPKTS, counters.outpkts as u32)?;
    sink.put_u64(stats::INBYTES, counters.inbytes, stats::PAD)?;
    sink.put_u64(stats::OUTBYTES, counters.outbytes, stats::PAD)?;
    sink.put_u32(stats::CPS, view.cps as u32)?;
    sink.put_u32(stats::INPPS, view.inpps as u32)?;
    sink.put_u32(stats::OUTPPS, view.outpps as u32)?;
    sink.put_u32(stats::INBPS, view.inbps as u32)?;
    sink.put_u32(stats::OUTBPS, view.outbps as u32)
}

fn stats64_attributes<S: AttributeSink>(sink: &mut S, view: &Stats) -> Result<(), Full> {
    let counters = &view.counters;
    for (kind, value) in [
        (stats::CONNS, counters.conns),
        (stats::INPKTS, counters.inpkts),
        (stats::OUTPKTS, counters.outpkts),
        (stats::INBYTES, counters.inbytes),
        (stats::OUTBYTES, counters.outbytes),
        (stats::CPS, view.cps),
        (stats::INPPS, view.inpps),
        (stats::OUTPPS, view.outpps),
        (stats::INBPS, view.inbps),
        (stats::OUTBPS, view.outbps),
    ] {
        sink.put_u64(kind, value, stats::PAD)?;
    }
    Ok(())
}

/// Adds the answer to `GET_CONFIG`.
///
/// # Errors
///
/// [`Full`].
pub fn timeouts<S: AttributeSink>(sink: &mut S, timeouts: &Timeouts) -> Result<(), Full> {
    sink.put_u32(top::TIMEOUT_TCP, timeouts.tcp_established)?;
    sink.put_u32(top::TIMEOUT_TCP_FIN, timeouts.tcp_fin_wait)?;
    sink.put_u32(top::TIMEOUT_UDP, timeouts.udp)
}

/// Adds the answer to `GET_INFO`; `buckets` is the size of the connection table.
///
/// # Errors
///
/// [`Full`].
pub fn info<S: AttributeSink>(sink: &mut S, buckets: u32) -> Result<(), Full> {
    sink.put_u32(info::VERSION, uapi::VERSION)?;
    sink.put_u32(info::CONN_TAB_SIZE, buckets)
}

/// Adds the nest of a running synchronisation daemon.
///
/// # Errors
///
/// [`Full`].
pub fn daemon<S: AttributeSink>(sink: &mut S, spec: &DaemonSpec) -> Result<(), Full> {
    sink.nest(top::DAEMON, |sink| {
        sink.put_u32(daemon::STATE, spec.state)?;
        sink.put_name(daemon::MCAST_IFN, &spec.interface)?;
        sink.put_u32(daemon::SYNC_ID, spec.sync_id)?;
        sink.put_u16(daemon::SYNC_MAXLEN, spec.max_len)?;
        sink.put_u16(daemon::MCAST_PORT, spec.port)?;
        sink.put(daemon::MCAST_TTL, &[spec.ttl])?;
        match spec.group {
            Some((Family::V6, addr)) => sink.put(daemon::MCAST_GROUP6, &addr.octets()),
            Some((Family::V4, addr)) => sink.put(daemon::MCAST_GROUP, &addr.v4()),
            None => Ok(()),
        }
    })
}

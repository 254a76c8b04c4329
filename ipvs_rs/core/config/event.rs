// SPDX-License-Identifier: GPL-2.0

//! Events about changes for the members of the multicast group: see `include/uapi/ipvs_rs.h`.

use super::{
    reply::{self, AttributeSink, Full, ServiceView},
    DestKey, DestSpec, ServiceKey,
};
use crate::nla::NESTED;
use crate::proto::Timeouts;
use crate::uapi::{additions as new, dest as dst, service as svc, top};

/// The change that an event reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The object was added.
    New,
    /// Attributes of the object were changed: bit `n` stands for attribute `n`.
    Set(u32),
    /// The object was deleted.
    Del,
    /// All services were deleted.
    Flush,
    /// The counters of a service and its servers, or all counters, were set to 0.
    Zero,
}

/// The bit of an attribute.
const fn bit(attribute: u16) -> u32 {
    // CAST: It is below 32.
    1_u32.wrapping_shl(attribute as u32)
}

/// The bits of the attributes that have changed.
fn bits<const N: usize>(changes: [(u16, bool); N]) -> u32 {
    let changed = changes.into_iter().filter(|(_, changed)| *changed);
    changed.fold(0, |bits, (attribute, _)| bits | bit(attribute))
}

/// The change of a service.
pub fn service_changes(old: &ServiceView, new: &ServiceView) -> Action {
    Action::Set(bits([
        (svc::SCHED_NAME, old.scheduler != new.scheduler),
        (svc::PE_NAME, old.pe != new.pe),
        (svc::FLAGS, old.flags != new.flags),
        (svc::TIMEOUT, old.timeout != new.timeout),
        (svc::NETMASK, old.netmask != new.netmask),
    ]))
}

/// The change of a real server.
pub fn dest_changes(old: &DestSpec, new: &DestSpec) -> Action {
    let (from, to) = (old.tunnel(), new.tunnel());
    Action::Set(bits([
        (dst::FWD_METHOD, old.method() != new.method()),
        (dst::WEIGHT, old.weight() != new.weight()),
        (dst::U_THRESH, old.upper() != new.upper()),
        (dst::L_THRESH, old.lower() != new.lower()),
        (dst::TUN_TYPE, from.kind != to.kind),
        (dst::TUN_PORT, from.port != to.port),
        (dst::TUN_FLAGS, from.flags != to.flags),
    ]))
}

/// The change of the timeouts.
pub fn timeout_changes(old: &Timeouts, new: &Timeouts) -> Action {
    Action::Set(bits([
        (top::TIMEOUT_TCP, old.tcp_established != new.tcp_established),
        (top::TIMEOUT_TCP_FIN, old.tcp_fin_wait != new.tcp_fin_wait),
        (top::TIMEOUT_UDP, old.udp != new.udp),
    ]))
}

/// The change of a sysctl.
pub const fn setting_change() -> Action {
    Action::Set(bit(new::top::VALUE))
}

/// The change of a master that a backup hears: all its connections have come, or they are asked for anew.
pub const fn master_change() -> Action {
    Action::Set(bit(new::master::COMPLETE))
}

impl Action {
    /// Whether nothing was changed.
    pub fn is_nothing(self) -> bool {
        self == Self::Set(0)
    }

    /// Adds the change, and the netlink port of the client that asked for it.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn put<S: AttributeSink>(self, sink: &mut S, port: u32) -> Result<(), Full> {
        let (action, changed) = match self {
            Self::New => (new::action::NEW, None),
            Self::Set(changed) => (new::action::SET, Some(changed)),
            Self::Del => (new::action::DEL, None),
            Self::Flush => (new::action::FLUSH, None),
            Self::Zero => (new::action::ZERO, None),
        };
        sink.put_u32(new::top::ACTION, action)?;
        sink.put_u32(new::top::PORTID, port)?;
        match changed {
            Some(changed) => sink.put_u32(new::top::CHANGED, changed),
            None => Ok(()),
        }
    }
}

/// Adds the key of a service.
///
/// # Errors
///
/// [`Full`].
pub fn service_key<S: AttributeSink>(sink: &mut S, key: &ServiceKey) -> Result<(), Full> {
    sink.nest(top::SERVICE | NESTED, |sink| {
        reply::service_key_attributes(sink, key)
    })
}

/// Adds a service, without its statistics.
///
/// # Errors
///
/// [`Full`].
pub fn service<S: AttributeSink>(sink: &mut S, view: &ServiceView) -> Result<(), Full> {
    sink.nest(top::SERVICE | NESTED, |sink| {
        reply::service_key_attributes(sink, &view.key)?;
        reply::service_settings_attributes(sink, view)
    })
}

/// Adds a real server without counts and statistics. Without `spec` only its key is added.
///
/// # Errors
///
/// [`Full`].
pub fn dest<S: AttributeSink>(
    sink: &mut S,
    key: &DestKey,
    spec: Option<&DestSpec>,
) -> Result<(), Full> {
    sink.nest(top::DEST | NESTED, |sink| {
        sink.put(dst::ADDR, &key.addr.octets())?;
        sink.put_be16(dst::PORT, key.port)?;
        sink.put_u16(dst::ADDR_FAMILY, key.family.af())?;
        match spec {
            Some(spec) => reply::dest_settings_attributes(sink, spec),
            None => Ok(()),
        }
    })
}

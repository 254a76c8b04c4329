// SPDX-License-Identifier: GPL-2.0

//! A real server in a reply.

use super::{stats, AttributeSink, Full};
use crate::config::{DestKey, DestSpec};
use crate::est::Stats;
use crate::uapi::{dest as dst, top};

/// All that a client is told about a real server.
#[derive(Clone, Copy, Debug)]
pub struct DestView {
    /// What identifies it.
    pub key: DestKey,
    /// Its settings.
    pub spec: DestSpec,
    /// The number of active connections.
    pub active: u32,
    /// The number of all connections, active and inactive.
    pub total: u32,
    /// The number of persistence templates.
    pub persistent: u32,
    /// The statistics.
    pub stats: Stats,
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
    // The counts change while they are read, so `active` can be the larger one.
    sink.put_u32(dst::INACT_CONNS, view.total.saturating_sub(view.active))?;
    sink.put_u32(dst::PERSIST_CONNS, view.persistent)?;
    sink.put_u16(dst::ADDR_FAMILY, view.key.family.af())?;
    stats::both(sink, dst::STATS, dst::STATS64, &view.stats)
}

/// Adds the attributes of a real server that can be changed.
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

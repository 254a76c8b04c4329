// SPDX-License-Identifier: GPL-2.0

//! From services, real servers and settings to netlink attributes.
//!
//! The order of attributes, their sizes and their padding are those of the C module: clients were
//! seen to fail on an attribute that they do not know.

mod dest;
mod service;
mod sink;
mod stats;

pub use dest::{dest, dest_attributes, dest_settings_attributes, DestView};
pub use service::{
    service, service_attributes, service_key_attributes, service_settings_attributes, ServiceView,
};
pub use sink::{AttributeSink, Full};

use super::DaemonSpec;
use crate::addr::Family;
use crate::proto::Timeouts;
use crate::uapi::{self, daemon, info, top};

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

/// Adds the answer to `GET_INFO`. `buckets` is the number of buckets of the connection table.
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

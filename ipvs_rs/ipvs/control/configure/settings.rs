// SPDX-License-Identifier: GPL-2.0

//! Timeouts are set, and statistics zeroed.

use ipvs_core::config::{ServiceKey, TimeoutChange};
use knet::rcu;

use super::service as find_service;
use crate::control::refusal::Refusal;
use crate::model::{
    origin::Origin,
    service::{Cursor, Service},
    Ipvs,
};

/// Changes the timeouts that later packets give to their connections.
pub(crate) fn set_timeouts(ipvs: &Ipvs, origin: Origin<'_>, change: &TimeoutChange) {
    let _config = ipvs.config.lock();
    let before = ipvs.settings.timeouts();
    let timeouts = change.apply(before);
    ipvs.settings.set_timeouts(timeouts);
    origin.timeouts(&before, &timeouts);
}

/// Zeroes the statistics of the service with this key, and those of its servers.
///
/// # Errors
///
/// `ESRCH` if there is no such service.
pub(crate) fn zero_service(
    ipvs: &Ipvs,
    origin: Origin<'_>,
    key: &ServiceKey,
) -> Result<(), Refusal> {
    let _config = ipvs.config.lock();
    zero(&*find_service(ipvs, key)?);
    origin.zeroed(Some(key));
    Ok(())
}

/// Zeroes the statistics of a namespace, of its services and of their servers.
pub(crate) fn zero_all(ipvs: &Ipvs, origin: Origin<'_>) {
    let _config = ipvs.config.lock();
    let mut cursor = Cursor::default();
    let guard = rcu::read_lock();
    while let Some(service) = ipvs.services.next(&mut cursor, &guard) {
        zero(&service);
    }
    drop(guard);
    ipvs.stats.zero();
    origin.zeroed(None);
}

/// Zeroes the statistics of a service and its servers.
fn zero(service: &Service) {
    service.stats.zero();
    let guard = rcu::read_lock();
    if let Some(pool) = service.pool.load(&guard) {
        let members = pool.members();
        members.iter().for_each(|member| member.stats.zero());
    }
}

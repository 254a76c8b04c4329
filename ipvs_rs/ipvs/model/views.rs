// SPDX-License-Identifier: GPL-2.0

//! The values of the model that listings, replies and announcements show to users.

use ipvs_core::config::{
    conns::ConnView,
    reply::{DestView, ServiceView},
};
use knet::{
    rcu::Guard,
    time::{Jiffies, HZ},
};

use super::{conn::Conn, member::Member, pool::Pool, service::Service};

/// The present values of a service; [`None`] after the service was deleted.
pub(crate) fn service(service: &Service, guard: &Guard) -> Option<ServiceView> {
    Some(service_with(service, service.pool.load(guard)?))
}

/// The present values of a service with this pool.
pub(crate) fn service_with(service: &Service, pool: &Pool) -> ServiceView {
    let settings = pool.settings();
    ServiceView {
        key: service.key,
        scheduler: pool.scheduler().copied(),
        pe: pool.engine_name().copied(),
        flags: settings.flags,
        timeout: settings.timeout,
        netmask: settings.netmask,
        stats: service.stats.view(),
    }
}

/// The present values of a server.
pub(crate) fn dest(dest: &Member) -> DestView {
    DestView {
        key: dest.key,
        spec: *dest.spec(),
        active: dest.active(),
        total: dest.total(),
        persistent: dest.persistent(),
        stats: dest.stats.view(),
    }
}

/// The present values of a connection.
pub(crate) fn conn(conn: &Conn) -> ConnView<'_> {
    let seconds = conn.remaining(Jiffies::now()) / HZ;
    ConnView {
        tuple: conn.request(),
        server: (conn.dest.key.family, conn.server),
        server_port: conn.listed_port(),
        state: conn.state_name(),
        flags: conn.condition().flags().listed(),
        expires: u32::try_from(seconds).unwrap_or(u32::MAX),
        packets: conn.packets(),
        service: conn.dest.service,
        engine: conn.engine_data(),
    }
}

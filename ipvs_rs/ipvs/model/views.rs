// SPDX-License-Identifier: GPL-2.0

//! The model as users see it: the values that listings, answers and announcements show.

use ipvs_core::config::{
    conns::ConnView,
    reply::{DestView, ServiceView},
};
use knet::{
    rcu::Guard,
    time::{Jiffies, HZ},
};

use super::{
    conn::Conn,
    pool::{Member, Pool},
    service::Service,
};

/// How user space sees a service now; [`None`] once it is deleted.
pub(crate) fn service(service: &Service, guard: &Guard) -> Option<ServiceView> {
    Some(service_with(service, service.pool.load(guard)?))
}

/// How user space sees a service that has this pool.
pub(crate) fn service_with(service: &Service, pool: &Pool) -> ServiceView {
    let settings = pool.settings();
    ServiceView {
        key: service.key,
        scheduler: pool.scheduler().copied(),
        pe: None,
        flags: settings.flags,
        timeout: settings.timeout,
        netmask: settings.netmask,
        stats: service.stats.view(),
    }
}

/// How user space sees a server now.
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

/// How user space sees a connection now.
pub(crate) fn conn(conn: &Conn) -> ConnView {
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
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What the module writes of services, servers and daemons.

use ipvs_core::config::reply::{self, DestView, ServiceView};
use ipvs_core::config::{DaemonSpec, DestKey, DestSpec, ServiceKey, ServiceSpec};
use ipvs_core::est;
use ipvs_netlink::{Daemon, Dest, Service};

use crate::Written;

/// The reply about a service that was configured.
pub fn configured_service(key: ServiceKey, spec: &ServiceSpec) -> Vec<u8> {
    written_service(&ServiceView {
        key,
        scheduler: spec.scheduler,
        pe: spec.pe,
        flags: spec.flags.apply(0),
        timeout: spec.timeout,
        netmask: spec.netmask,
        stats: est::Stats::default(),
    })
}

/// The reply about a service as a client has it.
pub fn service(read: &Service) -> Vec<u8> {
    let settings = &read.settings;
    written_service(&ServiceView {
        key: match read.key {
            ipvs_netlink::ServiceKey::Mark { family, mark } => ServiceKey::Mark { family, mark },
            ipvs_netlink::ServiceKey::Address {
                family,
                protocol,
                addr,
                port,
            } => ServiceKey::Address {
                family,
                protocol: protocol.number(),
                addr,
                port,
            },
        },
        scheduler: settings.scheduler,
        pe: settings.pe,
        flags: settings.flags,
        timeout: settings.timeout,
        netmask: settings.netmask,
        stats: stats(&read.stats),
    })
}

fn written_service(view: &ServiceView) -> Vec<u8> {
    let mut out = Written::default();
    reply::service(&mut out, view).expect("room for a service");
    out.0
}

/// The reply about a server that was configured.
pub fn configured_dest(key: DestKey, spec: DestSpec) -> Vec<u8> {
    written_dest(&DestView {
        key,
        spec,
        active: 1,
        total: 3,
        persistent: 2,
        stats: est::Stats::default(),
    })
}

/// The reply about a server as a client has it; [`None`] if no kernel has such a server.
pub fn dest(read: &Dest) -> Option<Vec<u8>> {
    let set = &read.settings;
    // CAST: what is beyond is negative to the kernel.
    let weight = set.weight as i32;
    let spec = DestSpec::new(set.method, weight, set.upper, set.lower, set.tunnel);
    Some(written_dest(&DestView {
        key: DestKey {
            family: read.key.family,
            addr: read.key.addr,
            port: read.key.port,
        },
        spec: spec.ok()?,
        active: read.active,
        total: read.active.checked_add(read.inactive)?,
        persistent: read.persistent,
        stats: stats(&read.stats),
    }))
}

fn written_dest(view: &DestView) -> Vec<u8> {
    let mut out = Written::default();
    reply::dest(&mut out, view).expect("room for a server");
    out.0
}

/// The reply about a daemon.
pub fn configured_daemon(spec: &DaemonSpec) -> Vec<u8> {
    let mut out = Written::default();
    reply::daemon(&mut out, spec).expect("room for a daemon");
    out.0
}

/// The reply about a daemon as a client has it.
pub fn daemon(read: &Daemon) -> Vec<u8> {
    configured_daemon(&DaemonSpec {
        state: read.role as u32,
        interface: read.interface,
        sync_id: read.sync_id,
        max_len: read.max_len,
        group: read.group,
        port: read.port,
        ttl: read.ttl,
    })
}

/// Statistics as the module has them, from those that the client read.
const fn stats(read: &ipvs_netlink::Stats) -> est::Stats {
    est::Stats {
        counters: est::Counters {
            conns: read.connections,
            inpkts: read.packets_in,
            outpkts: read.packets_out,
            inbytes: read.bytes_in,
            outbytes: read.bytes_out,
        },
        cps: read.rates.connections,
        inpps: read.rates.packets_in,
        outpps: read.rates.packets_out,
        inbps: read.rates.bytes_in,
        outbps: read.rates.bytes_out,
    }
}

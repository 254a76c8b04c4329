// SPDX-License-Identifier: GPL-2.0

//! The settings in `/proc/sys/net/ipv4/vs`. They are for both families.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::addr::Family;
use kernel::{prelude::*, sync::Mutex};
use knet::{
    capability,
    net_namespace::Net,
    rcu::{self, Arc},
    sysctl::{self, Entry, Settings},
    time::HZ,
};

use crate::{
    model::{
        duties::{Defense, Estimation, Resize},
        origin::{Monitor, Origin},
        settings::MOST_CONNECTIONS,
        Ipvs,
    },
    upkeep::est,
};

const ENTRIES: &[Entry<Ipvs>] = &[
    Entry::functions(
        c"conn_max",
        |ipvs| ipvs.settings.conn_max.load(Relaxed),
        set_conn_max,
    ),
    Entry::int(c"amemthresh", |ipvs: &Ipvs| &ipvs.settings.amemthresh),
    Entry::int(c"am_droprate", |ipvs: &Ipvs| &ipvs.settings.am_droprate),
    Entry::int(c"drop_entry", |ipvs: &Ipvs| &ipvs.settings.drop_entry)
        .range(0, 3)
        .on_change(|ipvs| Defense::apply(ipvs, Some(c"drop_entry"))),
    Entry::int(c"drop_packet", |ipvs: &Ipvs| &ipvs.settings.drop_packet)
        .range(0, 3)
        .on_change(|ipvs| Defense::apply(ipvs, Some(c"drop_packet"))),
    Entry::int(c"secure_tcp", |ipvs: &Ipvs| &ipvs.settings.secure_tcp)
        .range(0, 3)
        .on_change(|ipvs| Defense::apply(ipvs, Some(c"secure_tcp"))),
    Entry::int(c"snat_reroute", |ipvs: &Ipvs| &ipvs.settings.snat_reroute),
    Entry::int(c"pmtu_disc", |ipvs: &Ipvs| &ipvs.settings.pmtu_disc),
    Entry::int(c"cache_bypass", |ipvs: &Ipvs| &ipvs.settings.cache_bypass),
    Entry::int(c"sloppy_tcp", |ipvs: &Ipvs| &ipvs.settings.sloppy_tcp),
    Entry::int(c"sloppy_sctp", |ipvs: &Ipvs| &ipvs.settings.sloppy_sctp),
    Entry::int(c"run_estimation", |ipvs: &Ipvs| {
        &ipvs.settings.run_estimation
    })
    .on_change(Estimation::start)
    .initial_only(),
    Entry::int(c"conn_reuse_mode", |ipvs: &Ipvs| {
        &ipvs.settings.conn_reuse_mode
    }),
    Entry::int(c"expire_nodest_conn", |ipvs: &Ipvs| {
        &ipvs.settings.expire_nodest_conn
    }),
    Entry::int(c"expire_quiescent_template", |ipvs: &Ipvs| {
        &ipvs.settings.expire_quiescent_template
    }),
    Entry::int(c"conntrack", |ipvs: &Ipvs| &ipvs.settings.conntrack),
    Entry::int(c"backup_only", |ipvs: &Ipvs| &ipvs.settings.backup_only)
        .on_change(|ipvs| ipvs.consider_backup_only()),
    Entry::int(c"ignore_tunneled", |ipvs: &Ipvs| {
        &ipvs.settings.ignore_tunneled
    }),
    Entry::int(c"est_nice", |ipvs: &Ipvs| &ipvs.settings.est_nice)
        .range(-20, 19)
        .initial_only(),
    Entry::cpus(c"est_cpulist", est::read_cpus, est::set_cpus).initial_only(),
    Entry::int(c"sync_version", |ipvs: &Ipvs| &ipvs.settings.sync_version).range(0, 1),
    Entry::functions(
        c"sync_ports",
        |ipvs| ipvs.settings.sync_ports.load(Relaxed),
        set_sync_ports,
    ),
    Entry::int(c"sync_eager", |ipvs: &Ipvs| &ipvs.settings.sync_eager),
    Entry::int(c"sync_persist_mode", |ipvs: &Ipvs| {
        &ipvs.settings.sync_persist_mode
    }),
    Entry::large(c"sync_qlen_max", |ipvs: &Ipvs| &ipvs.settings.sync_qlen_max).initial_only(),
    Entry::int(c"sync_sock_size", |ipvs: &Ipvs| {
        &ipvs.settings.sync_sock_size
    })
    .initial_only(),
    Entry::pair(
        c"sync_threshold",
        |ipvs| ipvs.settings.sync_threshold(),
        set_sync_threshold,
    ),
    Entry::int(c"sync_refresh_period", |ipvs: &Ipvs| {
        &ipvs.settings.sync_refresh_period
    })
    .range(-MOST_SECONDS, MOST_SECONDS),
    Entry::int(c"sync_retries", |ipvs: &Ipvs| &ipvs.settings.sync_retries).range(0, 3),
    Entry::functions(
        c"early_path",
        |ipvs| ipvs.settings.early_path.load(Relaxed),
        set_early_path,
    )
    .range(0, 2),
    Entry::int(c"schedule_icmp", |ipvs: &Ipvs| &ipvs.settings.schedule_icmp),
    Entry::int(c"nat_icmp_send", |ipvs: &Ipvs| &ipvs.settings.nat_icmp_send),
    Entry::int(c"conn_lfactor", |ipvs: &Ipvs| &ipvs.settings.conn_lfactor)
        .range(-8, 8)
        .on_change(Resize::plan)
        .initial_only(),
    Entry::int(c"svc_lfactor", |ipvs: &Ipvs| &ipvs.settings.svc_lfactor)
        .range(-8, 8)
        .on_change(Resize::plan)
        .initial_only(),
];

/// The most that fits into an `int` of ticks.
// CAST: A few hundred.
const MOST_SECONDS: i32 = i32::MAX / HZ as i32;

/// Sets the number of UDP ports that connections are told of on: a power of two.
fn set_sync_ports(ipvs: &Arc<Ipvs>, ports: i32) -> Result {
    match u32::try_from(ports).is_ok_and(u32::is_power_of_two) {
        true => ipvs.settings.sync_ports.store(ports, Relaxed),
        false => return Err(EINVAL),
    }
    Ok(())
}

/// Sets threshold and period; no period or a longer one than the threshold.
fn set_sync_threshold(ipvs: &Arc<Ipvs>, both: [i32; 2]) -> Result {
    let [threshold, period] = both;
    if threshold < 0 || period < 0 || period != 0 && threshold >= period {
        return Err(EINVAL);
    }
    ipvs.settings.set_sync_threshold(both);
    Ok(())
}

/// Sets when packets take the early path.
fn set_early_path(ipvs: &Arc<Ipvs>, mode: i32) -> Result {
    let before = ipvs.settings.early_path.swap(mode, Relaxed);
    // A namespace that ends takes its hooks away, and gets no others.
    let Some(net) = ipvs.keep_net() else {
        return Ok(());
    };
    // Where hooks of others do not count any more, nothing has to be met in the slow path first.
    for family in [Family::V4, Family::V6] {
        ipvs.passages.arm(family, &rcu::read_lock());
    }
    let mut config = ipvs.config.lock();
    let considered = config.consider_early(ipvs, &net);
    if considered.is_err() {
        ipvs.settings.early_path.store(before, Relaxed);
        // Fewer hooks, if any: nothing can fail.
        config.consider_early(ipvs, &net)?;
    }
    considered
}

/// Sets the number of connections that there may be.
///
/// The administrator of the machine sets the limit for the administrator of the namespace too.
fn set_conn_max(ipvs: &Arc<Ipvs>, most: i32) -> Result {
    // As the C module does, which takes this number for none at all.
    if most == i32::MIN {
        return Ok(());
    }
    let settings = &ipvs.settings;
    let is_admin = capability::net_admin();
    let limit = match is_admin {
        true => MOST_CONNECTIONS,
        false => settings.conn_max_limit.load(Relaxed),
    };
    if !(0..=limit).contains(&most) {
        return Err(EINVAL);
    }
    if is_admin {
        settings.conn_max_limit.store(most, Relaxed);
    }
    settings.conn_max.store(most, Relaxed);
    Ok(())
}

impl Settings for Ipvs {
    fn writing(&self) -> &Mutex<()> {
        &self.sysctl_writing
    }

    fn written(&self, net: &Net, name: &CStr, value: &CStr) {
        Origin::elsewhere(net).setting(name, value);
    }
}

/// The settings of one namespace.
pub(crate) struct Sysctls(sysctl::SysctlTable<Ipvs>);

impl Sysctls {
    /// Makes the files.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn register(ipvs: &Arc<Ipvs>, net: &Net) -> Result<Self> {
        let table = sysctl::SysctlTable::register(net, c"net/ipv4/vs", ENTRIES, ipvs.clone())?;
        Ok(Self(table))
    }

    /// Removes the files. Waits for those who use them.
    pub(crate) fn unregister(self, net: &Net) {
        self.0.unregister(net);
    }
}

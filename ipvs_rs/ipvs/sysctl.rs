// SPDX-License-Identifier: GPL-2.0

//! The settings in `/proc/sys/net/ipv4/vs`. They are for both families.
//!
//! Only what has an effect is there.

use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use knet::{
    capability,
    net_namespace::Net,
    rcu::Arc,
    sysctl::{self, Entry},
};

use crate::{
    defense::Defense, est::Estimation, netns::Ipvs, resize::Resize, settings::MOST_CONNECTIONS,
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
        .on_change(Defense::apply),
    Entry::int(c"drop_packet", |ipvs: &Ipvs| &ipvs.settings.drop_packet)
        .range(0, 3)
        .on_change(Defense::apply),
    Entry::int(c"secure_tcp", |ipvs: &Ipvs| &ipvs.settings.secure_tcp)
        .range(0, 3)
        .on_change(Defense::apply),
    Entry::int(c"snat_reroute", |ipvs: &Ipvs| &ipvs.settings.snat_reroute),
    Entry::int(c"pmtu_disc", |ipvs: &Ipvs| &ipvs.settings.pmtu_disc),
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
    Entry::int(c"conn_lfactor", |ipvs: &Ipvs| &ipvs.settings.conn_lfactor)
        .range(-8, 8)
        .on_change(Resize::plan)
        .initial_only(),
    Entry::int(c"svc_lfactor", |ipvs: &Ipvs| &ipvs.settings.svc_lfactor)
        .range(-8, 8)
        .on_change(Resize::plan)
        .initial_only(),
];

/// Sets the number of connections that there may be.
///
/// The administrator of the machine sets the limit for the administrator of the namespace too.
fn set_conn_max(ipvs: &Arc<Ipvs>, most: i32) -> Result {
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

/// The settings of one namespace.
pub(crate) struct Table(sysctl::Table<Ipvs>);

impl Table {
    /// Makes the files.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn register(ipvs: &Arc<Ipvs>, net: &Net) -> Result<Self> {
        let table = sysctl::Table::register(net, c"net/ipv4/vs", ENTRIES, ipvs.clone())?;
        Ok(Self(table))
    }

    /// Removes the files. Waits for those who use them.
    pub(crate) fn unregister(self, net: &Net) {
        self.0.unregister(net);
    }
}

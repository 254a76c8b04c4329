// SPDX-License-Identifier: GPL-2.0

//! The kinds of background work. This module queues the work, and the room `upkeep` does it.

mod estimation;

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::addr::Family;
use knet::{
    rcu::{Arc, Ref},
    time::HZ,
    work::Work,
};

use super::Ipvs;

pub(crate) use estimation::{Cpus, Estimation};

/// The work that resizes the tables to fit their contents.
pub(crate) struct Resize;

impl Resize {
    /// Queues the work without a delay.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, 0);
    }

    /// Queues the work if the table of services is too small or much too large.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>) {
        if ipvs.services.are_ill_sized() {
            Self::plan(ipvs);
        }
    }
}

/// The work that removes deleted servers from the trash when their retention time is over.
pub(crate) struct TrashRound;

impl TrashRound {
    /// Queues the next round in 60 seconds.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, 60 * HZ);
    }
}

/// The work that ends all connections of deleted servers.
pub(crate) struct Cleanup;

impl Cleanup {
    /// Queues the work if the sysctl `expire_nodest_conn` is on.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>) {
        if ipvs.settings.expire_nodest_conn.load(Relaxed) != 0 {
            // One tick later, as servers are often deleted one after the other.
            Work::<Ipvs, Self>::queue(ipvs, 1);
        }
    }
}

/// The work that begins connection tracking for the families of services, as connections with helpers need it.
pub(crate) struct Track;

impl Track {
    /// Queues the work, unless connections of `family` are tracked.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>, family: Family) {
        if !ipvs.is_tracking(family) {
            Work::<Ipvs, Self>::queue(ipvs, 0);
        }
    }
}

/// The work that takes the hooks at `PRE_ROUTING` away while somebody else has hooks that packets may not pass by, and puts them
/// back. Without them, packets that cannot leave early do not pay for the look.
pub(crate) struct Early;

impl Early {
    /// Queues the work without a delay.
    #[cold]
    pub(crate) fn plan(ipvs: Ref<'_, Ipvs>) {
        if let Some(ipvs) = ipvs.try_clone() {
            Work::<Ipvs, Self>::queue(&ipvs, 0);
        }
    }
}

/// The work that adapts the defences against a lack of memory.
pub(crate) struct Defense;

impl Defense {
    /// Queues the work in one second.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, HZ);
    }
}

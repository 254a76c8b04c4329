// SPDX-License-Identifier: GPL-2.0

//! Work that changes of the model call for. It is planned here; the room `upkeep` does it.

mod estimation;

use core::sync::atomic::Ordering::Relaxed;
use knet::{rcu::Arc, time::HZ, work::Work};

use super::Ipvs;

pub(crate) use estimation::{Cpus, Estimation};

/// The tables get the size that they should have.
pub(crate) struct Resize;

impl Resize {
    /// Plans it, at once.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, 0);
    }

    /// Plans it if the number of services calls for it.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>) {
        if ipvs.services.are_ill_sized() {
            Self::plan(ipvs);
        }
    }
}

/// A round through the trash gives up deleted servers whose time there is over.
pub(crate) struct TrashRound;

impl TrashRound {
    /// Plans the next round.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, 60 * HZ);
    }
}

/// All connections of deleted servers end.
pub(crate) struct Cleanup;

impl Cleanup {
    /// Plans it if the sysctl `expire_nodest_conn` says so.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>) {
        if ipvs.settings.expire_nodest_conn.load(Relaxed) != 0 {
            // Not at once, as servers are often deleted one after the other.
            Work::<Ipvs, Self>::queue(ipvs, 1);
        }
    }
}

/// The defences against a lack of memory are adapted once a second.
pub(crate) struct Defense;

impl Defense {
    /// Plans the next time.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, HZ);
    }
}

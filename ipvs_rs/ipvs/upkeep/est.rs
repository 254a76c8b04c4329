// SPDX-License-Identifier: GPL-2.0

//! Rates of services and servers that have connections, or have had some. They are computed every two seconds, as long as
//! there are services.

use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use knet::{
    cpu_list::CpuList,
    field::{field, Field},
    rcu::{self, Arc},
    work::{with_nice, Job, Work},
};

use crate::model::{duties::Estimation, service::Cursor, Ipvs};

/// Writes the list of CPUs on which rates may be computed, and returns its length.
pub(crate) fn read_cpus(ipvs: &Ipvs, text: &mut [u8]) -> Result<usize> {
    match &*ipvs.est_cpus.lock() {
        Some(list) => Ok(list.print(text)),
        None => Ok(CpuList::housekeeping()?.print(text)),
    }
}

/// Chooses other CPUs. None at all stops the computing.
pub(crate) fn set_cpus(ipvs: &Arc<Ipvs>, list: CpuList) -> Result {
    *ipvs.est_cpus.lock() = Some(list);
    Estimation::start(ipvs);
    Ok(())
}

impl Job<Ipvs> for Estimation {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, estimation);

    fn run(ipvs: Arc<Ipvs>) {
        let wanted = ipvs.settings.run_estimation.load(Relaxed) != 0;
        if !wanted || ipvs.services.count() == 0 {
            return;
        }
        // Queued first, so that the time this takes does not add up.
        Self::start(&ipvs);
        let nice = ipvs.settings.est_nice.load(Relaxed);
        with_nice(nice, || estimate(&ipvs));
    }
}

/// Computes all rates of a namespace.
fn estimate(ipvs: &Ipvs) {
    let in_use = ipvs.conns.count() != 0;
    ipvs.stats.estimate(in_use);
    let mut cursor = Cursor::default();
    loop {
        // A section for each service, so that none is long.
        let guard = rcu::read_lock();
        let Some(service) = ipvs.services.next(&mut cursor, &guard) else {
            return;
        };
        let mut in_use = false;
        if let Some(pool) = service.get().pool.load(&guard) {
            for member in pool.members() {
                in_use |= member.stats.estimate(!member.is_idle());
            }
        }
        service.stats.estimate(in_use);
    }
}

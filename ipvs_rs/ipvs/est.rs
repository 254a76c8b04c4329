// SPDX-License-Identifier: GPL-2.0

//! Rates, computed every two seconds as long as there are services.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::est::PERIOD_SECONDS;
use knet::{
    hashtable::Cursor,
    rcu::{self, Arc},
    time::HZ,
    work::{Job, Work},
};

use crate::netns::Ipvs;

/// The time between two estimations, in ticks.
// CAST: A u32 fits.
const PERIOD: usize = PERIOD_SECONDS as usize * HZ;

/// The work of taking all counters into their rates.
pub(crate) struct Estimation;

impl Estimation {
    /// Sees to it that rates are computed.
    pub(crate) fn start(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, PERIOD);
    }
}

impl Job<Ipvs> for Estimation {
    fn work(ipvs: &Ipvs) -> &Work<Ipvs, Self> {
        &ipvs.estimation
    }

    fn run(ipvs: Arc<Ipvs>) {
        let wanted = ipvs.settings.run_estimation.load(Relaxed) != 0;
        if !wanted || ipvs.services.count() == 0 {
            return;
        }
        // Queued first, so that the time this takes does not add up.
        Self::start(&ipvs);
        ipvs.stats.estimate();
        let mut cursor = Cursor::default();
        loop {
            // A section for each service, so that none is long.
            let guard = rcu::read_lock();
            let Some(service) = ipvs.services.next(&mut cursor, &guard) else {
                return;
            };
            service.stats.estimate();
            if let Some(pool) = service.get().pool.load(&guard) {
                for member in pool.get().members() {
                    member.stats.estimate();
                }
            }
        }
    }
}

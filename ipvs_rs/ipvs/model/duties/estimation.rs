// SPDX-License-Identifier: GPL-2.0

//! The work that computes rates: its period and its CPUs.

use ipvs_core::est::PERIOD_SECONDS;
use knet::{
    cpu_list::CpuList,
    percpu::{CpusReadLock, OnlineCpu},
    rcu::Arc,
    time::HZ,
    work::Work,
};

use crate::model::Ipvs;

/// The time between two estimations, in ticks.
// CAST: A u32 fits.
const PERIOD: usize = PERIOD_SECONDS as usize * HZ;

/// The work that updates all rates with the counters.
pub(crate) struct Estimation;

impl Estimation {
    /// Queues the next estimation, unless the list of CPUs is empty.
    pub(crate) fn start(ipvs: &Arc<Ipvs>) {
        // The chosen CPU stays online until the work is queued.
        let lock = CpusReadLock::take();
        match CpuChoice::of(ipvs, &lock) {
            CpuChoice::Nowhere => {}
            CpuChoice::Anywhere => {
                Work::<Ipvs, Self>::queue(ipvs, PERIOD);
            }
            CpuChoice::On(cpu) => {
                Work::<Ipvs, Self>::queue_on(ipvs, &cpu, PERIOD);
            }
        }
    }
}

/// The CPUs on which rates may be computed; [`None`] until the administrator sets them.
pub(crate) type Cpus = Option<CpuList>;

/// The CPU of the next estimation.
enum CpuChoice<'l> {
    /// No CPU: rates are not computed.
    Nowhere,
    /// Any CPU.
    Anywhere,
    /// This CPU.
    On(OnlineCpu<'l>),
}

impl<'l> CpuChoice<'l> {
    fn of(ipvs: &Ipvs, lock: &'l CpusReadLock) -> Self {
        match &*ipvs.est_cpus.lock() {
            Some(list) if list.is_empty() => Self::Nowhere,
            Some(list) => list.first_online(lock).map_or(Self::Anywhere, Self::On),
            None => Self::Anywhere,
        }
    }
}

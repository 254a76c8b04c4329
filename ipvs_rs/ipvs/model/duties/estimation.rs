// SPDX-License-Identifier: GPL-2.0

//! When and where rates are computed.

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

/// The work of taking all counters into their rates.
pub(crate) struct Estimation;

impl Estimation {
    /// Sees to it that rates are computed.
    pub(crate) fn start(ipvs: &Arc<Ipvs>) {
        // Until the work is queued: the CPU that is chosen stays online.
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

/// The CPUs on which rates may be computed; [`None`] as long as no administrator has set them.
pub(crate) type Cpus = Option<CpuList>;

/// Where the next rates are computed.
enum CpuChoice<'l> {
    /// Nowhere.
    Nowhere,
    /// On any CPU.
    Anywhere,
    /// On this one.
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

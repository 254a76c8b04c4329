// SPDX-License-Identifier: GPL-2.0

//! Rates, computed every two seconds as long as there are services, for what has connections or has
//! had some.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::est::PERIOD_SECONDS;
use kernel::prelude::*;
use knet::{
    cpu_list::CpuList,
    field::{field, Field},
    percpu::{CpusLock, Online},
    rcu::{self, Arc},
    time::HZ,
    work::{Job, Work},
};

use crate::{netns::Ipvs, service::Cursor};

/// The time between two estimations, in ticks.
// CAST: A u32 fits.
const PERIOD: usize = PERIOD_SECONDS as usize * HZ;

/// The work of taking all counters into their rates.
pub(crate) struct Estimation;

impl Estimation {
    /// Sees to it that rates are computed.
    pub(crate) fn start(ipvs: &Arc<Ipvs>) {
        // Until the work is queued: the CPU that is chosen stays online.
        let lock = CpusLock::take();
        match Place::of(ipvs, &lock) {
            Place::Nowhere => {}
            Place::Anywhere => Work::<Ipvs, Self>::queue(ipvs, PERIOD),
            Place::On(cpu) => Work::<Ipvs, Self>::queue_on(ipvs, &cpu, PERIOD),
        }
    }
}

/// On which CPUs rates may be computed; [`None`] as long as nobody has said so.
pub(crate) type Cpus = Option<CpuList>;

/// Writes the list of those CPUs, and returns its length.
pub(crate) fn read_cpus(ipvs: &Ipvs, text: &mut [u8]) -> Result<usize> {
    match &*ipvs.est_cpus.lock() {
        Some(list) => Ok(list.print(text)),
        None => Ok(CpuList::of_kernel_threads()?.print(text)),
    }
}

/// Chooses other CPUs. None at all stops the computing.
pub(crate) fn set_cpus(ipvs: &Arc<Ipvs>, list: CpuList) -> Result {
    *ipvs.est_cpus.lock() = Some(list);
    Estimation::start(ipvs);
    Ok(())
}

/// Where the next rates are computed.
enum Place<'l> {
    /// Nowhere.
    Nowhere,
    /// On any CPU.
    Anywhere,
    /// On this one.
    On(Online<'l>),
}

impl<'l> Place<'l> {
    fn of(ipvs: &Ipvs, lock: &'l CpusLock) -> Self {
        match &*ipvs.est_cpus.lock() {
            Some(list) if list.is_empty() => Self::Nowhere,
            Some(list) => list.first_online(lock).map_or(Self::Anywhere, Self::On),
            None => Self::Anywhere,
        }
    }
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
}

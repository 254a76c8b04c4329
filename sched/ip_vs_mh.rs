// SPDX-License-Identifier: GPL-2.0

//! Maglev hashing: a client always gets the same server, and few clients get another one when the
//! servers change.

#![forbid(unsafe_code)]

use core::borrow::Borrow;
use ipvs::plugin::scheduler::{fill_up, room, Arrival, Deferred, Guard, Member, Scheduler, Setup};
use ipvs_core::sched::{
    hashing::Slot,
    mh::{self, Claimant, Size},
};
use kernel::{alloc::KVVec, prelude::*};

ipvs::scheduler_module! {
    scheduler: Mh,
    name: "ip_vs_mh",
    authors: ["The ipvs_rs authors"],
    description: "IPVS Maglev hashing scheduler (Rust)",
    license: "GPL",
    params: {
        tab_index: u32 {
            default: 12,
            description: "Size of the tables: the greatest prime below 2 to this power, 8 to 17 (4093 slots by default)",
        },
    },
}

/// Larger tables are filled as the servers change, where the kernel may do other things meanwhile; the
/// others for the first connection after that, so that of many changes only the last costs something.
///
/// With 100 servers, at a nanosecond for each instruction: 4093 slots take 0.5 ms, 8191 1.1 ms, 131,071 19 ms. So
/// a change costs 0.05 ms up to here, and that much beyond.
const MOST_DEFERRED: u32 = 4093;

/// The scheduler `mh`.
struct Mh;

/// Which server each slot belongs to.
struct Table {
    size: Size,
    slots: Deferred<Slots>,
}

struct Slots {
    slots: KVVec<Slot>,
    /// What is needed to fill the slots.
    claimants: KVVec<Claimant>,
}

impl Slots {
    /// There is room.
    fn fill(&mut self, size: Size, members: &[Member]) {
        let Self { slots, claimants } = self;
        // CAST: A u32 fits.
        fill_up(slots, size.slots() as usize, Slot::EMPTY);
        fill_up(claimants, members.len(), Claimant::default());
        mh::fill(slots, size, members, claimants);
    }
}

impl Scheduler for Mh {
    const NAME: &'static str = "mh";
    type State = Table;

    /// Refuses more servers than there are slots with `EINVAL`.
    fn prepare(setup: &Setup<'_>, _: Option<&Table>) -> Result<Table> {
        // Linux 7.2 gives a reference to the value, 7.3 the value.
        let index = module_parameters::tab_index.value();
        let size = Size::new(*Borrow::<u32>::borrow(&index)).ok_or(EINVAL)?;
        // CAST: A u32 fits.
        let (length, members) = (size.slots() as usize, setup.members.len());
        if members > length {
            return Err(EINVAL);
        }
        let mut slots = Slots {
            slots: room(length)?,
            claimants: room(members)?,
        };
        let slots = if size.slots() > MOST_DEFERRED {
            slots.fill(size, setup.members);
            slots.claimants = KVVec::new();
            Deferred::completed(slots)
        } else {
            Deferred::new(slots)
        };
        Ok(Table {
            size,
            slots: slots?,
        })
    }

    fn schedule(
        table: &Table,
        members: &[Member],
        arrival: &Arrival<'_>,
        _: &Guard,
    ) -> Option<usize> {
        let size = table.size;
        let filled = table.slots.get(|slots| slots.fill(size, members));
        mh::pick(&filled.slots, size, members, arrival)
    }
}

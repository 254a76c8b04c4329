// SPDX-License-Identifier: GPL-2.0

//! Maglev hashing: a client always gets the same server, and few clients get another one when the
//! servers change.

#![forbid(unsafe_code)]

use core::borrow::Borrow;
use ipvs::{
    pool::Member,
    scheduler::{filled, Change, Request, Scheduler, Setup},
};
use ipvs_core::sched::{
    hashing::Slot,
    mh::{self, Claimant, Preference, Size},
};
use kernel::{
    alloc::{KVVec, KVec},
    prelude::*,
};

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

/// The scheduler `mh`.
struct Mh;

/// Which server each slot belongs to, and what is kept for the next table.
struct Table {
    size: Size,
    slots: KVVec<Slot>,
    /// In the order of the servers.
    preferences: KVec<Preference>,
}

impl Scheduler for Mh {
    const NAME: &'static str = "mh";
    type State = Table;

    /// Refuses more servers than there are slots with `EINVAL`.
    fn prepare(setup: &Setup<'_>, previous: Option<&Table>) -> Result<Table> {
        // Linux 7.2 gives a reference to the value, 7.3 the value.
        let index = module_parameters::tab_index.value();
        let size = Size::new(*Borrow::<u32>::borrow(&index)).ok_or(EINVAL)?;
        // CAST: A u32 fits.
        let (length, members) = (size.slots() as usize, setup.members);
        if members.len() > length {
            return Err(EINVAL);
        }
        let preferences = preferences(setup, size, previous)?;
        let mut slots = filled(Slot::EMPTY, length)?;
        let mut claimants = filled(Claimant::default(), members.len())?;
        mh::fill(&mut slots, size, members, &preferences, &mut claimants);
        Ok(Table {
            size,
            slots,
            preferences,
        })
    }

    fn schedule(table: &Table, members: &[Member], request: &Request<'_>) -> Option<usize> {
        mh::pick(&table.slots, table.size, members, request)
    }
}

/// What the servers want; that of all but new ones is in the table from before.
fn preferences(
    setup: &Setup<'_>,
    size: Size,
    previous: Option<&Table>,
) -> Result<KVec<Preference>> {
    let members = setup.members;
    let mut preferences = KVec::with_capacity(members.len(), GFP_KERNEL)?;
    let before = |index: usize| {
        let index = match setup.change {
            Change::Rebuilt => return None,
            Change::Updated(_) => index,
            Change::Inserted(at) if index < at => index,
            Change::Inserted(at) if index == at => return None,
            Change::Inserted(_) => index.wrapping_sub(1),
            Change::Removed(at) if index < at => index,
            Change::Removed(_) => index.wrapping_add(1),
        };
        previous?.preferences.get(index).copied()
    };
    for (index, member) in (0..members.len()).zip(members) {
        let preference = before(index).unwrap_or_else(|| Preference::of(member, size));
        preferences
            .push_within_capacity(preference)
            .map_err(|_| ENOMEM)?;
    }
    Ok(preferences)
}

// SPDX-License-Identifier: GPL-2.0

//! What is given up when memory is short: see [`ipvs_core::defense`].
//!
//! The memory is looked at once a second while one of the three defences has a mode other than 0.
//! The C module does so in every namespace at all times.

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};
use ipvs_core::{
    defense::{self, EntryDrop, IdleDropper, Memory},
    uapi::service_flags,
};
use kernel::prelude::*;
use knet::{
    field::{field, Field},
    hashtable::Cursor,
    memory, random,
    rcu::{self, Arc, Guard},
    time::{Jiffies, HZ},
    work::{Job, Work},
};

use crate::model::{
    conn::Conn,
    drops::Reason,
    duties::Defense,
    origin::{Monitor, Origin},
    settings::Settings,
    Ipvs,
};

/// `drop_entry` looks at one of 2^5 parts of the connection table each second: at hashes that
/// have the same bits above these.
const PART_SHIFT: u32 = 27;

/// Connections that are looked at in one read-side section.
const AT_ONCE: usize = 64;

/// The modes that an administrator can set, and the names of their files.
pub(crate) const MODES: [(Mode, &CStr); 3] = [
    (|settings| &settings.drop_entry, c"drop_entry"),
    (|settings| &settings.drop_packet, c"drop_packet"),
    (|settings| &settings.secure_tcp, c"secure_tcp"),
];

/// Where a mode is.
pub(crate) type Mode = fn(&Settings) -> &AtomicI32;

/// What the file of a mode says that changes by itself.
fn text(mode: i32) -> &'static CStr {
    match mode {
        defense::ACTIVE => c"2",
        _ => c"1",
    }
}

impl Defense {
    /// Lets the modes take effect, and sees to it that the memory is looked at as long as one of
    /// them calls for it. Who listens is told of the modes that change by that, but for the one
    /// in the file of the name `written`, of which its writer tells. May sleep.
    pub(crate) fn apply(ipvs: &Arc<Ipvs>, written: Option<&CStr>) {
        let net = ipvs.keep_net();
        let _one_at_a_time = ipvs.config.lock();
        let settings = &ipvs.settings;
        let memory = Memory {
            available: memory::free_pages(),
            threshold: settings.amemthresh.load(Relaxed),
        };
        let short = memory.is_short();
        for (mode, name) in MODES {
            let mode = mode(settings);
            // Fails if the administrator has just set it; then this is called again.
            let old = mode.load(Relaxed);
            let new = defense::next(old, short);
            let changed = mode.compare_exchange(old, new, Relaxed, Relaxed).is_ok() && old != new;
            if let Some(net) = net.as_ref().filter(|_| changed && written != Some(name)) {
                Origin::elsewhere(net).setting(name, text(new));
            }
        }
        let mode = settings.drop_packet.load(Relaxed);
        let rate = memory.drop_rate(mode, settings.am_droprate.load(Relaxed));
        ipvs.drop_packet.set(rate, mode == defense::ACTIVE);
        let is_set = |(mode, _): &(Mode, _)| mode(settings).load(Relaxed) != 0;
        if MODES.iter().any(is_set) {
            Self::plan(ipvs);
        }
    }
}

impl Job<Ipvs> for Defense {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, defense);

    fn run(ipvs: Arc<Ipvs>) {
        Self::apply(&ipvs, None);
        if defense::is_on(ipvs.settings.drop_entry.load(Relaxed)) {
            drop_entries(&ipvs);
        }
    }
}

/// Drops connections in one part of the table, chosen at random.
fn drop_entries(ipvs: &Ipvs) {
    let part = random::below(1 << (u32::BITS - PART_SHIFT));
    let mut cursor = Cursor::before(part.wrapping_shl(PART_SHIFT));
    // Only this work throws them.
    let mut dropper = ipvs.config.lock().idle_dropper;
    while drop_some(ipvs, part, &mut cursor, &mut dropper) {}
    ipvs.config.lock().idle_dropper = dropper;
}

/// Goes on with that for a short while. Returns whether there is more to do.
fn drop_some(ipvs: &Ipvs, part: u32, cursor: &mut Cursor, dropper: &mut IdleDropper) -> bool {
    let guard = rcu::read_lock();
    for _ in 0..AT_ONCE {
        let Some(conn) = ipvs.conns.next(cursor, &guard) else {
            return false;
        };
        if cursor.hash().wrapping_shr(PART_SHIFT) != part {
            return false;
        }
        if is_to_go(ipvs, conn.get(), dropper, &guard) && conn.end_unwanted() {
            ipvs.drops.count(Reason::DropEntry);
        }
    }
    true
}

/// Whether a connection is one of those that are dropped.
fn is_to_go(ipvs: &Ipvs, conn: &Conn, dropper: &mut IdleDropper, guard: &Guard) -> bool {
    let condition = conn.condition();
    let one_packet = conn.is_template() && {
        let service = ipvs.services.find(&conn.dest.service, guard);
        let pool = service.and_then(|service| service.get().pool.load(guard));
        pool.is_some_and(|pool| pool.settings().flags & service_flags::ONE_PACKET != 0)
    };
    match defense::drop_entry(
        conn.protocol,
        condition.state(),
        condition.flags(),
        one_packet,
    ) {
        EntryDrop::Always => true,
        EntryDrop::IfIdle => {
            let idle = conn.idle(Jiffies::now()) / HZ;
            dropper.drops(conn.packets(), u32::try_from(idle).unwrap_or(u32::MAX))
        }
        EntryDrop::Never => false,
    }
}

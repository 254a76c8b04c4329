// SPDX-License-Identifier: GPL-2.0

//! Connections on their way to a master daemon: packets change them and queue them, and the thread of the daemon tells of
//! the last state, while both go on.

#![forbid(unsafe_code)]

extern crate knet_loom as kernel;
extern crate knet_loom as knet;
extern crate loom_core as core;

mod conn;
#[path = "../../../../ipvs_rs/ipvs/model/changes/queue.rs"]
mod queue;

/// The parts of the model that the files under test name.
mod model {
    use super::conn::Conn;

    pub(crate) struct Events;

    impl Events {
        pub(crate) fn count(&self, _: ipvs_core::sync::Event) {}
    }

    pub(crate) struct Settings {
        pub(crate) sync_eager: core::sync::atomic::AtomicI32,
    }

    impl Settings {
        pub(crate) fn sync_rules(&self) -> ipvs_core::sync::decision::Rules {
            ipvs_core::sync::decision::Rules {
                is_eager: true,
                threshold: 3,
                period: 50,
                refresh: 0,
                retries: 0,
                only_templates: false,
            }
        }
    }

    pub(crate) struct Ipvs {
        pub(crate) sync_events: Events,
        pub(crate) settings: Settings,
        pub(crate) changes: changes::Changes,
    }

    pub(crate) mod changes {
        use super::Conn;
        use knet::rcu::{Guard, Ref, Slot};

        pub(crate) use crate::queue::Queue;

        pub(crate) struct Lanes(pub(crate) Queue);

        impl Lanes {
            pub(crate) fn push(&self, conn: Ref<'_, Conn>) -> bool {
                let conn = conn.try_clone().expect("it is alive");
                self.0.push(conn).is_some()
            }
        }

        pub(crate) struct Changes(pub(crate) Slot<Lanes>);

        impl Changes {
            pub(crate) fn lanes<'g>(&'g self, guard: &'g Guard) -> Option<Ref<'g, Lanes>> {
                self.0.load(guard)
            }
        }
    }
}

use conn::Conn;
use ipvs_models::{check, fails_when_weak};
use kernel::prelude::GFP_KERNEL;
use knet::rcu::{self, Arc, Slot};
use loom::{sync::Arc as Shared, thread};
use model::{
    changes::{Changes, Lanes, Queue},
    Events, Ipvs, Settings,
};

fn ipvs(limit: usize) -> (Shared<Ipvs>, Arc<Lanes>) {
    let queue = Queue::new(1, limit).expect("memory enough");
    let lanes = Arc::new(Lanes(queue), GFP_KERNEL).expect("memory enough");
    let ipvs = Ipvs {
        sync_events: Events,
        settings: Settings {
            sync_eager: core::sync::atomic::AtomicI32::new(1),
        },
        changes: Changes(Slot::new(lanes.clone())),
    };
    let ipvs = Shared::new(ipvs);
    // Loom makes such atomics at their first use, which has to come before they are shared.
    for _ in 0..2 {
        assert_eq!(lanes.0.push(Conn::new(&ipvs)), Some(true));
        assert!(lanes.0.pop().is_some());
    }
    assert!(ipvs.changes.lanes(&rcu::read_lock()).is_some());
    assert_eq!(
        ipvs.settings
            .sync_eager
            .load(core::sync::atomic::Ordering::Relaxed),
        1
    );
    (ipvs, lanes)
}

/// Frees all that a model has made.
fn end(ipvs: Shared<Ipvs>, lanes: Arc<Lanes>, conns: impl IntoIterator<Item = Arc<Conn>>) {
    conns.into_iter().for_each(drop);
    drop(lanes);
    rcu::barrier(2);
    drop(ipvs);
    rcu::barrier(2);
}

/// A packet that moves the state of a connection.
fn packet(conn: &Arc<Conn>, state: u8) {
    let guard = rcu::read_lock();
    conn.move_to(state);
    conn::announce::announce(conn.ipvs(), conn.as_ref(), 1, &guard);
}

/// The states that a thread of the master tells, of all that is in the queue.
fn told(lanes: &Lanes) -> Option<u8> {
    let mut last = None;
    while let Some(conn) = lanes.0.pop() {
        last = Some(conn.leave_queue().state());
    }
    last
}

/// The last state is told, whenever the thread looks.
fn the_last_state() {
    let (ipvs, lanes) = ipvs(2);
    let conn = Conn::new(&ipvs);
    packet(&conn, 2);
    let (other, queue) = (conn.clone(), lanes.clone());
    let master = thread::spawn(move || told(&queue));
    packet(&other, 1);
    let before = master.join().unwrap();
    let after = told(&lanes);
    assert_eq!(after.or(before), Some(1), "{before:?} {after:?}");
    assert!(lanes.0.is_empty());
    end(ipvs, lanes, [conn, other]);
}

#[test]
fn the_last_state_is_told() {
    check(the_last_state);
}

#[test]
fn it_is_seen_when_the_word_has_no_order() {
    fails_when_weak(the_last_state);
}

#[test]
fn each_connection_is_told_of_once_it_found_room() {
    check(|| {
        let (ipvs, lanes) = ipvs(2);
        let (one, other) = (Conn::new(&ipvs), Conn::new(&ipvs));
        let first = one.clone();
        let packets = thread::spawn(move || packet(&first, 1));
        packet(&other, 1);
        let mut count = 0;
        while lanes.0.pop().is_some() {
            count += 1;
        }
        packets.join().unwrap();
        while lanes.0.pop().is_some() {
            count += 1;
        }
        assert_eq!(count, 2);
        assert!(lanes.0.is_empty());
        end(ipvs, lanes, [one, other]);
    });
}

#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    check(|| {
        let (ipvs, lanes) = ipvs(1);
        let (one, other) = (Conn::new(&ipvs), Conn::new(&ipvs));
        let first = one.clone();
        let packets = thread::spawn(move || packet(&first, 1));
        packet(&other, 1);
        packets.join().unwrap();
        let mut count = 0;
        while lanes.0.pop().is_some() {
            count += 1;
        }
        assert_eq!(count, 1);
        // The one that was refused tries again.
        packet(&one, 1);
        packet(&other, 1);
        assert_eq!(told(&lanes), Some(1));
        end(ipvs, lanes, [one, other]);
    });
}

// SPDX-License-Identifier: GPL-2.0

//! The turns of `rr` and `wrr` when several CPUs take them at once, and the pool of servers that is replaced under them.

#![forbid(unsafe_code)]

extern crate loom_core as core;

#[allow(dead_code, reason = "the models use a part of it")]
#[path = "../../../ipvs_rs/core/sched"]
mod sched {
    pub(crate) use ipvs_core::sched::{Change, Server};

    pub(crate) mod rr;
    pub(crate) mod wrr;
}

use ipvs_core::{
    addr::{Addr, Family},
    sched::Server,
};
use ipvs_models::{check, fails_when_weak};
use knet_loom::{
    deferred::Deferred,
    list::{List, Shrinking},
    prelude::GFP_KERNEL,
    rcu::{self, Arc, Slot},
    watched::Watched,
};
use loom::{sync::Arc as Shared, thread};
use sched::{rr::RoundRobin, wrr::WeightedRoundRobin};

/// A server with a weight.
struct Weighted(u32);

impl Server for Weighted {
    fn weight(&self) -> u32 {
        self.0
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn active(&self) -> u32 {
        0
    }

    fn total(&self) -> u32 {
        0
    }

    fn last_weight(&self) -> u32 {
        self.0
    }

    fn family(&self) -> Family {
        Family::V4
    }

    fn addr(&self) -> Addr {
        Addr::from_v4([0; 4])
    }

    fn port(&self) -> u16 {
        0
    }
}

/// Two CPUs take two turns each; returns who had them, in no order.
fn four_turns<T: Send + Sync + 'static>(
    turns: T,
    pick: impl Fn(&T) -> usize + Copy + Send + 'static,
) -> Vec<usize> {
    let turns = Shared::new(turns);
    let other = turns.clone();
    let theirs = thread::spawn(move || [pick(&other), pick(&other)]);
    let ours = [pick(&turns), pick(&turns)];
    let mut all = [ours, theirs.join().unwrap()].concat();
    all.sort_unstable();
    all
}

#[test]
fn rr_gives_each_server_its_turn() {
    check(|| {
        let servers = || [1, 1, 1, 1].map(Weighted);
        let all = four_turns(RoundRobin::new(), move |turns| {
            turns.pick(&servers()).unwrap()
        });
        assert_eq!(all, [0, 1, 2, 3]);
    });
}

#[test]
fn wrr_gives_each_server_as_many_turns_as_it_has_weight() {
    check(|| {
        let servers = || [3, 1].map(Weighted);
        let turns = WeightedRoundRobin::new(&servers(), None);
        let all = four_turns(turns, move |turns| turns.pick(&servers()).unwrap());
        assert_eq!(all, [0, 0, 0, 1]);
    });
}

/// A turn that is read and written by two operations: what a model must see.
#[test]
fn it_is_seen_when_a_turn_is_taken_twice() {
    use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let model = || {
        let all = four_turns(AtomicUsize::default(), |next| {
            let turn = next.load(SeqCst);
            next.store(turn + 1, SeqCst);
            turn
        });
        assert_eq!(all, [0, 1, 2, 3]);
    };
    assert!(std::panic::catch_unwind(|| check(model)).is_err());
}

/// A server of a pool.
#[derive(Clone)]
struct Member {
    number: usize,
    contents: Shared<Watched>,
}

/// What is published of a service: its servers, and the table of a scheduler that hashes.
struct Pool {
    members: List<Member>,
    table: Deferred<Table>,
}

struct Table {
    slots: [usize; 2],
    contents: Watched,
}

impl Pool {
    fn new(members: List<Member>) -> Arc<Self> {
        let (slots, contents) = ([usize::MAX; 2], Watched::new());
        let table = Deferred::new(Table { slots, contents }).unwrap();
        Arc::new(Self { members, table }, GFP_KERNEL).unwrap()
    }

    /// The server of a client, as `sh` finds it.
    fn schedule(&self, client: usize) -> usize {
        let table = self.table.get(|table| {
            table.contents.write();
            table.slots = [0, self.members.len() - 1];
        });
        table.contents.read();
        let member = &self.members[table.slots[client]];
        member.contents.read();
        member.number
    }
}

fn member(number: usize) -> Member {
    let contents = Shared::new(Watched::new());
    Member { number, contents }
}

/// Packets of two clients on two CPUs while a server is added in the same memory, and a reader holds the old pool.
fn packets_and_a_new_server() {
    let slot = Slot::new(Pool::new(List::new(4).unwrap().with(member(1)).unwrap()));
    let slot = Shared::new(slot);
    let packet = |client: usize| {
        let slot = slot.clone();
        move || {
            let guard = rcu::read_lock();
            let pool = slot.load(&guard).expect("there always is one");
            let (number, servers) = (pool.schedule(client), pool.members.len());
            // The newest server comes first; the last slot is that of the oldest.
            assert_eq!(number, if client == 0 { servers } else { 1 });
        }
    };
    // Which is when its atomics are made.
    packet(1)();
    let other = thread::spawn(packet(0));
    let old = slot.get().unwrap();
    let pool = Pool::new(old.members.with(member(2)).unwrap());
    drop(slot.replace(Some(pool)));
    packet(1)();
    drop(old);
    other.join().unwrap();
    rcu::barrier(2);
    packet(0)();
    drop(slot);
    rcu::barrier(2);
}

#[test]
fn a_packet_sees_one_pool_with_its_table() {
    check(packets_and_a_new_server);
}

#[test]
fn it_is_seen_when_a_pool_is_published_without_order() {
    fails_when_weak(packets_and_a_new_server);
}

/// Packets on another CPU while a list loses its newest and then its oldest server, and a longer list is made of what is left.
fn packets_and_lost_servers() {
    let list = (1..=3).fold(List::new(4).unwrap(), |list, number| {
        list.with(member(number)).unwrap()
    });
    let members = Shared::new(Shrinking::new(list).unwrap());
    let seen = |members: &[Member]| {
        members.iter().for_each(|member| member.contents.read());
        let numbers: Vec<_> = members.iter().map(|member| member.number).collect();
        ["[3, 2, 1]", "[2, 1]", "[2]"]
            .iter()
            .position(|list| *list == format!("{numbers:?}"))
            .expect("no other list was there")
    };
    let other = members.clone();
    let packets = thread::spawn(move || {
        let (first, second) = (seen(other.load()), seen(other.load()));
        assert!(first <= second);
    });
    members.shrink(members.without(0).unwrap());
    members.shrink(members.without(1).unwrap());
    assert_eq!(seen(members.load()), 2);
    let longer = members.list().with(member(4)).unwrap();
    assert!(longer.iter().map(|member| member.number).eq([4, 2]));
    packets.join().unwrap();
    drop((longer, members));
    rcu::barrier(2);
}

#[test]
fn a_packet_sees_a_list_as_it_once_was() {
    check(packets_and_lost_servers);
}

/// Two CPUs look at a value that nobody has completed yet.
fn completion() {
    let pool = Pool::new(List::new(4).unwrap().with(member(1)).unwrap());
    let other = pool.clone();
    let theirs = thread::spawn(move || other.schedule(0));
    assert_eq!(pool.schedule(1), 1);
    assert_eq!(theirs.join().unwrap(), 1);
    drop(pool);
    rcu::barrier(2);
}

#[test]
fn a_table_is_completed_once_before_anybody_looks() {
    check(completion);
}

#[test]
fn it_is_seen_when_a_table_is_completed_without_order() {
    fails_when_weak(completion);
}

// SPDX-License-Identifier: GPL-2.0

//! Identifications of packets between the same ends: no number is given twice, whoever takes some at the same time.

#![forbid(unsafe_code)]

use ipvs_models::check;
use knet_loom::{identification::Identifications, net_namespace::Net};
use loom::{sync::Arc as Shared, thread};
use std::{collections::HashSet, sync::Mutex};

const ENDS: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 1]);
const IPIP: u8 = 4;
const GRE: u8 = 47;

/// A way to a server, and the numbers that its packets have got.
#[derive(Default)]
struct Way {
    net: Net,
    identifications: Identifications,
    given: Mutex<HashSet<(u8, u16)>>,
}

impl Way {
    fn note(&self, protocol: u8, first: u16, count: u16) {
        let mut given = self.given.lock().expect("no thread dies here");
        for index in 0..count {
            let number = first.wrapping_add(index);
            assert!(given.insert((protocol, number)), "{number} twice");
        }
    }

    /// A packet of so many segments.
    fn packet(&self, protocol: u8, segments: u16) {
        let first = self
            .identifications
            .next(&self.net, ENDS, protocol, segments);
        self.note(protocol, first, segments);
    }

    /// A packet of somebody else in the namespace.
    fn other(&self, protocol: u8) {
        let number = self.net.reserve_identifications(ENDS, protocol, 1);
        self.note(protocol, number, 1);
    }
}

/// A way that so many packets have taken.
fn way(packets: usize) -> Shared<Way> {
    let way = Way::default();
    for _ in 0..packets {
        way.packet(IPIP, 1);
    }
    Shared::new(way)
}

/// Two CPUs send packets by a way that this many have taken before.
fn meet(before: usize, one: &'static [(u8, u16)], other: &'static [(u8, u16)]) {
    check(move || {
        let way = way(before);
        let send = |way: &Way, packets: &[(u8, u16)]| {
            for (protocol, segments) in packets {
                way.packet(*protocol, *segments);
                way.other(*protocol);
            }
        };
        let theirs = way.clone();
        let thread = thread::spawn(move || send(&theirs, other));
        send(&way, one);
        thread.join().unwrap();
        // Whatever is stored is nobody's.
        for _ in 0..70 {
            way.packet(IPIP, 1);
            way.other(IPIP);
            way.other(GRE);
        }
    });
}

#[test]
fn two_cpus_take_the_first_numbers() {
    meet(1, &[(IPIP, 1), (IPIP, 1)], &[(IPIP, 1), (IPIP, 1)]);
}

#[test]
fn two_cpus_share_what_is_stored() {
    meet(5, &[(IPIP, 1), (IPIP, 1)], &[(IPIP, 1), (IPIP, 1)]);
}

#[test]
fn two_cpus_take_the_last_number_that_is_stored() {
    // One alone, then 32, of which one is left.
    meet(32, &[(IPIP, 1), (IPIP, 1)], &[(IPIP, 1), (IPIP, 1)]);
}

#[test]
fn segments_are_numbered_beside_what_is_stored() {
    meet(5, &[(IPIP, 3), (IPIP, 1)], &[(IPIP, 1), (IPIP, 2)]);
}

#[test]
fn two_protocols_share_the_place() {
    meet(5, &[(GRE, 1), (IPIP, 1)], &[(IPIP, 1), (GRE, 1)]);
}

#[test]
fn numbers_wrap_and_each_is_given_once() {
    // The kernel's counter begins a few numbers before its end.
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.check(|| {
        let way = Way::default();
        for round in 0_u16..100 {
            way.packet(IPIP, 1 + u16::from(round % 50 == 0));
            way.packet(GRE, 1);
            way.other(IPIP);
        }
    });
}

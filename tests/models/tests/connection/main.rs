// SPDX-License-Identifier: GPL-2.0

//! The life of a connection: packets, its timer, its deletion, and the connections that it controls, all at once; and the
//! word of its state against its end.

#![forbid(unsafe_code)]

extern crate knet_loom as kernel;
extern crate knet_loom as knet;
extern crate loom_core as core;

mod conn;

mod model {
    pub(crate) mod settings {
        use ipvs_core::proto::{tcp::StateTable, Timeouts};

        pub(crate) struct Settings;

        impl Settings {
            pub(crate) fn tcp_table(&self) -> StateTable {
                StateTable::Normal
            }

            pub(crate) fn timeouts(&self) -> Timeouts {
                Timeouts::DEFAULT
            }
        }
    }
}

pub(crate) struct Net;

/// Seconds without packets that an established connection lives.
const ESTABLISHED: usize = 900;

#[path = "../../../../ipvs_rs/ipvs/model/dest/active.rs"]
mod active;

/// How many of its connections are active.
pub(crate) struct Dest(Active);

impl Dest {
    pub(crate) fn count_active(&self, became_active: bool) {
        self.0.count(became_active);
    }
}

pub(crate) struct Conns(Pin<KBox<Table<Conn>>>);

impl Conns {
    pub(crate) fn remove(&self, conn: &Conn) -> bool {
        self.0.remove(&conn.client_node).is_some()
    }
}

pub(crate) struct Ipvs {
    conns: Conns,
    dest: Shared<Dest>,
}

impl Ipvs {
    fn new() -> Shared<Self> {
        let table = KBox::pin_init(Table::new(0), GFP_KERNEL).expect("memory enough");
        table.resize(0).expect("memory enough");
        let dest = Shared::new(Dest(Active::none()));
        // Loom makes it at its first use, which has to come before it is shared.
        assert_eq!(dest.0.get(), 0);
        let conns = Conns(table);
        Shared::new(Self { conns, dest })
    }

    pub(crate) fn net(&self, _: &rcu::Guard) -> Option<&Net> {
        None
    }

    /// A packet looks for the connection, and does something with it.
    fn packet(&self, act: impl FnOnce(Ref<'_, Conn>)) {
        let guard = rcu::read_lock();
        if let Some((conn, _)) = self.conns.0.find(0, &guard, |_, _| true) {
            act(conn);
        }
    }
}

use active::Active;
use conn::{
    control::ControllerRef,
    Conn,
    Role::{self, Connection, Template},
};
use ipvs_core::{
    flow::{Flow, HeaderSource},
    proto::Direction::{self, Input, Output},
};
use ipvs_models::{check, fails_when_weak};
use knet_loom::{
    go_off,
    hashtable::Table,
    pending,
    prelude::{KBox, GFP_KERNEL},
    rcu::{self, Arc, Ref},
};
use loom::{sync::Arc as Shared, thread};
use std::pin::Pin;

/// What has to hold at rest: what is in the table has a timer that is not late, what is not has none.
fn is_at_rest(conn: &Arc<Conn>) {
    let timers = pending();
    match conn.client_node.is_linked() {
        true => assert!(
            timers.len() == 1 && timers[0] <= conn.until(),
            "a late timer"
        ),
        false => assert!(timers.is_empty(), "a timer of what has ended"),
    }
}

/// What `act` does to a connection that lives for `lives` seconds, and whose timer goes off after `timer`: then all is at
/// rest, and ends. Loom looks whether all of it is freed.
fn life(lives: usize, timer: usize, role: Role, act: impl FnOnce(&Shared<Ipvs>, &Arc<Conn>)) {
    let ipvs = Ipvs::new();
    let conn = Conn::enter(&ipvs, lives, timer, role);
    act(&ipvs, &conn);
    is_at_rest(&conn);
    drop(conn);
    ipvs.packet(|conn| {
        conn.finish();
    });
    assert!(pending().is_empty());
    rcu::barrier(3);
    let dest = ipvs.dest.clone();
    drop(ipvs);
    rcu::barrier(2);
    assert_eq!(dest.0.get(), 0, "active connections that are none");
}

/// A CPU whose timers go off.
fn timers() -> thread::JoinHandle<()> {
    thread::spawn(|| {
        go_off();
    })
}

/// A CPU with a packet of a connection.
fn packet(
    ipvs: &Shared<Ipvs>,
    act: impl FnOnce(Ref<'_, Conn>) + Send + 'static,
) -> thread::JoinHandle<()> {
    let ipvs = ipvs.clone();
    thread::spawn(move || ipvs.packet(act))
}

#[test]
fn a_packet_prolongs_a_life_or_comes_too_late() {
    check(|| {
        life(0, 0, Connection(None), |ipvs, _| {
            let timers = timers();
            ipvs.packet(|conn| conn.refresh(60));
            timers.join().unwrap();
        });
    });
}

/// The timer goes off before the end of its connection, which a packet brings nearer at the same time.
fn a_shorter_time() {
    life(ESTABLISHED, 0, Connection(None), |ipvs, _| {
        let timers = timers();
        ipvs.packet(|conn| conn.refresh(10));
        timers.join().unwrap();
    });
}

#[test]
fn the_timer_is_never_late() {
    check(a_shorter_time);
}

#[test]
fn it_is_seen_when_a_shorter_time_has_no_order() {
    fails_when_weak(a_shorter_time);
}

#[test]
fn the_timer_is_not_late_after_data_that_met_a_fin() {
    check(|| {
        life(800, 800, Connection(None), |ipvs, conn| {
            let data = packet(ipvs, |conn| conn.refresh(900));
            ipvs.packet(|conn| conn.refresh(0));
            data.join().unwrap();
            is_at_rest(conn);
            go_off();
            is_at_rest(conn);
            ipvs.packet(|conn| conn.refresh(0));
        });
    });
}

/// A connection is deleted while its timer goes off, and is about to be armed again.
fn a_deletion() {
    life(ESTABLISHED, 0, Connection(None), |ipvs, conn| {
        let timers = timers();
        ipvs.packet(|conn| assert!(conn.finish()));
        timers.join().unwrap();
        assert!(!conn.client_node.is_linked());
    });
}

#[test]
fn a_deleted_connection_has_no_timer() {
    check(a_deletion);
}

#[test]
fn it_is_seen_when_a_deletion_has_no_order() {
    fails_when_weak(a_deletion);
}

#[test]
fn a_connection_ends_once() {
    check(|| {
        life(0, 0, Connection(None), |ipvs, conn| {
            let timers = timers();
            ipvs.packet(|conn| {
                conn.end();
            });
            timers.join().unwrap();
            assert!(!conn.client_node.is_linked());
        });
    });
}

#[test]
fn a_template_stays_for_a_connection_that_found_it() {
    check(|| {
        life(0, 0, Template, |_, template| {
            drop(ControllerRef::first(template.clone()));
            let timers = timers();
            let guard = rcu::read_lock();
            let place = ControllerRef::at(template.as_ref());
            drop(guard);
            timers.join().unwrap();
            assert_eq!(place.is_some(), template.client_node.is_linked());
        });
    });
}

/// A TCP segment of the client, or of the server.
struct Segment([u8; 40]);

impl HeaderSource for Segment {
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0.get(offset..offset + buf.len())
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Takes account of a segment with these flags.
fn follow(conn: &Conn, direction: Direction, flags: u8) {
    let mut bytes = [0; 40];
    (bytes[0], bytes[3], bytes[9]) = (0x45, 40, 6);
    (bytes[32], bytes[33]) = (0x50, flags);
    let segment = Segment(bytes);
    let flow = Flow::parse(&segment).expect("a segment");
    conn.follow(&model::settings::Settings, direction, &flow, &segment);
}

#[test]
fn the_last_packets_do_not_count_after_the_end() {
    check(|| {
        life(ESTABLISHED, ESTABLISHED, Connection(None), |ipvs, _| {
            let syn = packet(ipvs, |conn| follow(&conn, Input, SYN));
            ipvs.packet(|conn| {
                conn.finish();
            });
            syn.join().unwrap();
        });
    });
}

#[test]
fn a_connection_counts_once_whoever_comes_first() {
    check(|| {
        life(ESTABLISHED, ESTABLISHED, Connection(None), |ipvs, conn| {
            follow(conn, Input, SYN);
            follow(conn, Output, SYN | ACK);
            follow(conn, Input, ACK);
            assert_eq!(ipvs.dest.0.get(), 1);
            let reset = packet(ipvs, |conn| follow(&conn, Output, RST | ACK));
            ipvs.packet(|conn| follow(&conn, Input, FIN | ACK));
            reset.join().unwrap();
            assert_eq!(ipvs.dest.0.get(), 0);
        });
    });
}

#[test]
fn a_scheduler_never_sees_more_active_connections_than_there_are() {
    check(|| {
        life(ESTABLISHED, ESTABLISHED, Connection(None), |ipvs, conn| {
            follow(conn, Input, SYN);
            follow(conn, Output, SYN | ACK);
            let established = packet(ipvs, |conn| follow(&conn, Input, ACK));
            let reset = packet(ipvs, |conn| follow(&conn, Output, RST | ACK));
            assert!(ipvs.dest.0.get() <= 1, "{} active", ipvs.dest.0.get());
            established.join().unwrap();
            reset.join().unwrap();
        });
    });
}

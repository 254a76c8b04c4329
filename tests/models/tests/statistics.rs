// SPDX-License-Identifier: GPL-2.0

//! Statistics: what CPUs count while the estimation looks, and puts to sleep what is at rest.

#![forbid(unsafe_code)]

extern crate knet_loom as kernel;
extern crate knet_loom as knet;
extern crate loom_core as core;

#[allow(dead_code, reason = "the models use a part of it")]
#[path = "../../../ipvs_rs/ipvs/model/stats.rs"]
mod stats;

use ipvs_models::check;
use knet_loom::{
    percpu,
    prelude::{KBox, GFP_KERNEL},
};
use loom::{sync::Arc as Shared, thread};
use stats::Stats;
use std::pin::Pin;

fn stats() -> Shared<Pin<KBox<Stats>>> {
    let stats = KBox::pin_init(
        Stats::new(percpu::Counters::new().expect("memory enough")),
        GFP_KERNEL,
    )
    .expect("memory enough");
    Shared::new(stats)
}

/// A CPU that has a connection for one packet.
fn connection(stats: &Shared<Pin<KBox<Stats>>>) -> thread::JoinHandle<()> {
    let stats = stats.clone();
    thread::spawn(move || {
        percpu::be(1);
        stats.count_connection();
        stats.count_in(1000);
    })
}

/// The estimation of a tick.
fn estimation(stats: &Shared<Pin<KBox<Stats>>>) -> thread::JoinHandle<()> {
    let stats = stats.clone();
    thread::spawn(move || {
        stats.estimate(false);
    })
}

#[test]
fn nothing_that_was_counted_is_lost() {
    check(|| {
        let stats = stats();
        let other = connection(&stats);
        stats.count_connection();
        stats.count_in(1000);
        let early = stats.view().counters;
        assert!(early.conns >= 1 && early.inpkts >= 1);
        other.join().unwrap();
        let late = stats.view().counters;
        assert_eq!((late.conns, late.inpkts, late.inbytes), (2, 2, 2000));
    });
}

#[test]
fn the_first_connection_wakes_the_estimation() {
    check(|| {
        let stats = stats();
        let other = estimation(&stats);
        stats.count_connection();
        stats.count_in(1000);
        other.join().unwrap();
        stats.estimate(false);
        assert!(stats.view().inbps > 0);
    });
}

/// The rates of the connection before have just come to rest when the next one comes.
#[test]
fn a_connection_at_the_moment_of_falling_asleep_wakes_it_again() {
    check(|| {
        let (probe, stats) = (stats(), stats());
        probe.count_connection();
        stats.count_connection();
        let ticks = std::iter::from_fn(|| probe.estimate(false).then_some(())).count();
        (2..ticks).for_each(|_| assert!(stats.estimate(false)));
        assert_eq!(stats.view().cps, 0);
        let other = estimation(&stats);
        stats.count_connection();
        stats.count_in(1000);
        other.join().unwrap();
        stats.estimate(false);
        assert!(stats.view().inbps > 0);
    });
}

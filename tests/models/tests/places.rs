// SPDX-License-Identifier: GPL-2.0

//! What packets put in while others take it out: the ways of packets, and the connections at hand.

#![forbid(unsafe_code)]

extern crate knet_loom as knet;
extern crate loom_core as core;

#[path = "../../../ipvs_rs/ipvs/model/passages/place.rs"]
mod place;

use ::core::sync::atomic::Ordering::Relaxed;
use ipvs_models::{check, fails_when_weak};
use knet::{
    prelude::GFP_KERNEL,
    rcu::{self, Arc},
    watched::Watched,
};
use loom::{sync::Arc as Shared, thread};
use loom_core::sync::atomic::AtomicBool;
use place::{orderly, Place};

struct Thing {
    is_over: AtomicBool,
    contents: Watched,
}

fn thing() -> Arc<Thing> {
    let thing = Thing {
        is_over: AtomicBool::new(false),
        contents: Watched::new(),
    };
    // Loom makes such atomics at their first use, which has to come before they are shared.
    thing.is_over.load(Relaxed);
    Arc::new(thing, GFP_KERNEL).expect("memory enough")
}

/// An empty place, as ready to be shared as [`thing`].
fn empty() -> Shared<Place<Thing>> {
    let place = Place::empty();
    assert!(place.load(&rcu::read_lock()).is_none());
    Shared::new(place)
}

fn is_over(thing: &Thing) -> bool {
    thing.is_over.load(Relaxed)
}

/// A packet puts a thing in while that is made over and taken out.
fn late() {
    let (place, one) = (empty(), thing());
    let packet = {
        let (place, one) = (place.clone(), one.clone());
        thread::spawn(move || place.put(one, is_over))
    };
    one.is_over.store(true, Relaxed);
    orderly();
    place.take_out(&one);
    packet.join().unwrap();
    assert!(place.load(&rcu::read_lock()).is_none(), "it stays");
    drop((place, one));
    rcu::barrier(1);
}

#[test]
fn what_is_over_does_not_stay() {
    check(late);
}

#[test]
fn weak_orders_let_it_stay() {
    fails_when_weak(late);
}

#[test]
fn what_takes_its_place_stays() {
    check(|| {
        let (place, one, other) = (empty(), thing(), thing());
        place.put(one.clone(), is_over);
        let packet = {
            let (place, other) = (place.clone(), other.clone());
            thread::spawn(move || place.put(other, is_over))
        };
        one.is_over.store(true, Relaxed);
        orderly();
        place.take_out(&one);
        packet.join().unwrap();
        let guard = rcu::read_lock();
        let there = place.load(&guard).expect("the other one");
        assert!(std::ptr::eq(there.get(), &*other));
        drop(guard);
        place.clear();
        drop((place, one, other));
        rcu::barrier(1);
    });
}

#[test]
fn a_reader_keeps_what_is_taken_out() {
    check(|| {
        let (place, one) = (empty(), thing());
        place.put(one.clone(), is_over);
        let reader = {
            let place = place.clone();
            thread::spawn(move || {
                let guard = rcu::read_lock();
                if let Some(there) = place.load(&guard) {
                    there.get().contents.read();
                }
            })
        };
        place.clear();
        drop(one);
        rcu::barrier(1);
        reader.join().unwrap();
        drop(place);
        rcu::barrier(1);
    });
}

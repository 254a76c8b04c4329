// SPDX-License-Identifier: GPL-2.0

//! Objects that end at the same time on several CPUs, and wait for their grace period together.

#![forbid(unsafe_code)]

use ipvs_models::{check, fails_when_weak};
use knet_loom::{
    rcu::{self, gathered, Arc, Gathered, Retired, Slot},
    watched::Watched,
};
use loom::{sync::Arc as Shared, thread};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// An object of which three wait together at most. It takes another one down with it, perhaps.
struct Object {
    ended: &'static AtomicUsize,
    contents: Watched,
    _other: Option<Arc<Object>>,
}

loom::lazy_static! {
    static ref RETIRED: Retired<Object> = {
        let retired = Retired::new();
        retired.is_idle();
        retired
    };
}

impl Gathered for Object {
    const ALIGN: usize = 4;

    fn retired() -> &'static Retired<Self> {
        &RETIRED
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Relaxed);
    }
}

fn object(ended: &'static AtomicUsize, other: Option<Arc<Object>>) -> Arc<Object> {
    gathered(Object {
        ended,
        contents: Watched::new(),
        _other: other,
    })
}

/// Waits as a module does that goes: until callbacks drop nothing more.
fn wait(ended: &AtomicUsize) {
    loop {
        let before = ended.load(Relaxed);
        rcu::barrier(1);
        if ended.load(Relaxed) == before {
            return;
        }
    }
}

/// Uses these objects, and gives them up.
fn use_up(objects: Vec<Arc<Object>>) {
    for object in objects {
        object.contents.read();
    }
}

/// Ends these objects, half of them on another CPU, while callbacks run on a third one.
fn end(objects: Vec<Arc<Object>>, callbacks: usize) {
    let mut mine = objects;
    let theirs = mine.split_off(mine.len() / 2);
    let other = thread::spawn(move || use_up(theirs));
    let callbacks = thread::spawn(move || rcu::barrier(callbacks));
    use_up(mine);
    other.join().unwrap();
    callbacks.join().unwrap();
}

/// Each object is dropped once, however they meet.
fn all_end(count: usize, callbacks: usize) {
    // Each way is one thread of the host after the other.
    let ended: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    end((0..count).map(|_| object(ended, None)).collect(), callbacks);
    wait(ended);
    assert_eq!(ended.load(Relaxed), count);
    assert!(RETIRED.is_idle());
}

#[test]
fn each_of_two_is_dropped_once() {
    check(|| all_end(2, 1));
}

#[test]
fn each_of_four_is_dropped_once() {
    check(|| all_end(4, 2));
}

#[test]
fn each_of_eight_is_dropped_once_by_several_callbacks() {
    check(|| all_end(8, 1));
}

#[test]
fn one_that_holds_the_last_reference_to_another_ends_both() {
    check(|| {
        let ended: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
        let chain = || object(ended, Some(object(ended, None)));
        end(vec![chain(), chain()], 1);
        wait(ended);
        assert_eq!(ended.load(Relaxed), 4);
        assert!(RETIRED.is_idle());
    });
}

/// A reader that has found an object looks at it until its section ends, while that object and others end, and are dropped.
fn read_while_all_end() {
    let ended: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    let slot = Shared::new(Slot::new(object(ended, None)));
    // Loom makes such atomics at their first use, which has to come before they are shared.
    assert!(slot.load(&rcu::read_lock()).is_some());
    let others = vec![object(ended, None), object(ended, None)];
    let reader = {
        let slot = slot.clone();
        thread::spawn(move || {
            let guard = rcu::read_lock();
            if let Some(object) = slot.load(&guard) {
                object.get().contents.read();
                // Whoever owns it now lets it live.
                if let Some(owned) = object.try_clone() {
                    drop(guard);
                    owned.contents.read();
                }
            }
        })
    };
    let callbacks = thread::spawn(|| rcu::barrier(1));
    drop(others);
    drop(slot.replace(None));
    rcu::barrier(1);
    reader.join().unwrap();
    callbacks.join().unwrap();
    wait(ended);
    assert_eq!(ended.load(Relaxed), 3);
    assert!(RETIRED.is_idle());
}

#[test]
fn a_reader_keeps_one_that_ends_among_others() {
    check(read_while_all_end);
}

/// Without an order between the end of an object and the call that takes it, those behind it are lost. [`use_up`] sees that, too,
/// but in a callback of C, where a test that fails ends all tests.
#[test]
fn it_is_seen_when_what_gathers_has_no_order() {
    fails_when_weak(read_while_all_end);
}

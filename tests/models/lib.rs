// SPDX-License-Identifier: GPL-2.0

//! Models: what several CPUs do to the lock-free structures at once, in every order, and with every value that a weak
//! memory may show. The structures are compiled from the files that the modules are built of.
//!
//! A model that finds nothing must be able to: each kind has one whose orders are all taken for `Relaxed`
//! ([`fails_when_weak`]), or a fault of its own.

#![forbid(unsafe_code)]

use std::{
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Arc,
    },
};

/// How often a thread may lose its turn against its will; more find nothing more here, and take minutes.
const PREEMPTIONS: usize = 3;

/// Tries all ways in which `model` can go, with so few changes of threads.
pub fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 100_000;
    let ways = Arc::new(AtomicUsize::new(0));
    let count = ways.clone();
    builder.check(move || {
        count.fetch_add(1, Relaxed);
        model();
    });
    let ways = ways.load(Relaxed);
    println!("{ways} ways");
    assert!(ways > 1, "only one way: do the threads meet at all?");
}

/// The model must fail if all orders are weak: it can see what they are for.
pub fn fails_when_weak(model: impl Fn() + Sync + Send + 'static) {
    loom_core::sync::atomic::weaken();
    assert!(
        catch_unwind(AssertUnwindSafe(|| check(model))).is_err(),
        "the model does not see that its orders are too weak"
    );
}

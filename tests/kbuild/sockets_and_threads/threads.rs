// SPDX-License-Identifier: GPL-2.0

//! Tests of threads.

use core::sync::atomic::Ordering::Relaxed;
use kernel::{
    prelude::*,
    time::{delay::fsleep, Delta},
};
use knet::{
    kthread::{Thread, Woken},
    net_namespace::Net,
    time::Jiffies,
};

use crate::checks::{comes_true, counter, get, want, Ends, Outcome, LONG};

pub(crate) fn threads_end_once(_: &Net) -> Outcome {
    const ROUNDS: usize = 1_000;
    let (ends, begun) = (get!(counter()), get!(counter()));
    for round in 0..ROUNDS {
        let (argument, counted) = (Ends(ends.clone()), begun.clone());
        let before = begun.load(Relaxed);
        let thread = get!(Thread::start(fmt!("knet-test:{round}"), move |current| {
            let _argument = argument;
            counted.fetch_add(1, Relaxed);
            while current.sleep(LONG) != Woken::Stopping {}
        }));
        // Some are stopped before they begin, some when they sleep, and some in between.
        if round % 2 == 0 {
            want!(comes_true(|| begun.load(Relaxed) > before));
        }
        match round % 3 {
            0 => thread.stop(),
            _ => drop(thread),
        }
        want!(ends.load(Relaxed) == round + 1);
    }
    want!(begun.load(Relaxed) >= ROUNDS / 2);
    Ok(())
}

pub(crate) fn threads_that_end_by_themselves(_: &Net) -> Outcome {
    let ends = get!(counter());
    let argument = Ends(ends.clone());
    let thread = get!(Thread::start(fmt!("knet-test"), move |_| drop(argument)));
    want!(comes_true(|| ends.load(Relaxed) == 1));
    fsleep(Delta::from_millis(20));
    thread.waker().wake();
    let waker = thread.waker().clone();
    thread.stop();
    waker.wake();
    want!(ends.load(Relaxed) == 1);
    Ok(())
}

pub(crate) fn threads_are_woken(_: &Net) -> Outcome {
    let (rung, late) = (get!(counter()), get!(counter()));
    let (counted, timed_out) = (rung.clone(), late.clone());
    let thread = get!(Thread::start(fmt!("knet-test"), move |current| {
        current.set_nice(5);
        current.set_nice(100);
        if current.sleep(1) == Woken::TimedOut && current.sleep(0) == Woken::TimedOut {
            timed_out.fetch_add(1, Relaxed);
        }
        loop {
            match current.sleep(usize::MAX) {
                Woken::Stopping => return,
                Woken::Ready => counted.fetch_add(1, Relaxed),
                Woken::TimedOut => timed_out.fetch_add(100, Relaxed),
            };
        }
    }));
    want!(comes_true(|| late.load(Relaxed) == 1));
    for round in 1..200 {
        thread.waker().wake();
        want!(comes_true(|| rung.load(Relaxed) == round));
    }
    want!(thread.pid() > 0);
    thread.stop();
    want!(rung.load(Relaxed) == 199);
    want!(late.load(Relaxed) == 1);
    Ok(())
}

pub(crate) fn threads_are_stopped_while_they_sleep(_: &Net) -> Outcome {
    for _ in 0..20 {
        let asleep = get!(counter());
        let counted = asleep.clone();
        let thread = get!(Thread::start(fmt!("knet-test"), move |current| {
            counted.fetch_add(1, Relaxed);
            while current.sleep(LONG) != Woken::Stopping {}
        }));
        want!(comes_true(|| asleep.load(Relaxed) == 1));
        fsleep(Delta::from_millis(5));
        let start = Jiffies::now();
        thread.stop();
        want!(Jiffies::now().since(start) < LONG as isize / 2);
    }
    Ok(())
}

/// They cannot wait for their own end; all that is lost is the module, which is kept. So the test does it for a thread that
/// is dropped by another one only.
pub(crate) fn threads_that_drop_their_own_handle(_: &Net) -> Outcome {
    let ends = get!(counter());
    let argument = Ends(ends.clone());
    let inner = get!(Thread::start(fmt!("knet-inner"), move |current| {
        let _argument = argument;
        while current.sleep(LONG) != Woken::Stopping {}
    }));
    let outer = get!(Thread::start(fmt!("knet-outer"), move |_| drop(inner)));
    want!(comes_true(|| ends.load(Relaxed) == 1));
    outer.stop();
    Ok(())
}

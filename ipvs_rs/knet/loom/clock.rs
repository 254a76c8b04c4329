// SPDX-License-Identifier: GPL-2.0

//! C's clock and timers: the time stands still, and what is due goes off when a model lets it.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "as bindgen calls them"
)]

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::sync::{Mutex, MutexGuard};
use std::ffi::{c_char, c_int};

use crate::sync::LockClassKey;

type Callback = unsafe extern "C" fn(*mut timer_list);

/// Ticks in a second.
pub const HZ: usize = 250;

/// Now.
pub static jiffies: u64 = 1_000_000;

/// What C's `timer_list` is.
pub struct timer_list {
    pub expires: AtomicUsize,
    is_pending: AtomicBool,
    function: Option<Callback>,
}

loom::lazy_static! {
    /// The timers that are pending, under the lock that C calls a base's.
    static ref BASE: Mutex<Vec<usize>> = Mutex::new(Vec::new());
}

fn base() -> MutexGuard<'static, Vec<usize>> {
    BASE.lock().expect("no thread dies here")
}

/// Makes an idle timer.
///
/// # Safety
///
/// As with C's: `timer` is valid for writes.
pub unsafe fn timer_init_key(
    timer: *mut timer_list,
    function: Option<Callback>,
    _: u32,
    _: *const c_char,
    _: *mut LockClassKey,
) {
    let idle = timer_list {
        expires: AtomicUsize::new(0),
        is_pending: AtomicBool::new(false),
        function,
    };
    // SAFETY: By the contract.
    unsafe { timer.write(idle) };
}

/// Makes an idle timer on the stack.
///
/// # Safety
///
/// As above.
pub unsafe fn timer_init_somewhere(
    timer: *mut timer_list,
    function: Option<Callback>,
    name: *const c_char,
    key: *mut LockClassKey,
) {
    // SAFETY: By the contract.
    unsafe { timer_init_key(timer, function, 0, name, key) };
}

/// Sets the time of a timer; one that is idle becomes pending if `wakes` says so. As in C, the lock is not taken for a
/// pending timer that has that time already.
fn modify(timer: &timer_list, expires: usize, wakes: bool) -> c_int {
    if timer.is_pending.load(Relaxed) && timer.expires.load(Relaxed) == expires {
        return 1;
    }
    let mut pending = base();
    let was_pending = timer.is_pending.load(Relaxed);
    if was_pending || wakes {
        timer.expires.store(expires, Relaxed);
    }
    if !was_pending && wakes {
        timer.is_pending.store(true, Relaxed);
        pending.push(std::ptr::from_ref(timer) as usize);
    }
    c_int::from(was_pending)
}

/// As C's.
///
/// # Safety
///
/// As with C's: the timer is initialised.
pub unsafe fn mod_timer(timer: *mut timer_list, expires: usize) -> c_int {
    // SAFETY: By the contract.
    modify(unsafe { &*timer }, expires, true)
}

/// As C's.
///
/// # Safety
///
/// As with C's: the timer is initialised.
pub unsafe fn mod_timer_pending(timer: *mut timer_list, expires: usize) -> c_int {
    // SAFETY: By the contract.
    modify(unsafe { &*timer }, expires, false)
}

/// As C's; an idle timer is left without the lock, as there.
///
/// # Safety
///
/// As with C's: the timer is initialised.
pub unsafe fn timer_delete(timer: *mut timer_list) -> c_int {
    // SAFETY: By the contract.
    let found = unsafe { &*timer };
    if !found.is_pending.load(Relaxed) {
        return 0;
    }
    let mut pending = base();
    let was_pending = found.is_pending.load(Relaxed);
    found.is_pending.store(false, Relaxed);
    pending.retain(|&other| other != timer as usize);
    c_int::from(was_pending)
}

/// When a pending timer is to go off.
fn time_of(timer: usize) -> usize {
    // SAFETY: What is pending lives.
    let timer = unsafe { &*(timer as *const timer_list) };
    timer.expires.load(Relaxed)
}

/// Lets a timer that is due go off. Returns whether there was one.
pub fn go_off() -> bool {
    let mut pending = base();
    let is_due = |&timer: &usize| time_of(timer) as u64 <= jiffies;
    let Some(place) = pending.iter().position(is_due) else {
        return false;
    };
    let timer = pending.swap_remove(place) as *mut timer_list;
    // SAFETY: What is pending lives.
    let found = unsafe { &*timer };
    found.is_pending.store(false, Relaxed);
    drop(pending);
    if let Some(function) = found.function {
        // SAFETY: It was made for this timer, which was pending until now.
        unsafe { function(timer) };
    }
    true
}

/// The times of the timers that are pending.
pub fn pending() -> Vec<usize> {
    base().iter().map(|&timer| time_of(timer)).collect()
}

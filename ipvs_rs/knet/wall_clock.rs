// SPDX-License-Identifier: GPL-2.0

//! The clock on the wall.
//!
//! C header: [`include/linux/timekeeping.h`](srctree/include/linux/timekeeping.h)

use core::mem::MaybeUninit;
use ipvs_sys as bindings;

/// The time since the beginning of 1970: seconds, and nanoseconds since the beginning of the second. It can go back, as somebody
/// sets the clock.
pub fn now() -> (u64, u32) {
    let mut time = MaybeUninit::uninit();
    // SAFETY: C writes a whole time.
    unsafe { bindings::ktime_get_real_ts64(time.as_mut_ptr()) };
    // SAFETY: C has just written it.
    let time = unsafe { time.assume_init() };
    // CAST: C keeps the time in this range: seconds from 0, nanoseconds below a second.
    (time.tv_sec as u64, time.tv_nsec as u32)
}

// SPDX-License-Identifier: GPL-2.0

//! How much memory this machine has.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use ipvs_sys as bindings;

/// All memory that the kernel manages, in bytes.
pub fn total() -> u64 {
    let counter = &raw const bindings::_totalram_pages;
    // SAFETY: It is always there; an aligned number is read whole, the only one of the structure.
    let pages = unsafe { counter.read_volatile() }.counter;
    // CAST: A number of pages is positive.
    (pages as u64).saturating_mul(bindings::PAGE_SIZE as u64)
}

/// Pages that are free now, and those of buffers.
pub fn free_pages() -> u64 {
    let mut info: bindings::sysinfo = pin_init::zeroed();
    // SAFETY: `info` is valid for writes.
    unsafe { bindings::si_meminfo(&mut info) };
    // CAST: A usize fits.
    info.freeram.saturating_add(info.bufferram) as u64
}

/// Pages that are free now and can be had for any purpose.
pub fn free_buffer_pages() -> usize {
    // SAFETY: It only counts.
    // CAST: A usize fits.
    unsafe { bindings::nr_free_buffer_pages() as usize }
}

// SPDX-License-Identifier: GPL-2.0

//! Random numbers that nobody outside can guess.
//!
//! C header: [`include/linux/random.h`](srctree/include/linux/random.h)

use ipvs_sys as bindings;

/// A random number.
pub fn number() -> u64 {
    // SAFETY: No preconditions.
    unsafe { bindings::get_random_u64() }
}

/// A random number below `limit`, or zero if that is zero.
pub fn below(limit: u32) -> u32 {
    // The top 32 bits of a 64-bit product: the bias is below 2^-32.
    let product = (number() >> 32).wrapping_mul(u64::from(limit));
    // CAST: The upper half of the product.
    (product >> 32) as u32
}

// SPDX-License-Identifier: GPL-2.0

//! Keeping the kernel log from being flooded by packets.
//!
//! C header: [`include/linux/net.h`](srctree/include/linux/net.h)

use ipvs_sys as bindings;

/// Whether a line about a packet may be logged now. The limit is that of the whole network stack.
pub fn ratelimit() -> bool {
    // SAFETY: May be called from any context.
    unsafe { bindings::net_ratelimit() != 0 }
}

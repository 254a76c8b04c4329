// SPDX-License-Identifier: GPL-2.0

//! Keeping the kernel log from being flooded, by packets and by who has rights in a namespace of his
//! own only.
//!
//! C header: [`include/linux/net.h`](srctree/include/linux/net.h)

use ipvs_sys as bindings;

/// Whether a line that others can cause at will may be logged now. The limit is that of the whole network stack.
pub fn net_ratelimit() -> bool {
    // SAFETY: May be called from any context.
    unsafe { bindings::net_ratelimit() != 0 }
}

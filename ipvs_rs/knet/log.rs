// SPDX-License-Identifier: GPL-2.0

//! A limit for log lines that packets or unprivileged users can cause.
//!
//! C header: [`include/linux/net.h`](srctree/include/linux/net.h)

use ipvs_sys as bindings;

/// Whether such a line may be logged now (`net_ratelimit`). The limit is that of the whole network
/// stack.
pub fn net_ratelimit() -> bool {
    // SAFETY: May be called from any context.
    unsafe { bindings::net_ratelimit() != 0 }
}

// SPDX-License-Identifier: GPL-2.0

//! What the current task may do.
//!
//! C header: [`include/linux/capability.h`](srctree/include/linux/capability.h)

use ipvs_sys as bindings;

/// Whether the current task has `CAP_NET_ADMIN` in the initial user namespace.
pub fn net_admin() -> bool {
    // CAST: Capabilities are small numbers.
    // SAFETY: There is a current task in process context, and in others the answer means nothing.
    unsafe { bindings::capable(bindings::CAP_NET_ADMIN as i32) }
}

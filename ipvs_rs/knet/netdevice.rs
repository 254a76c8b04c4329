// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

mod notifier;

pub use notifier::{Notifier, NotifierRegistration};

use ipvs_sys as bindings;

use crate::{net_namespace::Net, rcu};

/// Whether there is a device of this name in the namespace.
pub fn exists(net: &Net, name: &[u8]) -> bool {
    let mut text = [0_u8; bindings::IFNAMSIZ as usize];
    match text
        .split_last_mut()
        .and_then(|(_, room)| room.get_mut(..name.len()))
    {
        Some(room) => room.copy_from_slice(name),
        None => return false,
    }
    let _guard = rcu::read_lock();
    // SAFETY: `net` is alive, the name ends in a NUL, and this is a read-side section.
    !unsafe { bindings::dev_get_by_name_rcu(net.as_ptr(), text.as_ptr()) }.is_null()
}

// SPDX-License-Identifier: GPL-2.0

//! Being told of what happens to devices.

use core::marker::PhantomData;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, types::Opaque};

use crate::net_namespace::Net;

/// Somebody who wants to know.
pub trait Notifier: 'static {
    /// When it is told: before those of a lower priority. Among those of 0 are IPv4 and IPv6, which take
    /// the device's addresses and routes out of their tables; IPv6 also takes it out of routes that
    /// others keep, so that these cannot be told by their device afterwards.
    const PRIORITY: c_int;

    /// A device of `net` went down, or leaves the namespace after that. Who waits for a device that
    /// is kept says the latter again each second. Called under the lock of rtnetlink.
    fn device_goes(net: &Net);
}

/// As long as it exists, `W` is told about the devices of all namespaces.
///
/// # Last reader
///
/// When `unregister_netdevice_notifier` returns, the last reader in C is gone: it takes the lock of
/// rtnetlink, under which C calls notifiers and reads them.
///
/// # Invariants
///
/// `block` is registered.
pub struct NotifierRegistration<W: Notifier> {
    block: KBox<Opaque<bindings::notifier_block>>,
    _watcher: PhantomData<fn(W)>,
}

// SAFETY: A registration belongs to no thread.
unsafe impl<W: Notifier> Send for NotifierRegistration<W> {}
// SAFETY: There is nothing to do with `&NotifierRegistration`.
unsafe impl<W: Notifier> Sync for NotifierRegistration<W> {}

impl<W: Notifier> NotifierRegistration<W> {
    /// Begins to tell `W`. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        let block = KBox::new(
            Opaque::new(bindings::notifier_block {
                notifier_call: Some(adapter::<W>),
                priority: W::PRIORITY,
                ..pin_init::zeroed()
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The block stays where it is until the last reader is gone.
        to_result(unsafe { bindings::register_netdevice_notifier(block.get()) })?;
        // INVARIANT: The block was just registered.
        Ok(Self {
            block,
            _watcher: PhantomData,
        })
    }
}

impl<W: Notifier> Drop for NotifierRegistration<W> {
    fn drop(&mut self) {
        // SAFETY: `new` has registered the block, and nobody has taken it back. It stays until the
        // last reader is gone. It fails only for blocks that are not registered.
        let _ = unsafe { bindings::unregister_netdevice_notifier(self.block.get()) };
    }
}

/// Called by C for each event.
///
/// # Safety
///
/// `info` must be what C gives to notifiers of devices.
unsafe extern "C" fn adapter<W: Notifier>(
    _block: *mut bindings::notifier_block,
    event: c_ulong,
    info: *mut c_void,
) -> c_int {
    // CAST: Small numbers.
    const DOWN: c_ulong = bindings::netdev_cmd_NETDEV_DOWN as c_ulong;
    // CAST: As above.
    const UNREGISTER: c_ulong = bindings::netdev_cmd_NETDEV_UNREGISTER as c_ulong;
    if let DOWN | UNREGISTER = event {
        // SAFETY: By the contract `info` begins with this structure.
        let device = unsafe { (*info.cast::<bindings::netdev_notifier_info>()).dev };
        // SAFETY: A device is valid while C calls its notifiers, and changes its namespace only
        // under the lock of rtnetlink, which C holds then.
        let net = unsafe { (*device).nd_net.net };
        // SAFETY: A namespace outlives its devices.
        W::device_goes(unsafe { Net::from_raw(net) });
    }
    // CAST: Zero.
    bindings::NOTIFY_DONE as c_int
}

// SPDX-License-Identifier: GPL-2.0

//! Notification of events about network devices.

use core::marker::PhantomData;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, types::Opaque};

use crate::net_namespace::Net;

/// A receiver of events about the devices of all namespaces.
pub trait Notifier: 'static {
    /// Its place among all notifiers: a higher priority is called earlier. IPv4 and IPv6 have the
    /// priority 0. They take the addresses and routes of the device out of their tables, and IPv6 also
    /// takes the device out of routes that others hold, so such routes cannot be found by it later.
    const PRIORITY: c_int;

    /// A device of `net` went down, or is being unregistered. While a reference delays the end of
    /// the device, C repeats the second event each second. Called under the lock of rtnetlink.
    fn device_goes(net: &Net);
}

/// A registered notifier. While this value exists, `W` receives events.
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
    /// Registers `W`. May sleep.
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

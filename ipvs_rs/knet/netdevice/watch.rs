// SPDX-License-Identifier: GPL-2.0

//! Being told of what happens to devices.

use core::{marker::PhantomData, ptr::NonNull};
use ipvs_sys as bindings;
use kernel::{
    error::to_result,
    ffi::{c_int, c_ulong, c_void},
    prelude::*,
    types::Opaque,
};

use super::Device;
use crate::net_namespace::Net;

/// Somebody who wants to know.
pub trait Watcher: 'static {
    /// A device of `net` is down, or was so: no packets leave by it. Called under the lock of
    /// rtnetlink.
    fn is_down(net: &Net, device: &Device<'_>);
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
pub struct Watch<W: Watcher> {
    block: KBox<Opaque<bindings::notifier_block>>,
    _watcher: PhantomData<fn(W)>,
}

// SAFETY: A registration belongs to no thread.
unsafe impl<W: Watcher> Send for Watch<W> {}
// SAFETY: There is nothing to do with `&Watch`.
unsafe impl<W: Watcher> Sync for Watch<W> {}

impl<W: Watcher> Watch<W> {
    /// Begins to tell `W`. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        let block = KBox::new(
            Opaque::new(bindings::notifier_block {
                notifier_call: Some(adapter::<W>),
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

impl<W: Watcher> Drop for Watch<W> {
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
unsafe extern "C" fn adapter<W: Watcher>(
    _block: *mut bindings::notifier_block,
    event: c_ulong,
    info: *mut c_void,
) -> c_int {
    // CAST: A small number.
    if event == bindings::netdev_cmd_NETDEV_DOWN as c_ulong {
        // SAFETY: By the contract `info` begins with this structure.
        let device = unsafe { (*info.cast::<bindings::netdev_notifier_info>()).dev };
        if let Some(device) = NonNull::new(device) {
            // INVARIANT: The device is there for as long as its notifiers are called.
            let device = Device {
                device,
                _valid: PhantomData,
            };
            W::is_down(device.net(), &device);
        }
    }
    // CAST: Zero.
    bindings::NOTIFY_DONE as c_int
}

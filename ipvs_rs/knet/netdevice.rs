// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::{net_namespace::Net, netdevice};
//! let device = netdevice::by_name(Net::init(), b"eth0").ok_or(ENODEV)?;
//! pr_info!("a packet to it has up to {} bytes\n", device.mtu);
//! if netdevice::select_address_v4(Net::init(), device.index).is_none() {
//!     pr_info!("there is no address\n");
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! C headers: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h),
//! [`include/linux/inetdevice.h`](srctree/include/linux/inetdevice.h)

mod notifier;

pub use notifier::{Notifier, NotifierRegistration};

use core::{net::Ipv4Addr, num::NonZeroI32, ptr::NonNull};
use ipvs_sys as bindings;

use crate::{net_namespace::Net, rcu};

/// The number of a device in its namespace. Another device may get it when this one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceIndex(NonZeroI32);

impl DeviceIndex {
    /// The number, which is positive.
    pub fn number(self) -> i32 {
        self.0.get()
    }
}

/// What a device was when it was looked for. It may be gone by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub index: DeviceIndex,
    /// The length in bytes of the longest packet that it sends.
    pub mtu: u32,
    /// Whether it was set up.
    pub is_up: bool,
}

impl Device {
    /// # Safety
    ///
    /// `device` must be null or valid.
    unsafe fn read(device: *mut bindings::net_device) -> Option<Self> {
        let device = NonNull::new(device)?.as_ptr();
        // SAFETY: The device is valid, so this is in it.
        let mtu = unsafe { &raw const (*device).mtu };
        // SAFETY: The device is valid, so these are in it, too.
        let flags = unsafe { &raw const (*device).flags };
        // SAFETY: An aligned number, which C writes whole, is read whole.
        let mtu = unsafe { mtu.read_volatile() };
        // SAFETY: This is such a number, too.
        let flags = unsafe { flags.read_volatile() };
        // SAFETY: The device is valid, and has its number for as long as it is listed.
        let index = unsafe { (*device).ifindex };
        Some(Self {
            index: DeviceIndex(NonZeroI32::new(index)?),
            mtu,
            is_up: flags & bindings::net_device_flags_IFF_UP != 0,
        })
    }
}

/// The device of this name, if the namespace has one.
pub fn by_name(net: &Net, name: &[u8]) -> Option<Device> {
    let mut text = [0_u8; bindings::IFNAMSIZ as usize];
    text.split_last_mut()
        .and_then(|(_, room)| room.get_mut(..name.len()))?
        .copy_from_slice(name);
    let _guard = rcu::read_lock();
    // SAFETY: `net` is alive, the name ends in a NUL, and this is a read-side section.
    let device = unsafe { bindings::dev_get_by_name_rcu(net.as_ptr(), text.as_ptr()) };
    // SAFETY: A device that was found is valid until the section ends.
    unsafe { Device::read(device) }
}

/// The device of this number, if the namespace has one.
pub fn by_index(net: &Net, index: DeviceIndex) -> Option<Device> {
    let _guard = rcu::read_lock();
    // SAFETY: `net` is alive, and this is a read-side section.
    let device = unsafe { bindings::dev_get_by_index_rcu(net.as_ptr(), index.number()) };
    // SAFETY: A device that was found is valid until the section ends.
    unsafe { Device::read(device) }
}

/// Whether there is a device of this name in the namespace.
pub fn exists(net: &Net, name: &[u8]) -> bool {
    by_name(net, name).is_some()
}

/// The address that a host uses for what it sends to a device of its own accord: the first address of the device that is valid
/// everywhere; without any, one of another device (`inet_select_addr`).
pub fn select_address_v4(net: &Net, index: DeviceIndex) -> Option<Ipv4Addr> {
    let _guard = rcu::read_lock();
    // SAFETY: `net` is alive, and this is a read-side section.
    let device = unsafe { bindings::dev_get_by_index_rcu(net.as_ptr(), index.number()) };
    let device = NonNull::new(device)?;
    // CAST: Zero.
    let everywhere = bindings::rt_scope_t_RT_SCOPE_UNIVERSE as i32;
    // SAFETY: A device that was found is valid until the section ends.
    let address = unsafe { bindings::inet_select_addr(device.as_ptr(), 0, everywhere) };
    match address {
        0 => None,
        bits => Some(Ipv4Addr::from(bits.to_ne_bytes())),
    }
}

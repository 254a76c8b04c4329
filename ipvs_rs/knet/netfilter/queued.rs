// SPDX-License-Identifier: GPL-2.0

//! Packets that wait for a verdict of user space.

use ipvs_sys as bindings;

/// Packets that a program of user space holds (`NFQUEUE`), and that go on in a function of this module.
///
/// C remembers the function with the packet, and keeps no module for it. It drops the packets of a namespace when a hook there is
/// unregistered, but a packet may have been on its way into the queue at that moment. So the module that the functions are in has a
/// value of this type: dropped with the module, when no packet is in its functions any more, it drops all packets that wait, in all
/// namespaces, as the end of any hook does.
pub struct QueuedPackets(());

impl QueuedPackets {
    /// For the module that has the helpers in C.
    #[allow(clippy::new_without_default, reason = "an owner, not a value")]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Drop for QueuedPackets {
    /// May sleep.
    fn drop(&mut self) {
        // SAFETY: No preconditions besides being allowed to sleep, which the owner is told about.
        unsafe { bindings::drop_queued_packets() };
    }
}

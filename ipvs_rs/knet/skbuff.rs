// SPDX-License-Identifier: GPL-2.0

//! Packets.
//!
//! A [`Skb`] owns a packet at the network layer. Its owner decides the fate of the packet: a packet
//! that was sent, dropped or handed back cannot be used any more.
//!
//! ```text
//!   hook ──> Skb ──┬── Verdict::Accept, Verdict::Drop ──> hook
//!                  ├── forward_v4, defragment ──────────> somebody else's
//!                  └── (dropped) ───────────────────────> freed
//! ```
//!
//! Offsets count from the beginning of the network header.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

mod data;
mod defrag;
mod icmp;
mod identification;
mod payload;
mod rebase;
mod route;
mod send;
mod tunnel;

pub use defrag::{DefragError, DefragUser};
pub use icmp::IcmpError;
pub use identification::Identifications;
pub use tunnel::{Capsule, OuterAddrs, PartialChecksum, TunnelGso};

use core::ptr::NonNull;
use ipvs_sys as bindings;

use crate::netfilter::Family;

/// A packet at the network layer.
///
/// Not [`Send`]: a packet stays in the read-side section in which its hook was called, because the
/// route attached to it may be one that only this section keeps alive.
///
/// # Invariants
///
/// `skb` is a packet that belongs to this value and is not shared (its data may be). It begins with
/// its network header; if `protocol` calls that one of IPv4 or IPv6, then the header, without its
/// options, is in one piece, and `cb` holds what that version of IP notes there. An RCU read-side
/// section stays open for as long as the value exists.
pub struct Skb {
    skb: NonNull<bindings::sk_buff>,
}

impl Skb {
    /// Takes a packet from C.
    ///
    /// # Safety
    ///
    /// The caller gives up the packet, which must be unshared and as C has it at a hook of the
    /// network layer: IP has checked its header, and got it into one piece. The current RCU read-side
    /// section must stay open for as long as the value exists.
    #[inline]
    pub(crate) unsafe fn from_raw(skb: NonNull<bindings::sk_buff>) -> Self {
        // INVARIANT: By the safety contract of this function.
        Self { skb }
    }

    /// Gives the packet to C.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::sk_buff> {
        let skb = self.skb;
        core::mem::forget(self);
        skb
    }

    /// The packet, for calls into C.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.skb.as_ptr()
    }

    /// The fields that C keeps in the structure's `headers` group.
    #[inline]
    pub(crate) fn headers(&self) -> &Headers {
        // SAFETY: By the type invariant the packet is valid.
        let headers = unsafe { headers(self.as_ptr()) };
        // SAFETY: The packet is ours by the type invariant: nobody else changes these fields.
        unsafe { &*headers }
    }

    /// The fields of the `headers` group, mutable.
    #[inline]
    pub(crate) fn headers_mut(&mut self) -> &mut Headers {
        // SAFETY: By the type invariant the packet is valid.
        let headers = unsafe { headers(self.as_ptr()) };
        // SAFETY: The packet is ours by the type invariant: nobody else uses these fields.
        unsafe { &mut *headers }
    }

    /// The packet's mark, set by rules of netfilter or by the sending socket.
    #[inline]
    pub fn mark(&self) -> u32 {
        // SAFETY: Both members of the union are plain numbers; at the network layer it is the mark.
        unsafe { self.headers().__bindgen_anon_4.mark }
    }

    /// Whether the bit `ipvs_property` is set: a virtual server has handled the packet already.
    #[inline]
    pub fn ipvs_property(&self) -> bool {
        self.headers().ipvs_property() != 0
    }

    /// Sets the bit `ipvs_property`: a virtual server has handled the packet.
    #[inline]
    pub fn set_ipvs_property(&mut self) {
        self.headers_mut().set_ipvs_property(1);
    }

    /// Whether the packet is addressed to this host at the link layer.
    #[inline]
    pub fn to_host(&self) -> bool {
        u32::from(self.headers().pkt_type()) == bindings::PACKET_HOST
    }

    /// Whether this is a packet of `family`. By the type invariant it then begins with a header of this
    /// family.
    #[inline]
    pub(crate) fn is_of(&self, family: Family) -> bool {
        self.headers().protocol == ether_type(family)
    }

    /// Whether the packet came in through a device. A packet made by this host has no device yet.
    #[inline]
    pub fn has_device(&self) -> bool {
        !self.device().is_null()
    }

    /// Whether the packet came in through the loopback device.
    #[inline]
    pub fn device_is_loopback(&self) -> bool {
        let device = self.device();
        if device.is_null() {
            return false;
        }
        // SAFETY: The device of a packet is valid in the read-side section of the type invariant.
        let flags = unsafe { (*device).flags };
        flags & bindings::net_device_flags_IFF_LOOPBACK != 0
    }

    /// The device that the packet came in through, or null.
    #[inline]
    fn device(&self) -> *mut bindings::net_device {
        // SAFETY: By the type invariant the packet is valid.
        let place = unsafe { (*self.as_ptr()).__bindgen_anon_1 };
        // SAFETY: At the network layer this union holds two pointers of lists, and the device.
        let place = unsafe { place.__bindgen_anon_1 };
        // SAFETY: All members of the union are pointers.
        unsafe { place.__bindgen_anon_1.dev }
    }

    /// Whether the packet is GSO: it will be segmented into several packets later.
    #[inline]
    pub fn is_gso(&self) -> bool {
        self.gso_size() != 0
    }

    /// Whether every segment of a packet that [is GSO](Skb::is_gso) fits into `mtu`.
    pub fn gso_validate_network_len(&self, mtu: u32) -> bool {
        // C must not be asked for the segment size of a packet without segments.
        // SAFETY: By the type invariant the packet is valid. C has set the transport header of one
        // that stands for several.
        self.is_gso() && unsafe { bindings::skb_gso_validate_network_len(self.as_ptr(), mtu) }
    }

    /// The number of packets that this one stands for: more than one only if it [is GSO](Skb::is_gso).
    #[inline]
    pub fn segments(&self) -> u16 {
        // SAFETY: The shared part is valid while the packet is; only its counters are changed by others, this field is not.
        let segments = unsafe { (*self.shared_info()).gso_segs };
        segments.max(1)
    }

    /// The payload of a segment in bytes, or zero.
    #[inline]
    fn gso_size(&self) -> u16 {
        // SAFETY: The shared part is valid while the packet is; only its counters are changed by others, this field is not.
        unsafe { (*self.shared_info()).gso_size }
    }

    /// The part of a packet that its clones share.
    #[inline]
    fn shared_info(&self) -> *const bindings::skb_shared_info {
        let skb = self.as_ptr();
        // SAFETY: By the type invariant the packet is valid.
        let head = unsafe { (*skb).head };
        // SAFETY: As is said of `head`.
        let end = unsafe { (*skb).end };
        // CAST: An offset in a buffer. The shared part begins where the buffer ends.
        head.wrapping_add(end as usize).cast()
    }

    /// Whether the local sender asked (`IP_NODEFRAG`) that its fragments be left as they are.
    #[inline]
    pub fn socket_nodefrag(&self) -> bool {
        // SAFETY: By the type invariant the packet is valid.
        let has_socket = unsafe { !(*self.as_ptr()).sk.is_null() };
        // SAFETY: As is said of `has_socket`. The packet, or the read-side section, keeps its socket.
        has_socket && unsafe { bindings::sk_nodefrag(self.as_ptr()) }
    }

    /// Marks the packet as untracked, so that connection tracking ignores it. A packet
    /// that connection tracking has not seen, or has no entry for, stays as it is.
    #[inline]
    pub fn untrack(&mut self) {
        // SAFETY: By the type invariant the packet is ours.
        unsafe { bindings::skb_untrack(self.as_ptr()) };
    }
}

impl Drop for Skb {
    /// Frees the packet, as one that was dropped.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant the packet is ours, and the value is not used again.
        unsafe {
            bindings::sk_skb_reason_drop(
                core::ptr::null_mut(),
                self.as_ptr(),
                bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED,
            )
        };
    }
}

/// The protocol number of the link layer (`ETH_P_IP`, for example) in network order.
#[inline]
const fn ether_type(family: Family) -> u16 {
    let number: u16 = match family {
        Family::V4 => 0x0800,
        Family::V6 => 0x86DD,
    };
    number.to_be()
}

/// The length of a network header without its options.
pub(crate) const fn header_length(family: Family) -> usize {
    match family {
        Family::V4 => size_of::<bindings::iphdr>(),
        Family::V6 => size_of::<bindings::ipv6hdr>(),
    }
}

/// The fields in the structure's `headers` group.
pub(crate) type Headers = bindings::sk_buff__bindgen_ty_4__bindgen_ty_1;

/// Where the `headers` group of a packet is.
///
/// # Safety
///
/// `skb` must be valid.
#[inline]
pub(crate) unsafe fn headers(skb: *mut bindings::sk_buff) -> *mut Headers {
    // SAFETY: By the contract the packet is valid. The group is the only part of this anonymous union.
    unsafe { (&raw mut (*skb).__bindgen_anon_4).cast() }
}

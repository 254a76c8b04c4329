// SPDX-License-Identifier: GPL-2.0

//! Encapsulation: a packet becomes the payload of an outer packet.
//!
//! ```text
//!   Skb ──encapsulate──> Capsule ──push_gre | push_gue + push_udp──> Capsule ──finish──> Skb
//! ```
//!
//! Headers are prepended from the inside out. If the transport checksum of the inner packet or its
//! segmentation is left to a device, it stays so, and C gets the offsets of the inner headers.
//!
//! C headers: [`include/net/ip_tunnels.h`](srctree/include/net/ip_tunnels.h),
//! [`include/net/gre.h`](srctree/include/net/gre.h)

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{ether_type, header_length, Skb};
use crate::{checksum::IpSummed, net_namespace::Net, netfilter::Family, route::Route};

/// The type of tunnel around the segments of a packet that is segmented later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelGso {
    /// In IP.
    Ip,
    /// In UDP.
    Udp {
        /// Whether the UDP header has a checksum.
        checksum: bool,
        /// Whether the inner transport checksum is left to the receiver.
        remote: bool,
    },
    /// In GRE.
    Gre {
        /// Whether the GRE header has a checksum.
        checksum: bool,
    },
}

/// The position of a transport checksum that a device or the receiver will complete, in bytes from the
/// network header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialChecksum {
    /// The beginning of the bytes that the checksum covers.
    pub start: u16,
    /// The position of the checksum field.
    pub field: u16,
}

/// A packet that is getting outer headers.
pub struct Capsule {
    skb: Skb,
    /// The number of bytes that are still reserved for headers.
    room: u32,
}

impl Skb {
    /// The position of the transport checksum; [`None`] if it is not partial.
    pub fn partial_checksum(&self) -> Option<PartialChecksum> {
        if self.ip_summed() != IpSummed::Partial {
            return None;
        }
        // SAFETY: The union holds these numbers while the checksum is partial.
        let place = unsafe { self.headers().__bindgen_anon_1.__bindgen_anon_1 };
        let start = place.csum_start.wrapping_sub(self.headers().network_header);
        Some(PartialChecksum {
            start,
            field: start.wrapping_add(place.csum_offset),
        })
    }

    /// Begins to encapsulate the packet in a packet of `outer` on `route`. Reserves `headers` bytes for
    /// headers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EINVAL` if `headers` is too large.
    #[inline]
    pub fn encapsulate(
        self,
        route: &Route,
        outer: Family,
        headers: u32,
        segments: TunnelGso,
    ) -> Result<Capsule> {
        if headers > MOST_HEADERS {
            return Err(EINVAL);
        }
        let ip = match outer {
            Family::V4 => bindings::SKB_GSO_IPXIP4,
            Family::V6 => bindings::SKB_GSO_IPXIP6,
        };
        let kind = match segments {
            TunnelGso::Ip => ip,
            TunnelGso::Udp { checksum, remote } => {
                let udp = match checksum {
                    true => bindings::SKB_GSO_UDP_TUNNEL_CSUM,
                    false => bindings::SKB_GSO_UDP_TUNNEL,
                };
                let remote = match remote && self.ip_summed() == IpSummed::Partial {
                    true => bindings::SKB_GSO_TUNNEL_REMCSUM,
                    false => 0,
                };
                ip | udp | remote
            }
            TunnelGso::Gre { checksum: true } => bindings::SKB_GSO_GRE_CSUM,
            TunnelGso::Gre { checksum: false } => bindings::SKB_GSO_GRE,
        };
        // CAST: Flags, which some kernels have as this type already.
        #[allow(
            clippy::unnecessary_cast,
            reason = "Linux 7.2 and 7.3 have constants of different types"
        )]
        let kind = kind as i32;
        // SAFETY: By the type invariants the packet is ours and the route is valid.
        to_result(unsafe { bindings::tunnel_begin(self.as_ptr(), route.as_ptr(), headers, kind) })?;
        Ok(Capsule {
            skb: self,
            room: headers,
        })
    }
}

impl Capsule {
    /// Takes `length` bytes of the reserved bytes.
    fn take(&mut self, length: u32) -> Result {
        self.room = self.room.checked_sub(length).ok_or(EINVAL)?;
        Ok(())
    }

    /// Sets the protocol number of the inner IP packet.
    #[inline]
    pub fn inner_ipproto(&mut self, protocol: u8) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::tunnel_inner_ipproto(self.skb.as_ptr(), protocol) };
    }

    /// Leaves the inner transport checksum to the receiver, if it is not complete yet. The outer headers must
    /// say so.
    pub fn leave_checksum_to_receiver(&mut self) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::tunnel_remote_checksum(self.skb.as_ptr()) };
    }

    /// Prepends `length` bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no room.
    pub fn push(&mut self, length: u32) -> Result<&mut [u8]> {
        self.take(length)?;
        // SAFETY: By the invariant of `Skb` the packet is ours; `room` says that C has made room for
        // so many bytes in `encapsulate`.
        let start = unsafe { bindings::skb_push(self.skb.as_ptr(), length) };
        // CAST: A u32 fits.
        // SAFETY: These bytes are the packet's now, and nobody shares them.
        Ok(unsafe { core::slice::from_raw_parts_mut(start.cast(), length as usize) })
    }

    /// Prepends a UDP header. All packets of an inner flow get the same source port.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no room.
    pub fn push_udp(&mut self, net: &Net, ends: &OuterAddrs, port: u16, checksum: bool) -> Result {
        self.take(UDP_HEADER)?;
        // SAFETY: The namespace is valid, by the invariant of `Skb` the packet is ours, `room` says
        // that there is room for the header, and an address has at most 16 bytes.
        unsafe {
            bindings::tunnel_udp(
                net.as_ptr(),
                self.skb.as_ptr(),
                port.to_be(),
                checksum,
                ends.family == Family::V6,
                ends.source.as_ptr().cast(),
                ends.destination.as_ptr().cast(),
            );
        }
        Ok(())
    }

    /// Prepends a GRE header. `inner` is the family of the inner packet.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no room.
    pub fn push_gre(&mut self, inner: Family, checksum: bool) -> Result {
        let words: u32 = match checksum {
            true => 2,
            false => 1,
        };
        self.take(words.wrapping_mul(4))?;
        // SAFETY: By the invariant of `Skb` the packet is ours, and `room` says that there is room for
        // the header.
        unsafe { bindings::tunnel_gre(self.skb.as_ptr(), checksum, ether_type(inner)) };
        Ok(())
    }

    /// Prepends the outer network header. `write` gets its bytes and the length of the whole packet.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no room, or `write` has failed.
    #[inline(always)]
    pub fn finish(
        mut self,
        outer: Family,
        write: impl FnOnce(&mut [u8], usize) -> Option<()>,
    ) -> Result<Skb> {
        let length = header_length(outer);
        // CAST: A small number.
        self.take(length as u32)?;
        // SAFETY: By the invariant of `Skb` the packet is ours, and `room` says that there is room for
        // the header.
        let start = unsafe {
            bindings::tunnel_push_ip(self.skb.as_ptr(), ether_type(outer), length as u32)
        };
        // SAFETY: These bytes are the packet's now, and nobody shares them.
        let header = unsafe { core::slice::from_raw_parts_mut(start.cast::<u8>(), length) };
        write(header, self.skb.len()).ok_or(EINVAL)?;
        Ok(self.skb)
    }
}

/// The outer addresses of a packet that is encapsulated. IPv4 uses the first four bytes.
pub struct OuterAddrs {
    /// The family of the addresses.
    pub family: Family,
    /// The source address.
    pub source: [u8; 16],
    /// The destination address.
    pub destination: [u8; 16],
}

/// The length of a UDP header.
const UDP_HEADER: u32 = 8;

/// The maximum number of bytes of headers that a packet may get. C adds to this number.
const MOST_HEADERS: u32 = 512;

// SPDX-License-Identifier: GPL-2.0

//! A packet becomes the payload of another.
//!
//! ```text
//!   Skb ──encapsulate──> Capsule ──push_gre | push_gue + push_udp──> Capsule ──finish──> Skb
//! ```
//!
//! Headers are put before the packet from the inside out. Where the transport checksum of the inner
//! packet or its segmentation is left to a device, that stays so; C is told where the inner headers
//! are.
//!
//! C headers: [`include/net/ip_tunnels.h`](srctree/include/net/ip_tunnels.h),
//! [`include/net/gre.h`](srctree/include/net/gre.h)

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{ether_type, header_length, Skb};
use crate::{checksum::IpSummed, net_namespace::Net, netfilter::Family, route::Route};

/// How the segments of a packet are to be wrapped, if it is segmented later.
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

/// Where a transport checksum is that somebody else is to complete, in bytes from the network
/// header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialChecksum {
    /// Where what it covers begins.
    pub start: u16,
    /// Where it is.
    pub field: u16,
}

/// A packet that is getting outer headers.
pub struct Capsule {
    skb: Skb,
    /// Bytes that are still reserved for headers.
    room: u32,
}

impl Skb {
    /// Where the transport checksum is, if somebody else is to complete it.
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

    /// Begins to wrap the packet in one of `outer` that leaves by `route`, with `headers` bytes of
    /// headers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINVAL`: those are too many headers.
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
    /// Takes `length` bytes from the room.
    fn take(&mut self, length: u32) -> Result {
        self.room = self.room.checked_sub(length).ok_or(EINVAL)?;
        Ok(())
    }

    /// Says what the next header calls the IP packet inside.
    pub fn inner_ipproto(&mut self, protocol: u8) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::tunnel_inner_ipproto(self.skb.as_ptr(), protocol) };
    }

    /// Leaves the inner transport checksum to the receiver, where it is not there yet. The headers
    /// must tell.
    pub fn leave_checksum_to_receiver(&mut self) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::tunnel_remote_checksum(self.skb.as_ptr()) };
    }

    /// Puts `length` bytes before the packet.
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

    /// Puts a UDP header before the packet, from a port that is the same for all packets of the
    /// inner flow.
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

    /// Puts a GRE header before the packet, whose own network header is of `inner`.
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

    /// Puts the network header before the packet: `write` gets its bytes, and the length of the
    /// whole packet.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no room, or `write` has failed.
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

/// The ends of a packet that is getting outer headers. IPv4 uses the first four bytes.
pub struct OuterAddrs {
    /// Which addresses these are.
    pub family: Family,
    /// Where it comes from.
    pub source: [u8; 16],
    /// Where it goes.
    pub destination: [u8; 16],
}

/// The length of a UDP header.
const UDP_HEADER: u32 = 8;

/// The most bytes of headers that a packet may get; C adds to the number.
const MOST_HEADERS: u32 = 512;

/// An identification for an IPv4 packet between these ends that may be fragmented into datagrams
/// of so many segments.
pub fn identification_v4(net: &Net, source: [u8; 4], destination: [u8; 4], protocol: u8) -> u16 {
    let mut header: bindings::iphdr = pin_init::zeroed();
    header.protocol = protocol;
    header.__bindgen_anon_1.__bindgen_anon_1.saddr = u32::from_ne_bytes(source);
    header.__bindgen_anon_1.__bindgen_anon_1.daddr = u32::from_ne_bytes(destination);
    // SAFETY: The namespace is valid, and the header is initialised.
    unsafe { bindings::__ip_select_ident(net.as_ptr(), &mut header, 1) };
    u16::from_be(header.id)
}

// SPDX-License-Identifier: GPL-2.0

//! The state of a packet's transport checksum, and its computation.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h), "checksum information"

use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::{
    netfilter::Family,
    skbuff::{header_length, Skb},
};

/// The state of a packet's transport checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpSummed {
    /// The checksum is in the packet, and was not verified.
    None,
    /// The checksum was verified.
    Unnecessary,
    /// The device has computed a sum over all bytes. It was not compared with the checksum yet.
    Complete,
    /// The packet has the sum of the pseudo header only. The device that sends the packet adds the rest.
    Partial,
}

/// The length of a UDP header.
const UDP_HEADER: usize = 8;
/// The length of an SCTP header; the checksum is its last field.
const SCTP_HEADER: usize = 12;

impl Skb {
    /// The state of the transport checksum.
    #[inline]
    pub fn ip_summed(&self) -> IpSummed {
        match u32::from(self.headers().ip_summed()) {
            bindings::CHECKSUM_UNNECESSARY => IpSummed::Unnecessary,
            bindings::CHECKSUM_COMPLETE => IpSummed::Complete,
            bindings::CHECKSUM_PARTIAL => IpSummed::Partial,
            _ => IpSummed::None,
        }
    }

    /// Whether the transport checksum of a packet to this host is right, or was verified already.
    ///
    /// For protocols other than TCP and UDP the sum covers all bytes from `transport` on. The
    /// checksum of a packet that this host made counts as right. A packet of another family, or one that
    /// ends before `transport`, counts as wrong.
    pub fn checksum_is_right(&mut self, family: Family, transport: usize, protocol: u8) -> bool {
        if !self.has_device() {
            return true;
        }
        if !self.is_of(family) || transport > self.len() {
            return false;
        }
        let Ok(transport) = u32::try_from(self.network_offset().wrapping_add(transport)) else {
            return false;
        };
        // CAST: Small numbers.
        // SAFETY: By the invariant of `Skb` the packet is ours and begins with a header of its family,
        // and it has `transport` bytes.
        let sum = unsafe {
            bindings::nf_checksum(
                self.as_ptr(),
                bindings::nf_inet_hooks_NF_INET_LOCAL_IN,
                transport,
                protocol,
                u16::from(family as u8),
            )
        };
        sum == 0
    }

    /// Discards the device's sum over all bytes, which is wrong after some bytes changed.
    #[inline]
    pub fn forget_complete_checksum(&mut self) {
        if self.ip_summed() == IpSummed::Complete {
            self.headers_mut()
                .set_ip_summed(bindings::CHECKSUM_NONE as u8);
        }
    }

    /// Computes the checksum of the UDP datagram whose header is at `transport`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet has no whole UDP header behind a header of `family`, `ENOMEM` if the header
    /// cannot be made writable.
    pub fn compute_udp_checksum(&mut self, family: Family, transport: usize) -> Result {
        if !self.is_of(family) || transport < header_length(family) {
            return Err(EINVAL);
        }
        self.ensure_writable(transport.checked_add(UDP_HEADER).ok_or(EINVAL)?)?;
        let transport = self.network_offset().wrapping_add(transport);
        // CAST: An offset in a packet.
        match family {
            // SAFETY: By the invariant of `Skb` the packet is ours and begins with a header of IPv4. The UDP header is in the
            // packet, in memory that nobody shares.
            Family::V4 => unsafe { bindings::udp_v4_checksum(self.as_ptr(), transport as i32) },
            // SAFETY: The same of IPv6.
            Family::V6 => unsafe { bindings::udp_v6_checksum(self.as_ptr(), transport as i32) },
        }
        self.headers_mut()
            .set_ip_summed(bindings::CHECKSUM_UNNECESSARY as u8);
        Ok(())
    }

    /// Computes the CRC32c of the SCTP packet whose header is at `transport`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet has no whole SCTP header, `ENOMEM` if the header cannot be made writable.
    pub fn compute_sctp_checksum(&mut self, transport: usize) -> Result {
        let end = transport.checked_add(SCTP_HEADER).ok_or(EINVAL)?;
        let length = self.len().checked_sub(transport).ok_or(EINVAL)?;
        let start = self.network_offset().wrapping_add(transport);
        *self.field(end)? = [0; 4];
        // CAST: An offset and a length in a packet.
        // SAFETY: By the invariant of `Skb` the packet is ours, and it has all these bytes.
        let sum =
            unsafe { bindings::skb_crc32c(self.as_ptr(), start as i32, length as i32, u32::MAX) };
        // RFC 9260, appendix A: the complement of the CRC, least significant byte first.
        *self.field(end)? = (!sum).to_le_bytes();
        self.headers_mut()
            .set_ip_summed(bindings::CHECKSUM_UNNECESSARY as u8);
        Ok(())
    }

    /// The `N` bytes before `end`, writable.
    fn field<const N: usize>(&mut self, end: usize) -> Result<&mut [u8; N]> {
        self.ensure_writable(end)?.last_chunk_mut().ok_or(EINVAL)
    }

    /// Completes a checksum that was left to the device. After that the bytes that it covers may change.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EINVAL` if the packet is broken.
    pub fn checksum_help(&mut self) -> Result {
        if self.ip_summed() != IpSummed::Partial {
            return Ok(());
        }
        // SAFETY: By the invariant of `Skb` the packet is ours. No reference into the data is left, as
        // `self` is borrowed mutably.
        kernel::error::to_result(unsafe { bindings::skb_checksum_help(self.as_ptr()) })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Counters of connections, packets and bytes.

/// The sums of the counters of all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of connections.
    pub conns: u64,
    /// The number of packets from clients.
    pub inpkts: u64,
    /// The number of packets from servers.
    pub outpkts: u64,
    /// The number of bytes from clients.
    pub inbytes: u64,
    /// The number of bytes from servers.
    pub outbytes: u64,
}

impl Counters {
    /// How much each counter has grown since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            conns: self.conns.wrapping_sub(earlier.conns),
            inpkts: self.inpkts.wrapping_sub(earlier.inpkts),
            outpkts: self.outpkts.wrapping_sub(earlier.outpkts),
            inbytes: self.inbytes.wrapping_sub(earlier.inbytes),
            outbytes: self.outbytes.wrapping_sub(earlier.outbytes),
        }
    }

    /// The sums of both.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            conns: self.conns.wrapping_add(other.conns),
            inpkts: self.inpkts.wrapping_add(other.inpkts),
            outpkts: self.outpkts.wrapping_add(other.outpkts),
            inbytes: self.inbytes.wrapping_add(other.inbytes),
            outbytes: self.outbytes.wrapping_add(other.outbytes),
        }
    }
}

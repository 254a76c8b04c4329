// SPDX-License-Identifier: GPL-2.0

//! The two ends of a conversation.

use crate::addr::{Addr, Family};

/// The two ends of a conversation, in the direction in which a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// The source address, in network order.
    pub src: Addr,
    /// The destination address, in network order.
    pub dst: Addr,
    /// The source port, in host order.
    pub sport: u16,
    /// The destination port, in host order.
    pub dport: u16,
    /// The number of the transport protocol.
    pub protocol: u8,
    /// The family of both addresses.
    pub family: Family,
}

impl Tuple {
    /// The tuple of a packet in the other direction.
    #[inline]
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            sport: self.dport,
            dport: self.sport,
            ..self
        }
    }
}

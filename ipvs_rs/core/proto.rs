// SPDX-License-Identifier: GPL-2.0

//! The transport protocols that IPVS follows, one file each.

pub mod sctp;
pub mod tcp;
pub mod transition;
pub mod udp;

pub use crate::wire::protocol::{ICMP, ICMPV6, SCTP, TCP, UDP};

/// The direction of a packet, for a state table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client, on a connection whose replies pass the director too.
    Input = 0,
    /// From the real server.
    Output = 1,
    /// From the client, on a connection whose replies do not pass the director.
    InputOnly = 2,
}

/// The times that connections live without a packet, in seconds. Each network namespace has its own.
///
/// A client can set these three. The other states of TCP have fixed times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time of an established TCP connection, in seconds.
    pub tcp_established: u32,
    /// The time of a TCP connection in FIN_WAIT, in seconds.
    pub tcp_fin_wait: u32,
    /// The time of a UDP connection, in seconds.
    pub udp: u32,
}

impl Timeouts {
    /// The timeouts of a new network namespace.
    pub const DEFAULT: Self = Self {
        tcp_established: tcp::State::Established.default_timeout(),
        tcp_fin_wait: tcp::State::FinWait.default_timeout(),
        udp: udp::DEFAULT_TIMEOUT,
    };

    /// The time of a TCP connection in `state`, in seconds.
    #[inline]
    pub const fn tcp(&self, state: tcp::State) -> u32 {
        match state {
            tcp::State::Established => self.tcp_established,
            tcp::State::FinWait => self.tcp_fin_wait,
            other => other.default_timeout(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

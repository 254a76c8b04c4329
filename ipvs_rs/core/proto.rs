// SPDX-License-Identifier: GPL-2.0

//! The transport protocols that IPVS follows, one file each.

pub mod sctp;
pub mod tcp;
pub mod transition;
pub mod udp;

pub use crate::wire::protocol::{ICMP, ICMPV6, SCTP, TCP, UDP};

/// The direction of a packet, from where a state machine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client, on a connection whose replies pass here too.
    Input = 0,
    /// From the real server.
    Output = 1,
    /// From the client, on a connection whose replies take another way.
    InputOnly = 2,
}

/// How long connections live without a packet, in seconds; one set per network namespace.
///
/// These three are what a client can set, the other states of TCP have fixed times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// An established TCP connection.
    pub tcp_established: u32,
    /// A TCP connection in FIN_WAIT.
    pub tcp_fin_wait: u32,
    /// A UDP connection.
    pub udp: u32,
}

impl Timeouts {
    /// What a new network namespace starts with.
    pub const DEFAULT: Self = Self {
        tcp_established: tcp::State::Established.default_timeout(),
        tcp_fin_wait: tcp::State::FinWait.default_timeout(),
        udp: udp::DEFAULT_TIMEOUT,
    };

    /// The time of a TCP connection in `state`.
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

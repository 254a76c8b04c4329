// SPDX-License-Identifier: GPL-2.0

//! The transport protocols that IPVS follows, one file each.

pub mod ipsec;
pub mod sctp;
pub mod tcp;
pub mod transition;
pub mod udp;

/// The protocol number of ICMP.
pub const ICMP: u8 = 1;
/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;
/// The protocol number of ICMPv6.
pub const ICMPV6: u8 = 58;

/// The protocol number of SCTP.
pub const SCTP: u8 = 132;

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

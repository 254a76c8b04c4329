// SPDX-License-Identifier: GPL-2.0

//! Transport protocols, by the numbers of IP.

use std::fmt;

use ipvs_core::proto;

/// A transport protocol. The kernel takes services of any number; only TCP, UDP and SCTP get packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Protocol(u16);

impl Protocol {
    /// TCP.
    pub const TCP: Self = Self(proto::TCP as u16);
    /// UDP.
    pub const UDP: Self = Self(proto::UDP as u16);
    /// SCTP.
    pub const SCTP: Self = Self(proto::SCTP as u16);

    /// The protocol with this number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl From<u16> for Protocol {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl From<Protocol> for u16 {
    fn from(protocol: Protocol) -> Self {
        protocol.0
    }
}

impl fmt::Display for Protocol {
    /// `TCP`, `UDP`, `SCTP` or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.pad("TCP"),
            Self::UDP => f.pad("UDP"),
            Self::SCTP => f.pad("SCTP"),
            Self(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_have_their_numbers_and_names() {
        for (protocol, number, name) in [
            (Protocol::TCP, 6, "TCP"),
            (Protocol::UDP, 17, "UDP"),
            (Protocol::SCTP, 132, "SCTP"),
            (Protocol::new(50), 50, "50"),
        ] {
            assert_eq!(Protocol::from(number), protocol);
            assert_eq!(u16::from(protocol), number);
            assert_eq!(protocol.to_string(), name);
        }
        assert_eq!(
            format!("{:>5}|{:>5}", Protocol::TCP, Protocol::new(50)),
            "  TCP|   50"
        );
    }
}

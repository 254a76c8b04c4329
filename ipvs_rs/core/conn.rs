// SPDX-License-Identifier: GPL-2.0

//! The flags of a connection, and the method by which its packets are forwarded.
//!
//! The numbers are part of the interface: they appear in `/proc`, in netlink and sockopt
//! messages, and in the messages of the synchronisation daemon.

use crate::wire::protocol;

/// The forwarding method: how the packets of a connection reach the real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Method {
    /// Addresses and ports are translated in both directions.
    Nat = 0,
    /// The director itself serves the connection.
    LocalNode = 1,
    /// The packet travels inside another one.
    Tunnel = 2,
    /// The packet is sent unchanged to the real server, which has the virtual address too.
    DirectRoute = 3,
    /// The packet goes to its original destination, without a real server.
    Bypass = 4,
    /// A number without a meaning. It can be configured, and such packets are not forwarded.
    Unassigned5 = 5,
    /// A number without a meaning. It can be configured, and such packets are not forwarded.
    Unassigned6 = 6,
    /// A number without a meaning. It can be configured, and such packets are not forwarded.
    Unassigned7 = 7,
}

impl Method {
    /// The method in the low three bits; the other bits are ignored.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        match bits & ConnFlags::METHOD_MASK {
            0 => Self::Nat,
            1 => Self::LocalNode,
            2 => Self::Tunnel,
            3 => Self::DirectRoute,
            4 => Self::Bypass,
            5 => Self::Unassigned5,
            6 => Self::Unassigned6,
            _ => Self::Unassigned7,
        }
    }

    /// The three bits of this method.
    #[inline]
    pub const fn bits(self) -> u32 {
        self as u32
    }

    /// The word in the `Forward` column of `/proc/net/ip_vs`.
    ///
    /// As the C module does: a method without a name of its own is called `Masq`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalNode => "Local",
            Self::Tunnel => "Tunnel",
            Self::DirectRoute => "Route",
            Self::Nat
            | Self::Bypass
            | Self::Unassigned5
            | Self::Unassigned6
            | Self::Unassigned7 => "Masq",
        }
    }
}

/// The flags of a connection, or the flags that a real server gives to its connections. The low
/// three bits are the forwarding [`Method`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct ConnFlags(u32);

impl ConnFlags {
    /// No flag; the method is NAT.
    pub const EMPTY: Self = Self(0);
    /// The backup daemon created the connection.
    pub const SYNC: Self = Self(0x0020);
    /// The connection is in the connection table.
    pub const HASHED: Self = Self(0x0040);
    /// No reply has been seen. With other methods than NAT, replies do not pass the director.
    pub const NO_OUTPUT: Self = Self(0x0080);
    /// The connection counts as inactive at its server.
    pub const INACTIVE: Self = Self(0x0100);
    /// The TCP sequence numbers of replies are adjusted.
    pub const OUT_SEQ: Self = Self(0x0200);
    /// The TCP sequence numbers of the client's packets are adjusted.
    pub const IN_SEQ: Self = Self(0x0400);
    /// The client's port is not known yet.
    pub const NO_CLIENT_PORT: Self = Self(0x0800);
    /// This is a persistence template and not a connection.
    pub const TEMPLATE: Self = Self(0x1000);
    /// The connection lives for one packet only.
    pub const ONE_PACKET: Self = Self(0x2000);
    /// The connection keeps its entry in netfilter's connection tracking.
    pub const NFCT: Self = Self(0x1_0000);

    /// The template must not be used any more. This flag is not part of the interface.
    pub const INVALIDATED: Self = Self(0x2_0000);
    /// The connection is no longer counted at its server. This flag is not part of the interface.
    pub const ENDED: Self = Self(0x4_0000);
    /// A helper looks at the packets of the connection. This flag is not part of the interface.
    pub const HELPED: Self = Self(0x8_0000);

    /// The bits by which packets find their way: the method, and [`Self::NO_OUTPUT`].
    pub const ROUTING: Self = Self(Self::METHOD_MASK).with(Self::NO_OUTPUT);

    const METHOD_MASK: u32 = 0x7;
    /// The method, and the flags from [`Self::NO_OUTPUT`] to [`Self::TEMPLATE`] but those of sequence numbers, as no
    /// connection has such numbers.
    const LEARNED_MASK: u32 = 0x1987;
    /// The flags that a client of the sockopt interface may ask for.
    const REQUESTABLE_MASK: u32 = Self::METHOD_MASK | Self::ONE_PACKET.0 | Self::NFCT.0;

    /// The flags in `bits`; unknown bits are kept.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The flags as one number.
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The flags that a real server gives to its connections, if a client asked for `requested`.
    ///
    /// Connections start inactive. With other methods than NAT they have [`Self::NO_OUTPUT`] too,
    /// because replies need not pass the director.
    pub const fn for_server(requested: u32) -> Self {
        let flags = Self(requested & Self::REQUESTABLE_MASK).with(Self::INACTIVE);
        match flags.method() {
            Method::Nat => flags,
            _ => flags.with(Self::NO_OUTPUT),
        }
    }

    /// The flags of a connection that bypasses the servers. Its replies may pass the director, so
    /// it has no [`Self::NO_OUTPUT`].
    pub const fn without_server() -> Self {
        Self(Method::Bypass.bits()).with(Self::INACTIVE)
    }

    /// These flags of a new connection and the flags that its `server` gives to it.
    ///
    /// One-packet scheduling is only for UDP. Templates and connections that another director has
    /// sent never get it.
    #[inline]
    pub const fn inherit(self, server: Self, protocol: u8) -> Self {
        let one_packet =
            protocol == protocol::UDP && !self.has(Self::TEMPLATE) && !self.has(Self::SYNC);
        if one_packet {
            self.with(server)
        } else {
            self.with(server.without(Self::ONE_PACKET))
        }
    }

    /// Whether all of `flags` are set.
    #[inline]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether none of `flags` is set.
    #[inline]
    pub const fn has_none(self, flags: Self) -> bool {
        self.0 & flags.0 == 0
    }

    /// These flags and `flags`.
    #[inline]
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// These flags except `flags`.
    #[inline]
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// The flags that are part of the interface.
    #[must_use]
    pub const fn listed(self) -> Self {
        self.without(Self::INVALIDATED.with(Self::ENDED).with(Self::HELPED))
    }

    /// Those of these flags that are in `mask`.
    #[must_use]
    pub const fn only(self, mask: Self) -> Self {
        Self(self.0 & mask.0)
    }

    /// Whether a message about the connection has adjustments of sequence numbers.
    #[inline]
    pub const fn has_sequence(self) -> bool {
        self.0 & (Self::IN_SEQ.0 | Self::OUT_SEQ.0) != 0
    }

    /// The flags that a director takes from a message about a connection, and [`Self::SYNC`].
    #[must_use]
    pub const fn learned(self) -> Self {
        Self(self.0 & Self::LEARNED_MASK).with(Self::SYNC)
    }

    /// The flags that a director takes from a saved connection: those of a message, [`Self::NFCT`], and [`Self::SYNC`] only if
    /// the connection had it.
    #[must_use]
    pub const fn restored(self) -> Self {
        Self(self.0 & (Self::LEARNED_MASK | Self::SYNC.0 | Self::NFCT.0))
    }

    /// The flags in a message about the connection: those of the interface but [`Self::HASHED`].
    #[must_use]
    pub const fn told(self) -> Self {
        self.listed().without(Self::HASHED)
    }

    /// The forwarding method.
    #[inline]
    pub const fn method(self) -> Method {
        Method::from_bits(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_the_low_three_bits() {
        for bits in 0..16 {
            assert_eq!(Method::from_bits(bits).bits(), bits & 7);
        }
        assert_eq!(ConnFlags::from_bits(0x83).method(), Method::DirectRoute);
    }

    #[test]
    fn every_method_without_a_name_is_masq() {
        let names: Vec<_> = (0..8).map(|bits| Method::from_bits(bits).name()).collect();
        assert_eq!(
            names,
            ["Masq", "Local", "Tunnel", "Route", "Masq", "Masq", "Masq", "Masq"]
        );
    }

    #[test]
    fn servers_give_inactive_and_no_output() {
        for (requested, given) in [
            (0x0, 0x100),
            (0x3, 0x183),
            (0x7, 0x187),
            (0xFFFF_FFFF, 0x1_2187),
            (0x1_0000, 0x1_0100),
        ] {
            assert_eq!(ConnFlags::for_server(requested).bits(), given);
        }
    }

    #[test]
    fn what_is_not_part_of_the_interface_is_not_listed() {
        let listed = ConnFlags::from_bits(u32::MAX).listed();
        assert_eq!(listed.bits(), 0xFFF1_FFFF);
    }

    #[test]
    fn a_restored_connection_is_of_another_director_only_if_it_was() {
        for (saved, restored) in [
            (0x0, 0x0),
            (0x183, 0x183),
            (0x20, 0x20),
            (0x1_0000, 0x1_0000),
            (0x2600, 0x0),
            (u32::MAX, 0x1_19A7),
        ] {
            assert_eq!(ConnFlags::from_bits(saved).restored().bits(), restored);
        }
    }

    #[test]
    fn one_packet_is_for_fresh_udp_connections() {
        let server = ConnFlags::for_server(0x2000);
        for (own, protocol, one_packet) in [
            (ConnFlags::EMPTY, protocol::UDP, true),
            (ConnFlags::EMPTY, protocol::TCP, false),
            (ConnFlags::TEMPLATE, protocol::UDP, false),
            (ConnFlags::SYNC, protocol::UDP, false),
        ] {
            let bound = own.inherit(server, protocol);
            assert_eq!(bound.has(ConnFlags::ONE_PACKET), one_packet);
            assert!(bound.has(ConnFlags::INACTIVE) && bound.has(own));
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The match `ipvs` of iptables: what a rule asks about a packet, and whether the packet has it.
//!
//! The numbers are part of the interface: a rule is 40 bytes of `include/uapi/linux/netfilter/xt_ipvs.h`.
//!
//! | offset | bytes |                                                        |
//! |--------|-------|--------------------------------------------------------|
//! | 0      | 16    | the virtual address, in network order                  |
//! | 16     | 16    | the bits of the virtual address that count             |
//! | 32     | 2     | the virtual port, in network order                     |
//! | 34     | 1     | the transport protocol                                 |
//! | 35     | 1     | the forwarding method                                  |
//! | 36     | 2     | the virtual port of the controller, in network order   |
//! | 38     | 1     | the questions whose answer must be no                  |
//! | 39     | 1     | the questions                                          |

use crate::addr::{Addr, Family};
use crate::conn::Method;

/// The length of a rule, in bytes.
pub const LEN: usize = 40;

/// Whether IPVS has handled the packet.
const HANDLED: u8 = 1;
/// Whether the packet has this protocol.
const PROTOCOL: u8 = 1 << 1;
/// Whether the virtual address is this one.
const ADDRESS: u8 = 1 << 2;
/// Whether the virtual port is this one.
const PORT: u8 = 1 << 3;
/// Whether the packet is one of the reply direction of connection tracking.
const DIRECTION: u8 = 1 << 4;
/// Whether the forwarding method is this one.
const METHOD: u8 = 1 << 5;
/// Whether the connection is controlled by one with this virtual port.
const CONTROLLER: u8 = 1 << 6;

/// What a rule asks about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criteria {
    address: [u8; 16],
    mask: [u8; 16],
    port: u16,
    protocol: u8,
    method: u8,
    controller: u16,
    inverted: u8,
    asked: u8,
}

/// A packet that IPVS has handled and that is on its way to its server, as rules may ask about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The family of the packet.
    pub family: Family,
    /// The transport protocol of the packet.
    pub protocol: u8,
    /// The address of the virtual service, in network order.
    pub virtual_addr: Addr,
    /// The port of the virtual service, in host order.
    pub virtual_port: u16,
    /// The forwarding method of the connection.
    pub method: Method,
    /// The virtual port of the connection that controls that of the packet, in host order.
    pub controller: Option<u16>,
}

/// The direction of a packet in connection tracking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// That of the packet that made the entry.
    Original,
    /// The other one.
    Reply,
}

impl Criteria {
    /// Reads a rule. Every sequence of bytes is one.
    pub fn read(bytes: &[u8; LEN]) -> Self {
        let [address, mask] = [0, 16].map(|start| {
            let mut octets = [0; 16];
            for (octet, byte) in octets.iter_mut().zip(bytes.iter().skip(start)) {
                *octet = *byte;
            }
            octets
        });
        let [.., p0, p1, protocol, method, c0, c1, inverted, asked] = *bytes;
        Self {
            address,
            mask,
            port: u16::from_be_bytes([p0, p1]),
            protocol,
            method,
            controller: u16::from_be_bytes([c0, c1]),
            inverted,
            asked,
        }
    }

    /// The answer for a packet, if the rule asks for nothing but whether IPVS has handled it.
    #[inline]
    pub const fn of_handled(&self, is_handled: bool) -> Option<bool> {
        match self.asked {
            HANDLED => Some(is_handled != (self.inverted & HANDLED != 0)),
            _ => None,
        }
    }

    /// Whether a packet has all that the rule asks for. `direction` is [`None`] for a packet without an entry in connection
    /// tracking; such a packet has no direction, so it has neither.
    ///
    /// Whether IPVS has handled it, which it has, is not asked again, as in the C module.
    pub fn match_subject(
        &self,
        subject: &Subject,
        direction: impl FnOnce() -> Option<Direction>,
    ) -> bool {
        self.agrees(PROTOCOL, || Some(subject.protocol == self.protocol))
            && self.agrees(PORT, || Some(subject.virtual_port == self.port))
            && self.agrees(CONTROLLER, || {
                Some(subject.controller == Some(self.controller))
            })
            && self.agrees(DIRECTION, || Some(direction()? == Direction::Reply))
            && self.agrees(METHOD, || {
                Some(subject.method.bits() == u32::from(self.method))
            })
            && self.agrees(ADDRESS, || Some(self.covers(subject)))
    }

    /// Whether the answer to a question is what the rule wants, if it asks it. An answer of [`None`] never is.
    fn agrees(&self, question: u8, answer: impl FnOnce() -> Option<bool>) -> bool {
        let is_inverted = self.inverted & question != 0;
        self.asked & question == 0 || answer().is_some_and(|answer| answer != is_inverted)
    }

    /// Whether the virtual address is one of those that the rule is for. An IPv4 address is in the first four bytes.
    fn covers(&self, subject: &Subject) -> bool {
        const FIRST_FOUR: u128 = 0xFFFF_FFFF << 96;
        let counted = match subject.family {
            Family::V4 => FIRST_FOUR,
            Family::V6 => u128::MAX,
        };
        let differing =
            u128::from_be_bytes(subject.virtual_addr.octets()) ^ u128::from_be_bytes(self.address);
        differing & u128::from_be_bytes(self.mask) & counted == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{TCP, UDP};
    use proptest::prelude::*;

    const SUBJECT: Subject = Subject {
        family: Family::V4,
        protocol: UDP,
        virtual_addr: Addr::from_v4([192, 0, 2, 100]),
        virtual_port: 0x1234,
        method: Method::Nat,
        controller: Some(0x5678),
    };

    /// A rule that asks for all of [`SUBJECT`].
    fn bytes(asked: u8, inverted: u8) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&[192, 0, 2, 100]);
        bytes[16..32].fill(0xFF);
        bytes[32..36].copy_from_slice(&[0x12, 0x34, UDP, 0]);
        bytes[36..].copy_from_slice(&[0x56, 0x78, inverted, asked]);
        bytes
    }

    fn matches(bytes: &[u8; LEN], subject: &Subject) -> bool {
        let direction = || Some(Direction::Reply);
        Criteria::read(bytes).match_subject(subject, direction)
    }

    #[test]
    fn each_question_is_answered_and_inverted() {
        let others = [
            (
                PROTOCOL,
                Subject {
                    protocol: TCP,
                    ..SUBJECT
                },
            ),
            (
                PORT,
                Subject {
                    virtual_port: 0x3412,
                    ..SUBJECT
                },
            ),
            (
                METHOD,
                Subject {
                    method: Method::Tunnel,
                    ..SUBJECT
                },
            ),
            (
                CONTROLLER,
                Subject {
                    controller: Some(1),
                    ..SUBJECT
                },
            ),
            (
                CONTROLLER,
                Subject {
                    controller: None,
                    ..SUBJECT
                },
            ),
            (
                ADDRESS,
                Subject {
                    virtual_addr: Addr::from_v4([192, 0, 2, 101]),
                    ..SUBJECT
                },
            ),
        ];
        for (question, other) in others {
            assert!(matches(&bytes(question, 0), &SUBJECT));
            assert!(!matches(&bytes(question, question), &SUBJECT));
            assert!(!matches(&bytes(question, 0), &other));
            assert!(matches(&bytes(question, question), &other));
            // With the others, all have to agree.
            assert!(matches(&bytes(0x7F, 0), &SUBJECT));
            assert!(!matches(&bytes(0x7F, 0), &other));
            // What is not asked does not count.
            assert!(matches(&bytes(0x7F & !question, question), &other));
        }
    }

    #[test]
    fn a_direction_needs_an_entry() {
        for (inverted, direction, expected) in [
            (0, Some(Direction::Reply), true),
            (0, Some(Direction::Original), false),
            (0, None, false),
            (DIRECTION, Some(Direction::Reply), false),
            (DIRECTION, Some(Direction::Original), true),
            (DIRECTION, None, false),
        ] {
            let criteria = Criteria::read(&bytes(DIRECTION, inverted));
            assert_eq!(criteria.match_subject(&SUBJECT, || direction), expected);
        }
    }

    #[test]
    fn whether_a_packet_was_handled_is_a_question_of_its_own() {
        for (asked, inverted, expected) in [
            (HANDLED, 0, Some(true)),
            (HANDLED, HANDLED, Some(false)),
            (HANDLED, 0x7E, Some(true)),
            (HANDLED | PORT, 0, None),
            (0, 0, None),
        ] {
            let criteria = Criteria::read(&bytes(asked, inverted));
            assert_eq!(criteria.of_handled(true), expected);
            assert_eq!(criteria.of_handled(false), expected.map(|answer| !answer));
        }
    }

    #[test]
    fn a_mask_makes_one_address_of_many() {
        let mut rule = bytes(ADDRESS, 0);
        rule[19] = 0;
        for (last, expected) in [(0, true), (100, true), (255, true)] {
            let virtual_addr = Addr::from_v4([192, 0, 2, last]);
            assert_eq!(
                matches(
                    &rule,
                    &Subject {
                        virtual_addr,
                        ..SUBJECT
                    }
                ),
                expected
            );
        }
        let virtual_addr = Addr::from_v4([192, 0, 3, 100]);
        assert!(!matches(
            &rule,
            &Subject {
                virtual_addr,
                ..SUBJECT
            }
        ));
        // All bytes of an IPv6 address count.
        let v6 = Subject {
            family: Family::V6,
            virtual_addr: Addr::from_v6([7; 16]),
            ..SUBJECT
        };
        let mut rule = bytes(ADDRESS, 0);
        rule[..16].fill(7);
        assert!(matches(&rule, &v6));
        rule[15] = 6;
        assert!(!matches(&rule, &v6));
        rule[31] = 0xFE;
        assert!(matches(&rule, &v6));
    }

    proptest! {
        #[test]
        fn every_rule_is_read(bytes in any::<[u8; 32]>(), rest in any::<[u8; 8]>()) {
            let mut rule = [0; LEN];
            rule[..32].copy_from_slice(&bytes);
            rule[32..].copy_from_slice(&rest);
            let criteria = Criteria::read(&rule);
            prop_assert_eq!(&criteria.address, &bytes[..16]);
            prop_assert_eq!(&criteria.mask, &bytes[16..]);
            prop_assert_eq!([criteria.inverted, criteria.asked], [rest[6], rest[7]]);
            let with = |direction| criteria.match_subject(&SUBJECT, || direction);
            let found = [with(None), with(Some(Direction::Reply)), with(Some(Direction::Original))];
            if criteria.asked & DIRECTION == 0 {
                prop_assert!(found[0] == found[1] && found[1] == found[2]);
            } else {
                prop_assert!(!(found[0] || found[1] && found[2]));
            }
        }
    }
}

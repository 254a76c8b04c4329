// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a rule with the match `ipvs`: what is asked and inverted is answered the other way, and a packet without an entry
//! in connection tracking has no direction.

#![no_main]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::conn::Method;
use ipvs_core::matching::{Criteria, Direction, Subject, LEN};
use libfuzzer_sys::fuzz_target;

/// The bit of the direction among the questions.
const DIRECTION: u8 = 1 << 4;

fuzz_target!(|data: &[u8]| {
    let Some((rule, rest)) = data.split_first_chunk::<LEN>() else {
        return;
    };
    let Some((&[choice, protocol, p0, p1, c0, c1], rest)) = rest.split_first_chunk() else {
        return;
    };
    let mut octets = [0; 16];
    octets
        .iter_mut()
        .zip(rest)
        .for_each(|(octet, byte)| *octet = *byte);
    let (family, virtual_addr) = match choice & 1 {
        0 => (
            Family::V4,
            Addr::from_v4([octets[0], octets[1], octets[2], octets[3]]),
        ),
        _ => (Family::V6, Addr::from_v6(octets)),
    };
    let controller = u16::from_be_bytes([c0, c1]);
    let subject = Subject {
        family,
        protocol,
        virtual_addr,
        virtual_port: u16::from_be_bytes([p0, p1]),
        method: Method::from_bits(u32::from(choice >> 1)),
        controller: (choice & 0x80 != 0).then_some(controller),
    };
    let answer =
        |rule: &[u8; LEN], direction| Criteria::read(rule).match_subject(&subject, || direction);
    let (asked, direction) = (rule[LEN - 1], Some(Direction::Reply));
    let found = answer(rule, direction);
    assert!(asked & DIRECTION == 0 || !answer(rule, None));
    // All that is asked has to agree: each question alone does, and with one of them inverted the rule does not match.
    let mut each = true;
    for question in (1..7).map(|bit| 1 << bit).filter(|bit| asked & bit != 0) {
        let mut alone = *rule;
        alone[LEN - 1] = question;
        let yes = answer(&alone, direction);
        alone[LEN - 2] ^= question;
        assert_ne!(yes, answer(&alone, direction));
        each &= yes;
    }
    assert_eq!(found, each);
});

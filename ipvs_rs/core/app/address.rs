// SPDX-License-Identifier: GPL-2.0

//! Reading addresses as people write them: 192.0.2.1, and 2001:db8::1 (RFC 4291, section 2.2).

use super::cursor::Cursor;
use crate::addr::{Addr, Family};

/// Groups of four digits in an IPv6 address.
const GROUPS: u32 = 8;
/// The bits of a group.
const BITS: u32 = 16;

/// The address that `text` is, as a whole.
///
/// An IPv4 address has four decimal numbers without leading zeros, as some readers take those for octal. An IPv6 address
/// may end in an IPv4 address, and has no zone.
pub(super) fn parse(text: &[u8], family: Family) -> Option<Addr> {
    match family {
        Family::V4 => parse_v4(text).map(Addr::from_v4),
        Family::V6 => parse_v6(text).map(|bits| Addr::from_v6(bits.to_be_bytes())),
    }
}

fn parse_v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut cursor = Cursor::new(text, 0);
    let mut octets = [0; 4];
    for (index, octet) in (0..).zip(&mut octets) {
        if index > 0 && !cursor.eat(b'.') {
            return None;
        }
        if matches!(cursor.rest(), [b'0', b'0'..=b'9', ..]) {
            return None;
        }
        *octet = u8::try_from(cursor.number(3)?).ok()?;
    }
    cursor.is_at_end().then_some(octets)
}

/// The bits of an IPv6 address, the first group in the highest ones.
fn parse_v6(text: &[u8]) -> Option<u128> {
    let gap = text.windows(2).position(|pair| pair == b"::");
    let Some(gap) = gap else {
        let all = Groups::parse(text, true)?;
        return (all.count == GROUPS).then_some(all.bits);
    };
    let before = Groups::parse(text.get(..gap)?, false)?;
    let after = Groups::parse(text.get(gap.checked_add(2)?..)?, true)?;
    // A gap stands for at least one group.
    if before.count.checked_add(after.count)? >= GROUPS {
        return None;
    }
    let below = GROUPS.checked_sub(before.count)?.checked_mul(BITS)?;
    // Without groups before the gap, nothing is left to shift.
    Some(before.bits.checked_shl(below).unwrap_or(0) | after.bits)
}

/// Some groups of an IPv6 address.
struct Groups {
    bits: u128,
    count: u32,
}

impl Groups {
    const NONE: Self = Self { bits: 0, count: 0 };

    /// The groups of a text with a colon between each two, which is no text if there are none.
    fn parse(text: &[u8], may_end_in_v4: bool) -> Option<Self> {
        let mut groups = Self::NONE;
        if text.is_empty() {
            return Some(groups);
        }
        let mut pieces = text.split(|&byte| byte == b':').peekable();
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            if is_last && may_end_in_v4 && piece.contains(&b'.') {
                let [a, b, c, d] = parse_v4(piece)?;
                groups.push(u16::from_be_bytes([a, b]))?;
                groups.push(u16::from_be_bytes([c, d]))?;
            } else {
                groups.push(parse_group(piece)?)?;
            }
        }
        Some(groups)
    }

    fn push(&mut self, group: u16) -> Option<()> {
        self.count = self.count.checked_add(1).filter(|&it| it <= GROUPS)?;
        self.bits = (self.bits << BITS) | u128::from(group);
        Some(())
    }
}

/// One to four hexadecimal digits.
fn parse_group(text: &[u8]) -> Option<u16> {
    if text.is_empty() || text.len() > 4 {
        return None;
    }
    text.iter().try_fold(0_u16, |group, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some((group << 4) | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// What the standard library reads of the same text.
    fn reference(text: &str, family: Family) -> Option<Addr> {
        match family {
            Family::V4 => text
                .parse()
                .ok()
                .map(|it: Ipv4Addr| Addr::from_v4(it.octets())),
            Family::V6 => text
                .parse()
                .ok()
                .map(|it: Ipv6Addr| Addr::from_v6(it.octets())),
        }
    }

    fn agrees(text: &str) {
        for family in [Family::V4, Family::V6] {
            let found = parse(text.as_bytes(), family);
            assert_eq!(found, reference(text, family), "{text}");
        }
    }

    #[test]
    fn texts_at_the_limits_are_read_as_by_the_standard_library() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "01.2.3.4",
            "1.2.3",
            "1.2.3.4.",
            "1.2.3.4.5",
            ".1.2.3",
            "",
            "::",
            ":",
            ":::",
            "1::",
            "::1",
            ":1::",
            "1:::2",
            "1::2::3",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1::3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8",
            "12345::",
            "fFfF::aBcD",
            "g::",
            "::1.2.3.4",
            "1.2.3.4::",
            "::1.2.3.4:5",
            "1:2:3:4:5:6:1.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4",
            "1:2:3:4:5::1.2.3.4",
            "1:2:3:4:5:6::1.2.3.4",
            "::1.2.3",
            "fe80::1%eth0",
            "[::1]",
        ] {
            agrees(text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_by_the_standard_library(text in "[0-9a-f:.]{0,24}") {
            agrees(&text);
        }

        #[test]
        fn addresses_come_back(addr in any::<u128>(), mask in any::<u128>()) {
            agrees(&Ipv6Addr::from(addr & mask).to_string());
            agrees(&Ipv4Addr::from(addr as u32).to_string());
        }
    }
}

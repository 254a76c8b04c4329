// SPDX-License-Identifier: GPL-2.0

//! Addresses as people write them: 192.0.2.1, and 2001:db8::1 (RFC 5952).

use core::{fmt, ops::Range};

use super::{Addr, Family};

/// Groups of four digits in an IPv6 address.
const GROUPS: usize = 8;

impl Addr {
    /// Writes the address as the kernel's `%pI4` or `%pI6c` does.
    ///
    /// In an IPv6 address, `::` stands for the longest run of at least two zero groups, or for the
    /// first of the longest runs (RFC 5952, section 4.2). An IPv4 address in the last two groups is
    /// written with dots (section 5): in mapped addresses (RFC 4291, section 2.5.5.2) and in ISATAP
    /// addresses (RFC 5214, section 6.1).
    pub fn write_text(self, family: Family, out: &mut impl fmt::Write) -> fmt::Result {
        match family {
            Family::V4 => write_dotted(self.v4(), out),
            Family::V6 => self.write_compressed(out),
        }
    }

    fn write_compressed(self, out: &mut impl fmt::Write) -> fmt::Result {
        let groups = self.groups();
        let embedded = embeds_v4(&groups);
        let written: &[u16] = match (embedded, &groups) {
            (true, [first @ .., _, _]) => first,
            (_, all) => all,
        };
        let run = longest_run(written);
        for (index, group) in (0..written.len()).zip(written) {
            if run.contains(&index) {
                if index == run.start {
                    out.write_str("::")?;
                }
                continue;
            }
            if index > 0 && index != run.end {
                out.write_char(':')?;
            }
            write!(out, "{group:x}")?;
        }
        if !embedded {
            return Ok(());
        }
        if run.end != written.len() {
            out.write_char(':')?;
        }
        let [.., a, b, c, d] = self.octets();
        write_dotted([a, b, c, d], out)
    }

    /// The eight numbers of an IPv6 address.
    const fn groups(self) -> [u16; GROUPS] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.octets();
        [
            u16::from_be_bytes([a, b]),
            u16::from_be_bytes([c, d]),
            u16::from_be_bytes([e, f]),
            u16::from_be_bytes([g, h]),
            u16::from_be_bytes([i, j]),
            u16::from_be_bytes([k, l]),
            u16::from_be_bytes([m, n]),
            u16::from_be_bytes([o, p]),
        ]
    }
}

fn write_dotted([a, b, c, d]: [u8; 4], out: &mut impl fmt::Write) -> fmt::Result {
    write!(out, "{a}.{b}.{c}.{d}")
}

/// Whether the last two groups are an IPv4 address.
const fn embeds_v4(groups: &[u16; GROUPS]) -> bool {
    matches!(
        groups,
        [0, 0, 0, 0, 0, 0xFFFF, ..] | [_, _, _, _, 0 | 0x0200, 0x5EFE, ..]
    )
}

/// The longest run of at least two zeros, or the first of the longest runs. If there is none, an
/// empty range behind all groups.
fn longest_run(groups: &[u16]) -> Range<usize> {
    let nowhere = GROUPS + 1;
    let mut longest = nowhere..nowhere;
    let mut start = 0;
    for (index, &group) in (0..groups.len()).zip(groups) {
        let end = index.saturating_add(1);
        if group != 0 {
            start = end;
        } else if end.saturating_sub(start) > length(&longest).max(1) {
            longest = start..end;
        }
    }
    longest
}

/// [`ExactSizeIterator::len`] could panic.
const fn length(range: &Range<usize>) -> usize {
    range.end.saturating_sub(range.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn text(family: Family, addr: Addr) -> String {
        let mut out = String::new();
        addr.write_text(family, &mut out).unwrap();
        out
    }

    fn text6(addr: Ipv6Addr) -> String {
        text(Family::V6, Addr::from_v6(addr.octets()))
    }

    #[test]
    fn addresses_are_written_as_the_kernel_does() {
        // What Linux 7.3.4 logs of services at these addresses (tests/net/scenarios/w_log.py).
        for (long, short) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
            ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:0:0:0:0:0:0:0", "1::"),
            ("0:0:0:1:0:0:0:0", "0:0:0:1::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("2001:db8:0:0:0:0:abcd:0012", "2001:db8::abcd:12"),
            ("0:0:0:0:0:0:102:304", "::102:304"),
            ("0:0:0:0:0:ffff:102:304", "::ffff:1.2.3.4"),
            ("0:0:0:0:ffff:0:102:304", "::ffff:0:102:304"),
            ("0:0:0:0:0:5efe:102:304", "::5efe:1.2.3.4"),
            ("0:0:0:0:0:5efe:0:0", "::5efe:0.0.0.0"),
            ("fe80:0:0:0:0:5efe:102:304", "fe80::5efe:1.2.3.4"),
            ("fe80:0:0:0:200:5efe:102:304", "fe80::200:5efe:1.2.3.4"),
        ] {
            assert_eq!(text6(long.parse().unwrap()), short);
        }
    }

    #[test]
    fn what_no_service_can_have_is_written_too() {
        assert_eq!(text6(Ipv6Addr::UNSPECIFIED), "::");
        let v4 = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(text(Family::V4, Addr::from_v4(v4.octets())), "192.0.2.1");
    }

    /// Groups of which many are zero, or tell of an IPv4 address.
    fn groups(one: impl Strategy<Value = u16>) -> impl Strategy<Value = Ipv6Addr> {
        vec(one, GROUPS).prop_map(|groups| {
            let groups: [u16; GROUPS] = groups.try_into().unwrap();
            Ipv6Addr::from(groups)
        })
    }

    proptest! {
        #[test]
        fn ipv6_addresses_can_be_read_back(
            addr in groups(prop_oneof![Just(0), Just(0x5EFE), Just(0x0200), any::<u16>()])
        ) {
            prop_assert_eq!(text6(addr).parse(), Ok(addr));
        }

        #[test]
        fn without_an_ipv4_address_in_them_they_are_those_of_the_standard_library(
            addr in groups(prop_oneof![Just(0), 1_u16..0x5EFE])
        ) {
            prop_assert_eq!(text6(addr), addr.to_string());
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The host and port that a request is for (RFC 3986, section 3.2; RFC 9110, section 7.2).

use super::scan::position;

/// The port of `http`.
const HTTP: u16 = 80;

/// A host and a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority<'a> {
    host: &'a [u8],
    port: u16,
}

impl<'a> Authority<'a> {
    /// Reads `host` or `host:port`.
    ///
    /// Returns [`None`] if it is none. It has no user (RFC 9110, section 4.2.4), and no comma, which would make a list of it.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let is_end = |byte: u8| match bytes.first() {
            Some(b'[') => byte == b']',
            _ => byte == b':',
        };
        let end = position(bytes, is_end);
        let (host, port) = match bytes.first()? {
            b'[' => bytes.split_at_checked(end?.checked_add(1)?)?,
            _ => bytes.split_at_checked(end.unwrap_or(bytes.len()))?,
        };
        let is_host = match host {
            [b'[', address @ .., b']'] => is_ipv6(address),
            name => is_name(name),
        };
        let port = match port {
            [] | [b':'] => HTTP,
            [b':', digits @ ..] => number(digits)?,
            _ => return None,
        };
        is_host.then_some(Self { host, port })
    }

    /// Whether both are for the same host and port.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.port == other.port && self.host.eq_ignore_ascii_case(other.host)
    }
}

/// Whether these may be the bytes of an IPv6 address. Which address it is does not matter here.
fn is_ipv6(bytes: &[u8]) -> bool {
    let is_byte = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    bytes.len() <= 45 && bytes.contains(&b':') && bytes.iter().all(is_byte)
}

/// Whether this is a registered name, or an IPv4 address. A comma is not in it, as some programs take it for a list.
fn is_name(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        rest = match (first, behind) {
            (b'%', [a, b, behind @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => behind,
            (byte, _) if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(byte) => behind,
            _ => return false,
        };
    }
    !bytes.is_empty()
}

fn number(digits: &[u8]) -> Option<u16> {
    if digits.len() > 5 {
        return None;
    }
    digits.iter().try_fold(0_u16, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for (text, is_one) in [
            ("a", true),
            ("www.example.org", true),
            ("www.example.org:8080", true),
            ("a:", true),
            ("a:65535", true),
            ("a:65536", false),
            ("a:000080", false),
            ("a:8x", false),
            ("a:+8", false),
            ("192.0.2.1:80", true),
            ("[2001:db8::1]", true),
            ("[2001:db8::1]:80", true),
            ("[2001:db8::1]x", false),
            ("[2001:db8::1", false),
            ("[]", false),
            ("[a]", false),
            ("[v1.a]", false),
            ("2001:db8::1", false),
            ("", false),
            (":80", false),
            ("a b", false),
            ("a,b", false),
            ("u@a", false),
            ("a/b", false),
            ("a?b", false),
            ("a#b", false),
            ("a\\b", false),
            ("%41", true),
            ("%4", false),
            ("%4g", false),
            ("a_b~c!", true),
            ("\u{fc}", false),
        ] {
            assert_eq!(
                Authority::parse(text.as_bytes()).is_some(),
                is_one,
                "{text}"
            );
        }
    }

    #[test]
    fn they_agree_in_any_case_and_with_the_port_of_http() {
        for (one, other, agree) in [
            ("a", "A", true),
            ("a:80", "a", true),
            ("a:", "a:080", true),
            ("a:81", "a", false),
            ("a", "b", false),
            ("[::1]", "[::1]:80", true),
        ] {
            let parse = |text: &'static str| Authority::parse(text.as_bytes()).unwrap();
            assert_eq!(parse(one).agrees(&parse(other)), agree, "{one} {other}");
        }
    }
}

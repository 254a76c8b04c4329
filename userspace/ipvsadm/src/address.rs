// SPDX-License-Identifier: GPL-2.0

//! Addresses, ports and numbers as people type them.

use std::net::Ipv6Addr;

use ipvs_netlink::{Addr, Family};

use crate::names::{Protocol, Services};

/// A decimal number in a range, with blanks and a plus sign in front if someone likes, as
/// `strtol` reads it, and with nothing behind.
pub fn number(text: &str, min: u32, max: u32) -> Option<u32> {
    let digits = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse().ok()?;
    (min..=max).contains(&value).then_some(value)
}

/// The number at the beginning of a text, as `atoi` reads it; 0 without one.
pub fn leading_number(text: &str) -> u32 {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..end)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// An IPv4 address in one of the forms of `inet_aton`: one to four parts, decimal, octal or
/// hexadecimal, the last of which fills what is left. Blanks and what follows them are ignored.
pub fn ipv4(text: &str) -> Option<[u8; 4]> {
    let text = text.split(|c: char| c.is_ascii_whitespace()).next()?;
    let parts: Vec<&str> = text.split('.').collect();
    let (last, bytes) = parts.split_last()?;
    if bytes.len() > 3 {
        return None;
    }
    let mut address = 0_u32;
    let mut shift = 32_u32;
    for byte in bytes {
        shift = shift.saturating_sub(8);
        address |= u32::from(u8::try_from(part(byte)?).ok()?).checked_shl(shift)?;
    }
    let last = part(last)?;
    let room = 1_u64.checked_shl(shift)?;
    if u64::from(last) >= room {
        return None;
    }
    Some((address | last).to_be_bytes())
}

/// A number as C writes it.
fn part(text: &str) -> Option<u32> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hex, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// The IPv4 address of a host, written out or looked up.
pub fn ipv4_host(host: &str, services: &Services) -> Option<[u8; 4]> {
    if host.is_empty() {
        return None;
    }
    ipv4(host).or_else(|| {
        services.host(host)?.find_map(|found| match found.ip() {
            std::net::IpAddr::V4(address) => Some(address.octets()),
            std::net::IpAddr::V6(_) => None,
        })
    })
}

/// A host, written out or looked up.
fn host(text: &str, services: &Services) -> Option<(Family, Addr)> {
    if let Some(octets) = ipv4_host(text, services) {
        return Some((Family::V4, Addr::from_v4(octets)));
    }
    services.host(text)?.find_map(|found| match found.ip() {
        std::net::IpAddr::V6(address) => Some((Family::V6, Addr::from_v6(address.octets()))),
        std::net::IpAddr::V4(_) => None,
    })
}

/// A port, as a number or by its name.
fn port(text: &str, protocol: Option<Protocol>, services: &Services) -> Option<u16> {
    match number(text, 0, u32::from(u16::MAX)) {
        Some(port) => u16::try_from(port).ok(),
        None => services.port(text, protocol?),
    }
}

/// An address with or without a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The family of `addr`.
    pub family: Family,
    /// The address.
    pub addr: Addr,
    /// The port.
    pub port: Option<u16>,
}

/// Reads `host[:port]`, `[IPv6]:port` or an IPv6 address without a port.
pub fn endpoint(text: &str, protocol: Option<Protocol>, services: &Services) -> Option<Endpoint> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, behind) = rest.split_once(']')?;
        let address: Ipv6Addr = inner.parse().ok()?;
        let port = port(behind.strip_prefix(':')?, protocol, services)?;
        let addr = Addr::from_v6(address.octets());
        return Some(Endpoint {
            family: Family::V6,
            addr,
            port: Some(port),
        });
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        let addr = Addr::from_v6(address.octets());
        return Some(Endpoint {
            family: Family::V6,
            addr,
            port: None,
        });
    }
    let (name, behind) = match text.split_once(':') {
        Some((name, behind)) => (name, Some(behind)),
        None => (text, None),
    };
    let port = match behind {
        Some(behind) => Some(port(behind, protocol, services)?),
        None => None,
    };
    let (family, addr) = host(name, services)?;
    Some(Endpoint { family, addr, port })
}

/// What is wrong with a text that is no [`endpoint`].
pub fn defect(text: &str, protocol: Option<Protocol>, services: &Services) -> String {
    let wrong_port = |behind: &str| match protocol {
        _ if port(behind, protocol, services).is_some() => None,
        Some(_) => Some(format!(
            "the port `{behind}' is no number from 0 to 65535, and no name of one"
        )),
        None => Some(format!("the port `{behind}' is no number from 0 to 65535")),
    };
    if let Some(rest) = text.strip_prefix('[') {
        let Some((inner, behind)) = rest.split_once(']') else {
            return format!("`{text}' has no `]'");
        };
        if inner.parse::<Ipv6Addr>().is_err() {
            return format!("`{inner}' is no IPv6 address, and brackets are for these");
        }
        return match behind.strip_prefix(':') {
            None => format!("behind `[{inner}]' there is no `:' with a port"),
            Some(behind) => wrong_port(behind).unwrap_or_default(),
        };
    }
    if text.matches(':').count() > 1 {
        return format!("`{text}' is no IPv6 address; with a port, it is [ADDRESS]:PORT");
    }
    let (name, behind) = match text.split_once(':') {
        Some((name, behind)) => (name, Some(behind)),
        None => (text, None),
    };
    behind
        .and_then(wrong_port)
        .unwrap_or_else(|| format!("`{name}' is no address, and no host of that name is found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_strtol_does() {
        for (text, expected) in [
            ("80", Some(80)),
            ("00080", Some(80)),
            ("+80", Some(80)),
            (" 80", Some(80)),
            ("80 ", None),
            ("0x50", None),
            ("", None),
            ("+", None),
            ("-1", None),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(number(text, 0, u32::MAX), expected, "{text:?}");
        }
    }

    #[test]
    fn ipv4_addresses_have_the_forms_of_inet_aton() {
        for (text, expected) in [
            ("10.0.0.1", Some([10, 0, 0, 1])),
            ("10.1", Some([10, 0, 0, 1])),
            ("10.0.1", Some([10, 0, 0, 1])),
            ("167772161", Some([10, 0, 0, 1])),
            ("0x0a000001", Some([10, 0, 0, 1])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("0", Some([0; 4])),
            ("10.0.0.1 x", Some([10, 0, 0, 1])),
            ("4294967295", Some([255; 4])),
            ("10.0.0.256", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("", None),
            ("08", None),
            ("+1", None),
            ("4294967296", None),
        ] {
            assert_eq!(ipv4(text), expected, "{text:?}");
        }
    }

    #[test]
    fn endpoints_need_a_port_behind_brackets_only() {
        let services = Services::parse("http 80/tcp\ndomain 53/udp\n");
        let read = |text| {
            endpoint(text, Some(Protocol::Tcp), &services).map(|found| (found.family, found.port))
        };
        for (text, expected) in [
            ("10.0.0.1", Some((Family::V4, None))),
            ("10.0.0.1:80", Some((Family::V4, Some(80)))),
            ("10.0.0.1:http", Some((Family::V4, Some(80)))),
            ("10.0.0.1:domain", None),
            ("10.0.0.1:", None),
            ("10.0.0.1:65536", None),
            ("[::1]:80", Some((Family::V6, Some(80)))),
            ("[::1]", None),
            ("[::1]80", None),
            ("[::1", None),
            ("::1", Some((Family::V6, None))),
            ("[10.0.0.1]:80", None),
            (":80", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}

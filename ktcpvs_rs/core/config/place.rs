// SPDX-License-Identifier: GPL-2.0

//! Addresses and ports as a configuration file has them.

use core::{fmt, net, str};

use ipvs_core::addr::{Addr, Family};

/// A host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// An address.
    Addr(Family, Addr),
    /// A name, which the reader of the file looks up.
    Name(&'a [u8]),
}

/// A port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port<'a> {
    /// Its number.
    Number(u16),
    /// The name of a service, which the reader of the file looks up.
    Name(&'a [u8]),
}

/// A host, and perhaps a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port; [`None`] for that which the service listens on.
    pub port: Option<Port<'a>>,
}

impl<'a> Place<'a> {
    /// Reads `a.b.c.d`, `[v6]` or a name, each with `:port` behind it or without. An IPv6 address needs its brackets.
    pub fn parse(word: &'a [u8]) -> Option<Self> {
        let (host, behind) = match word.strip_prefix(b"[") {
            Some(inner) => {
                let address = inner.split(|byte| *byte == b']').next()?;
                let behind = inner.get(address.len()..)?.strip_prefix(b"]")?;
                let address = str::from_utf8(address).ok()?;
                let address: net::Ipv6Addr = address.parse().ok()?;
                let addr = Addr::from_v6(address.octets());
                (Host::Addr(Family::V6, addr), behind)
            }
            None => {
                let host = word.split(|byte| *byte == b':').next()?;
                (Host::parse(host)?, word.get(host.len()..)?)
            }
        };
        let port = match behind {
            [] => None,
            [b':', port @ ..] => Some(Port::parse(port)?),
            _ => return None,
        };
        Some(Self { host, port })
    }

    pub(super) fn write(&self, out: &mut impl FnMut(&[u8])) {
        match self.host {
            Host::Addr(family @ Family::V4, addr) => write_addr(addr, family, out),
            Host::Addr(family @ Family::V6, addr) => {
                out(b"[");
                write_addr(addr, family, out);
                out(b"]");
            }
            Host::Name(name) => out(name),
        }
        match self.port {
            Some(Port::Number(number)) => write(format_args!(":{number}"), out),
            Some(Port::Name(name)) => {
                out(b":");
                out(name);
            }
            None => {}
        }
    }
}

impl<'a> Host<'a> {
    /// A name of digits and dots only is an address, or nothing.
    fn parse(word: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(word).ok()?;
        if word
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        {
            let address: net::Ipv4Addr = text.parse().ok()?;
            return Some(Self::Addr(Family::V4, Addr::from_v4(address.octets())));
        }
        is_host_name(word).then_some(Self::Name(word))
    }
}

impl<'a> Port<'a> {
    fn parse(word: &'a [u8]) -> Option<Self> {
        if word.iter().all(u8::is_ascii_digit) {
            let number = decimal(word)?;
            let number = u16::try_from(number).ok().filter(|number| *number != 0)?;
            return Some(Self::Number(number));
        }
        is_host_name(word).then_some(Self::Name(word))
    }
}

fn is_host_name(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=255).contains(&word.len()) && word.iter().all(is_part)
}

/// Reads `address/bits`, or an address alone.
pub(super) fn prefix(word: &[u8]) -> Option<(Family, Addr, u8)> {
    let address = word.split(|byte| *byte == b'/').next()?;
    let (Host::Addr(family, addr), None) = ({
        let place = Place::parse(address)?;
        (place.host, place.port)
    }) else {
        return None;
    };
    let most = match family {
        Family::V4 => 32,
        Family::V6 => 128,
    };
    let bits = match word.get(address.len()..)? {
        [] => most,
        [b'/', digits @ ..] => u8::try_from(decimal(digits)?).ok()?,
        _ => return None,
    };
    (bits <= most).then_some((family, addr, bits))
}

/// Reads digits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Bytes that are written as text.
struct Sink<'o, F>(&'o mut F);

impl<F: FnMut(&[u8])> fmt::Write for Sink<'_, F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

pub(super) fn write(text: fmt::Arguments<'_>, out: &mut impl FnMut(&[u8])) {
    // The sink takes everything.
    let _ = fmt::Write::write_fmt(&mut Sink(out), text);
}

pub(super) fn write_addr(addr: Addr, family: Family, out: &mut impl FnMut(&[u8])) {
    // The sink takes everything.
    let _ = addr.write_text(family, &mut Sink(out));
}

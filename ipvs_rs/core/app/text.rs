// SPDX-License-Identifier: GPL-2.0

//! The text that takes the place of an address or of ports in a packet.

use core::fmt::{self, Write};

use crate::addr::{Addr, Family};

/// The length of the longest text: an IPv6 address that ends in an IPv4 address.
const LONGEST: usize = 45;

/// A short text of ASCII.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Text {
    /// The bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// An IPv4 address in network order and a port, as a reply 227 of FTP has them: `h,h,h,h,p,p` (RFC 959, section 4.1.2).
    pub fn six_numbers(addr: [u8; 4], port: u16) -> Self {
        let ([a, b, c, d], [high, low]) = (addr, port.to_be_bytes());
        Self::of(format_args!("{a},{b},{c},{d},{high},{low}"))
    }

    /// A port, as a reply 229 of FTP has it: `|||p|` (RFC 2428, section 3).
    pub fn extended_port(port: u16) -> Self {
        Self::of(format_args!("|||{port}|"))
    }

    /// A port, or the ports of a range with both ends: `p` or `p-p`.
    pub fn ports(first: u16, last: Option<u16>) -> Self {
        match last {
            Some(last) => Self::of(format_args!("{first}-{last}")),
            None => Self::of(format_args!("{first}")),
        }
    }

    /// An address. See [`Addr::write_text`].
    pub fn addr(addr: Addr, family: Family) -> Self {
        let mut text = Self::empty();
        // The longest address fits, so there is no error.
        let _ = addr.write_text(family, &mut text);
        text
    }

    const fn empty() -> Self {
        Self {
            bytes: [0; LONGEST],
            len: 0,
        }
    }

    fn of(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self::empty();
        // All texts of this file fit, so there is no error.
        let _ = text.write_fmt(arguments);
        text
    }
}

impl Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let end = self.len.checked_add(more.len()).ok_or(fmt::Error)?;
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        for (to, from) in room.iter_mut().zip(more.bytes()) {
            *to = from;
        }
        self.len = end;
        Ok(())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.as_bytes() {
            f.write_char(char::from(byte))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_texts_fit() {
        for (text, expected) in [
            (
                Text::six_numbers([255; 4], 65535),
                "255,255,255,255,255,255",
            ),
            (Text::six_numbers([192, 0, 2, 1], 258), "192,0,2,1,1,2"),
            (Text::extended_port(65535), "|||65535|"),
            (Text::ports(65534, Some(65535)), "65534-65535"),
            (Text::ports(1, None), "1"),
            (
                Text::addr(Addr::from_v4([255; 4]), Family::V4),
                "255.255.255.255",
            ),
            (
                Text::addr(Addr::from_v6([0x22; 16]), Family::V6),
                "2222:2222:2222:2222:2222:2222:2222:2222",
            ),
        ] {
            assert_eq!(text.as_bytes(), expected.as_bytes());
            assert_eq!(format!("{text:?}"), expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut text = Text::empty();
        assert!(text.write_str(&"x".repeat(LONGEST)).is_ok());
        assert!(text.write_str("x").is_err());
        assert_eq!(text.as_bytes().len(), LONGEST);
    }
}

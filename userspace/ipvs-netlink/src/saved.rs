// SPDX-License-Identifier: GPL-2.0

//! Saved connections, and the file that holds them.
//!
//! The file is a line and then datagrams, one after the other:
//!
//! ```text
//! IPVS connections, format 1, 1234 entries, 98765 bytes, CRC-32 0123abcd
//! ```
//!
//! Entries, bytes and checksum are those of the datagrams. The checksum is that of zlib and gzip. A datagram is one of
//! version 1 of the synchronisation daemons, and has its length in its bytes 2 and 3; `include/uapi/ipvs_rs.h` says what
//! its entries have besides. Templates come before the connections that they control.

use std::fmt;

use ipvs_core::sync::{parse, Entry, Fault, Unwritten, Version, Writer, LEAST_ROOM};
use ipvs_core::uapi::additions::ENTRIES_MAX;

use crate::error::Error;

/// How the line begins, with a number behind it.
const MAGIC: &str = "IPVS connections, format ";
/// The number of this format.
const FORMAT: &str = "1";
/// The longest line of any format, in bytes.
const LINE_MAX: usize = 200;
/// The length of a datagram at most, in bytes.
const DATAGRAM_MAX: usize = ENTRIES_MAX as usize;

/// Connections and persistence templates that were saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedConnections {
    datagrams: Vec<Vec<u8>>,
    entries: usize,
    templates: usize,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is nothing in it.
    Empty,
    /// It does not begin with the line.
    NotOurs,
    /// It is of another format.
    Format(String),
    /// The line is not complete, or is another one.
    Line,
    /// It has fewer bytes than the line says.
    Cut {
        /// The number that the line says.
        expected: usize,
        /// The number that is there.
        found: usize,
    },
    /// It has more bytes than the line says.
    Longer {
        /// The number that the line says.
        expected: usize,
        /// The number that is there.
        found: usize,
    },
    /// The bytes are others than those that were saved.
    Checksum,
    /// The datagrams are not what the line says, or one of them cannot be read.
    Datagrams,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::NotOurs => f.write_str("it does not hold saved connections"),
            Self::Format(format) => write!(
                f,
                "it is of format {format}, and only format {FORMAT} is known here"
            ),
            Self::Line => f.write_str("its first line is not complete"),
            Self::Cut { expected, found } => {
                write!(f, "it is cut off: {found} of {expected} bytes are there")
            }
            Self::Longer { expected, found } => {
                write!(f, "it is too long: {found} bytes instead of {expected}")
            }
            Self::Checksum => f.write_str("it was changed: its checksum is another one"),
            Self::Datagrams => f.write_str("it does not hold the entries that it should"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl SavedConnections {
    /// The number of connections and templates.
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The number of templates among them.
    pub const fn templates(&self) -> usize {
        self.templates
    }

    /// The datagrams, in the order in which they are to be restored.
    pub(crate) fn datagrams(&self) -> &[Vec<u8>] {
        &self.datagrams
    }

    /// Those in the datagrams that the kernel has told.
    pub(crate) fn told(told: &[Vec<u8>]) -> Result<Self, Error> {
        const ODD: Error = Error::Malformed("a connection that cannot be saved");
        let entries: Vec<Entry<'_>> = told
            .iter()
            .map(|datagram| read(datagram).and_then(|mut entries| entries.next()?.ok()))
            .collect::<Option<_>>()
            .ok_or(ODD)?;
        let (templates, others): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(Entry::is_template);
        let mut saved = Self {
            templates: templates.len(),
            ..Self::default()
        };
        let mut all = templates.iter().chain(&others).peekable();
        let mut room = vec![0; DATAGRAM_MAX.max(LEAST_ROOM)];
        while all.peek().is_some() {
            let mut writer = Writer::new(&mut room, DATAGRAM_MAX, Version::V1, 0).ok_or(ODD)?;
            while let Some(entry) = all.peek() {
                match writer.push(entry) {
                    Ok(()) => {}
                    Err(Unwritten::Full) if !writer.is_empty() => break,
                    Err(_) => return Err(ODD),
                }
                all.next();
                saved.entries = saved.entries.saturating_add(1);
            }
            saved.datagrams.push(writer.finish().to_vec());
        }
        Ok(saved)
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        file(self.entries, &self.datagrams.concat())
    }

    /// What a file holds, if that is exactly what was saved.
    ///
    /// # Errors
    ///
    /// See [`Unreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.is_empty() {
            return Err(Unreadable::Empty);
        }
        let (line, body) = split_line(bytes)?;
        let rest = line.strip_prefix(MAGIC).ok_or(Unreadable::NotOurs)?;
        let (format, rest) = rest.split_once(", ").ok_or(Unreadable::Line)?;
        if format != FORMAT {
            return Err(Unreadable::Format(format.to_owned()));
        }
        let (entries, expected, checksum) = numbers(rest).ok_or(Unreadable::Line)?;
        let found = body.len();
        match found.cmp(&expected) {
            std::cmp::Ordering::Less => return Err(Unreadable::Cut { expected, found }),
            std::cmp::Ordering::Greater => return Err(Unreadable::Longer { expected, found }),
            std::cmp::Ordering::Equal => {}
        }
        if crc32(body) != checksum {
            return Err(Unreadable::Checksum);
        }
        let saved = Self::split(body).ok_or(Unreadable::Datagrams)?;
        match saved.entries == entries {
            true => Ok(saved),
            false => Err(Unreadable::Datagrams),
        }
    }

    /// Splits the datagrams of a file. The kernel looks at their entries again.
    fn split(mut body: &[u8]) -> Option<Self> {
        let mut saved = Self::default();
        while !body.is_empty() {
            let &[_, _, high, low] = body.first_chunk()?;
            let length = usize::from(u16::from_be_bytes([high, low]));
            let (datagram, rest) = body.split_at_checked(length)?;
            if datagram.len() > DATAGRAM_MAX {
                return None;
            }
            for entry in read(datagram)? {
                match entry {
                    Err(Fault::Malformed(_)) => return None,
                    Ok(entry) if entry.is_template() => {
                        saved.templates = saved.templates.saturating_add(1);
                    }
                    Ok(_) | Err(Fault::Skipped(_)) => {}
                }
                saved.entries = saved.entries.saturating_add(1);
            }
            saved.datagrams.push(datagram.to_vec());
            body = rest;
        }
        Some(saved)
    }
}

/// A file with a body of so many entries.
pub(crate) fn file(entries: usize, body: &[u8]) -> Vec<u8> {
    let line = format!(
        "{MAGIC}{FORMAT}, {entries} entries, {} bytes, CRC-32 {:08x}\n",
        body.len(),
        crc32(body)
    );
    [line.as_bytes(), body].concat()
}

/// The entries of a datagram of version 1.
fn read(datagram: &[u8]) -> Option<ipvs_core::sync::Entries<'_>> {
    let entries = parse(datagram, 0).ok()?;
    (entries.version() == Version::V1).then_some(entries)
}

/// The first line without its end, and what follows.
fn split_line(bytes: &[u8]) -> Result<(&str, &[u8]), Unreadable> {
    let magic = MAGIC.as_bytes();
    let start = bytes.get(..magic.len()).unwrap_or(bytes);
    if !magic.starts_with(start) {
        return Err(Unreadable::NotOurs);
    }
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(line), Some(body)) = (parts.next(), parts.next()) else {
        return Err(Unreadable::Line);
    };
    if line.len() > LINE_MAX {
        return Err(Unreadable::Line);
    }
    let line = std::str::from_utf8(line).map_err(|_| Unreadable::Line)?;
    Ok((line, body))
}

/// The numbers of entries and bytes, and the checksum.
fn numbers(text: &str) -> Option<(usize, usize, u32)> {
    let (entries, text) = text.split_once(" entries, ")?;
    let (bytes, checksum) = text.split_once(" bytes, CRC-32 ")?;
    let decimal = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok())?
    };
    let is_plain = checksum.len() == 8 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
    let checksum = u32::from_str_radix(checksum, 16).ok();
    Some((
        decimal(entries)?,
        decimal(bytes)?,
        checksum.filter(|_| is_plain)?,
    ))
}

/// The checksum of zlib and gzip (ITU-T V.42, section 8.1.1.6.2).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let mask = (crc & 1).wrapping_neg();
            crc = (crc >> 1) ^ (0xEDB8_8320 & mask);
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_core::addr::{Addr, Family};
    use ipvs_core::conn::ConnFlags;
    use ipvs_core::flow::Tuple;
    use ipvs_core::sync::{EngineData, Saved};
    use proptest::prelude::*;

    const CONNECTION: Entry<'_> = Entry {
        family: Family::V4,
        server_family: Family::V4,
        protocol: 6,
        flags: ConnFlags::NFCT,
        state: 1,
        client: Addr::from_v4([192, 0, 2, 2]),
        virtual_addr: Addr::from_v4([192, 0, 2, 100]),
        server: Addr::from_v4([10, 0, 0, 11]),
        client_port: 40000,
        virtual_port: 80,
        server_port: 8080,
        mark: 7,
        timeout: 900,
        sequence: None,
        engine: None,
        saved: Saved {
            rest: Some(850),
            packets: Some(3),
            controller: Some(Tuple {
                src: Addr::from_v4([192, 0, 2, 0]),
                dst: Addr::from_v4([192, 0, 2, 100]),
                sport: 0,
                dport: 80,
                protocol: 6,
                family: Family::V4,
            }),
            is_end: false,
        },
    };
    const TEMPLATE: Entry<'_> = Entry {
        flags: ConnFlags::TEMPLATE,
        client_port: 0,
        engine: Some(EngineData {
            name: b"sip",
            data: b"a call",
        }),
        saved: Saved {
            rest: Some(1),
            packets: None,
            controller: None,
            is_end: false,
        },
        ..CONNECTION
    };

    /// A datagram with these entries.
    fn datagram(entries: &[Entry<'_>]) -> Vec<u8> {
        let mut room = vec![0; 1 << 16];
        let mut writer = Writer::new(&mut room, 1 << 16, Version::V1, 0).unwrap();
        for entry in entries {
            writer.push(entry).unwrap();
        }
        writer.finish().to_vec()
    }

    fn saved(entries: &[Entry<'_>]) -> SavedConnections {
        let told: Vec<_> = entries.iter().map(|entry| datagram(&[*entry])).collect();
        SavedConnections::told(&told).unwrap()
    }

    fn entries(saved: &SavedConnections) -> Vec<Entry<'_>> {
        let all = saved.datagrams.iter().flat_map(|one| read(one).unwrap());
        all.map(Result::unwrap).collect()
    }

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_file_has_a_line_and_datagrams_with_templates_first() {
        let found = saved(&[CONNECTION, TEMPLATE, CONNECTION]);
        assert_eq!((found.len(), found.templates()), (3, 1));
        assert_eq!(entries(&found), [TEMPLATE, CONNECTION, CONNECTION]);
        let body = datagram(&[TEMPLATE, CONNECTION, CONNECTION]);
        assert_eq!(found.to_bytes(), file(3, &body));
        assert_eq!(
            found.to_bytes()[found.to_bytes().len() - body.len()..],
            body
        );
        let start = b"IPVS connections, format 1, 3 entries, ";
        assert!(found.to_bytes().starts_with(start));
        assert_eq!(SavedConnections::from_bytes(&found.to_bytes()), Ok(found));
    }

    #[test]
    fn nothing_is_a_file_too() {
        let none = saved(&[]);
        assert!(none.is_empty());
        let line = "IPVS connections, format 1, 0 entries, 0 bytes, CRC-32 00000000\n";
        assert_eq!(none.to_bytes(), line.as_bytes());
        assert_eq!(SavedConnections::from_bytes(line.as_bytes()), Ok(none));
    }

    #[test]
    fn many_connections_take_several_datagrams() {
        let many = saved(&[CONNECTION; 1000]);
        let bytes = many.to_bytes();
        assert_eq!(many.datagrams.len(), 4);
        assert!(many.datagrams.iter().all(|one| one.len() <= DATAGRAM_MAX));
        assert_eq!(SavedConnections::from_bytes(&bytes), Ok(many));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let bytes = saved(&[CONNECTION, TEMPLATE]).to_bytes();
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in 0..bytes.len() {
            let found = SavedConnections::from_bytes(&bytes[..length]).unwrap_err();
            let expected = match length {
                0 => Unreadable::Empty,
                _ if length < line => Unreadable::Line,
                _ => Unreadable::Cut {
                    expected: bytes.len() - line,
                    found: length - line,
                },
            };
            assert_eq!(found, expected, "{length}");
        }
    }

    #[test]
    fn a_byte_that_is_changed_anywhere_is_noticed() {
        let bytes = saved(&[CONNECTION, TEMPLATE]).to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                // The digits of the checksum may be of either case.
                let is_same = bytes[at].is_ascii_alphabetic() && bit == 5;
                let found = SavedConnections::from_bytes(&other);
                assert!(found.is_err() || is_same, "{at} {bit}");
            }
        }
    }

    #[test]
    fn files_that_are_others_are_refused_with_the_reason() {
        let body = datagram(&[CONNECTION]);
        let good = file(1, &body);
        let mut v0 = vec![0; 1000];
        v0[..4].copy_from_slice(&[1, 0, 3, 232]);
        let mut longer = good.clone();
        longer.push(0);
        let mut malformed = body.clone();
        malformed[8] = 2;
        let with_line = |line: &str| [line.as_bytes(), b"\n", &body].concat();
        for (bytes, reason) in [
            (vec![], "it is empty"),
            (
                b"-A -t 10.0.0.1:80\n".to_vec(),
                "it does not hold saved connections",
            ),
            (vec![0xFF; 300], "it does not hold saved connections"),
            (
                with_line("IPVS connections, format 2, and more"),
                "it is of format 2, and only format 1 is known here",
            ),
            (
                with_line("IPVS connections, format 1, 1 entries, 60 bytes"),
                "its first line is not complete",
            ),
            (
                with_line("IPVS connections, format 1, +1 entries, 1 bytes, CRC-32 00000000"),
                "its first line is not complete",
            ),
            (
                with_line(&format!("IPVS connections, format 1, {}", "x".repeat(300))),
                "its first line is not complete",
            ),
            (
                with_line("IPVS connections, format 1, 1 entries, 9 bytes, CRC-32 00000000"),
                &format!("it is too long: {} bytes instead of 9", body.len()),
            ),
            (
                longer,
                &format!(
                    "it is too long: {} bytes instead of {}",
                    body.len() + 1,
                    body.len()
                ),
            ),
            (
                with_line(&format!(
                    "IPVS connections, format 1, 1 entries, {} bytes, CRC-32 00000000",
                    body.len()
                )),
                "it was changed: its checksum is another one",
            ),
            (
                file(2, &body),
                "it does not hold the entries that it should",
            ),
            (
                file(0, &[0; 3]),
                "it does not hold the entries that it should",
            ),
            (
                file(0, &[0; 8]),
                "it does not hold the entries that it should",
            ),
            (file(1, &v0), "it does not hold the entries that it should"),
            (
                file(1, &malformed),
                "it does not hold the entries that it should",
            ),
        ] {
            let found = SavedConnections::from_bytes(&bytes).unwrap_err();
            assert_eq!(found.to_string(), reason);
        }
        assert!(SavedConnections::from_bytes(&good).is_ok());
    }

    #[test]
    fn what_the_kernel_should_not_tell_is_not_saved() {
        assert!(SavedConnections::told(&[vec![]]).is_err());
        assert!(SavedConnections::told(&[datagram(&[])]).is_err());
        assert!(SavedConnections::told(&[datagram(&[CONNECTION])[..40].to_vec()]).is_err());
    }

    prop_compose! {
        fn any_entry()(
            is_template in any::<bool>(),
            is_v6 in any::<bool>(),
            addresses in any::<[[u8; 16]; 3]>(),
            ports in any::<[u16; 3]>(),
            (mark, timeout) in any::<(u32, u32)>(),
            (rest, packets) in any::<(Option<u32>, Option<u32>)>(),
        ) -> Entry<'static> {
            let family = if is_v6 { Family::V6 } else { Family::V4 };
            let addr = |octets: [u8; 16]| match family {
                Family::V6 => Addr::from_v6(octets),
                Family::V4 => Addr::from_v4(*octets.first_chunk().unwrap()),
            };
            Entry {
                family,
                server_family: family,
                flags: if is_template { ConnFlags::TEMPLATE } else { ConnFlags::EMPTY },
                client: addr(addresses[0]),
                virtual_addr: addr(addresses[1]),
                server: addr(addresses[2]),
                client_port: ports[0],
                virtual_port: ports[1],
                server_port: ports[2],
                mark,
                timeout,
                saved: Saved { rest, packets, controller: None, is_end: false },
                ..CONNECTION
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_saved_is_read(all in prop::collection::vec(any_entry(), 0..600)) {
            let found = saved(&all);
            let (mut expected, others): (Vec<_>, Vec<_>) = all.into_iter().partition(Entry::is_template);
            expected.extend(others);
            prop_assert_eq!(entries(&found), expected);
            prop_assert_eq!(SavedConnections::from_bytes(&found.to_bytes()), Ok(found));
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), count in 0_usize..4) {
            let _ = SavedConnections::from_bytes(&body);
            if let Ok(found) = SavedConnections::from_bytes(&file(count, &body)) {
                prop_assert_eq!(found.len(), count);
                prop_assert_eq!(found.datagrams.concat(), body);
            }
        }
    }
}

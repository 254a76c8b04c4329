// SPDX-License-Identifier: GPL-2.0

//! Entries of version 1. All numbers are big endian.
//!
//! | offset in IPv4, IPv6 | length | field |
//! |---|---|---|
//! | 0 | 1 | 0 for IPv4; bit 0 is set for IPv6 |
//! | 1 | 1 | transport protocol |
//! | 2 | 2 | version of the entry (4 bits, 0), length of the entry with its options |
//! | 4 | 4 | flags |
//! | 8 | 2 | state |
//! | 10, 12, 14 | 2 each | ports of client, virtual service and server |
//! | 16 | 4 | firewall mark |
//! | 20 | 4 | timeout in seconds |
//! | 24, 28, 32 or 24, 40, 56 | 4 or 16 each | addresses of client, virtual service and server |
//! | 36 or 72 | | options: type, length of the data, data |
//!
//! | type of an option | length | data |
//! |---|---|---|
//! | 1 | 24 | adjustments of sequence numbers |
//! | 2, 3 | 1 to 255, 1 to 16 | data and name of a persistence engine |
//! | 8, 10, 11, 12, 13 | | not of the C module: see `saved` |
//!
//! An entry begins at a multiple of 4 bytes. The bytes before it are not part of the one before.

use super::{
    entry::Sequence,
    saved::{self, Output},
    EngineData, Entry, Malformed, Saved, Skipped,
};
use crate::addr::{Addr, Family};
use crate::conn::ConnFlags;

/// The length of the header of a datagram, in bytes.
pub(super) const HEADER_LEN: usize = 8;

/// The part of an entry before the addresses, in bytes.
const PREFIX_LEN: usize = 24;
/// The least length of an entry, that of IPv4, in bytes.
const LEN_V4: usize = 36;
/// The least length of an entry of IPv6, in bytes.
const LEN_V6: usize = 72;

/// Where an entry has its version and length, in bytes.
const LENGTH_AT: usize = 2;

/// The bit of the type of an entry that stands for IPv6.
const IPV6: u8 = 1;

/// The types of options.
mod option {
    /// A [`Sequence`](super::Sequence).
    pub(super) const SEQUENCE: u8 = 1;
    /// The data of a persistence engine.
    pub(super) const ENGINE_DATA: u8 = 2;
    /// The name of a persistence engine.
    pub(super) const ENGINE_NAME: u8 = 3;
    /// The bit of an option that can be skipped if it is unknown.
    pub(super) const OPTIONAL: u8 = 0x40;
}

/// The longest name of a persistence engine, in bytes.
const ENGINE_NAME_MAX: usize = 16;

/// The length of the longest entry: IPv6 with all options.
pub(super) const LONGEST: usize =
    LEN_V6 + 2 + Sequence::LEN + 2 + 255 + 2 + ENGINE_NAME_MAX + saved::LONGEST;

/// Where the entry begins that comes after one with this end.
const fn next_start(end: usize) -> usize {
    end.saturating_add(3) & !3
}

/// An entry, if it can be a connection of this director, and where it ends.
type Read<'a> = (Result<Entry<'a>, Skipped>, usize);

/// Reads the entry that comes after offset `end` of a datagram.
///
/// # Errors
///
/// See [`Malformed`].
pub(super) fn read(datagram: &[u8], end: usize) -> Result<Read<'_>, Malformed> {
    let rest = datagram.get(next_start(end)..).unwrap_or_default();
    let prefix: &[u8; PREFIX_LEN] = match rest.len() {
        LEN_V4.. => rest.first_chunk().ok_or(Malformed::CutOff)?,
        _ => return Err(Malformed::CutOff),
    };
    let &[kind, protocol, high, low, ..] = prefix;
    let word = usize::from(u16::from_be_bytes([high, low]));
    let length = word & 0xFFF;
    let bytes = rest.get(..length).ok_or(Malformed::CutOff)?;
    if word != length {
        return Err(Malformed::Version);
    }
    let (family, fixed) = match kind {
        0 => (Family::V4, LEN_V4),
        kind if kind & IPV6 != 0 => (Family::V6, LEN_V6),
        _ => return Err(Malformed::Type),
    };
    let (fixed, options) = bytes
        .split_at_checked(fixed)
        .ok_or(Malformed::EntryLength)?;
    let entry = read_options(options, family)?.and_then(|options| {
        let mut entry = read_fixed(family, protocol, prefix, fixed).ok_or(Skipped::State)?;
        // Without a flag that asks for it the option is of no use.
        entry.sequence = options.sequence.filter(|_| entry.flags.has_sequence());
        entry.engine = match (options.name, options.data) {
            (_, None) => None,
            (None, Some(_)) => return Err(Skipped::Engine),
            (Some(name), Some(data)) => Some(EngineData { name, data }),
        };
        entry.saved = options.saved;
        if let Some((family, server)) = options.server {
            (entry.server_family, entry.server) = (family, server);
        }
        entry.checked()
    });
    let end = next_start(end).saturating_add(length);
    Ok((entry, end))
}

/// Reads the fixed part; [`None`] if the state is greater than any protocol has.
fn read_fixed<'a>(
    family: Family,
    protocol: u8,
    prefix: &[u8; PREFIX_LEN],
    fixed: &[u8],
) -> Option<Entry<'a>> {
    let &[_, _, _, _, f0, f1, f2, f3, s0, s1, c0, c1, v0, v1, d0, d1, m0, m1, m2, m3, t0, t1, t2, t3] =
        prefix;
    let (_, addresses) = fixed.split_at_checked(PREFIX_LEN)?;
    let length = match family {
        Family::V4 => 4,
        Family::V6 => 16,
    };
    let mut addresses = addresses.chunks_exact(length).map(Addr::from_wire);
    let mut address = || addresses.next().flatten();
    Some(Entry {
        family,
        server_family: family,
        protocol,
        flags: ConnFlags::from_bits(u32::from_be_bytes([f0, f1, f2, f3])),
        state: u8::try_from(u16::from_be_bytes([s0, s1])).ok()?,
        client: address()?,
        virtual_addr: address()?,
        server: address()?,
        client_port: u16::from_be_bytes([c0, c1]),
        virtual_port: u16::from_be_bytes([v0, v1]),
        server_port: u16::from_be_bytes([d0, d1]),
        mark: u32::from_be_bytes([m0, m1, m2, m3]),
        timeout: u32::from_be_bytes([t0, t1, t2, t3]),
        sequence: None,
        engine: None,
        saved: Saved::default(),
    })
}

/// The options of an entry.
#[derive(Default)]
struct Options<'a> {
    sequence: Option<Sequence>,
    data: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    /// The family and the address of a server of the other family.
    server: Option<(Family, Addr)>,
    saved: Saved,
}

/// Reads the options of an entry. An option that is unknown and not optional ends the entry: what comes after it is not looked at.
fn read_options(
    mut rest: &[u8],
    family: Family,
) -> Result<Result<Options<'_>, Skipped>, Malformed> {
    let mut options = Options::default();
    while let [kind, after @ ..] = rest {
        let (&length, after) = after.split_first().ok_or(Malformed::OptionLength)?;
        let (data, after) = match length {
            0 => return Err(Malformed::OptionLength),
            length => after
                .split_at_checked(length.into())
                .ok_or(Malformed::OptionLength)?,
        };
        rest = after;
        match kind & !option::OPTIONAL {
            option::SEQUENCE => {
                let data = data.try_into().map_err(|_| Malformed::Sequence)?;
                let sequence = Sequence::from_bytes(data, u32::from_be_bytes);
                set_once(&mut options.sequence, sequence, Malformed::Sequence)?;
            }
            option::ENGINE_DATA => set_once(&mut options.data, data, Malformed::EngineData)?,
            option::ENGINE_NAME if data.len() > ENGINE_NAME_MAX => {
                return Err(Malformed::EngineName)
            }
            option::ENGINE_NAME => set_once(&mut options.name, data, Malformed::EngineName)?,
            saved::REST => {
                set_once(
                    &mut options.saved.rest,
                    saved::number(data)?,
                    Malformed::Saved,
                )?;
            }
            saved::PACKETS => {
                set_once(
                    &mut options.saved.packets,
                    saved::number(data)?,
                    Malformed::Saved,
                )?;
            }
            saved::CONTROLLER => {
                let controller = saved::controller(data, family)?;
                set_once(&mut options.saved.controller, controller, Malformed::Saved)?;
            }
            saved::END => match data.len() == 1 && !options.saved.is_end {
                true => options.saved.is_end = true,
                false => return Err(Malformed::Saved),
            },
            saved::SERVER => {
                set_once(&mut options.server, saved::server(data)?, Malformed::Saved)?;
            }
            _ if kind & option::OPTIONAL != 0 => {}
            _ => return Ok(Err(Skipped::Option)),
        }
    }
    Ok(Ok(options))
}

/// Sets what an entry has once.
fn set_once<T>(place: &mut Option<T>, value: T, error: Malformed) -> Result<(), Malformed> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(error),
    }
}

/// Writes an entry to `room`, which comes after offset `end` of a datagram, with the bytes before it. Returns their length;
/// [`None`] if there is no room.
pub(super) fn write(entry: &Entry<'_>, room: &mut [u8], end: usize) -> Option<usize> {
    let mut output = Output::new(room);
    let start = next_start(end).checked_sub(end)?;
    output.put([0; 3].get(..start)?)?;
    output.put(&[match entry.family {
        Family::V4 => 0,
        Family::V6 => IPV6,
    }])?;
    output.put(&[entry.protocol, 0, 0])?;
    output.put(&entry.flags.bits().to_be_bytes())?;
    output.put(&u16::from(entry.state).to_be_bytes())?;
    for port in [entry.client_port, entry.virtual_port, entry.server_port] {
        output.put(&port.to_be_bytes())?;
    }
    output.put(&entry.mark.to_be_bytes())?;
    output.put(&entry.timeout.to_be_bytes())?;
    let server = match entry.server_family == entry.family {
        true => entry.server,
        false => Addr::ZERO,
    };
    for address in [entry.client, entry.virtual_addr, server] {
        output.put_addr(entry.family, address)?;
    }
    write_options(entry, &mut output)?;
    let written = output.length();
    let length = u16::try_from(written.checked_sub(start)?).ok();
    let length = length.filter(|length| *length <= 0xFFF)?.to_be_bytes();
    let at = start.checked_add(LENGTH_AT)?;
    let place = room.get_mut(at..at.checked_add(2)?)?;
    place.copy_from_slice(&length);
    Some(written)
}

/// Writes the options of an entry.
fn write_options(entry: &Entry<'_>, output: &mut Output<'_>) -> Option<()> {
    if let Some(sequence) = entry.sequence.filter(|_| entry.flags.has_sequence()) {
        output.put_option(option::SEQUENCE, &sequence.to_bytes(u32::to_be_bytes))?;
    }
    if let Some(engine) = entry.engine {
        output.put_option(option::ENGINE_DATA, engine.data)?;
        output.put_option(option::ENGINE_NAME, engine.name)?;
    }
    saved::write(entry, output)
}

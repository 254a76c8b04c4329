// SPDX-License-Identifier: GPL-2.0

//! The options of version 1 that the C module does not know. All numbers are big endian.
//!
//! | type | length | data |
//! |---|---|---|
//! | 8 | 4 | the time until the connection ends without a packet, in seconds |
//! | 10 | 14, with IPv6 38 | the template that controls the connection: protocol, 0, ports of client and virtual service, addresses of both |
//! | 11 | 1 | any byte: the connection has ended at the command of a user |
//! | 12 | 4 or 16 | the address of the server, whose family is not that of the client |
//! | 13 | 4 | the number of packets from the client |
//!
//! All but the server are written with the bit by which other directors skip them.

use super::{Entry, Malformed};
use crate::addr::{Addr, Family};
use crate::flow::Tuple;

pub(super) const REST: u8 = 8;
pub(super) const CONTROLLER: u8 = 10;
pub(super) const END: u8 = 11;
pub(super) const SERVER: u8 = 12;
pub(super) const PACKETS: u8 = 13;
/// The bit of an option that can be skipped if it is unknown.
const OPTIONAL: u8 = 0x40;

/// The length of a controller before its addresses.
const CONTROLLER_PREFIX: usize = 6;

/// The length of all these options at most.
pub(super) const LONGEST: usize =
    (2 + 4) + (2 + CONTROLLER_PREFIX + 32) + (2 + 1) + (2 + 16) + (2 + 4);

/// Reads a number.
pub(super) fn number(data: &[u8]) -> Result<u32, Malformed> {
    let bytes = data.try_into().map_err(|_| Malformed::Saved)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Reads the address of a server. Its length tells the family.
pub(super) fn server(data: &[u8]) -> Result<(Family, Addr), Malformed> {
    let family = match data.len() {
        4 => Family::V4,
        16 => Family::V6,
        _ => return Err(Malformed::Saved),
    };
    let addr = Addr::from_wire(data).ok_or(Malformed::Saved)?;
    Ok((family, addr))
}

/// Reads the template that controls a connection of `family`.
pub(super) fn controller(data: &[u8], family: Family) -> Result<Tuple, Malformed> {
    let (prefix, addresses) = data
        .split_first_chunk::<CONTROLLER_PREFIX>()
        .ok_or(Malformed::Saved)?;
    let &[protocol, _, c0, c1, v0, v1] = prefix;
    let (client, service) = addresses
        .split_at_checked(addr_len(family))
        .filter(|(_, service)| service.len() == addr_len(family))
        .ok_or(Malformed::Saved)?;
    Ok(Tuple {
        src: Addr::from_wire(client).ok_or(Malformed::Saved)?,
        dst: Addr::from_wire(service).ok_or(Malformed::Saved)?,
        sport: u16::from_be_bytes([c0, c1]),
        dport: u16::from_be_bytes([v0, v1]),
        protocol,
        family,
    })
}

/// The length of an address, in bytes.
const fn addr_len(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

/// Writes the options of an entry that only saved entries have; [`None`] if there is no room.
pub(super) fn write(entry: &Entry<'_>, output: &mut Output<'_>) -> Option<()> {
    if entry.server_family != entry.family {
        let octets = entry.server.octets();
        output.put_option(SERVER, octets.get(..addr_len(entry.server_family))?)?;
    }
    if let Some(rest) = entry.saved.rest {
        output.put_option(REST | OPTIONAL, &rest.to_be_bytes())?;
    }
    if let Some(packets) = entry.saved.packets {
        output.put_option(PACKETS | OPTIONAL, &packets.to_be_bytes())?;
    }
    if entry.saved.is_end {
        output.put_option(END | OPTIONAL, &[0])?;
    }
    if let Some(tuple) = entry.saved.controller.as_ref() {
        let addresses = addr_len(entry.family).checked_mul(2)?;
        let length = u8::try_from(CONTROLLER_PREFIX.checked_add(addresses)?).ok()?;
        let ([c0, c1], [v0, v1]) = (tuple.sport.to_be_bytes(), tuple.dport.to_be_bytes());
        output.put(&[CONTROLLER | OPTIONAL, length])?;
        output.put(&[tuple.protocol, 0, c0, c1, v0, v1])?;
        output.put_addr(entry.family, tuple.src)?;
        output.put_addr(entry.family, tuple.dst)?;
    }
    Some(())
}

/// Bytes that are written one after the other. Each function returns [`None`] if there is no room.
pub(super) struct Output<'a> {
    room: &'a mut [u8],
    length: usize,
}

impl<'a> Output<'a> {
    /// Nothing, at the beginning of `room`.
    pub(super) fn new(room: &'a mut [u8]) -> Self {
        Self { room, length: 0 }
    }

    /// The number of bytes that were written.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length.checked_add(bytes.len())?;
        self.room.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }

    /// Writes an address, with as many bytes as its family has.
    pub(super) fn put_addr(&mut self, family: Family, addr: Addr) -> Option<()> {
        self.put(addr.octets().get(..addr_len(family))?)
    }

    pub(super) fn put_option(&mut self, kind: u8, data: &[u8]) -> Option<()> {
        self.put(&[kind, u8::try_from(data.len()).ok()?])?;
        self.put(data)
    }
}

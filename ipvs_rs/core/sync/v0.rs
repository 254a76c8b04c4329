// SPDX-License-Identifier: GPL-2.0

//! Entries of version 0, which are of IPv4. Numbers are big endian but in the last field.
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 1 | 0 |
//! | 1 | 1 | transport protocol |
//! | 2, 4, 6 | 2 each | ports of client, virtual service and server |
//! | 8, 12, 16 | 4 each | addresses of client, virtual service and server |
//! | 20 | 2 | flags, the lower half |
//! | 22 | 2 | state |
//! | 24 | 24 | with one of the two flags for it: adjustment of sequence numbers, in the byte order of the sender |

use super::{entry::Sequence, Entry, Malformed, Saved, Skipped};
use crate::addr::{Addr, Family};
use crate::conn::ConnFlags;

/// The length of the header of a datagram, in bytes.
pub(super) const HEADER_LEN: usize = 4;

/// The length of an entry without its last field, in bytes.
const LEN: usize = 24;

/// An entry, if it can be a connection of this director, and where it ends.
type Read<'a> = (Result<Entry<'a>, Skipped>, usize);

/// Reads the entry at `offset` of a datagram.
///
/// # Errors
///
/// [`Malformed::CutOff`].
pub(super) fn read(datagram: &[u8], offset: usize) -> Result<Read<'_>, Malformed> {
    let rest = datagram.get(offset..).unwrap_or_default();
    let (fixed, rest) = rest.split_first_chunk::<LEN>().ok_or(Malformed::CutOff)?;
    let &[_, protocol, c0, c1, v0, v1, d0, d1, ref addresses @ .., f0, f1, s0, s1] = fixed;
    let addresses: &[u8; 12] = addresses;
    let flags = ConnFlags::from_bits(u16::from_be_bytes([f0, f1]).into());
    let mut end = offset.saturating_add(LEN);
    let mut sequence = None;
    if flags.has_sequence() {
        let bytes = rest.first_chunk().ok_or(Malformed::CutOff)?;
        sequence = Some(Sequence::from_bytes(bytes, u32::from_ne_bytes));
        end = end.saturating_add(Sequence::LEN);
    }
    let mut addresses = addresses.chunks_exact(4).filter_map(Addr::from_wire);
    let mut address = || addresses.next().unwrap_or(Addr::ZERO);
    let entry = Entry {
        family: Family::V4,
        server_family: Family::V4,
        protocol,
        flags,
        state: 0,
        client: address(),
        virtual_addr: address(),
        server: address(),
        client_port: u16::from_be_bytes([c0, c1]),
        virtual_port: u16::from_be_bytes([v0, v1]),
        server_port: u16::from_be_bytes([d0, d1]),
        mark: 0,
        timeout: 0,
        sequence,
        engine: None,
        saved: Saved::default(),
    };
    let entry = match u8::try_from(u16::from_be_bytes([s0, s1])) {
        Ok(state) => Entry { state, ..entry }.checked(),
        Err(_) => Err(Skipped::State),
    };
    Ok((entry, end))
}

/// Writes an entry to `room`. Returns its length; [`None`] if there is no room, or the entry is not of IPv4.
pub(super) fn write(entry: &Entry<'_>, room: &mut [u8]) -> Option<usize> {
    if entry.family != Family::V4 {
        return None;
    }
    let (fixed, rest) = room.split_first_chunk_mut::<LEN>()?;
    let [c0, c1] = entry.client_port.to_be_bytes();
    let [v0, v1] = entry.virtual_port.to_be_bytes();
    let [d0, d1] = entry.server_port.to_be_bytes();
    let [_, _, f0, f1] = entry.flags.bits().to_be_bytes();
    let [a0, a1, a2, a3] = entry.client.v4();
    let [a4, a5, a6, a7] = entry.virtual_addr.v4();
    let [a8, a9, a10, a11] = entry.server.v4();
    *fixed = [
        0,
        entry.protocol,
        c0,
        c1,
        v0,
        v1,
        d0,
        d1,
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
        a6,
        a7,
        a8,
        a9,
        a10,
        a11,
        f0,
        f1,
        0,
        entry.state,
    ];
    if !entry.flags.has_sequence() {
        return Some(LEN);
    }
    let sequence = entry.sequence.unwrap_or_default();
    *rest.first_chunk_mut()? = sequence.to_bytes(u32::to_ne_bytes);
    Some(LEN.saturating_add(Sequence::LEN))
}

// SPDX-License-Identifier: GPL-2.0

//! The IPv4 header (RFC 791, section 3.1).

use super::{Fragment, Network, NotOurs};
use crate::addr::{Addr, Family};

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1FFF;

/// Parses a packet whose fixed header is `header` and whose version is 4.
#[inline(always)]
pub(super) fn parse(header: &[u8; 20]) -> Result<Network, NotOurs> {
    let &[version_ihl, _, l0, l1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        header;
    let transport = usize::from(version_ihl & 0xF) << 2;
    // Linux writes 0 into the length of segments above 64 KiB (BIG TCP); such packets come only
    // from this machine, and their end is that of the buffer.
    let end = match u16::from_be_bytes([l0, l1]) {
        0 => usize::MAX,
        length => usize::from(length),
    };
    if transport < header.len() {
        return Err(NotOurs::BadHeader);
    }
    let fragment = u16::from_be_bytes([f0, f1]);
    let fragment = if fragment & OFFSET_MASK != 0 {
        Fragment::Later
    } else if fragment & MORE_FRAGMENTS != 0 {
        Fragment::First
    } else {
        Fragment::Whole
    };
    Ok(Network {
        family: Family::V4,
        protocol,
        fragment,
        src: Addr::from_v4([s0, s1, s2, s3]),
        dst: Addr::from_v4([d0, d1, d2, d3]),
        transport,
        end,
    })
}

// SPDX-License-Identifier: GPL-2.0

//! What IPVS needs of an IPv4 header (RFC 791, section 3.1).

use super::{Fragment, Network, NotOurs};
use crate::addr::Family;
use crate::wire::ipv4::{Header, HEADER_LEN};

/// Parses a packet whose header without options is `header` and whose version is 4.
#[inline(always)]
pub(super) fn parse(header: &[u8; HEADER_LEN]) -> Result<Network, NotOurs> {
    let header = Header::read(header);
    let transport = header.header_len();
    if transport < HEADER_LEN {
        return Err(NotOurs::BadHeader);
    }
    // Linux writes 0 into the length of segments above 64 KiB (BIG TCP). Such packets come only
    // from this machine, and their end is the end of the buffer.
    let end = match header.total_len {
        0 => usize::MAX,
        length => usize::from(length),
    };
    let fragment = if header.fragment_offset() != 0 {
        Fragment::Later
    } else if header.more_fragments() {
        Fragment::First
    } else {
        Fragment::Whole
    };
    Ok(Network {
        family: Family::V4,
        protocol: header.protocol,
        fragment,
        src: header.src,
        dst: header.dst,
        transport,
        end,
    })
}

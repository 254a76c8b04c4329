// SPDX-License-Identifier: GPL-2.0

//! What IPVS needs of an IPv6 header and its extension headers (RFC 8200, sections 3 and 4).

use super::{Fragment, HeaderSource, Network, NotOurs};
use crate::addr::Family;
use crate::wire::{
    ipv6::{Extension, Header, HALF_LEN, HEADER_LEN},
    protocol::FRAGMENT,
};

/// A packet with more extension headers than this is a bad one.
///
/// Honest packets carry one or two. Each costs a read, and a packet could hold thousands.
const MAX_EXTENSION_HEADERS: usize = 16;

/// Parses a packet whose version is 6 and whose first bytes are `first`.
#[inline]
pub(super) fn parse<S: HeaderSource + ?Sized>(
    packet: &S,
    first: &[u8; HALF_LEN],
) -> Result<Network, NotOurs> {
    let second = packet.array(HALF_LEN).ok_or(NotOurs::Truncated)?;
    let header = Header::from_halves(first, &second);
    // 0 is a jumbogram (RFC 2675), whose end is the end of the buffer.
    let end = match header.payload_len {
        0 => usize::MAX,
        length => HEADER_LEN.saturating_add(usize::from(length)),
    };
    let Chain {
        protocol,
        transport,
        fragment,
    } = walk(packet, header.next_header)?;
    Ok(Network {
        family: Family::V6,
        protocol,
        fragment,
        src: header.src,
        dst: header.dst,
        transport,
        end,
    })
}

/// What lies behind the extension headers.
struct Chain {
    /// The number of the transport protocol.
    protocol: u8,
    /// Where the transport header starts, in bytes from the start of the network header.
    transport: usize,
    /// What the fragment header says, if there is one.
    fragment: Fragment,
}

/// Walks over the extension headers that lead to the transport header.
///
/// As the C module does: an authentication header is walked over too. A later fragment ends the
/// walk, because what follows its fragment header is payload.
fn walk<S: HeaderSource + ?Sized>(packet: &S, next: u8) -> Result<Chain, NotOurs> {
    let mut chain = Chain {
        protocol: next,
        transport: HEADER_LEN,
        fragment: Fragment::Whole,
    };
    for _ in 0..=MAX_EXTENSION_HEADERS {
        let number = chain.protocol;
        if !Extension::is_one(number) {
            return Ok(chain);
        }
        let bytes = packet.array(chain.transport).ok_or(NotOurs::Truncated)?;
        let extension = Extension::read(&bytes);
        if number == FRAGMENT {
            if extension.fragment_offset() != 0 {
                chain.fragment = Fragment::Later;
            } else if extension.more_fragments() {
                chain.fragment = Fragment::First;
            }
        }
        chain.protocol = extension.next_header;
        chain.transport = chain.transport.saturating_add(extension.len(number));
        if matches!(chain.fragment, Fragment::Later) {
            return Ok(chain);
        }
    }
    Err(NotOurs::BadHeader)
}

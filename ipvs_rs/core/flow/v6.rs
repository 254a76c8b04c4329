// SPDX-License-Identifier: GPL-2.0

//! The IPv6 header and the chain of extension headers (RFC 8200, sections 3 and 4).

use super::{Fragment, HeaderSource, Network, NotOurs};
use crate::addr::{Addr, Family};
use crate::wire::protocol::{AH, DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING};

const HEADER_LEN: usize = 40;

/// More extension headers than this in one packet make it a bad one.
///
/// Honest packets carry one or two; each costs a read, and a packet could hold thousands.
const MAX_EXTENSION_HEADERS: usize = 16;

/// Parses a packet whose version is 6 and whose first 20 bytes are `first`.
#[inline]
pub(super) fn parse<S: HeaderSource + ?Sized>(
    packet: &S,
    first: &[u8; 20],
) -> Result<Network, NotOurs> {
    let second: [u8; 20] = packet.array(20).ok_or(NotOurs::Truncated)?;
    let &[_, _, _, _, l0, l1, next, _, src0 @ ..] = first;
    let [m, n, o, p, dst @ ..] = second;
    let [a, b, c, d, e, f, g, h, i, j, k, l] = src0;
    // 0 is a jumbogram (RFC 2675), whose end is that of the buffer.
    let end = match u16::from_be_bytes([l0, l1]) {
        0 => usize::MAX,
        length => HEADER_LEN.saturating_add(usize::from(length)),
    };
    let Chain {
        protocol,
        transport,
        fragment,
    } = walk(packet, next)?;
    Ok(Network {
        family: Family::V6,
        protocol,
        fragment,
        src: Addr::from_v6([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]),
        dst: Addr::from_v6(dst),
        transport,
        end,
    })
}

/// What lies behind the extension headers.
struct Chain {
    protocol: u8,
    transport: usize,
    fragment: Fragment,
}

/// Walks over the extension headers that lead to the transport header.
///
/// As the C module does: an authentication header is walked over too, and a later fragment ends
/// the walk, since what follows its fragment header is payload.
fn walk<S: HeaderSource + ?Sized>(packet: &S, next: u8) -> Result<Chain, NotOurs> {
    let mut chain = Chain {
        protocol: next,
        transport: HEADER_LEN,
        fragment: Fragment::Whole,
    };
    for _ in 0..=MAX_EXTENSION_HEADERS {
        let length = match chain.protocol {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | AH | FRAGMENT => {
                // None is shorter than eight bytes.
                let [next, length, o0, o1, _, _, _, _] =
                    packet.array(chain.transport).ok_or(NotOurs::Truncated)?;
                let kind = core::mem::replace(&mut chain.protocol, next);
                let units = usize::from(length);
                match kind {
                    FRAGMENT => {
                        let offset = u16::from_be_bytes([o0, o1]);
                        if offset & !7 != 0 {
                            chain.fragment = Fragment::Later;
                        } else if offset & 1 != 0 {
                            chain.fragment = Fragment::First;
                        }
                        8
                    }
                    // RFC 4302, section 2.2: in units of four bytes, less two.
                    AH => units.saturating_add(2).saturating_mul(4),
                    _ => units.saturating_add(1).saturating_mul(8),
                }
            }
            _ => return Ok(chain),
        };
        chain.transport = chain.transport.saturating_add(length);
        if matches!(chain.fragment, Fragment::Later) {
            return Ok(chain);
        }
    }
    Err(NotOurs::BadHeader)
}

// SPDX-License-Identifier: GPL-2.0

//! Packets that are made of others.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::checksum::Sum;
use ipvs_core::flow::{Flow, Fragment};
use ipvs_core::icmp::Report;
use ipvs_core::nat::{self, L4Checksum, Remaining};
use ipvs_core::proto::{TCP, UDP};
use ipvs_core::tunnel::{gue, header, write_v4, write_v6, Inner, Outer, RemoteChecksum, Wrapping};

/// A one's complement sum as a number: both of its zeros are 0.
pub const fn value(sum: Sum) -> u16 {
    sum.partial() % 0xFFFF
}

/// The shortest packet with this flow, and where its transport header is.
pub fn written(flow: &Flow) -> (Vec<u8>, usize) {
    let (src, dst, protocol) = (flow.src, flow.dst, flow.protocol);
    let inner = Inner {
        tos: 0,
        hops: 64,
        dont_fragment: false,
    };
    let [more, offset] = [
        flow.fragment == Fragment::First,
        flow.fragment == Fragment::Later,
    ]
    .map(u8::from);
    let mut packet = match flow.family {
        Family::V4 => {
            let mut header = vec![0; 20];
            write_v4(
                &mut header,
                &Outer {
                    src,
                    dst,
                    protocol,
                    inner,
                },
                24,
                0,
            )
            .unwrap();
            header[6..8].copy_from_slice(&[more << 5, offset]);
            header
        }
        Family::V6 => {
            let mut header = vec![0; 48];
            write_v6(
                &mut header,
                &Outer {
                    src,
                    dst,
                    protocol: 44,
                    inner,
                },
                12,
            )
            .unwrap();
            header[40..44].copy_from_slice(&[protocol, 0, 0, (offset << 3) | more]);
            header
        }
    };
    let transport = packet.len();
    packet.extend([flow.sport.to_be_bytes(), flow.dport.to_be_bytes()].concat());
    (packet, transport)
}

/// The sums over the outer header, the message with its pseudo header, and the quoted header.
pub fn sums(packet: &[u8], report: &Report) -> [u16; 3] {
    let (outer, message) = packet.split_at(report.message());
    let about = &packet[report.embedded..];
    let message = Sum::ZERO.add_bytes(message);
    match report.outer.family {
        Family::V4 => [
            Sum::ZERO.add_bytes(outer),
            message,
            Sum::ZERO.add_bytes(&about[..report.about.transport]),
        ],
        Family::V6 => [
            Sum::ZERO,
            message.add_v6(report.outer.src).add_v6(report.outer.dst),
            Sum::ZERO,
        ],
    }
    .map(value)
}

/// A packet of `old` whose source or destination was given away: the packet after the edit, the
/// flow it should have, and what the edit said. All that no edit may touch is as it was.
///
/// The new end is taken from the end of the packet, so that there are all kinds.
pub fn translated(
    data: &[u8],
    old: &Flow,
    source: bool,
    l4: L4Checksum,
) -> (Vec<u8>, Flow, Result<Remaining, nat::Error>) {
    let mut end = [7; 18];
    for (to, from) in end.iter_mut().zip(data.iter().rev()) {
        *to = *from;
    }
    let [p0, p1, octets @ ..] = end;
    let (at, protocol) = (old.transport, old.protocol);
    let (later, new_port) = (
        old.fragment == Fragment::Later,
        u16::from_be_bytes([p0, p1]),
    );
    let mut packet = data.to_vec();
    let (addr, done) = match old.family {
        Family::V4 => {
            let addr = Addr::from_v4(*octets.first_chunk().expect("16 bytes"));
            let edit = if source { nat::snat_v4 } else { nat::dnat_v4 };
            // Later fragments of IPv4 are put together before they get here.
            let protocol = if later { 0 } else { protocol };
            (addr, edit(&mut packet, at, protocol, addr, new_port, l4))
        }
        Family::V6 => {
            let addr = Addr::from_v6(octets);
            let edit = if source { nat::snat_v6 } else { nat::dnat_v6 };
            let at = (!later).then_some(at);
            (addr, edit(&mut packet, at, protocol, addr, new_port, l4))
        }
    };
    let port = if later { 0 } else { new_port };
    let new = match source {
        true => Flow {
            src: addr,
            sport: port,
            ..*old
        },
        false => Flow {
            dst: addr,
            dport: port,
            ..*old
        },
    };
    assert_eq!(untouchable(data, old), untouchable(&packet, old));
    (packet, new, done)
}

/// The checksum of the transport header, if it is one that is corrected.
pub fn field(packet: &[u8], flow: &Flow) -> Option<u16> {
    let at = match flow.protocol {
        TCP => flow.transport + 16,
        UDP => flow.transport + 6,
        _ => return None,
    };
    (flow.fragment != Fragment::Later).then(|| u16::from_be_bytes([packet[at], packet[at + 1]]))
}

/// What stays the same: the sum of all that a checksum covers, or how far a partial one is from the
/// addresses that it is about.
pub fn corrected_sum(packet: &[u8], flow: &Flow, whole: bool) -> u16 {
    let addresses = Sum::ZERO
        .add_addr(flow.family, flow.src)
        .add_addr(flow.family, flow.dst);
    match field(packet, flow) {
        None => 0,
        Some(_) if whole => value(addresses.add_bytes(&packet[flow.transport..])),
        Some(partial) => value(Sum::from_partial(partial).remove(addresses.partial())),
    }
}

/// A packet without addresses, ports and checksums. In place of the header checksum of IPv4 there
/// is the sum of the header, which no edit changes.
fn untouchable(packet: &[u8], flow: &Flow) -> (Vec<u8>, u16) {
    let mut left = packet.to_vec();
    let header = left.get(..flow.transport).unwrap_or_default();
    let (sum, addresses) = match flow.family {
        Family::V4 => (value(Sum::ZERO.add_bytes(header)), 10..20),
        Family::V6 => (0, 8..40),
    };
    let mut blank = vec![addresses];
    if flow.fragment != Fragment::Later {
        let at = flow.transport;
        blank.push(at..at + 4);
        match flow.protocol {
            TCP => blank.push(at + 16..at + 18),
            UDP => blank.push(at + 6..at + 8),
            _ => {}
        }
    }
    for range in blank {
        if let Some(bytes) = left.get_mut(range) {
            bytes.fill(0);
        }
    }
    (left, sum)
}

/// The outer IP header of a packet in a tunnel, and all that is between it and the packet.
///
/// The length that it says is that of itself and `length` more bytes. Of GRE there are zeros.
pub fn wrapped(
    family: Family,
    wrapping: Wrapping,
    (inside, inner): (Family, Inner),
    remote: Option<RemoteChecksum>,
    length: usize,
) -> Vec<u8> {
    let at = header(family) as usize;
    let mut whole = vec![0; at + wrapping.length(remote.is_some()) as usize];
    if let Wrapping::Gue { .. } = wrapping {
        let bytes = &mut whole[at + 8..];
        assert_eq!(gue(&mut bytes[1..], inside, remote), None, "too short");
        gue(bytes, inside, remote).expect("as long as it says");
    }
    let (src, dst) = match family {
        Family::V4 => (Addr::from_v4([10, 0, 0, 1]), Addr::from_v4([10, 0, 0, 2])),
        Family::V6 => (Addr::from_v6([1; 16]), Addr::from_v6([2; 16])),
    };
    let protocol = wrapping.protocol(inside);
    let outer = Outer {
        src,
        dst,
        protocol,
        inner,
    };
    let behind = whole.len() - at + length;
    match family {
        Family::V4 => write_v4(&mut whole, &outer, at + behind, 0),
        Family::V6 => write_v6(&mut whole, &outer, behind),
    }
    .expect("room for a header");
    whole
}

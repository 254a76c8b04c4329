// SPDX-License-Identifier: GPL-2.0

//! What every packet has to pass that leaves this host for a server: its time to live, and the
//! size that the way takes.

use ipvs_core::{
    addr::Family,
    flow::{Flow, Fragment},
    nat::{decrement_hop_limit, decrement_ttl, options_v4, renew_header_checksum, TtlError},
    wire::{
        ipv4, ipv6,
        protocol::{ICMP, TCP, UDP},
        HeaderSource,
    },
};
use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    netfilter,
    route::Route,
    skbuff::{IcmpError, Skb},
};

use crate::packet::headers::Headers;

/// The size that the way takes.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// In bytes, with the network header that the packet has now.
    pub(super) mtu: u32,
    /// Whether the senders of larger IPv4 packets are told. Otherwise these are fragmented, even
    /// those that should not be.
    pub(super) tells_v4: bool,
}

impl Limit {
    /// That of a route.
    #[inline]
    pub(super) fn of(route: &Route) -> Self {
        Self {
            mtu: route.mtu(),
            tells_v4: true,
        }
    }
}

/// Whether a packet is a whole one of TCP or UDP, with the fixed network header only.
#[inline]
pub(crate) fn is_plain(flow: &Flow) -> bool {
    let network = match flow.family {
        Family::V4 => ipv4::HEADER_LEN,
        Family::V6 => ipv6::HEADER_LEN,
    };
    flow.transport == network
        && flow.fragment == Fragment::Whole
        && matches!(flow.protocol, TCP | UDP)
}

/// Whether neither the hops nor the size of a plain packet are a reason to answer it: [`leave`] would just take one of its hops.
#[inline]
pub(super) fn leaves_plainly(skb: &Skb, flow: &Flow, mtu: u32) -> bool {
    let hops = match flow.family {
        Family::V4 => ipv4::HOPS,
        Family::V6 => ipv6::HOPS,
    };
    is_small(skb, flow, mtu)
        && Headers(skb)
            .array(hops)
            .is_some_and(|[hops]: [u8; 1]| hops > 1)
}

/// Whether a packet is not larger than `mtu`, and was not put together of fragments of IPv6.
#[inline]
pub(super) fn is_small(skb: &Skb, flow: &Flow, mtu: u32) -> bool {
    // CAST: A u32 fits.
    skb.len() <= mtu as usize && (flow.family == Family::V4 || skb.largest_fragment_v6().is_none())
}

/// Takes a hop from a packet that has more than one.
///
/// # Errors
///
/// It has no other, or there is no memory. Nothing is changed.
#[inline(always)]
pub(crate) fn hop(skb: &mut Skb, family: Family) -> Result {
    let taken = match family {
        Family::V4 => decrement_ttl(skb.ensure_writable(ipv4::HEADER_LEN)?),
        Family::V6 => decrement_hop_limit(skb.ensure_writable(ipv6::HEADER_LEN)?),
    };
    taken.map_err(|_| EINVAL)
}

/// Makes a packet one that leaves this host: checks its size, and takes one from its time to
/// live.
///
/// Answers with an ICMP error and gives [`None`] back where it cannot leave, or just drops it where
/// no `limit` makes sense. `length` bytes of headers are writable afterwards.
#[inline]
pub(super) fn leave(
    skb: Skb,
    flow: &Flow,
    limit: impl FnOnce(&Skb) -> Option<Limit>,
    length: usize,
    net: &Net,
) -> Option<Skb> {
    match flow.family {
        Family::V4 => leave_v4(skb, limit, length, net),
        Family::V6 => leave_v6(skb, flow, limit, length, net),
    }
}

#[inline]
fn leave_v4(
    mut skb: Skb,
    limit: impl FnOnce(&Skb) -> Option<Limit>,
    length: usize,
    net: &Net,
) -> Option<Skb> {
    let headers = skb.ensure_writable(length).ok()?;
    // ICMP may be fragmented all the same: nobody would be told.
    let dont_fragment = ipv4::Header::at_start(headers)
        .is_some_and(|header| header.dont_fragment() && header.protocol != ICMP);
    match decrement_ttl(headers) {
        Ok(()) => {}
        Err(TtlError::Expired) => {
            skb.count_expired(net, netfilter::Family::V4);
            answer(&mut skb, Family::V4, IcmpError::TimeExceeded, net);
            return None;
        }
        Err(TtlError::TooShort) => return None,
    }
    if let Some(length) = options_v4(headers) {
        renew_header_checksum(skb.ensure_writable(length).ok()?).ok()?;
    }
    let Limit { mtu, tells_v4 } = limit(&skb)?;
    // CAST: A u32 fits.
    if skb.len() > mtu as usize && dont_fragment && tells_v4 && !skb.gso_validate_network_len(mtu) {
        let error = IcmpError::FragmentationNeeded { mtu };
        answer(&mut skb, Family::V4, error, net);
        return None;
    }
    Some(skb)
}

#[inline]
fn leave_v6(
    mut skb: Skb,
    flow: &Flow,
    limit: impl FnOnce(&Skb) -> Option<Limit>,
    length: usize,
    net: &Net,
) -> Option<Skb> {
    match decrement_hop_limit(skb.ensure_writable(length).ok()?) {
        Ok(()) => {}
        Err(TtlError::Expired) => {
            skb.count_expired(net, netfilter::Family::V6);
            answer(&mut skb, Family::V6, IcmpError::TimeExceeded, net);
            return None;
        }
        Err(TtlError::TooShort) => return None,
    }
    let mtu = limit(&skb)?.mtu;
    if exceeds_v6(&skb, mtu) {
        // The later fragments go the same way, and one answer is enough.
        if flow.fragment != Fragment::Later {
            let error = IcmpError::FragmentationNeeded { mtu };
            answer(&mut skb, Family::V6, error, net);
        }
        return None;
    }
    Some(skb)
}

/// Whether an IPv6 packet is larger than `mtu`. One that was put together of fragments is as large
/// as the largest of them, as it will be fragmented again.
#[inline]
fn exceeds_v6(skb: &Skb, mtu: u32) -> bool {
    match skb.largest_fragment_v6() {
        Some(largest) => u32::from(largest.get()) > mtu,
        // CAST: A u32 fits.
        None => skb.len() > mtu as usize && !skb.gso_validate_network_len(mtu),
    }
}

/// Answers a packet with an ICMP error.
#[cold]
pub(crate) fn answer(skb: &mut Skb, family: Family, error: IcmpError, net: &Net) {
    match family {
        Family::V4 => skb.icmp_send_v4(error),
        Family::V6 => skb.icmp_send_v6(net, error),
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The headers of a packet, read by the parsers of [`ipvs_core`]; fragments are put together before.

use ipvs_core::{
    addr::Family,
    flow::{Flow, Fragment, HeaderSource, NotOurs, Plain},
    wire::ipv4,
};
use knet::{
    netfilter::{HookState, InetHook},
    skbuff::{DefragError, DefragUser, Skb},
};

/// A packet as a parser sees it.
pub(super) struct Headers<'a>(pub(super) &'a Skb);

impl HeaderSource for Headers<'_> {
    #[inline]
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0.header(offset, buf)
    }
}

/// The reason for which a packet has no flow.
pub(super) enum Unparsed {
    /// The packet was read, and has none.
    Mine(Skb, NotOurs),
    /// The packet was a fragment. The defragmentation of the kernel has it now.
    NotWhole(DefragError),
}

/// Reads the headers of a packet, and puts its fragments together if need be.
#[inline(always)]
pub(super) fn parse(skb: Skb, context: &HookState<'_>) -> Result<(Skb, Flow), Unparsed> {
    let plain = skb.linear_start().and_then(Plain::v4);
    match plain.or_else(|| skb.linear_start().and_then(Plain::v6)) {
        Some(Plain { flow, .. }) => Ok((skb, flow)),
        None => parse_other(skb, context),
    }
}

/// The same of packets that are not plain, or whose headers are not in the linear part.
#[inline(never)]
fn parse_other(skb: Skb, context: &HookState<'_>) -> Result<(Skb, Flow), Unparsed> {
    match Flow::parse(&Headers(&skb)) {
        // Fragments of IPv6 were put together before, or are not to be.
        Ok(flow) if flow.fragment == Fragment::Whole || flow.family == Family::V6 => {
            Ok((skb, flow))
        }
        Ok(_) => parse_fragment(skb, context),
        // A fragment may be so short that its ports are in the next one.
        Err(NotOurs::NoPorts { .. }) if is_fragment_v4(&skb) => parse_fragment(skb, context),
        Err(reason) => Err(Unparsed::Mine(skb, reason)),
    }
}

/// Whether more fragments follow, or some came before.
#[cold]
fn is_fragment_v4(skb: &Skb) -> bool {
    ipv4::Header::of(&Headers(skb)).is_some_and(|header| header.is_fragment())
}

#[cold]
fn parse_fragment(skb: Skb, context: &HookState<'_>) -> Result<(Skb, Flow), Unparsed> {
    let skb = whole(skb, context).map_err(Unparsed::NotWhole)?;
    match Flow::parse(&Headers(&skb)) {
        Ok(flow) => Ok((skb, flow)),
        Err(reason) => Err(Unparsed::Mine(skb, reason)),
    }
}

/// The whole datagram, if this fragment was the last one to come.
#[cold]
pub(super) fn whole(skb: Skb, context: &HookState<'_>) -> Result<Skb, DefragError> {
    let user = match context.hook {
        InetHook::LocalOut => DefragUser::VsOut,
        InetHook::Forward => DefragUser::VsFwd,
        InetHook::LocalIn | InetHook::PreRouting | InetHook::PostRouting => DefragUser::VsIn,
    };
    skb.defragment(context.net, user)
}

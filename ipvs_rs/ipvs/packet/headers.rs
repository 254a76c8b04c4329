// SPDX-License-Identifier: GPL-2.0

//! The headers of a packet, read by the parsers of [`ipvs_core`]; fragments are put together before.

use ipvs_core::{
    addr::Family,
    flow::{Flow, Fragment, HeaderSource, NotOurs},
    wire::ipv4,
};
use knet::{
    netfilter::{HookState, InetHook},
    skbuff::{DefragError, DefragUser, Skb},
};

use crate::model::{drops::Reason, Ipvs};

/// A packet as a parser sees it.
pub(crate) struct Headers<'a>(pub(crate) &'a Skb);

impl HeaderSource for Headers<'_> {
    #[inline]
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0.header(offset, buf)
    }
}

/// Why there is no flow.
pub(crate) enum Unparsed {
    /// The packet says so.
    Mine(Skb, NotOurs),
    /// It is a fragment, and waits for the others, or was given up.
    Taken,
}

/// Reads the headers of a packet, and puts its fragments together if need be.
#[inline]
pub(crate) fn parse(
    ipvs: &Ipvs,
    skb: Skb,
    context: &HookState<'_>,
) -> Result<(Skb, Flow), Unparsed> {
    match Flow::parse(&Headers(&skb)) {
        // Fragments of IPv6 were put together before, or are not to be.
        Ok(flow) if flow.fragment == Fragment::Whole || flow.family == Family::V6 => {
            Ok((skb, flow))
        }
        Ok(_) => parse_fragment(ipvs, skb, context),
        // A fragment may be so short that its ports are in the next one.
        Err(NotOurs::NoPorts { .. }) if is_fragment_v4(&skb) => parse_fragment(ipvs, skb, context),
        Err(reason) => Err(Unparsed::Mine(skb, reason)),
    }
}

/// Whether more fragments follow, or some came before.
#[cold]
fn is_fragment_v4(skb: &Skb) -> bool {
    ipv4::Header::of(&Headers(skb)).is_some_and(|header| header.is_fragment())
}

#[cold]
fn parse_fragment(ipvs: &Ipvs, skb: Skb, context: &HookState<'_>) -> Result<(Skb, Flow), Unparsed> {
    let skb = whole(ipvs, skb, context).ok_or(Unparsed::Taken)?;
    match Flow::parse(&Headers(&skb)) {
        Ok(flow) => Ok((skb, flow)),
        Err(reason) => Err(Unparsed::Mine(skb, reason)),
    }
}

/// The datagram that a fragment is of, if this was the last one to come.
pub(crate) fn whole(ipvs: &Ipvs, skb: Skb, context: &HookState<'_>) -> Option<Skb> {
    let user = match context.hook {
        InetHook::LocalOut => DefragUser::VsOut,
        InetHook::Forward => DefragUser::VsFwd,
        InetHook::LocalIn | InetHook::PreRouting | InetHook::PostRouting => DefragUser::VsIn,
    };
    match skb.defragment(context.net, user) {
        Ok(skb) => Some(skb),
        Err(DefragError::InProgress) => None,
        Err(DefragError::Refused) => {
            ipvs.drops.count(Reason::Fragment);
            None
        }
    }
}

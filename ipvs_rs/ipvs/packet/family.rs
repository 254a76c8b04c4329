// SPDX-License-Identifier: GPL-2.0

//! The versions of the Internet protocol, as netfilter names them.

use ipvs_core::addr::Family;
use knet::netfilter;

/// A family as netfilter names it.
pub(super) const fn netfilter_family(family: Family) -> netfilter::Family {
    match family {
        Family::V4 => netfilter::Family::V4,
        Family::V6 => netfilter::Family::V6,
    }
}

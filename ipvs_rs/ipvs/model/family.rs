// SPDX-License-Identifier: GPL-2.0

//! Address families, as netfilter names them.

use ipvs_core::addr::Family;
use knet::netfilter;

/// The netfilter number of an address family.
pub(crate) const fn netfilter_family(family: Family) -> netfilter::Family {
    match family {
        Family::V4 => netfilter::Family::V4,
        Family::V6 => netfilter::Family::V6,
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The module `xt_ipvs`: the match `ipvs` of iptables.

#![forbid(unsafe_code)]

use ipvs::plugin::matching;
use ipvs_core::matching::{Criteria, Direction, LEN};
use kernel::prelude::*;
use knet::{
    log,
    netfilter::{Family, HookState},
    rcu_module,
    skbuff::Skb,
    xtables::{Entry, Match, Registration, TrackedDirection},
};

rcu_module! {
    type: Module,
    name: "xt_ipvs",
    authors: ["The ipvs_rs authors"],
    description: "Xtables: match of IPVS connections (Rust)",
    license: "GPL",
    alias: ["ipt_ipvs", "ip6t_ipvs"],
}

/// The match `ipvs`.
struct Ipvs;

impl Match for Ipvs {
    const NAME: &'static CStr = c"ipvs";
    const REVISION: u8 = 0;
    type Rule = [u8; LEN];

    fn check(family: Result<Family, u8>, _: &Self::Rule) -> Result {
        match family {
            Ok(_) => Ok(()),
            Err(number) => {
                if log::net_ratelimit() {
                    pr_info!("protocol family {number} not supported\n");
                }
                Err(EINVAL)
            }
        }
    }

    fn matches(packet: &Skb, rule: &Self::Rule, context: &HookState<'_>) -> bool {
        let criteria = Criteria::read(rule);
        let is_handled = packet.ipvs_property();
        if let Some(answer) = criteria.of_handled(is_handled) {
            return answer;
        }
        let subject = is_handled.then(|| matching::subject(packet, context));
        let direction = || match packet.tracked_direction()? {
            TrackedDirection::Original => Some(Direction::Original),
            TrackedDirection::Reply => Some(Direction::Reply),
        };
        match subject.flatten() {
            Some(subject) => criteria.match_subject(&subject, direction),
            None => false,
        }
    }
}

static ENTRY: Entry<Ipvs> = Entry::new();

/// What the loaded module owns.
struct Module {
    _match: Registration<Ipvs>,
}

impl kernel::Module for Module {
    fn init(_: &'static ThisModule) -> Result<Self> {
        // Rules may use it at once: nothing fails after this.
        Ok(Self {
            _match: ENTRY.register()?,
        })
    }
}

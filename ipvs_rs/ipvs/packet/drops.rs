// SPDX-License-Identifier: GPL-2.0

//! Packets that are given up, and counted.

use knet::{
    netfilter::Verdict,
    skbuff::{DefragError, Skb},
};

use crate::model::{drops::Reason, Ipvs};

impl Ipvs {
    /// Gives up a packet.
    #[cold]
    pub(super) fn drop_packet(&self, skb: Skb, reason: Reason) -> Verdict {
        self.drops.count(reason);
        Verdict::Drop(skb)
    }

    /// Takes account of a fragment that C has: it waits for others, or was given up.
    #[cold]
    pub(super) fn not_whole(&self, error: DefragError) -> Verdict {
        match error {
            DefragError::InProgress => {}
            DefragError::Refused => self.drops.count(Reason::Fragment),
        }
        Verdict::Stolen
    }

    /// Counts and frees a packet that was to be sent on, if it is given up instead. As with the C
    /// module, a program on this host that made it is not told.
    #[inline]
    pub(super) fn count_unsent(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Drop(skb) => {
                self.drops.count(Reason::NotSent);
                drop(skb);
                Verdict::Stolen
            }
            sent => sent,
        }
    }
}

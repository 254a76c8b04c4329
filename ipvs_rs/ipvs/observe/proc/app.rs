// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_app`: the helpers for application protocols.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::{proc_seq::Rows, rcu};

use super::Protocol;
use crate::model::{
    helping::{self, MOST},
    Ipvs,
};

/// A row is a helper for one port, with the number of connections that are bound to it in the namespace.
pub(super) struct HelperRows;

impl Rows<Ipvs> for HelperRows {
    const NAME: &'static CStr = c"ip_vs_app";
    /// How many places of the table were looked at, from its end.
    type Cursor = usize;

    fn header(_ipvs: &Ipvs, seq: &SeqFile) {
        seq_print!(seq, "prot port    usecnt name\n");
    }

    fn row(ipvs: &Ipvs, looked_at: usize, seq: &SeqFile) -> Option<usize> {
        let guard = rcu::read_lock();
        let places = (0..MOST).rev().skip(looked_at);
        let mut used = places.filter_map(|place| Some((place, helping::at(place, &guard)?)));
        let (place, incarnation) = used.next()?;
        let protocol = u16::from(incarnation.transport.number());
        let name = incarnation.helper.name();
        seq_print!(
            seq,
            "{:<3}  {:<7} {:<6} {:<17}\n",
            Protocol(protocol),
            incarnation.port,
            incarnation.bound(&ipvs.helped),
            name
        );
        MOST.checked_sub(place)
    }
}

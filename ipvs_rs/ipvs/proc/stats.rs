// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_stats`: what was counted in the whole namespace. All numbers are hexadecimal.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::proc_seq::Show;

use crate::netns::Ipvs;

/// All of the file.
pub(super) struct Totals;

impl Show<Ipvs> for Totals {
    const NAME: &'static CStr = c"ip_vs_stats";

    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        let stats = ipvs.stats.view();
        let line = |[conns, inpkts, outpkts, inbytes, outbytes]: [u64; 5]| {
            seq_print!(
                seq,
                "{conns:>8X} {inpkts:>8X} {outpkts:>8X} {inbytes:>16X} {outbytes:>16X}\n"
            );
        };
        let counters = stats.counters;
        seq_print!(
            seq,
            "   Total Incoming Outgoing         Incoming         Outgoing\n"
        );
        seq_print!(
            seq,
            "   Conns  Packets  Packets            Bytes            Bytes\n"
        );
        line([
            counters.conns,
            counters.inpkts,
            counters.outpkts,
            counters.inbytes,
            counters.outbytes,
        ]);
        seq_print!(
            seq,
            "\n Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
        );
        line([
            stats.cps,
            stats.inpps,
            stats.outpps,
            stats.inbps,
            stats.outbps,
        ]);
    }
}

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
        let line = |[conns, in_packets, out_packets, in_bytes, out_bytes]: [u64; 5]| {
            seq_print!(
                seq,
                "{conns:>8X} {in_packets:>8X} {out_packets:>8X} {in_bytes:>16X} {out_bytes:>16X}\n"
            );
        };
        let totals = stats.totals;
        seq_print!(
            seq,
            "   Total Incoming Outgoing         Incoming         Outgoing\n"
        );
        seq_print!(
            seq,
            "   Conns  Packets  Packets            Bytes            Bytes\n"
        );
        line([
            totals.conns,
            totals.in_packets,
            totals.out_packets,
            totals.in_bytes,
            totals.out_bytes,
        ]);
        let rates = stats.rates;
        seq_print!(
            seq,
            "\n Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
        );
        line([
            rates.conns,
            rates.in_packets,
            rates.out_packets,
            rates.in_bytes,
            rates.out_bytes,
        ]);
    }
}

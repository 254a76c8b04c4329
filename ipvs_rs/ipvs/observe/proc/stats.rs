// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_stats` and `/proc/net/ip_vs_stats_percpu`: the counters of the whole
//! namespace. All numbers are hexadecimal.

use ipvs_core::est::{Counters, Stats};
use kernel::{fmt, prelude::*, seq_file::SeqFile, seq_print};
use knet::{percpu::Cpu, proc_seq::Show};

use crate::model::Ipvs;

/// Five numbers in their columns.
struct Columns([u64; 5]);

impl Columns {
    fn of(counters: &Counters) -> Self {
        Self([
            counters.conns,
            counters.inpkts,
            counters.outpkts,
            counters.inbytes,
            counters.outbytes,
        ])
    }

    fn of_rates(stats: &Stats) -> Self {
        Self([
            stats.cps,
            stats.inpps,
            stats.outpps,
            stats.inbps,
            stats.outbps,
        ])
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [conns, inpkts, outpkts, inbytes, outbytes] = self.0;
        f.write_fmt(format_args!(
            "{conns:>8X} {inpkts:>8X} {outpkts:>8X} {inbytes:>16X} {outbytes:>16X}"
        ))
    }
}

/// `ip_vs_stats`.
pub(super) struct Totals;

impl Show<Ipvs> for Totals {
    const NAME: &'static CStr = c"ip_vs_stats";

    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        let stats = ipvs.stats.view();
        seq_print!(
            seq,
            "   Total Incoming Outgoing         Incoming         Outgoing\n\
             \x20  Conns  Packets  Packets            Bytes            Bytes\n\
             {}\n\n\
             \x20Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n\
             {}\n",
            Columns::of(&stats.counters),
            Columns::of_rates(&stats),
        );
    }
}

/// `ip_vs_stats_percpu`.
pub(super) struct PerCpu;

impl Show<Ipvs> for PerCpu {
    const NAME: &'static CStr = c"ip_vs_stats_percpu";

    /// As the C module does: the lines of the CPUs are never set to zero, their sum is.
    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        seq_print!(
            seq,
            "       Total Incoming Outgoing         Incoming         Outgoing\n\
             CPU    Conns  Packets  Packets            Bytes            Bytes\n"
        );
        for cpu in Cpu::possible() {
            let columns = Columns::of(&ipvs.stats.of_cpu(cpu));
            seq_print!(seq, "{:>3X} {columns}\n", cpu.number());
        }
        let stats = ipvs.stats.view();
        seq_print!(
            seq,
            "  ~ {}\n\n\
             \x20    Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n\
             \x20   {}\n",
            Columns::of(&stats.counters),
            Columns::of_rates(&stats),
        );
    }
}

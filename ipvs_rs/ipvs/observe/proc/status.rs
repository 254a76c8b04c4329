// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_status`: how full the tables are.

use core::sync::atomic::Ordering::Relaxed;
use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::{hashtable::BucketLengths, proc_seq::Show};

use crate::model::Ipvs;

/// All of the file.
pub(super) struct Status;

impl Show<Ipvs> for Status {
    const NAME: &'static CStr = c"ip_vs_status";
    const MODE: u16 = 0o440;

    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        let (conns, services) = (ipvs.conns.count(), ipvs.services.count());
        seq_print!(seq, "Conns:\t{conns}\n");
        let lfactor = ipvs.settings.conn_lfactor.load(Relaxed);
        show_size("Conn", ipvs.conns.bits(), lfactor, seq);
        if conns != 0 {
            show_lengths("Conn", &ipvs.conns.lengths(), seq);
        }
        seq_print!(seq, "Services:\t{services}\n");
        // As the C module does, which has no table when it has no services.
        let bits = ipvs.services.bits().filter(|_| services != 0);
        let lfactor = ipvs.settings.svc_lfactor.load(Relaxed);
        show_size("Service", bits, lfactor, seq);
        if services != 0 {
            show_lengths("Service", &ipvs.services.lengths(), seq);
        }
        // As the C module shows it when it has no thread for statistics; we never have one.
        seq_print!(
            seq,
            "Stats thread slots:\t1 (max 0)\n\
             Stats chain max len:\t0\n\
             Stats thread ests:\t0\n"
        );
    }
}

/// Writes the line about the size of a table.
fn show_size(table: &str, bits: Option<u32>, lfactor: i32, seq: &SeqFile) {
    let (size, bits, lfactor) = match bits {
        Some(bits) => (1_u64.wrapping_shl(bits), bits, lfactor),
        None => (0, 0, 0),
    };
    seq_print!(
        seq,
        "{table} buckets:\t{size} ({bits} bits, lfactor {lfactor})\n"
    );
}

/// Writes the lines about the lengths of the buckets of a table.
fn show_lengths(table: &str, lengths: &BucketLengths, seq: &SeqFile) {
    let BucketLengths { empty, by_length } = *lengths;
    let used = by_length.iter().fold(0_u64, |sum, n| sum.wrapping_add(*n));
    let share = percent(empty, empty.wrapping_add(used));
    seq_print!(seq, "{table} buckets empty:\t{empty} ({share}%)\n");
    for (length, buckets) in (1_u32..8).zip(by_length) {
        if buckets != 0 {
            let share = percent(buckets, used);
            seq_print!(seq, "{table} buckets len-{length}:\t{buckets} ({share}%)\n");
        }
    }
}

/// What percentage of `all` is `part`.
fn percent(part: u64, all: u64) -> u64 {
    part.wrapping_mul(100).checked_div(all).unwrap_or(0)
}

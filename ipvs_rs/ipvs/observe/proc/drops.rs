// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_drops`: why packets and connections were given up, a reason and a number in
//! each line. The C module has no such file.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::proc_seq::Show;

use crate::model::Ipvs;

/// `ip_vs_drops`.
pub(super) struct DropCounts;

impl Show<Ipvs> for DropCounts {
    const NAME: &'static CStr = c"ip_vs_drops";

    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        for (reason, count) in ipvs.drops.all() {
            seq_print!(seq, "{reason} {count}\n");
        }
    }
}

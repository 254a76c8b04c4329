// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_early`: whether packets may leave before they are routed, how many did, and why others did not. A name and a
//! number in each line. The C module has no such file.

use core::sync::atomic::Ordering::Relaxed;
use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::proc_seq::Show;

use crate::model::Ipvs;

/// `ip_vs_early`.
pub(super) struct EarlyCounts;

impl Show<Ipvs> for EarlyCounts {
    const NAME: &'static CStr = c"ip_vs_early";

    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        let mode = ipvs.settings.early_path.load(Relaxed);
        seq_print!(seq, "mode {mode}\n");
        for (outcome, count) in ipvs.passages.outcomes() {
            seq_print!(seq, "{outcome} {count}\n");
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_sync`: the events of the synchronisation daemons, a name and a number in each line. The C module has
//! no such file.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::proc_seq::Show;

use crate::model::Ipvs;

/// `ip_vs_sync`.
pub(super) struct SyncCounts;

impl Show<Ipvs> for SyncCounts {
    const NAME: &'static CStr = c"ip_vs_sync";

    fn show(ipvs: &Ipvs, seq: &SeqFile) {
        for (event, count) in ipvs.sync_events.all() {
            seq_print!(seq, "{event} {count}\n");
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_app`: the helpers for application protocols. There are none yet.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::proc_seq::Show;

use crate::netns::Ipvs;

/// The file.
pub(super) struct Table;

impl Show<Ipvs> for Table {
    const NAME: &'static CStr = c"ip_vs_app";

    fn show(_ipvs: &Ipvs, seq: &SeqFile) {
        seq_print!(seq, "prot port    usecnt name\n");
    }
}

// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_app`: the helpers for application protocols. There are none yet.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::proc_seq::Rows;

use crate::model::Ipvs;

/// A row is a helper.
pub(super) struct Table;

impl Rows<Ipvs> for Table {
    const NAME: &'static CStr = c"ip_vs_app";
    type Cursor = ();

    fn header(_ipvs: &Ipvs, seq: &SeqFile) {
        seq_print!(seq, "prot port    usecnt name\n");
    }

    fn row(_ipvs: &Ipvs, (): (), _seq: &SeqFile) -> Option<()> {
        None
    }
}

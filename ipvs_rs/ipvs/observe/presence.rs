// SPDX-License-Identifier: GPL-2.0

//! What the kernel log says of the module. Some tools look for these lines.

use kernel::prelude::*;
use knet::module::Parameter;

use crate::model::conn::table;

/// Exists as long as the module is loaded.
pub struct Presence(());

impl Presence {
    /// Logs that the module is there, and takes its parameter over. The parameter then shows the value in force.
    pub fn announce(conn_tab_bits: &Parameter) -> Self {
        let bits = table::set_most_bits(conn_tab_bits.value());
        // CAST: A few bits.
        conn_tab_bits.set(bits as i32);
        let buckets = 1_u64.wrapping_shl(bits);
        // CAST: A pointer has few bytes.
        let memory = buckets.saturating_mul(size_of::<usize>() as u64) >> 10;
        pr_info!("Registered protocols (TCP, UDP, SCTP, AH, ESP)\n");
        pr_info!("Connection hash table configured (size={buckets}, memory={memory}Kbytes)\n");
        pr_info!("ipvs loaded.\n");
        Self(())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        pr_info!("ipvs unloaded.\n");
    }
}

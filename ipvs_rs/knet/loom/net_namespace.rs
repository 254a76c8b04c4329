// SPDX-License-Identifier: GPL-2.0

//! Network namespaces, as far as they count.

use std::{collections::HashMap, sync::Mutex};

type Ends = ([u8; 4], [u8; 4]);

/// A namespace, with the kernel's counters of identifications. Reading one is no turn of a thread's own.
#[derive(Default)]
pub struct Net(Mutex<HashMap<(Ends, u8), u16>>);

impl Net {
    /// As knet's.
    pub fn reserve_identifications(&self, ends: Ends, protocol: u8, count: u16) -> u16 {
        let mut counters = self.0.lock().expect("no thread dies here");
        let next = counters.entry((ends, protocol)).or_insert(u16::MAX - 40);
        let first = *next;
        *next = next.wrapping_add(count);
        first
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The masters that the backup of a namespace hears, for those who look.

use core::net::IpAddr;
use kernel::alloc::KVec;
use knet::{
    time::{Jiffies, HZ},
    vec::{position, VecExt},
};

/// A stream of a master: what one of its threads sends.
#[derive(Clone, Copy)]
pub(crate) struct HeardMaster {
    /// The address that its datagrams come from.
    pub(crate) addr: IpAddr,
    /// The number that the master calls itself.
    pub(crate) sender: u32,
    /// The number of the thread.
    pub(crate) stream: u16,
    /// The second in which this run of the master began, since 1970.
    pub(crate) epoch: u32,
    /// Whether all connections that it had are here.
    pub(crate) is_complete: bool,
    /// The number of its datagrams that are missing.
    pub(crate) missing: u32,
    /// The time of its last message.
    pub(crate) heard: Jiffies,
}

impl HeardMaster {
    /// The time since the last message, in milliseconds.
    pub(crate) fn silence(&self) -> u32 {
        let ticks = Jiffies::now().since(self.heard).max(0);
        let milliseconds = ticks.saturating_mul(1000).checked_div(HZ as isize);
        u32::try_from(milliseconds.unwrap_or(0)).unwrap_or(u32::MAX)
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.sender, self.stream) == (other.sender, other.stream)
    }
}

/// The masters that are heard.
#[derive(Default)]
pub(crate) struct Masters(KVec<HeardMaster>);

impl Masters {
    /// Takes account of what a thread knows of a master now. For want of memory a new one is not listed.
    pub(crate) fn update(&mut self, master: &HeardMaster) {
        match self.0.iter_mut().find(|known| known.is_same(master)) {
            Some(known) => *known = *master,
            None => {
                // It is told of again in a second.
                let _ = self.0.append(*master);
            }
        }
    }

    /// Takes account of a master that is not heard any more.
    pub(crate) fn remove(&mut self, master: &HeardMaster) {
        if let Some(index) = position(&self.0, |known| known.is_same(master)) {
            // There is one at this place.
            let _ = self.0.remove(index);
        }
    }

    /// The masters, in the order in which they were first heard.
    pub(crate) fn all(&self) -> &[HeardMaster] {
        &self.0
    }
}

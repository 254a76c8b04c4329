// SPDX-License-Identifier: GPL-2.0

//! A change of timeouts.

use super::Error;
use crate::proto::Timeouts;

/// A change of timeouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeoutChange {
    tcp_established: u32,
    tcp_fin_wait: u32,
    udp: u32,
}

impl TimeoutChange {
    /// A change to these timeouts in seconds. 0 keeps the old timeout.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if one of them does not fit into an `i32` as ticks. A second has `hz`
    /// ticks.
    pub fn new(tcp_established: u32, tcp_fin_wait: u32, udp: u32, hz: u32) -> Result<Self, Error> {
        for seconds in [tcp_established, tcp_fin_wait, udp] {
            let ticks = u64::from(seconds).saturating_mul(u64::from(hz));
            if i32::try_from(ticks).is_err() {
                return Err(Error::Timeout);
            }
        }
        Ok(Self {
            tcp_established,
            tcp_fin_wait,
            udp,
        })
    }

    /// The timeouts after the change.
    #[must_use]
    pub const fn apply(&self, old: Timeouts) -> Timeouts {
        const fn change(old: u32, new: u32) -> u32 {
            if new == 0 {
                old
            } else {
                new
            }
        }
        Timeouts {
            tcp_established: change(old.tcp_established, self.tcp_established),
            tcp_fin_wait: change(old.tcp_fin_wait, self.tcp_fin_wait),
            udp: change(old.udp, self.udp),
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The other directors that the daemons of a namespace know by their addresses.

use core::net::IpAddr;
use ipvs_core::addr::Family;
use kernel::{alloc::KVec, prelude::*};
use knet::vec::VecExt;

/// The addresses of the other directors: one or more, all of one family. Replaced as a whole.
pub(crate) struct Peers {
    pub(crate) family: Family,
    addrs: KVec<IpAddr>,
}

impl Peers {
    /// The peers with these addresses of this family.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(family: Family, all: impl Iterator<Item = IpAddr>) -> Result<Self> {
        let mut addrs = KVec::new();
        for addr in all {
            addrs.append(addr)?;
        }
        Ok(Self { family, addrs })
    }

    /// The addresses.
    pub(crate) fn addrs(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.addrs.iter().copied()
    }

    /// Whether one of them has this address.
    pub(crate) fn has(&self, addr: IpAddr) -> bool {
        self.addrs.iter().any(|known| *known == addr)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What is seen in `/proc`.

mod listing;
mod sysctl;

use kernel::prelude::*;
use knet::{net_namespace::Net, proc_seq::File, rcu::Arc, sysctl::SysctlTable};

use crate::netns::Ktcpvs;

/// The files of a namespace.
pub(crate) struct Files {
    listing: File<Ktcpvs>,
    settings: SysctlTable<Ktcpvs>,
}

impl Files {
    pub(crate) fn register(ktcpvs: &Arc<Ktcpvs>, net: &Net) -> Result<Self> {
        let listing = File::show::<listing::Listing>(net, ktcpvs.clone())?;
        match SysctlTable::register(net, c"net/ktcpvs", sysctl::ENTRIES, ktcpvs.clone()) {
            Ok(settings) => Ok(Self { listing, settings }),
            Err(error) => {
                listing.remove(net);
                Err(error)
            }
        }
    }

    /// Waits for those who use them.
    pub(crate) fn unregister(self, net: &Net) {
        self.settings.unregister(net);
        self.listing.remove(net);
    }
}

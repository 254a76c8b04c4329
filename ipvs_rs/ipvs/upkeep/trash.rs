// SPDX-License-Identifier: GPL-2.0

//! Rounds through the trash, as long as there is a deleted server in it.

use knet::{
    field::{field, Field},
    rcu::Arc,
    time::Jiffies,
    work::{Job, Work},
};

use crate::model::{
    dest::Dest,
    duties::{Resize, TrashRound},
    Ipvs,
};

impl Job<Ipvs> for TrashRound {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, trash_round);

    fn run(ipvs: Arc<Ipvs>) {
        let mut config = ipvs.config.lock();
        let forget = |dest: &Dest| ipvs.servers.forget(dest);
        config.trash.sweep(Jiffies::now(), forget);
        if ipvs.servers.are_oversized() {
            Resize::plan(&ipvs);
        }
        if !config.trash.is_empty() {
            Self::plan(&ipvs);
        }
    }
}

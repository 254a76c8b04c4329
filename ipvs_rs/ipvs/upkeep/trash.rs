// SPDX-License-Identifier: GPL-2.0

//! Rounds through the trash, as long as there is a deleted server in it.

use knet::{
    field::{field, Field},
    rcu::Arc,
    time::Jiffies,
    work::{Job, Work},
};

use crate::model::{duties::TrashRound, Ipvs};

impl Job<Ipvs> for TrashRound {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, trash_round);

    fn run(ipvs: Arc<Ipvs>) {
        let mut config = ipvs.config.lock();
        config.trash.sweep(Jiffies::now());
        if !config.trash.is_empty() {
            Self::plan(&ipvs);
        }
    }
}

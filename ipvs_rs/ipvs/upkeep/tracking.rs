// SPDX-License-Identifier: GPL-2.0

//! Connection tracking, where a helper needs it and nobody else has begun it.

use ipvs_core::addr::Family;
use knet::{
    field::{field, Field},
    rcu::Arc,
    work::{Job, Work},
};

use crate::model::{duties::Track, Ipvs};

impl Job<Ipvs> for Track {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, track);

    fn run(ipvs: Arc<Ipvs>) {
        let Some(net) = ipvs.keep_net() else {
            return;
        };
        let mut config = ipvs.config.lock();
        for family in [Family::V4, Family::V6] {
            // Without a service of the family, none of its connections has a helper.
            if ipvs.services.count_of(family) != 0 {
                // Should it fail, then the next connection tries again.
                let _ = config.track(&ipvs, &net, family);
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The hooks of the early path, which are there while nobody else has hooks that early packets would pass by.

use knet::{
    field::{field, Field},
    rcu::Arc,
    work::{Job, Work},
};

use crate::model::{duties::Early, Ipvs};

impl Job<Ipvs> for Early {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, early);

    fn run(ipvs: Arc<Ipvs>) {
        if let Some(net) = ipvs.keep_net() {
            // Should it fail, then a packet that might have left early tries again, a second later.
            let _ = ipvs.config.lock().consider_early(&ipvs, &net);
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The tables of a namespace change their size.
//!
//! Nothing runs while the number of entries stays within the bounds that the last resize has set. The change
//! of a table that crosses a bound plans the next.

use core::sync::atomic::Ordering::Relaxed;
use knet::{
    field::{field, Field},
    rcu::Arc,
    work::{Job, Work},
};

use crate::model::{duties::Resize, Ipvs};

impl Job<Ipvs> for Resize {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, resize);

    fn run(ipvs: Arc<Ipvs>) {
        // Without memory the tables stay as they are; they work at any size.
        if ipvs.services.bits().is_some() {
            let _ = ipvs.services.resize(ipvs.settings.svc_lfactor());
        }
        let _ = ipvs.servers.resize_if_there();
        if ipvs.conns.bits().is_some() {
            let _ = ipvs.conns.resize(ipvs.settings.conn_lfactor.load(Relaxed));
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Many services and their servers change at one moment, or not at all.
//!
//! ```text
//!   DesiredState ──> Draft: another index of services ──> Services::publish ──> settle: events, trash
//!                      └── an error: take_back
//! ```
//!
//! Both indexes share a service that stays as it is. Servers that stay are the same objects in the old pool and in the new
//! one, so their connections and counters stay with them; the configuration of a server is in the pool. The settings of a
//! server that the packets of its connections use change just before the index does, so a packet that sees the new index
//! sees these settings, too.

mod desired;
mod draft;
mod failure;
mod positions;

use ipvs_core::addr::Family;
use kernel::prelude::*;
use knet::rcu::Arc;

use super::configure;
use crate::model::{
    duties::{Cleanup, Estimation, Resize, TrashRound},
    origin::Origin,
    Config, Ipvs,
};
use draft::Draft;

pub(crate) use desired::{DesiredDest, DesiredService, DesiredState};
pub(crate) use failure::Failure;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Registers the hooks for the families of the draft's services, and of the servers from whose tunnels errors may come.
fn open_hooks(ipvs: &Arc<Ipvs>, config: &mut Config, origin: Origin<'_>, draft: &Draft) -> Result {
    for family in FAMILIES {
        if draft.concerns(family) || ipvs.servers.count_mixed(family) != 0 {
            config.open_hooks(ipvs, origin.net, family)?;
        }
    }
    Ok(())
}

/// Brings the services of a namespace into the desired state.
///
/// # Errors
///
/// [`Failure`]; nothing has changed then.
pub(crate) fn apply(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    desired: &DesiredState,
) -> Result<(), Failure> {
    let mut config = ipvs.config.lock();
    ipvs.make_tables()?;
    let mut draft = Draft::new(ipvs, desired)?;
    let drafted = draft
        .fill(ipvs, &mut config, origin.net, desired)
        .and_then(|()| Ok(open_hooks(ipvs, &mut config, origin, &draft)?));
    if drafted.is_err() {
        draft.take_back(ipvs);
    } else {
        draft.settle(ipvs, &mut config, origin);
    }
    for family in FAMILIES {
        configure::close_unused_hooks(ipvs, &mut config, origin.net, family);
    }
    drop(config);
    drafted?;
    Resize::consider(ipvs);
    Estimation::start(ipvs);
    TrashRound::plan(ipvs);
    Cleanup::consider(ipvs);
    Ok(())
}

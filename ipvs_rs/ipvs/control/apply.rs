// SPDX-License-Identifier: GPL-2.0

//! Many services and their servers at one moment, or not at all.
//!
//! ```text
//!   Wanted ──> Draft: another index of services ──> Services::publish ──> settle: events, trash
//!                 └── an error: take_back
//! ```
//!
//! A service that stays as it is is shared by both indexes. Servers that stay are the same objects
//! in the old pool and in the new one, so their connections and counters stay with them; what they
//! are configured to is in the pools. What the packets of their connections go by changes just
//! before the index: a packet that sees the new one sees that too.

mod draft;
mod places;

use core::ops::Range;
use ipvs_core::{
    addr::Family,
    config::{DestKey, DestSpec, ServiceKey, ServiceSpec},
};
use kernel::{alloc::KVVec, prelude::*};
use knet::rcu::Arc;

use super::configure;
use crate::model::{
    duties::{Cleanup, Estimation, Resize, TrashRound},
    origin::Origin,
    scheduling::Plugins,
    Config, Ipvs,
};
use draft::Draft;

/// A service that is to be there.
pub(crate) struct Service {
    pub(crate) key: ServiceKey,
    pub(crate) spec: ServiceSpec,
    pub(crate) plugins: Plugins,
    /// Its servers, in [`Wanted::dests`].
    pub(crate) dests: Range<usize>,
    /// Its place in the request.
    pub(crate) entry: usize,
}

/// A server that is to be there.
pub(crate) struct Dest {
    pub(crate) key: DestKey,
    pub(crate) spec: DestSpec,
    /// Its place in the request.
    pub(crate) entry: usize,
}

/// What is to be there.
pub(crate) struct Wanted {
    pub(crate) services: KVVec<Service>,
    pub(crate) dests: KVVec<Dest>,
    /// And nothing else.
    pub(crate) only: bool,
}

/// Why nothing was done.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// What is the matter, in words.
    pub(crate) text: &'static str,
    /// Which part of the request it is the matter with.
    pub(crate) entry: Option<usize>,
}

impl Failure {
    /// What is wrong with one part of the request.
    pub(crate) fn at(entry: usize, error: Error, text: &'static str) -> Self {
        Self {
            error,
            text,
            entry: Some(entry),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            text: "it cannot be done now",
            entry: None,
        }
    }
}

impl From<kernel::alloc::AllocError> for Failure {
    fn from(_: kernel::alloc::AllocError) -> Self {
        ENOMEM.into()
    }
}

impl<T> From<kernel::alloc::kvec::PushError<T>> for Failure {
    fn from(_: kernel::alloc::kvec::PushError<T>) -> Self {
        ENOMEM.into()
    }
}

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Lets packets be looked at for which there is a service in the draft, or the end of a tunnel.
fn open_hooks(ipvs: &Arc<Ipvs>, config: &mut Config, origin: Origin<'_>, draft: &Draft) -> Result {
    for family in FAMILIES {
        if draft.concerns(family) || ipvs.servers.count_mixed(family) != 0 {
            config.open_hooks(ipvs, origin.net, family)?;
        }
    }
    Ok(())
}

/// Makes the services of a namespace what is wanted.
///
/// # Errors
///
/// [`Failure`]; nothing has changed then.
pub(crate) fn apply(ipvs: &Arc<Ipvs>, origin: Origin<'_>, wanted: &Wanted) -> Result<(), Failure> {
    let mut config = ipvs.config.lock();
    ipvs.make_tables()?;
    let mut draft = Draft::new(ipvs, wanted)?;
    let drafted = draft
        .fill(ipvs, &mut config, origin.net, wanted)
        .and_then(|()| Ok(draft.prepare_servers(ipvs)?))
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

// SPDX-License-Identifier: GPL-2.0

//! The state of services and servers that a request asks for.

use core::ops::Range;
use ipvs_core::config::{DestKey, DestSpec, ServiceKey, ServiceSpec};
use kernel::alloc::KVVec;

use crate::model::scheduling::Plugins;

/// A service that there is to be.
pub(crate) struct DesiredService {
    pub(crate) key: ServiceKey,
    pub(crate) spec: ServiceSpec,
    pub(crate) plugins: Plugins,
    /// The places of its servers in [`DesiredState::dests`].
    pub(crate) dests: Range<usize>,
    /// The number of the service among the entries of the request.
    pub(crate) entry: usize,
}

/// A server that there is to be.
pub(crate) struct DesiredDest {
    pub(crate) key: DestKey,
    pub(crate) spec: DestSpec,
    /// The number of the server among the entries of the request.
    pub(crate) entry: usize,
}

/// The services and servers that there are to be.
pub(crate) struct DesiredState {
    pub(crate) services: KVVec<DesiredService>,
    pub(crate) dests: KVVec<DesiredDest>,
    /// Whether all other services are to be deleted.
    pub(crate) is_whole_table: bool,
}

impl DesiredState {
    /// The servers of one of the services.
    pub(super) fn dests_of(&self, service: &DesiredService) -> &[DesiredDest] {
        self.dests.get(service.dests.clone()).unwrap_or_default()
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The settings of a service besides its scheduler and its servers.

use ipvs_core::{
    config::{Netmask, ServiceSpec},
    proto,
    uapi::service_flags,
};
use knet::time::HZ;

/// The settings of a service. They are part of its pool, so a packet sees them together with the scheduler that
/// reads them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceSettings {
    /// See [`uapi::service_flags`](ipvs_core::uapi::service_flags).
    pub(crate) flags: u32,
    /// The time-out of a persistence template, in seconds.
    pub(crate) timeout: u32,
    /// The netmask of persistence: clients of one network go to the same server.
    pub(crate) netmask: Netmask,
}

impl ServiceSettings {
    /// The settings of a new service.
    pub(crate) fn new(spec: &ServiceSpec) -> Self {
        Self::with_flags(spec, 0)
    }

    /// These settings after an edit.
    pub(crate) fn edited(&self, spec: &ServiceSpec) -> Self {
        Self::with_flags(spec, self.flags)
    }

    fn with_flags(spec: &ServiceSpec, flags: u32) -> Self {
        Self {
            flags: spec.flags.apply(flags),
            timeout: spec.timeout,
            netmask: spec.netmask,
        }
    }

    /// The time-out in ticks, computed in 32 bits as the C module does.
    pub(crate) fn timeout_ticks(&self) -> u32 {
        // CAST: `HZ` is at most a few thousand.
        self.timeout.wrapping_mul(HZ as u32)
    }

    /// Whether further connections of a client go to the same server.
    #[inline]
    pub(crate) fn is_persistent(&self) -> bool {
        self.flags & service_flags::PERSISTENT != 0
    }

    /// Whether each UDP packet is scheduled on its own.
    #[inline]
    pub(crate) fn is_one_packet(&self, protocol: u8) -> bool {
        protocol == proto::UDP && self.flags & service_flags::ONE_PACKET != 0
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What a service is set to besides its scheduler and its servers.

use ipvs_core::{
    config::{Netmask, ServiceSpec},
    proto,
    uapi::service_flags,
};
use knet::time::HZ;

/// The settings of a service. They are part of its pool, so that a packet sees them together with the
/// scheduler that reads them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceSettings {
    /// See [`uapi::service_flags`](ipvs_core::uapi::service_flags).
    pub(crate) flags: u32,
    /// How long a persistence template lives, in seconds.
    pub(crate) timeout: u32,
    /// Which clients persistence takes for one.
    pub(crate) netmask: Netmask,
}

impl ServiceSettings {
    /// Those of a new service.
    pub(crate) fn new(spec: &ServiceSpec) -> Self {
        Self::with_flags(spec, 0)
    }

    /// What an edit makes of these.
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

    /// The time-out in ticks. As the C module does: it is counted with 32 bits.
    pub(crate) fn timeout_ticks(&self) -> u32 {
        // CAST: It is a few hundred.
        self.timeout.wrapping_mul(HZ as u32)
    }

    /// Whether clients come back to the server they had.
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

// SPDX-License-Identifier: GPL-2.0

//! Tells who listens of each change, in the order in which they are made: the callers hold the
//! configuration lock, or that of the sysctls.

use ipvs_core::{
    config::{
        event::{self, Action},
        reply::{AttributeSink, Full, ServiceView},
        DestKey, DestSpec, ServiceKey,
    },
    proto::Timeouts,
    uapi::additions::{command, top},
};
use kernel::prelude::*;
use knet::{net_namespace::Net, rcu::Guard};

use crate::control::{self, sink::Sink};

/// Where a change comes from: a namespace, and the socket that asked for it.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) net: &'a Net,
    /// Its netlink port; 0 if it was not asked for by netlink.
    port: u32,
}

impl<'a> Origin<'a> {
    /// A netlink socket.
    pub(crate) fn netlink(net: &'a Net, port: u32) -> Self {
        Self { net, port }
    }

    /// Anything but netlink.
    pub(crate) fn elsewhere(net: &'a Net) -> Self {
        Self { net, port: 0 }
    }

    /// Tells what was done with what `describe` writes, unless that is nothing.
    fn tell(&self, action: Action, describe: impl FnOnce(&mut Sink<'_, '_>) -> Result<(), Full>) {
        if action.is_nothing() {
            return;
        }
        control::FAMILY.announce(
            self.net,
            control::MONITOR,
            command::EVENT,
            |message, _: &Guard| {
                control::sink::append(message, |sink| {
                    action.put(sink, self.port)?;
                    describe(sink)
                })
            },
        );
    }

    /// Tells of a service that was added or changed.
    pub(crate) fn service(&self, action: Action, view: &ServiceView) {
        self.tell(action, |sink| event::service(sink, view));
    }

    /// Tells of a service that was deleted with its servers.
    pub(crate) fn service_deleted(&self, key: &ServiceKey) {
        self.tell(Action::Del, |sink| event::service_key(sink, key));
    }

    /// Tells of a server that was added, changed, or deleted, which has no settings any more.
    pub(crate) fn dest(
        &self,
        action: Action,
        service: &ServiceKey,
        key: &DestKey,
        spec: Option<&DestSpec>,
    ) {
        self.tell(action, |sink| {
            event::service_key(sink, service)?;
            event::dest(sink, key, spec)
        });
    }

    /// Tells that all services were deleted.
    pub(crate) fn flushed(&self) {
        self.tell(Action::Flush, |_| Ok(()));
    }

    /// Tells that the counters of a service and its servers were set to 0, or all.
    pub(crate) fn zeroed(&self, service: Option<&ServiceKey>) {
        self.tell(Action::Zero, |sink| match service {
            Some(key) => event::service_key(sink, key),
            None => Ok(()),
        });
    }

    /// Tells of a change of the timeouts.
    pub(crate) fn timeouts(&self, old: &Timeouts, new: &Timeouts) {
        self.tell(event::timeout_changes(old, new), |sink| {
            ipvs_core::config::reply::timeouts(sink, new)
        });
    }

    /// Tells what a sysctl was set to.
    pub(crate) fn setting(&self, name: &CStr, value: &CStr) {
        self.tell(event::setting_change(), |sink| {
            sink.put(top::SETTING, name.to_bytes_with_nul())?;
            sink.put(top::VALUE, value.to_bytes_with_nul())
        });
    }
}

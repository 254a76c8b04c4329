// SPDX-License-Identifier: GPL-2.0

//! Tells listeners of each change, in the order of the changes: the callers hold the configuration lock, or that of the
//! sysctls. What becomes of a master is told by the thread that hears it, in its order.

use ipvs_core::{
    config::{
        event::{self, Action},
        reply::{AttributeSink, Full, ServiceView},
        sync::put_master,
        DestKey, DestSpec, ServiceKey,
    },
    proto::Timeouts,
    uapi::additions::{command, top},
};
use kernel::prelude::*;
use knet::rcu::Guard;

use super::netlink::{self, sink::Sink};
use crate::model::{
    masters::HeardMaster,
    origin::{Monitor, Origin},
};

impl Origin<'_> {
    /// Sends an event about an action, with the attributes that `describe` writes. An action that changes nothing has none.
    fn tell(&self, action: Action, describe: impl FnOnce(&mut Sink<'_, '_>) -> Result<(), Full>) {
        if action.is_nothing() {
            return;
        }
        netlink::FAMILY.multicast(
            self.net,
            netlink::MONITOR,
            command::EVENT,
            |message, _: &Guard| {
                netlink::sink::append(message, |sink| {
                    action.put(sink, self.port)?;
                    describe(sink)
                })
            },
        );
    }

    /// Tells of a service that was added or changed.
    pub(in crate::control) fn service(&self, action: Action, view: &ServiceView) {
        self.tell(action, |sink| event::service(sink, view));
    }

    /// Tells of a service that was deleted with its servers.
    pub(in crate::control) fn service_deleted(&self, key: &ServiceKey) {
        self.tell(Action::Del, |sink| event::service_key(sink, key));
    }

    /// Tells of a server that was added, changed, or deleted, which has no settings any more.
    pub(in crate::control) fn dest(
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
    pub(in crate::control) fn flushed(&self) {
        self.tell(Action::Flush, |_| Ok(()));
    }

    /// Tells that the counters of a service and its servers were set to 0, or all.
    pub(in crate::control) fn zeroed(&self, service: Option<&ServiceKey>) {
        self.tell(Action::Zero, |sink| match service {
            Some(key) => event::service_key(sink, key),
            None => Ok(()),
        });
    }

    /// Tells of a change of the timeouts.
    pub(in crate::control) fn timeouts(&self, old: &Timeouts, new: &Timeouts) {
        self.tell(event::timeout_changes(old, new), |sink| {
            ipvs_core::config::reply::timeouts(sink, new)
        });
    }
}

impl Monitor for Origin<'_> {
    fn setting(&self, name: &CStr, value: &CStr) {
        self.tell(event::setting_change(), |sink| {
            sink.put(top::SETTING, name.to_bytes_with_nul())?;
            sink.put(top::VALUE, value.to_bytes_with_nul())
        });
    }

    fn master(&self, action: Action, master: &HeardMaster) {
        self.tell(action, |sink| {
            put_master(sink, &netlink::sync::view(master))
        });
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tells listeners of each change, in the order of the changes: the callers hold the configuration lock.

use ipvs_core::config::reply::{AttributeSink, Full};
use knet::{genetlink::Request, net_namespace::Net};
use ktcpvs_core::{
    message::{self, Action, Rule, Server},
    uapi::{command, top},
};

use super::netlink::{
    listings::{flags, put_config},
    sink::{append, Sink},
    FAMILY, MONITOR,
};
use crate::service::Service;

/// Where a change is made, and who has asked for it.
pub(super) struct Origin<'a> {
    pub(super) net: &'a Net,
    /// The netlink port of the socket; 0 if it was not asked for by netlink.
    port: u32,
}

impl<'a> Origin<'a> {
    /// The sender of a request.
    pub(super) fn of(request: &'a Request) -> Self {
        Self {
            net: request.net(),
            port: request.port(),
        }
    }

    /// Whoever has written to a file.
    pub(super) const fn file(net: &'a Net) -> Self {
        Self { net, port: 0 }
    }

    fn tell(&self, action: Action, describe: impl FnOnce(&mut Sink<'_, '_>) -> Result<(), Full>) {
        FAMILY.multicast(self.net, MONITOR, command::EVENT, |message, _| {
            append(message, |out| {
                action.write(out, self.port)?;
                describe(out)
            })
        });
    }

    /// Tells that all services were deleted, or replaced.
    pub(super) fn everything(&self, action: Action) {
        self.tell(action, |_| Ok(()));
    }

    /// Tells of a service, as it is now.
    pub(super) fn service(&self, action: Action, service: &Service) {
        let Some(body) = service.body.get() else {
            return;
        };
        // Before the message is written, which may not sleep.
        let flags = flags(service);
        self.tell(action, |out| {
            out.nest(top::SERVICE, |out| put_config(out, service, &body, flags))
        });
    }

    /// Tells of a service that was deleted, started or stopped.
    pub(super) fn named(&self, action: Action, service: &Service) {
        self.tell(action, |out| put_name(out, service.name.as_bytes()));
    }

    /// Tells of a server of a service.
    pub(super) fn server(&self, action: Action, service: &Service, server: &Server) {
        self.tell(action, |out| {
            put_name(out, service.name.as_bytes())?;
            out.nest(top::SERVER, |out| server.write(out))
        });
    }

    /// Tells of a rule of a service.
    pub(super) fn rule(&self, action: Action, service: &Service, rule: &Rule<'_>) {
        self.tell(action, |out| {
            put_name(out, service.name.as_bytes())?;
            out.nest(top::RULE, |out| rule.write(out))
        });
    }
}

/// What identifies a service.
pub(super) fn put_name(out: &mut impl AttributeSink, name: &[u8]) -> Result<(), Full> {
    let service = message::Service::named(name);
    out.nest(top::SERVICE, |out| service.write(out))
}

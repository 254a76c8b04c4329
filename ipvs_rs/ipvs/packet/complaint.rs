// SPDX-License-Identifier: GPL-2.0

//! The log lines about services that cannot have what comes for them.

use ipvs_core::config::ServiceKey;
use kernel::{fmt, prelude::*, str::BStr};
use knet::{log, rcu::Guard};

use crate::model::{pool::Pool, scheduling::Arrival, service::Service};

/// Logs that a service has no server for a packet.
#[cold]
pub(super) fn no_server(service: &Service, pool: &Pool, arrival: &Arrival<'_>, guard: &Guard) {
    let Some((scheduler, reason)) = pool.complaint(arrival, guard) else {
        return;
    };
    if log::net_ratelimit() {
        let name = BStr::from_bytes(scheduler.as_bytes());
        let label = Label(&service.key);
        pr_err!("{name}: {label} - {reason}\n");
    }
}

/// Logs that a service for all ports remembers no clients, so that it gets no packets.
#[cold]
pub(super) fn port_zero() {
    if log::net_ratelimit() {
        pr_err!(
            "Schedule: port zero only supported in persistent services, \
             check your ipvs configuration\n"
        );
    }
}

/// What the log calls a service.
struct Label<'a>(&'a ServiceKey);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_label(f)
    }
}

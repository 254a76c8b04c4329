// SPDX-License-Identifier: GPL-2.0

//! Changes of services, servers and settings, for all interfaces through which they are requested.
//!
//! Each change is made as a whole or not at all: the steps that can fail come first, then the new
//! state is published. The scheduler, the settings and the servers of a service are one object, its
//! pool, so packets and listings see the old pool or the new one. The settings of a server that the
//! packets of its connections use change just before the pool.

mod dest;
mod service;
mod settings;

use ipvs_core::{
    addr::Family,
    config::{ServiceKey, ServiceSpec},
};
use kernel::prelude::*;
use knet::{
    errno::eafnosupport,
    net_namespace::Net,
    rcu::{self, Arc},
    route,
};

use super::refusal::Refusal;
use crate::{
    model::{scheduling::Plugins, service::Service, Config, Ipvs},
    plugin::{engine, scheduler},
};

pub(crate) use self::{
    dest::{add_dest, delete_dest, edit_dest, make_dest, throw_all_away, throw_away},
    service::{add_service, delete_service, edit_service, flush},
    settings::{set_timeouts, zero_all, zero_service},
};

/// What is said if the servers cannot be published: by what the scheduler says of them, or as packets cannot be had.
pub(crate) const REFUSES_SERVERS: &str = "the scheduler or netfilter cannot take these servers";

/// Returns the service with exactly this key.
///
/// # Errors
///
/// `ESRCH` if there is no such service.
pub(crate) fn service(ipvs: &Ipvs, key: &ServiceKey) -> Result<Arc<Service>, Refusal> {
    let guard = rcu::read_lock();
    let service = ipvs
        .services
        .find(key, &guard)
        .ok_or(Refusal::no_service())?;
    service.try_clone().ok_or(Refusal::no_service())
}

/// Checks that a service with exactly this key exists.
///
/// # Errors
///
/// `ESRCH` if there is no such service.
pub(crate) fn check_service(ipvs: &Ipvs, key: &ServiceKey) -> Result<(), Refusal> {
    let guard = rcu::read_lock();
    let found = ipvs.services.find(key, &guard);
    found.map(|_| ()).ok_or(Refusal::no_service())
}

/// Finds the scheduler and the persistence engine that a request names.
///
/// The caller does not hold the configuration lock, because this function may load modules.
///
/// # Errors
///
/// `ENOENT` if there is no such scheduler or persistence engine.
pub(crate) fn plugins(spec: &ServiceSpec) -> Result<Plugins, Refusal> {
    let scheduler = spec.scheduler.as_ref().map(scheduler::find).transpose();
    let scheduler = scheduler.map_err(Refusal::because("there is no such scheduler"))?;
    let engine = spec.pe.as_ref().map(engine::find).transpose();
    let engine = engine.map_err(Refusal::because("there is no such persistence engine"))?;
    Ok(Plugins { scheduler, engine })
}

/// Checks that the kernel supports an address family.
///
/// # Errors
///
/// `EAFNOSUPPORT` if the kernel has no IPv6 and `family` is IPv6.
pub(crate) fn check_family(family: Family) -> Result<(), Refusal> {
    match family {
        Family::V6 if !route::has_ipv6() => {
            Err(Refusal::new(eafnosupport(), "the kernel has no IPv6"))
        }
        Family::V4 | Family::V6 => Ok(()),
    }
}

/// Unregisters the netfilter hooks of `family` if it has no service, and no server with an address
/// of `family` in a service of the other family, from whose tunnel ICMP errors may come.
pub(crate) fn close_unused_hooks(ipvs: &Ipvs, config: &mut Config, net: &Net, family: Family) {
    if ipvs.services.count_of(family) == 0 && ipvs.servers.count_mixed(family) == 0 {
        config.close_hooks(ipvs, net, family);
    }
}

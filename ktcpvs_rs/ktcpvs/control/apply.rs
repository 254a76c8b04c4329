// SPDX-License-Identifier: GPL-2.0

//! `APPLY`: all services are replaced at one moment, or none.

use ipvs_core::nla::Iter;
use kernel::prelude::*;
use knet::{errno, rcu::Arc, vec::VecExt};
use ktcpvs_core::{
    message::{Action, Rule, Server as WantedServer, Service as Wanted},
    uapi::top,
};

use super::{configure, failure::Failure, monitor::Origin};
use crate::{
    netns::Ktcpvs,
    scheduler::{Handle, Member},
    server::Server,
    service::{Body, Draft, Service},
};

/// A service that is there when all is done.
struct Desired {
    service: Arc<Service>,
    body: Arc<Body>,
    scheduler: Handle,
}

/// Replaces all services by those that the attributes of a request tell. One of the same name stays the same service, and goes on
/// as it does; a server of the same address stays the same server.
///
/// # Errors
///
/// Why nothing was changed. `EBUSY` if a service that runs would be deleted, or listen somewhere else.
pub(super) fn apply(
    ktcpvs: &Ktcpvs,
    origin: &Origin<'_>,
    attributes: &[u8],
) -> Result<(), Failure> {
    let mut services = ktcpvs.config.lock();
    if ktcpvs.settings.is_unloading() {
        return Err(errno::eshutdown().into());
    }
    let mut desired: KVec<Desired> = KVec::new();
    for (kind, nest) in Iter::new(attributes) {
        if kind != top::SERVICE {
            continue;
        }
        let wanted = Wanted::read(nest)?;
        let mut earlier = desired.iter();
        if earlier.any(|it| it.service.name.as_bytes() == wanted.name) {
            return Err(EEXIST.into());
        }
        let present = services.find(wanted.name).ok();
        desired.append(draft(ktcpvs, present, &wanted)?)?;
    }
    let is_wanted = |service: &Arc<Service>| desired.iter().any(|it| it.service.ptr_eq(service));
    let mut deleted = KVec::new();
    let mut list = KVec::new();
    for service in &services.services {
        if is_wanted(service) {
            continue;
        }
        if service.is_running() {
            return Err(EBUSY.into());
        }
        deleted.append(service.clone())?;
    }
    list.make_room(desired.len())?;
    // Nothing fails from here on.
    for Desired {
        service,
        body,
        scheduler,
    } in desired
    {
        Service::publish(&service, body, scheduler);
        let _ = list.push_within_capacity(service);
    }
    services.services = list;
    origin.everything(Action::Apply);
    drop(services);
    deleted.iter().for_each(|service| service.end());
    Ok(())
}

/// What becomes of a service that is there, or of a new one.
fn draft(
    ktcpvs: &Ktcpvs,
    present: Option<Arc<Service>>,
    wanted: &Wanted<'_>,
) -> Result<Desired, Failure> {
    let before = present.as_ref().and_then(|service| service.body.get());
    let mut draft = Draft::new(configure::settings(configure::default_settings()?, wanted)?);
    for (_, nest) in Iter::new(wanted.servers.unwrap_or_default()) {
        let wanted = WantedServer::read(nest)?;
        if draft.find(&wanted.at).is_some() {
            return Err(Failure::Told(EEXIST, c"a server is there twice"));
        }
        let present = before.as_ref().and_then(|body| body.server(&wanted.at));
        let server = match present {
            Some(server) => server.clone(),
            None => Server::new(wanted.at)?,
        };
        let weight = wanted.weight.unwrap_or(1);
        draft.members.append(Member { server, weight })?;
    }
    for (_, nest) in Iter::new(wanted.rules.unwrap_or_default()) {
        let rule = Rule::read(nest)?;
        if draft.server(&rule.server).is_none() {
            return Err(Failure::Told(
                ENOENT,
                c"a rule uses a server that is none of the service's",
            ));
        }
        configure::put_rule(&mut draft, &rule)?;
    }
    let (body, scheduler) = configure::make(draft)?;
    let service = match present {
        Some(service) => {
            configure::check_running(&service, &body, &scheduler)?;
            service
        }
        None => Service::new(configure::name(wanted.name)?, ktcpvs.settings.clone())?,
    };
    Ok(Desired {
        service,
        body,
        scheduler,
    })
}

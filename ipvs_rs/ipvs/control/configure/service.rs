// SPDX-License-Identifier: GPL-2.0

//! Services are added, edited and deleted.

use ipvs_core::{
    addr::Family,
    config::{
        event::{self, Action},
        ServiceKey, ServiceSpec,
    },
};
use kernel::prelude::*;
use knet::{
    list::List,
    rcu::{self, Arc},
};

use super::{
    check_family, check_service, close_unused_hooks, plugins, service as find_service,
    throw_all_away, REFUSES_SERVERS,
};
use crate::control::refusal::Refusal;
use crate::model::{
    duties::{Cleanup, Estimation, Resize, TrashRound},
    member::Member,
    origin::Origin,
    pool::{OwnedPool, ServiceSettings},
    scheduling::Change,
    service::{Cursor, Index, Service},
    views, Config, Ipvs,
};

/// Adds a service without servers.
///
/// # Errors
///
/// `EEXIST`; `ENOENT` if there is no such scheduler or persistence engine; `EAFNOSUPPORT`;
/// `EINVAL` if the netmask does not fit the family; `ENOMEM`; any error of the registration of hooks.
pub(crate) fn add_service(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    key: ServiceKey,
    spec: &ServiceSpec,
) -> Result<(), Refusal> {
    let net = origin.net;
    check_family(key.family())?;
    if check_service(ipvs, &key).is_ok() {
        return Err(Refusal::service_exists());
    }
    let plugins = plugins(spec)?;
    spec.netmask.check(key.family())?;
    let settings = ServiceSettings::new(spec);
    let pool = OwnedPool::new(List::new(0)?, plugins, Change::Rebuilt, None, settings, net)?;
    let mut config = ipvs.config.lock();
    let counters = config.counters.take()?;
    let service = Service::new(key, spec.nominal, pool, counters)?;
    ipvs.make_tables()?;
    config.open_hooks(ipvs, net, key.family())?;
    let inserted = ipvs.services.insert(&service, &rcu::read_lock());
    if inserted.is_err() {
        close_unused_hooks(ipvs, &mut config, net, key.family());
    }
    inserted.map_err(|error| match error == EEXIST {
        true => Refusal::service_exists(),
        false => error.into(),
    })?;
    let view = views::service(&service, &rcu::read_lock());
    if let Some(view) = view {
        origin.service(Action::New, &view);
    }
    drop(config);
    Resize::consider(ipvs);
    Estimation::start(ipvs);
    Ok(())
}

/// Replaces the settings of a service, and its scheduler if the request names another one.
///
/// # Errors
///
/// `ESRCH` if there is no such service; `ENOENT` if there is no such scheduler or persistence
/// engine; `EINVAL` if the netmask does not fit the family; `ENOMEM`; any error with which the
/// scheduler refuses the servers.
pub(crate) fn edit_service(
    ipvs: &Ipvs,
    origin: Origin<'_>,
    key: &ServiceKey,
    spec: &ServiceSpec,
) -> Result<(), Refusal> {
    let net = origin.net;
    let plugins = plugins(spec)?;
    spec.netmask.check(key.family())?;
    let _config = ipvs.config.lock();
    let service = &*find_service(ipvs, key)?;
    let mut pool = service.pool.lock();
    let current = pool.get()?;
    let settings = current.settings().edited(spec);
    let edited = if current.scheduler() == spec.scheduler.as_ref() {
        current.with_settings(plugins.engine, settings)?
    } else {
        let members = current.list();
        OwnedPool::new(members, plugins, Change::Rebuilt, None, settings, net)
            .map_err(Refusal::because(REFUSES_SERVERS))?
    };
    let before = views::service_with(service, current);
    let after = views::service_with(service, &edited);
    pool.replace(edited)?;
    drop(pool);
    origin.service(event::service_changes(&before, &after), &after);
    Ok(())
}

/// Deletes a service; the connections of its servers stay.
///
/// # Errors
///
/// `ESRCH` if there is no such service.
pub(crate) fn delete_service(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    key: &ServiceKey,
) -> Result<(), Refusal> {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    let service = &*find_service(ipvs, key)?;
    discard(ipvs, &mut config, service);
    origin.service_deleted(&service.key);
    close_unused_hooks(ipvs, &mut config, net, Family::V4);
    close_unused_hooks(ipvs, &mut config, net, Family::V6);
    drop(config);
    Resize::consider(ipvs);
    TrashRound::plan(ipvs);
    Cleanup::consider(ipvs);
    Ok(())
}

/// Deletes all services of a namespace.
pub(crate) fn flush(ipvs: &Arc<Ipvs>, origin: Origin<'_>) {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    // The hooks go first, because no service remains to which they could hand a packet.
    config.close_hooks(ipvs, net, Family::V4);
    config.close_hooks(ipvs, net, Family::V6);
    if ipvs.services.count() != 0 {
        // All at one moment; if there is no memory for that, one by one.
        match ipvs.services.take(ipvs.settings.svc_lfactor()) {
            Ok(index) => each_service(&index, |service| end(ipvs, &mut config, service)),
            Err(_) => {
                if let Some(index) = ipvs.services.index() {
                    each_service(&index, |service| discard(ipvs, &mut config, service));
                }
            }
        }
        origin.flushed();
    }
    drop(config);
    Resize::consider(ipvs);
    TrashRound::plan(ipvs);
    Cleanup::consider(ipvs);
}

/// Calls `use_it`, which may sleep, with each service of an index.
fn each_service(index: &Index, mut use_it: impl FnMut(&Service)) {
    let mut cursor = Cursor::default();
    loop {
        let next = {
            let guard = rcu::read_lock();
            let next = index.next(&mut cursor, &guard);
            next.map(|service| service.try_clone())
        };
        match next {
            None => return,
            Some(None) => {}
            Some(Some(service)) => use_it(&service),
        }
    }
}

/// Removes a service from the table, and moves its servers to the trash.
fn discard(ipvs: &Ipvs, config: &mut Config, service: &Service) {
    ipvs.services.remove(service);
    end(ipvs, config, service);
}

/// Moves the servers of a service that is in no published index any more to the trash.
fn end(ipvs: &Ipvs, config: &mut Config, service: &Service) {
    if let Some(members) = service.pool.members() {
        throw_all_away(ipvs, config, members.iter().map(Member::dest));
    }
    service.pool.end();
}

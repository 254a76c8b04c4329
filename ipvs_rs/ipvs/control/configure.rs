// SPDX-License-Identifier: GPL-2.0

//! Changes of services and servers, whoever asks for them.
//!
//! Each change is made as a whole or not at all: what can fail is done first, then the new state
//! is published. What a service is (scheduler, settings, servers) is one object, its pool, so packets
//! and listings see the old one or the new one; what a server is configured to for the packets of its
//! connections changes just before that.

use ipvs_core::{
    addr::{Addr, Family},
    config::{
        event::{self, Action},
        DestKey, DestSpec, ServiceKey, ServiceSpec, TimeoutChange,
    },
};
use kernel::prelude::*;
use knet::{
    errno::eafnosupport,
    list::List,
    log,
    net_namespace::Net,
    rcu::{self, Arc},
    route::{self, AddressType},
};

use crate::{
    model::{
        dest::Dest,
        duties::{Cleanup, Estimation, Resize, TrashRound},
        member::Member,
        origin::Origin,
        pool::{OwnedPool, ServiceSettings},
        scheduling::{Change, Handle},
        service::{Cursor, Service},
        views, Config, Ipvs,
    },
    plugin::scheduler,
};

/// The service of exactly this key.
///
/// # Errors
///
/// `ESRCH` if there is none.
pub(crate) fn service(ipvs: &Ipvs, key: &ServiceKey) -> Result<Arc<Service>> {
    let guard = rcu::read_lock();
    let service = ipvs.services.find(key, &guard).ok_or(ESRCH)?;
    service.try_clone().ok_or(ESRCH)
}

/// Checks that there is a service of exactly this key.
///
/// # Errors
///
/// `ESRCH` if there is none.
pub(crate) fn check_service(ipvs: &Ipvs, key: &ServiceKey) -> Result {
    let guard = rcu::read_lock();
    ipvs.services.find(key, &guard).map(|_| ()).ok_or(ESRCH)
}

/// Looks for the scheduler and the persistence engine that a service is to have.
///
/// Not under the configuration lock, as it may load modules.
pub(crate) fn engines(spec: &ServiceSpec) -> Result<Option<Handle>> {
    let scheduler = spec.scheduler.as_ref().map(scheduler::find).transpose()?;
    if let Some(engine) = &spec.pe {
        if log::net_ratelimit() {
            pr_info!(
                "persistence engine module ip_vs_pe_{} not found\n",
                kernel::str::BStr::from_bytes(engine.as_bytes())
            );
        }
        return Err(ENOENT);
    }
    Ok(scheduler)
}

/// Checks that the machine knows a family.
///
/// # Errors
///
/// `EAFNOSUPPORT`.
pub(crate) fn check_family(family: Family) -> Result {
    match family {
        Family::V6 if !route::has_ipv6() => Err(eafnosupport()),
        Family::V4 | Family::V6 => Ok(()),
    }
}

/// Lets all packets of `family` pass by, if there is no service for them, nor a tunnel that may
/// be complained of with them.
pub(crate) fn close_unused_hooks(ipvs: &Ipvs, config: &mut Config, net: &Net, family: Family) {
    if ipvs.services.count_of(family) == 0 && ipvs.servers.count_mixed(family) == 0 {
        config.close_hooks(net, family);
    }
}

/// What an address is to this host.
fn address_type(net: &Net, family: Family, addr: Addr) -> AddressType {
    match family {
        Family::V4 => route::address_type_v4(net, addr.v4()),
        Family::V6 => route::address_type_v6(net, addr.octets()),
    }
}

/// Adds a service without servers.
///
/// # Errors
///
/// `EEXIST`; `ENOENT` if there is no such scheduler or persistence engine; `EAFNOSUPPORT`;
/// `ENOMEM`; what registering hooks may fail with.
pub(crate) fn add_service(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    key: ServiceKey,
    spec: &ServiceSpec,
) -> Result {
    let net = origin.net;
    check_family(key.family())?;
    if check_service(ipvs, &key).is_ok() {
        return Err(EEXIST);
    }
    let scheduler = engines(spec)?;
    spec.netmask.check(key.family()).map_err(|_| EINVAL)?;
    let settings = ServiceSettings::new(spec);
    let pool = OwnedPool::new(
        List::new(0)?,
        scheduler,
        Change::Rebuilt,
        None,
        settings,
        net,
    )?;
    let mut config = ipvs.config.lock();
    let counters = config.counters.take()?;
    let service = Service::new(key, spec.nominal, pool, counters)?;
    ipvs.make_tables()?;
    config.open_hooks(ipvs, net, key.family())?;
    let inserted = ipvs.services.insert(&service, &rcu::read_lock());
    if inserted.is_err() {
        close_unused_hooks(ipvs, &mut config, net, key.family());
    }
    inserted?;
    let view = views::service(&service, &rcu::read_lock());
    if let Some(view) = view {
        origin.service(Action::New, &view);
    }
    drop(config);
    Resize::consider(ipvs);
    Estimation::start(ipvs);
    Ok(())
}

/// Gives a service new settings, and its servers a new scheduler if that is another.
///
/// # Errors
///
/// As [`add_service`], and what the scheduler says about the servers.
pub(crate) fn edit_service(
    ipvs: &Ipvs,
    origin: Origin<'_>,
    key: &ServiceKey,
    spec: &ServiceSpec,
) -> Result {
    let net = origin.net;
    let scheduler = engines(spec)?;
    spec.netmask.check(key.family()).map_err(|_| EINVAL)?;
    let _config = ipvs.config.lock();
    let service = &*service(ipvs, key)?;
    let mut pool = service.pool.lock();
    let old = pool.get()?;
    let settings = old.settings().edited(spec);
    let new = if old.scheduler() == spec.scheduler.as_ref() {
        old.with_settings(settings)?
    } else {
        let members = old.list().share();
        OwnedPool::new(members, scheduler, Change::Rebuilt, None, settings, net)?
    };
    let before = views::service_with(service, old);
    let after = views::service_with(service, &new);
    pool.replace(new)?;
    drop(pool);
    origin.service(event::service_changes(&before, &after), &after);
    Ok(())
}

/// Deletes a service; its servers' connections stay.
///
/// # Errors
///
/// `ESRCH` if there is none.
pub(crate) fn delete_service(ipvs: &Arc<Ipvs>, origin: Origin<'_>, key: &ServiceKey) -> Result {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    let service = &*service(ipvs, key)?;
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

/// Deletes all services.
pub(crate) fn flush(ipvs: &Arc<Ipvs>, origin: Origin<'_>) {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    // First, as nothing of what packets could still be handed to remains.
    config.close_hooks(net, Family::V4);
    config.close_hooks(net, Family::V6);
    let (mut cursor, mut there_were) = (Cursor::default(), false);
    loop {
        let next = {
            let guard = rcu::read_lock();
            let next = ipvs.services.next(&mut cursor, &guard);
            next.map(|service| service.try_clone())
        };
        match next {
            None => break,
            Some(None) => continue,
            Some(Some(service)) => {
                discard(ipvs, &mut config, &service);
                there_were = true;
            }
        }
    }
    if there_were {
        origin.flushed();
    }
    drop(config);
    Resize::consider(ipvs);
    TrashRound::plan(ipvs);
    Cleanup::consider(ipvs);
}

/// Takes a service out of the table, and puts its servers into the trash.
fn discard(ipvs: &Ipvs, config: &mut Config, service: &Service) {
    ipvs.services.remove(service);
    if let Some(members) = service.pool.members() {
        for member in members.iter() {
            throw_away(ipvs, config, member.dest());
        }
    }
    service.pool.end();
}

/// Puts a server into the trash.
pub(crate) fn throw_away(ipvs: &Ipvs, config: &mut Config, dest: &Arc<Dest>) {
    ipvs.servers.leave(dest);
    dest.detach();
    config.trash.put(dest.clone());
}

/// A server for a service that does not have it: the one that it had lately, still as it was, or a
/// new one.
///
/// # Errors
///
/// `EINVAL` if the address is not a unicast or local one; `ENOMEM`.
pub(crate) fn make_dest(
    config: &mut Config,
    net: &Net,
    service: &ServiceKey,
    key: DestKey,
) -> Result<Arc<Dest>> {
    if let Some(dest) = config.trash.find(service, &key) {
        return Ok(dest);
    }
    if address_type(net, key.family, key.addr) == AddressType::Other {
        return Err(EINVAL);
    }
    let counters = config.counters.take()?;
    Arc::pin_init(Dest::new(key, *service, counters), GFP_KERNEL_ACCOUNT)
}

/// Adds a server to a service, before all others.
///
/// # Errors
///
/// `EEXIST`; `EINVAL` if the address is not a unicast or local one; `ENOMEM`; what the scheduler
/// says about the servers.
pub(crate) fn add_dest(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    service: &ServiceKey,
    key: DestKey,
    spec: &DestSpec,
) -> Result {
    let net = origin.net;
    check_family(key.family)?;
    let mut config = ipvs.config.lock();
    let service = &*self::service(ipvs, service)?;
    let mut pool = service.pool.lock();
    let old = pool.get()?;
    if old.position(&key).is_some() {
        return Err(EEXIST);
    }
    let dest = make_dest(&mut config, net, &service.key, key)?;
    let members = old.list().with(Member::new(dest.clone(), spec))?;
    let entered = pool.renew(members, Change::Inserted(0), net, || {
        config.open_hooks(ipvs, net, key.family)?;
        let place = ipvs.servers.prepare(ipvs, &dest, None, spec)?;
        dest.configure(spec);
        dest.attach(&service.stats);
        ipvs.servers.enter(&dest, place);
        Ok(())
    });
    drop(pool);
    close_unused_hooks(ipvs, &mut config, net, key.family);
    entered?;
    config.trash.take(&dest);
    origin.dest(Action::New, &service.key, &key, Some(spec));
    Ok(())
}

/// Gives a server new settings.
///
/// # Errors
///
/// `ENOENT`; `ENOMEM`; what the scheduler says about the servers.
pub(crate) fn edit_dest(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    service: &ServiceKey,
    key: &DestKey,
    spec: &DestSpec,
) -> Result {
    let net = origin.net;
    let _config = ipvs.config.lock();
    let service = &*self::service(ipvs, service)?;
    let mut pool = service.pool.lock();
    let old = pool.get()?;
    let index = old.position(key).ok_or(ENOENT)?;
    let member = old.members().get(index).ok_or(ENOENT)?;
    let (dest, before) = (member.dest().clone(), *member.spec());
    let members = old.list().with_other(index, &member.with(spec))?;
    pool.renew(members, Change::Updated(index), net, || {
        let place = ipvs.servers.prepare(ipvs, &dest, Some(&before), spec)?;
        dest.configure(spec);
        ipvs.servers.enter(&dest, place);
        Ok(())
    })?;
    drop(pool);
    let action = event::dest_changes(&before, spec);
    origin.dest(action, &service.key, key, Some(spec));
    Ok(())
}

/// Deletes a server; its connections stay.
///
/// # Errors
///
/// `ENOENT`; `ENOMEM`; what the scheduler says about the servers that remain.
pub(crate) fn delete_dest(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    service: &ServiceKey,
    key: &DestKey,
) -> Result {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    let service = &*self::service(ipvs, service)?;
    let mut pool = service.pool.lock();
    let old = pool.get()?;
    let index = old.position(key).ok_or(ENOENT)?;
    let dest = old.members().get(index).ok_or(ENOENT)?.dest().clone();
    let members = old.list().without(index)?;
    pool.renew(members, Change::Removed(index), net, || Ok(()))?;
    drop(pool);
    throw_away(ipvs, &mut config, &dest);
    origin.dest(Action::Del, &service.key, key, None);
    close_unused_hooks(ipvs, &mut config, net, key.family);
    drop(config);
    TrashRound::plan(ipvs);
    Cleanup::consider(ipvs);
    Ok(())
}

/// Zeroes the statistics of a service and its servers.
///
/// # Errors
///
/// `ESRCH` if there is none.
pub(crate) fn zero_service(ipvs: &Ipvs, origin: Origin<'_>, key: &ServiceKey) -> Result {
    let _config = ipvs.config.lock();
    zero(&*service(ipvs, key)?);
    origin.zeroed(Some(key));
    Ok(())
}

fn zero(service: &Service) {
    service.stats.zero();
    let guard = rcu::read_lock();
    if let Some(pool) = service.pool.load(&guard) {
        let members = pool.members();
        members.iter().for_each(|member| member.stats.zero());
    }
}

/// Zeroes all statistics of a namespace.
pub(crate) fn zero_all(ipvs: &Ipvs, origin: Origin<'_>) {
    let _one_at_a_time = ipvs.config.lock();
    let mut cursor = Cursor::default();
    let guard = rcu::read_lock();
    while let Some(service) = ipvs.services.next(&mut cursor, &guard) {
        zero(&service);
    }
    drop(guard);
    ipvs.stats.zero();
    origin.zeroed(None);
}

/// Sets the timeouts that later packets apply.
pub(crate) fn set_timeouts(ipvs: &Ipvs, origin: Origin<'_>, change: &TimeoutChange) {
    let _one_at_a_time = ipvs.config.lock();
    let before = ipvs.settings.timeouts();
    let timeouts = change.apply(before);
    ipvs.settings.set_timeouts(timeouts);
    origin.timeouts(&before, &timeouts);
}

// SPDX-License-Identifier: GPL-2.0

//! Servers are added to a service, edited and deleted.

use ipvs_core::{
    addr::{Addr, Family},
    config::{
        event::{self, Action},
        DestKey, DestSpec, ServiceKey,
    },
};
use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    rcu::{self, Arc},
    route::{self, AddressType},
};

use super::{check_family, close_unused_hooks, service as find_service, REFUSES_SERVERS};
use crate::control::refusal::Refusal;
use crate::model::{
    dest::Dest,
    duties::{Cleanup, TrashRound},
    helping::needs_tracking,
    member::Member,
    origin::Origin,
    scheduling::Change,
    Config, Ipvs,
};

/// What is said of a server whose address is that of a group, a broadcast, or leads nowhere.
const NO_ADDRESS_OF_A_HOST: &str = "the address of the server is not that of a host";

/// Adds a server to a service, in front of all its other servers.
///
/// # Errors
///
/// `EAFNOSUPPORT` if the kernel has no IPv6; `ESRCH` if there is no such service; `EEXIST` if the
/// service has the server; `EINVAL` if the address is neither unicast nor local; `ENOMEM`; any
/// error of the registration of hooks, or with which the scheduler refuses the servers.
pub(crate) fn add_dest(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    service: &ServiceKey,
    key: DestKey,
    spec: &DestSpec,
) -> Result<(), Refusal> {
    let net = origin.net;
    check_family(key.family)?;
    let mut config = ipvs.config.lock();
    let service = &*find_service(ipvs, service)?;
    let mut pool = service.pool.lock();
    let current = pool.get()?;
    if current.position(&key).is_some() {
        return Err(Refusal::new(
            EEXIST,
            "the service has such a server already",
        ));
    }
    let dest = make_dest(&mut config, net, &service.key, key)?;
    let members = current.list().with(Member::new(dest.clone(), spec))?;
    let entered = pool.renew(members, Change::Inserted(0), net, || {
        config.open_hooks(ipvs, net, key.family)?;
        if needs_tracking(&service.key, spec.method()) {
            config.track(ipvs, net, service.key.family())?;
        }
        let place = ipvs.servers.prepare(ipvs, &dest, None, spec)?;
        dest.configure(spec);
        dest.attach(&service.stats);
        ipvs.servers.enter(&dest, place);
        Ok(())
    });
    drop(pool);
    close_unused_hooks(ipvs, &mut config, net, key.family);
    entered.map_err(Refusal::because(REFUSES_SERVERS))?;
    config.trash.take(&dest);
    origin.dest(Action::New, &service.key, &key, Some(spec));
    Ok(())
}

/// Replaces the settings of a server.
///
/// # Errors
///
/// `ESRCH` if there is no such service; `ENOENT` if it has no such server; `ENOMEM`; any error with
/// which the scheduler refuses the servers.
pub(crate) fn edit_dest(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    service: &ServiceKey,
    key: &DestKey,
    spec: &DestSpec,
) -> Result<(), Refusal> {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    let service = &*find_service(ipvs, service)?;
    let mut pool = service.pool.lock();
    let current = pool.get()?;
    let index = current.position(key).ok_or(Refusal::no_dest())?;
    let member = current.members().get(index).ok_or(Refusal::no_dest())?;
    let (dest, before) = (member.dest().clone(), *member.spec());
    let members = current.list().with_other(index, &member.with(spec))?;
    pool.renew(members, Change::Updated(index), net, || {
        if needs_tracking(&service.key, spec.method()) {
            config.track(ipvs, net, service.key.family())?;
        }
        let place = ipvs.servers.prepare(ipvs, &dest, Some(&before), spec)?;
        dest.configure(spec);
        ipvs.servers.enter(&dest, place);
        Ok(())
    })
    .map_err(Refusal::because(REFUSES_SERVERS))?;
    drop(pool);
    let action = event::dest_changes(&before, spec);
    origin.dest(action, &service.key, key, Some(spec));
    Ok(())
}

/// Deletes a server from a service; its connections stay.
///
/// # Errors
///
/// `ESRCH` if there is no such service; `ENOENT` if it has no such server; `ENOMEM`; any error with
/// which the scheduler refuses the servers that remain.
pub(crate) fn delete_dest(
    ipvs: &Arc<Ipvs>,
    origin: Origin<'_>,
    service: &ServiceKey,
    key: &DestKey,
) -> Result<(), Refusal> {
    let net = origin.net;
    let mut config = ipvs.config.lock();
    let service = &*find_service(ipvs, service)?;
    let mut pool = service.pool.lock();
    let current = pool.get()?;
    let index = current.position(key).ok_or(Refusal::no_dest())?;
    let dest = current
        .members()
        .get(index)
        .ok_or(Refusal::no_dest())?
        .dest()
        .clone();
    pool.remove(index, net)
        .map_err(Refusal::because(REFUSES_SERVERS))?;
    drop(pool);
    let is_first = config.trash.is_empty();
    throw_away(ipvs, &mut config, &dest);
    origin.dest(Action::Del, &service.key, key, None);
    // The service needs those of its own family.
    if key.family != service.key.family() {
        close_unused_hooks(ipvs, &mut config, net, key.family);
    }
    drop(config);
    // While the trash has servers, a round is planned, or will see this one: it plans the next under the lock.
    if is_first {
        TrashRound::plan(ipvs);
    }
    Cleanup::consider(ipvs);
    Ok(())
}

/// Returns a server that is not yet in `service`: the deleted one with the same key, if the trash
/// still has it, or a new one.
///
/// A server from the trash keeps its state, and stays in the trash.
///
/// # Errors
///
/// `EINVAL` if the address is neither unicast nor local; `ENOMEM`.
pub(crate) fn make_dest(
    config: &mut Config,
    net: &Net,
    service: &ServiceKey,
    key: DestKey,
) -> Result<Arc<Dest>, Refusal> {
    if let Some(dest) = config.trash.find(service, &key) {
        return Ok(dest);
    }
    if address_type(net, key.family, key.addr) == AddressType::Other {
        return Err(Refusal::new(EINVAL, NO_ADDRESS_OF_A_HOST));
    }
    let counters = config.counters.take()?;
    let dest = Arc::pin_init(Dest::new(key, *service, counters), GFP_KERNEL_ACCOUNT);
    Ok(dest?)
}

/// Moves a server to the trash.
pub(crate) fn throw_away(ipvs: &Ipvs, config: &mut Config, dest: &Arc<Dest>) {
    throw_all_away(ipvs, config, [dest].into_iter());
}

/// Moves servers to the trash.
pub(crate) fn throw_all_away<'a>(
    ipvs: &Ipvs,
    config: &mut Config,
    dests: impl Iterator<Item = &'a Arc<Dest>>,
) {
    let guard = rcu::read_lock();
    for dest in dests {
        ipvs.servers.leave(dest, &guard);
        dest.detach();
        config.trash.put(dest.clone());
    }
}

/// Returns the type of an address in the routing tables of `net`.
fn address_type(net: &Net, family: Family, addr: Addr) -> AddressType {
    match family {
        Family::V4 => route::address_type_v4(net, addr.v4()),
        Family::V6 => route::address_type_v6(net, addr.octets()),
    }
}

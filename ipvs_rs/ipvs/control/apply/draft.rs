// SPDX-License-Identifier: GPL-2.0

//! The services as they will be, before anybody sees them.

use ipvs_core::{
    addr::Family,
    config::{
        event::{self, Action},
        DestKey, DestSpec,
    },
};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    list::List,
    net_namespace::Net,
    rcu::{self, Arc},
    vec::{filled, room},
};

use super::{places::Places, Failure, Wanted};
use crate::{
    control::configure,
    model::{
        dest::Dest,
        member::Member,
        origin::Origin,
        pool::{OwnedPool, ServiceSettings},
        scheduling::Change,
        servers::Reservation,
        service::{Cursor, Index, Service},
        stats::Stats,
        views, Config, Ipvs,
    },
};

/// A server that is new, or stays and has other settings. It is not touched before all that can
/// fail is done.
struct Changed {
    dest: Arc<Dest>,
    spec: DestSpec,
    was: Was,
    /// By which packets will find it, once there is memory for that.
    place: Option<Reservation>,
}

/// What a [`Changed`] server was before.
enum Was {
    /// One of the service, configured so.
    There(DestSpec),
    /// Not one of the service, which counts into these.
    Away(Arc<Stats>),
}

/// Another index of services, and what its publication means for single ones.
pub(super) struct Draft {
    index: Arc<Index>,
    /// Services that are added or changed, and what of them.
    services: KVVec<(Action, Arc<Service>)>,
    /// Services that are not in the index.
    deleted: KVVec<Arc<Service>>,
    changed: KVVec<Changed>,
    /// Servers of services that stay, which are deleted.
    removed: KVVec<Arc<Dest>>,
}

/// How many servers a service has.
fn servers_of(service: &Service) -> usize {
    let guard = rcu::read_lock();
    let pool = service.pool.load(&guard);
    pool.map_or(0, |pool| pool.members().len())
}

/// Whether the server `key` is at `place` of the `wanted` servers.
fn is_at(wanted: &[super::Dest], key: &DestKey, place: usize) -> bool {
    wanted.get(place).is_some_and(|dest| dest.key == *key)
}

/// Returns a table of the places of all `wanted` servers.
///
/// # Errors
///
/// [`Failure`] with `EEXIST` if a server is there twice, with `ENOMEM` if there is no memory.
fn places_of(wanted: &[super::Dest]) -> Result<Places, Failure> {
    let mut places = Places::new(wanted.len())?;
    for (place, dest) in wanted.iter().enumerate() {
        let is_there = |place| is_at(wanted, &dest.key, place);
        let twice = places.find_or_insert(&dest.key, Some(place), is_there);
        if twice.is_some() {
            let text = "the server is there twice";
            return Err(Failure::at(dest.entry, EEXIST, text));
        }
    }
    Ok(places)
}

/// Returns the servers of a pool: first the new ones, the last of `added` at the front, then those
/// of `staying` in the same order.
///
/// A server of `staying` that comes with settings gets these.
///
/// # Errors
///
/// `ENOMEM`.
fn members_of(staying: &[(&Member, Option<&DestSpec>)], added: &[Changed]) -> Result<List<Member>> {
    let count = staying.len().saturating_add(added.len());
    let staying = staying.iter().rev().map(|(member, other)| match other {
        Some(spec) => member.with(spec),
        None => (*member).clone(),
    });
    let added = added
        .iter()
        .map(|new| Member::new(new.dest.clone(), &new.spec));
    List::of(count, Iterator::chain(staying, added))
}

impl Draft {
    /// An empty one, with memory for all that may be noted in it.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(ipvs: &Ipvs, wanted: &Wanted) -> Result<Self> {
        // CAST: A u32 fits.
        let present = ipvs.services.count() as usize;
        let mut servers = 0_usize;
        for service in &wanted.services {
            let guard = rcu::read_lock();
            let old = ipvs.services.find(&service.key, &guard);
            servers = servers.saturating_add(old.map_or(0, |old| servers_of(&old)));
        }
        let count = wanted.services.len();
        let most = match wanted.only {
            true => count,
            false => count.saturating_add(present),
        };
        Ok(Self {
            index: ipvs.services.new_index(most, ipvs.settings.svc_lfactor())?,
            services: room(count)?,
            deleted: room(present)?,
            changed: room(wanted.dests.len())?,
            removed: room(servers)?,
        })
    }

    /// Whether there will be services for packets of `family`, or servers that they may come from.
    pub(super) fn concerns(&self, family: Family) -> bool {
        let is_of = |changed: &Changed| changed.dest.key.family == family;
        self.index.count_of(family) != 0 || self.changed.iter().any(is_of)
    }

    /// Enters all services that are wanted, and the others unless they are to go.
    ///
    /// # Errors
    ///
    /// [`Failure`], after which the draft is to be taken back.
    pub(super) fn fill(
        &mut self,
        ipvs: &Ipvs,
        config: &mut Config,
        net: &Net,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        for service in &wanted.services {
            let entry = service.entry;
            let dests = wanted.dests.get(service.dests.clone()).unwrap_or_default();
            let old = configure::service(ipvs, &service.key).ok();
            let (action, new) = match &old {
                Some(old) => self.stay(config, net, old, service, dests)?,
                None => self.come(config, net, service, dests)?,
            };
            self.enter(&new)
                .map_err(|error| Failure::at(entry, error, "the service is there twice"))?;
            if !action.is_nothing() {
                self.services.push_within_capacity((action, new))?;
            }
        }
        self.others(ipvs, wanted.only)
    }

    fn enter(&self, service: &Arc<Service>) -> Result {
        self.index.insert(service, &rcu::read_lock())
    }

    /// Enters, or notes as deleted, the services that are there and not in the request.
    fn others(&mut self, ipvs: &Ipvs, delete: bool) -> Result<(), Failure> {
        let mut cursor = Cursor::default();
        loop {
            let guard = rcu::read_lock();
            let Some(service) = ipvs.services.next(&mut cursor, &guard) else {
                return Ok(());
            };
            if self.index.find(&service.key, &guard).is_some() {
                continue;
            }
            let service = service.try_clone().ok_or(EAGAIN)?;
            drop(guard);
            if delete {
                self.deleted.push_within_capacity(service)?;
            } else {
                self.enter(&service.for_another_index()?)?;
            }
        }
    }

    /// A service that is new.
    fn come(
        &mut self,
        config: &mut Config,
        net: &Net,
        wanted: &super::Service,
        dests: &[super::Dest],
    ) -> Result<(Action, Arc<Service>), Failure> {
        let failed = |error| Failure::at(wanted.entry, error, "the service cannot be made");
        let plugins = wanted.plugins.clone();
        let settings = ServiceSettings::new(&wanted.spec);
        let list = List::new(dests.len())?;
        let empty = OwnedPool::new(list, plugins, Change::Rebuilt, None, settings, net);
        let empty = empty.map_err(failed)?;
        let counters = config.counters.take().map_err(failed)?;
        let service =
            Service::new(wanted.key, wanted.spec.nominal, empty, counters).map_err(failed)?;
        if let Some(pool) = self.pool(config, net, &service, wanted, dests)? {
            service.pool.lock().replace(pool)?;
        }
        Ok((Action::New, service))
    }

    /// A service that is there, as it will be.
    fn stay(
        &mut self,
        config: &mut Config,
        net: &Net,
        old: &Service,
        wanted: &super::Service,
        dests: &[super::Dest],
    ) -> Result<(Action, Arc<Service>), Failure> {
        let failed = |error| Failure::at(wanted.entry, error, "the service cannot be changed");
        let Some(pool) = self.pool(config, net, old, wanted, dests)? else {
            return Ok((Action::Set(0), old.for_another_index().map_err(failed)?));
        };
        let is = views::service_with(old, &pool);
        let was = views::service(old, &rcu::read_lock()).ok_or(ESRCH)?;
        let new = old.with_pool(pool).map_err(failed)?;
        Ok((event::service_changes(&was, &is), new))
    }

    /// The servers of `service` as they will be: those that stay in their order, before them the
    /// new ones, the last of them first; with the scheduler and the settings that the service is to have.
    /// [`None`] if nothing changes.
    fn pool(
        &mut self,
        config: &mut Config,
        net: &Net,
        service: &Service,
        as_wanted: &super::Service,
        wanted: &[super::Dest],
    ) -> Result<Option<OwnedPool>, Failure> {
        let published = service.pool.lock();
        let old = published.get()?;
        let plugins = as_wanted.plugins.clone();
        let settings = ServiceSettings::new(&as_wanted.spec);
        let failed = |error, text| Failure::at(as_wanted.entry, error, text);
        let first_changed = self.changed.len();
        let first_removed = self.removed.len();
        let mut places = places_of(wanted)?;
        let mut stays = filled(false, wanted.len())?;
        let mut staying = room(old.members().len())?;
        for member in old.members() {
            let is_there = |place| is_at(wanted, &member.key, place);
            let Some(place) = places.find_or_insert(&member.key, None, is_there) else {
                self.removed.push_within_capacity(member.dest().clone())?;
                continue;
            };
            let (Some(stays), Some(dest)) = (stays.get_mut(place), wanted.get(place)) else {
                continue;
            };
            *stays = true;
            let differs = *member.spec() != dest.spec;
            if differs {
                let was = Was::There(*member.spec());
                self.change(member.dest().clone(), &dest.spec, was)?;
            }
            staying.push_within_capacity((member, differs.then_some(&dest.spec)))?;
        }
        let first_added = self.changed.len();
        self.add(config, net, service, wanted, &stays)?;
        let as_before = self.changed.len() == first_changed && self.removed.len() == first_removed;
        let same_scheduler = old.scheduler() == as_wanted.spec.scheduler.as_ref();
        if as_before && same_scheduler {
            let same_engine = old.engine_name() == as_wanted.spec.pe.as_ref();
            if same_engine && *old.settings() == settings {
                return Ok(None);
            }
            let pool = old.with_settings(plugins.engine, settings);
            return Ok(Some(pool.map_err(|error| {
                failed(error, "the service cannot be changed")
            })?));
        }
        let added = self.changed.get(first_added..).unwrap_or_default();
        let members = members_of(&staying, added)?;
        let previous = same_scheduler.then_some(&**old);
        let text = "the scheduler refuses these servers";
        let pool = OwnedPool::new(members, plugins, Change::Rebuilt, previous, settings, net)
            .map_err(|error| failed(error, text))?;
        Ok(Some(pool))
    }

    /// Makes the servers that are new in `service`, and notes them as changed.
    ///
    /// `stays` tells for each of the `wanted` servers whether the service has it already.
    fn add(
        &mut self,
        config: &mut Config,
        net: &Net,
        service: &Service,
        wanted: &[super::Dest],
        stays: &[bool],
    ) -> Result<(), Failure> {
        for (dest, _) in wanted.iter().zip(stays).filter(|(_, stays)| !**stays) {
            let new = configure::make_dest(config, net, &service.key, dest.key)
                .map_err(|error| Failure::at(dest.entry, error, "no unicast or local address"))?;
            self.change(new, &dest.spec, Was::Away(service.stats.clone()))?;
        }
        Ok(())
    }

    /// Notes a server that is new or has other settings.
    fn change(&mut self, dest: Arc<Dest>, spec: &DestSpec, was: Was) -> Result<(), Failure> {
        self.changed.push_within_capacity(Changed {
            dest,
            spec: *spec,
            was,
            place: None,
        })?;
        Ok(())
    }

    /// Makes the places by which packets will find the servers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, after which the draft is to be taken back.
    pub(super) fn prepare_servers(&mut self, ipvs: &Arc<Ipvs>) -> Result {
        for changed in &mut self.changed {
            let before = match &changed.was {
                Was::There(before) => Some(before),
                Was::Away(_) => None,
            };
            let place = ipvs
                .servers
                .prepare(ipvs, &changed.dest, before, &changed.spec)?;
            changed.place = Some(place);
        }
        Ok(())
    }

    /// Undoes what was done for the draft.
    pub(super) fn take_back(self, ipvs: &Ipvs) {
        for changed in self.changed {
            if let Some(place) = changed.place {
                ipvs.servers.discard(place);
            }
        }
    }

    /// Lets packets and listings see the draft, and deletes what is not in it.
    pub(super) fn settle(mut self, ipvs: &Ipvs, config: &mut Config, origin: Origin<'_>) {
        // First what the connections of the servers go by: who sees the new index sees that too.
        for changed in &mut self.changed {
            let dest = &changed.dest;
            dest.configure(&changed.spec);
            if let Was::Away(stats) = &changed.was {
                dest.attach(stats);
                config.trash.take(dest);
            }
            if let Some(place) = changed.place.take() {
                ipvs.servers.enter(dest, place);
            }
        }
        ipvs.services.publish(self.index);
        for dest in &self.removed {
            configure::throw_away(ipvs, config, dest);
            origin.dest(Action::Del, &dest.service, &dest.key, None);
        }
        for service in &self.deleted {
            if let Some(members) = service.pool.members() {
                for member in members.iter() {
                    configure::throw_away(ipvs, config, member.dest());
                }
            }
            origin.service_deleted(&service.key);
        }
        for (action, service) in &self.services {
            let view = views::service(service, &rcu::read_lock());
            if let Some(view) = view {
                origin.service(*action, &view);
            }
        }
        for Changed {
            dest, spec, was, ..
        } in &self.changed
        {
            let action = match was {
                Was::There(before) => event::dest_changes(before, spec),
                Was::Away(_) => Action::New,
            };
            origin.dest(action, &dest.service, &dest.key, Some(spec));
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The changes of servers that a draft makes, and the pools with these servers.

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
    rcu::Arc,
    vec::{filled, room},
};

use crate::{
    control::{
        apply::{positions::Positions, DesiredDest, DesiredService, Failure},
        configure,
    },
    model::{
        dest::Dest,
        member::Member,
        origin::Origin,
        pool::{OwnedPool, Pool, ServiceSettings},
        scheduling::Change,
        servers::Reservation,
        service::Service,
        stats::Stats,
        Config, Ipvs,
    },
};

/// A server that is new, or that stays and gets other settings. Nothing of it changes before all steps that can fail are
/// done.
struct ChangedDest {
    dest: Arc<Dest>,
    spec: DestSpec,
    before: Before,
    /// The place by which packets will find the server, once there is memory for it.
    reservation: Option<Reservation>,
}

/// The state of a [`ChangedDest`] before the change.
enum Before {
    /// It was a server of the service, with these settings.
    Configured(DestSpec),
    /// It was none. It will count into these numbers of the service.
    Absent(Arc<Stats>),
}

/// The changes of servers.
pub(super) struct DestChanges {
    changed: KVVec<ChangedDest>,
    /// The servers that are deleted, of services that stay.
    removed: KVVec<Arc<Dest>>,
}

/// The servers of a service that is there, compared with the desired ones.
struct Comparison<'a> {
    /// The servers that stay, with their new settings where these change.
    staying: KVVec<(&'a Member, Option<&'a DestSpec>)>,
    /// For each desired server, whether the service has it already.
    is_there: KVVec<bool>,
}

/// Whether the server `key` is at `position` of the `desired` servers.
fn is_at(desired: &[DesiredDest], key: &DestKey, position: usize) -> bool {
    desired.get(position).is_some_and(|dest| dest.key == *key)
}

/// The positions of all `desired` servers.
///
/// # Errors
///
/// [`Failure`] with `EEXIST` if a server is there twice, with `ENOMEM` if there is no memory.
fn positions_of(desired: &[DesiredDest]) -> Result<Positions, Failure> {
    let mut positions = Positions::new(desired.len())?;
    for (position, dest) in desired.iter().enumerate() {
        let is_there = |position| is_at(desired, &dest.key, position);
        let twice = positions.find_or_insert(&dest.key, Some(position), is_there);
        if twice.is_some() {
            let text = "the server is there twice";
            return Err(Failure::at(dest.entry, EEXIST, text));
        }
    }
    Ok(positions)
}

/// The servers of a pool: first the new ones, the last of `added` at the front, then those of `staying` in their order.
///
/// # Errors
///
/// `ENOMEM`.
fn members_of(
    staying: &[(&Member, Option<&DestSpec>)],
    added: &[ChangedDest],
) -> Result<List<Member>> {
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

impl DestChanges {
    /// No changes, with memory for so many changed and removed servers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(changed: usize, removed: usize) -> Result<Self> {
        Ok(Self {
            changed: room(changed)?,
            removed: room(removed)?,
        })
    }

    /// Whether a changed server has an address of `family`.
    pub(super) fn concern(&self, family: Family) -> bool {
        let is_of = |changed: &ChangedDest| changed.dest.key.family == family;
        self.changed.iter().any(is_of)
    }

    /// The pool of `service` in its desired state: the servers that stay in their order, before them the new ones, the
    /// last of them first. [`None`] if nothing changes.
    ///
    /// # Errors
    ///
    /// [`Failure`].
    pub(super) fn pool(
        &mut self,
        config: &mut Config,
        net: &Net,
        service: &Service,
        desired: &DesiredService,
        dests: &[DesiredDest],
    ) -> Result<Option<OwnedPool>, Failure> {
        let published = service.pool.lock();
        let old = published.get()?;
        let plugins = desired.plugins.clone();
        let settings = ServiceSettings::new(&desired.spec);
        let failed = |error, text| Failure::at(desired.entry, error, text);
        let (changed, removed) = (self.changed.len(), self.removed.len());
        let Comparison { staying, is_there } = self.compare(old, dests)?;
        let first_added = self.changed.len();
        self.add(config, net, service, dests, &is_there)?;
        let has_same_dests = self.changed.len() == changed && self.removed.len() == removed;
        let has_same_scheduler = old.scheduler() == desired.spec.scheduler.as_ref();
        if has_same_dests && has_same_scheduler {
            let has_same_engine = old.engine_name() == desired.spec.pe.as_ref();
            if has_same_engine && *old.settings() == settings {
                return Ok(None);
            }
            let text = "the service cannot be changed";
            let pool = old.with_settings(plugins.engine, settings);
            return Ok(Some(pool.map_err(|error| failed(error, text))?));
        }
        let added = self.changed.get(first_added..).unwrap_or_default();
        let members = members_of(&staying, added)?;
        let previous = has_same_scheduler.then_some(&**old);
        let text = "the scheduler refuses these servers";
        OwnedPool::new(members, plugins, Change::Rebuilt, previous, settings, net)
            .map(Some)
            .map_err(|error| failed(error, text))
    }

    /// Compares the servers of a pool with the desired ones, and notes those that change or go.
    fn compare<'a>(
        &mut self,
        old: &'a Pool,
        desired: &'a [DesiredDest],
    ) -> Result<Comparison<'a>, Failure> {
        let mut positions = positions_of(desired)?;
        let mut comparison = Comparison {
            staying: room(old.members().len())?,
            is_there: filled(false, desired.len())?,
        };
        for member in old.members() {
            let is_there = |position| is_at(desired, &member.key, position);
            let Some(position) = positions.find_or_insert(&member.key, None, is_there) else {
                self.removed.push_within_capacity(member.dest().clone())?;
                continue;
            };
            let there = comparison.is_there.get_mut(position);
            let (Some(there), Some(dest)) = (there, desired.get(position)) else {
                continue;
            };
            *there = true;
            let differs = *member.spec() != dest.spec;
            if differs {
                let before = Before::Configured(*member.spec());
                self.note(member.dest().clone(), &dest.spec, before)?;
            }
            let staying = (member, differs.then_some(&dest.spec));
            comparison.staying.push_within_capacity(staying)?;
        }
        Ok(comparison)
    }

    /// Makes the servers that are new in `service`, and notes them as changed. `is_there` tells for each of the desired
    /// servers whether the service has it already.
    fn add(
        &mut self,
        config: &mut Config,
        net: &Net,
        service: &Service,
        desired: &[DesiredDest],
        is_there: &[bool],
    ) -> Result<(), Failure> {
        for (dest, _) in desired.iter().zip(is_there).filter(|(_, there)| !**there) {
            let new = configure::make_dest(config, net, &service.key, dest.key)
                .map_err(Failure::refused(dest.entry))?;
            self.note(new, &dest.spec, Before::Absent(service.stats.clone()))?;
        }
        Ok(())
    }

    /// Notes a server that is new or has other settings.
    fn note(&mut self, dest: Arc<Dest>, spec: &DestSpec, before: Before) -> Result<(), Failure> {
        self.changed.push_within_capacity(ChangedDest {
            dest,
            spec: *spec,
            before,
            reservation: None,
        })?;
        Ok(())
    }

    /// Reserves the places by which packets will find the servers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, after which the changes must be taken back.
    pub(super) fn reserve(&mut self, ipvs: &Arc<Ipvs>) -> Result {
        for changed in &mut self.changed {
            let before = match &changed.before {
                Before::Configured(before) => Some(before),
                Before::Absent(_) => None,
            };
            let servers = &ipvs.servers;
            changed.reservation =
                Some(servers.prepare(ipvs, &changed.dest, before, &changed.spec)?);
        }
        Ok(())
    }

    /// Gives the reservations back.
    pub(super) fn take_back(self, ipvs: &Ipvs) {
        for changed in self.changed {
            if let Some(reservation) = changed.reservation {
                ipvs.servers.discard(reservation);
            }
        }
    }

    /// Gives the changed servers their settings, and lets packets find them.
    pub(super) fn configure(&mut self, ipvs: &Ipvs, config: &mut Config) {
        for changed in &mut self.changed {
            let dest = &changed.dest;
            dest.configure(&changed.spec);
            if let Before::Absent(stats) = &changed.before {
                dest.attach(stats);
                config.trash.take(dest);
            }
            if let Some(reservation) = changed.reservation.take() {
                ipvs.servers.enter(dest, reservation);
            }
        }
    }

    /// Moves the removed servers to the trash, and tells listeners of them.
    pub(super) fn throw_away_removed(&self, ipvs: &Ipvs, config: &mut Config, origin: Origin<'_>) {
        for dest in &self.removed {
            configure::throw_away(ipvs, config, dest);
            origin.dest(Action::Del, &dest.service, &dest.key, None);
        }
    }

    /// Tells listeners of the changed servers.
    pub(super) fn announce(&self, origin: Origin<'_>) {
        for changed in &self.changed {
            let (dest, spec) = (&changed.dest, &changed.spec);
            let action = match &changed.before {
                Before::Configured(before) => event::dest_changes(before, spec),
                Before::Absent(_) => Action::New,
            };
            origin.dest(action, &dest.service, &dest.key, Some(spec));
        }
    }
}

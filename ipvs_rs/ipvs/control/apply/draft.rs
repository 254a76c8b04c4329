// SPDX-License-Identifier: GPL-2.0

//! The services of a namespace in the desired state, before packets and listings see them.

mod dests;

use ipvs_core::{
    addr::Family,
    config::event::{self, Action},
};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    list::List,
    net_namespace::Net,
    rcu::{self, Arc},
    vec::room,
};

use super::{DesiredDest, DesiredService, DesiredState, Failure};
use crate::{
    control::configure,
    model::{
        origin::Origin,
        pool::{OwnedPool, ServiceSettings},
        scheduling::Change,
        service::{Cursor, Index, Service},
        views, Config, Ipvs,
    },
};
use dests::DestChanges;

/// Another index of services, and the changes of single services and servers that its publication makes.
pub(super) struct Draft {
    index: Arc<Index>,
    /// The services that are added or changed, and the event about each.
    services: KVVec<(Action, Arc<Service>)>,
    /// The services that are not in the index.
    deleted: KVVec<Arc<Service>>,
    dests: DestChanges,
}

/// The number of servers that a service has.
fn count_dests(service: &Service) -> usize {
    let guard = rcu::read_lock();
    let pool = service.pool.load(&guard);
    pool.map_or(0, |pool| pool.members().len())
}

impl Draft {
    /// An empty draft, with memory for all changes that the desired state can make.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(ipvs: &Ipvs, desired: &DesiredState) -> Result<Self> {
        // CAST: A u32 fits.
        let present = ipvs.services.count() as usize;
        let mut dests = 0_usize;
        for service in &desired.services {
            let guard = rcu::read_lock();
            let old = ipvs.services.find(&service.key, &guard);
            dests = dests.saturating_add(old.map_or(0, |old| count_dests(&old)));
        }
        let count = desired.services.len();
        let most = match desired.is_whole_table {
            true => count,
            false => count.saturating_add(present),
        };
        Ok(Self {
            index: ipvs.services.new_index(most, ipvs.settings.svc_lfactor())?,
            services: room(count)?,
            deleted: room(present)?,
            dests: DestChanges::new(desired.dests.len(), dests)?,
        })
    }

    /// Whether there will be services for packets of `family`, or servers from which such packets may come.
    pub(super) fn concerns(&self, family: Family) -> bool {
        self.index.count_of(family) != 0 || self.dests.concern(family)
    }

    /// Enters all desired services, and the others unless they are to be deleted.
    ///
    /// # Errors
    ///
    /// [`Failure`], after which the draft must be taken back.
    pub(super) fn fill(
        &mut self,
        ipvs: &Arc<Ipvs>,
        config: &mut Config,
        net: &Net,
        desired: &DesiredState,
    ) -> Result<(), Failure> {
        for service in &desired.services {
            let entry = service.entry;
            let dests = desired.dests_of(service);
            let old = configure::service(ipvs, &service.key).ok();
            let (action, new) = match &old {
                Some(old) => self.changed_service(config, net, old, service, dests)?,
                None => self.new_service(config, net, service, dests)?,
            };
            self.enter(&new)
                .map_err(|error| Failure::at(entry, error, "the service is there twice"))?;
            if !action.is_nothing() {
                self.services.push_within_capacity((action, new))?;
            }
        }
        self.enter_others(ipvs, desired.is_whole_table)?;
        Ok(self.dests.reserve(ipvs)?)
    }

    fn enter(&self, service: &Arc<Service>) -> Result {
        self.index.insert(service, &rcu::read_lock())
    }

    /// Enters the services that are there and not in the request, or notes them as deleted.
    fn enter_others(&mut self, ipvs: &Ipvs, delete: bool) -> Result<(), Failure> {
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
    fn new_service(
        &mut self,
        config: &mut Config,
        net: &Net,
        desired: &DesiredService,
        dests: &[DesiredDest],
    ) -> Result<(Action, Arc<Service>), Failure> {
        let failed = |error| Failure::at(desired.entry, error, "the service cannot be made");
        let plugins = desired.plugins.clone();
        let settings = ServiceSettings::new(&desired.spec);
        let list = List::new(dests.len())?;
        let empty = OwnedPool::new(list, plugins, Change::Rebuilt, None, settings, net);
        let empty = empty.map_err(failed)?;
        let counters = config.counters.take().map_err(failed)?;
        let service =
            Service::new(desired.key, desired.spec.nominal, empty, counters).map_err(failed)?;
        let pool = self.dests.pool(config, net, &service, desired, dests)?;
        if let Some(pool) = pool {
            service.pool.lock().replace(pool)?;
        }
        Ok((Action::New, service))
    }

    /// A service that is there, in its desired state.
    fn changed_service(
        &mut self,
        config: &mut Config,
        net: &Net,
        old: &Service,
        desired: &DesiredService,
        dests: &[DesiredDest],
    ) -> Result<(Action, Arc<Service>), Failure> {
        let failed = |error| Failure::at(desired.entry, error, "the service cannot be changed");
        let Some(pool) = self.dests.pool(config, net, old, desired, dests)? else {
            return Ok((Action::Set(0), old.for_another_index().map_err(failed)?));
        };
        let is = views::service_with(old, &pool);
        let was = views::service(old, &rcu::read_lock()).ok_or(ESRCH)?;
        let new = old.with_pool(pool).map_err(failed)?;
        Ok((event::service_changes(&was, &is), new))
    }

    /// Undoes the reservations that were made for the draft.
    pub(super) fn take_back(self, ipvs: &Ipvs) {
        self.dests.take_back(ipvs);
    }

    /// Lets packets and listings see the draft, and deletes all that is not in it.
    pub(super) fn settle(mut self, ipvs: &Ipvs, config: &mut Config, origin: Origin<'_>) {
        // First the settings that the connections of the servers use: a packet that sees the new index sees them, too.
        self.dests.configure(ipvs, config);
        ipvs.services.publish(self.index);
        self.dests.throw_away_removed(ipvs, config, origin);
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
        self.dests.announce(origin);
    }
}

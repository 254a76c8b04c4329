// SPDX-License-Identifier: GPL-2.0

//! The servers of a service, the state of its scheduler and its settings, which packets see as one object.

mod owned;
mod published;
mod settings;

use ipvs_core::config::{DestKey, Name};
use kernel::{prelude::*, sync};
use knet::{
    list::{List, Shrinking},
    net_namespace::Net,
    rcu::Guard,
    registry::{Held, Unheld},
    vec,
};

use super::{
    engine::{Begun, Finder},
    member::{sketch, Member},
    scheduling::{Arrival, Change, Picker, Plugins, Setup},
};

pub(crate) use owned::OwnedPool;
pub(crate) use published::PublishedPool;
pub(crate) use settings::ServiceSettings;

/// The servers, the scheduler's state and the settings of a service.
///
/// A pool changes in one way only: it loses the first or the last of its servers, if the scheduler's state is right for the others, too.
/// That needs no memory. Each other change of the servers, the scheduler or the settings makes a new pool.
pub(crate) struct Pool {
    /// The servers, the newest first. Listings and searches use this order.
    members: Shrinking<Member>,
    scheduling: Option<Scheduling>,
    /// The persistence engine. The owner of the pool keeps its module loaded.
    engine: Option<PoolEngine>,
    settings: ServiceSettings,
}

/// The scheduler of a pool.
struct Scheduling {
    /// The state of the scheduler. Pools that differ in the settings only share it.
    picker: sync::Arc<dyn Picker>,
    /// The name of the scheduler.
    scheduler: Name,
}

/// The persistence engine of a pool.
struct PoolEngine {
    engine: Unheld<dyn Finder>,
    name: Name,
    /// There if servers may begin a conversation.
    begun: Option<Begun>,
}

impl PoolEngine {
    fn new(engine: &Held<dyn Finder>) -> Option<Self> {
        Some(Self {
            engine: engine.unheld(),
            name: Name::new(engine.name().as_bytes())?,
            begun: engine.serves_begun().then(Begun::new),
        })
    }
}

impl Pool {
    /// A pool of `members` for a service in `net`. `previous` is the pool before `change`, if there is one.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error that the scheduler returns for these servers.
    fn new(
        members: List<Member>,
        plugins: &Plugins,
        change: Change,
        previous: Option<&Pool>,
        settings: ServiceSettings,
        net: &Net,
    ) -> Result<Self> {
        let previous = previous.and_then(|pool| pool.scheduling.as_ref());
        let scheduling = match &plugins.scheduler {
            None => None,
            Some(scheduler) => Some(Scheduling {
                picker: scheduler.prepare(
                    &Setup {
                        members: &members,
                        change,
                        net,
                    },
                    previous.map(|scheduling| &scheduling.picker),
                )?,
                scheduler: *scheduler.name(),
            }),
        };
        Ok(Self {
            members: Shrinking::new(members)?,
            scheduling,
            engine: plugins.engine.as_ref().and_then(PoolEngine::new),
            settings,
        })
    }

    /// A pool of the same servers and scheduler with another engine and other settings.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn with_settings(
        &self,
        engine: Option<&Held<dyn Finder>>,
        settings: ServiceSettings,
    ) -> Result<Self> {
        let scheduling = self.scheduling.as_ref().map(|scheduling| Scheduling {
            picker: scheduling.picker.clone(),
            scheduler: scheduling.scheduler,
        });
        Ok(Self {
            members: Shrinking::new(self.list())?,
            scheduling,
            engine: engine.and_then(PoolEngine::new),
            settings,
        })
    }

    /// Loses the server at `index`, if that is the first or the last one, and the scheduler's state is right for the others, too.
    /// Returns whether it has. The caller holds the lock of the pool.
    fn shrink(&self, index: usize, plugins: &Plugins, net: &Net) -> bool {
        let Some(part) = self.members.without(index) else {
            return false;
        };
        let setup = Setup {
            members: self.members.slice(part),
            change: Change::Removed(index),
            net,
        };
        let goes_on = match (&self.scheduling, &plugins.scheduler) {
            (Some(scheduling), Some(scheduler)) => scheduler.fits(&setup, &scheduling.picker),
            _ => true,
        };
        if goes_on {
            self.members.shrink(part);
        }
        goes_on
    }

    /// The settings of the service.
    #[inline]
    pub(crate) fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// The servers of now, the newest first.
    #[inline]
    pub(crate) fn members(&self) -> &[Member] {
        self.members.load()
    }

    /// The index of the server with this key.
    pub(crate) fn position(&self, key: &DestKey) -> Option<usize> {
        let sketch = sketch(key);
        vec::position(self.members(), |member| {
            member.sketch == sketch && member.key == *key
        })
    }

    /// Whether the server with this key gets no new clients: it is quiesced, or not in the pool.
    pub(crate) fn quiesces(&self, key: &DestKey) -> bool {
        self.member(key)
            .is_none_or(|member| member.spec().weight() == 0)
    }

    /// The list of the servers of now. Another pool can be made from it.
    pub(crate) fn list(&self) -> List<Member> {
        self.members.list()
    }

    /// The name of the scheduler; [`None`] without a scheduler.
    pub(crate) fn scheduler(&self) -> Option<&Name> {
        let scheduling = self.scheduling.as_ref()?;
        Some(&scheduling.scheduler)
    }

    /// The persistence engine, if there is one.
    #[inline]
    pub(crate) fn engine(&self) -> Option<Unheld<dyn Finder>> {
        Some(self.engine.as_ref()?.engine)
    }

    /// Whether servers may begin a conversation.
    pub(crate) fn serves_begun(&self) -> bool {
        let engine = self.engine.as_ref();
        engine.is_some_and(|engine| engine.begun.is_some())
    }

    /// The server with this key.
    pub(crate) fn member(&self, key: &DestKey) -> Option<&Member> {
        let sketch = sketch(key);
        let mut members = self.members().iter();
        members.find(|member| member.sketch == sketch && member.key == *key)
    }

    /// The name of the persistence engine.
    pub(crate) fn engine_name(&self) -> Option<&Name> {
        Some(&self.engine.as_ref()?.name)
    }

    /// Calls the scheduler. Returns the server for a new connection.
    #[inline]
    pub(crate) fn schedule(&self, arrival: &Arrival<'_>, guard: &Guard) -> Option<&Member> {
        let picker = &self.scheduling.as_ref()?.picker;
        let members = self.members();
        members.get(picker.pick(members, arrival, guard)?)
    }

    /// The name of the scheduler and its message for the log, after it has found no server.
    #[cold]
    pub(crate) fn complaint(
        &self,
        arrival: &Arrival<'_>,
        guard: &Guard,
    ) -> Option<(&Name, &'static str)> {
        let scheduling = self.scheduling.as_ref()?;
        let reason = scheduling.picker.complaint(arrival, guard)?;
        Some((&scheduling.scheduler, reason))
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The servers of a service, the scheduler's view of them and the service's settings, published as one.

mod member;
mod owned;
mod published;
mod settings;

use ipvs_core::config::{DestKey, Name};
use kernel::{prelude::*, sync};
use knet::{list::List, net_namespace::Net, rcu::Guard, vec};

use super::scheduling::{Arrival, Change, Handle, Picker, Setup};
use member::sketch;

pub use member::Member;
pub(crate) use owned::OwnedPool;
pub(crate) use published::PublishedPool;
pub(crate) use settings::ServiceSettings;

/// A pool never changes: each change of the servers, the scheduler or the settings makes a new one.
pub(crate) struct Pool {
    /// The newest server first, which is the order of listings and of searches.
    members: List<Member>,
    scheduling: Option<Scheduling>,
    settings: ServiceSettings,
}

struct Scheduling {
    /// Pools that differ in the settings alone share it.
    picker: sync::Arc<dyn Picker>,
    /// The name of the scheduler.
    scheduler: Name,
}

impl Pool {
    /// The pool of `members` under `scheduler`, which `previous` became by `change`, of a service
    /// in `net`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or what the scheduler says about these servers.
    fn new(
        members: List<Member>,
        scheduler: Option<&Handle>,
        change: Change,
        previous: Option<&Pool>,
        settings: ServiceSettings,
        net: &Net,
    ) -> Result<Self> {
        let previous = previous.and_then(|pool| pool.scheduling.as_ref());
        let scheduling = match scheduler {
            None => None,
            Some(scheduler) => Some(Scheduling {
                picker: scheduler.prepare(
                    &Setup {
                        members: &members,
                        change,
                        net,
                    },
                    previous.map(|scheduling| &*scheduling.picker),
                )?,
                scheduler: *scheduler.name(),
            }),
        };
        Ok(Self {
            members,
            scheduling,
            settings,
        })
    }

    /// The same servers and scheduler with other settings.
    fn with_settings(&self, settings: ServiceSettings) -> Self {
        let scheduling = self.scheduling.as_ref().map(|scheduling| Scheduling {
            picker: scheduling.picker.clone(),
            scheduler: scheduling.scheduler,
        });
        Self {
            members: self.members.share(),
            scheduling,
            settings,
        }
    }

    /// The settings of the service.
    #[inline]
    pub(crate) fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// The servers, the newest first.
    #[inline]
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The index of the server that is known by `key`.
    pub(crate) fn position(&self, key: &DestKey) -> Option<usize> {
        let sketch = sketch(key);
        vec::position(&self.members, |member| {
            member.sketch == sketch && member.key == *key
        })
    }

    /// Whether the server that is known by `key` gets no new clients here.
    pub(crate) fn quiesces(&self, key: &DestKey) -> bool {
        let index = self.position(key);
        let member = index.and_then(|index| self.members.get(index));
        member.is_none_or(|member| member.spec().weight() == 0)
    }

    /// The servers as the list that another pool is made from.
    pub(crate) fn list(&self) -> &List<Member> {
        &self.members
    }

    /// The name of the scheduler, unless there is none.
    pub(crate) fn scheduler(&self) -> Option<&Name> {
        let scheduling = self.scheduling.as_ref()?;
        Some(&scheduling.scheduler)
    }

    /// The server for a new connection.
    #[inline]
    pub(crate) fn schedule(&self, arrival: &Arrival<'_>, guard: &Guard) -> Option<&Member> {
        let picker = &self.scheduling.as_ref()?.picker;
        self.members
            .get(picker.pick(&self.members, arrival, guard)?)
    }

    /// The name of the scheduler, and the text for the log where it has just found no server.
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

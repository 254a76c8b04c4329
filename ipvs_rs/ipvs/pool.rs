// SPDX-License-Identifier: GPL-2.0

//! The servers of a service, the scheduler's view of them and the service's settings, published as one.

use core::ops::Deref;
use ipvs_core::{
    addr::{Addr, Family},
    config::{DestKey, DestSpec},
    conn::ConnFlags,
    sched,
};
use kernel::{prelude::*, sync};
use knet::{
    list::List,
    net_namespace::Net,
    rcu::{Arc, Guard},
    vec,
};

mod kept;
mod published;
mod settings;

use crate::{
    dest::Dest,
    scheduler::{Change, Kind, Picker, Request, Setup},
};

pub(crate) use kept::Kept;
pub(crate) use published::Published;
pub(crate) use settings::ServiceSettings;

/// A server in a [`Pool`], and what it is configured to there.
#[derive(Clone)]
pub struct Member {
    dest: Arc<Dest>,
    /// See [`sketch`].
    sketch: u64,
    spec: DestSpec,
    /// The last weight that was not 0; 0 if there never was one.
    last_weight: u32,
    conn_flags: ConnFlags,
}

impl Member {
    /// A server that is new, or was away.
    pub(crate) fn new(dest: Arc<Dest>, spec: &DestSpec) -> Self {
        Self {
            sketch: sketch(&dest.key),
            dest,
            spec: *spec,
            last_weight: spec.weight(),
            conn_flags: ConnFlags::for_destination(spec.conn_flags()),
        }
    }

    /// The same server with other settings.
    pub(crate) fn with(&self, spec: &DestSpec) -> Self {
        let mut other = Self::new(self.dest.clone(), spec);
        if spec.weight() == 0 {
            other.last_weight = self.last_weight;
        }
        other
    }

    /// What it is configured to.
    #[inline]
    pub(crate) fn spec(&self) -> &DestSpec {
        &self.spec
    }

    /// What a connection to it starts with, the forwarding method included.
    #[inline]
    pub(crate) fn conn_flags(&self) -> ConnFlags {
        self.conn_flags
    }

    /// The server, to be kept.
    #[inline]
    pub(crate) fn dest(&self) -> &Arc<Dest> {
        &self.dest
    }
}

/// A number that seldom is the same for two servers. With it in the list itself, a search for a
/// server looks at no other.
fn sketch(key: &DestKey) -> u64 {
    let [upper, lower] = key.addr.words();
    upper ^ lower ^ u64::from(key.port).wrapping_shl(48)
}

impl Deref for Member {
    type Target = Dest;

    #[inline]
    fn deref(&self) -> &Dest {
        &self.dest
    }
}

impl sched::Server for Member {
    #[inline]
    fn weight(&self) -> u32 {
        self.spec.weight()
    }

    #[inline]
    fn is_overloaded(&self) -> bool {
        self.dest.is_overloaded()
    }

    #[inline]
    fn active(&self) -> u32 {
        self.dest.active()
    }

    #[inline]
    fn total(&self) -> u32 {
        self.dest.total()
    }

    #[inline]
    fn last_weight(&self) -> u32 {
        self.last_weight
    }

    #[inline]
    fn family(&self) -> Family {
        self.dest.key.family
    }

    #[inline]
    fn addr(&self) -> Addr {
        self.dest.key.addr
    }

    #[inline]
    fn port(&self) -> u16 {
        self.dest.key.port
    }
}

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
    scheduler: Kind,
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
        scheduler: Option<&Kind>,
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
                scheduler: scheduler.same(),
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
            scheduler: scheduling.scheduler.same(),
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
        member.is_none_or(|member| member.spec.weight() == 0)
    }

    /// The servers as the list that another pool is made from.
    pub(crate) fn list(&self) -> &List<Member> {
        &self.members
    }

    /// The scheduler, unless there is none.
    pub(crate) fn scheduler(&self) -> Option<&Kind> {
        self.scheduling
            .as_ref()
            .map(|scheduling| &scheduling.scheduler)
    }

    /// The server for a new connection.
    #[inline]
    pub(crate) fn schedule(&self, request: &Request<'_>, guard: &Guard) -> Option<&Member> {
        let picker = &self.scheduling.as_ref()?.picker;
        self.members
            .get(picker.pick(&self.members, request, guard)?)
    }

    /// The scheduler, and what the log says where it has just found no server.
    #[cold]
    pub(crate) fn complaint(
        &self,
        request: &Request<'_>,
        guard: &Guard,
    ) -> Option<(&Kind, &'static str)> {
        let scheduling = self.scheduling.as_ref()?;
        let reason = scheduling.picker.complaint(request, guard)?;
        Some((&scheduling.scheduler, reason))
    }
}

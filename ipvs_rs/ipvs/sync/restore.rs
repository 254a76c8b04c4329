// SPDX-License-Identifier: GPL-2.0

//! Connections that were saved are made again.
//!
//! | there is | effect |
//! |---|---|
//! | a connection, or a template, with a server | none: it is newer |
//! | one without a server, which is configured now | it gets the server, and is otherwise as it is |
//! | nothing | a new one, with the time that was left |

use ipvs_core::sync::{Entry, Event};
use kernel::prelude::*;
use knet::rcu::{self, Arc};

use super::{
    entry,
    learn::{with_engine, Learner, Source},
};
use crate::model::Ipvs;

/// Makes saved connections again.
pub(crate) struct Restorer(Learner);

impl Restorer {
    /// For the connections of a namespace, whose tables are there.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(ipvs: Arc<Ipvs>) -> Result<Self> {
        Ok(Self(Learner::new(ipvs, Source::Saved)?))
    }

    /// Makes a connection or a template again. The template that controls a connection is to come before it.
    ///
    /// The event is not counted among those of the daemons.
    pub(crate) fn restore(&self, entry: &Entry<'_>) -> Event {
        if entry.saved.is_end {
            return Event::Late;
        }
        let (entry, engine) = match with_engine(entry) {
            Ok(found) => found,
            Err(event) => return event,
        };
        let entry = &entry;
        let guard = rcu::read_lock();
        let Some(conn) = self.0.known(entry, &guard) else {
            return self.0.enter(entry, engine, None, &guard);
        };
        if !conn.dest.is_unbound() {
            return Event::Late;
        }
        match entry::saved(&conn) {
            Some(present) if self.0.server(&present, &guard).is_some() => {
                match self.0.replace(&present, engine, conn, &guard) {
                    Event::New => Event::Updated,
                    event => event,
                }
            }
            _ => Event::Late,
        }
    }
}

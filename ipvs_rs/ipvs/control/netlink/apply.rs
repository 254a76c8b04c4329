// SPDX-License-Identifier: GPL-2.0

//! `APPLY`: services with their servers are replaced, all at one moment.

use ipvs_core::config::{
    apply::{self as list, Item},
    Error as Defect,
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Request},
    vec::room,
};

use super::{ipvs, origin};
use crate::control::{
    apply::{self, DesiredDest, DesiredService, DesiredState, Failure},
    configure,
    errno::of_request,
};

/// Turns a defect of an entry into a failure.
fn at(entry: usize) -> impl Fn(Defect) -> Failure {
    move |defect| Failure::at(entry, of_request(defect), defect.text())
}

impl DesiredState {
    /// Reads the entries of a request. May load modules.
    ///
    /// # Errors
    ///
    /// [`Failure`].
    fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let (mut services, mut dests) = (0_usize, 0_usize);
        for entry in list::items(bytes) {
            let count = match entry {
                Item::Service(_) => &mut services,
                Item::Dest(_) => &mut dests,
            };
            *count = count.saturating_add(1);
        }
        let mut state = Self {
            services: room(services)?,
            dests: room(dests)?,
            is_whole_table: list::is_whole_table(bytes),
        };
        let most = services.saturating_add(dests);
        for (number, entry) in (0..most).zip(list::items(bytes)) {
            match entry {
                Item::Service(nest) => state.service(number, nest)?,
                Item::Dest(nest) => state.dest(number, nest)?,
            }
        }
        Ok(state)
    }

    fn service(&mut self, entry: usize, nest: &[u8]) -> Result<(), Failure> {
        let (key, spec) = list::service(nest).map_err(at(entry))?;
        let refused = Failure::refused(entry);
        configure::check_family(key.family()).map_err(&refused)?;
        let plugins = configure::plugins(&spec).map_err(&refused)?;
        let dests = self.dests.len()..self.dests.len();
        self.services.push_within_capacity(DesiredService {
            key,
            spec,
            plugins,
            dests,
            entry,
        })?;
        Ok(())
    }

    fn dest(&mut self, entry: usize, nest: &[u8]) -> Result<(), Failure> {
        let last = self.services.len().wrapping_sub(1);
        let Some(service) = self.services.get_mut(last) else {
            return Err(Failure::at(entry, EINVAL, "a server before any service"));
        };
        let syncing = false;
        let family = service.key.family();
        let (key, spec) = list::dest(nest, family, syncing).map_err(at(entry))?;
        configure::check_family(key.family).map_err(Failure::refused(entry))?;
        self.dests
            .push_within_capacity(DesiredDest { key, spec, entry })?;
        service.dests.end = self.dests.len();
        Ok(())
    }
}

/// `APPLY`.
pub(super) struct Apply;

impl Do for Apply {
    fn run(request: &Request) -> Result {
        let ipvs = ipvs(request)?;
        let bytes = request.attributes();
        let done = DesiredState::read(bytes)
            .and_then(|desired| apply::apply(&ipvs, origin(request), &desired));
        done.map_err(|Failure { error, text, entry }| {
            let mut entries = (0..usize::MAX).zip(list::items(bytes));
            match entries.find(|(number, _)| Some(*number) == entry) {
                Some((entry, nest)) => {
                    request.set_err_msg_attr(nest.payload(), fmt!("entry {entry}: {text}"));
                }
                _ => request.set_err_msg_attr(&[], fmt!("{text}")),
            }
            error
        })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! `GET_RELAY` and `DEL_RELAY`.

use ipvs_core::config::reply::AttributeSink;
use kernel::prelude::*;
use knet::{
    genetlink::{Dump, Page, Request},
    rcu::Arc,
    vec::VecExt,
};
use ktcpvs_core::{
    message::{self, RelayFilter},
    uapi::{command, top, ALL},
};

use super::{super::monitor::put_name, named, nest, sink::append, Command, Failure};
use crate::{netns::Ktcpvs, service::Service};

/// The services that a request means: the one that it names, or all.
fn services(ktcpvs: &Ktcpvs, request: &Request) -> Result<KVec<Arc<Service>>, Failure> {
    let name = named(request)?;
    let config = ktcpvs.config.lock();
    let mut found = KVec::new();
    match name {
        Some(name) => found.append(config.find(name)?)?,
        None => {
            for service in &config.services {
                found.append(service.clone())?;
            }
        }
    }
    Ok(found)
}

/// The relays that a request means.
fn filter(request: &Request) -> Result<RelayFilter, Failure> {
    match nest(request, top::RELAY) {
        Some(nest) => Ok(RelayFilter::read(nest)?),
        None => Ok(RelayFilter::default()),
    }
}

/// How far a list is. It keeps services, but no relays: the end of a service waits for these.
#[derive(Default)]
pub(super) struct Progress {
    services: Option<KVec<Arc<Service>>>,
    service: u32,
    /// The place of the next relay in the list of its service.
    place: u32,
}

/// `GET_RELAY`.
pub(super) struct Relays;

impl Dump for Relays {
    type Cursor = Progress;

    fn run(request: &Request, page: &mut Page<'_>, progress: &mut Progress) -> Result {
        let filter = filter(request).map_err(|failure| failure.tell(request))?;
        let Progress {
            services: found,
            service: at,
            place,
        } = progress;
        let all = match found {
            Some(all) => all,
            none => {
                let ktcpvs = super::ktcpvs(request)?;
                let all = services(&ktcpvs, request).map_err(|failure| failure.tell(request))?;
                none.insert(all)
            }
        };
        // CAST: A usize holds both.
        while let Some(service) = all.get(*at as usize) {
            while let Some((here, told)) = service.next_relay(*place as usize, &filter) {
                page.entry(command::GET_RELAY, |message| {
                    append(message, |out| {
                        put_name(out, service.name.as_bytes())?;
                        out.nest(top::RELAY, |out| told.write(out))
                    })
                })?;
                // CAST: A service has 65535 relays at most.
                *place = here.saturating_add(1) as u32;
            }
            (*at, *place) = (at.saturating_add(1), 0);
        }
        Ok(())
    }
}

/// `DEL_RELAY`.
pub(super) struct End;

impl Command for End {
    fn run(ktcpvs: &Ktcpvs, request: &Request) -> Result<(), Failure> {
        let filter = filter(request)?;
        let flags = nest(request, top::FLAGS).and_then(<[u8]>::first_chunk);
        let is_all = flags.is_some_and(|flags| u32::from_ne_bytes(*flags) & ALL != 0);
        if !is_all && filter.is_all() && nest(request, top::SERVICE).is_none() {
            return Err(message::Error::Missing("nothing says which relays").into());
        }
        let mut count = 0_u32;
        for service in &services(ktcpvs, request)? {
            count = count.saturating_add(service.abort_relays(&filter));
        }
        let count = count.to_ne_bytes();
        Ok(request.reply(command::DEL_RELAY, |message| {
            message.put(top::COUNT, &count)
        })?)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Commands about real servers.

use ipvs_core::{
    config::{reply, request, DestKey, DestSpec, ServiceKey},
    uapi::command,
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Dump, Page, Request},
    list::List,
    rcu::Arc,
};

use super::{answer, attributes, ipvs, origin, services, sink};
use crate::{
    control::{configure, refusal::Refusal},
    model::{member::Member, views, Ipvs},
};

/// The error of a request about a server of `service` whose attributes have a fault. That there is no such service is
/// reported first. A request without a fault finds that out when it is carried out.
#[cold]
fn unless_missing(ipvs: &Ipvs, service: &ServiceKey, error: Refusal) -> Refusal {
    configure::check_service(ipvs, service)
        .err()
        .unwrap_or(error)
}

/// A request to add or to change a server.
struct DestRequest {
    ipvs: Arc<Ipvs>,
    service: ServiceKey,
    key: DestKey,
    spec: DestSpec,
}

impl DestRequest {
    fn read(request: &Request) -> Result<Self, Refusal> {
        let ipvs = ipvs(request)?;
        let attributes = attributes(request)?;
        let service = services::named_key(&attributes)?;
        let read = || {
            let nest = attributes.dest()?;
            let syncing = false;
            let (key, spec) = request::dest(nest, service.family(), syncing)?;
            configure::check_family(key.family)?;
            Ok::<_, Refusal>((key, spec))
        };
        let (key, spec) = read().map_err(|error| unless_missing(&ipvs, &service, error))?;
        Ok(Self {
            ipvs,
            service,
            key,
            spec,
        })
    }
}

/// `NEW_DEST`.
pub(super) struct New;

impl Do for New {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let dest = DestRequest::read(request)?;
            let (ipvs, service) = (&dest.ipvs, &dest.service);
            configure::add_dest(ipvs, origin(request), service, dest.key, &dest.spec)
        })
    }
}

/// `SET_DEST`.
pub(super) struct Set;

impl Do for Set {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let dest = DestRequest::read(request)?;
            let (ipvs, service) = (&dest.ipvs, &dest.service);
            configure::edit_dest(ipvs, origin(request), service, &dest.key, &dest.spec)
        })
    }
}

/// `DEL_DEST`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let ipvs = ipvs(request)?;
            let attributes = attributes(request)?;
            let service = services::named_key(&attributes)?;
            let read = || {
                let nest = attributes.dest()?;
                Ok::<_, Refusal>(request::dest_key(nest, service.family())?)
            };
            let key = read().map_err(|error| unless_missing(&ipvs, &service, error))?;
            configure::delete_dest(&ipvs, origin(request), &service, &key)
        })
    }
}

/// `GET_DEST`: all servers of a service.
pub(super) struct GetAll;

/// The servers of a service as they were together when their listing began.
#[derive(Default)]
pub(super) struct DestListing {
    /// [`None`] before it begins.
    members: Option<List<Member>>,
    /// How many of them were shown.
    shown: usize,
}

impl Dump for GetAll {
    type Cursor = DestListing;

    /// As the C module does: a request that names no service gets an empty list.
    fn run(request: &Request, page: &mut Page<'_>, listing: &mut DestListing) -> Result {
        let members = match &listing.members {
            Some(members) => members,
            None => match members(request) {
                Some(members) => listing.members.insert(members),
                None => return Ok(()),
            },
        };
        for member in members.get(listing.shown..).unwrap_or_default() {
            let view = views::dest(member);
            page.entry(command::NEW_DEST, |message| {
                sink::append(message, |sink| reply::dest(sink, &view))
            })?;
            listing.shown = listing.shown.saturating_add(1);
        }
        Ok(())
    }
}

/// The servers of the service that a request names.
fn members(request: &Request) -> Option<List<Member>> {
    let attributes = attributes(request).ok()?;
    let service = services::named(&*ipvs(request).ok()?, &attributes).ok()?;
    service.pool.members()
}

// SPDX-License-Identifier: GPL-2.0

//! Commands about virtual services.

use ipvs_core::{
    config::{
        reply,
        request::{self, TopLevel},
        ServiceKey,
    },
    uapi::command,
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Dump, Page, Request},
    rcu::{self, Arc},
};

use super::{answer, attributes, ipvs, origin, sink};
use crate::{
    control::{configure, refusal::Refusal},
    model::{
        service::{Cursor, Index, Service},
        views, Ipvs,
    },
};

/// The key that a request names a service by.
pub(super) fn named_key(attributes: &TopLevel<'_>) -> Result<ServiceKey, Refusal> {
    Ok(request::service_key(attributes.service()?)?)
}

/// The key of the service that a request names, which must be there.
fn key(ipvs: &Ipvs, attributes: &TopLevel<'_>) -> Result<ServiceKey, Refusal> {
    let key = named_key(attributes)?;
    configure::check_service(ipvs, &key)?;
    Ok(key)
}

/// The service that a request names.
pub(super) fn named(ipvs: &Ipvs, attributes: &TopLevel<'_>) -> Result<Arc<Service>, Refusal> {
    configure::service(ipvs, &named_key(attributes)?)
}

/// `NEW_SERVICE`.
pub(super) struct New;

impl Do for New {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let nest = attributes(request)?.service()?;
            let (key, spec) = request::service(nest)?;
            configure::add_service(&ipvs(request)?, origin(request), key, &spec)
        })
    }
}

/// `SET_SERVICE`.
pub(super) struct Set;

impl Do for Set {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let ipvs = ipvs(request)?;
            let nest = attributes(request)?.service()?;
            let (key, spec) = request::service(nest)?;
            configure::check_service(&ipvs, &key)?;
            configure::edit_service(&ipvs, origin(request), &key, &spec)
        })
    }
}

/// `DEL_SERVICE`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let ipvs = ipvs(request)?;
            let key = key(&ipvs, &attributes(request)?)?;
            configure::delete_service(&ipvs, origin(request), &key)
        })
    }
}

/// `GET_SERVICE` of one service.
pub(super) struct Get;

impl Do for Get {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let service = named(&*ipvs(request)?, &attributes(request)?)?;
            let view = views::service(&service, &rcu::read_lock()).ok_or(Refusal::no_service())?;
            Ok(request.reply(command::NEW_SERVICE, |message| {
                sink::append(message, |sink| reply::service(sink, &view))
            })?)
        })
    }
}

/// `GET_SERVICE` of all services.
pub(super) struct GetAll;

/// The table that is listed, and how far: services of that come and go one by one meanwhile, but
/// it is not replaced.
#[derive(Default)]
pub(super) struct ServiceListing {
    /// [`None`] before it begins.
    index: Option<Arc<Index>>,
    cursor: Cursor,
}

impl Dump for GetAll {
    type Cursor = ServiceListing;

    fn run(request: &Request, page: &mut Page<'_>, listing: &mut ServiceListing) -> Result {
        let index = match &listing.index {
            Some(index) => index,
            None => {
                let index = ipvs(request)?.services.index().ok_or(ENOENT)?;
                listing.index.insert(index)
            }
        };
        let mut ahead = listing.cursor;
        loop {
            // A section for each service, so that none is long.
            let guard = rcu::read_lock();
            let Some(service) = index.next(&mut ahead, &guard) else {
                return Ok(());
            };
            // Deleted by itself, not with the whole table.
            let Some(view) = views::service(&service, &guard) else {
                continue;
            };
            page.entry(command::NEW_SERVICE, |message| {
                sink::append(message, |sink| reply::service(sink, &view))
            })?;
            listing.cursor = ahead;
        }
    }
}

/// `ZERO`, of one service or of everything.
pub(super) struct Zero;

impl Do for Zero {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let ipvs = ipvs(request)?;
            let attributes = attributes(request)?;
            let origin = origin(request);
            match attributes.service() {
                Ok(_) => configure::zero_service(&ipvs, origin, &key(&ipvs, &attributes)?)?,
                Err(_) => configure::zero_all(&ipvs, origin),
            }
            Ok(())
        })
    }
}

/// `FLUSH`.
pub(super) struct Flush;

impl Do for Flush {
    fn run(request: &Request) -> Result {
        answer(request, || {
            configure::flush(&ipvs(request)?, origin(request));
            Ok(())
        })
    }
}

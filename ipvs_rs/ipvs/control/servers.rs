// SPDX-License-Identifier: GPL-2.0

//! Commands about real servers.

use ipvs_core::{
    config::{
        reply::{self, DestView},
        request, DestKey, DestSpec,
    },
    uapi::command,
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Dump, Page, Request},
    rcu::{self, Arc},
};

use super::{attributes, ipvs, origin, services, sink};
use crate::{configure, dest::Dest, errno::of_request, netns::Ipvs, service::Service};

/// What a request to add or change a server names, and asks for.
struct Wanted {
    ipvs: Arc<Ipvs>,
    service: Arc<Service>,
    key: DestKey,
    spec: DestSpec,
}

impl Wanted {
    fn read(request: &Request) -> Result<Self> {
        let ipvs = ipvs(request)?;
        let attributes = attributes(request)?;
        let service = services::named(&ipvs, &attributes)?;
        let nest = attributes.dest().map_err(of_request)?;
        let syncing = false;
        let (key, spec) = request::dest(nest, service.key.family(), syncing).map_err(of_request)?;
        Ok(Self {
            ipvs,
            service,
            key,
            spec,
        })
    }
}

/// How user space sees a server now.
pub(crate) fn view(dest: &Dest) -> DestView {
    DestView {
        key: dest.key,
        spec: dest.spec(),
        active: dest.active(),
        total: dest.total(),
        persistent: dest.persistent(),
        stats: dest.stats.view(),
    }
}

/// `NEW_DEST`.
pub(super) struct New;

impl Do for New {
    fn run(request: &Request) -> Result {
        let wanted = Wanted::read(request)?;
        let (ipvs, service) = (&wanted.ipvs, &wanted.service);
        configure::add_dest(ipvs, origin(request), service, wanted.key, &wanted.spec)
    }
}

/// `SET_DEST`.
pub(super) struct Set;

impl Do for Set {
    fn run(request: &Request) -> Result {
        let wanted = Wanted::read(request)?;
        let (ipvs, service) = (&wanted.ipvs, &wanted.service);
        configure::edit_dest(ipvs, origin(request), service, &wanted.key, &wanted.spec)
    }
}

/// `DEL_DEST`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        let ipvs = ipvs(request)?;
        let attributes = attributes(request)?;
        let service = services::named(&ipvs, &attributes)?;
        let nest = attributes.dest().map_err(of_request)?;
        let key = request::dest_key(nest, service.key.family()).map_err(of_request)?;
        configure::delete_dest(&ipvs, origin(request), &service, &key)
    }
}

/// `GET_DEST`: all servers of a service.
pub(super) struct GetAll;

impl Dump for GetAll {
    /// When the server was attached that was shown last.
    ///
    /// New servers come first in the list, so what remains to be shown are those which were
    /// attached before, whatever else was added and deleted meanwhile.
    type Cursor = Option<u64>;

    /// As the C module does: a request that names no service gets an empty list.
    fn run(request: &Request, page: &mut Page<'_>, shown: &mut Option<u64>) -> Result {
        let ipvs = ipvs(request)?;
        let Ok(service) = attributes(request).and_then(|named| services::named(&ipvs, &named))
        else {
            return Ok(());
        };
        let guard = rcu::read_lock();
        let Some(pool) = service.pool.load(&guard) else {
            return Ok(());
        };
        for member in pool.get().members() {
            let attached = member.attached();
            if shown.is_some_and(|shown| attached >= shown) {
                continue;
            }
            let view = view(member);
            page.entry(command::NEW_DEST, |message| {
                sink::append(message, |sink| reply::dest(sink, &view))
            })?;
            *shown = Some(attached);
        }
        Ok(())
    }
}

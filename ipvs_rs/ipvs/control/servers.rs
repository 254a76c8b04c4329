// SPDX-License-Identifier: GPL-2.0

//! Commands about real servers.

use ipvs_core::{
    addr::Family,
    config::{
        reply::{self, DestView},
        request, DestKey, DestSpec,
    },
    uapi::command,
};
use kernel::prelude::*;
use knet::{
    errno::eafnosupport,
    genetlink::{Do, Dump, Page, Request},
    rcu::{self, Arc},
    vec,
};

use super::{attributes, ipvs, services, sink};
use crate::{
    configure, dest::Dest, errno::of_request, netns::Ipvs, pool::Member, service::Service,
};

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
        if key.family != Family::V4 {
            return Err(eafnosupport());
        }
        Ok(Self {
            ipvs,
            service,
            key,
            spec,
        })
    }
}

/// How user space sees a server now.
fn view(dest: &Dest) -> DestView {
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
        configure::add_dest(ipvs, request.net(), service, wanted.key, &wanted.spec)
    }
}

/// `SET_DEST`.
pub(super) struct Set;

impl Do for Set {
    fn run(request: &Request) -> Result {
        let wanted = Wanted::read(request)?;
        configure::edit_dest(&wanted.ipvs, &wanted.service, &wanted.key, &wanted.spec)
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
        configure::delete_dest(&ipvs, &service, &key)
    }
}

/// `GET_DEST`: all servers of a service.
pub(super) struct GetAll;

/// The server that was shown last, and its place in the list.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    last: Option<DestKey>,
    index: usize,
}

impl Place {
    /// The index of the first server that was not shown.
    ///
    /// New servers come first in the list, so those behind the last one shown are exactly the
    /// others; if that one was deleted meanwhile, its place in the list has to do.
    fn next(&self, members: &[Member]) -> usize {
        let Some(last) = self.last else {
            return 0;
        };
        match vec::position(members, |member| member.key == last) {
            Some(index) => index.saturating_add(1),
            None => self.index,
        }
    }
}

impl Dump for GetAll {
    type Cursor = Place;

    /// As the C module does: a request that names no service gets an empty list.
    fn run(request: &Request, page: &mut Page<'_>, place: &mut Place) -> Result {
        let ipvs = ipvs(request)?;
        let Ok(service) = attributes(request).and_then(|named| services::named(&ipvs, &named))
        else {
            return Ok(());
        };
        let guard = rcu::read_lock();
        let Some(pool) = service.pool.load(&guard) else {
            return Ok(());
        };
        let members = pool.get().members();
        let first = place.next(members);
        let rest = members.get(first..).unwrap_or_default();
        for (index, member) in (first..members.len()).zip(rest) {
            let view = view(member);
            page.entry(command::NEW_DEST, |message| {
                sink::append(message, |sink| reply::dest(sink, &view))
            })?;
            *place = Place {
                last: Some(member.key),
                index,
            };
        }
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Commands about connections, which the C module has none of.

use ipvs_core::{
    config::conns::{self, Filter},
    uapi::additions::{command, top},
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Dump, Page, Request},
    hashtable::Cursor,
    rcu,
};

use super::{ipvs, sink};
use crate::{
    control::errno::of_request,
    model::{conn::announce::announce_end, views, Ipvs},
};

/// Which connections a request is about.
fn filter(request: &Request) -> Result<Filter> {
    Filter::parse(request.attributes()).map_err(|error| {
        request.set_err_msg_attr(&[], fmt!("{}", error.text()));
        of_request(error)
    })
}

/// `GET_CONN`.
pub(super) struct GetAll;

impl Dump for GetAll {
    type Cursor = Cursor;

    fn run(request: &Request, page: &mut Page<'_>, cursor: &mut Cursor) -> Result {
        let (ipvs, filter) = (ipvs(request)?, filter(request)?);
        let mut ahead = *cursor;
        loop {
            // A section for each connection, so that none is long.
            let guard = rcu::read_lock();
            let Some(conn) = ipvs.conns.next(&mut ahead, &guard) else {
                return Ok(());
            };
            let view = views::conn(&conn);
            if filter.takes(&view) {
                page.entry(command::NEW_CONN, |message| {
                    sink::append(message, |sink| conns::put(sink, &view))
                })?;
            }
            *cursor = ahead;
        }
    }
}

/// `DEL_CONN`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        let (ipvs, filter) = (ipvs(request)?, filter(request)?);
        if !filter.is_deliberate() {
            request.set_err_msg(c"say which connections, or set the flag for all");
            return Err(EINVAL);
        }
        // What is done can no longer fail, as there is memory for the answer.
        request.reply(command::DEL_CONN, |message| {
            message.put(top::COUNT, &end(&ipvs, &filter).to_ne_bytes())
        })
    }
}

/// Ends connections, and says how many.
fn end(ipvs: &Ipvs, filter: &Filter) -> u32 {
    let (mut cursor, mut count) = (Cursor::default(), 0_u32);
    loop {
        let guard = rcu::read_lock();
        let Some(conn) = ipvs.conns.next(&mut cursor, &guard) else {
            return count;
        };
        if !filter.takes(&views::conn(&conn)) {
            continue;
        }
        let owned = conn.try_clone();
        if conn.finish() {
            count = count.saturating_add(1);
            if let Some(owned) = owned {
                announce_end(owned.as_ref(), &guard);
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Commands that save connections and restore them, which the C module has none of.

use ipvs_core::{
    config::conns::{self, Outcomes},
    sync::{self as datagram, Event, Fault, Version, LEAST_ROOM},
    uapi::additions::{command, top},
};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Dump, Page, Request},
    hashtable::Cursor,
    rcu,
};

use super::{ipvs, sink};
use crate::{control::errno::of_request, sync};

/// `SAVE_CONN`.
pub(super) struct Save;

impl Dump for Save {
    type Cursor = Cursor;

    fn run(request: &Request, page: &mut Page<'_>, cursor: &mut Cursor) -> Result {
        let ipvs = ipvs(request)?;
        let (mut ahead, mut room) = (*cursor, [0; LEAST_ROOM]);
        loop {
            // A section for each connection, so that none is long.
            let guard = rcu::read_lock();
            let Some(conn) = ipvs.conns.next(&mut ahead, &guard) else {
                return Ok(());
            };
            if let Some(datagram) = sync::save(&conn, &mut room) {
                page.entry(command::SAVE_CONN, |message| {
                    message.put(top::ENTRIES, datagram)
                })?;
            }
            *cursor = ahead;
        }
    }
}

/// `RESTORE_CONN`.
pub(super) struct Restore;

impl Do for Restore {
    fn run(request: &Request) -> Result {
        let ipvs = ipvs(request)?;
        let entries = entries(request)?;
        {
            let _config = ipvs.config.lock();
            ipvs.make_tables()?;
        }
        let restorer = sync::Restorer::new(ipvs)?;
        // What is done can no longer fail, as there is memory for the answer.
        request.reply(command::RESTORE_CONN, |message| {
            let mut outcomes = Outcomes::default();
            for entry in entries {
                outcomes.count(match entry {
                    Ok(entry) => restorer.restore(&entry),
                    Err(fault) => Event::from(fault),
                });
            }
            sink::append(message, |sink| outcomes.put(sink))
        })
    }
}

/// The entries of a request, of which none is malformed.
fn entries(request: &Request) -> Result<datagram::Entries<'_>> {
    let bytes = conns::entries(request.attributes()).map_err(|error| {
        request.set_err_msg_attr(&[], fmt!("{}", error.text()));
        of_request(error)
    })?;
    let entries = match datagram::parse(bytes, 0) {
        Ok(entries) if entries.version() == Version::V1 => entries,
        _ => {
            request.set_err_msg_attr(bytes, fmt!("this is no datagram of version 1"));
            return Err(EINVAL);
        }
    };
    for (number, entry) in (0..usize::MAX).zip(entries.clone()) {
        if let Err(Fault::Malformed(malformed)) = entry {
            request.set_err_msg_attr(bytes, fmt!("entry {number}: {}", malformed.text()));
            return Err(EINVAL);
        }
    }
    Ok(entries)
}

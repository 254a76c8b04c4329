// SPDX-License-Identifier: GPL-2.0

//! Commands about synchronisation daemons.

use ipvs_core::{
    config::{reply, request},
    uapi::command,
};
use kernel::prelude::*;
use knet::genetlink::{Do, Dump, Page, Request};

use super::{answer, attributes, ipvs, sink};
use crate::control::{daemons, refusal::Refusal};

/// `NEW_DAEMON`.
pub(super) struct New;

impl Do for New {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let nest = attributes(request)?.daemon()?;
            let spec = request::daemon(nest)?;
            let ipvs = ipvs(request)?;
            if daemons::are_impossible(&ipvs) {
                let text = "a server has another address family than its service";
                return Err(Refusal::new(EINVAL, text));
            }
            daemons::start(&ipvs, request.net(), &spec)
        })
    }
}

/// `DEL_DAEMON`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let nest = attributes(request)?.daemon()?;
            let role = request::daemon_role(nest)?;
            daemons::stop(&*ipvs(request)?, role as u32)
        })
    }
}

/// `GET_DAEMON`.
pub(super) struct GetAll;

impl Dump for GetAll {
    type Cursor = usize;

    fn run(request: &Request, page: &mut Page<'_>, cursor: &mut usize) -> Result {
        let ipvs = ipvs(request)?;
        let daemons = ipvs.daemons.lock();
        for spec in daemons.running().skip(*cursor) {
            page.entry(command::NEW_DAEMON, |message| {
                sink::append(message, |sink| reply::daemon(sink, spec))
            })?;
            *cursor = cursor.saturating_add(1);
        }
        Ok(())
    }
}

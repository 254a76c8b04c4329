// SPDX-License-Identifier: GPL-2.0

//! Commands about synchronisation daemons, of which there is none yet: who asks to start one is
//! told what is wrong with the request, or else that it cannot be done.

use ipvs_core::config::request;
use kernel::prelude::*;
use knet::{
    errno::eopnotsupp,
    genetlink::{Do, Dump, Page, Request},
};

use super::attributes;
use crate::control::{daemons, errno::of_request};

/// `NEW_DAEMON`.
pub(super) struct New;

impl Do for New {
    fn run(request: &Request) -> Result {
        let nest = attributes(request)?.daemon().map_err(of_request)?;
        let spec = request::daemon(nest).map_err(of_request)?;
        let started = daemons::start(request.net(), &spec);
        if started == Err(eopnotsupp()) {
            request.set_err_msg(c"synchronisation daemons are not implemented yet");
        }
        started
    }
}

/// `DEL_DAEMON`.
pub(super) struct Delete;

impl Do for Delete {
    fn run(request: &Request) -> Result {
        let nest = attributes(request)?.daemon().map_err(of_request)?;
        request::daemon_role(nest).map_err(of_request)?;
        Err(ESRCH)
    }
}

/// `GET_DAEMON`.
pub(super) struct GetAll;

impl Dump for GetAll {
    type Cursor = ();

    fn run(_request: &Request, _page: &mut Page<'_>, _cursor: &mut ()) -> Result {
        Ok(())
    }
}

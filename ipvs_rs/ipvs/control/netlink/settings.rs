// SPDX-License-Identifier: GPL-2.0

//! Commands about timeouts, and the one that asks for the version of the module.

use ipvs_core::{config::reply, uapi::command};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Request},
    time::HZ,
};

use super::{attributes, ipvs, origin, sink};
use crate::control::{configure, errno::of_request};

/// `SET_CONFIG`.
pub(super) struct Set;

impl Do for Set {
    fn run(request: &Request) -> Result {
        // CAST: At most a few thousand.
        let change = attributes(request)?.timeouts(HZ as u32);
        let change = change.map_err(of_request)?;
        configure::set_timeouts(&*ipvs(request)?, origin(request), &change);
        Ok(())
    }
}

/// `GET_CONFIG`.
pub(super) struct Get;

impl Do for Get {
    fn run(request: &Request) -> Result {
        let timeouts = ipvs(request)?.settings.timeouts();
        request.reply(command::SET_CONFIG, |message| {
            sink::append(message, |sink| reply::timeouts(sink, &timeouts))
        })
    }
}

/// `GET_INFO`.
pub(super) struct Info;

impl Do for Info {
    fn run(request: &Request) -> Result {
        let buckets = ipvs(request)?.conns.buckets();
        request.reply(command::SET_INFO, |message| {
            sink::append(message, |sink| reply::info(sink, buckets))
        })
    }
}

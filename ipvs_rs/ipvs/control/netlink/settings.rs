// SPDX-License-Identifier: GPL-2.0

//! Commands about timeouts, and the one that asks for the version of the module.

use ipvs_core::{config::reply, uapi::command};
use kernel::prelude::*;
use knet::{
    genetlink::{Do, Request},
    time::HZ,
};

use super::{answer, attributes, ipvs, origin, sink};
use crate::control::configure;

/// `SET_CONFIG`.
pub(super) struct Set;

impl Do for Set {
    fn run(request: &Request) -> Result {
        answer(request, || {
            // CAST: At most a few thousand.
            let change = attributes(request)?.timeouts(HZ as u32)?;
            configure::set_timeouts(&*ipvs(request)?, origin(request), &change);
            Ok(())
        })
    }
}

/// `GET_CONFIG`.
pub(super) struct Get;

impl Do for Get {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let timeouts = ipvs(request)?.settings.timeouts();
            Ok(request.reply(command::SET_CONFIG, |message| {
                sink::append(message, |sink| reply::timeouts(sink, &timeouts))
            })?)
        })
    }
}

/// `GET_INFO`.
pub(super) struct Info;

impl Do for Info {
    fn run(request: &Request) -> Result {
        answer(request, || {
            let buckets = ipvs(request)?.conns.buckets();
            Ok(request.reply(command::SET_INFO, |message| {
                sink::append(message, |sink| reply::info(sink, buckets))
            })?)
        })
    }
}

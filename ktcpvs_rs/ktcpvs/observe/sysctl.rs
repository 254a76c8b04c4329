// SPDX-License-Identifier: GPL-2.0

//! The settings in `/proc/sys/net/ktcpvs`.

use core::sync::atomic::Ordering::Relaxed;
use kernel::{prelude::*, sync::Mutex};
use knet::{
    net_namespace::Net,
    sysctl::{Entry, Settings},
};

use ktcpvs_core::http::HEAD_MAX;

use crate::{control, netns::Ktcpvs};

/// The longest time-out: a day, in seconds.
const DAY: i32 = 24 * 60 * 60;

/// The least that heads can be limited to, in bytes.
const HEAD_LEAST: i32 = 256;

pub(super) const ENTRIES: &[Entry<Ktcpvs>] = &[
    Entry::int(c"debug_level", |ktcpvs: &Ktcpvs| {
        &ktcpvs.settings.debug_level
    })
    .range(0, 9),
    Entry::int(c"unload", |ktcpvs: &Ktcpvs| &ktcpvs.settings.unload).range(0, 1),
    Entry::int(c"max_backlog", |ktcpvs: &Ktcpvs| {
        &ktcpvs.settings.max_backlog
    })
    .range(1, 65_535),
    Entry::int(c"zerocopy_send", |ktcpvs: &Ktcpvs| {
        &ktcpvs.settings.zerocopy_send
    })
    .range(0, 1),
    Entry::int(c"keepalive_timeout", |ktcpvs: &Ktcpvs| {
        &ktcpvs.settings.keepalive_timeout
    })
    .range(1, DAY),
    Entry::int(c"read_timeout", |ktcpvs: &Ktcpvs| {
        &ktcpvs.settings.read_timeout
    })
    .range(1, DAY),
    Entry::int(c"header_timeout", |ktcpvs: &Ktcpvs| {
        &ktcpvs.settings.header_timeout
    })
    .range(1, DAY),
    // CAST: It fits.
    Entry::int(c"max_head", |ktcpvs: &Ktcpvs| &ktcpvs.settings.max_head)
        .range(HEAD_LEAST, HEAD_MAX as i32),
];

impl Settings for Ktcpvs {
    fn writing(&self) -> &Mutex<()> {
        &self.sysctl_writing
    }

    fn written(&self, net: &Net, name: &CStr, _: &CStr) {
        // When the write returns, nothing is left of the services.
        if *name == *c"unload" && self.settings.unload.load(Relaxed) != 0 {
            control::unload(self, net);
        }
    }
}

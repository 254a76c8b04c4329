// SPDX-License-Identifier: GPL-2.0

//! Changes, as kernels with the additions of `ipvs_rs` tell of them.

use std::collections::VecDeque;

use ipvs_core::uapi::additions::command;

use crate::channel::Channel;
use crate::decode;
use crate::error::{Errno, Error};
use crate::message::Content;
use crate::request::Request;
use crate::sync::Master;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What this request would do.
    Made(Request),
    /// A sysctl in `net.ipv4.vs` was set.
    Setting {
        /// Its name.
        name: String,
        /// Its value, as its file shows it.
        value: String,
    },
    /// Something became of a master that the backup hears.
    Master(MasterChange, Master),
}

/// What became of a master that the backup hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterChange {
    /// It is heard, for the first time or again.
    Heard,
    /// All its connections have come, or they are asked for anew: see [`Master::is_complete`].
    Completed,
    /// It is silent.
    Lost,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was changed.
    pub change: Change,
    /// The netlink port of the socket that asked for it; 0 if it was not asked for by netlink.
    pub port: u32,
}

/// A socket to which the kernel tells all changes in its network namespace, from
/// [`Client::monitor`](crate::Client::monitor) on.
pub struct Monitor {
    channel: Channel,
    family: u16,
    pending: VecDeque<Event>,
}

impl Monitor {
    pub(crate) fn new(channel: Channel, family: u16) -> Self {
        Self {
            channel,
            family,
            pending: VecDeque::new(),
        }
    }

    /// Waits for the next change; [`None`] if some were lost, because they were not read in time:
    /// then all is to be listed anew.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Some(event));
            }
            let messages = match self.channel.receive() {
                Err(error) if error.errno() == Some(Errno::ENOBUFS) => return Ok(None),
                other => other?,
            };
            for message in messages {
                let message = message?;
                if message.kind != self.family {
                    continue;
                }
                if let Content::Answer(command::EVENT, attributes) = message.content()? {
                    self.pending.extend(decode::additions::event(attributes)?);
                }
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Changes, as kernels with the additions of `ipvs_rs` tell of them.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use ipvs_core::uapi::additions::command;

use crate::channel::Channel;
use crate::decode;
use crate::error::{Errno, Error};
use crate::message::Content;
use crate::request::Request;
use crate::sync::Master;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Event {
    /// What was changed.
    pub change: Change,
    /// The netlink port of the socket that asked for it; 0 if it was not asked for by netlink.
    pub port: u32,
}

/// What came of waiting for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Wait {
    /// A change.
    Event(Event),
    /// Some changes were lost, because they were not read in time: all is to be listed anew.
    Lost,
    /// The time is over.
    Timeout,
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
            match self.read(None)? {
                Wait::Event(event) => return Ok(Some(event)),
                Wait::Lost => return Ok(None),
                Wait::Timeout => {}
            }
        }
    }

    /// Waits at most so long for the next change.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub fn next_within(&mut self, most: Duration) -> Result<Wait, Error> {
        self.read(Instant::now().checked_add(most))
    }

    /// Waits for the next change, until a time if there is one.
    fn read(&mut self, end: Option<Instant>) -> Result<Wait, Error> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Wait::Event(event));
            }
            if let Some(end) = end {
                let left = end.saturating_duration_since(Instant::now());
                if !self.channel.wait(left)? {
                    if Instant::now() >= end {
                        return Ok(Wait::Timeout);
                    }
                    continue;
                }
            }
            let messages = match self.channel.receive() {
                Err(error) if error.errno() == Some(Errno::ENOBUFS) => return Ok(Wait::Lost),
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

impl AsFd for Monitor {
    /// For `poll`. One datagram may tell of several changes: call [`Monitor::next_within`] with no time until it says
    /// [`Wait::Timeout`], and then wait again.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

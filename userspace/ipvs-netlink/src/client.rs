// SPDX-License-Identifier: GPL-2.0

//! The conversation with the kernel.

mod additions;

use std::os::fd::OwnedFd;

use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::additions::GROUP;
use ipvs_core::uapi::{command, FAMILY_NAME, FAMILY_VERSION};

pub use self::additions::{Outcome, WholeService};
use crate::attributes::Attributes as Written;
use crate::channel::{Channel, Parts, Place};
use crate::decode;
use crate::error::{Errno, Error};
use crate::generic::resolve;
use crate::key::ServiceKey;
use crate::message::{flag, Body, Content};
use crate::request::{put_service, Request};
use crate::types::{Daemon, Dest, Info, Service};

/// So many requests go out in one system call: the answers of all of them, if all fail, fit into
/// the receive buffer that a socket has by default.
const BATCH: usize = 64;

/// If the servers of a service come in more datagrams than this, those of the next one are asked
/// for in longer ones.
const FEW: usize = 8;

/// A request of several that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Failure {
    /// Its place in the slice.
    pub index: usize,
    /// The error number.
    pub errno: Errno,
    /// What is wrong, in the kernel's words, if it says so.
    pub why: Option<String>,
}

impl Failure {
    /// The failure of a request without the kernel's reason.
    pub const fn new(index: usize, errno: Errno) -> Self {
        Self {
            index,
            errno,
            why: None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::refused(failure.errno, failure.why)
    }
}

/// A socket on which the kernel answers for IPVS in the network namespace of the thread that
/// made it; the one for long answers is opened with the first of them.
pub struct Client {
    place: Place,
    channel: Channel,
    /// Another socket, for what is long.
    long: Option<Channel>,
    family: u16,
    /// The multicast group of a kernel with additions.
    group: Option<u32>,
}

impl Client {
    /// Opens a socket and finds the family, for which the kernel loads the module if it can.
    ///
    /// # Errors
    ///
    /// [`Error::NoFamily`] if there is no IPVS.
    pub fn connect() -> Result<Self, Error> {
        Self::connect_at(Place::default())
    }

    /// The same in another network namespace, such as one that a file in `/run/netns` stands for. Only the sockets are there; this
    /// thread stays where it is.
    ///
    /// # Errors
    ///
    /// [`Error::NoFamily`] if there is no IPVS; what `setns` says: it needs `CAP_SYS_ADMIN`.
    pub fn connect_in(namespace: OwnedFd) -> Result<Self, Error> {
        Self::connect_at(Place::within(namespace))
    }

    fn connect_at(place: Place) -> Result<Self, Error> {
        let mut channel = Channel::open(&place, Parts::Short)?;
        let (family, group) = resolve(&mut channel, FAMILY_NAME, GROUP)?;
        Ok(Self {
            place,
            channel,
            long: None,
            family,
            group,
        })
    }

    /// The number of messages that were sent, answers not counted.
    pub fn messages_sent(&self) -> u64 {
        let long = self.long.as_ref().map_or(0, Channel::sent);
        self.channel.sent().saturating_add(long)
    }

    /// Version and table size.
    ///
    /// # Errors
    ///
    /// What the kernel says; `EPERM` without `CAP_NET_ADMIN`.
    pub fn info(&mut self) -> Result<Info, Error> {
        self.one(command::GET_INFO, vec![], decode::info)
    }

    /// How long connections live without packets.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.one(command::GET_CONFIG, vec![], decode::timeouts)
    }

    /// All services, in the kernel's order.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn services(&mut self) -> Result<Vec<Service>, Error> {
        self.dump(command::GET_SERVICE, vec![], decode::service)
    }

    /// One service.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it is not there.
    pub fn service(&mut self, key: &ServiceKey) -> Result<Service, Error> {
        self.one(command::GET_SERVICE, named(key)?, decode::service)
    }

    /// The servers of a service, the newest first; none of a service that is not there.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn dests(&mut self, key: &ServiceKey) -> Result<Vec<Dest>, Error> {
        let mut dests = Vec::new();
        let body = asking(command::GET_DEST, named(key)?);
        let parts = self.channel.ask(self.family, &body, flag::DUMP, |found| {
            dests.push(decode::dest(found, key.family())?);
            Ok(())
        })?;
        if parts > FEW {
            self.channel.ask_for(Parts::Long);
        }
        Ok(dests)
    }

    /// The synchronisation daemons that run.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn daemons(&mut self) -> Result<Vec<Daemon>, Error> {
        self.dump(command::GET_DAEMON, vec![], decode::daemon)
    }

    /// Makes one change.
    ///
    /// # Errors
    ///
    /// What the kernel says; see [`Request`].
    pub fn execute(&mut self, request: &Request) -> Result<(), Error> {
        let body = body(request)?;
        self.channel
            .ask(self.family, &body, flag::ACK, |_| Ok(()))?;
        Ok(())
    }

    /// Makes changes in their order, many with each system call, and goes on after a failure.
    ///
    /// Only what fails is answered, and the last of each call: so there is about one message
    /// for each change.
    ///
    /// # Errors
    ///
    /// If the socket fails. What the kernel refuses is returned as [`Failure`]s.
    pub fn execute_all(&mut self, requests: &[Request]) -> Result<Vec<Failure>, Error> {
        let mut failures = Vec::new();
        for (number, batch) in requests.chunks(BATCH).enumerate() {
            let base = number.saturating_mul(BATCH);
            self.execute_batch(batch, |index, errno, why| {
                failures.push(Failure {
                    index: base.saturating_add(index),
                    errno,
                    why,
                });
            })?;
        }
        Ok(failures)
    }

    fn execute_batch(
        &mut self,
        batch: &[Request],
        mut failed: impl FnMut(usize, Errno, Option<String>),
    ) -> Result<(), Error> {
        let bodies = batch.iter().map(body).collect::<Result<Vec<_>, _>>()?;
        let flags = |index: usize| match index.saturating_add(1) == bodies.len() {
            true => flag::ACK,
            false => 0,
        };
        let requests = bodies.iter().enumerate();
        let first = self.channel.send(
            self.family,
            requests.map(|(index, body)| (body, flags(index))),
        )?;
        let mut over = batch.is_empty();
        while !over {
            for message in self.channel.receive()? {
                let message = message?;
                // CAST: a batch has few requests, so this fits.
                let index = message.sequence.wrapping_sub(first) as usize;
                if index >= batch.len() {
                    continue;
                }
                if let Content::Refused(errno, why) = message.content()? {
                    failed(index, errno, why);
                }
                over |= index.saturating_add(1) == batch.len();
            }
        }
        Ok(())
    }

    /// Asks for one thing.
    fn one<T>(
        &mut self,
        command: u8,
        attributes: Vec<u8>,
        decode: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut answer = None;
        let body = asking(command, attributes);
        self.channel.ask(self.family, &body, flag::ACK, |found| {
            answer = Some(decode(found)?);
            Ok(())
        })?;
        answer.ok_or(Error::Malformed("no content"))
    }

    /// Asks for all things of a kind, of which there may be many.
    fn dump<T>(
        &mut self,
        command: u8,
        attributes: Vec<u8>,
        decode: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut answers = Vec::new();
        self.each(command, attributes, |found| {
            answers.push(decode(found)?);
            Ok(())
        })?;
        Ok(answers)
    }

    /// Asks for all things of a kind, and hands over each as it comes.
    fn each(
        &mut self,
        command: u8,
        attributes: Vec<u8>,
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let channel = match &mut self.long {
            Some(channel) => channel,
            none => none.insert(Channel::open(&self.place, Parts::Long)?),
        };
        let body = asking(command, attributes);
        channel.ask(self.family, &body, flag::DUMP, each)?;
        Ok(())
    }
}

/// The attributes that name a service.
fn named(key: &ServiceKey) -> Result<Vec<u8>, Error> {
    let mut out = Written::default();
    put_service(&mut out, key).map_err(|_| Error::Malformed("no room for a key"))?;
    Ok(out.0)
}

/// A question.
const fn asking(command: u8, attributes: Vec<u8>) -> Body {
    Body {
        command,
        version: FAMILY_VERSION,
        attributes,
    }
}

fn body(request: &Request) -> Result<Body, Error> {
    let attributes = request
        .attributes()
        .map_err(|_| Error::Malformed("no room for a request"))?;
    Ok(asking(request.command(), attributes))
}

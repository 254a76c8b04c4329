// SPDX-License-Identifier: GPL-2.0

//! The conversation with the kernel.

mod additions;

use std::io::Cursor;

use ipvs_core::config::ServiceKey;
use ipvs_core::nla::{Attributes, Iter, Kind};
use ipvs_core::proto::Timeouts;
use ipvs_core::uapi::additions::GROUP;
use ipvs_core::uapi::{command, FAMILY_NAME, FAMILY_VERSION};
use neli::consts::nl::{NlmF, Nlmsg, NlmsgerrAttr};
use neli::err::{Nlmsgerr, NlmsghdrErr};
use neli::nl::NlPayload;

pub use self::additions::WholeService;
use crate::channel::Channel;
use crate::decode;
use crate::error::{Errno, Error};
use crate::message::{self, Body};
use crate::request::{put_service, Request};
use crate::types::{Daemon, Dest, Info, Service};

/// So many requests go out in one system call: the answers of all of them, if all fail, fit into
/// the receive buffer that a socket has by default.
const BATCH: usize = 64;

/// The family that knows all families, `CTRL`.
mod controller {
    pub(super) const ID: u16 = 16;
    pub(super) const GET_FAMILY: u8 = 3;
    pub(super) const ATTRIBUTE_ID: u16 = 1;
    pub(super) const ATTRIBUTE_NAME: u16 = 2;
    pub(super) const ATTRIBUTE_GROUPS: u16 = 7;
    pub(super) const GROUP_NAME: u16 = 1;
    pub(super) const GROUP_ID: u16 = 2;
}

/// A request of several that the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its place in the slice.
    pub index: usize,
    /// Why.
    pub errno: Errno,
}

/// A socket on which the kernel answers for IPVS in the network namespace of the thread that
/// made it.
pub struct Client {
    channel: Channel,
    family: u16,
    /// The multicast group of a kernel with additions.
    group: Option<u32>,
    sequence: u32,
}

impl Client {
    /// Opens a socket and finds the family, for which the kernel loads the module if it can.
    ///
    /// # Errors
    ///
    /// [`Error::NoFamily`] if there is no IPVS.
    pub fn connect() -> Result<Self, Error> {
        let mut client = Self {
            channel: Channel::open()?,
            family: controller::ID,
            group: None,
            sequence: 0,
        };
        (client.family, client.group) = client.resolve()?;
        Ok(client)
    }

    /// The number of messages that were sent, answers not counted.
    pub const fn messages_sent(&self) -> u64 {
        self.channel.sent()
    }

    /// The number of the family `IPVS`, and of its multicast group if it has one.
    fn resolve(&mut self) -> Result<(u16, Option<u32>), Error> {
        let mut name = crate::message::Attributes::default();
        let text = [FAMILY_NAME.as_bytes(), &[0]].concat();
        ipvs_core::config::reply::AttributeSink::put(&mut name, controller::ATTRIBUTE_NAME, &text)
            .map_err(|_| Error::Malformed("no room for a name"))?;
        let mut family = None;
        let mut group = None;
        self.ask(
            Body::new(controller::GET_FAMILY, 1, &name.0),
            NlmF::ACK,
            |body| {
                if let Ok(found) = Attributes::parse(body.attributes(), &[Kind::Any; 7]) {
                    family = found.u16(controller::ATTRIBUTE_ID);
                    group = found.bytes(controller::ATTRIBUTE_GROUPS).and_then(group_of);
                }
                Ok(())
            },
        )
        .map_err(|error| match error.errno() {
            Some(Errno::ENOENT) => Error::NoFamily,
            _ => error,
        })?;
        Ok((family.ok_or(Error::NoFamily)?, group))
    }

    /// Version and table size.
    ///
    /// # Errors
    ///
    /// What the kernel says; `EPERM` without `CAP_NET_ADMIN`.
    pub fn info(&mut self) -> Result<Info, Error> {
        self.one(command::GET_INFO, &[], decode::info)
    }

    /// How long connections live without packets.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.one(command::GET_CONFIG, &[], decode::timeouts)
    }

    /// All services, in the kernel's order.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn services(&mut self) -> Result<Vec<Service>, Error> {
        self.dump(command::GET_SERVICE, &[], decode::service)
    }

    /// One service.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it is not there.
    pub fn service(&mut self, key: &ServiceKey) -> Result<Service, Error> {
        let key = named(key)?;
        self.one(command::GET_SERVICE, &key, decode::service)
    }

    /// The servers of a service, the newest first; none of a service that is not there.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn dests(&mut self, key: &ServiceKey) -> Result<Vec<Dest>, Error> {
        let attributes = named(key)?;
        self.dump(command::GET_DEST, &attributes, |bytes| {
            decode::dest(bytes, key.family())
        })
    }

    /// The synchronisation daemons that run.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn daemons(&mut self) -> Result<Vec<Daemon>, Error> {
        self.dump(command::GET_DAEMON, &[], decode::daemon)
    }

    /// Makes one change.
    ///
    /// # Errors
    ///
    /// What the kernel says; see [`Request`].
    pub fn execute(&mut self, request: &Request) -> Result<(), Error> {
        let body = body(request)?;
        self.ask(body, NlmF::ACK, |_| Ok(()))
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
            self.execute_batch(batch, |index, errno| {
                failures.push(Failure {
                    index: base.saturating_add(index),
                    errno,
                });
            })?;
        }
        Ok(failures)
    }

    fn execute_batch(
        &mut self,
        batch: &[Request],
        mut failed: impl FnMut(usize, Errno),
    ) -> Result<(), Error> {
        let first = self.sequence.wrapping_add(1);
        let mut out = Cursor::new(Vec::new());
        for (index, request) in batch.iter().enumerate() {
            let flags = if index.saturating_add(1) == batch.len() {
                NlmF::ACK
            } else {
                NlmF::empty()
            };
            self.sequence = self.sequence.wrapping_add(1);
            message::append(&mut out, self.family, flags, self.sequence, body(request)?)?;
        }
        self.channel.send(&out.into_inner(), batch.len())?;
        let mut over = batch.is_empty();
        while !over {
            for message in self.channel.receive()? {
                // CAST: a batch has few requests, so this fits.
                let index = message.nl_seq().wrapping_sub(first) as usize;
                if index >= batch.len() {
                    continue;
                }
                if let NlPayload::Err(error) = message.nl_payload() {
                    failed(index, Errno(error.error().wrapping_neg()));
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
        attributes: &[u8],
        decode: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut answer = None;
        let body = Body::new(command, FAMILY_VERSION, attributes);
        self.ask(body, NlmF::ACK, |body| {
            answer = Some(decode(body.attributes())?);
            Ok(())
        })?;
        answer.ok_or(Error::Malformed("no content"))
    }

    /// Asks for all things of a kind.
    fn dump<T>(
        &mut self,
        command: u8,
        attributes: &[u8],
        decode: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut answers = Vec::new();
        let body = Body::new(command, FAMILY_VERSION, attributes);
        self.ask(body, NlmF::DUMP, |body| {
            answers.push(decode(body.attributes())?);
            Ok(())
        })?;
        Ok(answers)
    }

    /// Sends one request and reads its answers to the end, be it an ACK, the end of a dump or an
    /// error. All are read even if `each` fails, so that the next request finds none of them.
    fn ask(
        &mut self,
        body: Body,
        flags: NlmF,
        mut each: impl FnMut(&Body) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut out = Cursor::new(Vec::new());
        message::append(&mut out, self.family, flags, self.sequence, body)?;
        self.channel.send(&out.into_inner(), 1)?;
        let mut outcome = Ok(());
        loop {
            for message in self.channel.receive()? {
                if *message.nl_seq() != self.sequence {
                    continue;
                }
                match message.nl_payload() {
                    NlPayload::Payload(body) => {
                        if outcome.is_ok() {
                            outcome = each(body);
                        }
                    }
                    NlPayload::Err(error) => return Err(refusal(error)),
                    NlPayload::DumpExtAck(done) if *done.error() != 0 => {
                        return Err(Error::Kernel(Errno(done.error().wrapping_neg())));
                    }
                    NlPayload::Ack(_) | NlPayload::DumpExtAck(_) => return outcome,
                    NlPayload::Empty if *message.nl_type() == u16::from(Nlmsg::Done) => {
                        return outcome;
                    }
                    NlPayload::Empty => {}
                }
            }
        }
    }
}

/// The number of the group of events, in a list of groups.
fn group_of(groups: &[u8]) -> Option<u32> {
    Iter::new(groups).find_map(|(_, group)| {
        let found = Attributes::parse(group, &[Kind::Any; 2]).ok()?;
        let name = found.string(controller::GROUP_NAME)?;
        (name == GROUP.as_bytes()).then(|| found.u32(controller::GROUP_ID))?
    })
}

/// What a refusal says.
fn refusal(error: &Nlmsgerr<NlmsghdrErr<u16, Body>>) -> Error {
    let errno = Errno(error.error().wrapping_neg());
    let said = error.ext_ack().iter().find_map(|attribute| {
        let text = attribute.nla_payload().as_ref();
        (*attribute.nla_type().nla_type() == NlmsgerrAttr::Msg).then(|| {
            let text = text.strip_suffix(&[0]).unwrap_or(text);
            String::from_utf8_lossy(text).into_owned()
        })
    });
    match said {
        Some(why) => Error::Refused { errno, why },
        None => Error::Kernel(errno),
    }
}

/// The attributes that name a service.
fn named(key: &ServiceKey) -> Result<Vec<u8>, Error> {
    let mut out = crate::message::Attributes::default();
    put_service(&mut out, key).map_err(|_| Error::Malformed("no room for a key"))?;
    Ok(out.0)
}

fn body(request: &Request) -> Result<Body, Error> {
    let attributes = request
        .attributes()
        .map_err(|_| Error::Malformed("no room for a request"))?;
    Ok(Body::new(request.command(), FAMILY_VERSION, &attributes))
}

// SPDX-License-Identifier: GPL-2.0

//! Any family of generic netlink: the layer-7 switch has one of its own.

use ipvs_core::config::reply::AttributeSink;
use ipvs_core::nla::{Attributes as Found, Iter, Kind};

pub use crate::attributes::Attributes;
use crate::channel::{Channel, Parts, Place};
use crate::error::{Errno, Error};
use crate::message::{flag, Body, Content};

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

/// The number of a family, and of a multicast group of it, if it has that.
pub(crate) fn resolve(
    channel: &mut Channel,
    family: &str,
    group: &str,
) -> Result<(u16, Option<u32>), Error> {
    let mut name = Attributes::default();
    let text = [family.as_bytes(), &[0]].concat();
    name.put(controller::ATTRIBUTE_NAME, &text)
        .map_err(|_| Error::Malformed("no room for a name"))?;
    let body = Body {
        command: controller::GET_FAMILY,
        version: 1,
        attributes: name.0,
    };
    let mut number = None;
    let mut group_number = None;
    channel
        .ask(controller::ID, &body, flag::ACK, |found| {
            if let Ok(found) = Found::parse(found, &[Kind::Any; 7]) {
                number = found.u16(controller::ATTRIBUTE_ID);
                let groups = found.bytes(controller::ATTRIBUTE_GROUPS);
                group_number = groups.and_then(|groups| group_of(groups, group));
            }
            Ok(())
        })
        .map_err(|error| match error.errno() {
            Some(Errno::ENOENT) => Error::NoFamily,
            _ => error,
        })?;
    Ok((number.ok_or(Error::NoFamily)?, group_number))
}

/// The number of a group, in a list of groups.
fn group_of(groups: &[u8], wanted: &str) -> Option<u32> {
    Iter::new(groups).find_map(|(_, group)| {
        let found = Found::parse(group, &[Kind::Any; 2]).ok()?;
        let name = found.string(controller::GROUP_NAME)?;
        (name == wanted.as_bytes()).then(|| found.u32(controller::GROUP_ID))?
    })
}

/// A socket on which the kernel answers for a family, in the network namespace of the thread that made it.
pub struct Socket {
    channel: Channel,
    family: u16,
    version: u8,
}

impl Socket {
    /// Opens a socket and finds the family, for which the kernel loads the module if it can.
    ///
    /// # Errors
    ///
    /// [`Error::NoFamily`] if there is none of that name.
    pub fn connect(family: &str, version: u8) -> Result<Self, Error> {
        let mut channel = Channel::open(&Place::default(), Parts::Long)?;
        let (family, _) = resolve(&mut channel, family, "")?;
        Ok(Self {
            channel,
            family,
            version,
        })
    }

    /// Sends a command, and hands the attributes of its answer to `each`, if there is one.
    ///
    /// # Errors
    ///
    /// What the kernel says, or `each`.
    pub fn execute(
        &mut self,
        command: u8,
        attributes: Attributes,
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.ask(command, attributes, flag::ACK, each)
    }

    /// Asks for a list, and hands the attributes of each entry to `each`.
    ///
    /// # Errors
    ///
    /// What the kernel says, or `each`.
    pub fn list(
        &mut self,
        command: u8,
        attributes: Attributes,
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.ask(command, attributes, flag::DUMP, each)
    }

    fn ask(
        &mut self,
        command: u8,
        attributes: Attributes,
        flags: u16,
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let body = Body {
            command,
            version: self.version,
            attributes: attributes.0,
        };
        self.channel.ask(self.family, &body, flags, each)?;
        Ok(())
    }
}

/// A socket to which the kernel tells what a family sends to a multicast group, in the network namespace of the thread that made
/// it.
pub struct Listener {
    channel: Channel,
    family: u16,
}

impl Listener {
    /// Opens a socket and joins the group.
    ///
    /// # Errors
    ///
    /// [`Error::NoFamily`] if there is no family of that name, or it has no such group.
    pub fn join(family: &str, group: &str) -> Result<Self, Error> {
        let mut channel = Channel::open(&Place::default(), Parts::Long)?;
        let (family, group) = resolve(&mut channel, family, group)?;
        channel.join(group.ok_or(Error::NoFamily)?)?;
        Ok(Self { channel, family })
    }

    /// Waits for what comes next, and hands the command and the attributes of each message to `each`. Returns whether that is all:
    /// false if messages were lost, because they were not read in time.
    ///
    /// # Errors
    ///
    /// If the socket fails, or `each`.
    pub fn hear(
        &mut self,
        mut each: impl FnMut(u8, &[u8]) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let messages = match self.channel.receive() {
            Err(error) if error.errno() == Some(Errno::ENOBUFS) => return Ok(false),
            other => other?,
        };
        for message in messages {
            let message = message?;
            if message.kind != self.family {
                continue;
            }
            if let Content::Answer(command, attributes) = message.content()? {
                each(command, attributes)?;
            }
        }
        Ok(true)
    }
}

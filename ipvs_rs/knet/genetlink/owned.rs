// SPDX-License-Identifier: GPL-2.0

//! A message in a buffer of its own, to be sent as a reply or to a group.

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{
    message::{Full, Header, Message},
    Request,
};
use crate::net_namespace::Net;

/// A buffer for one message, which was not sent yet.
///
/// # Invariants
///
/// `skb` is owned, and free for use with netlink.
pub(super) struct OwnedMessage {
    skb: NonNull<bindings::sk_buff>,
}

impl OwnedMessage {
    /// An empty one.
    pub(super) fn new() -> Result<Self> {
        // SAFETY: It may sleep, and so may a command.
        let skb = unsafe { bindings::genlmsg_new() };
        Ok(Self {
            skb: NonNull::new(skb).ok_or(ENOMEM)?,
        })
    }

    /// Begins the message in it.
    pub(super) fn begin(&mut self, request: &Request, command: u8) -> Result<Message<'_>, Full> {
        // SAFETY: `skb` is owned; the borrow keeps everybody else away.
        unsafe { Message::begin(self.skb, request, 0, command) }
    }

    /// Begins a message that answers nothing.
    ///
    /// # Safety
    ///
    /// `family` must be registered.
    pub(super) unsafe fn begin_event(
        &mut self,
        family: *const bindings::genl_family,
        command: u8,
    ) -> Result<Message<'_>, Full> {
        let header = Header {
            family,
            port: 0,
            sequence: 0,
        };
        // SAFETY: `skb` is owned, and the borrow keeps everybody else away. By the contract the
        // family is registered.
        unsafe { Message::begin_with(self.skb, header, 0, command) }
    }

    /// Sends it to the members of a group.
    ///
    /// # Safety
    ///
    /// `family` must be registered, and have so many groups.
    pub(super) unsafe fn send_to_group(
        self,
        family: *const bindings::genl_family,
        net: &Net,
        group: u32,
    ) {
        let skb = self.skb.as_ptr();
        core::mem::forget(self);
        // SAFETY: `skb` is owned, and given away. By the contract the family has the group.
        unsafe { bindings::genlmsg_multicast(family, net.as_ptr(), skb, group) };
    }

    /// Sends it to the socket of the request.
    pub(super) fn send(self, request: &Request) -> Result {
        let skb = self.skb.as_ptr();
        core::mem::forget(self);
        // SAFETY: `skb` is owned, and given away, whatever becomes of it. C keeps the request while
        // its callback runs.
        to_result(unsafe { bindings::genlmsg_reply(skb, request.as_raw()) })
    }
}

impl Drop for OwnedMessage {
    fn drop(&mut self) {
        // SAFETY: `skb` is owned, and was not given away.
        unsafe { bindings::nlmsg_free(self.skb.as_ptr()) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What user space asks.

use ipvs_sys as bindings;
use kernel::{error::from_result, fmt, prelude::*, types::Opaque};

use super::{
    message::{Full, Message},
    owned::OwnedMessage,
};
use crate::net_namespace::Net;

/// Netlink and generic netlink header, both of which are aligned to four bytes.
const HEADERS: usize = size_of::<bindings::nlmsghdr>() + size_of::<bindings::genlmsghdr>();

/// Answers a command.
pub trait Do {
    /// Does what `request` asks. May sleep.
    ///
    /// # Errors
    ///
    /// The error is sent to the socket of the request.
    fn run(request: &Request) -> Result;
}

/// A request from user space.
///
/// # Invariants
///
/// Valid as the C core hands a `genl_info` to its callbacks, for as long as the callback runs.
#[repr(transparent)]
pub struct Request(Opaque<bindings::genl_info>);

impl Request {
    /// # Safety
    ///
    /// `info` must be what the C core handed to the callback of an operation that runs during
    /// `'a`.
    pub(super) unsafe fn from_raw<'a>(info: *const bindings::genl_info) -> &'a Self {
        // INVARIANT: By the contract.
        // SAFETY: `Request` is transparent.
        unsafe { &*info.cast() }
    }

    pub(super) fn as_raw(&self) -> *const bindings::genl_info {
        self.0.get()
    }

    /// The family that was asked.
    pub(super) fn family(&self) -> *const bindings::genl_family {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        unsafe { (*self.as_raw()).family }
    }

    /// The network namespace of the socket that the request was sent from.
    pub fn net(&self) -> &Net {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        let net = unsafe { (*self.as_raw())._net.net };
        // SAFETY: The socket keeps its namespace.
        unsafe { Net::from_raw(net) }
    }

    /// The address of the socket that the request was sent from.
    pub fn port(&self) -> u32 {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        unsafe { (*self.as_raw()).snd_portid }
    }

    /// The number that an answer must carry.
    pub fn sequence(&self) -> u32 {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        unsafe { (*self.as_raw()).snd_seq }
    }

    /// The attributes, as they were sent.
    pub fn attributes(&self) -> &[u8] {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        let header = unsafe { (*self.as_raw()).nlhdr };
        // SAFETY: C keeps the message while the callback runs, and has found its header whole.
        // CAST: A u32 fits.
        let length = unsafe { (*header).nlmsg_len } as usize;
        // SAFETY: The message is that long and stays where it is while the callback runs.
        let message = unsafe { core::slice::from_raw_parts(header.cast::<u8>(), length) };
        message.get(HEADERS..).unwrap_or_default()
    }

    /// Adds the text `why` to the error that the caller will return (`NL_SET_ERR_MSG`). The sender gets
    /// it if it asked for extended acknowledgements.
    pub fn set_err_msg(&self, why: &'static CStr) {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        let extack = unsafe { (*self.as_raw()).extack };
        // SAFETY: It is null or valid while the callback runs, and nobody else writes to it.
        if let Some(extack) = unsafe { extack.as_mut() } {
            extack._msg = why.as_char_ptr();
        }
    }

    /// Explains the error that will be returned, and says that it is in the attribute with this
    /// payload, if that is a part of [`Request::attributes`]. 79 bytes of the text are sent.
    pub fn set_err_msg_attr(&self, payload: &[u8], why: fmt::Arguments<'_>) {
        // SAFETY: C keeps the `genl_info` while the callback runs.
        let extack = unsafe { (*self.as_raw()).extack };
        // SAFETY: It is null or valid while the callback runs, and nobody else writes to it.
        let Some(extack) = (unsafe { extack.as_mut() }) else {
            return;
        };
        let mut text = Text {
            room: &mut extack._msg_buf,
            used: 0,
        };
        // What does not fit is left out.
        let _ = core::fmt::Write::write_fmt(&mut text, why);
        extack._msg = (&raw const extack._msg_buf).cast();
        let start = self.attributes().as_ptr() as usize;
        let offset = (payload.as_ptr() as usize).wrapping_sub(start);
        let header = offset.wrapping_sub(size_of::<bindings::nlattr>());
        if let Some(attribute) = self.attributes().get(header..offset) {
            extack.bad_attr = attribute.as_ptr().cast();
        }
    }

    /// Sends one message back, with the attributes that `write` appends to it.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if they do not fit, `ENOMEM`, or why it could not be sent.
    pub fn reply(
        &self,
        command: u8,
        write: impl FnOnce(&mut Message<'_>) -> Result<(), Full>,
    ) -> Result {
        let mut reply = OwnedMessage::new()?;
        let mut message = reply.begin(self, command)?;
        write(&mut message)?;
        message.finish();
        reply.send(self)
    }
}

/// A buffer for text, of which the last byte stays free.
struct Text<'a> {
    room: &'a mut [u8],
    used: usize,
}

impl core::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for &byte in text.as_bytes() {
            let behind = self.used.saturating_add(1);
            match self.room.get_mut(self.used..=behind) {
                Some([to, end]) => (*to, *end) = (byte, 0),
                _ => return Err(core::fmt::Error),
            }
            self.used = behind;
        }
        Ok(())
    }
}

/// # Safety
///
/// To be called by the C core, as the `doit` of an operation.
pub(super) unsafe extern "C" fn run_callback<H: Do>(
    _skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    from_result(|| {
        // SAFETY: C has made `info` for this operation, for as long as this function runs.
        H::run(unsafe { Request::from_raw(info) })?;
        Ok(0)
    })
}

// SPDX-License-Identifier: GPL-2.0

//! A message that is being written.

use core::{marker::PhantomData, ptr::NonNull};
use ipvs_sys as bindings;
use kernel::prelude::*;

use super::Request;

/// The bit in the kind of an attribute that says that it holds attributes.
pub const NESTED: u16 = bindings::NLA_F_NESTED as u16;

/// The message has no room for that. As an [`Error`] it is `EMSGSIZE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl From<Full> for Error {
    fn from(_: Full) -> Self {
        EMSGSIZE
    }
}

/// Where a nest begins, in bytes from the first attribute of its message.
///
/// `'a` is that of the [`Message`], and is neither longer nor shorter: whoever writes messages is
/// given each with a lifetime of its own, so that another message does not take this.
#[must_use = "a nest has no length before its end"]
pub struct Nest<'a> {
    offset: usize,
    _message: Brand<'a>,
}

/// Makes no lifetime but `'a` do.
type Brand<'a> = PhantomData<fn(&'a ()) -> &'a ()>;

/// Whom a message is of and for, as its header says.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) family: *const bindings::genl_family,
    pub(super) port: u32,
    pub(super) sequence: u32,
}

impl Header {
    /// That of an answer.
    fn answering(request: &Request) -> Self {
        Self {
            family: request.family(),
            port: request.port(),
            sequence: request.sequence(),
        }
    }
}

/// A message to user space, to which attributes are appended.
///
/// It is taken back when it is dropped, unless it was finished.
///
/// # Invariants
///
/// `header` was returned by `genlmsg_put` for `skb`, and nothing before it has changed since.
/// Nobody else uses `skb` during `'a`.
pub struct Message<'a> {
    skb: NonNull<bindings::sk_buff>,
    header: NonNull<c_void>,
    finished: bool,
    _skb: PhantomData<&'a mut bindings::sk_buff>,
    _brand: Brand<'a>,
}

impl<'a> Message<'a> {
    /// Begins an answer to `request` behind what is in `skb` already.
    ///
    /// # Safety
    ///
    /// `skb` must be valid, and nobody else may use it, during `'a`.
    pub(super) unsafe fn begin(
        skb: NonNull<bindings::sk_buff>,
        request: &Request,
        flags: u32,
        command: u8,
    ) -> Result<Self, Full> {
        // SAFETY: `skb` is ours alone by the contract; C keeps the family of a request registered
        // while its callback runs.
        unsafe { Self::begin_with(skb, Header::answering(request), flags, command) }
    }

    /// Begins a message behind what is in `skb` already.
    ///
    /// # Safety
    ///
    /// As for [`Message::begin`], and the family of `header` must be registered.
    pub(super) unsafe fn begin_with(
        skb: NonNull<bindings::sk_buff>,
        header: Header,
        flags: u32,
        command: u8,
    ) -> Result<Self, Full> {
        // SAFETY: By the contract `skb` is valid and ours alone, and the family is registered.
        let header = unsafe {
            bindings::genlmsg_put(
                skb.as_ptr(),
                header.port,
                header.sequence,
                header.family,
                // CAST: The flags are 16 bits wide.
                flags as i32,
                command,
            )
        };
        // INVARIANT: It is fresh from `genlmsg_put`.
        Ok(Self {
            skb,
            header: NonNull::new(header).ok_or(Full)?,
            finished: false,
            _skb: PhantomData,
            _brand: PhantomData,
        })
    }

    /// Lets the message stand as it is.
    pub(super) fn finish(mut self) {
        self.finished = true;
        // SAFETY: `genlmsg_put` returned `header` for `skb`, which is ours alone.
        unsafe { bindings::genlmsg_end(self.skb.as_ptr(), self.header.as_ptr()) };
    }

    /// Appends an attribute.
    ///
    /// # Errors
    ///
    /// [`Full`]; nothing was appended then.
    #[inline]
    pub fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        // SAFETY: `skb` is a netlink message, and ours alone.
        let to = unsafe { bindings::nla_begin(self.skb.as_ptr(), kind, payload.len()) };
        let to = NonNull::new(to).ok_or(Full)?;
        // SAFETY: There are as many bytes at `to`, which are new.
        unsafe {
            to.as_ptr()
                .cast::<u8>()
                .copy_from_nonoverlapping(payload.as_ptr(), payload.len())
        };
        Ok(())
    }

    /// Appends an attribute of 64 bits, behind a padding attribute of kind `pad` where the
    /// machine needs it to be aligned.
    ///
    /// # Errors
    ///
    /// [`Full`]; nothing was appended then.
    #[inline]
    pub fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full> {
        // SAFETY: `skb` is a netlink message, and ours alone.
        let to = unsafe { bindings::nla_begin_64bit(self.skb.as_ptr(), kind, pad) };
        let to = NonNull::new(to).ok_or(Full)?;
        // SAFETY: There are eight bytes at `to`, which are new; they need not be aligned.
        unsafe { to.cast::<u64>().write_unaligned(value) };
        Ok(())
    }

    /// Begins an attribute that holds all that is appended until [`Message::nest_end`]. It
    /// carries no `NLA_F_NESTED`.
    ///
    /// # Errors
    ///
    /// [`Full`]; nothing was appended then.
    pub fn nest_start(&mut self, kind: u16) -> Result<Nest<'a>, Full> {
        let before = self.length();
        // SAFETY: `skb` is a netlink message, and ours alone.
        let start = unsafe { bindings::nla_nest_start_noflag(self.skb.as_ptr(), kind.into()) };
        if start.is_null() {
            return Err(Full);
        }
        Ok(Nest {
            offset: before,
            _message: PhantomData,
        })
    }

    /// Ends the attribute that `nest` began.
    pub fn nest_end(&mut self, nest: Nest<'a>) {
        if let Some(start) = self.start_of(&nest) {
            // SAFETY: `skb` is ours alone, and there is room for an attribute's header at `start`.
            unsafe { bindings::nla_nest_end(self.skb.as_ptr(), start) };
        }
    }

    /// Takes back the attribute that `nest` began, and all that is in it.
    pub fn nest_cancel(&mut self, nest: Nest<'a>) {
        if let Some(start) = self.start_of(&nest) {
            // SAFETY: `skb` is ours alone, and `start` is a place in it, behind the header.
            unsafe { bindings::nla_nest_cancel(self.skb.as_ptr(), start) };
        }
    }

    /// How many bytes were appended.
    fn length(&self) -> usize {
        // SAFETY: `genlmsg_put` returned `header` for `skb`.
        unsafe { bindings::genlmsg_length(self.skb.as_ptr(), self.header.as_ptr()) }
    }

    /// Where `nest` begins; [`None`] if that is not in this message any more.
    fn start_of(&self, nest: &Nest<'a>) -> Option<*mut bindings::nlattr> {
        let behind = nest.offset.checked_add(size_of::<bindings::nlattr>())?;
        if behind > self.length() {
            return None;
        }
        // SAFETY: All that was appended is in one buffer, and this is a part of it.
        let start = unsafe { self.header.byte_add(nest.offset) };
        Some(start.as_ptr().cast())
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // SAFETY: `genlmsg_put` returned `header` for `skb`, which is ours alone.
            unsafe { bindings::genlmsg_cancel(self.skb.as_ptr(), self.header.as_ptr()) };
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Answers that may be longer than a message.

use core::{mem::MaybeUninit, ptr::NonNull};
use ipvs_sys as bindings;
use kernel::{error::from_result, prelude::*};

use super::{Full, GenlFamily, Message, Request};

/// Answers a request to dump.
pub trait Dump {
    /// How far the dump is. Its [`Default`] is the beginning. At most 40 bytes. It is dropped when
    /// the dump ends, or the socket of who asked.
    type Cursor: Default + Send + 'static;

    /// Writes what comes behind `cursor` to `page`, and moves `cursor` behind what was written.
    ///
    /// Any time may pass before the sender of the request reads the next page, so the cursor must
    /// stay meaningful whatever changes meanwhile. May sleep.
    ///
    /// # Errors
    ///
    /// [`Full`] asks to be called again with another page. Any other error ends the dump.
    fn run(request: &Request, page: &mut Page<'_>, cursor: &mut Self::Cursor) -> Result;
}

/// One message buffer of a dump.
///
/// # Invariants
///
/// Nobody else uses `skb` during the life of this value.
pub struct Page<'a> {
    skb: NonNull<bindings::sk_buff>,
    request: &'a Request,
}

impl Page<'_> {
    /// Appends an entry, with the attributes that `write` appends to it.
    ///
    /// # Errors
    ///
    /// [`Full`], to be handed to the caller of [`Dump::run`]; nothing was appended then.
    pub fn entry(
        &mut self,
        command: u8,
        write: impl FnOnce(&mut Message<'_>) -> Result<(), Full>,
    ) -> Result<(), Full> {
        // SAFETY: C has given `skb` to the callback that has made this page, and nobody else uses
        // it; the message is gone when this function returns.
        let message =
            unsafe { Message::begin(self.skb, self.request, bindings::NLM_F_MULTI, command) };
        let mut message = message?;
        write(&mut message)?;
        message.finish();
        Ok(())
    }
}

/// What is kept between two pages. The C core zeroes it before the first.
///
/// # Invariants
///
/// If `begun`, then `cursor` is initialised.
#[repr(C)]
struct Progress<C> {
    begun: bool,
    cursor: MaybeUninit<C>,
}

impl<C: Default> Progress<C> {
    const FITS: () = {
        let room = size_of::<bindings::netlink_callback__bindgen_ty_1>();
        let align = align_of::<bindings::netlink_callback__bindgen_ty_1>();
        assert!(size_of::<Self>() <= room && align_of::<Self>() <= align);
    };

    fn cursor(&mut self) -> &mut C {
        if !self.begun {
            self.cursor.write(C::default());
            // INVARIANT: It was just initialised.
            self.begun = true;
        }
        // SAFETY: `begun` is true, which it becomes only when the cursor was initialised.
        unsafe { self.cursor.assume_init_mut() }
    }

    fn end(&mut self) {
        if core::mem::take(&mut self.begun) {
            // SAFETY: `begun` was true, which it becomes only when the cursor was initialised, and
            // is not any more.
            unsafe { self.cursor.assume_init_drop() };
        }
    }

    /// What is kept for a dump.
    ///
    /// # Safety
    ///
    /// `callback` must be that of a dump whose `Dump::Cursor` is `C`, in a call of the C core that
    /// lasts for `'a`. No other reference from this function may be in use.
    unsafe fn of<'a>(callback: *mut bindings::netlink_callback) -> &'a mut Self {
        const { Self::FITS };
        // SAFETY: By the contract `callback` is valid, so this is in it.
        let room = unsafe { &raw mut (*callback).__bindgen_anon_1 };
        // SAFETY: The room is ours, zeroed before the first call of a dump, and nobody else uses
        // it; it is large enough by `FITS`. All zeroes is a valid `Progress`.
        unsafe { &mut *room.cast::<Self>() }
    }
}

/// # Safety
///
/// To be called by the C core, as the `start` of an operation of a [`GenlFamily`].
pub(super) unsafe extern "C" fn start_callback(callback: *mut bindings::netlink_callback) -> c_int {
    from_result(|| {
        // SAFETY: C calls this with a dump that is to begin.
        let data = unsafe { (*callback).data };
        // SAFETY: Generic netlink keeps this in `data` for as long as the dump goes on.
        let info = unsafe { &raw const (*data.cast::<bindings::genl_dumpit_info>()).info };
        // SAFETY: It is what C has made for this operation.
        let request = unsafe { Request::from_raw(info) };
        // SAFETY: This function is in the operations of a `GenlFamily` only.
        match unsafe { GenlFamily::of(request.family()) }.is_open() {
            true => Ok(0),
            false => Err(EAGAIN),
        }
    })
}

/// # Safety
///
/// To be called by the C core, as the `dumpit` of an operation.
pub(super) unsafe extern "C" fn run_callback<H: Dump>(
    skb: *mut bindings::sk_buff,
    callback: *mut bindings::netlink_callback,
) -> c_int {
    from_result(|| {
        // SAFETY: C calls this with a dump that goes on.
        let data = unsafe { (*callback).data };
        // SAFETY: Generic netlink keeps this in `data` for as long as the dump goes on.
        let info = unsafe { &raw const (*data.cast::<bindings::genl_dumpit_info>()).info };
        // SAFETY: It is what C has made for this operation.
        let request = unsafe { Request::from_raw(info) };
        // SAFETY: C calls this for a dump of `H`, and nothing else for that dump meanwhile.
        let progress = unsafe { Progress::<H::Cursor>::of(callback) };
        let mut page = Page {
            skb: NonNull::new(skb).ok_or(EINVAL)?,
            request,
        };
        // `EMSGSIZE` with something in `skb` makes the C core call again, and zero ends the dump.
        H::run(request, &mut page, progress.cursor())?;
        Ok(0)
    })
}

/// # Safety
///
/// To be called by the C core, as the `done` of an operation, after the last call of its `dumpit`.
pub(super) unsafe extern "C" fn end_callback<H: Dump>(
    callback: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: C calls this for a dump of `H`, and nothing else for that dump meanwhile.
    unsafe { Progress::<H::Cursor>::of(callback) }.end();
    0
}

// SPDX-License-Identifier: GPL-2.0

//! Files that are written row by row, and how far an open one is.

use core::{mem::MaybeUninit, ptr::null_mut};
use ipvs_sys as bindings;
use kernel::{prelude::*, seq_file::SeqFile};

use super::state;

/// A file that is written row by row, from a state of type `T`.
pub trait Rows<T: Send + Sync + 'static>: 'static {
    /// The name of the file in `/proc/net`.
    const NAME: &'static CStr;
    /// Its permission bits.
    const MODE: u16 = 0o444;
    /// A place between two rows. Its [`Default`] is before the first.
    ///
    /// It must stay meaningful whatever becomes of the rows.
    type Cursor: Copy + Default;

    /// Writes what stands above the rows.
    fn header(state: &T, seq: &SeqFile);

    /// Writes the first row behind `cursor`, and returns the place behind it.
    ///
    /// Returns [`None`] if there is none. May sleep.
    fn row(state: &T, cursor: Self::Cursor, seq: &SeqFile) -> Option<Self::Cursor>;
}

/// Stands for the header. As `SEQ_START_TOKEN` of C.
const HEADER: *mut c_void = core::ptr::without_provenance_mut(1);

/// What an open file keeps. The C core zeroes it.
///
/// # Invariants
///
/// If `begun`, then `cursor` and `behind` are initialised: `cursor` is the place before row
/// number `index`, `behind` is the place behind it if it was written and `cursor` if not.
#[repr(C)]
pub(super) struct Reader<T: Send + Sync + 'static, R: Rows<T>> {
    /// Belongs to the C core.
    _net: bindings::seq_net_private,
    begun: bool,
    ended: bool,
    index: bindings::loff_t,
    cursor: MaybeUninit<R::Cursor>,
    behind: MaybeUninit<R::Cursor>,
}

/// What [`SeqFile`]'s C core calls an empty record, to be left out.
const SKIP: c_int = 1;

impl<T: Send + Sync + 'static, R: Rows<T>> Reader<T, R> {
    pub(super) const OPERATIONS: &'static bindings::seq_operations = &bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// Its size; the allocation is aligned as a pointer is.
    pub(super) const SIZE: u32 = {
        assert!(align_of::<Self>() <= align_of::<*mut c_void>());
        assert!(size_of::<Self>() < 4096);
        size_of::<Self>() as u32
    };

    /// # Safety
    ///
    /// `seq` must be that of a file made by [`File::rows`] for `T` and `R`, and locked during
    /// `'a`. No other reference from this function may be in use.
    unsafe fn of<'a>(seq: *mut bindings::seq_file) -> &'a mut Self {
        // SAFETY: By the contract `seq` is open.
        let private = unsafe { (*seq).private };
        // SAFETY: `proc_create_net_data` was given `SIZE`, so C allocated as much, all zero, which
        // is a valid value; `seq` is locked, and there is no other reference.
        unsafe { &mut *private.cast::<Self>() }
    }

    /// # Safety
    ///
    /// To be called by the C core as the `start` of [`Self::OPERATIONS`].
    unsafe extern "C" fn start(
        seq: *mut bindings::seq_file,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: C calls this with a file of `R`, locked, and no call of these runs beside it.
        let reader = unsafe { Self::of(seq) };
        // SAFETY: The place is a variable of the caller.
        let position = unsafe { *position };
        if position == 0 {
            reader.cursor.write(R::Cursor::default());
            reader.behind.write(R::Cursor::default());
            // INVARIANT: Both are the place before the first row, which has number 1.
            (reader.begun, reader.ended, reader.index) = (true, false, 1);
            return HEADER;
        }
        if !reader.begun || reader.ended || position != reader.index {
            return null_mut();
        }
        // INVARIANT: What was written of this row, if anything, did not fit.
        reader.behind = reader.cursor;
        core::ptr::from_mut(reader).cast()
    }

    /// # Safety
    ///
    /// To be called by the C core as the `next` of [`Self::OPERATIONS`].
    unsafe extern "C" fn next(
        seq: *mut bindings::seq_file,
        current: *mut c_void,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: C calls this with a file of `R`, locked, and no call of these runs beside it.
        let reader = unsafe { Self::of(seq) };
        // SAFETY: The place is a variable of the caller.
        let position = unsafe { &mut *position };
        *position = position.wrapping_add(1);
        if current != HEADER {
            // INVARIANT: Row number `index` was written, and the next one was not.
            reader.cursor = reader.behind;
            reader.index = *position;
        }
        if reader.ended {
            return null_mut();
        }
        core::ptr::from_mut(reader).cast()
    }

    /// # Safety
    ///
    /// To be called by the C core as the `show` of [`Self::OPERATIONS`].
    unsafe extern "C" fn show(seq: *mut bindings::seq_file, current: *mut c_void) -> c_int {
        // SAFETY: C calls this with a file of `R`, locked, and no call of these runs beside it.
        let reader = unsafe { Self::of(seq) };
        // SAFETY: The file was made for a `T`, and its removal waits for this call.
        let state = unsafe { state::<T>(seq) };
        // SAFETY: By the contract `seq` is valid, and locked for the time of this call.
        let seq = unsafe { SeqFile::from_raw(seq.cast()) };
        if current == HEADER {
            R::header(state, seq);
            return 0;
        }
        // SAFETY: C calls `start` with zero before anything else, which initialises the cursor.
        let cursor = unsafe { reader.cursor.assume_init() };
        match R::row(state, cursor, seq) {
            Some(behind) => {
                reader.behind.write(behind);
                0
            }
            None => {
                reader.ended = true;
                SKIP
            }
        }
    }

    /// # Safety
    ///
    /// To be called by the C core as the `stop` of [`Self::OPERATIONS`].
    unsafe extern "C" fn stop(_seq: *mut bindings::seq_file, _current: *mut c_void) {}
}

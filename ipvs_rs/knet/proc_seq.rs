// SPDX-License-Identifier: GPL-2.0

//! Text files in `/proc/net`, one set for each network namespace.
//!
//! A file is a marker type: [`Show`] writes all of the file at once, [`Rows`] writes it row by
//! row. Both write from the state that the file was made for.
//!
//! # Reading in pieces
//!
//! A reader takes what it has room for, and comes back for more after any time. [`Rows`] has no
//! pointer to keep in between, only a cursor: the row that did not fit any more is written again
//! from the same cursor, and the next one from where that row ended.
//!
//! ```text
//!   start(0) ─> header ─> next ─> show ─> next ─> show ─> next ─> show ─> next ─> end
//!                                  │ ^      │
//!                      does not fit│ │start │ cursor moves on
//!                                  v │      v
//!                                 stop
//! ```
//!
//! # Examples
//!
//! ```rust
//! # use kernel::{prelude::*, seq_file::SeqFile, seq_print};
//! # use knet::{net_namespace::Net, proc_seq::{File, Rows, Show}, rcu::Arc};
//! struct Numbers(KVec<u32>);
//!
//! /// `/proc/net/numbers`: a line for each number.
//! struct Lines;
//!
//! impl Rows<Numbers> for Lines {
//!     const NAME: &'static CStr = c"numbers";
//!     type Cursor = usize;
//!
//!     fn header(_: &Numbers, seq: &SeqFile) {
//!         seq_print!(seq, "Number\n");
//!     }
//!
//!     fn row(numbers: &Numbers, cursor: usize, seq: &SeqFile) -> Option<usize> {
//!         seq_print!(seq, "{}\n", numbers.0.get(cursor)?);
//!         cursor.checked_add(1)
//!     }
//! }
//!
//! /// `/proc/net/numbers_count`: how many there are.
//! struct Count;
//!
//! impl Show<Numbers> for Count {
//!     const NAME: &'static CStr = c"numbers_count";
//!
//!     fn show(numbers: &Numbers, seq: &SeqFile) {
//!         seq_print!(seq, "{}\n", numbers.0.len());
//!     }
//! }
//!
//! let numbers = Arc::new(Numbers(KVec::new()), GFP_KERNEL)?;
//! let lines = File::rows::<Lines>(Net::init(), numbers.clone())?;
//! let count = File::show::<Count>(Net::init(), numbers)?;
//! count.remove(Net::init());
//! lines.remove(Net::init());
//! # Ok::<(), Error>(())
//! ```
//!
//! C headers: [`include/linux/proc_fs.h`](srctree/include/linux/proc_fs.h),
//! [`include/linux/seq_file_net.h`](srctree/include/linux/seq_file_net.h)

use core::{
    mem::MaybeUninit,
    ptr::{null_mut, NonNull},
};
use ipvs_sys as bindings;
use kernel::{prelude::*, seq_file::SeqFile};

use crate::{module, net_namespace::Net, rcu::Arc};

/// A file that is written all at once, from a state of type `T`.
pub trait Show<T: Send + Sync + 'static>: 'static {
    /// The name of the file in `/proc/net`.
    const NAME: &'static CStr;
    /// Who may read it.
    const MODE: u16 = 0o444;

    /// Writes the file. May sleep.
    fn show(state: &T, seq: &SeqFile);
}

/// A file that is written row by row, from a state of type `T`.
pub trait Rows<T: Send + Sync + 'static>: 'static {
    /// The name of the file in `/proc/net`.
    const NAME: &'static CStr;
    /// Who may read it.
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

/// A file in `/proc/net` of one network namespace.
///
/// It is to be given back with [`File::remove`].
///
/// # Last reader
///
/// When `proc_remove` returns: it waits for calls that run, and lets those who have the file open
/// make no more. `NAME` is copied, and [`Reader::OPERATIONS`] is a constant of the module, which an
/// open file does not need after that either.
///
/// # Invariants
///
/// `entry` is in `/proc/net` of the namespace with this `cookie`, and its data is the object of
/// `state`, which is [`None`] only while the file is being removed.
pub struct File<T: Send + Sync + 'static> {
    entry: NonNull<bindings::proc_dir_entry>,
    cookie: u64,
    state: Option<Arc<T>>,
}

// SAFETY: `entry` is used only to remove the file, which any thread may do.
unsafe impl<T: Send + Sync> Send for File<T> {}
// SAFETY: Nothing can be done with a `&File`.
unsafe impl<T: Send + Sync> Sync for File<T> {}

impl<T: Send + Sync + 'static> File<T> {
    /// Makes a file that `S` writes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also if there is a file of that name.
    pub fn show<S: Show<T>>(net: &Net, state: Arc<T>) -> Result<Self> {
        let directory = directory(net);
        // SAFETY: `net` is alive and so is its /proc/net. The name is copied. `state` is kept until
        // the last reader in C is gone.
        let entry = unsafe {
            bindings::proc_create_net_single(
                S::NAME.as_char_ptr(),
                S::MODE,
                directory,
                Some(show_callback::<T, S>),
                core::ptr::from_ref::<T>(&state).cast_mut().cast(),
            )
        };
        Self::made(entry, net, state)
    }

    /// Makes a file that `R` writes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also if there is a file of that name.
    pub fn rows<R: Rows<T>>(net: &Net, state: Arc<T>) -> Result<Self> {
        let directory = directory(net);
        // SAFETY: `net` is alive and so is its /proc/net. The name is copied. `state` is kept until
        // the last reader in C is gone. `SIZE` is that of what `OPERATIONS` expect in `private`.
        let entry = unsafe {
            bindings::proc_create_net_data(
                R::NAME.as_char_ptr(),
                R::MODE,
                directory,
                Reader::<T, R>::OPERATIONS,
                Reader::<T, R>::SIZE,
                core::ptr::from_ref::<T>(&state).cast_mut().cast(),
            )
        };
        Self::made(entry, net, state)
    }

    fn made(entry: *mut bindings::proc_dir_entry, net: &Net, state: Arc<T>) -> Result<Self> {
        // INVARIANT: `entry` was made in `net`; the contents of an `Arc` do not move with it.
        Ok(Self {
            entry: NonNull::new(entry).ok_or(ENOMEM)?,
            cookie: net.cookie(),
            state: Some(state),
        })
    }

    /// Removes the file from the namespace that it was made in. Waits for those who read it.
    pub fn remove(mut self, net: &Net) {
        if self.cookie == net.cookie() {
            // SAFETY: The entry was made in `net`, which is alive, so its /proc/net is; nobody has
            // removed it, as that takes this value.
            unsafe { bindings::proc_remove(self.entry.as_ptr()) };
            // The last reader in C is gone.
            self.state = None;
        }
    }
}

impl<T: Send + Sync + 'static> Drop for File<T> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            // The namespace may be gone, and with it the directory.
            module::leak(state, "a file in /proc/net");
        }
    }
}

/// Where the files of `net` are.
fn directory(net: &Net) -> *mut bindings::proc_dir_entry {
    // SAFETY: The namespace is alive.
    unsafe { (*net.as_ptr()).proc_net }
}

/// The state that a file was made for.
///
/// # Safety
///
/// `seq` must be that of a [`File<T>`] which is not removed during `'a`.
unsafe fn state<'a, T>(seq: *const bindings::seq_file) -> &'a T {
    // SAFETY: By the contract `seq` is open.
    let data = unsafe { bindings::seq_file_data(seq) };
    // SAFETY: It is the object of the `state` of that `File`, which has it until the last reader in
    // C is gone, and this is one.
    unsafe { &*data.cast::<T>() }
}

/// # Safety
///
/// To be called by the C core, to write a file that was made by [`File::show`].
unsafe extern "C" fn show_callback<T: Send + Sync + 'static, S: Show<T>>(
    seq: *mut bindings::seq_file,
    _net: *mut c_void,
) -> c_int {
    // SAFETY: C calls this for a file that was made for a `T`, and whose removal waits.
    let state = unsafe { state::<T>(seq) };
    // SAFETY: By the contract `seq` is valid, and locked for the time of this call.
    S::show(state, unsafe { SeqFile::from_raw(seq.cast()) });
    0
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
struct Reader<T: Send + Sync + 'static, R: Rows<T>> {
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
    const OPERATIONS: &'static bindings::seq_operations = &bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// Its size; the allocation is aligned as a pointer is.
    const SIZE: u32 = {
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

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

mod rows;

pub use rows::Rows;

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::{prelude::*, seq_file::SeqFile};

use self::rows::Reader;
use crate::{module, net_namespace::Net, rcu::Arc};

/// A file that is written all at once, from a state of type `T`.
pub trait Show<T: Send + Sync + 'static>: 'static {
    /// The name of the file in `/proc/net`.
    const NAME: &'static CStr;
    /// Its permission bits.
    const MODE: u16 = 0o444;

    /// Writes the file. May sleep.
    fn show(state: &T, seq: &SeqFile);
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

    /// Removes the file from `net`, which must be the namespace that it was made in. Waits for readers.
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

// SPDX-License-Identifier: GPL-2.0

//! Settings of one network namespace under `/proc/sys/net`.
//!
//! An [`Entry`] describes one file: its name, its value in a state object, and the values that may be
//! written. The entries are a constant; [`SysctlTable::register`] ties them to the state of one namespace:
//!
//! ```rust
//! # use core::sync::atomic::AtomicI32;
//! # use kernel::{new_mutex, prelude::*, sync::Mutex};
//! # use knet::{net_namespace::Net, rcu::Arc, sysctl::{Entry, Settings, SysctlTable}};
//! #[pin_data]
//! struct State {
//!     strict: AtomicI32,
//!     level: AtomicI32,
//!     #[pin]
//!     writing: Mutex<()>,
//! }
//!
//! impl Settings for State {
//!     fn writing(&self) -> &Mutex<()> {
//!         &self.writing
//!     }
//!
//!     fn written(&self, _: &Net, name: &CStr, value: &CStr) {
//!         pr_info!("{name:?} is {value:?} now\n");
//!     }
//! }
//!
//! const ENTRIES: &[Entry<State>] = &[
//!     Entry::int(c"strict", |state: &State| &state.strict),
//!     Entry::int(c"level", |state: &State| &state.level).range(0, 3),
//! ];
//!
//! let state = Arc::pin_init(
//!     pin_init!(State {
//!         strict: AtomicI32::new(0),
//!         level: AtomicI32::new(1),
//!         writing <- new_mutex!(()),
//!     }),
//!     GFP_KERNEL,
//! )?;
//! let table = SysctlTable::register(Net::init(), c"net/ipv4/example", ENTRIES, state)?;
//! table.unregister(Net::init());
//! # Ok::<(), Error>(())
//! ```
//!
//! There are numbers, pairs of numbers, large numbers and lists of CPUs. The state is told of each
//! write that changed something ([`Settings`]).
//!
//! Root of the user namespace that owns the network namespace owns the files.
//!
//! C header: [`include/linux/sysctl.h`](srctree/include/linux/sysctl.h)

mod call;
mod entry;

pub use entry::Entry;

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{null, NonNull},
};
use ipvs_sys as bindings;
use kernel::{error::from_result, prelude::*, sync::Mutex};

use self::call::Call;
use crate::{module, net_namespace::Net, rcu::Arc, vec::VecExt};

/// A state that settings are in.
pub trait Settings: Send + Sync + 'static {
    /// Held for each write, so that the state is told of them in the order in which they are made.
    fn writing(&self) -> &Mutex<()>;

    /// Called after a write in the namespace `net` by which the file `name` came to say `value`,
    /// without the end of the line. It may sleep.
    fn written(&self, net: &Net, name: &CStr, value: &CStr);
}

/// The settings of one network namespace.
///
/// They are to be given back with [`SysctlTable::unregister`].
///
/// # Last reader
///
/// When `unregister_net_sysctl_table` returns: it waits for calls of [`handler`] that run, and who
/// has a file open can make no more. C reads the tables in no other way after that: a file in
/// `/proc/sys` looks for the header first, which C counts the uses of.
///
/// # Invariants
///
/// `header` was registered in the namespace with this `cookie` for `tables`, whose `data` is
/// `state`, whose `extra1` is an [`Entry<T>`] and whose `extra2` is that namespace. `state` is the
/// raw form of an [`Arc<T>`] that belongs to this value, or null once it was given back.
pub struct SysctlTable<T: Send + Sync + 'static> {
    header: NonNull<bindings::ctl_table_header>,
    cookie: u64,
    tables: KVec<bindings::ctl_table>,
    state: *const c_void,
    _owns: PhantomData<Arc<T>>,
}

// SAFETY: `header` is used only to unregister it, which any thread may do.
unsafe impl<T: Send + Sync> Send for SysctlTable<T> {}
// SAFETY: Nothing can be done with a `&SysctlTable`.
unsafe impl<T: Send + Sync> Sync for SysctlTable<T> {}

impl<T: Settings> SysctlTable<T> {
    /// Makes a file for each of `entries` in the directory `path`, which begins with `net/`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also if there is a file of one of the names.
    pub fn register(
        net: &Net,
        path: &'static CStr,
        entries: &'static [Entry<T>],
        state: Arc<T>,
    ) -> Result<Self> {
        let is_initial = net.is_of_init_user_ns();
        let mut tables = KVec::with_capacity(entries.len(), GFP_KERNEL_ACCOUNT)?;
        for entry in entries {
            let read_only = entry.initial_only && !is_initial;
            let table = bindings::ctl_table {
                procname: entry.name.as_char_ptr(),
                data: state.as_ref().as_raw().cast_mut(),
                mode: if read_only { 0o444 } else { 0o644 },
                proc_handler: Some(handler::<T>),
                extra1: core::ptr::from_ref(entry).cast_mut().cast(),
                extra2: net.as_ptr().cast(),
                ..pin_init::zeroed()
            };
            tables.append(table)?;
        }
        // SAFETY: `net` is alive. `tables` and `state` are kept until the last reader in C is gone,
        // and a vector does not move its elements when it is moved.
        let header = unsafe {
            bindings::register_net_sysctl_sz(
                net.as_ptr(),
                path.as_char_ptr(),
                tables.as_mut_ptr(),
                tables.len(),
            )
        };
        // INVARIANT: As built above.
        Ok(Self {
            header: NonNull::new(header).ok_or(ENOMEM)?,
            cookie: net.cookie(),
            tables,
            state: state.into_raw(),
            _owns: PhantomData,
        })
    }

    /// Removes the files from `net`, which must be the namespace that they were made in. Waits for reads
    /// and writes that run.
    pub fn unregister(mut self, net: &Net) {
        if self.cookie == net.cookie() {
            // SAFETY: The header was registered in `net`, which is alive, and nobody has taken it
            // back, as that takes this value.
            unsafe { bindings::unregister_net_sysctl_table(self.header.as_ptr()) };
            let state = core::mem::replace(&mut self.state, null());
            // SAFETY: `register` made it of an `Arc<T>`, and it is taken back only here, where the
            // last reader in C is gone.
            drop(unsafe { Arc::<T>::from_raw(state) });
        }
    }
}

impl<T: Send + Sync + 'static> Drop for SysctlTable<T> {
    fn drop(&mut self) {
        if !self.state.is_null() {
            // The namespace may be gone, and with it the directory.
            let tables = core::mem::take(&mut self.tables);
            module::leak(tables, "settings in /proc/sys/net");
        }
    }
}

/// Reads or writes one file.
///
/// # Safety
///
/// To be called by the C core for an element of `tables` of a [`SysctlTable<T>`].
unsafe extern "C" fn handler<T: Settings>(
    table: *const bindings::ctl_table,
    write: c_int,
    buffer: *mut c_void,
    length: *mut usize,
    position: *mut bindings::loff_t,
) -> c_int {
    from_result(|| {
        // SAFETY: C calls this for one of the `tables` of a `SysctlTable<T>`, which are there until the
        // last reader in C is gone, and this is one.
        let table = unsafe { *table };
        // SAFETY: `SysctlTable::register` puts a constant there.
        let entry = unsafe { &*table.extra1.cast::<Entry<T>>() };
        // SAFETY: `SysctlTable::register` puts there what it keeps itself until the last reader in C is
        // gone; the reference is only borrowed here.
        let state = ManuallyDrop::new(unsafe { Arc::<T>::from_raw(table.data) });
        let mut call = Call {
            name: entry.name,
            write,
            buffer,
            length,
            position,
        };
        if !call.writes() {
            return entry.access(&state, &mut call).map(|()| 0);
        }
        let _in_order = state.writing().lock();
        let before = entry.text(&state);
        entry.access(&state, &mut call)?;
        // Without memory nobody is told.
        if let (Ok(before), Ok(after)) = (before, entry.text(&state)) {
            if *before != *after {
                let value = CStr::from_bytes_until_nul(&after).map_err(|_| EINVAL)?;
                // SAFETY: `SysctlTable::register` puts there the namespace that the files are in. A
                // `SysctlTable` is given back before that ends, which waits for this call.
                let net = unsafe { Net::from_raw(table.extra2.cast()) };
                state.written(net, entry.name, value);
            }
        }
        Ok(0)
    })
}

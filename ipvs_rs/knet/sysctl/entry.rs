// SPDX-License-Identifier: GPL-2.0

//! One setting: a file, the value behind it, and the writes that are allowed.

use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use kernel::{alloc::KVVec, prelude::*};

use super::call::{Call, LONGEST_LIST};
use crate::{
    cpu_list::CpuList,
    rcu::Arc,
    vec::{filled, position, VecExt},
};

/// Where the value of an entry is.
enum Source<T: Send + Sync + 'static> {
    /// In the state. Any number of the range may be written.
    Field {
        field: fn(&T) -> &AtomicI32,
        changed: Option<fn(&Arc<T>)>,
    },
    /// Behind functions that decide by themselves.
    Functions {
        read: fn(&T) -> i32,
        write: fn(&Arc<T>, i32) -> Result,
    },
    /// Two numbers, behind functions that decide by themselves.
    Pair {
        read: fn(&T) -> [i32; 2],
        write: fn(&Arc<T>, [i32; 2]) -> Result,
    },
    /// A number without sign in the state.
    Large(fn(&T) -> &AtomicUsize),
    /// A list of CPUs, behind functions.
    Cpus {
        read: fn(&T, &mut [u8]) -> Result<usize>,
        write: fn(&Arc<T>, CpuList) -> Result,
    },
}

/// One setting of a state of type `T`: a file that holds a value.
pub struct Entry<T: Send + Sync + 'static> {
    pub(super) name: &'static CStr,
    source: Source<T>,
    least: i32,
    most: i32,
    pub(super) initial_only: bool,
}

impl<T: Send + Sync + 'static> Entry<T> {
    /// A number in the state, that may have any value.
    pub const fn int(name: &'static CStr, field: fn(&T) -> &AtomicI32) -> Self {
        let changed = None;
        Self::new(name, Source::Field { field, changed })
    }

    /// A number that `read` tells, and `write` takes or refuses.
    pub const fn functions(
        name: &'static CStr,
        read: fn(&T) -> i32,
        write: fn(&Arc<T>, i32) -> Result,
    ) -> Self {
        Self::new(name, Source::Functions { read, write })
    }

    /// Two numbers. `read` returns them, `write` accepts or refuses new ones. If a process writes only
    /// the first number, the second keeps its value.
    pub const fn pair(
        name: &'static CStr,
        read: fn(&T) -> [i32; 2],
        write: fn(&Arc<T>, [i32; 2]) -> Result,
    ) -> Self {
        Self::new(name, Source::Pair { read, write })
    }

    /// A number without sign, of the size of a machine word.
    pub const fn large(name: &'static CStr, field: fn(&T) -> &AtomicUsize) -> Self {
        Self::new(name, Source::Large(field))
    }

    /// A list of CPUs that `read` writes into the given room, and `write` takes or refuses.
    pub const fn cpus(
        name: &'static CStr,
        read: fn(&T, &mut [u8]) -> Result<usize>,
        write: fn(&Arc<T>, CpuList) -> Result,
    ) -> Self {
        Self::new(name, Source::Cpus { read, write })
    }

    const fn new(name: &'static CStr, source: Source<T>) -> Self {
        Self {
            name,
            source,
            least: i32::MIN,
            most: i32::MAX,
            initial_only: false,
        }
    }

    /// Writing a number outside of this range fails with `EINVAL`.
    pub const fn range(mut self, least: i32, most: i32) -> Self {
        (self.least, self.most) = (least, most);
        self
    }

    /// Calls `after` when a number in the state was replaced by another one. It may sleep.
    pub const fn on_change(mut self, after: fn(&Arc<T>)) -> Self {
        if let Source::Field { changed, .. } = &mut self.source {
            *changed = Some(after);
        }
        self
    }

    /// The file is read-only in namespaces that the initial user namespace does not own.
    pub const fn initial_only(mut self) -> Self {
        self.initial_only = true;
        self
    }

    /// What the file says, up to a NUL in place of the end of the line.
    pub(super) fn text(&self, state: &Arc<T>) -> Result<KVVec<u8>> {
        let mut text = filled(0_u8, LONGEST_LIST)?;
        let (mut length, mut offset) = (text.len(), 0);
        // INVARIANT: As for a read from the beginning of the file.
        let mut call = Call {
            name: self.name,
            write: 0,
            buffer: text.as_mut_ptr().cast(),
            length: &raw mut length,
            position: &raw mut offset,
        };
        self.access(state, &mut call)?;
        let end = position(&text, |byte| *byte == b'\n');
        if let Some(end) = end.and_then(|end| text.get_mut(end)) {
            *end = 0;
        }
        Ok(text)
    }

    /// Reads or writes the file of this entry.
    pub(super) fn access(&self, state: &Arc<T>, call: &mut Call) -> Result {
        let range = [self.least, self.most];
        match self.source {
            Source::Field { field, changed } => {
                let mut value = [field(state).load(Ordering::Relaxed)];
                if call.numbers(&mut value, &range)? {
                    let [value] = value;
                    let old = field(state).swap(value, Ordering::Relaxed);
                    if let Some(changed) = changed.filter(|_| old != value) {
                        changed(state);
                    }
                }
            }
            Source::Functions { read, write } => {
                let mut value = [read(state)];
                if call.numbers(&mut value, &range)? {
                    let [value] = value;
                    write(state, value)?;
                }
            }
            Source::Pair { read, write } => {
                let mut values = read(state);
                if call.numbers(&mut values, &range)? {
                    write(state, values)?;
                }
            }
            Source::Large(field) => {
                let mut value = field(state).load(Ordering::Relaxed);
                if call.large(&mut value)? {
                    field(state).store(value, Ordering::Relaxed);
                }
            }
            Source::Cpus { read, write } => {
                let mut text = KVec::new();
                for _ in 0..LONGEST_LIST {
                    text.append(0)?;
                }
                if let Some(list) = call.cpus(&mut text, |text| read(state, text))? {
                    write(state, list)?;
                }
            }
        }
        Ok(())
    }
}

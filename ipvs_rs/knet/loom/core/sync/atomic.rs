// SPDX-License-Identifier: GPL-2.0

//! Loom's atomics, as constants can be made of them, and with orders that a test may weaken.

use ::core::cell::Cell;
use loom::sync::atomic as loomed;
use std::sync::OnceLock;

pub use loom::sync::atomic::Ordering;

thread_local! {
    static WEAK: Cell<bool> = const { Cell::new(false) };
}

/// Takes every order for `Relaxed` from now on in this test: does the model see what is lacking then?
pub fn weaken() {
    WEAK.set(true);
}

/// Orders what comes before it and what comes after.
pub fn fence(by: Ordering) {
    if !WEAK.get() {
        loomed::fence(by);
    }
}

fn order(order: Ordering) -> Ordering {
    if WEAK.get() {
        Ordering::Relaxed
    } else {
        order
    }
}

/// An atomic of loom's. Loom has no constants, so one that is to be `constant` is made at its first use, which must come
/// before it is shared; the others are made at once.
macro_rules! atomic {
    (constant $name:ident $(<$kind:ident>)?, $value:ty) => {
        atomic!(any $name $(<$kind>)?, $value);

        impl $(<$kind>)? $name $(<$kind>)? {
            /// With this value.
            pub const fn new(first: $value) -> Self {
                Self { first, real: OnceLock::new() }
            }
        }
    };
    (running $name:ident, $value:ty) => {
        atomic!(any $name, $value);

        impl $name {
            /// With this value.
            #[allow(clippy::new_without_default, reason = "as the core library's")]
            pub fn new(first: $value) -> Self {
                Self { first, real: OnceLock::from(loomed::$name::new(first)) }
            }
        }
    };
    (any $name:ident $(<$kind:ident>)?, $value:ty) => {
        #[doc = concat!("As `core::sync::atomic::", stringify!($name), "`.")]
        pub struct $name $(<$kind>)? {
            first: $value,
            real: OnceLock<loomed::$name $(<$kind>)?>,
        }

        impl $(<$kind>)? $name $(<$kind>)? {
            fn real(&self) -> &loomed::$name $(<$kind>)? {
                self.real.get_or_init(|| loomed::$name::new(self.first))
            }

            /// The value.
            pub fn load(&self, by: Ordering) -> $value {
                self.real().load(order(by))
            }

            /// Sets the value.
            pub fn store(&self, value: $value, by: Ordering) {
                self.real().store(value, order(by));
            }

            /// Sets the value; returns the one before.
            pub fn swap(&self, value: $value, by: Ordering) -> $value {
                self.real().swap(value, order(by))
            }

            /// Sets the value if it is `current`.
            pub fn compare_exchange(
                &self, current: $value, new: $value, by: Ordering, otherwise: Ordering,
            ) -> Result<$value, $value> {
                self.real().compare_exchange(current, new, order(by), order(otherwise))
            }

            /// Sets the value if it is `current`.
            pub fn compare_exchange_weak(
                &self, current: $value, new: $value, by: Ordering, otherwise: Ordering,
            ) -> Result<$value, $value> {
                self.real().compare_exchange_weak(current, new, order(by), order(otherwise))
            }

            /// Sets the value to what `make` makes of it.
            pub fn fetch_update(
                &self, by: Ordering, otherwise: Ordering, make: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                self.real().fetch_update(order(by), order(otherwise), make)
            }
        }

        impl $(<$kind>)? ::core::fmt::Debug for $name $(<$kind>)? {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

/// What loom's `AtomicBool` lacks.
macro_rules! whole {
    ($when:ident $name:ident $(<$kind:ident>)?, $value:ty) => {
        atomic!($when $name $(<$kind>)?, $value);

        impl $(<$kind>)? $name $(<$kind>)? {
            /// The value, which nobody else has now: loom looks whether that is so.
            pub fn get_mut(&mut self) -> &mut $value {
                if let Some(mut real) = self.real.take() {
                    self.first = real.with_mut(|value| *value);
                }
                &mut self.first
            }
        }
    };
}

/// What only numbers have.
macro_rules! number {
    ($when:ident $name:ident, $value:ty) => {
        whole!($when $name, $value);

        impl $name {
            /// Adds; returns the value before.
            pub fn fetch_add(&self, more: $value, by: Ordering) -> $value {
                self.real().fetch_add(more, order(by))
            }

            /// Adds bits; returns the value before.
            pub fn fetch_or(&self, more: $value, by: Ordering) -> $value {
                self.real().fetch_or(more, order(by))
            }

            /// Takes all other bits away; returns the value before.
            pub fn fetch_and(&self, kept: $value, by: Ordering) -> $value {
                self.real().fetch_and(kept, order(by))
            }

            /// What C has in a structure.
            ///
            /// # Safety
            ///
            /// It must live for `'a`.
            pub unsafe fn from_ptr<'a>(place: *mut Self) -> &'a Self {
                // SAFETY: By the contract.
                unsafe { &*place }
            }

            /// Subtracts; returns the value before.
            pub fn fetch_sub(&self, less: $value, by: Ordering) -> $value {
                self.real().fetch_sub(less, order(by))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }
    };
}

whole!(constant AtomicPtr<T>, *mut T);
atomic!(running AtomicBool, bool);
number!(constant AtomicU8, u8);
number!(constant AtomicI32, i32);
number!(constant AtomicU32, u32);
number!(running AtomicU64, u64);
number!(running AtomicUsize, usize);

impl<T> Default for AtomicPtr<T> {
    /// Null. There need not be a constant, so this one is made at once.
    fn default() -> Self {
        let null = Self::new(::core::ptr::null_mut());
        null.real();
        null
    }
}

// SAFETY: As the core library's: it is only a pointer, and to use it takes `unsafe`.
unsafe impl<T> Send for AtomicPtr<T> {}
// SAFETY: It is changed atomically, and to use the pointer takes `unsafe`.
unsafe impl<T> Sync for AtomicPtr<T> {}

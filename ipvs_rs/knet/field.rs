// SPDX-License-Identifier: GPL-2.0

//! Evidence that an object embeds a timer, a work item or a node of a table as a field.
//!
//! Such a field is used to find its object, and C or other objects point to the field. So the field must stay
//! in its place while the object lives, and must not be overwritten by another value. A [`Field`] proves
//! this at compile time.

use core::marker::PhantomData;

/// The offset of a field `P` in every `T`, made by [`field!`](crate::field!).
///
/// # Invariants
///
/// Every `T` has a `P` at `offset`, that names of fields alone lead to: neither a pointer nor a cell
/// is on the way. So as long as a `T` is shared, nobody gets its `P` to change it as a whole.
pub struct Field<T, P> {
    offset: usize,
    _types: PhantomData<fn(&T) -> *const P>,
}

impl<T, P> Clone for Field<T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, P> Copy for Field<T, P> {}

impl<T, P> Field<T, P> {
    /// Used by [`field!`](crate::field!).
    ///
    /// # Safety
    ///
    /// `_path` must lead to the `P` in a `T`, by names of fields alone, and `offset` be its place.
    #[doc(hidden)]
    pub const unsafe fn new(_path: fn(&T) -> *const P, offset: usize) -> Self {
        // INVARIANT: By the safety contract of this function.
        Self {
            offset,
            _types: PhantomData,
        }
    }

    /// The field of `object`.
    #[inline]
    pub fn of(self, object: &T) -> &P {
        // SAFETY: By the type invariant the place is in the object.
        let part = unsafe { core::ptr::from_ref(object).byte_add(self.offset) };
        // SAFETY: By the type invariant there is a `P`, which is borrowed with the object.
        unsafe { &*part.cast() }
    }

    /// The address of the object whose field is at `part`.
    #[inline]
    pub(crate) fn object(self, part: *const P) -> *const T {
        part.wrapping_byte_sub(self.offset).cast()
    }
}

/// The [`Field`] of this name (or path of names) in a type.
///
/// The macro rejects a value behind a pointer or in a cell (`knet/loom` tests this).
#[macro_export]
macro_rules! field {
    ($object:ty, $($name:ident).+) => {{
        // No deref coercion changes the type of a raw pointer; of a packed structure there is no reference.
        let path: fn(&$object) -> *const _ = |object| {
            let _: &_ = &object.$($name).+;
            &raw const object.$($name).+
        };
        let offset = ::core::mem::offset_of!($object, $($name).+);
        // SAFETY: `offset_of!` goes by names of fields only, and `path` tells the type.
        unsafe { $crate::field::Field::new(path, offset) }
    }};
}
pub use field;

// SPDX-License-Identifier: GPL-2.0

//! A list that never changes, and that a longer or a shorter one is cheaply made from.
//!
//! New elements come first. A list lies in one piece in its *room*, which is filled from its end. The list with one more element
//! lies in the same room, as long as the place before it is free. The list without the first or the last element lies there, too,
//! as long as it has at least half of the elements in the room, or the room has few: an element stays until the room is dropped. A list
//! without elements needs no room. Readers of one list see no other:
//!
//! ```text
//!   room                    . . . 4 3 2 1
//!   a list                          3 2 1
//!   a longer one                  4 3 2 1
//!   without the first               3 2 1
//!   without the last, then          3 2
//! ```
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::list::List;
//! let short = List::of(2, [1_u32].into_iter())?;
//! let long = short.with(2)?;
//! assert_eq!(*long, [2, 1]);
//! // Its readers do not see the new element.
//! assert_eq!(*short, [1]);
//! # Ok::<(), Error>(())
//! ```

use core::{
    ops::Deref,
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use kernel::{
    alloc::{flags::__GFP_NOWARN, Flags, KVVec},
    prelude::*,
};

use crate::rcu::Arc;

/// The minimum number of places in a room.
const LEAST: usize = 4;

/// So many elements may stay in a room that nobody needs.
const FEW: usize = LEAST - 1;

/// Memory for elements, shared by lists. Its places are used from the last to the first.
///
/// # Invariants
///
/// `end` points behind the last place of `places`. The last `used` places hold elements; no list
/// hands them out mutably, and they stay until the room is dropped.
struct Room<T> {
    /// Owns the memory. Its length stays 0.
    places: KVVec<T>,
    end: NonNull<T>,
    used: AtomicUsize,
}

// SAFETY: A room owns its elements.
unsafe impl<T: Send> Send for Room<T> {}
// SAFETY: A shared room gives `&T` of the places that are used. Free places are written by the one
// who was first to count them as used.
unsafe impl<T: Send + Sync> Sync for Room<T> {}

/// A list of elements, the newest first, that never changes.
///
/// # Invariants
///
/// `first` points to the first of `length` places of `room` in a row, which are all used; without elements, to the end of the room, or
/// there is no room.
pub struct List<T: Send + Sync + 'static> {
    room: Option<Arc<Room<T>>>,
    first: NonNull<T>,
    length: usize,
}

// SAFETY: A list gives `&T`, and owns `T`s together with the other lists of its room.
unsafe impl<T: Send + Sync> Send for List<T> {}
// SAFETY: A shared list gives `&T`, and new lists of its room, which is `Sync` for such a `T`.
unsafe impl<T: Send + Sync> Sync for List<T> {}

impl<T: Clone + Send + Sync> List<T> {
    /// An empty list with room for `places` elements. The memory is charged to the cgroup of the
    /// current task.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(places: usize) -> Result<Self> {
        Self::with_room(places, GFP_KERNEL_ACCOUNT)
    }

    fn with_room(places: usize, flags: Flags) -> Result<Self> {
        let mut places = KVVec::with_capacity(places.max(LEAST), flags | __GFP_NOWARN)?;
        let end = NonNull::from(places.spare_capacity_mut()).cast::<T>();
        // SAFETY: The vector has so many places from there on.
        let end = unsafe { end.add(places.capacity()) };
        let used = AtomicUsize::new(0);
        // INVARIANT: No place is used, and the list has no element.
        Ok(Self {
            room: Some(Arc::new(Room { places, end, used }, flags)?),
            first: end,
            length: 0,
        })
    }

    /// A list of `elements` in reverse order, with room for at least `places` elements.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn of(places: usize, elements: impl Iterator<Item = T>) -> Result<Self> {
        Self::new(places)?.and(elements)
    }

    /// This list with `elements` prepended one by one. The room must have places for them.
    fn and(mut self, elements: impl Iterator<Item = T>) -> Result<Self> {
        for element in elements {
            self.prepend(element).map_err(|_| ENOMEM)?;
        }
        Ok(self)
    }

    /// Another list of the same elements, in the same room.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            room: self.room.clone(),
            first: self.first,
            length: self.length,
        }
    }

    /// A list of `element` and then the elements of this list.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn with(&self, element: T) -> Result<Self> {
        let mut longer = self.share();
        if let Err(element) = longer.prepend(element) {
            longer = self.copy(self.length.saturating_mul(2), GFP_KERNEL_ACCOUNT, |_| true)?;
            longer.prepend(element).map_err(|_| ENOMEM)?;
        }
        Ok(longer)
    }

    /// The elements of this list, with `element` in place of the element at `index`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn with_other(&self, index: usize, element: &T) -> Result<Self> {
        let mut at = self.length;
        let elements = self.iter().rev().map(|present| {
            at = at.wrapping_sub(1);
            if at == index {
                element
            } else {
                present
            }
        });
        Self::of(self.length, elements.cloned())
    }

    /// The elements of this list without the one at `index`. The memory is charged to no cgroup, so a
    /// task that has used up its limit can still remove elements.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn without(&self, index: usize) -> Result<Self> {
        match self.shorter(index) {
            Some(shorter) => Ok(shorter),
            None => self.copy(self.length, GFP_KERNEL, |other| other != index),
        }
    }

    /// This list without its first or its last element, in the same room; [`None`] for an element between them, or if the
    /// room would have more elements that nobody needs than others, and more than a few. Without its only element, a list without a room.
    fn shorter(&self, index: usize) -> Option<Self> {
        let length = self.length.checked_sub(1)?;
        if length == 0 && index == 0 {
            // INVARIANT: There is no room.
            return Some(Self {
                room: None,
                first: NonNull::dangling(),
                length,
            });
        }
        let used = self.room.as_ref()?.used.load(Relaxed);
        if used.saturating_sub(length) > length.max(FEW) {
            return None;
        }
        let first = match index {
            // SAFETY: The list has more than one element.
            0 => unsafe { self.first.add(1) },
            last if last == length => self.first,
            _ => return None,
        };
        // INVARIANT: These are the places of this list but one at an end.
        Some(Self {
            room: self.room.clone(),
            first,
            length,
        })
    }

    /// A copy of some of the elements, in a new room with at least so many places.
    fn copy(&self, places: usize, flags: Flags, stays: impl Fn(usize) -> bool) -> Result<Self> {
        let mut index = self.length;
        let staying = self.iter().rev().filter(|_| {
            index = index.wrapping_sub(1);
            stays(index)
        });
        Self::with_room(places, flags)?.and(staying.cloned())
    }

    /// Prepends one element. Returns the element if the place before the list is not free: the room has
    /// no such place, or another list uses it.
    fn prepend(&mut self, element: T) -> Result<(), T> {
        let length = self.length.wrapping_add(1);
        let Some(room) = &self.room else {
            return Err(element);
        };
        // SAFETY: Both point into the memory of the room, or behind its last place.
        let distance = unsafe { room.end.offset_from(self.first) }.unsigned_abs();
        // ORDERING: Relaxed; the publication of the longer list makes the element visible.
        let used = &room.used;
        let claim = || used.compare_exchange(distance, distance.wrapping_add(1), Relaxed, Relaxed);
        if distance >= room.places.capacity() || claim().is_err() {
            return Err(element);
        }
        // SAFETY: There are fewer places from the list on than the room has, so there is one before it.
        let place = unsafe { self.first.sub(1) };
        // SAFETY: The place was not used, and it was this call that counted it as used.
        unsafe { place.write(element) };
        // INVARIANT: That is one element more, and the place before the others.
        (self.first, self.length) = (place, length);
        Ok(())
    }
}

impl<T: Send + Sync> Deref for List<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: By the type invariant so many elements are there, which stay as they are for as
        // long as `room` does; or none, at an address that is aligned and not null.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.length).as_ref() }
    }
}

impl<T> Drop for Room<T> {
    fn drop(&mut self) {
        let used = *self.used.get_mut();
        // SAFETY: By the type invariant so many places before `end` are used.
        let first = unsafe { self.end.sub(used) };
        // SAFETY: They hold elements, which no list has any more.
        unsafe { NonNull::slice_from_raw_parts(first, used).drop_in_place() };
    }
}

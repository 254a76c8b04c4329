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
    ops::{Deref, Range},
    ptr::NonNull,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
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
        if !self.may_be(length, FEW) {
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

    /// Whether a list of `length` elements may lie in this room: not if there would be more than a `few` elements that nobody needs, and
    /// more than others.
    fn may_be(&self, length: usize, few: usize) -> bool {
        let room = self.room.as_ref();
        let used = room.map_or(0, |room| room.used.load(Relaxed));
        used.saturating_sub(length) <= length.max(few)
    }

    /// The elements of this list in `range`, in the same room; no elements if it has no such range.
    fn part(&self, range: Range<usize>) -> Self {
        if range.is_empty() || range.end > self.length {
            // INVARIANT: There is no room.
            return Self {
                room: None,
                first: NonNull::dangling(),
                length: 0,
            };
        }
        // INVARIANT: These are places of this list.
        Self {
            room: self.room.clone(),
            // SAFETY: The list has more elements.
            first: unsafe { self.first.add(range.start) },
            length: range.end.wrapping_sub(range.start),
        }
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

/// The elements between two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    skipped: u32,
    length: u32,
}

impl Part {
    /// CAST: The halves of a word.
    #[inline]
    const fn from_word(word: u64) -> Self {
        Self {
            skipped: (word >> 32) as u32,
            length: word as u32,
        }
    }

    /// CAST: Each fits into half a word.
    const fn word(self) -> u64 {
        ((self.skipped as u64) << 32) | self.length as u64
    }

    /// CAST: A u32 fits.
    #[inline]
    const fn range(self) -> Range<usize> {
        let start = self.skipped as usize;
        start..start.wrapping_add(self.length as usize)
    }
}

/// A list that gets shorter under its readers, at its ends. Its owner needs no memory for that.
///
/// A reader sees the elements of one moment. Those that were taken off stay until the room is dropped, as with other lists: the room stays
/// here even without elements.
///
/// # Examples
///
/// ```rust
/// # use kernel::prelude::*;
/// # use knet::list::{List, Shrinking};
/// let list = Shrinking::new(List::of(3, [1_u32, 2, 3].into_iter())?)?;
/// let before = list.load();
/// let part = list.without(0).ok_or(EINVAL)?;
/// assert_eq!(list.slice(part), [2, 1]);
/// list.shrink(part);
/// assert_eq!((before, list.load()), (&[3, 2, 1][..], &[2, 1][..]));
/// // Not an end.
/// let list = Shrinking::new(List::of(3, [1_u32, 2, 3].into_iter())?)?;
/// assert_eq!(list.without(1), None);
/// # Ok::<(), Error>(())
/// ```
pub struct Shrinking<T: Send + Sync + 'static> {
    whole: List<T>,
    /// What is left of it, as [`Part::word`].
    part: AtomicU64,
}

impl<T: Clone + Send + Sync> Shrinking<T> {
    /// All elements of `list`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` for more elements than memory holds.
    pub fn new(list: List<T>) -> Result<Self> {
        let length = u32::try_from(list.length).map_err(|_| ENOMEM)?;
        let part = Part { skipped: 0, length };
        Ok(Self {
            whole: list,
            part: AtomicU64::new(part.word()),
        })
    }

    #[inline]
    fn part(&self) -> Part {
        // ORDERING: Relaxed: all elements were there before the list was.
        Part::from_word(self.part.load(Relaxed))
    }

    /// The elements of now.
    #[inline]
    pub fn load(&self) -> &[T] {
        self.slice(self.part())
    }

    /// The elements of now, as a list that does not change.
    pub fn list(&self) -> List<T> {
        self.whole.part(self.part().range())
    }

    /// The elements of a part of this list.
    #[inline]
    pub fn slice(&self, part: Part) -> &[T] {
        self.whole.get(part.range()).unwrap_or_default()
    }

    /// What is left without the element at `index`; [`None`] if that is not the first or the last one, or if there would be more elements
    /// in the room that nobody needs than others, and more than a few.
    pub fn without(&self, index: usize) -> Option<Part> {
        let Part { skipped, length } = self.part();
        let length = length.checked_sub(1)?;
        // All elements of the smallest room may be taken off. CAST: A u32 fits.
        if !self.whole.may_be(length as usize, LEAST) {
            return None;
        }
        let skipped = match index {
            0 => skipped.wrapping_add(1),
            last if last == length as usize => skipped,
            _ => return None,
        };
        Some(Part { skipped, length })
    }

    /// Lets readers see only this part from now on. Whoever calls this keeps others from it.
    pub fn shrink(&self, part: Part) {
        // ORDERING: Relaxed: all elements were there before the list was. Readers may have the element that is taken off for some time
        // yet, whatever the caller does to it next.
        self.part.store(part.word(), Relaxed);
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

// SPDX-License-Identifier: GPL-2.0

//! What [`KVec`] does, without a path to a panic.
//!
//! The kernel is built with checks for overflow, and generic code is built where it is used. So
//! `KVec::push` and its like leave calls into `core::panicking` in the modules that use them, which
//! no module of this project may have.

use core::sync::atomic::AtomicPtr;
use kernel::{
    alloc::{
        flags::{__GFP_NOWARN, __GFP_ZERO},
        Allocator, KVVec, Vec,
    },
    prelude::*,
};

/// So many null pointers. May sleep; the memory is charged to the cgroup of the current task.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn null_pointers<T>(count: usize) -> Result<KVVec<AtomicPtr<T>>> {
    let flags = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_ZERO;
    let mut pointers = KVVec::with_capacity(count, flags)?;
    // SAFETY: There is room for `count` elements, and `__GFP_ZERO` has made null pointers of them.
    unsafe { pointers.inc_len(count) };
    Ok(pointers)
}

/// The least capacity of a vector that grows.
const LEAST: usize = 4;

/// More ways to change a vector.
pub trait VecExt<T> {
    /// Makes room for `more` elements.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; nothing has changed then.
    fn make_room(&mut self, more: usize) -> Result;

    /// Appends an element.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; nothing has changed then.
    fn append(&mut self, element: T) -> Result;

    /// Removes all elements for which `keep` does not hold.
    fn keep_only(&mut self, keep: impl FnMut(&mut T) -> bool);
}

impl<T, A: Allocator> VecExt<T> for Vec<T, A> {
    fn make_room(&mut self, more: usize) -> Result {
        let wanted = self.len().saturating_add(more);
        if wanted <= self.capacity() {
            return Ok(());
        }
        let capacity = self.capacity().saturating_mul(2).max(wanted).max(LEAST);
        let mut larger = Vec::with_capacity(capacity, GFP_KERNEL_ACCOUNT)?;
        for element in core::mem::take(self) {
            // There is room for all of them.
            let _ = larger.push_within_capacity(element);
        }
        *self = larger;
        Ok(())
    }

    fn append(&mut self, element: T) -> Result {
        self.make_room(1)?;
        self.push_within_capacity(element).map_err(|_| ENOMEM)
    }

    fn keep_only(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let mut kept = 0_usize;
        for index in 0..self.len() {
            let Some((before, behind)) = self.split_at_mut_checked(index) else {
                break;
            };
            let Some(element) = behind.first_mut() else {
                break;
            };
            if keep(element) {
                if let Some(place) = before.get_mut(kept) {
                    core::mem::swap(place, element);
                }
                kept = kept.wrapping_add(1);
            }
        }
        self.truncate(kept);
    }
}

/// A vector with room for `length` elements, and none yet; a large one need not lie in one piece of
/// memory. It is charged to the cgroup of the current task, and a failure leaves no line in the log.
///
/// # Errors
///
/// `ENOMEM`.
pub fn room<T>(length: usize) -> Result<KVVec<T>> {
    Ok(KVVec::with_capacity(
        length,
        GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
    )?)
}

/// Makes the vector hold `length` copies of `value`, or as many as it has room for.
pub fn fill_up<T: Copy>(vec: &mut KVVec<T>, length: usize, value: T) {
    let (start, _, capacity) = core::mem::take(vec).into_raw_parts();
    // SAFETY: The parts are those of a vector; what it held needs no drop.
    let mut empty = unsafe { KVVec::from_raw_parts(start, 0, capacity) };
    let length = length.min(capacity);
    let places = empty.spare_capacity_mut().iter_mut();
    places.take(length).for_each(|place| {
        place.write(value);
    });
    let (start, _, capacity) = empty.into_raw_parts();
    // SAFETY: The parts are those of a vector, so many of whose elements are written above.
    *vec = unsafe { KVVec::from_raw_parts(start, length, capacity) };
}

/// A vector of `length` copies of `value`.
///
/// # Errors
///
/// `ENOMEM`.
pub fn filled<T: Copy>(value: T, length: usize) -> Result<KVVec<T>> {
    let mut vec = room(length)?;
    fill_up(&mut vec, length, value);
    Ok(vec)
}

/// The index of the first element for which `is_it` holds.
pub fn position<T>(elements: &[T], mut is_it: impl FnMut(&T) -> bool) -> Option<usize> {
    let mut all = (0..elements.len()).zip(elements);
    all.find(|(_, element)| is_it(element))
        .map(|(index, _)| index)
}

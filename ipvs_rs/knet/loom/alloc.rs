// SPDX-License-Identifier: GPL-2.0

//! As `kernel::alloc`, with memory enough.

use crate::prelude::{Error, PinInit, Result};
use std::{
    mem::MaybeUninit,
    ops::{BitOr, Deref, DerefMut},
    pin::Pin,
};

/// How memory is to be had: it makes no difference here.
#[derive(Clone, Copy)]
pub struct Flags;

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, _: Self) -> Self {
        self
    }
}

/// For callers that may sleep.
pub const GFP_KERNEL: Flags = Flags;

/// For callers that may sleep, and have to pay.
pub const GFP_KERNEL_ACCOUNT: Flags = Flags;

/// More flags.
pub mod flags {
    /// Without a word in the log.
    pub const __GFP_NOWARN: super::Flags = super::Flags;
}

/// There is no memory: never here.
#[derive(Debug)]
pub struct AllocError;

/// As the kernel's.
pub struct KBox<T: ?Sized>(Box<T>);

impl<T> KBox<T> {
    /// A box of this value.
    pub fn new(value: T, _: Flags) -> Result<Self, AllocError> {
        Ok(Self(Box::new(value)))
    }

    /// A box of a value that never moves.
    pub fn pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Pin<Self>>
    where
        Error: From<E>,
    {
        Self::try_pin_init(init, flags).map_err(Error::from)
    }

    /// A box of a value that never moves, or what `init` fails with.
    pub fn try_pin_init<E>(init: impl PinInit<T, E>, _: Flags) -> Result<Pin<Self>, E> {
        let mut place = Box::new(MaybeUninit::<T>::uninit());
        // SAFETY: The place is valid for writes, and stays where it is.
        unsafe { init.__pinned_init(place.as_mut_ptr()) }?;
        let place = Box::into_raw(place).cast();
        // SAFETY: It is a box's, and initialised.
        let value = Self(unsafe { Box::from_raw(place) });
        // SAFETY: What a box holds does not move with it.
        Ok(unsafe { Pin::new_unchecked(value) })
    }

    /// A box of so many values that never move.
    pub fn pin_slice<I: PinInit<T, E>, E>(
        mut init: impl FnMut(usize) -> I,
        count: usize,
        _: Flags,
    ) -> Result<Pin<KBox<[T]>>, E> {
        let mut places = Box::new_uninit_slice(count);
        for (index, place) in places.iter_mut().enumerate() {
            // SAFETY: As above. What fails here leaks what was made before, and nothing here fails.
            unsafe { init(index).__pinned_init(place.as_mut_ptr()) }?;
        }
        // SAFETY: All places are initialised.
        let values = KBox(unsafe { places.assume_init() });
        // SAFETY: What a box holds does not move with it.
        Ok(unsafe { Pin::new_unchecked(values) })
    }
}

impl<T: ?Sized> KBox<T> {
    /// Gives the memory away.
    pub fn into_raw(this: Self) -> *mut T {
        Box::into_raw(this.0)
    }

    /// Takes it back.
    ///
    /// # Safety
    ///
    /// It must come from [`KBox::into_raw`] or [`KBox::leak`], and be taken back once.
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // SAFETY: By the contract.
        Self(unsafe { Box::from_raw(raw) })
    }

    /// Gives the memory away.
    pub fn leak<'a>(this: Self) -> &'a mut T {
        Box::leak(this.0)
    }
}

impl<T: ?Sized> Deref for KBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for KBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// As the kernel's.
pub struct KVVec<T>(Vec<T>);

impl<T> KVVec<T> {
    /// With room for so many.
    pub fn with_capacity(capacity: usize, _: Flags) -> Result<Self, AllocError> {
        Ok(Self(Vec::with_capacity(capacity)))
    }

    /// Appends an element if there is room.
    pub fn push_within_capacity(&mut self, element: T) -> Result<(), T> {
        if self.0.len() == self.0.capacity() {
            return Err(element);
        }
        self.0.push(element);
        Ok(())
    }

    /// The places that are free.
    pub fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<T>] {
        self.0.spare_capacity_mut()
    }

    /// How many elements there is memory for.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<T> Deref for KVVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

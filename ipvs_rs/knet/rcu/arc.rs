// SPDX-License-Identifier: GPL-2.0

//! Owning references to an object, which is dropped a grace period after the last of them is gone.

use core::{
    marker::PhantomData,
    mem::offset_of,
    ops::Deref,
    pin::Pin,
    ptr::NonNull,
    sync::atomic::{fence, AtomicUsize, Ordering},
};
use ipvs_sys as bindings;
use kernel::{
    alloc::{Flags, KBox},
    prelude::*,
    types::Opaque,
};

use super::{
    retired::{self, Gathered},
    Guard,
};

/// The allocation behind an [`Arc`].
///
/// `head` is first, so that the callback of `call_rcu` finds the allocation at its own address.
///
/// # Invariants
///
/// While there are references, `func` of `head` is [`None`], or [`retired::retire`] of the same type for one made by
/// [`Inner::gathered`]. When there are none any more, `references` is 0, or [`GONE`] and half an address.
#[repr(C)]
#[pin_data]
pub(crate) struct Inner<T> {
    #[pin]
    head: Opaque<bindings::callback_head>,
    references: AtomicUsize,
    #[pin]
    value: T,
}

/// The bit of a number of references that says that there are none, and will be none. There is not memory for so many.
const GONE: usize = 1 << (usize::BITS - 1);

/// What `func` of a head is.
type Callback = Option<unsafe extern "C" fn(*mut bindings::callback_head)>;

impl<T> Inner<T> {
    /// An object with one reference, which waits for its grace period alone.
    // Inline, or all fields would be written twice.
    #[inline(always)]
    pub(crate) fn new<E>(init: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        Self::retired_by(None, init)
    }

    /// An object with one reference, which waits for its grace period with others.
    ///
    /// # Safety
    ///
    /// Its place must be a multiple of [`Gathered::ALIGN`].
    #[inline(always)]
    pub(crate) unsafe fn gathered<E>(init: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        T: Gathered,
        Error: From<E>,
    {
        Self::retired_by(Some(retired::retire::<T>), init)
    }

    #[inline(always)]
    fn retired_by<E>(retire: Callback, init: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        let set = move |head: *mut bindings::callback_head| {
            // SAFETY: An initialiser is given memory that is valid for writes.
            let func = unsafe { &raw mut (*head).func };
            // SAFETY: It is a part of that memory.
            unsafe { func.write(retire) };
        };
        try_pin_init!(Self {
            head <- Opaque::ffi_init(set),
            references: AtomicUsize::new(1),
            value <- init,
        }? Error)
    }

    /// Notes in an object without references which one comes behind it.
    ///
    /// # Safety
    ///
    /// The last reference must be gone, and the object be live.
    pub(super) unsafe fn set_behind(this: *mut Self, behind: *mut bindings::callback_head) {
        // CAST: An address as a number.
        let number = GONE | (behind as usize).wrapping_shr(1);
        // SAFETY: By the contract the object is live.
        let references = unsafe { &(*this).references };
        // ORDERING: Relaxed, as `call_rcu` orders it before its callback. Readers see one of two numbers that mean the same to them.
        references.store(number, Ordering::Relaxed);
    }

    /// What [`Inner::set_behind`] has noted.
    ///
    /// # Safety
    ///
    /// As there, which must have been called.
    pub(super) unsafe fn behind(this: *mut Self) -> *mut bindings::callback_head {
        // SAFETY: By the contract the object is live.
        let references = unsafe { &(*this).references };
        // CAST: The number as the address that it was. The lowest bit of an address is 0.
        references.load(Ordering::Relaxed).wrapping_shl(1) as *mut bindings::callback_head
    }
}

/// The bytes that an [`Arc`] allocates in addition to its object.
pub const OVERHEAD: usize = size_of::<Inner<usize>>() - size_of::<usize>();

/// An owning reference to an object that RCU readers may use too.
///
/// The object never moves. It is dropped in softirq context, one grace period after the last
/// `Arc` is gone, so its destructor must not sleep.
///
/// # Invariants
///
/// `inner` points to a live [`Inner`] made by a [`KBox`], one of whose `references` is this one.
pub struct Arc<T: Send + Sync + 'static> {
    inner: NonNull<Inner<T>>,
    _owns: PhantomData<Inner<T>>,
}

// SAFETY: An `Arc` gives `&T` to the thread that has it and may drop `T` there; `T` allows both.
unsafe impl<T: Send + Sync> Send for Arc<T> {}
// SAFETY: `&Arc<T>` gives `&T` and new `Arc<T>`s, which `T: Send + Sync` allows.
unsafe impl<T: Send + Sync> Sync for Arc<T> {}

// The object is pinned; references to it are not.
impl<T: Send + Sync> Unpin for Arc<T> {}

impl<T: Send + Sync> Arc<T> {
    /// Allocates an object and initialises it in place.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error of `init`.
    pub fn pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Self>
    where
        Error: From<E>,
    {
        Ok(Self::first(KBox::try_pin_init(Inner::new(init), flags)?))
    }

    /// The first reference to an object of [`Inner::new`].
    #[inline(always)]
    pub(crate) fn first(inner: Pin<KBox<Inner<T>>>) -> Self {
        // SAFETY: `Inner` is never moved out of its allocation.
        let inner = unsafe { Pin::into_inner_unchecked(inner) };
        // INVARIANT: `references` is 1, and that is the reference returned here.
        Self {
            inner: NonNull::from(KBox::leak(inner)),
            _owns: PhantomData,
        }
    }

    /// Allocates an object that holds `value`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(value: T, flags: Flags) -> Result<Self> {
        let inner = KBox::new(
            Inner {
                head: Opaque::new(bindings::callback_head {
                    next: core::ptr::null_mut(),
                    func: None,
                }),
                references: AtomicUsize::new(1),
                value,
            },
            flags,
        )?;
        // INVARIANT: `references` is 1, and that is the reference returned here.
        Ok(Self {
            inner: NonNull::from(KBox::leak(inner)),
            _owns: PhantomData,
        })
    }

    /// Borrows this reference.
    #[inline]
    pub fn as_ref(&self) -> Ref<'_, T> {
        // SAFETY: `self` is one of the references, so `inner` is live while `self` is, which the
        // lifetime of the result ensures.
        let inner = unsafe { self.inner.as_ref() };
        Ref { inner }
    }

    /// Gives the reference up, and borrows the object until the end of the read-side section. The object is
    /// not dropped before that.
    #[inline]
    pub fn until_end_of(self, _guard: &Guard) -> Ref<'_, T> {
        // SAFETY: `self` is one of the references, so `inner` is live. Should it be the last one,
        // then the object is dropped after a grace period, which the section of `_guard` delays.
        let inner = unsafe { &*self.inner.as_ptr() };
        Ref { inner }
    }

    /// Whether both references are to the same object.
    #[inline]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }

    /// Turns the reference into a pointer for C to keep. [`Arc::from_raw`] takes it back.
    #[inline]
    pub(crate) fn into_raw(self) -> *const c_void {
        let raw = self.inner.as_ptr().cast_const().cast();
        core::mem::forget(self);
        raw
    }

    /// Takes back a reference.
    ///
    /// # Safety
    ///
    /// `raw` must come from [`Arc::into_raw`] of the same `T`, and be taken back once.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: *const c_void) -> Self {
        Self {
            // SAFETY: `into_raw` never returns null.
            inner: unsafe { NonNull::new_unchecked(raw.cast_mut().cast()) },
            _owns: PhantomData,
        }
    }

    /// Takes back a reference that [`Arc::into_raw`] gave, by the address of the object.
    ///
    /// # Safety
    ///
    /// `object` must be the object of such a reference, and the reference be taken back once.
    #[inline]
    pub(crate) unsafe fn from_object(object: *const T) -> Self {
        let inner = object.wrapping_byte_sub(offset_of!(Inner<T>, value));
        // SAFETY: By the contract; the object is the `value` of its `Inner`.
        unsafe { Self::from_raw(inner.cast()) }
    }
}

impl<T: Send + Sync> Deref for Arc<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `self` is one of the references, so `inner` is live.
        unsafe { &(*self.inner.as_ptr()).value }
    }
}

impl<T: Send + Sync> Clone for Arc<T> {
    #[inline]
    fn clone(&self) -> Self {
        // ORDERING: Relaxed, as a new reference is made from one that exists.
        // SAFETY: `self` is one of the references, so `inner` is live.
        let references = unsafe { &(*self.inner.as_ptr()).references };
        references.fetch_add(1, Ordering::Relaxed);
        // INVARIANT: The reference was just counted.
        Self {
            inner: self.inner,
            _owns: PhantomData,
        }
    }
}

impl<T: Send + Sync> Drop for Arc<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `self` is one of the references, so `inner` is live.
        let references = unsafe { &(*self.inner.as_ptr()).references };
        // ORDERING: Release, paired with the fence below: uses of the object come before its end.
        if references.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            // SAFETY: That was the last reference, so nobody else queues `head`.
            unsafe { retire(self.inner) };
        }
    }
}

/// Drops the object after a grace period.
///
/// # Safety
///
/// The last reference to the object must be gone.
unsafe fn retire<T>(inner: NonNull<Inner<T>>) {
    // SAFETY: By the contract the object is live and nobody else uses `head`.
    let head = unsafe { Opaque::cast_into(&raw const (*inner.as_ptr()).head) };
    // SAFETY: By the contract the object is live.
    let func = unsafe { &raw const (*head).func };
    // SAFETY: By the invariant of `Inner` it was set when the object was made, and nobody else uses `head`.
    match unsafe { func.read() } {
        // SAFETY: `head` lives in the object, which lives until `free` was called.
        None => unsafe { bindings::call_rcu(head, Some(free::<T>)) },
        // SAFETY: By the invariant of `Inner` it is the function for the objects of this type, whose place is as
        // `Inner::gathered` was promised. By the contract the last reference is gone.
        Some(retire) => unsafe { retire(head) },
    }
}

/// Drops an object whose grace period is over.
///
/// # Safety
///
/// `head` must be the first field of an [`Inner<T>`] made by a [`KBox`] that nobody refers to.
pub(super) unsafe extern "C" fn free<T>(head: *mut bindings::callback_head) {
    // `Inner` is `repr(C)` with `head` first.
    let inner = head.cast::<Inner<T>>();
    // SAFETY: By the contract the object is live, and nobody refers to it.
    unsafe { core::ptr::drop_in_place(inner) };
    // SAFETY: It came from `KBox::leak`, and its value was just dropped.
    unsafe { super::free_memory(inner) };
    super::count_drop();
}

/// A borrowed reference, which is valid for one read-side section or for the life of an [`Arc`].
///
/// # Invariants
///
/// `inner` stays allocated for `'g`, even if all owning references to it are dropped.
pub struct Ref<'g, T> {
    inner: &'g Inner<T>,
}

impl<T> Clone for Ref<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<'_, T> {}

impl<'g, T: Send + Sync + 'static> Ref<'g, T> {
    /// Borrows an object that C has a pointer to.
    ///
    /// # Safety
    ///
    /// `raw` must come from [`Arc::into_raw`] of the same `T`, and the reference behind it must
    /// have been given up no earlier than the beginning of the read-side section of `_guard`.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: *const c_void, _guard: &'g Guard) -> Self {
        Self {
            // SAFETY: By the contract the object outlives the section.
            inner: unsafe { &*raw.cast::<Inner<T>>() },
        }
    }

    /// The pointer that [`Arc::into_raw`] gives for this object, without a reference.
    #[inline]
    pub(crate) fn as_raw(self) -> *const c_void {
        core::ptr::from_ref(self.inner).cast()
    }

    /// An owning reference, or [`None`] if the last owning reference is gone already.
    #[inline]
    pub fn try_clone(self) -> Option<Arc<T>> {
        let more = |references: usize| {
            (references != 0 && references & GONE == 0).then(|| references.wrapping_add(1))
        };
        // ORDERING: Relaxed, as the object is reachable, so its contents are already visible.
        self.inner
            .references
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        // INVARIANT: The reference was just counted.
        Some(Arc {
            inner: NonNull::from(self.inner),
            _owns: PhantomData,
        })
    }

    /// The object, borrowed for `'g`.
    #[inline]
    pub fn get(self) -> &'g T {
        &self.inner.value
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner.value
    }
}

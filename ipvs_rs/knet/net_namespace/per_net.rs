// SPDX-License-Identifier: GPL-2.0

//! State that every network namespace has.

use core::{
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{AtomicPtr, AtomicU32, Ordering},
};
use kernel::prelude::*;

use super::{Net, WeakNet};
use crate::rcu::{Arc, Guard, Ref};

/// State that every network namespace has one of.
pub trait PerNet: Sized + Send + Sync + 'static {
    /// Tells where the state is found: a `static` of the implementation.
    fn id() -> &'static PerNetId<Self>;

    /// Makes the state of `net`. May sleep.
    ///
    /// `handle` may be put anywhere: it gives no namespace any more from the moment before
    /// [`PerNet::pre_exit`] on, or from the moment when this function has failed.
    ///
    /// # Errors
    ///
    /// The namespace, or the registration, fails with this error.
    fn init(net: &Net, handle: WeakNet) -> Result<Arc<Self>>;

    /// Begins the end of `net`: sees to it that packets do not come any more. May sleep.
    ///
    /// A grace period passes before [`PerNet::exit`]; one for all namespaces that end together.
    fn pre_exit(state: &Arc<Self>, net: &Net);

    /// Ends the state of `net`: whatever was registered there has to be taken back now. May sleep.
    ///
    /// [`state`] does not find it any more, but references from before may still exist.
    fn exit(state: Arc<Self>, net: &Net);
}

/// Tells where namespaces keep a `T`.
///
/// # Invariants
///
/// While `assigned` is neither 0 nor [`CLAIMED`], C has reserved the place of this number for a
/// [`NetData`] of a `T`. While `published` is not 0, it is `assigned`, and every namespace has one.
pub struct PerNetId<T> {
    pub(super) assigned: AtomicU32,
    pub(super) published: AtomicU32,
    _kind: PhantomData<fn() -> T>,
}

/// The number of a kind of state that is being registered; C assigns greater ones.
pub(super) const CLAIMED: u32 = 1;

/// What a namespace keeps for us. C makes it of zeroes, before [`init`].
///
/// # Last reader
///
/// A reader finds the place in a read-side section. C frees it when the namespace ends, for which
/// whoever has a [`Net`] waits; or when the kind is unregistered, before which
/// [`PerNetRegistration`] lets nobody find a place any more and waits for a grace period.
///
/// # Invariants
///
/// `state` is null, or an [`Arc`] of the kind of state, in its raw form; `handle` is null, or a
/// [`WeakNet`] in its raw form. Both belong to the place.
#[repr(C)]
pub(super) struct NetData {
    pub(super) state: AtomicPtr<c_void>,
    pub(super) handle: AtomicPtr<c_void>,
}

impl<T: PerNet> PerNetId<T> {
    /// The id of a kind of state that is not registered yet.
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self {
            assigned: AtomicU32::new(0),
            published: AtomicU32::new(0),
            _kind: PhantomData,
        }
    }
}

/// The state of `net`, if there is any yet, or still.
#[inline]
pub fn state<'g, T: PerNet>(net: &Net, guard: &'g Guard) -> Option<Ref<'g, T>> {
    // ORDERING: Acquire, paired with the store in `PerNetRegistration::new`: the places are seen.
    let id = T::id().published.load(Ordering::Acquire);
    if id == 0 {
        return None;
    }
    // SAFETY: `id` is published, so C has reserved it, and the section of `guard` is open.
    let place = unsafe { place(net, id) }?;
    // SAFETY: This is a reader that found the place in the section of `guard`.
    let place = unsafe { place.as_ref() };
    // ORDERING: Acquire, paired with the store in `init`: the state is seen initialised.
    let raw = place.state.load(Ordering::Acquire);
    if raw.is_null() {
        return None;
    }
    // SAFETY: `init` stores there what `into_raw` gives for a `T`. The place had the reference in
    // this section.
    Some(unsafe { Ref::from_raw(raw, guard) })
}

/// The place that C keeps at `id` in `net`.
///
/// # Safety
///
/// `id` must be reserved for a [`NetData`], and an RCU read-side section be open unless the namespace
/// can have no new places meanwhile.
#[inline]
pub(super) unsafe fn place(net: &Net, id: u32) -> Option<NonNull<NetData>> {
    // CAST: A small number.
    let index = id as usize;
    // SAFETY: The namespace is alive, so this is in it.
    let array = unsafe { &raw const (*net.as_ptr()).gen };
    // ORDERING: Relaxed, and the dependency on the pointer, as in `net_generic`: the array is seen
    // as it was when C published it.
    // SAFETY: The namespace is alive; an aligned pointer is read whole.
    let array = unsafe { array.read_volatile() };
    // SAFETY: A namespace always has an array of pointers, which begins with its length; an old one
    // is freed a grace period after it was replaced.
    let length = unsafe { *array.cast::<u32>() };
    if id >= length {
        return None;
    }
    // SAFETY: `index` is in the array.
    let pointer = unsafe { array.cast::<*mut NetData>().add(index) };
    // ORDERING: Relaxed: `published`, or the lock of C, says that the place was there before.
    // SAFETY: As above; an aligned pointer is read whole.
    NonNull::new(unsafe { pointer.read_volatile() })
}

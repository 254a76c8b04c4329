// SPDX-License-Identifier: GPL-2.0

//! State that every network namespace has.

use core::{
    ffi::c_void,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::atomic::{AtomicPtr, AtomicU32, Ordering},
};
use ipvs_sys as bindings;
use kernel::{
    error::{from_result, to_result},
    prelude::*,
    types::Opaque,
};

use super::{Handle, Net};
use crate::rcu::{self, Arc, Guard, Ref};

/// State that every network namespace has one of.
pub trait PerNet: Sized + Send + Sync + 'static {
    /// Tells where the state is found: a `static` of the implementation.
    fn id() -> &'static PerNetId<Self>;

    /// Makes the state of `net`, which is to keep the `handle`. May sleep.
    ///
    /// # Errors
    ///
    /// The namespace, or the registration, fails with this error.
    fn create(net: &Net, handle: Handle) -> Result<Arc<Self>>;

    /// The handle that the state was made with. It is revoked before [`PerNet::close`].
    fn handle(&self) -> &Handle;

    /// Begins the end of `net`: sees to it that packets do not come any more. May sleep.
    ///
    /// A grace period passes before [`PerNet::destroy`]; one for all namespaces that end together.
    fn close(state: &Arc<Self>, net: &Net);

    /// Ends the state of `net`: whatever was registered there has to be taken back now. May sleep.
    ///
    /// Nobody finds the state any more, but who found it before may still have it.
    fn destroy(state: Arc<Self>, net: &Net);
}

/// Tells where namespaces keep a `T`.
///
/// # Invariants
///
/// While `assigned` is neither 0 nor [`CLAIMED`], C has reserved the place of this number for a
/// [`Slot`] of a `T`. While `published` is not 0, it is `assigned`, and every namespace has one.
pub struct PerNetId<T> {
    assigned: AtomicU32,
    published: AtomicU32,
    _kind: PhantomData<fn() -> T>,
}

/// The number of a kind of state that is being registered; C assigns greater ones.
const CLAIMED: u32 = 1;

/// What a namespace keeps for us: null, or an [`Arc`] in its raw form that belongs to it.
type Slot = AtomicPtr<c_void>;

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
    // ORDERING: Acquire, paired with the store in `PerNetRegistration::new`: the slots are seen.
    let id = T::id().published.load(Ordering::Acquire);
    if id == 0 {
        return None;
    }
    // SAFETY: By the invariant of `PerNetId`, and the section of `guard` is open.
    let slot = unsafe { slot(net, id) }?;
    // SAFETY: The slot is there until this section ends, as unregistering waits for that, and as
    // the namespace is alive.
    let slot = unsafe { slot.as_ref() };
    // ORDERING: Acquire, paired with the store in `init`: the state is seen initialised.
    let raw = slot.load(Ordering::Acquire);
    if raw.is_null() {
        return None;
    }
    // SAFETY: By the meaning of a slot. It had the reference in this section.
    Some(unsafe { Ref::from_raw(raw, guard) })
}

/// The slot that C keeps at `id` in `net`.
///
/// # Safety
///
/// `id` must be reserved for a [`Slot`], and an RCU read-side section be open unless the namespace
/// can have no new slots meanwhile.
#[inline]
unsafe fn slot(net: &Net, id: u32) -> Option<NonNull<Slot>> {
    // CAST: A small number.
    let index = id as usize;
    // SAFETY: `net` is valid; an aligned pointer is read whole.
    let slots = unsafe { (&raw const (*net.as_ptr()).gen).read_volatile() };
    // SAFETY: A namespace always has an array of slots, which begins with its length.
    let length = unsafe { *slots.cast::<u32>() };
    if id >= length {
        return None;
    }
    // SAFETY: `index` is in the array.
    NonNull::new(unsafe { slots.cast::<*mut Slot>().add(index).read_volatile() })
}

/// Gives every network namespace, now and in the future, a `T` for as long as it exists.
///
/// # Invariants
///
/// `operations` are registered, and [`PerNetId`] of `T` is theirs.
pub struct PerNetRegistration<T: PerNet> {
    operations: Pin<KBox<Opaque<bindings::pernet_operations>>>,
    _kind: PhantomData<T>,
}

// SAFETY: Registered operations may be taken back from any thread.
unsafe impl<T: PerNet> Send for PerNetRegistration<T> {}
// SAFETY: There is nothing to do with `&PerNetRegistration`.
unsafe impl<T: PerNet> Sync for PerNetRegistration<T> {}

impl<T: PerNet> PerNetRegistration<T> {
    /// Creates the state of all namespaces. [`state`] finds it when all of them have theirs.
    ///
    /// # Errors
    ///
    /// `EBUSY` if this kind of state is registered already, `ENOMEM`, or what [`PerNet::create`]
    /// failed with.
    pub fn new() -> Result<Self> {
        let PerNetId {
            assigned,
            published,
            ..
        } = T::id();
        let operations = KBox::pin_init(
            Opaque::ffi_init(|operations: *mut bindings::pernet_operations| {
                let value = bindings::pernet_operations {
                    init: Some(init::<T>),
                    pre_exit: Some(pre_exit::<T>),
                    exit: Some(exit::<T>),
                    id: assigned.as_ptr(),
                    size: size_of::<Slot>(),
                    ..pin_init::zeroed()
                };
                // SAFETY: The pointer is valid for writes.
                unsafe { operations.write(value) }
            }),
            GFP_KERNEL,
        )?;
        // ORDERING: Relaxed: it only keeps a second registration out.
        assigned
            .compare_exchange(0, CLAIMED, Ordering::Relaxed, Ordering::Relaxed)
            .map_err(|_| EBUSY)?;
        // SAFETY: The operations are initialised, and stay where they are until unregistered. From
        // now on `assigned` belongs to C, which writes it before it calls `init`.
        to_result(unsafe { bindings::register_pernet_subsys(operations.get()) })
            .inspect_err(|_| assigned.store(0, Ordering::Relaxed))?;
        // Not earlier: where a namespace has no slot yet, C may have left the pointer to one that a
        // former owner of the number had.
        // ORDERING: Release, paired with the load in `state`.
        published.store(assigned.load(Ordering::Relaxed), Ordering::Release);
        // INVARIANT: The operations were just registered.
        Ok(Self {
            operations,
            _kind: PhantomData,
        })
    }
}

impl<T: PerNet> Drop for PerNetRegistration<T> {
    /// Destroys the state of all namespaces. May sleep.
    fn drop(&mut self) {
        let PerNetId {
            assigned,
            published,
            ..
        } = T::id();
        published.store(0, Ordering::Relaxed);
        rcu::synchronize();
        // SAFETY: By the type invariant, and nobody is left who uses the slots, which C frees.
        unsafe { bindings::unregister_pernet_subsys(self.operations.get()) };
        assigned.store(0, Ordering::Relaxed);
    }
}

/// Called by C for each namespace that gets a slot.
///
/// # Safety
///
/// `net` must be valid, and have a new slot for a `T`.
unsafe extern "C" fn init<T: PerNet>(net: *mut bindings::net) -> c_int {
    from_result(|| {
        // SAFETY: C calls this with a namespace that lives at least until `exit` was called.
        let net = unsafe { Net::from_raw(net) };
        let id = T::id().assigned.load(Ordering::Relaxed);
        // SAFETY: By the contract; C makes no slots for this namespace meanwhile.
        let slot = unsafe { slot(net, id) }.ok_or(ENOENT)?;
        // SAFETY: The slot is there until after `exit`.
        let slot = unsafe { slot.as_ref() };
        // SAFETY: The handle is revoked in `pre_exit`, after which C waits for a grace period; or
        // right here, by those who drop it, if there will be no `pre_exit`.
        let handle = unsafe { Handle::new(net) };
        let state = T::create(net, handle)?;
        if !state.handle().is_of(net) {
            // It is somewhere else, and would not be revoked in time.
            crate::module::leak(state, "the state of a namespace");
            return Err(EINVAL);
        }
        // ORDERING: Release, paired with the load in `state`: the state is seen initialised.
        slot.store(state.into_raw().cast_mut(), Ordering::Release);
        Ok(0)
    })
}

/// Called by C for each namespace that is to lose its slot, before it waits for a grace period.
///
/// # Safety
///
/// [`init`] must have succeeded for `net`.
unsafe extern "C" fn pre_exit<T: PerNet>(net: *mut bindings::net) {
    // SAFETY: C calls this with a namespace that is valid until after all exit functions.
    let net = unsafe { Net::from_raw(net) };
    let id = T::id().assigned.load(Ordering::Relaxed);
    // SAFETY: By the contract; C makes no slots for this namespace meanwhile.
    let Some(slot) = (unsafe { slot(net, id) }) else {
        return;
    };
    // SAFETY: The slot is there until after `exit`.
    let raw = unsafe { slot.as_ref() }.load(Ordering::Acquire);
    if !raw.is_null() {
        // SAFETY: By the meaning of a slot, which keeps the reference: this one is not dropped.
        let state = ManuallyDrop::new(unsafe { Arc::<T>::from_raw(raw) });
        state.handle().revoke();
        T::close(&state, net);
    }
}

/// Called by C for each namespace that is to lose its slot.
///
/// # Safety
///
/// [`init`] must have succeeded for `net`.
unsafe extern "C" fn exit<T: PerNet>(net: *mut bindings::net) {
    // SAFETY: C calls this with a namespace that is valid until after all exit functions.
    let net = unsafe { Net::from_raw(net) };
    let id = T::id().assigned.load(Ordering::Relaxed);
    // SAFETY: By the contract; C makes no slots for this namespace meanwhile.
    let Some(slot) = (unsafe { slot(net, id) }) else {
        return;
    };
    // SAFETY: C frees the slot after this function.
    let raw = unsafe { slot.as_ref() }.swap(core::ptr::null_mut(), Ordering::AcqRel);
    if !raw.is_null() {
        // SAFETY: By the meaning of a slot; it gave up the reference.
        T::destroy(unsafe { Arc::from_raw(raw) }, net);
    }
}

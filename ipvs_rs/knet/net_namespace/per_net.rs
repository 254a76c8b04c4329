// SPDX-License-Identifier: GPL-2.0

//! State that every network namespace has.

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{null_mut, NonNull},
    sync::atomic::{AtomicPtr, AtomicU32, Ordering},
};
use ipvs_sys as bindings;
use kernel::{
    error::{from_result, to_result},
    prelude::*,
    types::Opaque,
};

use super::{Net, WeakNet};
use crate::rcu::{self, Arc, Guard, Ref};

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
    /// Nobody finds the state any more, but who found it before may still have it.
    fn exit(state: Arc<Self>, net: &Net);
}

/// Tells where namespaces keep a `T`.
///
/// # Invariants
///
/// While `assigned` is neither 0 nor [`CLAIMED`], C has reserved the place of this number for a
/// [`NetData`] of a `T`. While `published` is not 0, it is `assigned`, and every namespace has one.
pub struct PerNetId<T> {
    assigned: AtomicU32,
    published: AtomicU32,
    _kind: PhantomData<fn() -> T>,
}

/// The number of a kind of state that is being registered; C assigns greater ones.
const CLAIMED: u32 = 1;

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
struct NetData {
    state: AtomicPtr<c_void>,
    handle: AtomicPtr<c_void>,
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
unsafe fn place(net: &Net, id: u32) -> Option<NonNull<NetData>> {
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

/// Gives every network namespace, now and in the future, a `T` for as long as it exists.
///
/// # Last reader
///
/// When `unregister_pernet_subsys` returns, or `register_pernet_subsys` has failed: C calls the
/// operations, and reads them, only under the lock that both take for all they do.
///
/// # Invariants
///
/// `operations` are registered, and [`PerNetId`] of `T` is theirs.
pub struct PerNetRegistration<T: PerNet> {
    operations: Pin<KBox<Opaque<bindings::pernet_operations>>>,
    _kind: PhantomData<T>,
}

// SAFETY: `operations` are used only to take them back, which any thread may do.
unsafe impl<T: PerNet> Send for PerNetRegistration<T> {}
// SAFETY: There is nothing to do with `&PerNetRegistration`.
unsafe impl<T: PerNet> Sync for PerNetRegistration<T> {}

impl<T: PerNet> PerNetRegistration<T> {
    /// Creates the state of all namespaces. [`state`] finds it when all of them have theirs.
    ///
    /// # Errors
    ///
    /// `EBUSY` if this kind of state is registered already, `ENOMEM`, or what [`PerNet::init`]
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
                    size: size_of::<NetData>(),
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
        // SAFETY: The operations are complete, and stay where they are until the last reader in C
        // is gone. From now on `assigned` belongs to C, which writes it before it calls `init`.
        to_result(unsafe { bindings::register_pernet_subsys(operations.get()) })
            // ORDERING: Relaxed: it only lets another registration in.
            .inspect_err(|_| assigned.store(0, Ordering::Relaxed))?;
        // Not earlier: where a namespace has no place yet, C may have left the pointer to one that a
        // former owner of the number had.
        // ORDERING: Release, paired with the load in `state`. The other is Relaxed, as C wrote the
        // number in the call above.
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
        // ORDERING: Relaxed: the grace period comes between this and the end of the places.
        published.store(0, Ordering::Relaxed);
        rcu::synchronize();
        // SAFETY: `new` has registered the operations, and nobody has taken them back. No reader is
        // left of the places, which C frees.
        unsafe { bindings::unregister_pernet_subsys(self.operations.get()) };
        // ORDERING: Relaxed: it only lets another registration in.
        assigned.store(0, Ordering::Relaxed);
    }
}

/// The place of a `T` in `net`, for the operations.
///
/// # Safety
///
/// To be called in an operation of a [`PerNetRegistration<T>`] for `net`.
unsafe fn own_place<T: PerNet>(net: &Net) -> Option<&NetData> {
    // ORDERING: Relaxed: C wrote it under the lock in which it calls the operations.
    let id = T::id().assigned.load(Ordering::Relaxed);
    // SAFETY: C has reserved the number before it calls an operation, and makes no places for this
    // namespace while it does.
    let place = unsafe { place(net, id) }?;
    // SAFETY: C makes the place before it calls `init`, and frees it after it has called `exit`.
    Some(unsafe { place.as_ref() })
}

/// Called by C for each namespace that gets a place.
///
/// # Safety
///
/// `net` must be valid, and have a new place for a `T`.
unsafe extern "C" fn init<T: PerNet>(net: *mut bindings::net) -> c_int {
    from_result(|| {
        // SAFETY: C calls this with a namespace that lives at least until `exit` was called, or
        // this has failed.
        let net = unsafe { Net::from_raw(net) };
        // SAFETY: This is an operation for `net`.
        let place = unsafe { own_place::<T>(net) }.ok_or(ENOENT)?;
        // SAFETY: It is ended right here if there will be no `pre_exit`; otherwise that revokes it,
        // and C waits for a grace period before `exit`.
        let handle = unsafe { WeakNet::new(net) }?;
        let state = match T::init(net, handle.share()) {
            Ok(state) => state,
            Err(error) => {
                handle.end();
                return Err(error);
            }
        };
        // ORDERING: Relaxed: only the other operations read it, under the lock of C.
        place
            .handle
            .store(handle.into_raw().cast_mut(), Ordering::Relaxed);
        // ORDERING: Release, paired with the load in `state`: the state is seen initialised.
        place
            .state
            .store(state.into_raw().cast_mut(), Ordering::Release);
        Ok(0)
    })
}

/// Called by C for each namespace that is to lose its place, before it waits for a grace period.
///
/// # Safety
///
/// [`init`] must have succeeded for `net`.
unsafe extern "C" fn pre_exit<T: PerNet>(net: *mut bindings::net) {
    // SAFETY: C calls this with a namespace that is valid until after all exit functions.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: This is an operation for `net`.
    let Some(place) = (unsafe { own_place::<T>(net) }) else {
        return;
    };
    // ORDERING: Relaxed: `init` stored it under the lock of C.
    let handle = place.handle.swap(null_mut(), Ordering::Relaxed);
    if !handle.is_null() {
        // SAFETY: `init` stored there what `into_raw` gave; it was taken out just now.
        unsafe { WeakNet::from_raw(handle) }.revoke();
    }
    // ORDERING: Relaxed: `init` stored it under the lock of C.
    let state = place.state.load(Ordering::Relaxed);
    if !state.is_null() {
        // SAFETY: `init` stored there what `into_raw` gave for a `T`. The place keeps the
        // reference: this one is not dropped.
        let state = ManuallyDrop::new(unsafe { Arc::<T>::from_raw(state) });
        T::pre_exit(&state, net);
    }
}

/// Called by C for each namespace that is to lose its place.
///
/// # Safety
///
/// [`init`] must have succeeded for `net`.
unsafe extern "C" fn exit<T: PerNet>(net: *mut bindings::net) {
    // SAFETY: C calls this with a namespace that is valid until after all exit functions.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: This is an operation for `net`.
    let Some(place) = (unsafe { own_place::<T>(net) }) else {
        return;
    };
    // ORDERING: Relaxed: `init` stored it under the lock of C, and readers that find null read
    // nothing.
    let state = place.state.swap(null_mut(), Ordering::Relaxed);
    if !state.is_null() {
        // SAFETY: `init` stored there what `into_raw` gave for a `T`; it was taken out just now.
        let state = unsafe { Arc::from_raw(state) };
        T::exit(state, net);
    }
}

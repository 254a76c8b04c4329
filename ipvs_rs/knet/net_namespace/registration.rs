// SPDX-License-Identifier: GPL-2.0

//! The registration of a kind of state, and what C calls for each namespace then.

use core::{marker::PhantomData, mem::ManuallyDrop, ptr::null_mut, sync::atomic::Ordering};
use ipvs_sys as bindings;
use kernel::{
    error::{from_result, to_result},
    prelude::*,
    types::Opaque,
};

use super::{
    per_net::{place, NetData, CLAIMED},
    Net, PerNet, PerNetId, WeakNet,
};
use crate::rcu::{self, Arc};

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

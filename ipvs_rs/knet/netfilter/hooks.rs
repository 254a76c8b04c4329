// SPDX-License-Identifier: GPL-2.0

//! Handlers as C knows them, and their registration.

use core::{
    ffi::{c_uint, c_void},
    marker::PhantomData,
    ptr::NonNull,
};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{Context, Family, Handler, Point, Verdict};
use crate::{
    module,
    net_namespace::Net,
    rcu::{Arc, Guard, Ref},
    skbuff::Skb,
};

/// A [`Handler`] of packets with a state of type `T`, in the form that [`Hooks`] registers.
pub struct Hook<T> {
    call: unsafe extern "C" fn(
        *mut c_void,
        *mut bindings::sk_buff,
        *const bindings::nf_hook_state,
    ) -> c_uint,
    family: Family,
    point: Point,
    priority: i32,
    _state: PhantomData<fn(T)>,
}

/// The hook that calls `H`.
pub const fn hook<T: Send + Sync + 'static, H: Handler<T>>() -> Hook<T> {
    Hook {
        call: adapter::<T, H>,
        family: H::FAMILY,
        point: H::POINT,
        priority: H::PRIORITY,
        _state: PhantomData,
    }
}

/// Hooks that are registered in a namespace.
///
/// They refer to their state, so it lives while they are registered; if it owns them in turn, then
/// [`Hooks::unregister`] is what ends both.
///
/// # Invariants
///
/// If there are `registered` operations, they are so in `net`, and `private` in all of them is the
/// state beside them in its raw form.
pub struct Hooks<T: Send + Sync + 'static> {
    registered: Option<(KBox<[bindings::nf_hook_ops]>, Arc<T>)>,
    net: NonNull<bindings::net>,
}

// SAFETY: Hooks may be taken back from any thread; `net` is only compared.
unsafe impl<T: Send + Sync> Send for Hooks<T> {}
// SAFETY: There is nothing to do with `&Hooks`.
unsafe impl<T: Send + Sync> Sync for Hooks<T> {}

/// Nothing points to the value itself, whatever `T` is.
impl<T: Send + Sync> Unpin for Hooks<T> {}

impl<T: Send + Sync + 'static> Hooks<T> {
    /// Lets the packets of `net` pass `hooks`, which share `state`. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `E2BIG` if a point has too many hooks already.
    pub fn register<const N: usize>(
        net: &Net,
        state: Arc<T>,
        hooks: &[Hook<T>; N],
    ) -> Result<Self> {
        let private = state.as_ref().as_raw();
        let operations = hooks.each_ref().map(|hook| hook.operations(private));
        let operations: KBox<[_]> = KBox::new(operations, GFP_KERNEL)?;
        // CAST: A handful.
        let count = operations.len() as u32;
        // SAFETY: The operations are initialised, and stay where they are until unregistered; the
        // namespace is valid. What the adapters need of `private` they get from `state`, which is
        // given up after the hooks.
        to_result(unsafe {
            bindings::nf_register_net_hooks(net.as_ptr(), operations.as_ptr(), count)
        })?;
        // INVARIANT: The operations were just registered.
        Ok(Self {
            registered: Some((operations, state)),
            net: NonNull::from(net).cast(),
        })
    }

    /// Takes the hooks back. May sleep.
    ///
    /// Packets that are in one of them already may stay there for a grace period.
    ///
    /// `net` has to be the namespace that the hooks are in; otherwise they stay.
    pub fn unregister(mut self, net: &Net) {
        if self.net != NonNull::from(net).cast() {
            return;
        }
        let Some((operations, _state)) = self.registered.take() else {
            return;
        };
        // CAST: A handful.
        let count = operations.len() as u32;
        // SAFETY: By the type invariant, and the namespace is valid. The operations and the state
        // are given up after this.
        unsafe { bindings::nf_unregister_net_hooks(net.as_ptr(), operations.as_ptr(), count) };
    }
}

impl<T: Send + Sync> Drop for Hooks<T> {
    /// Of hooks that were not taken back: nobody knows whether their namespace still exists. They
    /// stay, with all they need.
    fn drop(&mut self) {
        if let Some(registered) = self.registered.take() {
            module::leak(registered, "netfilter hooks");
        }
    }
}

impl<T> Hook<T> {
    /// What C wants to know.
    fn operations(&self, private: *const c_void) -> bindings::nf_hook_ops {
        bindings::nf_hook_ops {
            hook: Some(self.call),
            priv_: private.cast_mut(),
            pf: self.family as u8,
            hooknum: self.point as u32,
            priority: self.priority,
            ..pin_init::zeroed()
        }
    }
}

/// Called by C for each packet.
///
/// # Safety
///
/// `private` must be the raw form of an `Arc<T>` that is given up no earlier than the hook, and the
/// rest what C gives to a hook at [`Handler::POINT`].
unsafe extern "C" fn adapter<T: Send + Sync + 'static, H: Handler<T>>(
    private: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: `nf_hook` and its kin call hooks in an RCU read-side section.
    let guard = unsafe { Guard::held() };
    // SAFETY: The namespace that the packet is in exists while it is.
    let net = unsafe { Net::from_raw((*state).net) };
    // SAFETY: By the contract of this function.
    let shared = unsafe { Ref::from_raw(private, &guard) };
    // SAFETY: The packet is the hook's until it returns, and is at the network layer.
    let given = unsafe { NonNull::new_unchecked(skb) };
    // SAFETY: As above; the read-side section stays open until the hook has returned.
    let packet = unsafe { Skb::from_raw(given) };
    let context = Context {
        net,
        point: H::POINT,
        rcu: &guard,
    };
    let (back, verdict) = match H::handle(shared, packet, &context) {
        Verdict::Accept(back) => (back, bindings::NF_ACCEPT),
        Verdict::Drop(back) => (back, bindings::NF_DROP),
        Verdict::Stolen => return bindings::NF_STOLEN,
    };
    if back.as_ptr() != given.as_ptr() {
        // The packet that C gave is somewhere else. It must not go on here, nor must another.
        return bindings::NF_STOLEN;
    }
    let _ = back.into_raw();
    verdict
}

// SPDX-License-Identifier: GPL-2.0

//! The registration of handlers with netfilter.

use core::{marker::PhantomData, ptr::NonNull};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{Family, Handler, HookState, InetHook, Verdict};
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
    hook: InetHook,
    priority: i32,
    _state: PhantomData<fn(T)>,
}

/// The hook that calls `H`.
pub const fn hook<T: Send + Sync + 'static, H: Handler<T>>() -> Hook<T> {
    Hook {
        call: adapter::<T, H>,
        family: H::FAMILY,
        hook: H::HOOK,
        priority: H::PRIORITY,
        _state: PhantomData,
    }
}

/// The operations that C reads while hooks are registered, and the state that the hooks share.
///
/// # Last reader
///
/// C follows pointers to the operations in read-side sections: for each packet, and when it lists
/// hooks for user space. It hands out no new pointer after `nf_unregister_net_hooks`, so the last
/// reader is gone a grace period after that call. [`Arc`] waits for that grace period.
///
/// # Invariants
///
/// `private` in all operations is the raw form of `_state`.
struct Registered<T: Send + Sync + 'static> {
    operations: KBox<[bindings::nf_hook_ops]>,
    _state: Arc<T>,
}

// SAFETY: The operations are plain data that nobody changes; `_state` is `Send`.
unsafe impl<T: Send + Sync> Send for Registered<T> {}
// SAFETY: As above, and `_state` is `Sync`.
unsafe impl<T: Send + Sync> Sync for Registered<T> {}

/// Hooks that are registered in a namespace.
///
/// The hooks keep their state alive until a grace period after they were unregistered. If the state owns
/// the hooks, only [`Hooks::unregister`] ends this circle.
///
/// # Invariants
///
/// If there are `registered` operations, they are so in the namespace with this `cookie`.
pub struct Hooks<T: Send + Sync + 'static> {
    registered: Option<Arc<Registered<T>>>,
    cookie: u64,
}

impl<T: Send + Sync + 'static> Hooks<T> {
    /// Registers `hooks`, which share `state`, for the packets of `net`. May sleep.
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
        let operations: KBox<[_]> = KBox::new(operations, GFP_KERNEL_ACCOUNT)?;
        // INVARIANT: The operations were made with the raw form of `state`.
        let registered = Arc::new(
            Registered {
                operations,
                _state: state,
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        // CAST: A handful.
        let count = registered.operations.len() as u32;
        let first = registered.operations.as_ptr();
        // SAFETY: The namespace is valid. The operations are initialised and stay where they are
        // until a grace period after `registered` is given up. That happens after the hooks were
        // unregistered: in `Hooks::unregister`, or right here if C refuses one of them and takes
        // back those before it.
        to_result(unsafe { bindings::nf_register_net_hooks(net.as_ptr(), first, count) })?;
        // INVARIANT: The operations were just registered in `net`.
        Ok(Self {
            registered: Some(registered),
            cookie: net.cookie(),
        })
    }

    /// Unregisters the hooks. May sleep.
    ///
    /// A handler may still run for a grace period.
    ///
    /// `net` must be the namespace of the hooks; otherwise they stay registered.
    pub fn unregister(mut self, net: &Net) {
        if self.cookie != net.cookie() {
            return;
        }
        let Some(registered) = self.registered.take() else {
            return;
        };
        // CAST: A handful.
        let count = registered.operations.len() as u32;
        let first = registered.operations.as_ptr();
        // SAFETY: The namespace is alive, and its cookie is that of the one where `register` has
        // put the operations. They are freed a grace period after this, when their last reader is
        // gone.
        unsafe { bindings::nf_unregister_net_hooks(net.as_ptr(), first, count) };
    }
}

impl<T: Send + Sync> Drop for Hooks<T> {
    /// Hooks that were not unregistered stay registered with their state, as their namespace may no longer
    /// exist.
    fn drop(&mut self) {
        if let Some(registered) = self.registered.take() {
            module::leak(registered, "netfilter hooks");
        }
    }
}

impl<T> Hook<T> {
    /// The operations for C.
    fn operations(&self, private: *const c_void) -> bindings::nf_hook_ops {
        bindings::nf_hook_ops {
            hook: Some(self.call),
            priv_: private.cast_mut(),
            pf: self.family as u8,
            hooknum: self.hook as u32,
            priority: self.priority,
            ..pin_init::zeroed()
        }
    }
}

/// Called by C for each packet.
///
/// # Safety
///
/// `private` must come from the operations of a [`Registered<T>`] that C still may read, and the
/// rest must be what C gives to a hook at [`Handler::HOOK`].
unsafe extern "C" fn adapter<T: Send + Sync + 'static, H: Handler<T>>(
    private: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    // SAFETY: `nf_hook` and its kin call hooks in a read-side section, which stays open until the
    // hook has returned.
    let guard = unsafe { Guard::held() };
    // SAFETY: `state` is on the stack of `nf_hook`.
    let net = unsafe { (*state).net };
    // SAFETY: The namespace that the packet is in exists while it is.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: By the invariant of `Registered` it is the raw form of its `_state`, which is given up
    // a grace period after the hook was unregistered, so not before this section ends.
    let shared = unsafe { Ref::from_raw(private, &guard) };
    // SAFETY: `nf_hook` is never called without a packet, which is the hook's until it returns.
    let given = unsafe { NonNull::new_unchecked(skb) };
    // SAFETY: As is said of `given`. IP has checked its header, and got it into one piece, before it
    // calls hooks; the read-side section stays open until the hook has returned.
    let packet = unsafe { Skb::from_raw(given) };
    let context = HookState {
        net,
        hook: H::HOOK,
        rcu: &guard,
    };
    let (back, verdict) = match H::handle(shared, packet, &context) {
        Verdict::Accept(back) => (back, bindings::NF_ACCEPT),
        Verdict::Drop(back) => (back, bindings::NF_DROP),
        Verdict::Stolen => return bindings::NF_STOLEN,
    };
    if back.as_ptr() != given.as_ptr() {
        // The handler returned another packet than it got. C must use neither of them.
        return bindings::NF_STOLEN;
    }
    let _ = back.into_raw();
    verdict
}

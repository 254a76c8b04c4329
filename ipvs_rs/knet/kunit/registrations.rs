// SPDX-License-Identifier: GPL-2.0

//! What the kernel is told of, and has to forget again.

use kernel::prelude::*;

#[kunit_tests(knet_registrations)]
mod tests {
    use core::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::Relaxed};
    use kernel::{new_mutex, seq_file::SeqFile, sync::Mutex};

    use super::*;
    use crate::{
        genetlink::{Do, Full, GenlFamily, Group, Operation, Policy, Request},
        kunit::Probe,
        module::{self, ModuleRef},
        net_namespace::{self, Net, PerNet, PerNetId, PerNetRegistration, WeakNet},
        netdevice::{self, Notifier, NotifierRegistration},
        netfilter::{self, hook, Handler, HookState, Hooks, InetHook, Verdict},
        proc_seq::{File, Show},
        rcu::{self, Arc, Ref, Slot},
        skbuff::Skb,
        sockopt::{self, Buffer, Options, Value},
        sysctl::{Entry, Settings, SysctlTable},
        vec::VecExt,
    };

    /// A state of each namespace; `FAILS` keeps it from being made.
    struct Local(WeakNet);

    static FAILS: AtomicUsize = AtomicUsize::new(0);
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    static LOCAL: PerNetId<Local> = PerNetId::new();
    /// What was kept by somebody who then could not make the state.
    static KEPT: Slot<WeakNet> = Slot::empty();

    impl PerNet for Local {
        fn id() -> &'static PerNetId<Self> {
            &LOCAL
        }

        fn init(_: &Net, handle: WeakNet) -> Result<Arc<Self>> {
            if FAILS.load(Relaxed) != 0 {
                assert!(handle.get(&rcu::read_lock()).is_some());
                drop(KEPT.replace(Some(Arc::new(handle, GFP_KERNEL)?)));
                return Err(ENODEV);
            }
            ALIVE.fetch_add(1, Relaxed);
            Arc::new(Self(handle), GFP_KERNEL)
        }

        fn pre_exit(state: &Arc<Self>, _: &Net) {
            // From now on nobody finds the namespace through its state.
            assert!(state.0.get(&rcu::read_lock()).is_none());
        }

        fn exit(_: Arc<Self>, _: &Net) {
            ALIVE.fetch_sub(1, Relaxed);
        }
    }

    /// Whether the first namespace has its state, and that its namespace.
    fn is_known() -> bool {
        let guard = rcu::read_lock();
        let state = net_namespace::state::<Local>(Net::init(), &guard);
        state.is_some_and(|state| state.get().0.get(&guard).is_some())
    }

    #[test]
    fn namespaces_have_their_state_while_it_is_registered() -> Result {
        FAILS.store(1, Relaxed);
        assert_eq!(PerNetRegistration::<Local>::new().err(), Some(ENODEV));
        FAILS.store(0, Relaxed);
        assert!(!is_known());
        // A namespace that may go now, as it has no state, is not to be had any more.
        let kept = KEPT.replace(None).ok_or(ENODEV)?;
        assert!(kept.get(&rcu::read_lock()).is_none());
        drop(kept);
        let registration = PerNetRegistration::<Local>::new()?;
        assert!(is_known());
        assert!(ALIVE.load(Relaxed) > 0);
        assert_eq!(PerNetRegistration::<Local>::new().err(), Some(EBUSY));
        assert!(is_known());
        drop(registration);
        assert!(!is_known());
        assert_eq!(ALIVE.load(Relaxed), 0);
        rcu::barrier(1);
        Ok(())
    }

    /// What hooks, files and settings share.
    #[pin_data]
    struct Shared {
        number: AtomicI32,
        #[pin]
        writing: Mutex<()>,
        _probe: Probe,
    }

    fn shared(ends: &'static AtomicUsize) -> Result<Arc<Shared>> {
        Arc::pin_init(
            pin_init!(Shared {
                number: AtomicI32::new(1),
                writing <- new_mutex!((), "knet_kunit_writing"),
                _probe: Probe(ends),
            }),
            GFP_KERNEL,
        )
    }

    struct Passing;

    impl Handler<Shared> for Passing {
        const FAMILY: netfilter::Family = netfilter::Family::V6;
        const HOOK: InetHook = InetHook::Forward;
        const PRIORITY: i32 = 1_000;

        fn handle(_: Ref<'_, Shared>, skb: Skb, _: &HookState<'_>) -> Verdict {
            Verdict::Accept(skb)
        }
    }

    /// Registers hooks, eight at a time, until C has too many.
    fn fill_the_point(state: &Arc<Shared>) -> Result<KVec<Hooks<Shared>>> {
        let eight = [const { hook::<Shared, Passing>() }; 8];
        let mut all = KVec::new();
        loop {
            match Hooks::register(Net::init(), state.clone(), &eight) {
                Ok(hooks) => all.append(hooks)?,
                Err(error) if error == E2BIG => return Ok(all),
                Err(error) => return Err(error),
            }
        }
    }

    #[test]
    fn hooks_keep_their_state_and_are_refused_together() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (state, before) = (shared(&ENDS)?, ENDS.load(Relaxed));
        let mut counts = [0; 2];
        for count in &mut counts {
            let all = fill_the_point(&state)?;
            *count = all.len();
            for hooks in all {
                hooks.unregister(Net::init());
            }
        }
        // Of those that were refused in the first round none was left to take a place in the second.
        let [first, second] = counts;
        assert!(first > 0);
        assert_eq!(first, second);
        let hooks = Hooks::register(Net::init(), state, &[hook::<Shared, Passing>()])?;
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before);
        hooks.unregister(Net::init());
        // Those who list hooks have a grace period for the operations, which then give up the state.
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    struct Numbers;

    impl Options for Numbers {
        const BASE: u32 = 0x4000_0000;
        const SET: u32 = 2;
        const GET: u32 = 1;

        fn set(_: &Net, _: u32, _: &Value) -> Result {
            Ok(())
        }

        fn get(_: &Net, _: u32, _: &mut Buffer) -> Result {
            Ok(())
        }
    }

    #[test]
    fn options_of_sockets_have_one_owner_at_a_time() -> Result {
        for _ in 0..2 {
            let _first = sockopt::Registration::<Numbers>::new()?;
            let second = sockopt::Registration::<Numbers>::new();
            assert_eq!(second.err(), Some(EBUSY));
        }
        Ok(())
    }

    struct Nothing;

    impl Do for Nothing {
        fn run(_: &Request) -> Result {
            Ok(())
        }
    }

    const OPERATIONS: &[Operation] = &[Operation::new(1).doit::<Nothing>()];
    const POLICY: &[Policy] = &[Policy::ANY];
    const GROUPS: &[Group] = &[Group::admin("changes")];
    static FAMILY: GenlFamily = GenlFamily::new("knet_kunit", 1, 1, POLICY, OPERATIONS, GROUPS);
    static NAMESAKE: GenlFamily = GenlFamily::new("knet_kunit", 1, 1, POLICY, OPERATIONS, GROUPS);

    /// Whether a message was asked for.
    fn is_announced(family: &'static GenlFamily) -> bool {
        let asked = AtomicBool::new(false);
        family.multicast(Net::init(), 0, 1, |_, _| {
            asked.store(true, Relaxed);
            Err(Full)
        });
        asked.load(Relaxed)
    }

    #[test]
    fn families_are_registered_once() -> Result {
        static WAS_REGISTERED: AtomicBool = AtomicBool::new(false);
        assert!(!is_announced(&FAMILY));
        // These tests may run again, with the same static.
        if !WAS_REGISTERED.swap(true, Relaxed) {
            let registration = FAMILY.register()?;
            registration.open();
            assert_eq!(FAMILY.register().err(), Some(EBUSY));
            assert!(!is_announced(&FAMILY));
            let other = NAMESAKE.register();
            assert_eq!(other.err(), Some(EEXIST));
            drop(registration);
        }
        assert_eq!(FAMILY.register().err(), Some(EBUSY));
        assert!(!is_announced(&FAMILY));
        Ok(())
    }

    struct Word;

    impl Show<Shared> for Word {
        const NAME: &'static CStr = c"knet_kunit";

        fn show(_: &Shared, _: &SeqFile) {}
    }

    #[test]
    fn files_keep_their_state_until_they_are_removed() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        for round in 1..3 {
            let file = File::show::<Word>(Net::init(), shared(&ENDS)?)?;
            rcu::barrier(1);
            assert_eq!(ENDS.load(Relaxed), before + round - 1);
            file.remove(Net::init());
            rcu::barrier(1);
            assert_eq!(ENDS.load(Relaxed), before + round);
        }
        Ok(())
    }

    impl Settings for Shared {
        fn writing(&self) -> &Mutex<()> {
            &self.writing
        }

        fn written(&self, _: &Net, _: &CStr, _: &CStr) {}
    }

    const ENTRIES: &[Entry<Shared>] =
        &[Entry::int(c"number", |shared: &Shared| &shared.number).range(0, 3)];

    /// A table in a directory of its own.
    fn settings(state: Arc<Shared>) -> Result<SysctlTable<Shared>> {
        SysctlTable::register(Net::init(), c"net/knet_kunit", ENTRIES, state)
    }

    #[test]
    fn settings_are_there_once_and_keep_their_state() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let first = settings(shared(&ENDS)?)?;
        // C writes to the log that the file is there, and whose call that was.
        assert_eq!(settings(shared(&ENDS)?).err(), Some(ENOMEM));
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        first.unregister(Net::init());
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 2);
        settings(shared(&ENDS)?)?.unregister(Net::init());
        Ok(())
    }

    static DOWN: AtomicUsize = AtomicUsize::new(0);

    struct Looking;

    impl Notifier for Looking {
        const PRIORITY: c_int = 0;

        fn device_goes(_: &Net) {
            DOWN.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn devices_are_watched_until_that_ends() -> Result {
        drop(NotifierRegistration::<Looking>::new()?);
        // Who goes is told of each device as if it went down; nobody is told after that.
        let told = DOWN.load(Relaxed);
        let (one, two) = (
            NotifierRegistration::<Looking>::new()?,
            NotifierRegistration::<Looking>::new()?,
        );
        assert_eq!(DOWN.load(Relaxed), told);
        drop((one, two));
        assert!(netdevice::exists(Net::init(), b"lo"));
        assert!(!netdevice::exists(
            Net::init(),
            b"a_name_that_no_device_may_have"
        ));
        Ok(())
    }

    #[test]
    fn modules_are_kept_and_asked_for() -> Result {
        let own = ModuleRef::own().ok_or(ENODEV)?;
        drop(own.clone());
        drop(own);
        assert_eq!(
            module::request_module(fmt!("knet-kunit-{}", "none")).err(),
            Some(ENOENT)
        );
        Ok(())
    }
}

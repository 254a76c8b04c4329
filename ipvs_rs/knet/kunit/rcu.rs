// SPDX-License-Identifier: GPL-2.0

//! Objects that readers keep.

use kernel::prelude::*;

#[kunit_tests(knet_rcu)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::{
        kunit::{probe, Probe},
        rcu::{self, Arc, Gathered, Retired, Slot},
        slab::ArcCache,
    };

    #[test]
    fn arc_drops_once_when_the_last_is_gone() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (first, before) = probe(&ENDS)?;
        let second = first.clone();
        assert!(first.ptr_eq(&second));
        drop(first);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before);
        drop(second);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn arc_stays_for_readers() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (object, before) = probe(&ENDS)?;
        let guard = rcu::read_lock();
        let borrowed = object.until_end_of(&guard);
        assert_eq!(borrowed.get().0.load(Relaxed), before);
        // It is on its way out: nobody can own it any more.
        assert!(borrowed.try_clone().is_none());
        drop(guard);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn arc_is_not_made_when_its_object_is_not() {
        let refused = Arc::<Probe>::pin_init(
            // SAFETY: What fails has initialised nothing.
            unsafe { pin_init::pin_init_from_closure(|_: *mut Probe| Err(EIO)) },
            GFP_KERNEL,
        );
        assert_eq!(refused.err(), Some(EIO));
    }

    #[test]
    fn arc_in_arc_ends_a_grace_period_later() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (inner, before) = probe(&ENDS)?;
        let outer = Arc::new(inner, GFP_KERNEL)?;
        drop(outer);
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn slot_replaces_and_refuses() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (first, before) = probe(&ENDS)?;
        let (second, _) = probe(&ENDS)?;
        let slot = Slot::empty();
        assert!(slot.get().is_none());
        assert!(slot.replace(Some(first.clone())).is_none());
        assert!(slot.get().is_some_and(|object| object.ptr_eq(&first)));
        // Another is there than the one to be replaced: the new one comes back.
        let back = slot.replace_if(Some(&second), Some(second.clone()));
        assert!(back.is_err_and(|back| back.is_some_and(|back| back.ptr_eq(&second))));
        assert!(slot.replace_if(Some(&first), Some(second.clone())).is_ok());
        assert!(slot.load(&rcu::read_lock()).is_some());
        drop(first);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        drop((slot, second));
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 2);
        Ok(())
    }

    /// One of many.
    struct One {
        probe: Probe,
    }

    static ONES: ArcCache<One> = ArcCache::new();

    impl Gathered for One {
        const ALIGN: usize = 16;

        fn retired() -> &'static Retired<Self> {
            static RETIRED: Retired<One> = Retired::new();
            &RETIRED
        }
    }

    #[test]
    fn many_that_gather_are_dropped_once_each() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        const COUNT: usize = 1000;
        let before = ENDS.load(Relaxed);
        let one = || {
            let one = pin_init::init!(One {
                probe: Probe(&ENDS),
            });
            ONES.pin_init(one, &rcu::read_lock())
        };
        assert_eq!(one().err(), Some(ENOMEM));
        let opened = ONES.open(c"knet_kunit_ones")?;
        assert!(ONES.open(c"knet_kunit_ones").is_err());
        let kept = one()?;
        {
            // Nothing is dropped as long as this section may have found it, whatever it waits with.
            let guard = rcu::read_lock();
            let found = one()?.until_end_of(&guard);
            for _ in 0..COUNT {
                drop(one()?);
            }
            assert!(found.try_clone().is_none());
            assert_eq!(found.get().probe.0.load(Relaxed), before);
        }
        // Each round drops something, until nothing waits, and the last callback returns.
        loop {
            let dropped = ENDS.load(Relaxed);
            if One::retired().is_idle() {
                break;
            }
            rcu::barrier(1);
            assert!(ENDS.load(Relaxed) > dropped);
        }
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + COUNT + 1);
        assert_eq!(kept.probe.0.load(Relaxed), before + COUNT + 1);
        drop(kept);
        // Waits for the last one.
        drop(opened);
        assert_eq!(ENDS.load(Relaxed), before + COUNT + 2);
        Ok(())
    }
}

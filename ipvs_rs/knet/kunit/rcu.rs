// SPDX-License-Identifier: GPL-2.0

//! Objects that readers keep.

use kernel::prelude::*;

#[kunit_tests(knet_rcu)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::{
        kunit::{probe, Probe},
        rcu::{self, Arc, Slot},
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
}

// SPDX-License-Identifier: GPL-2.0

//! Where values are dropped that sleep then.

use kernel::prelude::*;

#[kunit_tests(knet_late)]
mod tests {
    use core::sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Release},
    };
    use kernel::time::{delay::fsleep, Delta};

    use super::*;
    use crate::{
        kthread::{Thread, Woken},
        late::{self, sleeps, Late},
        new_spinlock_bh,
        rcu::{self, Arc},
        time::HZ,
    };

    /// Sleeps at its end, and counts that.
    struct Sleeper(&'static AtomicUsize);

    sleeps!(Sleeper);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            fsleep(Delta::from_millis(2));
            // ORDERING: Release, paired with the loads of the tests.
            self.0.fetch_add(1, Release);
        }
    }

    #[test]
    fn a_process_drops_at_once() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Acquire);
        drop(Late::new(Sleeper(&ENDS))?);
        assert_eq!(ENDS.load(Acquire), before + 1);
        Ok(())
    }

    #[test]
    fn what_may_not_sleep_leaves_it_to_a_thread() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Acquire);
        let [first, second, third] = [
            Late::new(Sleeper(&ENDS))?,
            Late::new(Sleeper(&ENDS))?,
            Late::new(Sleeper(&ENDS))?,
        ];
        {
            let _section = rcu::read_lock();
            drop(first);
        }
        let lock = KBox::pin_init(new_spinlock_bh!(Some(second), "knet_late"), GFP_KERNEL)?;
        {
            let mut locked = lock.lock();
            locked.take();
        }
        // In the callback that frees the object, which is a softirq.
        drop(Arc::new(third, GFP_KERNEL)?);
        rcu::barrier(1);
        late::flush();
        assert_eq!(ENDS.load(Acquire), before + 3);
        Ok(())
    }

    #[test]
    fn a_thread_that_an_object_has_is_stopped() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Acquire);
        let sleeper = Sleeper(&ENDS);
        let thread = Thread::start(fmt!("knet_late"), move |current| {
            while current.sleep(HZ) != Woken::Stopping {}
            drop(sleeper);
        })?;
        drop(Arc::new(thread, GFP_KERNEL)?);
        rcu::barrier(1);
        late::flush();
        assert_eq!(ENDS.load(Acquire), before + 1);
        Ok(())
    }
}

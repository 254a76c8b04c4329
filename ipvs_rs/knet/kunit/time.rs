// SPDX-License-Identifier: GPL-2.0

//! Time, and what is done later.

use kernel::prelude::*;

#[kunit_tests(knet_time)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use kernel::{
        static_lock_class,
        time::{delay::fsleep, Delta},
    };

    use super::*;
    use crate::{
        field::{field, Field},
        kunit::Probe,
        rcu::{self, Arc},
        time::{Jiffies, HZ},
        timer::{Expire, Storage, Timer},
        work::{Job, Work},
    };

    #[test]
    fn time_wraps() {
        let late = Jiffies::from_ticks(usize::MAX);
        assert_eq!(late.after(2).since(late), 2);
        assert_eq!(late.since(late.after(2)), -2);
    }

    /// What timers and works are part of.
    #[pin_data]
    struct Busy {
        #[pin]
        timer: Timer<Busy>,
        #[pin]
        work: Work<Busy, Chore>,
        expired: AtomicUsize,
        worked: AtomicUsize,
        _probe: Probe,
    }

    struct Chore;

    /// An object on the stack, whose timer is never armed.
    #[pin_data]
    struct Lent {
        #[pin]
        timer: Timer<Lent>,
        _probe: Probe,
    }

    impl Expire for Lent {
        const TIMER: Field<Self, Timer<Self>> = field!(Lent, timer);

        fn expired(_: Arc<Self>) {}
    }

    impl Expire for Busy {
        const TIMER: Field<Self, Timer<Self>> = field!(Busy, timer);

        fn expired(this: Arc<Self>) {
            this.expired.fetch_add(1, Relaxed);
        }
    }

    impl Job<Busy> for Chore {
        const WORK: Field<Busy, Work<Busy, Self>> = field!(Busy, work);

        fn run(object: Arc<Busy>) {
            object.worked.fetch_add(1, Relaxed);
        }
    }

    fn busy(ends: &'static AtomicUsize) -> Result<Arc<Busy>> {
        Arc::pin_init(
            try_pin_init!(Busy {
                timer <- Timer::new(Storage::Allocated, c"knet_kunit", static_lock_class!()),
                work <- Work::new(),
                expired: AtomicUsize::new(0),
                worked: AtomicUsize::new(0),
                _probe: Probe(ends),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// What has a timer that is never armed may live on the stack, time and again in the same place.
    #[test]
    fn timer_on_the_stack() {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        for _ in 0..2 {
            pin_init::stack_pin_init!(let object = pin_init!(Lent {
                timer <- Timer::new(Storage::Stack, c"knet_kunit", static_lock_class!()),
                _probe: Probe(&ENDS),
            }));
            assert!(!Timer::<Lent>::cancel(&object));
        }
        assert!(ENDS.load(Relaxed) >= 2);
    }

    /// Long enough for a timer or a work that is due.
    fn wait() {
        fsleep(Delta::from_millis(100));
    }

    #[test]
    fn timer_expires_cancels_and_lets_go() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (object, before) = (busy(&ENDS)?, ENDS.load(Relaxed));
        // An idle timer is not moved.
        assert!(!Timer::<Busy>::mod_pending(&object, Jiffies::now()));
        wait();
        assert_eq!(object.expired.load(Relaxed), 0);
        Timer::arm(&object, Jiffies::now().after(1));
        wait();
        assert_eq!(object.expired.load(Relaxed), 1);
        assert!(!Timer::<Busy>::cancel(&object));
        Timer::arm(&object, Jiffies::now().after(1000 * HZ));
        Timer::arm(&object, Jiffies::now().after(500 * HZ));
        assert!(Timer::<Busy>::cancel(&object));
        // A pending timer keeps its object.
        Timer::arm(&object, Jiffies::now().after(1));
        drop(object);
        wait();
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn work_is_done_or_disabled() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (object, before) = (busy(&ENDS)?, ENDS.load(Relaxed));
        Work::<Busy, Chore>::queue(&object, 0);
        wait();
        assert_eq!(object.worked.load(Relaxed), 1);
        assert!(Work::<Busy, Chore>::queue(&object, 1000 * HZ));
        assert!(!Work::<Busy, Chore>::queue(&object, 0));
        Work::<Busy, Chore>::disable_sync(&object);
        assert_eq!(object.worked.load(Relaxed), 1);
        // Nobody can queue it again, and what tried keeps no reference.
        assert!(!Work::<Busy, Chore>::queue(&object, 0));
        wait();
        assert_eq!(object.worked.load(Relaxed), 1);
        drop(object);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        // Queued work keeps its object.
        let (object, before) = (busy(&ENDS)?, ENDS.load(Relaxed));
        Work::<Busy, Chore>::queue(&object, 1);
        drop(object);
        wait();
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of the abstractions inside a kernel, by KUnit: life cycle, refusal, order of drops. A kernel that has KUnit runs
//! them when the module is loaded, and `make test-debug` reads what they say.

use kernel::prelude::*;

#[kunit_tests(knet)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use kernel::{
        static_lock_class,
        time::{delay::fsleep, Delta},
    };

    use super::*;
    use crate::{
        hashtable::{Cursor, InsertError, Node, Table},
        net_namespace::{self, Handle, Net, PerNet, PerNetId, PerNetRegistration},
        new_spinlock_bh,
        percpu::{Counters, Supply},
        rcu::{self, Arc, Slot},
        spinlock::SpinLockBh,
        time::{Jiffies, HZ},
        timer::{Expire, Place, Timer},
        vec::{fill_up, position, room, VecExt},
        work::{Job, Work},
    };

    /// Counts its end.
    struct Probe(&'static AtomicUsize);

    impl Drop for Probe {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    /// A new probe, and how often probes of this counter have ended before.
    fn probe(ends: &'static AtomicUsize) -> Result<(Arc<Probe>, usize)> {
        Ok((Arc::new(Probe(ends), GFP_KERNEL)?, ends.load(Relaxed)))
    }

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

    /// What tables hold.
    struct Entry {
        number: u32,
        node: Node<Entry>,
        _probe: Probe,
    }

    fn entry(number: u32, ends: &'static AtomicUsize) -> Result<Arc<Entry>> {
        let (node, _probe) = (Node::new(7), Probe(ends));
        let entry = Entry {
            number,
            node,
            _probe,
        };
        Arc::new(entry, GFP_KERNEL)
    }

    fn enter(table: &Table<Entry>, entry: &Arc<Entry>) -> Result<(), InsertError> {
        let guard = rcu::read_lock();
        let hash = entry.number.wrapping_mul(0x9E37_79B9);
        let is_same = |other: &Entry, _| other.number == entry.number;
        table.insert(entry, &entry.node, hash, &guard, is_same)
    }

    fn is_there(table: &Table<Entry>, number: u32) -> bool {
        let hash = number.wrapping_mul(0x9E37_79B9);
        let guard = rcu::read_lock();
        let found = table.find(hash, &guard, |entry, tag| {
            tag == 7 && entry.number == number
        });
        found.is_some()
    }

    fn walk(table: &Table<Entry>) -> usize {
        let (guard, mut cursor) = (rcu::read_lock(), Cursor::default());
        let mut count = 0_usize;
        while table.next(&mut cursor, &guard).is_some() {
            count = count.wrapping_add(1);
        }
        count
    }

    #[test]
    fn table_refuses_what_it_must() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let table = KBox::pin_init(Table::new(2), GFP_KERNEL)?;
        let (one, same, other) = (entry(1, &ENDS)?, entry(1, &ENDS)?, entry(2, &ENDS)?);
        // There are no buckets yet.
        assert_eq!(enter(&table, &one), Err(InsertError::Unusable));
        table.resize(4)?;
        assert!(enter(&table, &one).is_ok());
        assert_eq!(enter(&table, &same), Err(InsertError::Exists));
        // A node of another object.
        let foreign = table.insert(&other, &same.node, 5, &rcu::read_lock(), |_, _| false);
        assert_eq!(foreign, Err(InsertError::Unusable));
        assert!(table.remove(&other.node).is_none());
        assert!(table.remove(&one.node).is_some());
        assert!(table.remove(&one.node).is_none());
        // A node is used once.
        assert_eq!(enter(&table, &one), Err(InsertError::Unusable));
        assert!(table.resize(32).is_err());
        Ok(())
    }

    #[test]
    fn table_keeps_all_through_resizes_and_drops_them() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        const MANY: u32 = 500;
        let before = ENDS.load(Relaxed);
        let table = KBox::pin_init(Table::new(2), GFP_KERNEL)?;
        table.resize(3)?;
        for number in 0..MANY {
            assert!(enter(&table, &entry(number, &ENDS)?).is_ok());
        }
        for bits in [9, 3, 12, 2] {
            table.resize(bits)?;
            assert_eq!(table.bits(), Some(bits));
            assert_eq!(walk(&table), MANY as usize);
            assert!((0..MANY).all(|number| is_there(&table, number)));
        }
        assert!(!is_there(&table, MANY));
        drop(table);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + MANY as usize);
        Ok(())
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

    /// What is never armed.
    #[pin_data]
    struct Lent {
        #[pin]
        timer: Timer<Busy>,
        _probe: Probe,
    }

    impl Expire for Busy {
        fn timer(&self) -> &Timer<Self> {
            &self.timer
        }

        fn expired(this: Arc<Self>) {
            this.expired.fetch_add(1, Relaxed);
        }
    }

    impl Job<Busy> for Chore {
        fn work(object: &Busy) -> &Work<Busy, Self> {
            &object.work
        }

        fn run(object: Arc<Busy>) {
            object.worked.fetch_add(1, Relaxed);
        }
    }

    fn busy(ends: &'static AtomicUsize) -> Result<Arc<Busy>> {
        Arc::pin_init(
            try_pin_init!(Busy {
                timer <- Timer::new(Place::Allocated, c"knet_kunit", static_lock_class!()),
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
                timer <- Timer::new(Place::Stack, c"knet_kunit", static_lock_class!()),
                _probe: Probe(&ENDS),
            }));
            assert!(!object.timer.cancel());
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
        object.timer.rearm(Jiffies::now());
        wait();
        assert_eq!(object.expired.load(Relaxed), 0);
        Timer::arm(&object, Jiffies::now().after(1));
        wait();
        assert_eq!(object.expired.load(Relaxed), 1);
        assert!(!object.timer.cancel());
        Timer::arm(&object, Jiffies::now().after(1000 * HZ));
        Timer::arm(&object, Jiffies::now().after(500 * HZ));
        assert!(object.timer.cancel());
        // A pending timer keeps its object.
        Timer::arm(&object, Jiffies::now().after(1));
        drop(object);
        wait();
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn work_is_done_or_cancelled() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let (object, before) = (busy(&ENDS)?, ENDS.load(Relaxed));
        Work::<Busy, Chore>::queue(&object, 0);
        wait();
        assert_eq!(object.worked.load(Relaxed), 1);
        Work::<Busy, Chore>::queue(&object, 1000 * HZ);
        Work::<Busy, Chore>::queue(&object, 0);
        object.work.cancel_sync();
        assert_eq!(object.worked.load(Relaxed), 1);
        Work::<Busy, Chore>::queue(&object, 1);
        drop(object);
        wait();
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn counters_add_up() -> Result {
        let counters = Counters::<3>::new()?;
        assert_eq!(counters.sums(), [0; 3]);
        counters.add::<0>(5);
        counters.add_pair::<1>(2, 3);
        counters.increment(2);
        // There is no such counter.
        counters.increment(3);
        assert_eq!(counters.sums(), [5, 2, 4]);
        Ok(())
    }

    #[test]
    fn supplied_counters_are_apart_and_outlive_their_supply() -> Result {
        // Blocks of 1, 2, 4, 8, 16, 32 and 32, the last of which is not used up.
        const COUNT: usize = 70;
        let mut supply = Supply::<3>::default();
        let mut all = room(COUNT)?;
        for number in 0..COUNT {
            let counters = supply.take()?;
            assert_eq!(counters.sums(), [0; 3]);
            let number = number as u64;
            counters.add::<0>(number);
            counters.add_pair::<1>(number + 1, number + 2);
            all.push_within_capacity(Some(counters))
                .map_err(|_| ENOMEM)?;
        }
        drop(supply);
        // From the first to the last, every other one; so each block loses some before it is freed.
        for (number, counters) in (0..COUNT).zip(&mut all) {
            if number % 2 == 0 {
                drop(counters.take());
            }
        }
        let mut other = Supply::<3>::default();
        for _ in 0..COUNT {
            assert_eq!(other.take()?.sums(), [0; 3]);
        }
        for (number, counters) in (0..COUNT).zip(&mut all).rev() {
            let sums = counters.take().map(|counters| counters.sums());
            let number = number as u64;
            let own = (number % 2 == 1).then_some([number, number + 1, number + 2]);
            assert_eq!(sums, own);
        }
        Ok(())
    }

    #[test]
    fn vectors_grow_and_shrink() -> Result {
        let mut some = KVec::new();
        for number in 0..10_u32 {
            some.append(number)?;
        }
        some.keep_only(|number| *number % 3 == 0);
        assert_eq!(some.as_slice(), [0, 3, 6, 9]);
        assert_eq!(position(&some, |number| *number == 6), Some(2));
        assert_eq!(position(&some, |number| *number == 7), None);
        assert!(some.make_room(usize::MAX).is_err());
        let mut large = room(70_000)?;
        fill_up(&mut large, 70_000, 1_u8);
        assert_eq!(large.len(), 70_000);
        assert!(large.iter().all(|byte| *byte == 1));
        // There is no room for more.
        fill_up(&mut large, usize::MAX, 2_u8);
        assert_eq!(large.len(), large.capacity());
        assert!(room::<u64>(usize::MAX).is_err());
        Ok(())
    }

    #[test]
    fn locks_exclude_themselves() -> Result {
        let lock: Pin<KBox<SpinLockBh<u32>>> =
            KBox::pin_init(new_spinlock_bh!(1, "knet_kunit_lock"), GFP_KERNEL)?;
        let mut held = lock.lock();
        *held = 2;
        assert!(lock.try_lock().is_none());
        drop(held);
        assert!(lock.try_lock().is_some_and(|held| *held == 2));
        Ok(())
    }

    #[test]
    fn time_wraps() {
        let late = Jiffies::from_ticks(usize::MAX);
        assert_eq!(late.after(2).since(late), 2);
        assert_eq!(late.since(late.after(2)), -2);
    }

    /// A state of each namespace; `FAILS` keeps it from being made.
    struct Local(Handle);

    static FAILS: AtomicUsize = AtomicUsize::new(0);
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    static LOCAL: PerNetId<Local> = PerNetId::new();

    impl PerNet for Local {
        fn id() -> &'static PerNetId<Self> {
            &LOCAL
        }

        fn create(_: &Net, handle: Handle) -> Result<Arc<Self>> {
            if FAILS.load(Relaxed) != 0 {
                return Err(ENODEV);
            }
            ALIVE.fetch_add(1, Relaxed);
            Arc::new(Self(handle), GFP_KERNEL)
        }

        fn handle(&self) -> &Handle {
            &self.0
        }

        fn close(state: &Arc<Self>, _: &Net) {
            // From now on nobody finds the namespace through its state.
            assert!(state.0.get(&rcu::read_lock()).is_none());
        }

        fn destroy(_: Arc<Self>, _: &Net) {
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
}

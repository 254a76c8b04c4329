// SPDX-License-Identifier: GPL-2.0

//! What is counted, listed and locked.

use kernel::prelude::*;

#[kunit_tests(knet_values)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::{
        cpu_list::CpuList,
        deferred::Deferred,
        hmac::Key,
        kunit::{probe, Probe},
        list::{List, Shrinking},
        new_spinlock_bh,
        percpu::{CounterPool, Counters, CpusReadLock},
        random,
        rcu::{self, Arc},
        spinlock::SpinLockBh,
        vec::{fill_up, position, room, VecExt},
    };

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
    fn codes_are_those_of_rfc_4231() -> Result {
        // Test cases 2 and 6: a short key, and one that is longer than a block.
        let cases: [(&[u8], &[u8], [u8; 4]); 2] = [
            (
                b"Jefe",
                b"what do ya want for nothing?",
                [0x5b, 0xdc, 0xc1, 0x46],
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                [0x60, 0xe4, 0x31, 0x59],
            ),
        ];
        for (secret, text, start) in cases {
            let key = Key::new(secret)?;
            let code = key.code(&[text]);
            assert_eq!(code.first_chunk(), Some(&start));
            let (one, other) = text.split_at(7);
            assert_eq!(key.code(&[one, &[], other]), code);
        }
        Ok(())
    }

    #[test]
    fn pooled_counters_are_apart_and_outlive_their_pool() -> Result {
        // Blocks of 1, 2, 4, 8, 16, 32 and 32, the last of which is not used up.
        const COUNT: usize = 70;
        let mut pool = CounterPool::<3>::default();
        let mut all = room(COUNT)?;
        for number in 0..COUNT {
            let counters = pool.take()?;
            assert_eq!(counters.sums(), [0; 3]);
            let number = number as u64;
            counters.add::<0>(number);
            counters.add_pair::<1>(number + 1, number + 2);
            all.push_within_capacity(Some(counters))
                .map_err(|_| ENOMEM)?;
        }
        drop(pool);
        // From the first to the last, every other one; so each block loses some before it is freed.
        for (number, counters) in (0..COUNT).zip(&mut all) {
            if number % 2 == 0 {
                drop(counters.take());
            }
        }
        let mut other = CounterPool::<3>::default();
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

    /// What lists hold.
    type Element = (u32, Arc<Probe>);

    fn numbers(list: &List<Element>) -> impl Iterator<Item = u32> + '_ {
        list.iter().map(|(number, _)| *number)
    }

    #[test]
    fn lists_share_a_room_and_drop_each_element_once() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let element = |number| Ok::<Element, Error>((number, probe(&ENDS)?.0));
        let empty = List::new(4)?;
        let one = empty.with(element(1)?)?;
        let two = one.with(element(2)?)?;
        // The place before `one` is taken: this one gets a room of its own.
        let other = one.with(element(3)?)?;
        assert!(numbers(&empty).eq([]));
        assert!(numbers(&one).eq([1]));
        assert!(numbers(&two).eq([2, 1]));
        assert!(numbers(&other).eq([3, 1]));
        assert!(numbers(&two.with_other(1, &element(4)?)?).eq([2, 4]));
        assert!(numbers(&two.without(0)?).eq([1]));
        assert!(numbers(&two.without(2)?).eq([2, 1]));
        let mut many = two.share();
        for number in 5..25 {
            many = many.with(element(number)?)?;
        }
        assert!(numbers(&many).take(20).eq((5..25).rev()));
        assert!(numbers(&many).skip(20).eq([2, 1]));
        assert!(List::<Element>::new(usize::MAX).is_err());
        // The room that `one` keeps has four elements by now, which stay.
        drop((two, many, other));
        rcu::barrier(2);
        assert!(numbers(&one).eq([1]));
        assert_eq!(ENDS.load(Relaxed), before + 20);
        drop((one, empty));
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 24);
        Ok(())
    }

    #[test]
    fn lists_without_their_ends_stay_in_the_room() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        static LATER: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let element = |number| Ok::<Element, Error>((number, probe(&ENDS)?.0));
        let mut list = List::new(8)?;
        for number in 1..=4 {
            list = list.with(element(number)?)?;
        }
        let middle = list.without(0)?.without(2)?;
        assert!(numbers(&middle).eq([3, 2]));
        // The place before the first has an element of another list, that before the list has none.
        assert!(numbers(&middle.with(element(5)?)?).eq([5, 3, 2]));
        assert!(numbers(&list.without(3)?.with(element(6)?)?).eq([6, 4, 3, 2]));
        assert!(numbers(&list).eq([4, 3, 2, 1]));
        // The room has 1 to 4 and 6: the list of one element gets a room of its own.
        let last = middle.without(0)?;
        drop((list, middle));
        rcu::barrier(2);
        assert!(numbers(&last).eq([2]));
        assert_eq!(ENDS.load(Relaxed), before + 5);
        // A list without elements has no room, and gets one with the first.
        let none = last.without(0)?;
        assert!(numbers(&none).eq([]));
        assert!(numbers(&none.without(0)?.share()).eq([]));
        assert!(numbers(&none.with((7, probe(&LATER)?.0))?).eq([7]));
        drop((last, none));
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 6);
        Ok(())
    }

    #[test]
    fn shrinking_lists_lose_their_ends_under_their_readers() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let element = |number| Ok::<Element, Error>((number, probe(&ENDS)?.0));
        let mut list = List::new(16)?;
        for number in 1..=12 {
            list = list.with(element(number)?)?;
        }
        let numbers =
            |elements: &[Element]| elements.iter().map(|(number, _)| *number).sum::<u32>();
        let list = Shrinking::new(list)?;
        let (all, copy) = (list.load(), list.list());
        assert!(list.without(1).is_none());
        assert!(list.without(12).is_none());
        let first = list.without(0).ok_or(EINVAL)?;
        // It is seen when it is published, and not before.
        assert_eq!((numbers(list.slice(first)), list.load().len()), (66, 12));
        list.shrink(first);
        let last = list.without(10).ok_or(EINVAL)?;
        list.shrink(last);
        assert_eq!((numbers(list.load()), list.load().len()), (65, 10));
        assert_eq!((numbers(all), numbers(&copy)), (78, 78));
        // Lists that are made of it have what is left, and lie behind elements that it has lost.
        assert_eq!(numbers(&list.list()), 65);
        assert_eq!(numbers(&list.list().with(element(100)?)?), 165);
        assert_eq!(numbers(&list.list().without(0)?), 54);
        // With more losses than elements, it is to be copied.
        for _ in 0..4 {
            list.shrink(list.without(0).ok_or(EINVAL)?);
        }
        assert_eq!((list.load().len(), list.without(0)), (6, None));
        drop((list, copy));
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 13);
        // Of a few elements, all may be lost.
        let few = Shrinking::new(List::of(4, 0..4_u32)?)?;
        for left in (0..4).rev() {
            few.shrink(few.without(0).ok_or(EINVAL)?);
            assert_eq!((few.load().len(), few.list().len()), (left, left));
        }
        assert_eq!(few.without(0), None);
        assert_eq!(*few.list().with(7)?, [7]);
        Ok(())
    }

    #[test]
    fn deferred_is_completed_once() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let value = Deferred::new((1_u32, Probe(&ENDS)))?;
        assert_eq!(value.get(|value| value.0 = 2).0, 2);
        assert_eq!(value.get(|value| value.0 = 3).0, 2);
        drop(value);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        // Nobody needed it, so nobody completed it.
        drop(Deferred::new(Probe(&ENDS))?);
        assert_eq!(ENDS.load(Relaxed), before + 2);
        Ok(())
    }

    #[test]
    fn cpu_lists_are_read_and_written() -> Result {
        let mut text = [0; 16];
        let first = CpuList::parse(c"0")?;
        let lock = CpusReadLock::take();
        let online = first.first_online(&lock);
        assert_eq!(online.map(|cpu| cpu.number()), Some(0));
        let length = first.print(&mut text);
        assert_eq!(text.get(..length), Some(&b"0"[..]));
        assert!(CpuList::parse(c"")?.is_empty());
        assert!(!CpuList::housekeeping()?.is_empty());
        assert_eq!(CpuList::parse(c"x").err(), Some(EINVAL));
        assert_eq!(CpuList::parse(c"3-1").err(), Some(EINVAL));
        assert_eq!(CpuList::parse(c"4000000").err(), Some(ERANGE));
        Ok(())
    }

    #[test]
    fn random_numbers_keep_their_limit() {
        assert_eq!(random::below(0), 0);
        assert_eq!(random::below(1), 0);
        assert!((0..1000).all(|_| random::below(10) < 10));
    }
}

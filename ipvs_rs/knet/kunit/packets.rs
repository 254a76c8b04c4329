// SPDX-License-Identifier: GPL-2.0

//! What packets are given.

use kernel::prelude::*;

#[kunit_tests(knet_packets)]
mod tests {
    use core::sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed},
    };
    use kernel::time::{delay::fsleep, Delta};

    use super::*;
    use crate::{kthread::Thread, net_namespace::Net, skbuff::Identifications};

    const ENDS: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 1]);
    const IPIP: u8 = 4;
    const GRE: u8 = 47;

    /// Which of the 65,536 numbers were given, and how often one was that had been before.
    struct Given {
        bits: [AtomicU64; 1024],
        twice: AtomicUsize,
    }

    impl Given {
        const fn none() -> Self {
            Self {
                bits: [const { AtomicU64::new(0) }; 1024],
                twice: AtomicUsize::new(0),
            }
        }

        /// Notes `count` numbers in a row.
        fn note(&self, first: u16, count: u16) {
            for index in 0..count {
                let number = first.wrapping_add(index);
                let bit = 1_u64.wrapping_shl(u32::from(number));
                let word = self.bits.get(usize::from(number >> 6));
                if word.is_none_or(|word| word.fetch_or(bit, Relaxed) & bit != 0) {
                    self.twice.fetch_add(1, Relaxed);
                }
            }
        }
    }

    fn next(from: &Identifications, protocol: u8, segments: u16) -> u16 {
        from.next(Net::init(), ENDS, protocol, segments)
    }

    // Far from 65,536 numbers, with those that are lost and those that the kernel leaves out as time passes.
    const ROUNDS: usize = 2000;

    #[test]
    fn identifications_differ_from_those_of_others() {
        static IPIPS: Given = Given::none();
        static GRES: Given = Given::none();
        let (one, other, mixed) = (
            Identifications::new(),
            Identifications::new(),
            Identifications::new(),
        );
        for round in 0..ROUNDS {
            IPIPS.note(next(&one, IPIP, 1), 1);
            IPIPS.note(next(&other, IPIP, 1), 1);
            // Segments of one packet have numbers in a row.
            if round % 7 == 0 {
                IPIPS.note(next(&one, IPIP, 3), 3);
            }
            // Both protocols come out of one store, which is for one of them at a time.
            if round % 9 == 0 {
                GRES.note(next(&mixed, GRE, 1), 1);
                GRES.note(next(&mixed, GRE, 1), 1);
                IPIPS.note(next(&mixed, IPIP, 1), 1);
            }
        }
        assert_eq!(IPIPS.twice.load(Relaxed), 0);
        assert_eq!(GRES.twice.load(Relaxed), 0);
    }

    #[test]
    fn identifications_that_are_taken_at_once_differ() -> Result {
        static ALL: Given = Given::none();
        static SHARED: Identifications = Identifications::new();
        static READY: AtomicUsize = AtomicUsize::new(0);
        const THREADS: usize = 3;
        fn take() {
            READY.fetch_add(1, AcqRel);
            // Nobody is far ahead of the others.
            while READY.load(Acquire) < THREADS {
                fsleep(Delta::from_micros(100));
            }
            for _ in 0..2 * ROUNDS {
                ALL.note(next(&SHARED, IPIP, 1), 1);
            }
            READY.fetch_add(1, AcqRel);
        }
        let threads = [
            Thread::start(fmt!("knet_kunit/0"), |_| take())?,
            Thread::start(fmt!("knet_kunit/1"), |_| take())?,
        ];
        take();
        while READY.load(Acquire) < 2 * THREADS {
            fsleep(Delta::from_millis(1));
        }
        drop(threads);
        assert_eq!(ALL.twice.load(Relaxed), 0);
        Ok(())
    }
}

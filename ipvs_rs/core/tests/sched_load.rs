// SPDX-License-Identifier: GPL-2.0

//! Schedulers that go by turns, weights and load.

#[path = "support/servers.rs"]
mod servers;

use ipvs_core::sched::rr::RoundRobin;
use ipvs_core::sched::wrr::WeightedRoundRobin;
use ipvs_core::sched::{fo, lc, nq, ovf, sed, twos, wlc, Change, Server};
use proptest::prelude::*;
use servers::{idle, loaded, overloaded, weights, Fake};

/// The letters of the servers that have the next turns.
fn turns(wrr: &WeightedRoundRobin, servers: &[Fake], count: usize) -> String {
    let letter = |index: usize| char::from(b'a' + index as u8);
    let turn = |_| wrr.pick(servers).map_or('-', letter);
    (0..count).map(turn).collect()
}

#[test]
fn wrr_goes_down_from_the_greatest_weight() {
    for (pool, expected) in [
        (vec![4, 3, 2], "aababcabcaababcabc"),
        (vec![1, 1, 1], "abcabc"),
        (vec![4, 2], "aabaab"),
        (vec![2, 4, 6], "cbcabccbcabc"),
        (vec![0, 3, 0, 1], "bbbdbbbd"),
        (vec![7], "aaa"),
        (vec![0, 0], "--"),
        (vec![], "--"),
    ] {
        let servers = weights(&pool);
        let wrr = WeightedRoundRobin::new(&servers, None);
        assert_eq!(turns(&wrr, &servers, expected.len()), expected, "{pool:?}");
    }
}

#[test]
fn wrr_passes_over_overloaded_servers() {
    let mut servers = weights(&[1_000_000_000, 3, 1]);
    let wrr = WeightedRoundRobin::new(&servers, None);
    assert_eq!(turns(&wrr, &servers, 2), "aa");
    servers[0].overloaded = true;
    assert_eq!(turns(&wrr, &servers, 8), "bbbcbbbc");
    servers[1].overloaded = true;
    servers[2].overloaded = true;
    assert_eq!(turns(&wrr, &servers, 2), "--");
    servers[2].overloaded = false;
    assert_eq!(turns(&wrr, &servers, 2), "cc");
}

#[test]
fn wrr_goes_on_near_its_level_when_servers_change() {
    let servers = weights(&[4, 3, 2]);
    let wrr = WeightedRoundRobin::new(&servers, None);
    assert_eq!(turns(&wrr, &servers, 4), "aaba");
    // Level 2, from the first server on.
    let wrr = WeightedRoundRobin::new(&servers, Some(&wrr));
    assert_eq!(turns(&wrr, &servers, 6), "abcabc");
    let smaller = weights(&[1, 1]);
    let wrr = WeightedRoundRobin::new(&smaller, Some(&WeightedRoundRobin::new(&servers, None)));
    assert_eq!(turns(&wrr, &smaller, 3), "aba");
    let none = WeightedRoundRobin::new(&weights(&[]), Some(&wrr));
    let wrr = WeightedRoundRobin::new(&servers, Some(&none));
    assert_eq!(turns(&wrr, &servers, 3), "aab");
}

#[test]
fn wrr_threads_share_the_turns_by_weight() {
    let servers = weights(&[3, 2, 1]);
    let wrr = WeightedRoundRobin::new(&servers, None);
    let mut counts = [0; 3];
    std::thread::scope(|scope| {
        let take = || turns(&wrr, &servers, 3000);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        for thread in threads {
            for letter in thread.join().unwrap().bytes() {
                counts[usize::from(letter - b'a')] += 1;
            }
        }
    });
    assert_eq!(counts, [6000, 4000, 2000]);
}

/// An algorithm that remembers nothing.
type Pick = fn(&[Fake]) -> Option<usize>;

fn wlc_narrow(servers: &[Fake]) -> Option<usize> {
    wlc::Comparison::of(servers, Change::Rebuilt, None).pick(servers)
}

#[test]
fn a_new_server_of_great_weight_is_compared_in_more_bits() {
    // The overhead of the first one, times the weight of the second one, is 2^64 and some more.
    let servers = [
        loaded(1, 0xFF00_0001, 0x00FF_FFFE),
        loaded(1 << 24, u32::MAX, 0),
    ];
    let before = wlc::Comparison::of(&servers[..1], Change::Rebuilt, None);
    assert_eq!(before.pick(&servers), Some(0), "in 64 bits");
    for change in [Change::Inserted(1), Change::Updated(1), Change::Rebuilt] {
        let after = wlc::Comparison::of(&servers, change, Some(&before));
        assert_eq!(after.pick(&servers), Some(1), "{change:?}");
        // A new one of little weight does not undo that.
        let three = [idle(0), servers[0], servers[1]];
        let after = wlc::Comparison::of(&three, Change::Inserted(0), Some(&after));
        assert_eq!(after.pick(&three), Some(2), "{change:?}");
    }
}

#[test]
fn load_is_compared_as_each_algorithm_says() {
    let cases: &[(Pick, &str, Vec<Fake>, Option<usize>)] = &[
        (
            lc::pick,
            "weights do not count",
            vec![loaded(9, 1, 0), loaded(1, 0, 9)],
            Some(1),
        ),
        (
            lc::pick,
            "the first of equals",
            vec![loaded(1, 2, 2), loaded(1, 2, 2)],
            Some(0),
        ),
        (
            lc::pick,
            "weight 0 never wins",
            vec![idle(0), loaded(1, 9, 9)],
            Some(1),
        ),
        (
            lc::pick,
            "overloaded never wins",
            vec![overloaded(1), loaded(1, 9, 9)],
            Some(1),
        ),
        (
            sed::pick,
            "the new one counts",
            vec![loaded(1, 0, 0), loaded(3, 1, 0)],
            Some(1),
        ),
        (
            sed::pick,
            "the first of equals",
            vec![loaded(1, 0, 0), loaded(2, 1, 0)],
            Some(0),
        ),
        (
            sed::pick,
            "inactive ones do not count",
            vec![loaded(2, 0, 9), loaded(1, 0, 0)],
            Some(0),
        ),
        (
            sed::pick,
            "the greatest numbers",
            vec![loaded(1, u32::MAX, 0), loaded(i32::MAX as u32, u32::MAX, 0)],
            Some(1),
        ),
        (
            nq::pick,
            "an idle one wins",
            vec![loaded(9, 1, 0), loaded(1, 0, 5)],
            Some(1),
        ),
        (
            nq::pick,
            "the first idle one wins",
            vec![idle(1), idle(9)],
            Some(0),
        ),
        (
            nq::pick,
            "idle, but not eligible",
            vec![idle(0), overloaded(3), loaded(1, 1, 0)],
            Some(2),
        ),
        (
            nq::pick,
            "none idle: as sed",
            vec![loaded(1, 1, 0), loaded(3, 2, 0)],
            Some(1),
        ),
        (
            fo::pick,
            "the greatest weight",
            vec![idle(1), idle(3), idle(3), idle(2)],
            Some(1),
        ),
        (
            fo::pick,
            "but not overloaded",
            vec![idle(1), overloaded(3)],
            Some(0),
        ),
        (
            ovf::pick,
            "as many as the weight",
            vec![loaded(3, 3, 0), idle(1)],
            Some(0),
        ),
        (
            ovf::pick,
            "more than the weight",
            vec![loaded(3, 4, 0), idle(1)],
            Some(1),
        ),
        (
            ovf::pick,
            "all have more",
            vec![loaded(3, 4, 0), loaded(1, 2, 0)],
            None,
        ),
        (
            ovf::pick,
            "inactive ones do not count",
            vec![loaded(1, 0, 99)],
            Some(0),
        ),
        (
            wlc_narrow,
            "an active one is 257",
            vec![loaded(1, 1, 0), loaded(1, 0, 256)],
            Some(1),
        ),
        (
            wlc_narrow,
            "the greatest numbers",
            vec![
                loaded((1 << 23) - 1, u32::MAX, 0),
                loaded((1 << 23) - 1, u32::MAX - 1, 0),
            ],
            Some(1),
        ),
        (
            wlc_narrow,
            "large weights",
            vec![loaded(1, u32::MAX, 0), loaded(i32::MAX as u32, u32::MAX, 0)],
            Some(1),
        ),
    ];
    for (pick, sentence, servers, expected) in cases {
        assert_eq!(pick(servers), *expected, "{sentence}: {servers:?}");
    }
    for pick in [
        lc::pick,
        sed::pick,
        nq::pick,
        fo::pick,
        ovf::pick,
        wlc::pick,
        wlc_narrow,
    ] {
        assert_eq!(pick(&[]), None);
        assert_eq!(pick(&[idle(0), overloaded(1)]), None);
    }
}

/// Which of two servers `twos` picks for two draws, as shares of the sum of weights.
fn two(servers: &[Fake], [one, other]: [f64; 2]) -> Option<usize> {
    let sum: u64 = servers
        .iter()
        .map(|server| u64::from(server.effective_weight()))
        .sum();
    let numbers = sum as f64 + 1.0;
    // A small sum takes both from one random number: the second draw is what the first leaves of it.
    let first = match sum < 1 << 20 {
        true => ((one * numbers).floor() + other) / numbers,
        false => one,
    };
    let mut draws = [first, other].into_iter();
    // CAST: A share of all numbers.
    twos::pick(servers, || (draws.next().unwrap() * u64::MAX as f64) as u64)
}

#[test]
fn twos_takes_the_less_busy_of_two() {
    let servers = [
        loaded(1, 5, 0),
        loaded(2, 1, 0),
        idle(0),
        overloaded(9),
        loaded(1, 1, 0),
    ];
    for (draws, expected) in [
        ([0.0, 0.0], 0),
        // The sum is 4, so that there are five numbers: 0 and 1 are the first server's.
        ([0.39, 0.39], 0),
        ([0.41, 0.41], 1),
        ([0.0, 0.5], 1),
        ([0.5, 0.0], 1),
        ([0.99, 0.5], 1),
        ([0.99, 0.0], 4),
    ] {
        assert_eq!(two(&servers, draws), Some(expected), "{draws:?}");
    }
    assert_eq!(two(&[idle(0), overloaded(1)], [0.5, 0.5]), None);
    assert_eq!(two(&[], [0.5, 0.5]), None);
    let most = i32::MAX as u32;
    let huge = [loaded(most, u32::MAX, 0), loaded(most, u32::MAX - 1, 0)];
    assert_eq!(two(&huge, [0.0, 0.99]), Some(1));
}

/// How often each server is picked in 100,000 connections that stay.
fn shares(servers: &mut [Fake], mut pick: impl FnMut(&[Fake]) -> Option<usize>) -> Vec<u32> {
    let mut counts = vec![0; servers.len()];
    for _ in 0..100_000 {
        let picked = pick(servers).unwrap();
        servers[picked].active += 1;
        servers[picked].total += 1;
        counts[picked] += 1;
    }
    counts
}

#[test]
fn connections_are_shared_evenly_by_algorithms_without_weights() {
    let pool = weights(&[5, 0, 1, 3, 1]);
    let rr = RoundRobin::new();
    for (name, counts) in [
        ("rr", shares(&mut pool.clone(), |servers| rr.pick(servers))),
        ("lc", shares(&mut pool.clone(), lc::pick)),
    ] {
        assert_eq!(counts, [25_000, 0, 25_000, 25_000, 25_000], "{name}");
    }
}

#[test]
fn connections_are_shared_by_weight_within_one_percent() {
    let pool = weights(&[5, 0, 1, 3, 1]);
    let wrr = WeightedRoundRobin::new(&pool, None);
    let mut state = 1_u64;
    let mut random = || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (name, counts) in [
        (
            "wrr",
            shares(&mut pool.clone(), |servers| wrr.pick(servers)),
        ),
        ("wlc", shares(&mut pool.clone(), wlc_narrow)),
        ("sed", shares(&mut pool.clone(), sed::pick)),
        ("nq", shares(&mut pool.clone(), nq::pick)),
        (
            "twos",
            shares(&mut pool.clone(), |servers| {
                twos::pick(servers, &mut random)
            }),
        ),
    ] {
        for (server, count) in pool.iter().zip(counts) {
            let wanted = server.weight * 10_000;
            assert!(
                count.abs_diff(wanted) <= wanted / 100,
                "{name}: {count}, not {wanted}"
            );
        }
    }
}

/// Weighted round robin by the letter: level by level, server by server, one at a time.
struct Plain {
    servers: Vec<Fake>,
    level: u32,
    next: usize,
}

impl Plain {
    fn new(servers: &[Fake]) -> Self {
        let level = Self::top(servers);
        Self {
            servers: servers.to_vec(),
            level,
            next: 0,
        }
    }

    fn step(servers: &[Fake]) -> u32 {
        let divides = |by: &u32| servers.iter().all(|server| server.weight % by == 0);
        let most = servers
            .iter()
            .map(|server| server.weight)
            .max()
            .unwrap_or(0);
        (1..=most.max(1)).rev().find(divides).unwrap()
    }

    fn top(servers: &[Fake]) -> u32 {
        let most = servers
            .iter()
            .map(|server| server.weight)
            .max()
            .unwrap_or(0);
        (most + 1).saturating_sub(Self::step(servers))
    }

    fn pick(&mut self) -> Option<usize> {
        if !self.servers.iter().any(Server::is_eligible) {
            return None;
        }
        loop {
            if self.next == self.servers.len() {
                let below = self.level.saturating_sub(Self::step(&self.servers));
                self.level = if below == 0 {
                    Self::top(&self.servers)
                } else {
                    below
                };
                self.next = 0;
            }
            let index = self.next;
            self.next += 1;
            let server = &self.servers[index];
            if !server.overloaded && server.weight >= self.level {
                return Some(index);
            }
        }
    }
}

fn pools() -> impl Strategy<Value = Vec<Fake>> {
    let server = (0u32..13, 0u32..8, 0u32..5, 0u32..600);
    proptest::collection::vec(server, 0..8).prop_map(|servers| {
        let fake = |(weight, overloaded, active, inactive)| Fake {
            overloaded: overloaded == 0,
            ..loaded(weight, active, inactive)
        };
        servers.into_iter().map(fake).collect()
    })
}

proptest! {
    #[test]
    fn wrr_goes_level_by_level(pool in pools(), factor in 1u32..4) {
        let scale = |server: &Fake| Fake { weight: server.weight * factor, ..*server };
        let pool: Vec<Fake> = pool.iter().map(scale).collect();
        let (wrr, mut plain) = (WeightedRoundRobin::new(&pool, None), Plain::new(&pool));
        for _ in 0..100 {
            prop_assert_eq!(wrr.pick(&pool), plain.pick());
        }
    }

    #[test]
    fn wrr_ends_soon_with_any_weights(weights in proptest::collection::vec(any::<i32>(), 1..5), overloaded in any::<u8>()) {
        let fake = |(index, weight): (usize, &i32)| Fake {
            overloaded: (overloaded >> index) & 1 != 0,
            ..idle(weight.unsigned_abs() >> 1)
        };
        let pool: Vec<Fake> = weights.iter().enumerate().map(fake).collect();
        let wrr = WeightedRoundRobin::new(&pool, None);
        for _ in 0..20 {
            let eligible = pool.iter().any(Server::is_eligible);
            prop_assert_eq!(wrr.pick(&pool).is_some(), eligible);
        }
    }

    #[test]
    fn only_eligible_servers_are_picked(pool in pools(), random in any::<[u64; 2]>()) {
        let wrr = WeightedRoundRobin::new(&pool, None);
        let mut draws = random.into_iter();
        let eligible = pool.iter().any(Server::is_eligible);
        let picks = [wrr.pick(&pool), lc::pick(&pool), sed::pick(&pool), nq::pick(&pool), fo::pick(&pool),
            wlc_narrow(&pool), wlc::pick(&pool), twos::pick(&pool, || draws.next().unwrap())];
        for pick in picks {
            prop_assert_eq!(pick.is_some(), eligible);
            prop_assert!(pick.is_none_or(|index| pool[index].is_eligible()));
        }
        prop_assert!(ovf::pick(&pool).is_none_or(|index| pool[index].is_eligible()));
        prop_assert_eq!(wlc_narrow(&pool), wlc::pick(&pool));
    }
}

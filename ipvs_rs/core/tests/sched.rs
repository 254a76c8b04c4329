// SPDX-License-Identifier: GPL-2.0

//! Which server gets the next connection.

#[path = "support/servers.rs"]
mod servers;

use ipvs_core::sched::rr::RoundRobin;
use ipvs_core::sched::{wlc, Change, Server};
use proptest::prelude::*;
use servers::{idle, loaded, Fake};
use std::collections::HashMap;

/// A server that is known by its port.
fn named(name: char) -> Fake {
    Fake {
        port: u16::try_from(u32::from(name)).unwrap(),
        ..idle(1)
    }
}

fn name(server: &Fake) -> char {
    char::from_u32(server.port.into()).unwrap()
}

fn servers(names: &str) -> Vec<Fake> {
    names.chars().map(named).collect()
}

/// Servers with this weight and these numbers of active and inactive connections.
fn pool(servers: &[(u32, u32, u32)]) -> Vec<Fake> {
    let fake = |&(weight, active, inactive)| loaded(weight, active, inactive);
    servers.iter().map(fake).collect()
}

fn turns(rr: &RoundRobin, servers: &[Fake], count: usize) -> String {
    let turn = |_| rr.pick(servers).map_or('-', |index| name(&servers[index]));
    (0..count).map(turn).collect()
}

#[test]
fn servers_take_turns_from_the_first() {
    for (names, expected) in [("abc", "abcabcab"), ("a", "aaaaaaaa"), ("", "--------")] {
        assert_eq!(turns(&RoundRobin::new(), &servers(names), 8), expected);
    }
}

#[test]
fn weights_do_not_count_except_zero() {
    let mut pool = servers("abcd");
    pool[0].weight = 100;
    pool[1].weight = 0;
    pool[2].overloaded = true;
    assert_eq!(turns(&RoundRobin::new(), &pool, 5), "adada");
    pool[0].overloaded = true;
    pool[3].weight = 0;
    assert_eq!(turns(&RoundRobin::new(), &pool, 3), "---");
}

#[test]
fn turns_go_on_when_servers_change() {
    for (sentence, taken, change, after, expected) in [
        (
            "nobody had a turn, a new one is first",
            0,
            Change::Inserted(0),
            "nabc",
            "nabc",
        ),
        (
            "a had one, the new one waits",
            1,
            Change::Inserted(0),
            "nabc",
            "bcna",
        ),
        (
            "c had one, then comes the new one",
            3,
            Change::Inserted(0),
            "nabc",
            "nabc",
        ),
        ("a had one and is gone", 1, Change::Removed(0), "bc", "bcb"),
        ("b had one and is gone", 2, Change::Removed(1), "ac", "cac"),
        ("c had one and is gone", 3, Change::Removed(2), "ab", "aba"),
        ("b had one, a is gone", 2, Change::Removed(0), "bc", "cbc"),
        ("a had one, b is gone", 1, Change::Removed(1), "ac", "cac"),
        (
            "settings change nothing",
            2,
            Change::Updated(0),
            "abc",
            "cab",
        ),
        (
            "another scheduler had the turns",
            2,
            Change::Rebuilt,
            "abc",
            "abc",
        ),
        ("the last one is gone", 3, Change::Removed(0), "", "-"),
    ] {
        let rr = RoundRobin::new();
        turns(&rr, &servers("abc"), taken);
        let rr = rr.after(change);
        assert_eq!(
            turns(&rr, &servers(after), expected.len()),
            expected,
            "{sentence}"
        );
    }
}

#[test]
fn threads_share_the_turns_evenly() {
    let rr = RoundRobin::new();
    let pool = servers("abcd");
    let mut counts = HashMap::new();
    std::thread::scope(|scope| {
        let take = || turns(&rr, &pool, 2000);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        for thread in threads {
            for name in thread.join().unwrap().chars() {
                *counts.entry(name).or_insert(0) += 1;
            }
        }
    });
    for name in "abcd".chars() {
        assert_eq!(counts[&name], 2000);
    }
}

#[test]
fn the_least_overhead_for_its_weight_wins() {
    for (sentence, servers, expected) in [
        ("no server", vec![], None),
        ("only weight 0", vec![(0, 0, 0)], None),
        ("the first of equals", vec![(1, 5, 0), (1, 5, 0)], Some(0)),
        (
            "idle servers: the first, whatever the weights",
            vec![(1, 0, 0), (9, 0, 0)],
            Some(0),
        ),
        ("fewer connections", vec![(1, 2, 0), (1, 1, 0)], Some(1)),
        ("more weight", vec![(1, 1, 0), (2, 1, 0)], Some(1)),
        (
            "256 inactive ones are less than an active one",
            vec![(1, 1, 0), (1, 0, 256)],
            Some(1),
        ),
        (
            "257 inactive ones weigh as much",
            vec![(1, 1, 0), (1, 0, 257)],
            Some(0),
        ),
        (
            "258 inactive ones are more",
            vec![(1, 0, 258), (1, 1, 0)],
            Some(1),
        ),
        (
            "weight 0 never wins",
            vec![(0, 0, 0), (1, 1000, 0)],
            Some(1),
        ),
        (
            "the greatest numbers",
            vec![
                (1, u32::MAX, 0),
                (i32::MAX as u32, u32::MAX, 0),
                (i32::MAX as u32, u32::MAX - 1, 1),
            ],
            Some(2),
        ),
    ] {
        assert_eq!(wlc::pick(&pool(&servers)), expected, "{sentence}");
    }
    let mut pool = pool(&[(1, 0, 0), (1, 9, 0)]);
    pool[0].overloaded = true;
    assert_eq!(wlc::pick(&pool), Some(1), "overloaded servers never win");
}

fn pools() -> impl Strategy<Value = Vec<Fake>> {
    let server = (0u32..4, any::<bool>(), 0u32..5, 0u32..600);
    proptest::collection::vec(server, 0..8).prop_map(|servers| {
        let fake = |(weight, overloaded, active, inactive)| Fake {
            overloaded,
            ..loaded(weight, active, inactive)
        };
        servers.into_iter().map(fake).collect()
    })
}

proptest! {
    #[test]
    fn every_eligible_server_has_one_turn_in_a_round(pool in pools(), taken in 0usize..20) {
        let rr = RoundRobin::new();
        turns(&rr, &pool, taken);
        let eligible: Vec<_> = (0..pool.len()).filter(|&i| pool[i].is_eligible()).collect();
        let mut round: Vec<_> = eligible.iter().map_while(|_| rr.pick(&pool)).collect();
        round.sort_unstable();
        prop_assert_eq!(round, eligible);
    }

    #[test]
    fn an_edit_costs_nobody_a_turn(size in 1usize..8, taken in 0usize..20, at in 0usize..8, insert in any::<bool>()) {
        let names: Vec<char> = ('a'..='z').take(size).collect();
        let pool: Vec<_> = names.iter().copied().map(named).collect();
        let rr = RoundRobin::new();
        turns(&rr, &pool, taken);
        let unchanged = turns(&rr.after(Change::Updated(0)), &pool, size);
        let (mut edited, at) = (pool, at % size);
        let change = if insert {
            edited.insert(at, named('N'));
            Change::Inserted(at)
        } else {
            edited.remove(at);
            Change::Removed(at)
        };
        let after = turns(&rr.after(change), &edited, edited.len());
        if rr.fits(change) {
            prop_assert_eq!(&turns(&rr, &edited, edited.len()), &after);
        }
        let stays = |name: &char| insert || *name != names[at];
        let expected: String = unchanged.chars().filter(stays).collect();
        prop_assert_eq!(after.replace('N', ""), expected);
    }

    #[test]
    fn no_other_server_has_less_overhead_for_its_weight(pool in pools()) {
        let cost = |server: &Fake| f64::from(server.active * 256 + server.total) / f64::from(server.weight);
        let eligible = || pool.iter().filter(|server| server.is_eligible());
        match wlc::pick(&pool) {
            None => prop_assert_eq!(eligible().count(), 0),
            Some(index) => {
                prop_assert!(pool[index].is_eligible());
                let least = eligible().map(cost).fold(f64::INFINITY, f64::min);
                prop_assert_eq!(cost(&pool[index]), least);
            }
        }
    }
}

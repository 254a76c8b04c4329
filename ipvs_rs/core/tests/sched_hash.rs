// SPDX-License-Identifier: GPL-2.0

//! Schedulers that go by addresses.

#[path = "support/servers.rs"]
mod servers;

use ipvs_core::addr::{Addr, Family};
use ipvs_core::flow::Flow;
use ipvs_core::hash::{siphash_u32, HashKey};
use ipvs_core::sched::hashing::{folded, multiplicative, Slot, SLOTS};
use ipvs_core::sched::mh::{Claimant, Preference, Size};
use ipvs_core::sched::{dh, lblc, lblcr, locality, mh, sh, Arrival, Server};
use ipvs_core::uapi::service_flags::{SCHED1 as FALLBACK, SCHED2 as PORTS};
use proptest::prelude::*;
use servers::{arrival, at, flow, idle, loaded, overloaded, weights, Fake};

const VIP: [u8; 4] = [207, 175, 44, 110];

fn v6(text: &str) -> Addr {
    Addr::from_v6(text.parse::<std::net::Ipv6Addr>().unwrap().octets())
}

fn filled<S: Server>(fill: impl Fn(&mut [Slot], &[S]), servers: &[S]) -> Vec<Slot> {
    let mut slots = vec![Slot::EMPTY; SLOTS];
    fill(&mut slots, servers);
    slots
}

/// The letters of the servers in the slots.
fn letters(slots: &[Slot]) -> String {
    let letter = |slot: &Slot| {
        slot.index()
            .map_or('-', |index| char::from(b'a' + index as u8))
    };
    slots.iter().map(letter).collect()
}

#[test]
fn gives_the_vectors_of_the_multiplicative_hash() {
    for (client, port, flags, slot) in [
        ([10, 0, 0, 2], 40000, 0, 137),
        ([10, 0, 0, 2], 40000, PORTS, 45),
        ([192, 0, 2, 1], 40000, 0, 50),
    ] {
        assert_eq!(sh::slot(&arrival(&flow(client, port, VIP), flags)), slot);
    }
    assert_eq!(dh::slot(&arrival(&flow([10, 0, 0, 2], 40000, VIP), 0)), 174);
    assert_eq!(multiplicative(u32::from_be_bytes(VIP), 10), 699);
}

#[test]
fn an_icmp_error_counts_for_the_client_it_is_about() {
    let there = flow([10, 0, 0, 2], 40000, VIP);
    let back = Flow {
        src: there.dst,
        dst: there.src,
        sport: there.dport,
        dport: there.sport,
        ..there
    };
    for flags in [0, PORTS] {
        let inverse = Arrival {
            is_inverse: true,
            ..arrival(&back, flags)
        };
        assert_eq!(sh::slot(&inverse), sh::slot(&arrival(&there, flags)));
        // Not so for dh, which takes the packet as it is.
        assert_eq!(dh::slot(&inverse), dh::slot(&arrival(&back, flags)));
    }
}

#[test]
fn folds_ipv6_addresses() {
    assert_eq!(folded(Family::V6, v6("2001:db8::1")), 0x2001_0DB9);
    assert_eq!(folded(Family::V6, v6("1:2:4:8:10:20:40:80")), 0x0055_00AA);
    assert_eq!(
        folded(Family::V4, Addr::from_v4([10, 0, 0, 2])),
        0x0A00_0002
    );
}

#[test]
fn slots_are_dealt_out_in_turn() {
    let shared = letters(&filled(sh::fill, &weights(&[2, 0, 1])));
    assert_eq!(shared, "aabc".repeat(64));
    let dealt = letters(&filled(dh::fill, &weights(&[2, 0, 1])));
    assert_eq!(dealt, "abc".repeat(86)[..256]);
    assert_eq!(
        letters(&filled(sh::fill, &weights(&[i32::MAX as u32, 1]))),
        "a".repeat(256)
    );
    for slots in [filled::<Fake>(sh::fill, &[]), filled::<Fake>(dh::fill, &[])] {
        assert_eq!(letters(&slots), "-".repeat(256));
    }
}

#[test]
fn a_server_that_is_not_eligible_stands_in_for_nobody() {
    for bad in [idle(0), overloaded(1)] {
        let servers = [idle(1), bad];
        let sh_slots = filled(sh::fill, &servers);
        let dh_slots = filled(dh::fill, &servers);
        let mut refused = 0;
        for host in 0..=255 {
            let flow = flow([10, 0, 0, host], 1, [10, 1, 0, host]);
            let plain = sh::pick(&sh_slots, &servers, &arrival(&flow, 0));
            let slot = sh_slots[sh::slot(&arrival(&flow, 0)) as usize];
            assert_eq!(plain, (slot.index() == Some(0)).then_some(0));
            refused += u32::from(plain.is_none());
            assert_eq!(
                sh::pick(&sh_slots, &servers, &arrival(&flow, FALLBACK)),
                Some(0)
            );
            let dealt = dh_slots[dh::slot(&arrival(&flow, 0)) as usize];
            let picked = dh::pick(&dh_slots, &servers, &arrival(&flow, FALLBACK));
            assert_eq!(picked, (dealt.index() == Some(0)).then_some(0));
        }
        assert!((64..192).contains(&refused));
    }
    let none = [idle(0), overloaded(1)];
    let flow = flow([10, 0, 0, 2], 1, VIP);
    let slots = filled(sh::fill, &none);
    assert_eq!(sh::pick(&slots, &none, &arrival(&flow, FALLBACK)), None);
    assert_eq!(
        sh::pick(&[Slot::EMPTY; SLOTS], &none, &arrival(&flow, FALLBACK)),
        None
    );
}

const DEBIAN: u32 = 12;

struct Maglev {
    size: Size,
    servers: Vec<Fake>,
    slots: Vec<Slot>,
}

impl Maglev {
    fn new(servers: Vec<Fake>, bits: u32) -> Self {
        let size = Size::new(bits).unwrap();
        let mut slots = vec![Slot::EMPTY; size.slots() as usize];
        let mut claimants = vec![Claimant::default(); servers.len()];
        mh::fill(&mut slots, size, &servers, &mut claimants);
        Self {
            size,
            servers,
            slots,
        }
    }

    fn pick(&self, flow: &Flow, flags: u32) -> Option<usize> {
        mh::pick(&self.slots, self.size, &self.servers, &arrival(flow, flags))
    }

    fn count(&self, server: usize) -> usize {
        let is_its = |slot: &&Slot| slot.index() == Some(server);
        self.slots.iter().filter(is_its).count()
    }
}

#[test]
fn mh_hashes_clients_as_the_c_module() {
    let key = HashKey::new([2_654_435_761; 2]);
    let hash = |addr: [u8; 4], port| {
        let client = u32::from_be_bytes(addr).wrapping_add(port);
        siphash_u32::<1, 3>(key, client) as u32
    };
    assert_eq!(hash([10, 0, 0, 2], 0), 0x41CF_DE13);
    assert_eq!(hash([10, 0, 0, 2], 40000), 0x7103_0C85);
    assert_eq!(hash([192, 0, 2, 1], 0), 0x9288_9C88);
}

#[test]
fn mh_gives_the_vectors_of_the_c_module() {
    let size = Size::new(DEBIAN).unwrap();
    assert_eq!(size.slots(), 4093);
    for (server, start, skip) in [
        (at([172, 16, 0, 2], 8080, 1), 3952, 355),
        (at([172, 16, 0, 3], 8080, 1), 2057, 3747),
        (at([172, 16, 0, 4], 80, 1), 1628, 3830),
    ] {
        assert_eq!(Preference::of(&server, size), Preference { start, skip });
    }
    let table = Maglev::new(
        vec![
            at([172, 16, 0, 4], 80, 2),
            at([172, 16, 0, 3], 80, 1),
            at([172, 16, 0, 2], 80, 1),
        ],
        DEBIAN,
    );
    assert_eq!(
        [0, 1, 2].map(|server| table.count(server)),
        [2047, 1023, 1023]
    );
    assert_eq!(letters(&table.slots[..12]), "baaaaaaaaaab");
    for (client, server) in [
        ([10, 0, 0, 2], 2),
        ([10, 0, 0, 3], 0),
        ([192, 0, 2, 1], 2),
        ([198, 51, 100, 7], 1),
    ] {
        assert_eq!(
            table.pick(&flow(client, 1, VIP), 0),
            Some(server),
            "{client:?}"
        );
    }
}

#[test]
fn mh_finds_the_slots_of_the_c_module() {
    let size = Size::new(DEBIAN).unwrap();
    // A table that tells its own slots.
    let slots: Vec<_> = (0..4093).map(Slot::of).collect();
    let servers = weights(&[1; 4093]);
    let client = flow([10, 0, 0, 2], 40000, VIP);
    let slot = |flow: &Flow, flags| mh::pick(&slots, size, &servers, &arrival(flow, flags));
    assert_eq!(slot(&client, 0), Some(1884));
    assert_eq!(slot(&client, PORTS), Some(273));
    assert_eq!(slot(&flow([192, 0, 2, 1], 1, VIP), 0), Some(2891));
    let six = Flow {
        family: Family::V6,
        src: v6("2001:db8::1"),
        dst: v6("2001:db8::2"),
        ..client
    };
    assert_eq!(slot(&six, 0), Some(3457));
}

#[test]
fn mh_has_the_sizes_of_the_c_module() {
    assert!(Size::new(7).is_none() && Size::new(18).is_none());
    for bits in 8..=17 {
        let slots = Size::new(bits).unwrap().slots();
        assert!(slots < 1 << bits && slots > 1 << (bits - 1));
        assert!((2..slots)
            .take_while(|by| by * by <= slots)
            .all(|by| slots % by != 0));
    }
}

#[test]
fn mh_keeps_the_slots_of_a_quiesced_server() {
    let servers: Vec<_> = (1..=4).map(|host| at([172, 16, 0, host], 80, 3)).collect();
    let before = Maglev::new(servers.clone(), DEBIAN);
    let mut quiesced = servers.clone();
    quiesced[1].weight = 0;
    let after = Maglev::new(quiesced, DEBIAN);
    assert_eq!(before.slots, after.slots);
    for host in 0..=255 {
        let client = flow([10, 0, 0, host], 1, VIP);
        let expected = before.pick(&client, 0).filter(|&server| server != 1);
        assert_eq!(after.pick(&client, 0), expected);
        assert!(after
            .pick(&client, FALLBACK)
            .is_some_and(|server| server != 1));
    }
    let mut new = servers;
    (new[1].weight, new[1].last_weight) = (0, 0);
    assert_eq!(Maglev::new(new, DEBIAN).count(1), 0, "new with weight 0");
    let nothing = Maglev::new(weights(&[0, 0]), DEBIAN);
    assert_eq!(nothing.pick(&flow([10, 0, 0, 1], 1, VIP), FALLBACK), None);
}

#[test]
fn mh_shares_the_slots_by_weight_within_one_percent() {
    // With long rounds the last one is cut off unevenly: weights are shifted to keep them short.
    for pool in [vec![1; 10], vec![5, 3, 1, 1], vec![100, 200, 300]] {
        let server = |(host, &weight): (usize, &u32)| at([172, 16, 0, host as u8], 80, weight);
        let table = Maglev::new(pool.iter().enumerate().map(server).collect(), 17);
        let sum: u32 = pool.iter().sum();
        for (server, weight) in pool.iter().enumerate() {
            let wanted = f64::from(table.size.slots()) * f64::from(*weight) / f64::from(sum);
            let count = table.count(server) as f64;
            assert!(
                (count - wanted).abs() <= wanted / 100.0,
                "{count} of {wanted}"
            );
        }
    }
}

#[test]
fn mh_moves_few_clients_when_one_of_n_servers_leaves() {
    for n in [3, 10, 50] {
        let servers: Vec<_> = (1..=n).map(|host| at([172, 16, 0, host], 80, 1)).collect();
        let before = Maglev::new(servers.clone(), DEBIAN);
        let (mut moved, all) = (0, 4093 * usize::from(n));
        for gone in 0..usize::from(n) {
            let mut rest = servers.clone();
            rest.remove(gone);
            let after = Maglev::new(rest, DEBIAN);
            let now = |slot: &Slot| {
                let index = slot.index().unwrap();
                index + usize::from(index >= gone)
            };
            let pairs = before.slots.iter().zip(&after.slots);
            moved += pairs
                .filter(|(old, new)| old.index() != Some(now(new)))
                .count();
        }
        // At least its own share has to move. The rest is the price of an even table.
        let (share, least) = (moved as f64 / all as f64, 1.0 / f64::from(n));
        println!("one of {n} leaves: {share:.4} of the slots move, at least {least:.4}");
        assert!(
            share >= least - 0.001 && share < least + 0.05,
            "{n}: {share}"
        );
    }
}

#[test]
fn lblc_stays_until_the_server_has_too_much_to_do() {
    let busy = [loaded(2, 3, 0), loaded(8, 3, 0)];
    for (sentence, servers, last, expected) in [
        (
            "unknown: as wlc",
            vec![loaded(1, 1, 0), idle(1)],
            None,
            Some(lblc::Pick::Other(1)),
        ),
        (
            "known",
            vec![loaded(1, 1, 0), idle(1)],
            Some(0),
            Some(lblc::Pick::Same(0)),
        ),
        (
            "quiesced",
            vec![idle(0), idle(1)],
            Some(0),
            Some(lblc::Pick::Other(1)),
        ),
        (
            "busy, and another is half idle",
            busy.to_vec(),
            Some(0),
            Some(lblc::Pick::Other(1)),
        ),
        (
            "as many as its weight",
            vec![loaded(2, 2, 0), idle(9)],
            Some(0),
            Some(lblc::Pick::Same(0)),
        ),
        (
            "busy as all are",
            vec![loaded(2, 3, 0), loaded(8, 4, 0)],
            Some(0),
            Some(lblc::Pick::Same(0)),
        ),
        (
            "over its threshold",
            vec![overloaded(1), idle(1)],
            Some(0),
            Some(lblc::Pick::Same(0)),
        ),
        ("nobody", vec![idle(0), overloaded(1)], None, None),
    ] {
        assert_eq!(lblc::pick(&servers, last), expected, "{sentence}");
    }
}

#[test]
fn lblcr_adds_servers_when_all_of_the_set_have_too_much_to_do() {
    for (sentence, servers, set, expected) in [
        (
            "unknown: as wlc",
            vec![loaded(1, 1, 0), idle(1)],
            vec![],
            Some((1, true)),
        ),
        (
            "the least of the set",
            vec![loaded(1, 1, 0), loaded(2, 1, 0), idle(1)],
            vec![0, 1],
            Some((1, false)),
        ),
        (
            "the first of equals",
            vec![idle(1), idle(1)],
            vec![1, 0],
            Some((1, false)),
        ),
        (
            "too busy",
            vec![loaded(1, 2, 0), loaded(9, 1, 0)],
            vec![0],
            Some((1, true)),
        ),
        (
            "busy, as all are",
            vec![loaded(1, 2, 0), loaded(2, 1, 0)],
            vec![0],
            Some((0, false)),
        ),
        (
            "has as many as it may",
            vec![overloaded(9), loaded(1, 1, 0)],
            vec![0],
            Some((1, true)),
        ),
        (
            "quiesced and overloaded",
            vec![idle(0), overloaded(1), idle(1)],
            vec![0, 1],
            Some((2, true)),
        ),
        ("nobody", vec![idle(0)], vec![0], None),
    ] {
        if let [only] = *set {
            let stays = expected == Some((only, false));
            assert_eq!(lblcr::suffices(&servers, only), stays, "{sentence}");
        }
        let pick = lblcr::pick(&servers, set.into_iter());
        assert_eq!(
            pick.map(|pick| (pick.server, pick.adds)),
            expected,
            "{sentence}"
        );
    }
    let servers = [loaded(1, 1, 0), loaded(1, 3, 0), loaded(9, 9, 0), idle(0)];
    assert_eq!(lblcr::leaver(&servers, [0, 1, 2, 3].into_iter()), Some(1));
    assert_eq!(lblcr::leaver(&servers, [3].into_iter()), None);
}

#[test]
fn destinations_are_forgotten_when_idle() {
    let (few, many) = (locality::ENOUGH, locality::ENOUGH + 1);
    for (idle, expiration, count, expected) in [
        (86_399, 86_400, few, false),
        (86_400, 86_400, few, true),
        (359, 86_400, many, false),
        (360, 86_400, many, true),
        (1799, 1, few, false),
        (1800, 1, few, true),
    ] {
        assert_eq!(locality::is_forgotten(idle, expiration, count), expected);
    }
}

/// Maglev's table by the letter of the paper: the claims one by one, each a search from the start.
fn plain(servers: &[Fake], size: Size) -> Vec<Option<usize>> {
    let mut slots = vec![None; size.slots() as usize];
    let mut free = slots.len();
    while free > 0 {
        for (index, server) in servers.iter().enumerate() {
            let preference = Preference::of(server, size);
            let wanted = (0..u64::from(size.slots())).map(|step| {
                let slot = u64::from(preference.start) + step * u64::from(preference.skip);
                (slot % u64::from(size.slots())) as usize
            });
            let first = wanted.into_iter().find(|&slot| slots[slot].is_none());
            if let Some(slot) = first {
                slots[slot] = Some(index);
                free -= 1;
            }
        }
    }
    slots
}

proptest! {
    #[test]
    fn mh_is_the_table_of_the_paper(hosts in proptest::collection::hash_set(any::<u32>(), 1..40)) {
        let server = |host: &u32| at(host.to_be_bytes(), 80, 1);
        let servers: Vec<_> = hosts.iter().map(server).collect();
        let table = Maglev::new(servers.clone(), 8);
        let slots: Vec<_> = table.slots.iter().map(|slot| slot.index()).collect();
        prop_assert_eq!(slots, plain(&servers, table.size));
    }

    #[test]
    fn with_fallback_any_eligible_server_is_found(pool in proptest::collection::vec(0u32..3, 1..20), client in any::<[u8; 4]>(), port: u16) {
        let server = |(host, &weight): (usize, &u32)| Fake { last_weight: 1, ..at([172, 16, 0, host as u8], 80, weight) };
        let servers: Vec<_> = pool.iter().enumerate().map(server).collect();
        let flow = flow(client, port, VIP);
        let slots = filled(sh::fill, &servers);
        let table = Maglev::new(servers.clone(), 8);
        let eligible = servers.iter().any(Server::is_eligible);
        for flags in [FALLBACK, FALLBACK | PORTS] {
            let picked = sh::pick(&slots, &servers, &arrival(&flow, flags));
            prop_assert_eq!(picked.is_some(), eligible);
            for picked in [picked, table.pick(&flow, flags)].into_iter().flatten() {
                prop_assert!(servers[picked].is_eligible());
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Plans from any table to any other: they lead there, none of their steps is for nothing, and
//! whatever the kernel refuses, the table is in the end what it was.

use std::collections::{BTreeMap, HashSet};

use ipvs_netlink::{
    Addr, DestKey, DestSettings, Errno, Failure, Family, Method, Name, Protocol, Request,
    ServiceKey, ServiceSettings, Tunnel,
};
use ipvsadm::error::Asked;
use ipvsadm::plan::{carry_out, difference, Model, Outcome};
use proptest::collection::hash_set;
use proptest::prelude::*;

/// Few of each, so that tables have much in common.
fn service() -> impl Strategy<Value = ServiceKey> {
    let address = |(last, port, udp)| ServiceKey::Address {
        family: Family::V4,
        protocol: if udp { Protocol::UDP } else { Protocol::TCP },
        addr: Addr::from_v4([10, 0, 0, last]),
        port,
    };
    prop_oneof![
        (1..3_u8, 80..82_u16, any::<bool>()).prop_map(address),
        (1..3_u32).prop_map(|mark| ServiceKey::from_mark(Family::V6, mark)),
    ]
}

fn service_settings() -> impl Strategy<Value = ServiceSettings> {
    (prop_oneof![Just("rr"), Just("wlc")], 0..2_u32).prop_map(|(scheduler, timeout)| {
        let mut settings = ServiceSettings::default();
        (settings.scheduler, settings.timeout) = (Name::new(scheduler.as_bytes()), timeout);
        settings
    })
}

fn dest() -> impl Strategy<Value = (u8, DestSettings)> {
    let method = prop_oneof![
        Just((Method::Nat, 0)),
        Just((Method::DirectRoute, 0)),
        Just((Method::Tunnel, 0)),
        Just((Method::Tunnel, 1)),
    ];
    (1..6_u8, method, 0..3_u32, 0..2_u32).prop_map(|(last, (method, kind), weight, upper)| {
        let tunnel = Tunnel {
            kind,
            port: u16::from(kind) * 6080,
            flags: 0,
        };
        let settings = DestSettings::new(method, weight)
            .with_thresholds(0, upper)
            .with_tunnel(tunnel);
        (last, settings)
    })
}

fn server(last: u8) -> DestKey {
    DestKey {
        family: Family::V4,
        addr: Addr::from_v4([10, 1, 0, last]),
        port: 80,
    }
}

/// What the kernel would say is not looked at.
fn apply(model: &mut Model, request: &Request) -> Result<(), String> {
    model.apply(request, Asked::Other)
}

fn table() -> impl Strategy<Value = Model> {
    let pool = proptest::collection::vec(dest(), 0..5);
    let services = proptest::collection::vec((service(), service_settings(), pool), 0..6);
    services.prop_map(|services| {
        let mut model = Model::default();
        for (key, settings, pool) in services {
            // Those that are there already are left.
            if apply(&mut model, &Request::AddService(key, settings)).is_ok() {
                for (last, settings) in pool {
                    let _ = apply(&mut model, &Request::AddDest(key, server(last), settings));
                }
            }
        }
        model
    })
}

/// The table without any order.
fn content(model: &Model) -> BTreeMap<String, String> {
    let lines = model.services().iter().flat_map(|(key, settings, pool)| {
        let servers = pool
            .iter()
            .map(move |(dest, settings)| (format!("{key:?} {dest:?}"), format!("{settings:?}")));
        std::iter::once((format!("{key:?}"), format!("{settings:?}"))).chain(servers)
    });
    lines.collect()
}

/// The service or the server that a request is about, as [`content`] has it.
fn thing(request: &Request) -> String {
    match request {
        Request::AddService(key, _) | Request::EditService(key, _) => format!("{key:?}"),
        Request::DeleteService(key) => format!("{key:?}"),
        Request::AddDest(key, dest, _) | Request::EditDest(key, dest, _) => {
            format!("{key:?} {dest:?}")
        }
        Request::DeleteDest(key, dest) => format!("{key:?} {dest:?}"),
        other => panic!("{other:?} in a plan"),
    }
}

/// A kernel that refuses some requests, counted from the first, and what makes no sense.
struct Kernel {
    table: Model,
    refused: HashSet<usize>,
    asked: usize,
    /// What was removed.
    gone: Vec<Request>,
}

impl Kernel {
    fn execute(&mut self, requests: &[Request]) -> Vec<Failure> {
        let mut failures = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            let refused = self.refused.contains(&self.asked);
            self.asked += 1;
            if refused || apply(&mut self.table, request).is_err() {
                let errno = Errno::ENOMEM;
                failures.push(Failure::new(index, errno));
            } else if matches!(request, Request::DeleteService(_) | Request::DeleteDest(..)) {
                self.gone.push(*request);
            }
        }
        failures
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_plan_leads_to_the_other_table_and_back(live in table(), wanted in table()) {
        let steps = difference(&live, &wanted);
        let mut now = live.clone();
        for step in &steps {
            prop_assert_eq!(apply(&mut now, &step.change), Ok(()));
        }
        prop_assert_eq!(content(&now), content(&wanted));
        prop_assert!(difference(&now, &wanted).is_empty());
        for request in steps.iter().rev().flat_map(|step| &step.undo) {
            prop_assert_eq!(apply(&mut now, request), Ok(()));
        }
        prop_assert_eq!(content(&now), content(&live));
    }

    #[test]
    fn no_step_is_for_nothing(live in table(), wanted in table()) {
        let steps = difference(&live, &wanted);
        for left_out in 0..steps.len() {
            let mut now = live.clone();
            for (index, step) in steps.iter().enumerate() {
                if index != left_out {
                    let _ = apply(&mut now, &step.change);
                }
            }
            prop_assert_ne!(content(&now), content(&wanted));
        }
        // Nothing is touched twice, and what is equal not at all.
        let touched: HashSet<String> = steps.iter().map(|step| thing(&step.change)).collect();
        prop_assert_eq!(touched.len(), steps.len());
    }

    #[test]
    fn what_is_refused_changes_nothing(
        live in table(),
        wanted in table(),
        refused in hash_set(0..20_usize, 0..4),
    ) {
        let steps = difference(&live, &wanted);
        let news = steps.iter().take_while(|step| !step.removes()).count();
        // An undoing that is refused is another matter.
        let refused: HashSet<usize> = refused.into_iter().filter(|at| *at < news).collect();
        let none = refused.is_empty();
        let mut kernel = Kernel { table: live.clone(), refused, asked: 0, gone: vec![] };
        let outcome = carry_out(&steps, |requests| Ok::<_, ()>(kernel.execute(requests))).unwrap();
        if none {
            prop_assert_eq!(outcome, Outcome::Done);
            prop_assert_eq!(content(&kernel.table), content(&wanted));
        } else {
            let told = matches!(outcome, Outcome::Refused { errno: Errno::ENOMEM, left: 0, .. });
            prop_assert!(told, "{:?}", outcome);
            prop_assert_eq!(content(&kernel.table), content(&live));
            // Old servers keep what they count, their connections too. A new one may go again.
            let old = |request: &Request| content(&live).contains_key(&thing(request));
            prop_assert!(!kernel.gone.iter().any(old));
        }
    }

    #[test]
    fn a_removal_that_is_refused_is_undone_too(live in table(), wanted in table(), at in any::<usize>()) {
        let steps = difference(&live, &wanted);
        let news = steps.iter().take_while(|step| !step.removes()).count();
        if let Some(place) = at.checked_rem(steps.len() - news) {
            let refused = HashSet::from([news + place]);
            let mut kernel = Kernel { table: live.clone(), refused, asked: 0, gone: vec![] };
            let outcome = carry_out(&steps, |requests| Ok::<_, ()>(kernel.execute(requests))).unwrap();
            let change = steps[news + place].change;
            prop_assert_eq!(outcome, Outcome::Refused { change, errno: Errno::ENOMEM, why: None, left: 0 });
            prop_assert_eq!(content(&kernel.table), content(&live));
        }
    }
}

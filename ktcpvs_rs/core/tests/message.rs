// SPDX-License-Identifier: GPL-2.0

//! What is written is read again, and no bytes are too strange.

use ipvs_core::{
    addr::{Addr, Family},
    config::reply::{AttributeSink, Full},
};
use ktcpvs_core::message::{
    Action, Endpoint, Error, Number, Part, Relay, RelayFilter, Rule, Server, Service,
};
use proptest::{collection::vec, option, prelude::*};

#[derive(Default)]
struct Bytes(Vec<u8>);

impl AttributeSink for Bytes {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        let len = (payload.len() + 4) as u16;
        self.0.extend(len.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        Ok(())
    }

    fn put_u64(&mut self, kind: u16, value: u64, _: u16) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    fn nest(&mut self, _: u16, _: impl FnOnce(&mut Self) -> Result<(), Full>) -> Result<(), Full> {
        unreachable!("there is no nest in these")
    }
}

fn addr() -> impl Strategy<Value = (Family, Addr)> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| (Family::V4, Addr::from_v4(octets))),
        any::<[u8; 16]>().prop_map(|octets| (Family::V6, Addr::from_v6(octets))),
    ]
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (addr(), 1_u16..).prop_map(|((family, addr), port)| Endpoint { family, addr, port })
}

fn written(write: impl FnOnce(&mut Bytes) -> Result<(), Full>) -> Vec<u8> {
    let mut out = Bytes::default();
    write(&mut out).unwrap();
    out.0
}

proptest! {
    #[test]
    fn a_service_is_read_as_it_was_written(
        name in "[A-Za-z0-9._-]{1,15}",
        scheduler in option::of("[a-z]{1,15}"),
        addr in option::of(addr()),
        numbers in any::<[Option<u16>; 5]>(),
        redirect in option::of((addr(), any::<u16>())),
        rest in any::<(Option<u16>, Option<u32>, Option<u64>)>(),
        trusted in option::of((any::<[u8; 4]>(), 0_u8..=32)),
    ) {
        let service = Service {
            name: name.as_bytes(),
            addr,
            port: rest.0,
            scheduler: scheduler.as_ref().map(|name| name.as_bytes()),
            numbers: numbers.map(|number| number.filter(|number| *number > 0)),
            redirect: redirect.map(|((family, addr), port)| (family, addr, port)),
            flags: rest.1,
            trusted: trusted.map(|(octets, bits)| (Family::V4, Addr::from_v4(octets), bits)),
            max_body: rest.2,
            servers: None,
            rules: None,
        };
        let bytes = written(|out| service.write(out));
        prop_assert_eq!(Service::read(&bytes), Ok(service));
    }

    #[test]
    fn servers_and_rules_are_read_as_they_were_written(
        at in endpoint(),
        weight in option::of(any::<u16>()),
        pattern in vec(1_u8.., 1..256),
        group in 0_u8..10,
    ) {
        let server = Server { at, weight };
        prop_assert_eq!(Server::read(&written(|out| server.write(out))), Ok(server));
        let rule = Rule { pattern: &pattern, group, server: at };
        let bytes = written(|out| rule.write(out));
        prop_assert_eq!(Rule::read(&bytes), Ok(rule));
    }

    #[test]
    fn relays_are_read_as_they_were_written(
        client in endpoint(),
        server in option::of(endpoint()),
        state in "[a-z]{0,15}",
        numbers in any::<(u32, u64, u64, u32)>(),
    ) {
        let (age, bytes_in, bytes_out, requests) = numbers;
        let state = state.as_bytes();
        let relay = Relay { client, server, state, age, bytes_in, bytes_out, requests };
        let bytes = written(|out| relay.write(out));
        prop_assert_eq!(Relay::read(&bytes), Ok(relay));
    }

    #[test]
    fn a_filter_means_what_it_says(
        client in endpoint(),
        server in option::of(endpoint()),
        other in endpoint(),
        said in any::<[bool; 4]>(),
    ) {
        let part = |at: &Endpoint, addr: bool, port: bool| Part {
            addr: addr.then_some((at.family, at.addr)),
            port: port.then_some(at.port),
        };
        let [a, b, c, d] = said;
        let filter = |near: &Endpoint, far: &Endpoint| RelayFilter {
            client: part(near, a, b),
            server: part(far, c, d),
        };
        let filter_of = filter(&client, &server.unwrap_or(other));
        let bytes = written(|out| filter_of.write(out));
        prop_assert_eq!(RelayFilter::read(&bytes), Ok(filter_of));
        prop_assert_eq!(filter_of.is_all(), said == [false; 4]);
        let is_met = server.is_some() || !(c || d);
        prop_assert_eq!(filter_of.matches(&client, server.as_ref()), is_met);
        let addr_differs = (client.family, client.addr) != (other.family, other.addr);
        if (a && addr_differs) || (b && client.port != other.port) {
            let other = filter(&other, &other);
            prop_assert!(!other.matches(&client, server.as_ref()));
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Service::read(&bytes);
        let _ = Server::read(&bytes);
        let _ = Rule::read(&bytes);
        let _ = Relay::read(&bytes);
        let _ = RelayFilter::read(&bytes);
    }
}

#[test]
fn what_nothing_is_like_is_refused() {
    let service = |kind, payload: &[u8]| {
        written(|out| {
            out.put(1, b"web\0")?;
            out.put(kind, payload)
        })
    };
    assert_eq!(
        Service::read(&[]),
        Err(Error::Missing("a service needs a name"))
    );
    for (kind, payload) in [
        (3, &[1, 2, 3][..]),
        (1, b"a/b\0"),
        (5, b"\0"),
        (7, &[0; 4]),
        (7, &0x1_0000_u32.to_ne_bytes()),
        (10, &[0; 4]),
        (13, &[0; 4]),
    ] {
        assert!(Service::read(&service(kind, payload)).is_err(), "{kind}");
    }
    let six = written(|out| {
        out.put_u16(1, 10)?;
        out.put(2, &[10, 0, 0, 1])?;
        out.put_be16(3, 80)
    });
    assert!(Server::read(&six).is_err());
    let mut service = Service::named(b"web");
    assert_eq!(service.number(Number::Idle), None);
    service.set_number(Number::Idle, 7);
    assert_eq!(service.number(Number::Idle), Some(7));
}

#[test]
fn actions_have_their_numbers() {
    for number in 0..=u8::MAX {
        let found = Action::of(number);
        assert_eq!(
            found.map(|it| it as u8),
            (1..=7).contains(&number).then_some(number)
        );
    }
}

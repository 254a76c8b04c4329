// SPDX-License-Identifier: GPL-2.0

//! What is stored with serde is loaded as the same, and keeps its form: files of users have it.

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::uapi::service_flags::ONE_PACKET;
use ipvs_netlink::{
    Authentication, Change, ConnectionFilter, DaemonRole, DaemonSettings, Dest, DestKey,
    DestSettings, Errno, Failure, Family, Master, MasterChange, Method, Name, Netmask, Protocol,
    Request, Service, ServiceKey, ServiceSettings, Side, Stats, SyncState, Timeouts, Tunnel,
};
use serde::de::DeserializeOwned;
use serde::Serialize;

/// Stores and loads, and returns what was stored.
fn text<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    text
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn keys_are_addresses_as_text() {
    let v6 = ServiceKey::tcp(at("[2001:db8::1]:443"));
    for (key, expected) in [
        (
            ServiceKey::udp(at("192.0.2.1:53")),
            r#"{"address":{"protocol":17,"addr":"192.0.2.1","port":53}}"#,
        ),
        (
            v6,
            r#"{"address":{"protocol":6,"addr":"2001:db8::1","port":443}}"#,
        ),
        (
            ServiceKey::from_mark(Family::V6, 7),
            r#"{"mark":{"family":"v6","mark":7}}"#,
        ),
    ] {
        assert_eq!(text(&key), expected);
    }
    let server = DestKey::from(at("10.0.0.2:8080"));
    assert_eq!(text(&server), r#"{"addr":"10.0.0.2","port":8080}"#);
    let side = Side::from(at("10.0.0.2:8080"));
    assert_eq!(text(&side), r#"{"addr":"10.0.0.2","port":8080}"#);
    assert_eq!(text(&Protocol::new(50)), "50");
}

#[test]
fn services_and_servers_come_back() {
    let settings = ServiceSettings::new(Family::V6)
        .with_scheduler(Name::new(b"sh"))
        .with_engine(Name::new(b"sip"))
        .with_flags(ONE_PACKET)
        .persistent(300);
    let stored = text(&settings);
    assert!(
        stored.starts_with(r#"{"scheduler":"sh","pe":"sip","flags":"#),
        "{stored}"
    );
    let none = settings.with_scheduler(None).with_engine(None);
    assert!(text(&none).starts_with(r#"{"scheduler":null,"pe":null,"#));
    let mut service = Service::new(ServiceKey::tcp(at("[::1]:80")), settings);
    service.stats.connections = u64::MAX;
    service.stats.rates.bytes_in = 5;
    text(&service);

    let tunnel = Tunnel {
        kind: 1,
        port: 6080,
        flags: 1,
    };
    for method in (0..8).map(Method::from_bits) {
        let settings = DestSettings::new(method, 3)
            .with_thresholds(1, 2)
            .with_tunnel(tunnel);
        let mut dest = Dest::new(DestKey::from(at("10.0.0.2:0")), settings);
        (dest.active, dest.persistent) = (1, 2);
        text(&dest);
    }
    let settings = DestSettings::new(Method::DirectRoute, 1);
    assert_eq!(
        text(&settings),
        r#"{"method":"direct_route","weight":1,"upper":0,"lower":0,"tunnel":{"kind":0,"port":0,"flags":0}}"#
    );
}

#[test]
fn a_netmask_is_stored_without_the_byte_order_of_the_host() {
    let v6 = |prefix: u32| Netmask(prefix.to_ne_bytes());
    for (netmask, expected) in [
        (v6(1), r#"{"prefix":1}"#),
        (v6(64), r#"{"prefix":64}"#),
        (
            ServiceSettings::single_clients(Family::V6),
            r#"{"prefix":128}"#,
        ),
        (Netmask([0; 4]), r#"{"mask":"0.0.0.0"}"#),
        (Netmask([255, 255, 255, 0]), r#"{"mask":"255.255.255.0"}"#),
        (Netmask([192, 0, 0, 0]), r#"{"mask":"192.0.0.0"}"#),
        (
            ServiceSettings::single_clients(Family::V4),
            r#"{"mask":"255.255.255.255"}"#,
        ),
    ] {
        let stored = text(&ServiceSettings::default().with_netmask(netmask));
        let expected = format!(r#""netmask":{expected}"#);
        assert!(stored.contains(&expected), "{stored}");
    }
    // One of IPv4 that could be a prefix, too.
    text(&ServiceSettings::default().with_netmask(Netmask([128, 0, 0, 0])));
}

#[test]
fn a_field_that_a_file_lacks_is_the_default() {
    fn load<T: DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }
    assert_eq!(load::<ServiceSettings>("{}"), ServiceSettings::default());
    let half = ServiceSettings::default().with_scheduler(Name::new(b"rr"));
    assert_eq!(
        load::<ServiceSettings>(r#"{"scheduler":"rr","later":1}"#),
        half
    );
    let heavy = DestSettings::new(Method::DirectRoute, 7);
    assert_eq!(load::<DestSettings>(r#"{"weight":7,"tunnel":{}}"#), heavy);
    assert_eq!(load::<SyncState>("{}"), SyncState::default());
    assert_eq!(load::<ConnectionFilter>("{}"), ConnectionFilter::default());
    let mut stats = Stats::default();
    stats.rates.bytes_in = 5;
    assert_eq!(load::<Stats>(r#"{"rates":{"bytes_in":5}}"#), stats);
    // No default says which server.
    assert!(serde_json::from_str::<Dest>("{}").is_err());
}

#[test]
fn requests_and_changes_come_back() {
    let (key, server) = (
        ServiceKey::tcp(at("192.0.2.1:80")),
        DestKey::from(at("10.0.0.2:80")),
    );
    let (service, dest) = (ServiceSettings::default(), DestSettings::default());
    let mut daemon = DaemonSettings::new(DaemonRole::Master, Name::new(b"eth0").unwrap(), 7);
    daemon.group = Some((Family::V4, IpAddr::from([224, 0, 0, 81]).into()));
    let timeouts = Timeouts {
        tcp_established: 1,
        tcp_fin_wait: 2,
        udp: 3,
    };
    for request in [
        Request::AddService(key, service),
        Request::EditService(key, service),
        Request::DeleteService(key),
        Request::AddDest(key, server, dest),
        Request::EditDest(key, server, dest),
        Request::DeleteDest(key, server),
        Request::StartDaemon(daemon),
        Request::StopDaemon(DaemonRole::Backup),
        Request::SetTimeouts(timeouts),
        Request::Zero(None),
        Request::Zero(Some(key)),
        Request::Flush,
    ] {
        text(&request);
        text(&Change::Made(request));
    }
    assert_eq!(text(&Request::Flush), r#""flush""#);
    assert_eq!(
        text(&Request::StopDaemon(DaemonRole::Backup)),
        r#"{"stop_daemon":"backup"}"#
    );
    let stored = text(&daemon);
    assert!(stored.contains(r#""interface":"eth0""#), "{stored}");
    assert!(stored.contains(r#""group":"224.0.0.81""#), "{stored}");
    let setting = Change::Setting {
        name: "conn_max".to_owned(),
        value: "17".to_owned(),
    };
    assert_eq!(
        text(&setting),
        r#"{"setting":{"name":"conn_max","value":"17"}}"#
    );
    let master = Master::new(IpAddr::from([10, 0, 0, 1]), 1, 2);
    text(&Change::Master(MasterChange::Heard, master.clone()));

    let mut state = SyncState::default();
    text(&state);
    state.authentication = Some(Authentication::Required);
    (state.keys, state.masters) = (vec![2, 1], vec![master]);
    state.events = vec![("new".to_owned(), 7)];
    assert!(text(&state).starts_with(r#"{"authentication":"required","keys":[2,1],"#));
}

#[test]
fn filters_and_failures_come_back() {
    let mut filter = ConnectionFilter::default()
        .with_protocol(Protocol::TCP)
        .with_service(ServiceKey::from_mark(Family::V4, 7))
        .with_client(IpAddr::from([192, 0, 2, 9]))
        .with_server(at("[::1]:80"));
    filter.state = Some("ESTABLISHED".to_owned());
    let stored = text(&filter);
    assert!(
        stored.contains(r#""client":{"addr":"192.0.2.9","port":null}"#),
        "{stored}"
    );
    text(&ConnectionFilter::default());
    text(&Failure::new(3, Errno::EEXIST));
}

#[test]
fn what_no_value_can_be_is_refused() {
    for wrong in [
        r#"{"scheduler":"seventeen letters"}"#,
        r#"{"scheduler":"r\u0000r"}"#,
        r#"{"scheduler":17}"#,
        r#"{"flags":-1}"#,
        r#"{"netmask":[255,255,255,0]}"#,
        r#"{"netmask":{"mask":"255.255.255"}}"#,
        r#"{"netmask":{"prefix":0}}"#,
        r#"{"netmask":{"prefix":129}}"#,
        r#"{"netmask":{"prefix":4294967296}}"#,
    ] {
        assert!(
            serde_json::from_str::<ServiceSettings>(wrong).is_err(),
            "{wrong}"
        );
    }
    assert!(serde_json::from_str::<DestKey>(r#"{"addr":"10.0.0","port":1}"#).is_err());
    // The mark 0 is none, as everywhere.
    let zero: ServiceKey = serde_json::from_str(r#"{"mark":{"family":"v4","mark":0}}"#).unwrap();
    assert_eq!(zero, ServiceKey::from_mark(Family::V4, 0));
}

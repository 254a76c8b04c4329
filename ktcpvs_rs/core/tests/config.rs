// SPDX-License-Identifier: GPL-2.0

//! Configuration files: what they say, where they are malformed, and that what is written is read as the same.

use ipvs_core::addr::{Addr, Family};
use ktcpvs_core::config::{Fault, Flag, Host, Item, Number, Parser, Place, Port, Text};
use proptest::{collection::vec, prelude::*};

const FILE: &str = r#"
# A comment with "quotes" and {
VIRTUAL www {
    listen = 0.0.0.0:8080   # behind an item
    scheduler = http
    startservers = 4   maxclients=65535
    redirect = [2001:db8::9]:81
    server = 192.0.2.1:80 1
    server=real-2.example.org:http 65535
    server = 192.0.2.3 0
    rule = pattern "/images/.*" use server 192.0.2.1:80
    Rule = Pattern "a\"b\\\.c\\" Match 9 Use Server real-2.example.org:http
    rule = pattern ^/plain use server 192.0.2.3
    forwarded = Yes transparent = no sni = no
    proxy = v2 max_body = 18446744073709551615 idle = 64
    trusted = 192.0.2.0/24 trusted = [2001:db8::]/32 trusted = 192.0.2.7
}
virtual a.b_c-9 { }
"#;

fn v4(last: u8) -> Host<'static> {
    Host::Addr(Family::V4, Addr::from_v4([192, 0, 2, last]))
}

fn v6(last: u8) -> Addr {
    let mut octets = [0; 16];
    octets[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    octets[15] = last;
    Addr::from_v6(octets)
}

fn items(text: &str) -> Result<Vec<Item<'_>>, Fault> {
    let items = Parser::new(text.as_bytes());
    items.map(|item| item.map(|(_, item)| item)).collect()
}

fn written(items: &[Item<'_>]) -> String {
    let mut out = Vec::new();
    for item in items {
        item.write(&mut |bytes| out.extend(bytes));
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_file_is_read_as_it_is_meant() {
    let place = |host, port| Place {
        host,
        port: Some(Port::Number(port)),
    };
    let named = Place {
        host: Host::Name(b"real-2.example.org"),
        port: Some(Port::Name(b"http")),
    };
    let bare = Place {
        host: v4(3),
        port: None,
    };
    let rule = |pattern: &'static [u8], group, server| Item::Rule {
        pattern: Text::plain(pattern),
        group,
        server,
    };
    let expected = vec![
        Item::Begin(b"www"),
        Item::Listen(place(Host::Addr(Family::V4, Addr::ZERO), 8080)),
        Item::Scheduler(b"http"),
        Item::Number(Number::StartServers, 4),
        Item::Number(Number::MaxClients, 65535),
        Item::Redirect(place(Host::Addr(Family::V6, v6(9)), 81)),
        Item::Server(place(v4(1), 80), 1),
        Item::Server(named, 65535),
        Item::Server(bare, 0),
        rule(b"/images/.*", 0, place(v4(1), 80)),
        rule(br#"a"b\\\.c\\"#, 9, named),
        rule(b"^/plain", 0, bare),
        Item::Flag(Flag::Forwarded, true),
        Item::Flag(Flag::Transparent, false),
        Item::Flag(Flag::Sni, false),
        Item::Proxy(true),
        Item::MaxBody(u64::MAX),
        Item::Number(Number::Idle, 64),
        Item::Trusted(Family::V4, Addr::from_v4([192, 0, 2, 0]), 24),
        Item::Trusted(Family::V6, v6(0), 32),
        Item::Trusted(Family::V4, Addr::from_v4([192, 0, 2, 7]), 32),
        Item::End,
        Item::Begin(b"a.b_c-9"),
        Item::End,
    ];
    assert_eq!(items(FILE), Ok(expected.clone()));
    let text = written(&expected);
    assert!(text.starts_with("Virtual www {\n    listen = 0.0.0.0:8080\n"));
    assert!(text.contains("    rule = pattern \"/images/.*\" use server 192.0.2.1:80\n"));
    assert_eq!(items(&text), Ok(expected));
}

#[test]
fn a_fault_has_its_line_and_what_was_read() {
    for (inside, line, what) in [
        ("listen 1.2.3.4", 2, "listen"),
        ("listen = 1.2.3", 2, "listen"),
        ("listen = 1.2.3.4:0", 2, "listen"),
        ("listen = 1.2.3.4:65536", 2, "listen"),
        ("listen = 1.2.3.4:", 2, "listen"),
        ("listen = 2001:db8::1", 2, "listen"),
        ("listen = [2001:db8::1", 2, "listen"),
        ("listen = [1.2.3.4]:80", 2, "listen"),
        ("listen =\n\n a@b", 4, "listen"),
        ("redirect = 1.2.3.4", 2, "redirect"),
        ("scheduler = abcdefghijklmnop", 2, "scheduler"),
        ("scheduler = \"http\"", 2, "scheduler"),
        ("server = 1.2.3.4:80", 3, "server"),
        ("server = 1.2.3.4:80 65536", 2, "server"),
        ("server = 1.2.3.4:80 -1", 2, "server"),
        ("maxclients = 0", 2, "maxclients"),
        ("maxclients = 65536", 2, "maxclients"),
        ("rule = use server 1.2.3.4", 2, "rule"),
        ("rule = pattern \"\" use server 1.2.3.4", 2, "rule"),
        ("rule = pattern \"a\nb\" use server 1.2.3.4", 2, "rule"),
        ("rule = pattern a match 10 use server 1.2.3.4", 2, "rule"),
        ("rule = pattern a server 1.2.3.4", 2, "rule"),
        ("sni = on", 2, "sni"),
        ("proxy = v1", 2, "proxy"),
        ("trusted = 1.2.3.4/33", 2, "trusted"),
        ("trusted = name/3", 2, "trusted"),
        ("max_body = 18446744073709551616", 2, "max_body"),
        ("unknown = 1", 2, "virtual"),
        ("{", 2, "virtual"),
        ("virtual b {", 2, "virtual"),
    ] {
        let text = format!("virtual a {{\n{inside}\n}}");
        assert_eq!(items(&text), Err(Fault { line, what }), "{inside}");
    }
    for text in [
        "x",
        "virtual",
        "virtual a",
        "virtual a b",
        "virtual a/b {",
        "}",
        "virtual a {",
    ] {
        assert_eq!(
            items(text),
            Err(Fault {
                line: 1,
                what: "virtual"
            }),
            "{text}"
        );
    }
    let long = format!(
        "virtual a {{ rule = pattern {} use server 1.2.3.4 }}",
        "a".repeat(256)
    );
    assert!(items(&long).is_err() && items(&long.replacen('a', "", 2)).is_err());
    assert_eq!(items("  # nothing"), Ok(Vec::new()));
}

#[test]
fn nothing_is_read_behind_a_fault() {
    let mut parser = Parser::new(b"virtual a { x }\nvirtual b { }");
    assert!(matches!(parser.next(), Some(Ok((1, Item::Begin(b"a"))))));
    assert!(matches!(parser.next(), Some(Err(_))));
    assert_eq!(parser.next(), None);
}

fn place() -> impl Strategy<Value = Place<'static>> {
    let host = prop_oneof![
        any::<[u8; 4]>().prop_map(|it| Host::Addr(Family::V4, Addr::from_v4(it))),
        any::<[u8; 16]>().prop_map(|it| Host::Addr(Family::V6, Addr::from_v6(it))),
        Just(Host::Name(b"real.example.org")),
    ];
    let port = prop_oneof![
        Just(None),
        (1_u16..).prop_map(|it| Some(Port::Number(it))),
        Just(Some(Port::Name(b"http-alt"))),
    ];
    (host, port).prop_map(|(host, port)| Place { host, port })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(
        pattern in "([a-z/.*\"#={}^$ ]|\\\\[a-z.\\\\]|\u{fc}){1,40}",
        group in 0_u8..=9,
        (first, second) in (place(), place()),
        (weight, body) in (any::<u16>(), any::<u64>()),
    ) {
        let all = [
            Item::Begin(b"www"),
            Item::Listen(first),
            Item::Server(second, weight),
            Item::MaxBody(body),
            Item::Rule { pattern: Text::plain(pattern.as_bytes()), group, server: second },
            Item::End,
        ];
        let text = written(&all);
        prop_assert_eq!(items(&text), Ok(all.to_vec()), "{}", text);
    }

    #[test]
    fn any_text_is_items_or_a_fault(
        words in vec(prop::sample::select([
            "virtual", "a", "{", "}", "=", "\n", " ", "rule", "pattern", "\"", "\\", "use", "server", "1.2.3.4", ":80", "#", "9",
        ].as_slice()), 0..40),
    ) {
        let text = words.concat();
        let lines = text.lines().count().max(1);
        for item in Parser::new(text.as_bytes()) {
            match item {
                Ok((line, _)) => prop_assert!(line <= lines),
                Err(fault) => prop_assert!(fault.line <= lines + 1 && !fault.what.is_empty()),
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Control connections of FTP.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::app::ftp::{
    Command, Commands, Control, Endpoint, Form, Incomplete, Mode, Objection, Position, Replies,
    Reply,
};
use proptest::{collection::vec, prelude::*, sample::select};
use Family::{V4, V6};
use Form::{Classic, Extended};

const CLIENT: Addr = Addr::from_v4([192, 0, 2, 2]);
const CLIENT6: Addr = Addr::from_v6([0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
const VIRTUAL: [u8; 4] = [192, 0, 2, 100];
const SERVER: [u8; 4] = [10, 0, 0, 11];

/// What a packet has, and how it ends.
type Read<T> = (Vec<T>, Option<Incomplete>, Position);

fn commands_at(position: Position, payload: &[u8], family: Family) -> Read<Command> {
    let mut commands = Commands::new(payload, family, position);
    let items: Vec<_> = commands.by_ref().collect();
    let end = items.iter().find_map(|item| item.err());
    let position = commands.position();
    (items.into_iter().flatten().collect(), end, position)
}

fn replies_at(position: Position, payload: &[u8], family: Family) -> Read<Reply> {
    let mut replies = Replies::new(payload, family, position);
    let items: Vec<_> = replies.by_ref().collect();
    let end = items.iter().find_map(|item| item.clone().err());
    let position = replies.position();
    (items.into_iter().flatten().collect(), end, position)
}

fn command(line: &str, family: Family) -> Command {
    let text = format!("{line}\r\n");
    let (items, end, position) = commands_at(Position::default(), text.as_bytes(), family);
    assert_eq!((end, position), (None, Position::default()), "{line}");
    assert_eq!(items.len(), 1, "{line}");
    items[0]
}

fn active(form: Form, addr: Addr, port: u16) -> Command {
    Command::Active(form, Endpoint { addr, port })
}

#[test]
fn commands_are_read_in_their_forms() {
    let v4 = |d| Addr::from_v4([192, 0, 2, d]);
    for (line, family, expected) in [
        ("PASV", V4, Command::Passive(Classic)),
        ("pAsV", V4, Command::Passive(Classic)),
        ("PASV  ", V4, Command::Passive(Classic)),
        ("PASV now", V4, Command::Passive(Classic)),
        ("PASV", V6, Command::Other),
        ("PASVX", V4, Command::Other),
        (" PASV", V4, Command::Other),
        ("PASV\t", V4, Command::Other),
        ("PAS", V4, Command::Other),
        ("", V4, Command::Other),
        ("EPSV", V4, Command::Passive(Extended)),
        ("epsv", V6, Command::Passive(Extended)),
        ("EPSV 1", V4, Command::Passive(Extended)),
        ("EPSV 2 ", V6, Command::Passive(Extended)),
        ("EPSV 2", V4, Command::Other),
        ("EPSV 1", V6, Command::Other),
        ("EPSV 11", V4, Command::Other),
        ("EPSV ALL", V4, Command::Other),
        ("EPSV1", V4, Command::Other),
        ("PORT 192,0,2,2,4,1", V4, active(Classic, v4(2), 1025)),
        (
            "port  192,000,2,002,255,255 ",
            V4,
            active(Classic, v4(2), 65535),
        ),
        ("PORT 192,0,2,2,0,0", V4, Command::Malformed(Classic)),
        ("PORT 192,0,2,256,4,1", V4, Command::Malformed(Classic)),
        ("PORT 192,0,2,2,4", V4, Command::Malformed(Classic)),
        ("PORT 192,0,2,2,4,1,9", V4, Command::Malformed(Classic)),
        ("PORT 192,0,2,2,4,0001", V4, Command::Malformed(Classic)),
        ("PORT", V4, Command::Malformed(Classic)),
        ("PORT 192,0,2,2,4,1", V6, Command::Malformed(Classic)),
        ("PORT192,0,2,2,4,1", V4, Command::Other),
        ("EPRT |1|192.0.2.2|1025|", V4, active(Extended, v4(2), 1025)),
        (
            "eprt  !1!192.0.2.2!65535! ",
            V4,
            active(Extended, v4(2), 65535),
        ),
        (
            "EPRT |2|2001:db8::2|1025|",
            V6,
            active(Extended, CLIENT6, 1025),
        ),
        (
            "EPRT |2|2001:db8::2|1025|",
            V4,
            Command::Malformed(Extended),
        ),
        ("EPRT |1|192.0.2.2|1025|", V6, Command::Malformed(Extended)),
        ("EPRT |2|192.0.2.2|1025|", V6, Command::Malformed(Extended)),
        ("EPRT |1|192.0.2.2|0|", V4, Command::Malformed(Extended)),
        ("EPRT |1|192.0.2.2|65536|", V4, Command::Malformed(Extended)),
        ("EPRT |1|192.0.2.2|1025", V4, Command::Malformed(Extended)),
        ("EPRT |1|192.0.2.2!1025|", V4, Command::Malformed(Extended)),
        ("EPRT |1|192.0.2|1025|", V4, Command::Malformed(Extended)),
        ("EPRT |||1025|", V4, Command::Malformed(Extended)),
        ("EPRT", V4, Command::Malformed(Extended)),
        ("RETR PASV", V4, Command::Other),
        ("STOR x PORT 192,0,2,2,4,1", V4, Command::Other),
        ("\u{FF}\u{F4}PASV", V4, Command::Other),
    ] {
        assert_eq!(command(line, family), expected, "{line} {family:?}");
    }
}

#[test]
fn endpoints_of_other_hosts_and_of_services_are_objected_to() {
    let endpoint = |addr, port| Endpoint { addr, port };
    for (endpoint, client, objection) in [
        (endpoint(CLIENT, 1024), CLIENT, None),
        (
            endpoint(CLIENT, 1023),
            CLIENT,
            Some(Objection::PrivilegedPort),
        ),
        (endpoint(CLIENT6, 65535), CLIENT6, None),
        (
            endpoint(CLIENT6, 22),
            CLIENT6,
            Some(Objection::PrivilegedPort),
        ),
        (
            endpoint(Addr::from_v4(SERVER), 40000),
            CLIENT,
            Some(Objection::OtherHost),
        ),
        (
            endpoint(Addr::from_v4(SERVER), 22),
            CLIENT,
            Some(Objection::OtherHost),
        ),
    ] {
        assert_eq!(endpoint.objection(client), objection, "{endpoint:?}");
    }
}

#[test]
fn lines_end_with_lf_and_a_packet_has_many() {
    let other = Command::Other;
    let pasv = Command::Passive(Classic);
    for (payload, expected, within_line) in [
        ("NOOP\r\nPASV\r\n", vec![other, pasv], false),
        (
            "PASV\nEPSV\r\r\n",
            vec![pasv, Command::Passive(Extended)],
            false,
        ),
        ("PASV\rEPSV\n", vec![other], false),
        ("STOR PASV\r\n\r\n", vec![other, other], false),
        ("PASV\r\nRETR abc", vec![pasv], true),
        ("", vec![], false),
    ] {
        let (items, end, position) = commands_at(Position::default(), payload.as_bytes(), V4);
        assert_eq!((&items, end), (&expected, None), "{payload}");
        assert_eq!(position != Position::default(), within_line, "{payload}");
    }
}

#[test]
fn unfinished_commands_are_reported_with_their_start() {
    for (payload, from) in [
        ("P", Some(0)),
        ("PASV", Some(0)),
        ("PASV\r", Some(0)),
        ("NOOP\r\npor", Some(6)),
        ("EPRT |1|192", Some(0)),
        ("EPSV ", Some(0)),
        ("PASVX", None),
        ("PW", None),
        ("RETR PASV", None),
    ] {
        let (_, end, _) = commands_at(Position::default(), payload.as_bytes(), V4);
        assert_eq!(end.map(|it| it.from), from, "{payload}");
    }
}

#[test]
fn the_rest_of_a_line_is_no_command() {
    let (_, _, within) = commands_at(Position::default(), b"STOR a", V4);
    let (items, end, position) = commands_at(within, b"PASV\r\nPASV\r\n", V4);
    assert_eq!(items, [Command::Other, Command::Passive(Classic)]);
    assert_eq!((end, position), (None, Position::default()));
}

/// The reply of a text, in which `<` and `>` are around what is to be replaced.
fn reply(marked: &str, family: Family) -> Option<Reply> {
    let text = marked.replace(['<', '>'], "");
    let (items, end, position) = replies_at(Position::default(), text.as_bytes(), family);
    assert_eq!((end, position), (None, Position::default()), "{marked}");
    let (start, stop) = (marked.find('<'), marked.find('>'));
    let reply = items.into_iter().next();
    let place = start.zip(stop).map(|(start, stop)| start..stop - 1);
    assert_eq!(
        reply.as_ref().map(|reply| reply.place.clone()),
        place,
        "{marked}"
    );
    reply
}

#[test]
fn replies_of_servers_lead_to_their_ports() {
    let server = Some(Addr::from_v4(SERVER));
    for (text, family, form, addr, port) in [
        // vsftpd 3.0, in the classic form also ProFTPD 1.3 and Pure-FTPd without the full stop.
        (
            "227 Entering Passive Mode (<10,0,0,11,156,64>).\r\n",
            V4,
            Classic,
            server,
            40000,
        ),
        (
            "227 Entering Passive Mode (<10,0,0,11,117,240>)\r\n",
            V4,
            Classic,
            server,
            30192,
        ),
        (
            "229 Entering Extended Passive Mode (<|||46560|>)\r\n",
            V4,
            Extended,
            None,
            46560,
        ),
        (
            "229 Entering Extended Passive Mode (<|||46560|>).\r\n",
            V6,
            Extended,
            None,
            46560,
        ),
        // Pure-FTPd.
        (
            "229 Extended Passive mode OK (<|||30006|>)\r\n",
            V4,
            Extended,
            None,
            30006,
        ),
        // Without parentheses, and with LF only.
        ("227 =<10,0,0,11,4,1>\r\n", V4, Classic, server, 1025),
        ("227 <10,0,0,11,4,1>\n", V4, Classic, server, 1025),
        (
            "227 Passive mode 2 of v1.3 (<10,0,0,11,4,1>)\r\n",
            V4,
            Classic,
            server,
            1025,
        ),
        (
            "229 EPSV (2 of 3) (<!!!1025!>)\r\n",
            V4,
            Extended,
            None,
            1025,
        ),
        (
            "229 ok (<|1|10.0.0.11|1025|>)\r\n",
            V4,
            Extended,
            server,
            1025,
        ),
        (
            "229 ok (<|2|2001:db8::2|1025|>)\r\n",
            V6,
            Extended,
            Some(CLIENT6),
            1025,
        ),
        (
            "227-Look\r\n227 Entering (<10,0,0,11,4,1>)\r\n",
            V4,
            Classic,
            server,
            1025,
        ),
        (
            "200 NOOP ok.\r\n227 Entering (<10,0,0,11,4,1>)\r\n",
            V4,
            Classic,
            server,
            1025,
        ),
        (
            "211-x\r\n227 1,2,3,4,5,6\r\n211 End\r\n227 <10,0,0,11,4,1>\r\n",
            V4,
            Classic,
            server,
            1025,
        ),
        (
            "211-x\r\n212 x\r\n211-y\r\n211\r\n227 <10,0,0,11,4,1>\r\n",
            V4,
            Classic,
            server,
            1025,
        ),
    ] {
        let found = reply(text, family).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (found.form, found.addr, found.port),
            (form, addr, port),
            "{text}"
        );
    }
}

#[test]
fn replies_without_a_port_are_passed_over() {
    for (text, family) in [
        ("227 Entering Passive Mode (10,0,0,11,156)\r\n", V4),
        ("227 Entering Passive Mode (10,0,0,256,156,64)\r\n", V4),
        ("227 Entering Passive Mode (10,0,0,11,0,0)\r\n", V4),
        ("227 Entering Passive Mode (10,0,0,11,0,0,20,6,1)\r\n", V4),
        ("227 Entering Passive Mode (1000,10,0,0,11,156,64)\r\n", V4),
        ("227 Entering Passive Mode (10,0,0,11,156,64)\r\n", V6),
        ("227\r\n", V4),
        ("2270 10,0,0,11,156,64\r\n", V4),
        (" 227 10,0,0,11,156,64\r\n", V4),
        ("229 Entering |||1025|\r\n", V4),
        ("229 Entering (|||0|)\r\n", V4),
        ("229 Entering (|||65536|)\r\n", V4),
        ("229 Entering (|| |1025|)\r\n", V4),
        ("229 Entering (|2|2001:db8::2|1025|)\r\n", V4),
        ("229 Entering (|1||1025|)\r\n", V4),
        ("229 Entering (|||1025!)\r\n", V4),
        ("500 227 10,0,0,11,156,64\r\n", V4),
        ("213-x\r\n227 10,0,0,11,4,1\r\n213 End\r\n", V4),
        ("227-10,0,0,11,4,1\r\n227 ok\r\n", V4),
    ] {
        assert_eq!(reply(text, family), None, "{text}");
    }
}

#[test]
fn unfinished_replies_are_reported_with_their_start() {
    for (payload, from) in [
        ("2", Some(0)),
        ("22", Some(0)),
        ("227 Entering", Some(0)),
        ("227 Entering (10,0,0,11,4,1)\r", Some(0)),
        ("200 ok\r\n229 ", Some(8)),
        ("230 Login", None),
        ("230-Login", None),
        ("x", None),
        ("211-x\r\n227 10,0", None),
    ] {
        let (_, end, _) = replies_at(Position::default(), payload.as_bytes(), V4);
        assert_eq!(end.map(|it| it.from), from, "{payload}");
    }
}

/// What a client gets: the packets of a client, then those of a server; what could not be read at once is refused.
fn conversation(family: Family, client: &[&str], server: &str) -> Option<String> {
    let (mut control, mut position) = (Control::default(), Position::default());
    for packet in client {
        let (items, end, next) = commands_at(position, packet.as_bytes(), family);
        items.iter().for_each(|command| control.command(command));
        if end.is_some() {
            return None;
        }
        position = next;
    }
    let (items, _, _) = replies_at(Position::default(), server.as_bytes(), family);
    let mut out = server.to_string();
    for reply in items
        .into_iter()
        .filter(|reply| control.expects(reply.form))
    {
        let text = reply.text(Addr::from_v4(VIRTUAL), reply.port);
        let text = std::str::from_utf8(text.as_bytes()).unwrap();
        out.replace_range(reply.place, text);
    }
    Some(out)
}

#[test]
fn what_a_client_asks_for_is_what_it_gets() {
    let classic = "227 Entering Passive Mode (10,0,0,11,156,64).\r\n";
    let ours = "227 Entering Passive Mode (192,0,2,100,156,64).\r\n";
    let extended = "229 Entering Extended Passive Mode (|||40000|)\r\n";
    for (family, client, server, expected) in [
        (V4, &["PASV\r\n"][..], classic, Some(ours)),
        (V4, &["pasv\r\n"], classic, Some(ours)),
        (V4, &["NOOP\r\nPASV\r\n"], classic, Some(ours)),
        // With the C module the client gets the server's address.
        (V4, &["PASV\n"], classic, Some(ours)),
        (V4, &["PASV \r\n"], classic, Some(ours)),
        (V4, &["PA", "SV\r\n"], classic, None),
        (V4, &["EPSV\r\n"], extended, Some(extended)),
        (V4, &["EPSV 1\r\n"], extended, Some(extended)),
        (V6, &["EPSV\r\n"], extended, Some(extended)),
        (V6, &["EPSV 2\r\n"], extended, Some(extended)),
        (
            V4,
            &["EPSV\r\n"],
            "229 ok (!1!10.0.0.11!40000!)\r\n",
            Some("229 ok (|||40000|)\r\n"),
        ),
        // Nothing was asked for.
        (V4, &["RETR PASV\r\n"], classic, Some(classic)),
        (V4, &["STOR a", "PASV\r\n"], classic, Some(classic)),
        (V4, &["EPSV 2\r\n", "EPSV ALL\r\n"], classic, Some(classic)),
        (
            V4,
            &["PASV\r\n", "PORT 192,0,2,2,4,1\r\n"],
            classic,
            Some(classic),
        ),
        (V4, &["PASV\r\n", "EPSV\r\n"], classic, Some(classic)),
        (V4, &["EPSV\r\nPASV\r\nNOOP\r\n"], classic, Some(ours)),
        (V4, &["PASV\r\nPORT x\r\n"], classic, Some(ours)),
    ] {
        let found = conversation(family, client, server);
        assert_eq!(found.as_deref(), expected, "{client:?}");
    }
}

#[test]
fn the_mode_stays_until_the_reply_was_rewritten_and_the_client_goes_on() {
    let passive = Command::Passive(Classic);
    let port = active(Classic, CLIENT, 1025);
    let unreadable = Command::Malformed(Classic);
    let other = Command::Other;
    // (commands, whether the reply is rewritten then, commands, whether a reply is to be rewritten)
    for (before, is_rewritten, after, expected) in [
        (vec![], false, vec![], false),
        (vec![passive], false, vec![other, other, unreadable], true),
        (vec![passive], true, vec![], true),
        (vec![passive], true, vec![other], false),
        (vec![passive], true, vec![unreadable], false),
        (vec![passive], true, vec![passive, other], true),
        (vec![passive], false, vec![port], false),
        (vec![passive], true, vec![port], false),
        (
            vec![passive, Command::Passive(Extended)],
            false,
            vec![],
            false,
        ),
        (vec![port], true, vec![other], false),
    ] {
        let mut control = Control::default();
        before.iter().for_each(|it| control.command(it));
        if is_rewritten {
            control.rewritten();
        }
        after.iter().for_each(|it| control.command(it));
        assert_eq!(control.expects(Classic), expected, "{before:?} {after:?}");
        assert_eq!(control.mode() == Mode::Passive(Classic), expected);
    }
}

/// Pieces of which packets are made: those of lines that matter, and others.
fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn client_text() -> impl Strategy<Value = Vec<u8>> {
    text(&[
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "PASV",
        "pasv",
        "EPSV",
        "PORT",
        "EPRT",
        " ",
        "1",
        "ALL",
        "192,0,2,2,4,1",
        "|1|192.0.2.2|1025|",
        "|2|2001:db8::2|1025|",
        "RETR ",
        "P",
        "PO",
    ])
}

fn server_text() -> impl Strategy<Value = Vec<u8>> {
    text(&[
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "227 ",
        "229 ",
        "227-",
        "211-",
        "211 ",
        "211",
        "22",
        "7 ",
        "(10,0,0,11,4,1)",
        "(|||1025|)",
        "(|1|10.0.0.11|1025|)",
        "(",
        "10,0,0,11,4,1",
        "0,",
        " x ",
        "9",
    ])
}

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(V4), Just(V6)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn commands_in_two_packets_are_those_of_one_or_incomplete(payload in client_text(), family in family()) {
        let (items, end, position) = commands_at(Position::default(), &payload, family);
        for at in 0..=payload.len() {
            let (first, second) = payload.split_at(at);
            let (mut found, incomplete, next) = commands_at(Position::default(), first, family);
            if let Some(Incomplete { from }) = incomplete {
                prop_assert!(from < at);
                // Held back from there, the line is read with the rest.
                let (rest, rest_end, rest_position) = commands_at(Position::default(), &payload[from..], family);
                found.extend(rest);
                prop_assert_eq!(&found, &items);
                prop_assert_eq!(rest_end.map(|it| it.from + from), end.map(|it| it.from));
                prop_assert_eq!(rest_position, position);
                continue;
            }
            let (more, last, finally) = commands_at(next, second, family);
            found.extend(more);
            prop_assert_eq!(&found, &items, "{}", at);
            prop_assert_eq!(last.map(|it| it.from + at), end.map(|it| it.from));
            prop_assert_eq!(finally, position);
        }
    }

    #[test]
    fn replies_in_two_packets_are_those_of_one_or_incomplete(payload in server_text(), family in family()) {
        let (items, end, position) = replies_at(Position::default(), &payload, family);
        for at in 0..=payload.len() {
            let (first, second) = payload.split_at(at);
            let (mut found, incomplete, next) = replies_at(Position::default(), first, family);
            if let Some(Incomplete { from }) = incomplete {
                prop_assert!(from < at);
                continue;
            }
            let (more, last, finally) = replies_at(next, second, family);
            found.extend(more.into_iter().map(|reply| Reply {
                place: reply.place.start + at..reply.place.end + at,
                ..reply
            }));
            prop_assert_eq!(&found, &items, "{}", at);
            prop_assert_eq!(last.map(|it| it.from + at), end.map(|it| it.from));
            prop_assert_eq!(finally, position);
        }
    }

    #[test]
    fn a_reply_that_was_rewritten_leads_to_the_new_place(
        payload in server_text(), family in family(), addr in any::<[u8; 4]>(), port in 1..=u16::MAX
    ) {
        let addr = Addr::from_v4(addr);
        let (items, _, position) = replies_at(Position::default(), &payload, family);
        for (index, reply) in items.iter().enumerate() {
            prop_assert!(reply.place.end <= payload.len());
            let mut rewritten = payload.clone();
            rewritten.splice(reply.place.clone(), reply.text(addr, port).as_bytes().iter().copied());
            let (again, _, same) = replies_at(Position::default(), &rewritten, family);
            prop_assert_eq!(again.len(), items.len());
            let expected = match reply.form {
                Classic => Some(addr),
                Extended => None,
            };
            prop_assert_eq!(again[index].addr, expected);
            prop_assert_eq!(again[index].port, port);
            prop_assert_eq!(again[index].place.start, reply.place.start);
            prop_assert_eq!(same, position);
        }
    }

    #[test]
    fn endpoints_are_those_that_were_written(addr in any::<[u8; 16]>(), port in 1..=u16::MAX) {
        let v4 = [addr[0], addr[1], addr[2], addr[3]];
        let [a, b, c, d] = v4;
        let [high, low] = port.to_be_bytes();
        let (v4, v6) = (Addr::from_v4(v4), Addr::from_v6(addr));
        let line = format!("PORT {a},{b},{c},{d},{high},{low}");
        prop_assert_eq!(command(&line, V4), active(Classic, v4, port));
        let line = format!("EPRT |1|{a}.{b}.{c}.{d}|{port}|");
        prop_assert_eq!(command(&line, V4), active(Extended, v4, port));
        let line = format!("EPRT |2|{}|{port}|", std::net::Ipv6Addr::from(addr));
        prop_assert_eq!(command(&line, V6), active(Extended, v6, port));
    }

    #[test]
    fn any_bytes_are_read(payload in vec(any::<u8>(), 0..200), family in family()) {
        let (items, end, _) = commands_at(Position::default(), &payload, family);
        prop_assert!(items.len() <= payload.len());
        prop_assert!(end.is_none_or(|it| it.from < payload.len()));
        let (items, end, _) = replies_at(Position::default(), &payload, family);
        prop_assert!(items.iter().all(|it| it.place.end < payload.len()));
        prop_assert!(end.is_none_or(|it| it.from < payload.len()));
    }
}

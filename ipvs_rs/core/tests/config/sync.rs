// SPDX-License-Identifier: GPL-2.0

//! Keys and peers in requests.

use std::net::IpAddr;

use ipvs_core::{
    addr::Family,
    config::{sync, Error},
    nla::NESTED,
    sync::Authentication,
    uapi::additions::{key, top},
};

fn attribute(kind: u16, data: &[u8]) -> Vec<u8> {
    // CAST: Short ones.
    let mut bytes = (4 + data.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn key_nest(number: u8, secret: &[u8]) -> Vec<u8> {
    let inside = [
        attribute(key::NUMBER, &[number]),
        attribute(key::SECRET, secret),
    ];
    attribute(top::KEY | NESTED, &inside.concat())
}

#[test]
fn keys_have_different_numbers_and_are_two_at_most() {
    let secret = [7; 16];
    let (one, two, three) = (
        key_nest(1, &secret),
        key_nest(2, &secret),
        key_nest(3, &secret),
    );
    let keys = |parts: &[&[u8]]| {
        sync::keys(&parts.concat()).map(|keys| keys.map(|it| it.map(|(number, _)| number)))
    };
    assert_eq!(keys(&[]), Ok([None, None]));
    assert_eq!(keys(&[&two]), Ok([Some(2), None]));
    assert_eq!(keys(&[&two, &one]), Ok([Some(2), Some(1)]));
    assert_eq!(keys(&[&one, &one]), Err(Error::Keys));
    assert_eq!(keys(&[&one, &two, &three]), Err(Error::Keys));
    let no_secret = attribute(top::KEY | NESTED, &attribute(key::NUMBER, &[1]));
    assert_eq!(keys(&[&no_secret]), Err(Error::Missing));
    let no_number = attribute(top::KEY | NESTED, &attribute(key::SECRET, &secret));
    assert_eq!(keys(&[&no_number]), Err(Error::Missing));
    assert_eq!(
        sync::keys(&one).unwrap()[0],
        Some((1, &secret[..])),
        "the secret"
    );
}

#[test]
fn a_code_is_asked_for_with_a_key_only() {
    let key = key_nest(0, &[7; 16]);
    for (number, expected, without) in [
        (0, Ok(Authentication::Off), Ok(Authentication::Off)),
        (1, Ok(Authentication::Optional), Err(Error::NoKey)),
        (2, Ok(Authentication::Required), Err(Error::NoKey)),
        (3, Err(Error::Malformed), Err(Error::Malformed)),
    ] {
        let wanted = attribute(top::AUTHENTICATION, &[number]);
        assert_eq!(
            sync::authentication(&[&wanted[..], &key].concat()),
            expected
        );
        assert_eq!(sync::authentication(&wanted), without);
    }
    assert_eq!(sync::authentication(&key), Err(Error::Missing));
}

#[test]
fn peers_are_hosts_of_one_family() {
    let peer = |addr: &str| match addr.parse().unwrap() {
        IpAddr::V4(addr) => attribute(top::PEER, &addr.octets()),
        IpAddr::V6(addr) => attribute(top::PEER, &addr.octets()),
    };
    let read = |addrs: &[&str]| {
        let bytes: Vec<u8> = addrs.iter().flat_map(|addr| peer(addr)).collect();
        let found = sync::peers(&bytes)?;
        Ok(found.map(|(family, all)| (family, all.map(|it| it.to_string()).collect::<Vec<_>>())))
    };
    assert_eq!(read(&[]), Ok(None));
    let (v4, v6) = (["10.0.0.1", "10.0.0.2"], ["fe80::1", "fd00::2"]);
    let expected = |family, addrs: [&str; 2]| Ok(Some((family, addrs.map(str::to_owned).to_vec())));
    assert_eq!(read(&v4), expected(Family::V4, v4));
    assert_eq!(read(&v6), expected(Family::V6, v6));
    assert_eq!(read(&["10.0.0.1", "fd00::2"]), Err(Error::PeerFamilies));
    for addr in ["0.0.0.0", "::", "224.0.0.81", "ff02::81", "255.255.255.255"] {
        assert_eq!(read(&[addr]), Err(Error::NotUnicast), "{addr}");
    }
    assert!(read(&["10.0.0.1"; 8]).is_ok());
    assert_eq!(read(&["10.0.0.1"; 9]), Err(Error::ManyPeers));
    let short = attribute(top::PEER, &[10, 0, 0, 0, 1]);
    assert_eq!(sync::peers(&short).map(|_| ()), Err(Error::AddressLength));
}

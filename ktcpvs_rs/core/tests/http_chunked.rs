// SPDX-License-Identifier: GPL-2.0

//! Bodies in chunks: their end is found in whatever pieces they come in, and what is malformed is refused.

use ktcpvs_core::http::framing::{Body, Framing, Malformed, Need};
use proptest::{collection::vec, prelude::*};

/// Moves `bytes`, of which those before each of the places come in together. The result is the length of the body, or [`None`]
/// if it goes on.
fn length(bytes: &[u8], places: &[usize]) -> Result<Option<usize>, Malformed> {
    let mut body = Body::new(Framing::Chunked);
    let mut at = 0;
    for place in places.iter().copied().chain([bytes.len()]) {
        while at < place {
            match body.need() {
                Need::Nothing => return Ok(Some(at)),
                Need::Look => body.look(&bytes[at..place])?,
                Need::Move(count) => {
                    let count = count.min((place - at) as u64);
                    body.moved(count);
                    at += count as usize;
                }
            }
        }
    }
    Ok(body.has_ended().then_some(at))
}

#[test]
fn the_end_is_found_at_every_pair_of_places() {
    let bytes = b"5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: z\r\nHosts: q\r\n\r\nNEXT";
    let end = bytes.len() - 4;
    for first in 0..bytes.len() {
        for second in first..bytes.len() {
            assert_eq!(length(bytes, &[first, second]), Ok(Some(end)));
        }
    }
    for cut in 0..end {
        assert_eq!(length(&bytes[..cut], &[]), Ok(None));
    }
}

#[test]
fn what_is_malformed_is_refused_at_every_place() {
    for text in [
        "\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello",
        "g\r\n",
        "5 \r\n",
        " 5\r\n",
        "-5\r\n",
        "+5\r\n",
        "0x5\r\n",
        ";a\r\n",
        "1000000000000000\r\n",
        "0000000000000005\r\n",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\rX",
        "5\r\nhello\r\n\r\n",
        "5;a\nb\r\n",
        "5;a\0\r\n",
        "0\r\n\n",
        "0\r\n\rX",
        "0\r\n :x\r\n",
        "0\r\n: x\r\n",
        "0\r\na b: x\r\n",
        "0\r\nab\r\n",
        "0\r\na: b\n",
        "0\r\na: b\r\n c\r\n",
        "0\r\nContent-Length: 5\r\n",
        "0\r\ncontent-LENGTH:5\r\n",
        "0\r\nA: b\r\nTransfer-Encoding: chunked\r\n",
        "0\r\nhost: a\r\n",
    ] {
        for place in 0..text.len() {
            assert_eq!(
                length(text.as_bytes(), &[place]),
                Err(Malformed),
                "{text:?}"
            );
        }
    }
}

#[test]
fn chunks_have_bounds() {
    let ends = |text: String| length(text.as_bytes(), &[]).is_ok_and(|end| end == Some(text.len()));
    let extension = |bytes| format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(bytes));
    assert!(ends(extension(256)) && !ends(extension(257)));
    let trailers = |count| format!("0\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert!(ends(trailers(128)) && !ends(trailers(129)));
    let trailer = |bytes: usize| format!("0\r\na: {}\r\n\r\n", "b".repeat(bytes));
    assert!(ends(trailer(16_000)) && !ends(trailer(16_400)));
    let name = |bytes: usize| format!("0\r\n{}: b\r\n\r\n", "n".repeat(bytes));
    assert!(ends(name(255)) && ends(name(300)) && ends(name(260)));
    // As many names as 256 bytes and then `host`: the count of bytes does not come around.
    let wrapped = format!("0\r\n{}host: b\r\n\r\n", "n".repeat(256));
    assert!(ends(wrapped));
    let mut body = Body::new(Framing::Chunked);
    body.look(b"fffffffffffffff\r\n").unwrap();
    assert_eq!(body.need(), Need::Move((1 << 60) - 1 + 17));
}

proptest! {
    #[test]
    fn a_body_ends_where_its_writer_ended_it(
        chunks in vec((vec(any::<u8>(), 1..40), "(;[a-z=\"]{0,5})?"), 0..6),
        trailers in vec("[a-z]{5}: [ -~]{0,8}\r\n", 0..3),
        behind in vec(any::<u8>(), 0..10),
        mut places in vec(0_usize..300, 0..5),
    ) {
        let mut bytes = Vec::new();
        for (data, extension) in &chunks {
            bytes.extend(format!("{:x}{extension}\r\n", data.len()).bytes());
            bytes.extend(data);
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("0\r\n{}\r\n", trailers.concat()).bytes());
        let end = bytes.len();
        bytes.extend(behind);
        places.retain(|place| *place <= bytes.len());
        places.sort_unstable();
        prop_assert_eq!(length(&bytes, &places), Ok(Some(end)));
    }

    #[test]
    fn pieces_do_not_matter_whatever_the_bytes_are(
        bytes in vec(prop_oneof![
            Just(b'0'), Just(b'1'), Just(b'\r'), Just(b'\n'), Just(b';'), Just(b':'), Just(b'a'), any::<u8>()
        ], 0..40),
        mut places in vec(0_usize..40, 0..5),
    ) {
        places.retain(|place| *place <= bytes.len());
        places.sort_unstable();
        prop_assert_eq!(length(&bytes, &places), length(&bytes, &[]));
    }
}

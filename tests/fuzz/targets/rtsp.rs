// SPDX-License-Identifier: GPL-2.0

//! Any bytes as packets of an RTSP control connection: a packet in two pieces promises the same media, unless a line is too long to be kept; a reply without the server's
//! address promises the same, and has nothing more to change; what may be passed over has nothing, and leads to the same place.

#![no_main]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::app::rtsp::{unnamed, Answer, Conversation, Ends, Media, Segment, LONGEST};
use libfuzzer_sys::fuzz_target;

/// One direction, with the sequence number of what comes next.
#[derive(Clone, Copy)]
struct Talk {
    conversation: Conversation,
    ends: Ends,
    sequence: u32,
}

impl Talk {
    fn new(family: Family) -> Self {
        let (client, server) = match family {
            Family::V4 => (Addr::from_v4([192, 0, 2, 2]), Addr::from_v4([10, 0, 0, 11])),
            Family::V6 => (Addr::from_v6([1; 16]), {
                Addr::from_v6([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11])
            }),
        };
        Self {
            conversation: Conversation::default(),
            ends: Ends {
                family,
                client,
                server,
            },
            sequence: u32::MAX - 20,
        }
    }

    fn hears(&mut self, payload: &[u8]) -> Answer {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(payload.len() as u32);
        match payload.is_empty() {
            true => Answer::default(),
            false => {
                let segment = Segment { sequence, payload };
                self.conversation.answer(&segment, &self.ends)
            }
        }
    }
}

/// Whether a line is so long that it is not kept when it comes in two pieces.
fn has_long_line(payload: &[u8]) -> bool {
    let mut lines = payload.split_inclusive(|&byte| byte == b'\n');
    lines.any(|line| line.len() > LONGEST)
}

fn promised(answer: &Answer) -> Vec<Media> {
    answer.media.iter().flatten().copied().collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, payload)) = data.split_first() else {
        return;
    };
    let family = match choice & 1 {
        0 => Family::V4,
        _ => Family::V6,
    };
    let start = Talk::new(family);
    let mut whole = start;
    let answer = whole.hears(payload);
    let expected = promised(&answer);
    let mut changed = payload.to_vec();
    for place in answer.named.iter().flatten() {
        let text = unnamed(place).expect("it is short");
        changed[place.clone()].copy_from_slice(text);
    }
    let again = start.clone().hears(&changed);
    assert_eq!(again.media, answer.media);
    // Of very many, some are left.
    assert!(again.named.iter().all(Option::is_none) || answer.named.iter().all(Option::is_some));
    for at in [usize::from(choice >> 1), payload.len() / 2, payload.len()] {
        let (first, second) = payload.split_at(at.min(payload.len()));
        let mut talk = start;
        let one = promised(&talk.hears(first));
        let before = talk;
        let two = promised(&talk.hears(second));
        // What is no message ends its packet, so that the next one may have more.
        let found = [one, two].concat();
        assert!(found.starts_with(&expected) || has_long_line(payload));
        passes_over(before, second, talk);
    }
    // The client says the same, which leads to no more than a request.
    let mut conversation = start.conversation;
    let segment = Segment {
        sequence: 0,
        payload,
    };
    if !payload.is_empty() {
        conversation.request(&segment, &start.ends);
        assert_eq!(conversation.media().count(), 0);
    }
});

fn passes_over(mut talk: Talk, payload: &[u8], mut read: Talk) {
    let four = |at: usize| payload.get(at..)?.first_chunk().copied();
    let (sequence, remembered) = (talk.sequence, talk.conversation.media().count());
    if payload.is_empty()
        || !talk
            .conversation
            .pass_over(false, sequence, payload.len(), four)
    {
        return;
    }
    assert_eq!(read.conversation.media().count(), remembered);
    talk.sequence = read.sequence;
    let after =
        b"RTSP/1.0 200 OK\nTransport: RTP/AVP;client_port=1-2;server_port=3000-3001\n\n".repeat(3);
    assert_eq!(talk.hears(&after), read.hears(&after));
}

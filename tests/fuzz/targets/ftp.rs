// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a packet of an FTP control connection, in both directions: what it has is the same when it comes in two
//! packets, unless the first of them reports a line as incomplete; a reply that was rewritten leads to the new place. And as
//! packets of a conversation, which finds the endpoints of a client however its commands are split.

#![no_main]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::app::ftp::conversation::{Conversation, Segment, REFUSAL};
use ipvs_core::app::ftp::{Command, Commands, Form, Incomplete, Position, Replies, Reply};
use libfuzzer_sys::fuzz_target;

/// What a packet has, and how it ends.
type Read<T> = (Vec<T>, Option<Incomplete>, Position);

fuzz_target!(|data: &[u8]| {
    let Some((&choice, payload)) = data.split_first() else {
        return;
    };
    let family = match choice & 1 {
        0 => Family::V4,
        _ => Family::V6,
    };
    let start = Position::default();
    let moved_command = |command: Command, _| command;
    let moved_reply = |reply: Reply, by| Reply {
        place: reply.place.start + by..reply.place.end + by,
        ..reply
    };
    let whole = commands(payload, family, start);
    let all = replies(payload, family, start);
    for at in [usize::from(choice >> 1), payload.len() / 2, payload.len()] {
        let (first, second) = payload.split_at(at.min(payload.len()));
        let by = first.len();
        let one = commands(first, family, start);
        let two = commands(second, family, one.2);
        agree(&whole, one, two, by, moved_command);
        let one = replies(first, family, start);
        let two = replies(second, family, one.2);
        agree(&all, one, two, by, moved_reply);
    }
    converse(payload, usize::from(choice >> 1), family);
    for (index, reply) in all.0.iter().enumerate() {
        let (addr, port) = (Addr::from_v4([203, 0, 113, 255]), 1025);
        let mut rewritten = payload.to_vec();
        let text = reply.text(addr, port);
        rewritten.splice(reply.place.clone(), text.as_bytes().iter().copied());
        let (again, ..) = replies(&rewritten, family, start);
        assert_eq!(again.len(), all.0.len());
        let expected = (reply.form == Form::Classic).then_some(addr);
        assert_eq!((again[index].addr, again[index].port), (expected, port));
    }
});

/// A client says all of it, whole and in two packets, and then the server.
fn converse(payload: &[u8], at: usize, family: Family) {
    let segment = |sequence, payload| Segment {
        family,
        sequence,
        payload,
    };
    let mut whole = Conversation::default();
    let Ok(request) = whole.request(&segment(0, payload), None) else {
        return;
    };
    let (first, second) = payload.split_at(at.min(payload.len()));
    let mut split = Conversation::default();
    let mut listening = Vec::new();
    for (sequence, piece) in [(0, first), (first.len() as u32, second)] {
        if !piece.is_empty() {
            let Ok(request) = split.request(&segment(sequence, piece), None) else {
                return;
            };
            listening.extend(request.listening.into_iter().flatten());
        }
    }
    let expected: Vec<_> = request.listening.into_iter().flatten().collect();
    // A command with a hundred blanks is read in one packet only.
    if payload.len() < 90 {
        assert_eq!(listening, expected);
    }
    assert!(listening.iter().all(|it| expected.contains(it)));
    let nowhere = Some(Addr::from_v4([0, 0, 0, 0]));
    if let Ok(request) = Conversation::default().request(&segment(0, payload), nowhere) {
        for range in request.refused.into_iter().flatten() {
            assert!(range.start < range.end && range.end <= payload.len());
        }
    }
    if let Ok(answer) = whole.answer(&segment(0, payload)) {
        let mut text = payload.to_vec();
        if let Some(at) = answer.refused {
            text[at] = REFUSAL;
        }
        for reply in answer.listening.iter().rev().flatten() {
            let other = reply.text(Addr::from_v4([203, 0, 113, 255]), reply.port);
            text.splice(reply.place.clone(), other.as_bytes().iter().copied());
        }
    }
}

fn commands(payload: &[u8], family: Family, position: Position) -> Read<Command> {
    let mut commands = Commands::new(payload, family, position);
    let items: Vec<_> = commands.by_ref().collect();
    ended(items, commands.position())
}

fn replies(payload: &[u8], family: Family, position: Position) -> Read<Reply> {
    let mut replies = Replies::new(payload, family, position);
    let items: Vec<_> = replies.by_ref().collect();
    ended(items, replies.position())
}

fn ended<T>(items: Vec<Result<T, Incomplete>>, position: Position) -> Read<T> {
    let end = items.iter().position(Result::is_err);
    assert!(end.is_none_or(|end| end + 1 == items.len()), "the last one");
    let end = items.iter().find_map(|item| item.as_ref().err().copied());
    (items.into_iter().flatten().collect(), end, position)
}

fn agree<T: PartialEq + std::fmt::Debug>(
    whole: &Read<T>,
    (mut items, incomplete, _): Read<T>,
    (more, end, position): Read<T>,
    by: usize,
    moved: impl Fn(T, usize) -> T,
) {
    if incomplete.is_some() {
        return;
    }
    items.extend(more.into_iter().map(|item| moved(item, by)));
    let end = end.map(|it| Incomplete { from: it.from + by });
    assert_eq!((&items, end, position), (&whole.0, whole.1, whole.2));
}

// SPDX-License-Identifier: GPL-2.0

//! When a master sends a message about a connection.

use ipvs_core::proto::{SCTP, TCP, UDP};
use ipvs_core::sync::decision::{decide, Rules, Subject};
use ipvs_core::sync::Announced;

const HZ: u32 = 250;
const END: u32 = 1_000_000;

/// The rules of the C module in a new network namespace.
const RULES: Rules = Rules {
    is_eager: false,
    threshold: 3,
    period: 50,
    refresh: 0,
    retries: 0,
    only_templates: false,
};
const EAGER: Rules = Rules {
    is_eager: true,
    ..RULES
};

/// An established TCP connection.
const CONN: Subject = Subject {
    protocol: TCP,
    state: 1,
    is_controller: false,
    has_template: false,
    packets: 3,
    timeout: 900 * HZ,
    end: END,
};

fn told(state: u8) -> Announced {
    Announced::of_state(state, END)
}

fn sends(subject: Subject, last: Announced, rules: Rules) -> bool {
    decide(&subject, last, &rules, HZ).is_some()
}

#[test]
fn packets_are_counted() {
    let rules = |threshold, period| Rules {
        threshold,
        period,
        ..RULES
    };
    let udp = Subject {
        protocol: UDP,
        state: 0,
        ..CONN
    };
    for (rules, subject, expected) in [
        (rules(3, 50), CONN, &[3, 53, 103][..]),
        (rules(3, 50), udp, &[3, 53, 103]),
        (rules(2, 0), CONN, &[2]),
        (rules(3, 0), udp, &[3]),
        (rules(0, 100), udp, &[100]),
    ] {
        let last = told(subject.state);
        let packets: Vec<_> = (1..=110)
            .filter(|&packets| sends(Subject { packets, ..subject }, last, rules))
            .collect();
        assert_eq!(packets, expected, "{rules:?}");
    }
    assert!((1..60).all(|packets| sends(Subject { packets, ..CONN }, told(1), rules(0, 1))));
}

#[test]
fn states_are_told_at_once_by_their_number_of_packets_or_never() {
    // For each state: whether its change is told with the 20th packet, and with the third.
    for (protocol, rows) in [
        (
            TCP,
            [
                "--", "-t", "--", "--", "tt", "tt", "tt", "tt", "--", "--", "--",
            ]
            .as_slice(),
        ),
        (
            SCTP,
            &[
                "--", "--", "--", "--", "--", "--", "--", "--", "-t", "tt", "tt", "tt", "--", "tt",
            ],
        ),
    ] {
        for (state, row) in (0u8..).zip(rows) {
            for (packets, expected) in [20, 3].into_iter().zip(row.bytes()) {
                let subject = Subject {
                    protocol,
                    state,
                    packets,
                    ..CONN
                };
                let sent = sends(subject, told(state ^ 1), RULES);
                assert_eq!(sent, expected == b't', "{protocol} {state} {packets}");
            }
        }
    }
}

#[test]
fn a_refresh_period_limits_the_repetitions() {
    let rules = Rules {
        threshold: 3,
        period: 0,
        refresh: 16 * HZ,
        retries: 2,
        ..RULES
    };
    for (seconds, repeats, expected) in [
        (0, 0, None),
        (1, 0, None),
        (2, 0, Some(1)),
        (2, 1, Some(2)),
        (2, 2, None),
        (15, 2, None),
        (16, 2, Some(0)),
        (100, 0, Some(0)),
    ] {
        let last = Announced::queued(1, END, repeats).dequeued();
        let subject = Subject {
            end: END + seconds * HZ,
            ..CONN
        };
        let next = decide(&subject, last, &rules, HZ).map(Announced::repeats);
        assert_eq!(next, expected, "{seconds} {repeats}");
    }
}

#[test]
fn the_eager_rule_tells_of_news_and_of_a_quarter_of_the_time() {
    let later = |seconds: u32| Subject {
        end: END + seconds * HZ,
        packets: 77,
        ..CONN
    };
    for (subject, last, expected) in [
        (later(0), Announced::NEVER, true),
        (later(0), told(1), false),
        (later(224), told(1), false),
        (later(226), told(1), true),
        (later(0), told(3), true),
        (
            Subject {
                state: 3,
                ..later(0)
            },
            told(2),
            true,
        ),
        (
            Subject {
                protocol: UDP,
                state: 0,
                timeout: 300 * HZ,
                ..later(74)
            },
            told(0),
            false,
        ),
        (
            Subject {
                protocol: UDP,
                state: 0,
                timeout: 300 * HZ,
                ..later(76)
            },
            told(0),
            true,
        ),
        (
            Subject {
                is_controller: true,
                ..later(0)
            },
            told(1),
            false,
        ),
        (
            Subject {
                is_controller: true,
                ..later(0)
            },
            told(0),
            true,
        ),
    ] {
        assert_eq!(
            sends(subject, last, EAGER),
            expected,
            "{subject:?} {last:?}"
        );
        if subject.is_controller {
            assert_eq!(
                sends(subject, last, RULES),
                expected,
                "a controller has no other rule"
            );
        }
    }
}

#[test]
fn connections_of_a_template_are_left_out() {
    let subject = Subject {
        has_template: true,
        ..CONN
    };
    for rules in [RULES, EAGER] {
        let only = Rules {
            only_templates: true,
            ..rules
        };
        assert!(sends(subject, Announced::NEVER, rules));
        assert!(!sends(subject, Announced::NEVER, only));
        assert!(sends(CONN, Announced::NEVER, only));
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Which server gets a connection or a request: the one with the fewest relays for its weight.

/// What the choice may know about a server. The numbers may change at any time.
pub trait Server {
    /// The weight. A server of weight 0 gets nothing new.
    fn weight(&self) -> u32;
    /// The number of its relays.
    fn relays(&self) -> u32;
    /// Whether it has refused a connection or was not reached a short while ago.
    fn is_down(&self) -> bool;
}

/// The index of the server with the fewest relays for its weight, of those that `candidates` names and `is_tried` does not.
///
/// Servers that are down are passed over, unless all are. Of several with equal load, the one that comes first behind the
/// place `turn` in `candidates` is chosen, so that the requests of a single client do not all meet the first server; the caller
/// moves `turn` on with each choice. Returns [`None`] if no server has a weight.
pub fn choose<S: Server>(
    servers: &[S],
    candidates: &[u16],
    turn: usize,
    is_tried: impl Fn(u16) -> bool,
) -> Option<u16> {
    let turn = turn.checked_rem(candidates.len())?;
    let (first, second) = candidates.split_at_checked(turn)?;
    let mut best: Option<Load> = None;
    for index in second.iter().chain(first) {
        let server = servers.get(usize::from(*index));
        let Some(server) = server.filter(|_| !is_tried(*index)) else {
            continue;
        };
        let load = Load {
            index: *index,
            is_down: server.is_down(),
            relays: server.relays(),
            weight: server.weight(),
        };
        if load.weight > 0 && best.is_none_or(|best| load.is_less(&best)) {
            best = Some(load);
        }
    }
    best.map(|load| load.index)
}

/// What a server was found with.
#[derive(Clone, Copy)]
struct Load {
    index: u16,
    is_down: bool,
    relays: u32,
    weight: u32,
}

impl Load {
    /// Whether this server is to be preferred: the fractions of relays and weight are compared by products of 64 bits.
    fn is_less(&self, other: &Self) -> bool {
        let product = |relays: u32, weight: u32| u64::from(relays).wrapping_mul(u64::from(weight));
        let own = product(self.relays, other.weight);
        let others = product(other.relays, self.weight);
        match (self.is_down, other.is_down) {
            (false, true) => true,
            (true, false) => false,
            _ => own < others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    #[derive(Clone, Copy, Debug)]
    struct Fake(u32, u32, bool);

    impl Server for Fake {
        fn weight(&self) -> u32 {
            self.0
        }
        fn relays(&self) -> u32 {
            self.1
        }
        fn is_down(&self) -> bool {
            self.2
        }
    }

    fn chosen(servers: &[Fake], turn: usize) -> Option<u16> {
        let all: Vec<u16> = (0..servers.len() as u16).collect();
        choose(servers, &all, turn, |_| false)
    }

    #[test]
    fn the_fewest_relays_for_the_weight_win() {
        let up = |weight, relays| Fake(weight, relays, false);
        let down = |weight, relays| Fake(weight, relays, true);
        for (servers, turn, expected) in [
            (&[][..], 0, None),
            (&[up(0, 0)], 0, None),
            (&[up(1, 3), up(1, 2)], 0, Some(1)),
            (&[up(1, 2), up(3, 5)], 0, Some(1)),
            (&[up(1, 2), up(3, 7)], 0, Some(0)),
            (&[up(1, 0), up(9, 0), up(1, 0)], 0, Some(0)),
            (&[up(1, 0), up(9, 0), up(1, 0)], 1, Some(1)),
            (&[up(1, 0), up(9, 0), up(1, 0)], 2, Some(2)),
            (&[up(1, 0), up(9, 0), up(1, 0)], 3, Some(0)),
            (&[up(1, 0), up(1, 1), up(1, 0)], 1, Some(2)),
            (&[up(0, 0), up(1, 9)], 0, Some(1)),
            (&[down(1, 0), up(1, 9)], 0, Some(1)),
            (&[down(1, 4), down(1, 3)], 0, Some(1)),
            (&[down(1, 0), up(0, 0)], 0, Some(0)),
            (
                &[up(u32::MAX, u32::MAX), up(u32::MAX, u32::MAX - 1)],
                0,
                Some(1),
            ),
        ] {
            assert_eq!(chosen(servers, turn), expected, "{servers:?} {turn}");
        }
    }

    #[test]
    fn only_candidates_are_chosen_that_were_not_tried() {
        let servers = [Fake(1, 0, false), Fake(1, 5, false), Fake(1, 9, false)];
        assert_eq!(choose(&servers, &[1, 2], 0, |_| false), Some(1));
        assert_eq!(choose(&servers, &[1, 2], 0, |tried| tried == 1), Some(2));
        assert_eq!(choose(&servers, &[1, 7], 0, |tried| tried == 1), None);
    }

    proptest! {
        #[test]
        fn nobody_has_less_for_its_weight(
            servers in vec((0_u32..5, 0_u32..9, any::<bool>()), 1..6),
            turn in any::<usize>(),
        ) {
            let servers: Vec<_> = servers.iter().map(|it| Fake(it.0, it.1, it.2)).collect();
            let eligible = |down: bool| servers.iter().filter(move |it| it.0 > 0 && it.2 == down);
            let best = eligible(false).chain(eligible(true)).next();
            match chosen(&servers, turn) {
                None => prop_assert!(best.is_none()),
                Some(index) => {
                    let found = servers[usize::from(index)];
                    prop_assert!(found.0 > 0 && found.2 == best.unwrap().2);
                    for other in eligible(found.2) {
                        prop_assert!(found.1 * other.0 <= other.1 * found.0);
                    }
                }
            }
        }
    }
}

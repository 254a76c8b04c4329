// SPDX-License-Identifier: GPL-2.0

//! From one table to another: the fewest changes, and how to undo them.

mod carry;
mod model;

use ipvs_netlink::{DestKey, DestSettings, Method, Request, ServiceKey, ServiceSettings};

pub use self::carry::{carry_out, Outcome};
pub use self::model::Model;
use self::model::Pool;

/// A change, and the changes that undo it, to be made in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The change.
    pub change: Request,
    /// How it is undone.
    pub undo: Vec<Request>,
}

impl Step {
    /// Whether something is lost that undoing does not bring back: counters, connections.
    pub const fn removes(&self) -> bool {
        matches!(
            self.change,
            Request::DeleteService(_) | Request::DeleteDest(..)
        )
    }
}

/// The fewest changes that make `live` what `wanted` is: what is new comes first, and all that is
/// gone last, so that no service is without its servers in between.
pub fn difference(live: &Model, wanted: &Model) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, settings, pool) in wanted.services() {
        match live.get(key) {
            None => {
                let undo = vec![Request::DeleteService(*key)];
                steps.push(Step {
                    change: Request::AddService(*key, *settings),
                    undo,
                });
                for (dest, settings) in pool {
                    // Goes with its service.
                    steps.push(Step {
                        change: Request::AddDest(*key, *dest, *settings),
                        undo: vec![],
                    });
                }
            }
            Some((_, old, old_pool)) => {
                if !same_service(old, settings) {
                    let undo = vec![Request::EditService(*key, *old)];
                    steps.push(Step {
                        change: Request::EditService(*key, *settings),
                        undo,
                    });
                }
                pool_difference(&mut steps, key, old_pool, pool);
            }
        }
    }
    for (key, settings, pool) in live.services() {
        if wanted.get(key).is_none() {
            let mut undo = vec![Request::AddService(*key, *settings)];
            undo.extend(
                pool.iter()
                    .map(|(dest, settings)| Request::AddDest(*key, *dest, *settings)),
            );
            steps.push(Step {
                change: Request::DeleteService(*key),
                undo,
            });
        }
    }
    // A stable sort.
    steps.sort_by_key(Step::removes);
    steps
}

fn pool_difference(steps: &mut Vec<Step>, key: &ServiceKey, old: &Pool, new: &Pool) {
    let find = |pool: &Pool, wanted: &DestKey| {
        pool.iter()
            .find(|(known, _)| known == wanted)
            .map(|(_, settings)| *settings)
    };
    for (dest, settings) in new {
        match find(old, dest) {
            None => steps.push(Step {
                change: Request::AddDest(*key, *dest, *settings),
                undo: vec![Request::DeleteDest(*key, *dest)],
            }),
            Some(before) if !same_dest(&before, settings) => steps.push(Step {
                change: Request::EditDest(*key, *dest, *settings),
                undo: vec![Request::EditDest(*key, *dest, before)],
            }),
            Some(_) => {}
        }
    }
    for (dest, settings) in old {
        if find(new, dest).is_none() {
            steps.push(Step {
                change: Request::DeleteDest(*key, *dest),
                undo: vec![Request::AddDest(*key, *dest, *settings)],
            });
        }
    }
}

/// Whether an edit would change nothing.
fn same_service(one: &ServiceSettings, other: &ServiceSettings) -> bool {
    one == other
}

/// Whether an edit would change nothing. The kernel makes a local server of one whose address is
/// its own; and only tunnels have a kind.
fn same_dest(live: &DestSettings, wanted: &DestSettings) -> bool {
    let method = live.method == wanted.method || live.method == Method::LocalNode;
    let tunnel = wanted.method != Method::Tunnel || live.tunnel == wanted.tunnel;
    method
        && tunnel
        && live.weight == wanted.weight
        && live.upper == wanted.upper
        && live.lower == wanted.lower
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::command::Command;
    use crate::error::Asked;
    use crate::names::Services;
    use crate::restore::parse_line;

    /// What a rule asks for.
    pub(crate) fn line(text: &str) -> (Request, Asked) {
        match parse_line("ipvsadm", text, &Services::parse("")) {
            Ok(Some(Command::Change(request, asked))) => (request, asked),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The table that rules make.
    pub(crate) fn model(rules: &str) -> Model {
        let mut model = Model::default();
        for (request, asked) in rules.lines().map(line) {
            model.apply(&request, asked).unwrap();
        }
        model
    }

    pub(crate) const ONE: &str = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1 -m\n-a -t 10.0.0.1:80 -r 10.1.0.2 -m\n-A -f 7 -s wlc";
    const OTHER: &str = "-A -t 10.0.0.1:80 -s wrr\n-a -t 10.0.0.1:80 -r 10.1.0.2 -m -w 9\n-a -t 10.0.0.1:80 -r 10.1.0.3 -m\n-A -u 10.0.0.1:53";

    #[test]
    fn equal_tables_need_no_change() {
        assert_eq!(difference(&model(ONE), &model(ONE)), vec![]);
    }

    #[test]
    fn services_that_are_not_named_can_stay() {
        let wanted = model("-A -t 10.0.0.1:80 -s rr");
        let live = model(ONE).among(&wanted);
        let steps = difference(&live, &wanted);
        let gone = |step: &Step| matches!(step.change, Request::DeleteDest(..));
        assert_eq!(steps.len(), 2);
        assert!(steps.iter().all(gone), "{steps:?}");
    }

    #[test]
    fn what_is_new_comes_before_what_is_gone() {
        let steps = difference(&model(ONE), &model(OTHER));
        let words: Vec<String> = steps
            .iter()
            .map(|step| crate::print::rules::request(&crate::names::Names::new(true), &step.change))
            .collect();
        assert_eq!(
            words.concat(),
            "-E -t 10.0.0.1:80 -s wrr\n\
             -e -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 9\n\
             -a -t 10.0.0.1:80 -r 10.1.0.3:80 -m -w 1\n\
             -A -u 10.0.0.1:53 -s wlc\n\
             -d -t 10.0.0.1:80 -r 10.1.0.1:80\n\
             -D -f 7\n"
        );
    }
}

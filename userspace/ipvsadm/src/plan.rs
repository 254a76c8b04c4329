// SPDX-License-Identifier: GPL-2.0

//! From one table to another: the fewest changes, and how to undo them.

use std::collections::HashMap;

use ipvs_netlink::{
    Dest, DestKey, DestSettings, Errno, Method, Request, Service, ServiceKey, ServiceSettings,
    WholeService,
};

use crate::error::{words, Asked};

/// The servers of a service, in the order in which they were added.
type Pool = Vec<(DestKey, DestSettings)>;

/// Services with their servers, without counters.
#[derive(Clone, Debug, Default)]
pub struct Model {
    services: Vec<WholeService>,
    places: HashMap<ServiceKey, usize>,
}

impl Model {
    /// The table of the kernel.
    pub fn of_table(table: &[(Service, Vec<Dest>)]) -> Self {
        let mut model = Self::default();
        for (service, dests) in table {
            let settings = ServiceSettings {
                flags: service.settings.own_flags(),
                ..service.settings
            };
            // The newest server comes first.
            let pool = dests
                .iter()
                .rev()
                .map(|dest| (dest.key, dest.settings))
                .collect();
            model.insert(service.key, settings, pool);
        }
        model
    }

    /// The services with their servers.
    pub fn services(&self) -> &[WholeService] {
        &self.services
    }

    fn insert(&mut self, key: ServiceKey, settings: ServiceSettings, pool: Pool) {
        self.places.insert(key, self.services.len());
        self.services.push((key, settings, pool));
    }

    fn find(&mut self, key: &ServiceKey) -> Option<&mut WholeService> {
        let place = *self.places.get(key)?;
        self.services.get_mut(place)
    }

    fn get(&self, key: &ServiceKey) -> Option<&WholeService> {
        self.services.get(*self.places.get(key)?)
    }

    /// Does to the model what a request does to the table.
    ///
    /// # Errors
    ///
    /// What the kernel would refuse, in its words; and what is no change of the table.
    pub fn apply(&mut self, request: &Request, asked: Asked) -> Result<(), String> {
        let fail = |errno| Err(words(asked, errno));
        match *request {
            Request::Flush => *self = Self::default(),
            Request::AddService(key, settings) => {
                if self.places.contains_key(&key) {
                    return fail(Errno::EEXIST);
                }
                self.insert(key, settings, Pool::new());
            }
            Request::EditService(key, settings) => match self.find(&key) {
                Some(found) => found.1 = settings,
                None => return fail(Errno::ESRCH),
            },
            Request::DeleteService(key) => match self.places.remove(&key) {
                Some(place) => {
                    self.services.remove(place);
                    self.places
                        .values_mut()
                        .filter(|p| **p > place)
                        .for_each(|p| *p = p.saturating_sub(1));
                }
                None => return fail(Errno::ESRCH),
            },
            Request::AddDest(key, dest, settings) => match self.find(&key) {
                None => return fail(Errno::ESRCH),
                Some((.., pool)) if pool.iter().any(|(known, _)| *known == dest) => {
                    return fail(Errno::EEXIST);
                }
                Some((.., pool)) => pool.push((dest, settings)),
            },
            Request::EditDest(key, dest, settings) => match self.find(&key) {
                None => return fail(Errno::ESRCH),
                Some((.., pool)) => match pool.iter_mut().find(|(known, _)| *known == dest) {
                    Some(found) => found.1 = settings,
                    None => return fail(Errno::ENOENT),
                },
            },
            Request::DeleteDest(key, dest) => match self.find(&key) {
                None => return fail(Errno::ESRCH),
                Some((.., pool)) => match pool.iter().position(|(known, _)| *known == dest) {
                    Some(place) => drop(pool.remove(place)),
                    None => return fail(Errno::ENOENT),
                },
            },
            Request::StartDaemon(_)
            | Request::StopDaemon(_)
            | Request::SetTimeouts(_)
            | Request::Zero(_) => {
                return Err("Only services and servers can be restored as a whole".to_owned());
            }
        }
        Ok(())
    }
}

/// A change, and the changes that undo it, to be made in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The change.
    pub change: Request,
    /// How it is undone.
    pub undo: Vec<Request>,
}

/// The fewest changes that make `live` what `wanted` is: what is new comes first, what is gone
/// last, so that no service is without its servers in between.
pub fn difference(live: &Model, wanted: &Model) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, settings, pool) in &wanted.services {
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
    for (key, settings, pool) in &live.services {
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
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::names::Services;
    use crate::restore::parse_line;

    fn model(rules: &str) -> Model {
        let mut model = Model::default();
        for line in rules.lines() {
            match parse_line("ipvsadm", line, &Services::parse("")) {
                Ok(Some(Command::Change(request, asked))) => model.apply(&request, asked).unwrap(),
                other => panic!("{line}: {other:?}"),
            }
        }
        model
    }

    const ONE: &str = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1 -m\n-a -t 10.0.0.1:80 -r 10.1.0.2 -m\n-A -f 7 -s wlc";
    const OTHER: &str = "-A -t 10.0.0.1:80 -s wrr\n-a -t 10.0.0.1:80 -r 10.1.0.2 -m -w 9\n-a -t 10.0.0.1:80 -r 10.1.0.3 -m\n-A -u 10.0.0.1:53";

    #[test]
    fn equal_tables_need_no_change() {
        assert_eq!(difference(&model(ONE), &model(ONE)), vec![]);
    }

    #[test]
    fn changes_lead_to_the_other_table_and_their_undoing_back() {
        let (one, other) = (model(ONE), model(OTHER));
        let steps = difference(&one, &other);
        assert_eq!(steps.len(), 6);
        let mut live = one.clone();
        for step in &steps {
            live.apply(&step.change, Asked::Other).unwrap();
        }
        assert_eq!(difference(&live, &other), vec![]);
        for request in steps.iter().rev().flat_map(|step| &step.undo) {
            live.apply(request, Asked::Other).unwrap();
        }
        assert_eq!(difference(&live, &one), vec![]);
    }

    #[test]
    fn refuses_what_the_kernel_would_refuse() {
        let mut one = model(ONE);
        let line = |text| match parse_line("ipvsadm", text, &Services::parse("")) {
            Ok(Some(Command::Change(request, asked))) => (request, asked),
            other => panic!("{other:?}"),
        };
        for (text, expected) in [
            ("-A -t 10.0.0.1:80", "Service already exists"),
            ("-D -t 10.0.0.9:80", "No such service"),
            ("-a -t 10.0.0.9:80 -r 10.1.0.1", "Service not defined"),
            (
                "-a -t 10.0.0.1:80 -r 10.1.0.1",
                "Destination already exists",
            ),
            ("-d -t 10.0.0.1:80 -r 10.1.0.9", "No such destination"),
        ] {
            let (request, asked) = line(text);
            assert_eq!(
                one.apply(&request, asked),
                Err(expected.to_owned()),
                "{text}"
            );
        }
    }
}

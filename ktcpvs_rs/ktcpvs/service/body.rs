// SPDX-License-Identifier: GPL-2.0

//! What a service is configured to. A body never changes: a change makes another one and publishes it.

use ipvs_core::{
    addr::{Addr, Family},
    config::Name,
};
use kernel::{prelude::*, sync};
use knet::{
    rcu::Arc,
    vec::{position, VecExt},
};
use ktcpvs_core::{message::Endpoint, rules};

use super::automaton::{Automaton, Refusal};
use crate::{
    scheduler::{Member, Weak},
    server::Server,
};

/// The settings of a service.
#[derive(Clone, Copy)]
pub(crate) struct Config {
    /// Where it listens; the port may be 0 as long as it does not.
    pub(crate) listen: Endpoint,
    pub(crate) scheduler: Name,
    /// The numbers of [`Number::ALL`](ktcpvs_core::message::Number::ALL).
    pub(crate) numbers: [u16; 5],
    /// The server that stands in for others.
    pub(crate) redirect: Option<Endpoint>,
    /// The longest body of a request.
    pub(crate) max_body: u64,
}

impl Config {
    /// What a service has of which nothing is said.
    pub(crate) fn new(scheduler: Name) -> Self {
        Self {
            listen: Endpoint {
                family: Family::V4,
                addr: Addr::ZERO,
                port: 8080,
            },
            scheduler,
            numbers: [8, 65_535, 6, 18, 64],
            redirect: None,
            max_body: u64::MAX,
        }
    }

    /// The greatest number of relays.
    pub(crate) fn max_clients(&self) -> usize {
        let [_, most, ..] = self.numbers;
        most.into()
    }
}

/// A rule.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) pattern: sync::Arc<KVec<u8>>,
    pub(crate) group: u8,
    pub(crate) server: Arc<Server>,
}

/// A body that is being made.
pub(crate) struct Draft {
    pub(crate) config: Config,
    pub(crate) members: KVec<Member>,
    pub(crate) rules: KVec<Rule>,
}

impl Draft {
    /// A body with no servers.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            members: KVec::new(),
            rules: KVec::new(),
        }
    }

    /// The place of a server.
    pub(crate) fn find(&self, at: &Endpoint) -> Option<usize> {
        position(&self.members, |member| member.server.at() == at)
    }

    /// The server at an address.
    pub(crate) fn server(&self, at: &Endpoint) -> Option<&Arc<Server>> {
        let member = self.members.get(self.find(at)?)?;
        Some(&member.server)
    }
}

/// The patterns of a service, and who answers to each.
struct Choices {
    automaton: Option<Automaton>,
    /// For each pattern, in the order in which they are tried, the place behind its servers in `servers`.
    ends: KVec<u16>,
    servers: KVec<u16>,
}

/// What a service is configured to.
pub(crate) struct Body {
    pub(crate) config: Config,
    pub(crate) scheduler: Weak,
    pub(crate) members: KVec<Member>,
    pub(crate) rules: KVec<Rule>,
    /// All indices of `members`.
    pub(crate) everyone: KVec<u16>,
    choices: Choices,
}

impl Body {
    /// Makes a body. May sleep.
    pub(crate) fn new(draft: Draft, scheduler: Weak) -> Result<Arc<Self>, Refusal> {
        let mut everyone = KVec::new();
        for index in (0..u16::MAX).take(draft.members.len()) {
            everyone.append(index)?;
        }
        let choices = Choices::new(&draft)?;
        let Draft {
            config,
            members,
            rules,
        } = draft;
        Ok(Arc::new(
            Self {
                config,
                scheduler,
                members,
                rules,
                everyone,
                choices,
            },
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// A draft with all that is here.
    pub(crate) fn draft(&self) -> Result<Draft> {
        let mut draft = Draft::new(self.config);
        draft.members.make_room(self.members.len())?;
        for member in &self.members {
            draft.members.append(member.clone())?;
        }
        draft.rules.make_room(self.rules.len())?;
        for rule in &self.rules {
            draft.rules.append(rule.clone())?;
        }
        Ok(draft)
    }

    /// The servers of the first rule that matches, by their index.
    pub(crate) fn matched(&self, path: &[u8]) -> Option<&[u16]> {
        let choices = &self.choices;
        let pattern = choices.automaton.as_ref()?.first_match(path)?;
        let end = *choices.ends.get(pattern)?;
        let start = pattern
            .checked_sub(1)
            .and_then(|before| choices.ends.get(before));
        let start = start.copied().unwrap_or(0);
        choices.servers.get(start.into()..end.into())
    }

    /// The number of states of the automaton.
    pub(crate) fn states(&self) -> usize {
        self.choices.automaton.as_ref().map_or(0, Automaton::states)
    }

    /// The server at an address, and its weight.
    pub(crate) fn server(&self, at: &Endpoint) -> Option<&Arc<Server>> {
        let mut servers = self.members.iter().map(|member| &member.server);
        servers.find(|server| server.at() == at)
    }
}

impl Choices {
    fn new(draft: &Draft) -> Result<Self, Refusal> {
        let mut choices = Self {
            automaton: None,
            ends: KVec::new(),
            servers: KVec::new(),
        };
        if draft.rules.is_empty() {
            return Ok(choices);
        }
        let mut order = KVec::new();
        for _ in &draft.rules {
            order.append(0_u16)?;
        }
        let pattern_of = |place: u16| {
            let rule = draft.rules.get(usize::from(place));
            rule.map_or(&[][..], |rule| rule.pattern.as_slice())
        };
        rules::arrange(pattern_of, &mut order);
        let mut patterns: KVec<&[u8]> = KVec::new();
        for place in &order {
            let Some(rule) = draft.rules.get(usize::from(*place)) else {
                continue;
            };
            let index = position(&draft.members, |member| member.server.ptr_eq(&rule.server));
            let index = index.and_then(|index| u16::try_from(index).ok());
            if patterns
                .last()
                .is_none_or(|last| *last != rule.pattern.as_slice())
            {
                patterns.append(rule.pattern.as_slice())?;
                choices.ends.append(0)?;
            }
            if let Some(index) = index {
                choices.servers.append(index)?;
            }
            // CAST: The number of rules is bounded below that.
            let end = choices.servers.len() as u16;
            if let Some(last) = choices.ends.last_mut() {
                *last = end;
            }
        }
        choices.automaton = Some(Automaton::new(&patterns)?);
        Ok(choices)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A table as values, to which requests are done as the kernel does them.

use std::collections::HashMap;

use ipvs_netlink::{
    Dest, DestKey, DestSettings, Errno, Request, Service, ServiceKey, ServiceSettings, WholeService,
};

use crate::error::{words, Asked};

/// The servers of a service, in the order in which they were added.
pub(super) type Pool = Vec<(DestKey, DestSettings)>;

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
            let mut settings = service.settings;
            settings.flags = settings.own_flags();
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

    /// Only the services that another table has, too.
    #[must_use]
    pub fn among(self, other: &Self) -> Self {
        let mut model = Self::default();
        for (key, settings, pool) in self.services {
            if other.get(&key).is_some() {
                model.insert(key, settings, pool);
            }
        }
        model
    }

    fn insert(&mut self, key: ServiceKey, settings: ServiceSettings, pool: Pool) {
        self.places.insert(key, self.services.len());
        self.services.push((key, settings, pool));
    }

    fn find(&mut self, key: &ServiceKey) -> Option<&mut WholeService> {
        let place = *self.places.get(key)?;
        self.services.get_mut(place)
    }

    /// A service with its servers.
    pub fn get(&self, key: &ServiceKey) -> Option<&WholeService> {
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
            _ => {
                return Err("Only services and servers can be restored as a whole".to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::tests::{line, model, ONE};

    #[test]
    fn refuses_what_the_kernel_would_refuse() {
        let mut one = model(ONE);
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

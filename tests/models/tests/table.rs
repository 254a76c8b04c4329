// SPDX-License-Identifier: GPL-2.0

//! The hash table: searches, insertions, removals and walks while it changes its size, or against each other.

#![forbid(unsafe_code)]

use ipvs_models::{check, fails_when_weak};
use knet_loom::{
    alloc::KBox,
    field,
    hashtable::{Cursor, InsertError, Node, Table},
    prelude::GFP_KERNEL,
    rcu::{self, Arc},
    watched::Watched,
};
use loom::{sync::Arc as Shared, thread};
use std::pin::Pin;

/// An object of the table.
struct Entry {
    number: u32,
    node: Node<Entry>,
    contents: Watched,
}

fn entry(number: u32) -> Arc<Entry> {
    let (node, contents) = (Node::new(1), Watched::new());
    let entry = Entry {
        number,
        node,
        contents,
    };
    Arc::new(entry, GFP_KERNEL).expect("memory enough")
}

/// The numbers are spread over all stripes and buckets; 0 and 4 share theirs.
fn hash(number: u32) -> u32 {
    (number << 30) | number
}

struct Model(Pin<KBox<Table<Entry>>>);

impl Model {
    /// A table of four buckets, with these entries.
    fn with(numbers: &[u32]) -> Shared<Self> {
        let table = KBox::pin_init(Table::new(1), GFP_KERNEL).expect("memory enough");
        table.resize(2).expect("memory enough");
        let model = Self(table);
        for number in numbers {
            model.insert(*number).expect("it is new");
        }
        Shared::new(model)
    }

    fn insert(&self, number: u32) -> Result<Arc<Entry>, InsertError> {
        let (entry, guard) = (entry(number), rcu::read_lock());
        let is_same = |other: &Entry, _| other.number == number;
        self.0
            .insert(&entry, field!(Entry, node), hash(number), &guard, is_same)?;
        Ok(entry)
    }

    fn has(&self, number: u32) -> bool {
        let guard = rcu::read_lock();
        let found = self
            .0
            .find(hash(number), &guard, |entry, _| entry.number == number);
        found.is_some_and(|(entry, tag)| {
            assert_eq!(tag, 1);
            entry.get().contents.read();
            true
        })
    }

    fn remove(&self, entry: &Arc<Entry>) -> bool {
        self.0.remove(&entry.node).is_some()
    }

    /// All numbers, as a walk meets them.
    fn walk(&self) -> Vec<u32> {
        let (mut cursor, mut numbers) = (Cursor::default(), Vec::new());
        loop {
            // A section for each step, as listings have.
            let guard = rcu::read_lock();
            let Some((entry, _)) = self.0.next(&mut cursor, &guard) else {
                return numbers;
            };
            numbers.push(entry.get().number);
        }
    }
}

/// Doubles the number of buckets, in a thread of its own.
fn grow(model: &Shared<Model>) -> thread::JoinHandle<()> {
    let model = model.clone();
    thread::spawn(move || model.0.resize(3).expect("memory enough"))
}

/// What is left of the objects is dropped, and loom looks how.
fn end(model: Shared<Model>) {
    drop(model);
    rcu::barrier(1);
}

#[test]
fn a_search_finds_what_is_there_while_the_table_grows() {
    check(|| {
        let model = Model::with(&[0, 4]);
        let growing = grow(&model);
        assert!(model.has(0) && model.has(4) && !model.has(1));
        growing.join().unwrap();
        assert!(model.has(0) && model.has(4) && !model.has(1));
        end(model);
    });
}

#[test]
fn an_insertion_is_found_after_a_resize_that_it_met() {
    check(|| {
        let model = Model::with(&[0]);
        let growing = grow(&model);
        let entry = model.insert(4).unwrap();
        assert!(model.has(4));
        growing.join().unwrap();
        assert_eq!(model.walk(), [0, 4]);
        assert!(model.remove(&entry) && !model.has(4));
        drop(entry);
        end(model);
    });
}

#[test]
fn a_removal_holds_after_a_resize_that_it_met() {
    check(|| {
        let model = Model::with(&[0]);
        let entry = model.insert(4).unwrap();
        let growing = grow(&model);
        assert!(model.remove(&entry) && !model.remove(&entry));
        drop(entry);
        growing.join().unwrap();
        assert_eq!(model.walk(), [0]);
        end(model);
    });
}

#[test]
fn a_walk_meets_each_once_while_the_table_grows() {
    check(|| {
        let model = Model::with(&[0, 4, 3]);
        let growing = grow(&model);
        assert_eq!(model.walk(), [0, 4, 3]);
        growing.join().unwrap();
        end(model);
    });
}

#[test]
fn one_of_two_insertions_of_a_key_succeeds() {
    check(|| {
        let model = Model::with(&[0]);
        let other = model.clone();
        let second = thread::spawn(move || other.insert(4).is_ok());
        let first = model.insert(4).is_ok();
        assert!(first ^ second.join().unwrap());
        assert_eq!(model.walk(), [0, 4]);
        rcu::barrier(1);
        end(model);
    });
}

#[test]
fn one_of_two_removals_succeeds() {
    check(|| {
        let model = Model::with(&[0]);
        let entry = model.insert(4).unwrap();
        let (other, same) = (model.clone(), entry.clone());
        let expiry = thread::spawn(move || other.remove(&same));
        let deletion = model.remove(&entry);
        assert!(deletion ^ expiry.join().unwrap());
        drop(entry);
        rcu::barrier(1);
        assert_eq!(model.walk(), [0]);
        end(model);
    });
}

#[test]
fn a_search_an_expiry_an_insertion_and_a_resize_at_once() {
    check(|| {
        let model = Model::with(&[0]);
        let entry = model.insert(4).unwrap();
        let growing = grow(&model);
        let other = model.clone();
        let changing = thread::spawn(move || {
            drop(other.insert(8).unwrap());
            assert!(other.remove(&entry));
        });
        assert!(model.has(0));
        growing.join().unwrap();
        changing.join().unwrap();
        assert_eq!(model.walk(), [0, 8]);
        end(model);
    });
}

/// A search against an expiry, which drops the object, and an insertion of the same key.
fn search_against_expiry() {
    let model = Model::with(&[0]);
    let entry = model.insert(4).unwrap();
    let other = model.clone();
    let expiry = thread::spawn(move || {
        assert!(other.remove(&entry));
        drop(entry);
        rcu::barrier(1);
        drop(other.insert(4).unwrap());
    });
    // There or not, it can be read, and the one behind which it stands is always found.
    model.has(4);
    assert!(model.has(0));
    expiry.join().unwrap();
    assert!(model.has(4));
    end(model);
}

#[test]
fn an_expired_object_stays_for_those_who_found_it() {
    check(search_against_expiry);
}

#[test]
fn it_is_seen_when_publication_has_no_order() {
    fails_when_weak(search_against_expiry);
}

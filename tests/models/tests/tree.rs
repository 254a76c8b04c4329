// SPDX-License-Identifier: GPL-2.0

//! The tree of what is linked within itself, against a plain list.

#![forbid(unsafe_code)]

use knet_loom::{
    prelude::GFP_KERNEL,
    rcu::Arc,
    tree::{Link, Linked, Tree},
};

struct Item {
    number: u64,
    hash: u64,
    link: Link<Item>,
}

impl Linked for Item {
    fn link(&self) -> &Link<Self> {
        &self.link
    }
}

/// Some hashes are the same, and some differ in the highest bit only.
fn hash(number: u64) -> u64 {
    match number % 8 {
        0 => 0,
        1 => 1 << 63,
        _ => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}

fn item(number: u64) -> Arc<Item> {
    let hash = hash(number);
    let link = Link::new();
    Arc::new(Item { number, hash, link }, GFP_KERNEL).expect("memory enough")
}

fn find(tree: &Tree<Item>, item: &Item) -> Option<Arc<Item>> {
    tree.find(item.hash, |other| other.number == item.number)
}

/// One thread, and more steps than loom takes by itself.
fn alone(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 1_000_000;
    builder.check(model);
}

#[test]
fn finds_what_is_there_and_nothing_else() {
    alone(|| {
        let mut tree = Tree::new();
        let items: Vec<_> = (0..40).map(item).collect();
        let mut present = [false; 40];
        // Each is put in and taken out several times, in ever another order.
        for step in 0..400_usize {
            let at = step * step % 37 + step % 4;
            let (item, is_there) = (&items[at], &mut present[at]);
            match *is_there {
                true => assert!(tree.remove(item).is_some_and(|was| was.ptr_eq(item))),
                false => tree.insert(item.clone(), item.hash),
            }
            *is_there = !*is_there;
            if step % 16 == 0 {
                for (item, is_there) in items.iter().zip(present) {
                    assert_eq!(find(&tree, item).is_some(), is_there, "{}", item.number);
                }
            }
        }
        assert!(present.contains(&true) && present.contains(&false));
        for (item, is_there) in items.iter().zip(&mut present) {
            if !*is_there {
                assert!(tree.remove(item).is_none());
            }
        }
        while let Some(item) = tree.pop() {
            assert!(
                std::mem::take(&mut present[item.number as usize]),
                "it was taken out"
            );
        }
        assert!(tree.is_empty() && !present.contains(&true));
    });
}

#[test]
fn who_has_no_memory_can_take_everything_out() {
    alone(|| {
        let mut tree = Tree::new();
        (0..8).for_each(|number| tree.insert(item(number), hash(number)));
        let order: Vec<_> = std::iter::from_fn(|| tree.pop()).collect();
        assert_eq!(order.len(), 8);
        for item in order {
            let hash = item.hash;
            tree.insert(item, hash);
        }
        assert!(!tree.is_empty());
        while tree.pop().is_some() {}
        assert!(tree.is_empty());
    });
}

#[test]
fn what_was_pushed_is_found_once_it_has_settled_and_can_be_taken_out_before() {
    alone(|| {
        let mut tree = Tree::new();
        let items: Vec<_> = (0..24).map(item).collect();
        for (number, item) in items.iter().enumerate() {
            match number % 3 {
                0 => tree.insert(item.clone(), item.hash),
                _ => tree.push(item.clone()),
            }
        }
        assert!(!tree.is_empty() && find(&tree, &items[1]).is_none());
        // The last two were pushed, so they come first.
        let first: Vec<_> = (0..2).filter_map(|_| tree.pop()).collect();
        assert!(first[0].ptr_eq(&items[23]) && first[1].ptr_eq(&items[22]));
        tree.settle(|item| item.hash);
        for (number, item) in items.iter().enumerate() {
            assert_eq!(find(&tree, item).is_some(), number < 22, "{number}");
        }
        for item in &items[..22] {
            assert!(tree.remove(item).is_some_and(|was| was.ptr_eq(item)));
        }
        assert!(tree.is_empty());
        for item in items {
            tree.push(item);
        }
        // Loom looks whether all that a tree is dropped with is freed.
        drop(tree);
    });
}

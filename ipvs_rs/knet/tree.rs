// SPDX-License-Identifier: GPL-2.0

//! A search tree that allocates nothing: the links are in its objects.
//!
//! It is a digital search tree: each level consumes one bit of an object's hash, which selects the child.
//! An object stays in the first place that was free on this path.
//!
//! ```text
//!                 1011
//!             0 /      \ 1          the lowest bit first
//!           0110        0101
//!         0 /  \ 1     0 /
//!       1100   0010   1001
//! ```
//!
//! With hashes that an attacker cannot predict, the path to one of n objects has about log2 n levels.
//! Objects of equal hash are one below the other.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::{rcu::Arc, tree::{Link, Linked, Tree}};
//! struct Host {
//!     addr: u64,
//!     link: Link<Host>,
//! }
//!
//! impl Linked for Host {
//!     fn link(&self) -> &Link<Self> {
//!         &self.link
//!     }
//! }
//!
//! let mut tree = Tree::new();
//! tree.insert(Arc::new(Host { addr: 1, link: Link::new() }, GFP_KERNEL)?, 0x9E37);
//! let host = tree.find(0x9E37, |host| host.addr == 1).ok_or(ENOENT)?;
//! assert!(tree.remove(&host).is_some());
//! # Ok::<(), Error>(())
//! ```

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::rcu::{self, Arc, Guard, Slot};

/// The part of an object that links it up in a [`Tree`].
pub struct Link<T: Send + Sync + 'static> {
    /// The hash of the object in its tree. It has no meaning before the object is in a tree.
    hash: AtomicU64,
    children: [Slot<T>; 2],
}

impl<T: Send + Sync> Link<T> {
    /// A link for an object that is in no tree yet.
    pub fn new() -> Self {
        Self {
            hash: AtomicU64::new(0),
            children: [Slot::empty(), Slot::empty()],
        }
    }

    /// The hash that the object has in its tree.
    fn hash(&self) -> u64 {
        self.hash.load(Relaxed)
    }

    /// The child that the lowest of `bits` selects.
    fn child(&self, bits: u64) -> &Slot<T> {
        let [zero, one] = &self.children;
        match bits & 1 {
            0 => zero,
            _ => one,
        }
    }

    /// The slot of one of the children, if there is a child.
    fn some_child(&self, guard: &Guard) -> Option<&Slot<T>> {
        let mut children = self.children.iter();
        children.find(|child| child.load(guard).is_some())
    }
}

impl<T: Send + Sync> Default for Link<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// An object that can be in one [`Tree`] at a time.
pub trait Linked: Send + Sync + Sized + 'static {
    /// The link of the object.
    fn link(&self) -> &Link<Self>;
}

/// A tree of objects, which holds a reference to each of them.
pub struct Tree<T: Linked> {
    root: Slot<T>,
    /// Objects that [`Tree::settle`] is to give their places, each linked to the next by its first child.
    loose: Slot<T>,
}

impl<T: Linked> Tree<T> {
    /// An empty tree.
    pub const fn new() -> Self {
        Self {
            root: Slot::empty(),
            loose: Slot::empty(),
        }
    }

    /// Whether the tree has no objects.
    pub fn is_empty(&self) -> bool {
        let guard = rcu::read_lock();
        self.root.load(&guard).is_none() && self.loose.load(&guard).is_none()
    }

    /// The place of the object with this hash for which `is_it` holds, or a free place for it.
    fn place<'g>(&'g self, hash: u64, guard: &'g Guard, is_it: impl Fn(&T) -> bool) -> &'g Slot<T> {
        let (mut place, mut bits) = (&self.root, hash);
        while let Some(object) = place.load(guard) {
            let object = object.get();
            if object.link().hash() == hash && is_it(object) {
                break;
            }
            place = object.link().child(bits);
            bits = bits.rotate_right(1);
        }
        place
    }

    /// The object of this hash for which `is_it` holds.
    pub fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        self.place(hash, &rcu::read_lock(), is_it).get()
    }

    /// Inserts an object that is in no tree under this hash.
    pub fn insert(&mut self, object: Arc<T>, hash: u64) {
        object.link().hash.store(hash, Relaxed);
        let guard = rcu::read_lock();
        let place = self.place(hash, &guard, |_| false);
        // The place was empty.
        let _ = place.replace(Some(object));
    }

    /// Adds an object that is in no tree. It is found once [`Tree::settle`] has worked out its hash, which costs nothing if
    /// nobody looks for it meanwhile.
    pub fn push(&mut self, object: Arc<T>) {
        drop(object.link().child(0).replace(self.loose.replace(None)));
        drop(self.loose.replace(Some(object)));
    }

    /// Inserts all objects of [`Tree::push`] under the hash that `hash` computes.
    pub fn settle(&mut self, hash: impl Fn(&T) -> u64) {
        while let Some(object) = self.pop_loose() {
            let hash = hash(&object);
            self.insert(object, hash);
        }
    }

    fn pop_loose(&mut self) -> Option<Arc<T>> {
        let first = self.loose.replace(None)?;
        drop(self.loose.replace(first.link().child(0).replace(None)));
        Some(first)
    }

    /// Removes an object that a search can find. Returns [`None`] if it is not in the tree.
    pub fn remove(&mut self, object: &Arc<T>) -> Option<Arc<T>> {
        let guard = rcu::read_lock();
        let is_it = |other: &T| core::ptr::eq(other, &raw const **object);
        let place = self.place(object.link().hash(), &guard, is_it);
        place.load(&guard)?;
        // Any object below the removed object may take its place.
        let leaf = take_leaf(place, &guard)?;
        if leaf.ptr_eq(object) {
            return Some(leaf);
        }
        for (from, to) in object.link().children.iter().zip(&leaf.link().children) {
            drop(to.replace(from.replace(None)));
        }
        place.replace(Some(leaf))
    }

    /// Removes any object.
    pub fn pop(&mut self) -> Option<Arc<T>> {
        self.pop_loose()
            .or_else(|| take_leaf(&self.root, &rcu::read_lock()))
    }
}

impl<T: Linked> Drop for Tree<T> {
    /// Objects are dropped one by one. An object that its parent drops would wait for one grace period more than the
    /// parent.
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl<T: Linked> Default for Tree<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Removes an object without children: the object at `place`, or an object below it.
fn take_leaf<'g, T: Linked>(mut place: &'g Slot<T>, guard: &'g Guard) -> Option<Arc<T>> {
    while let Some(child) = place.load(guard)?.get().link().some_child(guard) {
        place = child;
    }
    place.replace(None)
}

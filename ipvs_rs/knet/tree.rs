// SPDX-License-Identifier: GPL-2.0

//! A search tree that allocates nothing: the links are in its objects.
//!
//! It is a digital search tree: the bits of an object's hash, one for each level, tell the way to
//! it, and it stays at the first free place on that way.
//!
//! ```text
//!                 1011
//!             0 /      \ 1          the lowest bit first
//!           0110        0101
//!         0 /  \ 1     0 /
//!       1100   0010   1001
//! ```
//!
//! With hashes that nobody can aim at, the way to one of n objects is about log2 n long. Objects of
//! one hash lie one below the other.
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
    /// Of no meaning as long as the object was in no tree.
    hash: AtomicU64,
    children: [Slot<T>; 2],
}

impl<T: Send + Sync> Link<T> {
    /// For an object that is in no tree yet.
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

    /// The child on the way that `bits` tell.
    fn child(&self, bits: u64) -> &Slot<T> {
        let [zero, one] = &self.children;
        match bits & 1 {
            0 => zero,
            _ => one,
        }
    }

    /// A child that is there.
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

/// An object that can be in a [`Tree`], but in one only, and once.
pub trait Linked: Send + Sync + Sized + 'static {
    /// The link.
    fn link(&self) -> &Link<Self>;
}

/// Objects, which it keeps.
///
/// Dropped, it gives up each of them.
pub struct Tree<T: Linked> {
    root: Slot<T>,
    /// Objects that [`Tree::settle`] is to give their places, each linked to the next by its first child.
    loose: Slot<T>,
}

impl<T: Linked> Tree<T> {
    /// A tree of nothing.
    pub const fn new() -> Self {
        Self {
            root: Slot::empty(),
            loose: Slot::empty(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        let guard = rcu::read_lock();
        self.root.load(&guard).is_none() && self.loose.load(&guard).is_none()
    }

    /// The place of the object of this hash for which `is_it` holds, or a free one for it.
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

    /// Adds an object that is in no tree, to be found under this hash.
    pub fn insert(&mut self, object: Arc<T>, hash: u64) {
        object.link().hash.store(hash, Relaxed);
        let guard = rcu::read_lock();
        let place = self.place(hash, &guard, |_| false);
        // It was empty.
        let _ = place.replace(Some(object));
    }

    /// Adds an object that is in no tree. It is found once [`Tree::settle`] has worked out its hash, which costs nothing if
    /// nobody looks for it meanwhile.
    pub fn push(&mut self, object: Arc<T>) {
        drop(object.link().child(0).replace(self.loose.replace(None)));
        drop(self.loose.replace(Some(object)));
    }

    /// Lets all objects be found.
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

    /// Takes an object out that can be found. Returns [`None`] if it is not in the tree.
    pub fn remove(&mut self, object: &Arc<T>) -> Option<Arc<T>> {
        let guard = rcu::read_lock();
        let is_it = |other: &T| core::ptr::eq(other, &raw const **object);
        let place = self.place(object.link().hash(), &guard, is_it);
        place.load(&guard)?;
        // Whatever is below the object may take its place.
        let leaf = take_leaf(place, &guard)?;
        if leaf.ptr_eq(object) {
            return Some(leaf);
        }
        for (from, to) in object.link().children.iter().zip(&leaf.link().children) {
            drop(to.replace(from.replace(None)));
        }
        place.replace(Some(leaf))
    }

    /// Takes some object out.
    pub fn pop(&mut self) -> Option<Arc<T>> {
        self.pop_loose()
            .or_else(|| take_leaf(&self.root, &rcu::read_lock()))
    }
}

impl<T: Linked> Drop for Tree<T> {
    /// One by one: an object that went with its parent would wait for a grace period more than that.
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl<T: Linked> Default for Tree<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes out an object that has none below it: the one at `place`, or one below that.
fn take_leaf<'g, T: Linked>(mut place: &'g Slot<T>, guard: &'g Guard) -> Option<Arc<T>> {
    while let Some(child) = place.load(guard)?.get().link().some_child(guard) {
        place = child;
    }
    place.replace(None)
}

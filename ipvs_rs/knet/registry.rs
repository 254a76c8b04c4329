// SPDX-License-Identifier: GPL-2.0

//! Objects that other modules register by name, for the module that has the registry.
//!
//! ```text
//!   the other module               the module with the registry
//!   insert(object) ──────────────> find(name) ──> Held: its module stays loaded
//!        │                                          │ drop
//!   remove(name) <── exit begins, as nothing holds it ──┘
//! ```
//!
//! The exit of a module begins when its last reference is gone. What was made with an object of the module may
//! still wait for a grace period then, and be dropped by functions of the module: [`Registry::remove`] waits
//! for that.

use core::{ops::Deref, pin::Pin};
use kernel::{
    alloc::KVec,
    prelude::*,
    sync::{LockClassKey, Mutex},
    ThisModule,
};

use crate::{
    module::ModuleRef,
    rcu::{self, Arc, Guard, Slot},
    vec::VecExt,
};

/// An object that is known by a name.
pub trait Named: Sync {
    /// The name.
    fn name(&self) -> &'static str;
}

/// An object, and the module whose functions it consists of.
struct Entry<T: ?Sized + 'static> {
    object: &'static T,
    module: &'static ThisModule,
}

/// The objects of an open registry.
#[pin_data]
struct Entries<T: ?Sized + Named + 'static> {
    #[pin]
    all: Mutex<KVec<Entry<T>>>,
}

/// The registered objects of one kind, in a `static`.
pub struct Registry<T: ?Sized + Named + 'static>(Slot<Entries<T>>);

impl<T: ?Sized + Named> Registry<T> {
    /// A registry that is not open yet.
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self(Slot::empty())
    }

    /// Opens the registry until the result is dropped. `name` and `class` are those of its lock.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn open(
        &'static self,
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> Result<Opened<T>> {
        let entries = pin_init!(Entries {
            all <- Mutex::new(KVec::new(), name, class),
        });
        drop(self.0.replace(Some(Arc::pin_init(entries, GFP_KERNEL)?)));
        Ok(Opened(self))
    }

    /// Registers an object of `module`.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is an object of that name, `ENODEV` if the registry is not open, `ENOMEM`; what `also` fails
    /// with, which runs last, while nobody else registers an object.
    pub fn insert(
        &self,
        object: &'static T,
        module: &'static ThisModule,
        also: impl FnOnce() -> Result,
    ) -> Result {
        let entries = self.0.get().ok_or(ENODEV)?;
        let mut all = entries.all.lock();
        let name = object.name();
        if all.iter().any(|entry| entry.object.name() == name) {
            return Err(EEXIST);
        }
        all.make_room(1)?;
        also()?;
        // There is room.
        all.append(Entry { object, module })
    }

    /// Takes the object of a name out, lets `also` undo what that of [`insert`](Self::insert) did, and waits until
    /// nothing that was made with the object is left: for all read-side sections, and for the callbacks that drop what
    /// has lost its last reference. May sleep.
    ///
    /// To be called when the module of the object exits.
    pub fn remove(&self, name: &str, also: impl FnOnce()) {
        if let Some(entries) = self.0.get() {
            let mut all = entries.all.lock();
            also();
            all.keep_only(|entry| entry.object.name() != name);
        }
        rcu::synchronize();
        // Twice: for what was made with the object, and for what that owns and gives up a grace period later.
        rcu::barrier(2);
    }

    /// The object of a name, unless its module is on its way out.
    pub fn find(&self, name: &[u8]) -> Option<Held<T>> {
        let entries = self.0.get()?;
        let all = entries.all.lock();
        let entry = all
            .iter()
            .find(|entry| entry.object.name().as_bytes() == name)?;
        Some(Held {
            object: entry.object,
            module: ModuleRef::try_new(entry.module)?,
        })
    }
}

/// A registry is open as long as this exists.
pub struct Opened<T: ?Sized + Named + 'static>(&'static Registry<T>);

impl<T: ?Sized + Named> Drop for Opened<T> {
    fn drop(&mut self) {
        drop(self.0 .0.replace(None));
    }
}

/// An object of another module, which stays loaded meanwhile.
pub struct Held<T: ?Sized + 'static> {
    object: &'static T,
    module: ModuleRef,
}

impl<T: ?Sized> Held<T> {
    /// The object and its module, without a reference to the module.
    pub fn unheld(&self) -> Unheld<T> {
        Unheld {
            object: self.object,
            module: self.module.module(),
        }
    }
}

/// An object of another module, which this value does not keep loaded.
///
/// It belongs into what readers find until the last [`Held`] of the object is gone: the exit of the module waits for
/// these readers ([`Registry::remove`]), so the object is there for their read-side sections.
pub struct Unheld<T: ?Sized + 'static> {
    object: &'static T,
    module: &'static ThisModule,
}

impl<T: ?Sized> Unheld<T> {
    /// The object, until the end of the read-side section in which this value was found.
    #[inline]
    pub fn get<'g>(&self, _guard: &'g Guard) -> &'g T {
        self.object
    }

    /// The object with a reference to its module; [`None`] if the module is being unloaded.
    pub fn hold(&self, _guard: &Guard) -> Option<Held<T>> {
        Some(Held {
            object: self.object,
            module: ModuleRef::try_new(self.module)?,
        })
    }
}

impl<T: ?Sized> Clone for Unheld<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Unheld<T> {}

impl<T: ?Sized> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.object
    }
}

impl<T: ?Sized> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self {
            object: self.object,
            module: self.module.clone(),
        }
    }
}

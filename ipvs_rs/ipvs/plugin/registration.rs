// SPDX-License-Identifier: GPL-2.0

//! What all kinds of modules that plug in have in common.
//!
//! A module registers one object by name when it is loaded, and takes it back when it exits. Its struct holds the
//! registration, and [`plugin_module!`](crate::plugin_module) makes the module. A kind that users name is found by
//! [`Kind::find`], which loads the module of a name that is not there.

use core::pin::Pin;
use ipvs_core::config::Name;
use kernel::{prelude::*, str::BStr, sync::LockClassKey, ThisModule};
use knet::{
    log, module,
    registry::{Held, Named, Opened, Registry},
};

/// A kind of modules that plug in, in a `static`.
pub(super) struct Kind<T: ?Sized + Named + 'static> {
    registry: Registry<T>,
    /// What the log calls one of them.
    noun: &'static str,
}

impl<T: ?Sized + Named> Kind<T> {
    /// A kind without a list of its objects yet.
    pub(super) const fn new(noun: &'static str) -> Self {
        Self {
            registry: Registry::new(),
            noun,
        }
    }

    /// Opens the list. `name` and `class` are those of its lock.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn open(
        &'static self,
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> Result<Opened<T>> {
        self.registry.open(name, class)
    }

    /// Registers an object of `module`.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one of that name, `EINVAL` if the name is too long, `ENOMEM`; what `also` fails with, which
    /// publishes more of the object while nobody else registers one.
    pub(super) fn register(
        &self,
        object: &'static T,
        module: &'static ThisModule,
        also: impl FnOnce() -> Result,
    ) -> Result {
        let (name, noun) = (object.name(), self.noun);
        Name::new(name.as_bytes()).ok_or(EINVAL)?;
        let mut is_new = false;
        let registered = self.registry.insert(object, module, || {
            is_new = true;
            also()
        });
        match registered {
            Ok(()) => pr_info!("[{name}] {noun} registered.\n"),
            Err(EEXIST) if !is_new => pr_err!("[{name}] {noun} already registered\n"),
            Err(_) => {}
        }
        registered
    }

    /// Takes [`register`](Self::register) back, as `also` takes its own `also` back, and waits for all that is left of
    /// the object outside its module: see [`Registry::remove`]. May sleep.
    pub(super) fn unregister(&self, name: &str, also: impl FnOnce()) {
        self.registry.remove(name, also);
        pr_info!("[{name}] {} unregistered.\n", self.noun);
    }

    /// Finds an object that is registered already. May sleep.
    pub(super) fn registered(&self, name: &[u8]) -> Option<Held<T>> {
        self.registry.find(name)
    }

    /// Finds an object by name. If it is not there, loads the module that is called `prefix` and the name. May sleep.
    pub(super) fn find(&self, prefix: &str, name: &Name) -> Option<Held<T>> {
        let bytes = name.as_bytes();
        self.registry.find(bytes).or_else(|| {
            // An unsuccessful attempt shows in the next line.
            let _ = module::request_module(fmt!("{prefix}{}", BStr::from_bytes(bytes)));
            self.registry.find(bytes)
        })
    }
}

/// Tells the log that there is no module of a kind by a name.
#[cold]
pub(super) fn not_found(kind: &str, prefix: &str, name: &Name) {
    if log::net_ratelimit() {
        pr_info!(
            "{kind} module {prefix}{} not found\n",
            BStr::from_bytes(name.as_bytes())
        );
    }
}

/// Makes a module that holds a registration, and something more: a type, and a function that makes it.
///
/// The registration comes last. Nothing of the module fails after it, so others may use the object at once.
#[doc(hidden)]
#[macro_export]
macro_rules! plugin_module {
    (registration: $registration:ty, holds: $held:ty = $make:expr, $($rest:tt)*) => {
        struct PluginModule {
            _registration: $registration,
            _held: $held,
        }

        impl ::kernel::Module for PluginModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                let held = $make()?;
                Ok(Self {
                    _registration: <$registration>::new(module)?,
                    _held: held,
                })
            }
        }

        $crate::plugin::rcu_module! {
            type: PluginModule,
            $($rest)*
        }
    };
    (registration: $registration:ty, $($rest:tt)*) => {
        $crate::plugin_module! {
            registration: $registration,
            holds: () = || Ok::<_, ::kernel::error::Error>(()),
            $($rest)*
        }
    };
}

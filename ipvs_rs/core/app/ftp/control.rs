// SPDX-License-Identifier: GPL-2.0

//! The state of a control connection: which reply is to be rewritten.
//!
//! | state | PASV, EPSV | PORT, EPRT | another command | reply rewritten |
//! |---|---|---|---|---|
//! | active | asked | active | active | |
//! | asked | asked | active | asked | answered |
//! | answered | asked | active | active | answered |
//!
//! *Another command* includes PORT and EPRT with an argument that cannot be read, as the server refuses them.
//!
//! In the states *asked* and *answered*, replies of the form of the last PASV or EPSV are to be rewritten. In *answered* such a reply is
//! one that the server sends again, as the client did not get it. The next command shows that the client got it.
//!
//! The C module forgets the mode with the first reply, even if it had to drop that reply. Then the reply that the server sends
//! again reaches the client with the server's own address.

use super::{Command, Form};

/// Who opens the next data connection, as the client asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The server.
    #[default]
    Active,
    /// The client, to where the server's reply of this form leads.
    Passive(Form),
}

/// The state of a control connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    mode: Mode,
    is_answered: bool,
}

impl Control {
    /// Who opens the next data connection.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether a reply of this form is to be rewritten.
    pub fn expects(&self, form: Form) -> bool {
        self.mode == Mode::Passive(form)
    }

    /// Whether the reply to the last PASV or EPSV was rewritten.
    pub const fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// The client sent a command.
    pub fn command(&mut self, command: &Command) {
        let mode = match command {
            Command::Passive(form) => Mode::Passive(*form),
            Command::Active(..) => Mode::Active,
            Command::Malformed(_) | Command::Other if self.is_answered => Mode::Active,
            Command::Malformed(_) | Command::Other => return,
        };
        *self = Self {
            mode,
            is_answered: false,
        };
    }

    /// A reply was rewritten, and is sent on. A caller that could not rewrite a reply does not call this.
    pub fn rewritten(&mut self) {
        self.is_answered = self.mode != Mode::Active;
    }
}

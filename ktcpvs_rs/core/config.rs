// SPDX-License-Identifier: GPL-2.0

//! The configuration file, which is also the form of listings.
//!
//! ```text
//! file    = { "virtual" NAME "{" { item } "}" }
//! item    = "listen" "=" ADDR[:PORT] | "scheduler" "=" NAME | "redirect" "=" ADDR:PORT | "server" "=" ADDR[:PORT] WEIGHT
//!         | ("startservers" | "maxclients" | "minspareservers" | "maxspareservers") "=" 1..65535
//!         | "rule" "=" "pattern" STRING [ "match" 0..9 ] "use" "server" ADDR[:PORT]
//!         | ("forwarded" | "transparent" | "sni") "=" ("yes" | "no") | "proxy" "=" ("off" | "v2")
//!         | "trusted" "=" ADDR[/BITS] | "max_body" "=" BYTES | "idle" "=" N
//! ```
//!
//! Keywords have any case, and `#` goes to the end of the line. A string is a word, or stands between quotes; there `\"` is a quote,
//! and any other backslash stands for itself together with the byte behind it. A word ends at a blank, a quote, `#`, `=`, `{` and `}`.
//!
//! [`Parser`] gives one [`Item`] after the other, with its line, and stops at the first fault. [`Item::write`] writes it.

mod item;
mod parser;
mod place;
mod token;

pub use item::{Flag, Item, Number};
pub use parser::{Fault, Parser};
pub use place::{Host, Place, Port};
pub use token::Text;

/// The longest name of a service or a scheduler, in bytes.
pub const NAME_MAX: usize = 15;
/// The greatest number of a group, by which `hhttp` balances.
pub const GROUP_MAX: u8 = 9;

/// Whether this may be the name of a service or a scheduler.
pub fn is_name(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_MAX).contains(&name.len()) && name.iter().all(is_part)
}

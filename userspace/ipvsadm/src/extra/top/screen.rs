// SPDX-License-Identifier: GPL-2.0

//! The terminal: lines of one look each.

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::{Attribute, Color, Print, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    disable_raw_mode, enable_raw_mode, BeginSynchronizedUpdate, Clear, ClearType,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{execute, queue};

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ink {
    /// As all text.
    #[default]
    Plain,
    /// Bold.
    Bold,
    /// Light on dark where others are dark on light.
    Reversed,
    /// Grey.
    Grey,
    /// Red.
    Red,
}

/// A line of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its characters, each as wide as all others.
    pub(super) text: String,
    /// How they look.
    pub(super) ink: Ink,
}

impl Line {
    /// A line.
    pub(super) fn new(text: impl Into<String>, ink: Ink) -> Self {
        Self {
            text: text.into(),
            ink,
        }
    }
}

/// A terminal of which we have the whole screen, until it is dropped.
pub(super) struct Screen {
    out: io::BufWriter<io::Stdout>,
}

impl Screen {
    /// Takes the screen.
    pub(super) fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        let mut out = io::BufWriter::new(io::stdout());
        let taken = execute!(out, EnterAlternateScreen, Hide);
        let screen = Self { out };
        // What was taken is given back.
        taken.map(|()| screen)
    }

    /// Columns and rows.
    pub(super) fn size() -> io::Result<(usize, usize)> {
        let (width, height) = crossterm::terminal::size()?;
        Ok((usize::from(width), usize::from(height)))
    }

    /// Shows these lines and nothing else; what is longer than a line is cut off.
    pub(super) fn show(&mut self, lines: &[Line], width: usize) -> io::Result<()> {
        queue!(self.out, BeginSynchronizedUpdate)?;
        for (row, line) in (0_u16..).zip(lines) {
            let text: String = line.text.chars().take(width).collect();
            queue!(self.out, MoveTo(0, row))?;
            match line.ink {
                Ink::Plain => {}
                Ink::Bold => queue!(self.out, SetAttribute(Attribute::Bold))?,
                Ink::Reversed => queue!(self.out, SetAttribute(Attribute::Reverse))?,
                Ink::Grey => queue!(self.out, SetForegroundColor(Color::DarkGrey))?,
                Ink::Red => queue!(self.out, SetForegroundColor(Color::Red))?,
            }
            let reset = SetAttribute(Attribute::Reset);
            queue!(self.out, Print(text), reset, Clear(ClearType::UntilNewLine))?;
        }
        queue!(
            self.out,
            Clear(ClearType::FromCursorDown),
            EndSynchronizedUpdate
        )?;
        self.out.flush()
    }
}

impl Drop for Screen {
    /// Gives the screen back. Who does not take it has no use of an error.
    fn drop(&mut self) {
        let _ = execute!(self.out, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

//! Where output goes and how it looks. A closed pipe or a dead terminal harms nothing: the journal is the truth.

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Failure;
use crate::diagnostic::{
    Diagnostic, display,
    text::{self, Form, Style},
};

/// How output looks: told last in the help, below what a verb alone has.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// Whether to use colors; NO_COLOR is heeded.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Output", display_order = 100)]
    color: Color,
    /// What diagnostics are drawn with.
    #[arg(long, global = true, value_enum, default_value_t = Drawing::Unicode, value_name = "HOW", help_heading = "Output", display_order = 100)]
    drawing: Drawing,
    /// The width of lines; by default COLUMNS, the terminal's, or 100.
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..=1000), help_heading = "Output", display_order = 100)]
    width: Option<u16>,
    /// Say nothing but results and errors.
    #[arg(long, short, global = true, help_heading = "Output", display_order = 100)]
    quiet: bool,
    /// Show each command as well.
    #[arg(long, short, global = true, conflicts_with = "quiet", help_heading = "Output", display_order = 100)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Drawing {
    /// Lines and arrows.
    Unicode,
    /// The same in ASCII.
    Ascii,
    /// Sentences, for screen readers and braille.
    Narrated,
}

/// stdout and stderr.
#[derive(Debug)]
pub(super) struct Terminal {
    style: Style,
    quiet: bool,
    verbose: bool,
    /// Whether stderr is a terminal.
    person: bool,
    /// Whether bars can be drawn on it.
    live: bool,
}

/// The most diagnostics that are shown.
const MOST: usize = 50;

impl Terminal {
    pub(super) fn new(look: &Look) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match look.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let form = match look.drawing {
            Drawing::Unicode => Form::Unicode,
            Drawing::Ascii => Form::Ascii,
            Drawing::Narrated => Form::Narrated,
        };
        let width = look.width.map_or_else(|| width(terminal).unwrap_or(100), usize::from);
        // A screen reader would read every redraw.
        let live =
            terminal && !look.quiet && form != Form::Narrated && std::env::var("TERM").is_ok_and(|t| t != "dumb");
        Self { style: Style { form, color, width }, quiet: look.quiet, verbose: look.verbose, person: terminal, live }
    }

    /// Whether bars can be drawn on stderr.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// Whether each command is to be shown.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether there are colors.
    pub(super) fn is_colored(&self) -> bool {
        self.style.color
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    /// Whether drawings are to be of ASCII alone.
    pub(super) fn is_ascii(&self) -> bool {
        self.style.form == Form::Ascii
    }

    /// A result, to stdout.
    pub(super) fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// A result for machines, to stdout.
    pub(super) fn print_json(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.print(&(text + "\n")),
            Err(error) => self.say(&format!("cannot be written as JSON: {error}")),
        }
    }

    /// A text for stderr, its lines broken between words where a person reads them, and what follows indented. Elsewhere a
    /// fact is one line, which can be searched for.
    pub(super) fn broken(&self, text: &str, indent: usize) -> String {
        if !self.person {
            return text.to_owned();
        }
        let indent = " ".repeat(indent);
        let options = textwrap::Options::new(self.style.width)
            .subsequent_indent(&indent)
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = text.split('\n').map(|line| textwrap::fill(line, &options));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Something for people, to stderr.
    pub(super) fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _closed = writeln!(err, "{text}").and_then(|()| err.flush());
    }

    /// Something that a quiet run leaves out.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        if !diagnostics.is_empty() {
            self.say(text::render(diagnostics, &self.style, MOST).trim_end());
            self.say("");
        }
    }

    pub(super) fn fail(&self, failure: &Failure) {
        self.diagnostics(&failure.diagnostics);
        let message = match failure.message.is_empty() {
            true if failure.diagnostics.is_empty() => String::new(),
            true => text::summary(&failure.diagnostics),
            false => printable(&failure.message),
        };
        self.say(&self.broken(&format!("{}{message}", self.paint("1;31", "error: ")), 7));
        if let Some(help) = &failure.help {
            self.say(&self.broken(&format!("{}{}", self.paint("36", " help: "), printable(help)), 7));
        }
    }

    /// A text in a color, where there are colors.
    pub(super) fn paint(&self, code: &str, text: &str) -> String {
        match self.style.color {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

/// A text that comes from elsewhere, without anything that could drive the terminal or the CI that reads it.
pub(super) fn printable(text: &str) -> String {
    let text: Vec<String> = text.split('\n').map(harmless).collect();
    display::printable(&text.join("\n"))
}

/// GitHub takes a line that begins with `::`, or has `##[` in it, for a command to itself, and Azure `##vso[`.
fn harmless(line: &str) -> String {
    let line = line.replace("##[", "## [").replace("##vso[", "## vso[");
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => line,
    }
}

fn width(terminal: bool) -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let is = || terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0));
    let columns: usize = told.or_else(|| terminal.then(is).flatten())?;
    Some(columns.clamp(40, 1000))
}

//! Text of others made fit for a terminal: no character in it can move the cursor, hide or turn round its neighbours.

/// Whether a character acts on the terminal or is not seen: controls, bidirectional controls, zero-width ones, fillers.
///
/// Combining characters stay: they are part of what a person reads.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Adds a character, as an escape such as `\u{1b}` where it is unsafe.
pub(crate) fn push(out: &mut String, c: char) {
    if is_unsafe(c) {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// A whole text, on as many lines as it has.
pub(crate) fn printable(text: &str) -> String {
    lines(text, usize::MAX)
}

/// A text on one line, of at most so many characters before escapes.
pub(super) fn line(text: &str, most: usize) -> String {
    clipped(text, most, |_| false)
}

/// A text that may have several lines, of at most so many characters before escapes.
pub(super) fn lines(text: &str, most: usize) -> String {
    clipped(&text.replace("\r\n", "\n"), most, |c| c == '\n')
}

fn clipped(text: &str, most: usize, keep: fn(char) -> bool) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(most) {
        if keep(c) {
            out.push(c);
        } else {
            push(&mut out, c);
        }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

//! Text from elsewhere as HTML.

use crate::diagnostic::display;

/// Escapes for elements and for quoted attributes; what could drive a terminal or turn the order of reading is shown by
/// its number.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c => display::push(&mut escaped, c),
        }
    }
    escaped
}

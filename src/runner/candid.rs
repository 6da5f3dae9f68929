//! Whether two Candid texts say the same.
//!
//! People write `(5)`, icp prints `(5 : nat)` and spreads records over lines with a separator at their end; numbers may be
//! grouped by underscores. None of that has a meaning. Types are compared only where the plan states one. A single text
//! that holds JSON on both sides is compared as JSON, whatever the order of its keys.

/// Whether an answer is what was expected.
pub(super) fn same(wanted: &str, is: &str) -> bool {
    let (wanted, is) = (pieces(wanted), pieces(is));
    let typed = wanted.contains(&Piece::Sign(':'));
    let is = if typed { is } else { untyped(is) };
    wanted == is || json(&wanted).is_some_and(|wanted| json(&is) == Some(wanted))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A text, with its quotes and escapes as they stand.
    Text(String),
    /// A word or number.
    Word(String),
    /// Any other character.
    Sign(char),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                let (mut quoted, mut escaped) = (String::from('"'), false);
                for c in rest.by_ref() {
                    quoted.push(c);
                    if c == '"' && !escaped {
                        break;
                    }
                    escaped = c == '\\' && !escaped;
                }
                pieces.push(Piece::Text(quoted));
            }
            c if c.is_whitespace() => {}
            c if is_of_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|c| is_of_word(*c)) {
                    word.push(c);
                }
                // Digits may be grouped; names keep their underscores.
                let number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
                pieces.push(Piece::Word(if number { word.replace('_', "") } else { word }));
            }
            // A separator at the end separates nothing.
            ')' | '}' => {
                pieces.pop_if(|last| matches!(last, Piece::Sign(',' | ';')));
                pieces.push(Piece::Sign(c));
            }
            c => pieces.push(Piece::Sign(c)),
        }
    }
    pieces
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || "_.+-".contains(c)
}

/// Without `: nat` and the like.
fn untyped(pieces: Vec<Piece>) -> Vec<Piece> {
    let (mut out, mut skip) = (Vec::with_capacity(pieces.len()), false);
    for piece in pieces {
        match (&piece, skip) {
            (Piece::Sign(':'), _) => skip = true,
            (Piece::Word(_), true) => skip = false,
            _ => {
                skip = false;
                out.push(piece);
            }
        }
    }
    out
}

/// The JSON in a single text, if that is what the pieces are. Escapes of Candid texts that JSON lacks make it none.
fn json(pieces: &[Piece]) -> Option<serde_json::Value> {
    let [Piece::Sign('('), Piece::Text(quoted), Piece::Sign(')')] = pieces else { return None };
    let text: String = serde_json::from_str(&quoted.replace("\\'", "'")).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn what_has_no_meaning_is_not_compared() {
        for (wanted, is) in [
            ("(true)", "(true)\n"),
            ("()", "()"),
            ("(5)", "(5 : nat)"),
            ("(1000 : nat)", "(\n  1_000 : nat,\n)"),
            ("(record { a = 1; b = \"x\" })", "(record {\n  a = 1 : nat;\n  b = \"x\";\n})"),
            ("(opt record { null })", "(opt record { null : null })"),
            ("(\"{\\\"a\\\":1,\\\"b\\\":[2]}\")", "(\"{ \\\"b\\\": [2], \\\"a\\\": 1 }\")"),
            ("(-5)", "(-5 : int)"),
        ] {
            assert!(same(wanted, is), "{wanted} {is}");
        }
    }

    #[test]
    fn what_has_one_is() {
        for (wanted, is) in [
            ("(true)", "(false)"),
            ("(5 : nat)", "(5 : nat64)"),
            ("(\"a b\")", "(\"ab\")"),
            ("(\"a,)\")", "(\"a)\")"),
            ("(\"1_0\")", "(\"10\")"),
            ("(a_b)", "(ab)"),
            ("(opt 5)", "(5)"),
            ("(1, 2)", "(12)"),
            ("(\"{\\\"a\\\":1}\")", "(\"{\\\"a\\\":2}\")"),
            ("(\"x\")", "(\"x\\\"\")"),
            ("(true)", ""),
        ] {
            assert!(!same(wanted, is), "{wanted} {is}");
        }
    }
}

//! Changes a JSON text in one place.

use std::ops::Range;

use fastrand::Rng;
use icp_restore::json::Json;

/// A changed text, and what of it is the change.
pub(super) struct Mutant {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// Where the change is; a label on any of these is right.
    pub(super) places: Vec<Range<usize>>,
    /// Whether a label must lie on the whole of a place, or only touch it.
    pub(super) whole: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Retype,
    Remove,
    Duplicate,
    Rename,
    Number,
    Text,
    Swap,
}

/// A value with its key, if it has one, and the value that it is part of.
struct Node<'a> {
    key: Option<Range<usize>>,
    value: Json<'a>,
    parent: Json<'a>,
}

/// Every change of one kind in every place.
pub(super) fn mutants(text: &str, rng: &mut Rng) -> Vec<Mutant> {
    let mut nodes = Vec::new();
    collect(Json::parse(text).unwrap(), &mut nodes);
    let texts: Vec<&str> = nodes.iter().map(|node| node.value.raw()).filter(|raw| raw.starts_with('"')).collect();
    let mut mutants = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let span = node.value.span();
        let mut put = |kind, token: &str| {
            if token != node.value.raw() {
                mutants.push(replace(text, kind, &[(span.clone(), token)]));
            }
        };
        let tokens = [
            "null",
            "1",
            "-1",
            "1.0",
            "70000",
            "1e3",
            "18446744073709551616",
            "\"x\"",
            "true",
            "[]",
            "{}",
            "[1]",
            "{\"a\":null}",
            "-0",
        ];
        for _ in 0..3 {
            put(Kind::Retype, tokens[rng.usize(..tokens.len())]);
        }
        let raw = node.value.raw();
        if let Ok(number) = raw.parse::<u64>() {
            put(Kind::Number, &(number + 1).to_string());
            put(Kind::Number, &(number + rng.u64(2..100)).to_string());
            put(Kind::Number, &number.saturating_sub(1).to_string());
        }
        if raw.starts_with('"') {
            put(Kind::Text, "\"\"");
            put(Kind::Text, "\" \\t\"");
            put(Kind::Text, &raw.to_uppercase());
            put(Kind::Text, &format!("{{{raw}: null}}"));
            put(Kind::Text, &raw.replacen('a', "\\u0061", 1));
            put(Kind::Text, texts[rng.usize(..texts.len())]);
            put(Kind::Text, &raw.replacen(|c: char| c.is_ascii_digit(), "", 1));
        }
        mutants.push(remove(text, node));
        if let Some(key) = &node.key {
            let entry = &text[key.start..span.end];
            let mut twice = text.to_owned();
            let insert = format!(", {entry}");
            twice.insert_str(span.end, &insert);
            let second = span.end + 2..span.end + 2 + key.len();
            mutants.push(Mutant { kind: Kind::Duplicate, text: twice, places: vec![key.clone(), second], whole: true });
            let name = &text[key.start + 1..key.end - 1];
            for renamed in
                [format!("\"{name}x\""), "\"other\"".to_owned(), format!("\"{}\"", name.replacen('e', "\\u0065", 1))]
            {
                mutants.push(replace(text, Kind::Rename, &[(key.clone(), &renamed)]));
            }
        }
        let sibling =
            nodes.iter().enumerate().skip(at + 1).filter(|(_, other)| other.parent.span() == node.parent.span());
        let siblings: Vec<_> = sibling.map(|(_, other)| other).collect();
        if !siblings.is_empty() {
            let other = siblings[rng.usize(..siblings.len())];
            if other.value.raw() != raw {
                mutants.push(replace(
                    text,
                    Kind::Swap,
                    &[(span.clone(), other.value.raw()), (other.value.span(), raw)],
                ));
            }
        }
    }
    mutants
}

fn collect<'a>(value: Json<'a>, nodes: &mut Vec<Node<'a>>) {
    for entry in value.entries() {
        nodes.push(Node { key: Some(entry.key_span), value: entry.value, parent: value });
        collect(entry.value, nodes);
    }
    for item in value.items() {
        nodes.push(Node { key: None, value: item, parent: value });
        collect(item, nodes);
    }
}

fn replace(text: &str, kind: Kind, tokens: &[(Range<usize>, &str)]) -> Mutant {
    let mut out = String::new();
    let mut places = Vec::new();
    let mut from = 0;
    for (span, token) in tokens {
        out.push_str(&text[from..span.start]);
        places.push(out.len()..out.len() + token.len());
        out.push_str(token);
        from = span.end;
    }
    out.push_str(&text[from..]);
    // Of two swapped objects, no label need lie on the whole.
    let whole = tokens.iter().all(|(_, token)| !token.starts_with(['{', '[']) || token.len() < 12 && *token != "[1]");
    Mutant { kind, text: out, places, whole }
}

fn remove(text: &str, node: &Node<'_>) -> Mutant {
    let value = node.value.span();
    let start = node.key.as_ref().map_or(value.start, |key| key.start);
    let before = text[..start].trim_end();
    let after = text[value.end..].len() - text[value.end..].trim_start().len();
    let (start, end) = match (before.ends_with(','), text[value.end + after..].starts_with(',')) {
        (_, true) => (start, value.end + after + 1),
        (true, false) => (before.len() - 1, value.end),
        (false, false) => (start, value.end),
    };
    let parent = node.parent.span();
    let parent = parent.start..parent.end - (end - start);
    Mutant {
        kind: Kind::Remove,
        text: format!("{}{}", &text[..start], &text[end..]),
        places: vec![parent],
        whole: false,
    }
}

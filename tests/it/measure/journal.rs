//! Mutations of journals: as an editor leaves them, and with sums and chain made right again by one who knows how.

#![cfg(test)]

use std::{ops::Range, process::Command};

use fastrand::Rng;
use icp_restore::{diagnostic::Diagnostic, id::Digest, journal, json::Json};

use super::table::{Table, covers};

/// A journal that the program itself wrote: a rehearsal in which replies are lost and commands refused.
pub(crate) fn written(faults: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_icp-restore"));
    command.args(["rehearse", "plans/demo.toml", "--keep"]).arg(folder.path());
    for fault in faults {
        command.args(["--fault", fault]);
    }
    let output = command.output().unwrap();
    let journal = folder.path().join("demo.journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap_or_default();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(str::to_owned).collect()
}

pub(crate) fn said(lines: &[String]) -> Vec<Diagnostic> {
    journal::check::bytes("x.jsonl", (lines.join("\n") + "\n").into_bytes())
}

/// Makes chain and sums right from a line on.
pub(crate) fn rechain(lines: &mut [String], from: usize) {
    for at in from..lines.len() {
        let prev = if at == 0 { "0".repeat(64) } else { Digest::of(&lines[at - 1]).to_string() };
        let start = lines[at].find("\"prev\":\"").unwrap() + 8;
        lines[at].replace_range(start..start + 64, &prev);
        resum(&mut lines[at]);
    }
}

/// Makes the sum of a line right.
pub(crate) fn resum(line: &mut String) {
    line.truncate(line.rfind(",\"sum\":\"").unwrap());
    let sum = Digest::of(&line).to_string();
    line.push_str(&format!(",\"sum\":\"{}\"}}", &sum[..16]));
}

/// Offsets of lines.
fn start(lines: &[String], at: usize) -> usize {
    lines[..at].iter().map(|line| line.len() + 1).sum()
}

/// The place of a field in a line.
fn place(line: &str, path: &[&str]) -> Option<Range<usize>> {
    let mut at = Json::parse(line).ok()?;
    for key in path {
        at = at.get(key)?;
    }
    Some(at.span())
}

/// Scalars of a line, without its sum, with their places; keys too.
fn tokens(json: Json<'_>, keys: &mut Vec<Range<usize>>, values: &mut Vec<Range<usize>>) {
    let (entries, items) = (json.entries(), json.items());
    if entries.is_empty() && items.is_empty() && json.span().len() < 80 && json.raw() != "{}" && json.raw() != "[]" {
        values.push(json.span());
    }
    for entry in entries {
        if entry.key != "sum" {
            keys.push(entry.key_span.clone());
            tokens(entry.value, keys, values);
        }
    }
    items.into_iter().for_each(|item| tokens(item, keys, values));
}

fn slip(word: &str, rng: &mut Rng) -> Option<String> {
    let places: Vec<usize> = (0..word.len()).filter(|&at| word.as_bytes()[at].is_ascii_alphanumeric()).collect();
    let at = *rng.choice(&places)?;
    let mut bytes = word.as_bytes().to_vec();
    let digit = bytes[at].is_ascii_digit();
    bytes[at] = if digit { b'0' + rng.u8(..10) } else { b'a' + rng.u8(..26) };
    let text = String::from_utf8(bytes).ok()?;
    (text != word).then_some(text)
}

/// A mutation as an editor makes it.
fn raw(kind: &str, base: &[String], rng: &mut Rng) -> Option<(Vec<String>, Vec<Range<usize>>)> {
    let mut lines = base.to_vec();
    // The first line, with the plan in it, as often as all others together would be too much of it.
    let at = rng.usize(..lines.len());
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    tokens(Json::parse(&lines[at]).ok()?, &mut keys, &mut values);
    let put = |mut lines: Vec<String>, span: Range<usize>, text: &str| {
        let from = start(&lines, at) + span.start;
        lines[at].replace_range(span, text);
        Some((lines, vec![from..from + text.len().max(1)]))
    };
    let value = rng.choice(&values)?.clone();
    let word = lines[at][value.clone()].to_owned();
    match kind {
        "character of a value" => put(lines, value, &slip(&word, rng)?),
        "digit of a hash" => {
            let span = place(&lines[at], rng.choice([["prev"].as_slice(), &["receipt", "module-hash"]])?)?;
            let word = slip(&lines[at][span.clone()], rng)?;
            put(lines, span, &word)
        }
        "digit of a sum" => {
            let span = place(&lines[at], &["sum"]).filter(|_| at + 1 < base.len())?;
            let word = slip(&lines[at][span.clone()], rng)?;
            put(lines, span, &word)
        }
        "value retyped" => match word.strip_prefix('"') {
            Some(_) => put(lines, value, rng.choice(["17", "null", "true"])?),
            None => put(lines, value, &format!("\"{word}\"")),
        },
        "key renamed" => {
            let span = rng.choice(&keys)?.clone();
            let word = slip(&lines[at][span.clone()], rng)?;
            put(lines, span, &word)
        }
        "quote removed" => {
            let quotes: Vec<usize> =
                lines[at].match_indices('"').map(|(at, _)| at).filter(|&q| q < lines[at].len() - 30).collect();
            let quote = *rng.choice(&quotes)?;
            let from = start(&lines, at) + quote;
            lines[at].remove(quote);
            Some((lines, vec![from.saturating_sub(1)..from + 2]))
        }
        "attempt changed" => {
            let span = place(&lines[at], &["attempt"])?;
            put(lines, span, rng.choice(["0", "2", "3", "7"])?).filter(|(lines, _)| lines != base)
        }
        "line dropped" => {
            lines.remove(at);
            let from = (at < lines.len()).then(|| start(&lines, at))?;
            Some((lines.clone(), vec![from..from + lines[at].len()]))
        }
        "line doubled" => {
            lines.insert(at + 1, lines[at].clone());
            let from = start(&lines, at + 1);
            Some((lines.clone(), vec![from..from + lines[at].len()]))
        }
        "lines swapped" => {
            if at + 1 >= lines.len() {
                return None;
            }
            lines.swap(at, at + 1);
            let from = start(&lines, at);
            Some((lines.clone(), vec![from..from + lines[at].len() + 1 + lines[at + 1].len()]))
        }
        _ => None,
    }
}

const RAW: &[&str] = &[
    "character of a value",
    "digit of a hash",
    "digit of a sum",
    "value retyped",
    "key renamed",
    "quote removed",
    "attempt changed",
    "line dropped",
    "line doubled",
    "lines swapped",
];

/// A mutation by one who makes the chain right again: only what it contradicts gives it away.
fn chained(kind: &str, base: &[String], rng: &mut Rng) -> Option<(Vec<String>, Vec<Range<usize>>)> {
    let mut lines = base.to_vec();
    let at = rng.usize(1..lines.len());
    let line = lines[at].clone();
    let is = |word: &str| line.contains(&format!("\"event\":\"{word}\""));
    let number = |path: &[&str]| -> Option<u32> { line[place(&line, path)?].parse().ok() };
    let mut set = |path: &[&str], text: String| {
        let span = place(&lines[at], path)?;
        if lines[at][span.clone()] == text {
            return None;
        }
        lines[at].replace_range(span.clone(), &text);
        rechain(&mut lines, at);
        let from = start(&lines, at) + span.start;
        Some((lines.clone(), vec![from..from + text.len()]))
    };
    let principals = ["rrkah-fqaaa-aaaaa-aaaaq-cai", "ryjl3-tyaaa-aaaaa-aaaba-cai", "rkp4c-7iaaa-aaaaa-aaaca-cai"];
    match kind {
        "attempt changed" => set(&["attempt"], (number(&["attempt"])? + rng.u32(1..3)).to_string()),
        "operation of a claim" if is("claimed") => set(&["operation"], rng.u32(..29).to_string()),
        "operation of a receipt" if is("finished") => set(&["operation"], rng.u32(..29).to_string()),
        "operation that is none" => set(&["operation"], "77".to_owned()),
        "kind of a receipt" => {
            set(&["receipt", "kind"], format!("\"{}\"", rng.choice(["load-snapshot", "stop-canister"])?))
        }
        "source of a receipt" => set(&["receipt", "source"], format!("\"{}\"", rng.choice(principals)?)),
        "target of a receipt" => set(&["receipt", "target"], format!("\"{}\"", rng.choice(principals)?)),
        "outcome" if is("finished") && line.contains("\"code\":0") => {
            set(&["receipt", "outcome"], "\"rejected\"".to_owned())
        }
        "exit status" if is("finished") && line.contains("\"completed\"") => {
            set(&["receipt", "exit", "code"], "1".to_owned())
        }
        "snapshot that was uploaded" if line.contains("\"kind\":\"upload-snapshot\"") && is("finished") => {
            set(&["receipt", "snapshot-id"], "\"000000000000009900000000000000010101\"".to_owned())
        }
        "snapshot that was loaded" if line.contains("\"kind\":\"load-snapshot\"") && is("finished") => {
            set(&["receipt", "snapshot-id"], "\"000000000000009900000000000000010101\"".to_owned())
        }
        "snapshot in a load command" if line.contains("\"restore\"") && is("claimed") => {
            let args = place(&line, &["command", "args"])?;
            let at_id = line.find("\"restore\"")? + 10 + 30;
            let id = at_id..line[at_id..].find(',')? + at_id;
            lines[at].replace_range(id, "\"000000000000009900000000000000010101\"");
            rechain(&mut lines, at);
            let from = start(&lines, at);
            Some((lines, vec![from + args.start..from + args.end]))
        }
        "time set back" => set(&["at"], "\"2020-01-01T00:00:00Z\"".to_owned()),
        "time set forward" if at + 2 < base.len() => set(&["at"], "\"2046-01-01T00:00:00Z\"".to_owned()),
        "end before its start" => set(&["receipt", "ended"], "\"2020-01-01T00:00:00Z\"".to_owned()),
        "start after its end" => set(&["receipt", "started"], "\"2046-01-01T00:00:00Z\"".to_owned()),
        "event replaced" if is("finished") => set(&["event"], "\"adopted\"".to_owned()),
        "receipt dropped" if is("finished") && !line.contains("fleet") => {
            let operation = number(&["operation"])?;
            lines.remove(at);
            rechain(&mut lines, at);
            let mut at = 0;
            // What comes next of the operation, or of those that wait for it: a claim in any case, or the end.
            let places = lines.iter().filter_map(|line| {
                let span = place(line, &["operation"]).or_else(|| place(line, &["verdict"]));
                let span = span.map(|span| at + span.start..at + span.end);
                at += line.len() + 1;
                span
            });
            let _ = operation;
            Some((lines.clone(), places.collect()))
        }
        "claim dropped" if is("claimed") => {
            let operation = number(&["operation"])?;
            lines.remove(at);
            rechain(&mut lines, at);
            let next = (at..lines.len()).find(|&n| lines[n].contains(&format!("\"operation\":{operation},")))?;
            let (from, span) = (start(&lines, next), place(&lines[next], &["operation"])?);
            Some((lines, vec![from + span.start..from + span.end]))
        }
        "line doubled" if number(&["operation"]).is_some() => {
            lines.insert(at + 1, line.clone());
            rechain(&mut lines, at + 1);
            let from = start(&lines, at + 1);
            Some((lines.clone(), vec![from..from + lines[at + 1].len()]))
        }
        "claim and receipt swapped" if is("claimed") && at + 1 < lines.len() => {
            let operation = number(&["operation"])?;
            lines[at + 1].contains(&format!("\"operation\":{operation},")).then_some(())?;
            lines.swap(at, at + 1);
            rechain(&mut lines, at);
            let from = start(&lines, at);
            Some((lines.clone(), vec![from..from + lines[at].len() + 1 + lines[at + 1].len()]))
        }
        "digest of the plan" => {
            let span = place(&lines[0], &["digest"])?;
            let word = slip(&lines[0][span.clone()], rng)?;
            lines[0].replace_range(span.clone(), &word);
            rechain(&mut lines, 0);
            Some((lines, vec![span]))
        }
        "operation of the plan" => {
            let json = Json::parse(&base[0]).ok()?;
            let items = json.get("operations")?.items();
            let span = rng.choice(&items)?.get(rng.choice(["kind", "source", "target"])?)?.span();
            let word = if lines[0][span.clone()].contains("-cai") {
                format!("\"{}\"", principals[rng.usize(..3)])
            } else {
                "\"take-snapshot\"".to_owned()
            };
            if lines[0][span.clone()] == word {
                return None;
            }
            lines[0].replace_range(span.clone(), &word);
            rechain(&mut lines, 0);
            Some((lines, vec![span.start..span.start + word.len()]))
        }
        _ => None,
    }
}

const CHAINED: &[&str] = &[
    "attempt changed",
    "operation of a claim",
    "operation of a receipt",
    "operation that is none",
    "kind of a receipt",
    "source of a receipt",
    "target of a receipt",
    "outcome",
    "exit status",
    "snapshot that was uploaded",
    "snapshot that was loaded",
    "snapshot in a load command",
    "time set back",
    "time set forward",
    "end before its start",
    "start after its end",
    "event replaced",
    "receipt dropped",
    "claim dropped",
    "line doubled",
    "claim and receipt swapped",
    "digest of the plan",
    "operation of the plan",
];

fn shown(said: &[Diagnostic], lines: &[String], tokens: &[Range<usize>]) -> String {
    let text = lines.join("\n") + "\n";
    let token = &text[tokens[0].start..tokens[0].end.min(text.len()).min(tokens[0].start + 60)];
    let line = text[..tokens[0].start].matches('\n').count() + 1;
    let said = said.iter().map(|d| {
        let (from, _) = d.labels[0].positions();
        format!("    {} {}:{} {} [{}]", d.code.as_str(), from.line, from.column, d.message, d.labels[0].message)
    });
    format!("  line {line}: {token}\n{}", said.collect::<Vec<_>>().join("\n"))
}

fn count(
    kinds: &[&'static str],
    many: usize,
    mutate: impl Fn(&str, &[String], &mut Rng) -> Option<(Vec<String>, Vec<Range<usize>>)>,
) -> Table {
    let bases = [written(&[]), written(&["stop-canister app: lose-reply", "start-canister ledger: lose-reply"])];
    let mut rng = Rng::with_seed(7);
    let mut table = Table::default();
    for base in &bases {
        let problems = said(base);
        assert!(problems.is_empty(), "{problems:#?}");
        for kind in kinds {
            let mutations = std::iter::repeat_with(|| mutate(kind, base, &mut rng)).take(100_000).flatten().take(many);
            for (lines, tokens) in mutations.collect::<Vec<_>>() {
                let said = said(&lines);
                table.count(kind, &tokens, &said, shown(&said, &lines, &tokens));
            }
        }
    }
    println!("{table}");
    for (kind, row) in table.0.iter().filter(|(_, row)| !row.examples.is_empty()) {
        println!("{kind}:\n{}", row.examples.join("\n"));
    }
    table
}

#[test]
fn one_edit_of_a_journal_is_pointed_at() {
    let table = count(RAW, 20, raw);
    assert!(table.0.values().all(|row| row.detected == row.tried), "{table}");
    assert!(table.share(|row| row.some) >= 0.99 && table.share(|row| row.first) >= 0.99, "{table}");
}

#[test]
fn one_edit_with_the_chain_made_right_is_pointed_at() {
    let table = count(CHAINED, 25, chained);
    assert!(table.share(|row| row.some) >= 0.99 && table.share(|row| row.first) >= 0.99, "{table}");
}

#[test]
fn several_edits_of_a_journal_are_all_told() {
    let base = written(&[]);
    let mut rng = Rng::with_seed(8);
    let (mut planted, mut told) = (0, 0);
    for _ in 0..20 {
        let mut lines = base.clone();
        let mut edited: Vec<usize> = Vec::new();
        while edited.len() < 4 {
            let kind = rng.choice(["character of a value", "attempt changed", "value retyped", "key renamed"]).unwrap();
            let Some((mutated, _)) = raw(kind, &base, &mut rng) else { continue };
            let at = (0..base.len()).find(|&at| mutated[at] != base[at]).unwrap();
            if !edited.contains(&at) {
                lines[at].clone_from(&mutated[at]);
                edited.push(at);
            }
        }
        let said = said(&lines);
        for at in edited {
            let from = start(&lines, at);
            planted += 1;
            told += usize::from(said.iter().any(|d| covers(d, &(from..from + lines[at].len()))));
        }
    }
    println!("{told} of {planted} edits, four in each journal, are told");
    assert_eq!(told, planted);
}

//! Mutations of plans.

#![cfg(test)]

use std::ops::Range;

use fastrand::Rng;
use icp_restore::{
    diagnostic::{Diagnostic, Severity, Source},
    plan,
};

use super::table::{Table, covers};

/// A valid plan with every table and key.
fn base() -> String {
    let ids = [
        "rrkah-fqaaa-aaaaa-aaaaq-cai",
        "ryjl3-tyaaa-aaaaa-aaaba-cai",
        "r7inp-6aaaa-aaaaa-aaabq-cai",
        "rkp4c-7iaaa-aaaaa-aaaca-cai",
        "rno2w-sqaaa-aaaaa-aaacq-cai",
        "renrk-eyaaa-aaaaa-aaada-cai",
        "rdmx6-jaaaa-aaaaa-aaadq-cai",
        "qoctq-giaaa-aaaaa-aaaea-cai",
        "qjdve-lqaaa-aaaaa-aaaeq-cai",
        "qaa6y-5yaaa-aaaaa-aaafa-cai",
    ];
    let names = ["root", "registry", "billing", "ledger", "archive", "frontend", "search", "mailer", "wallet"];
    let mut text = "# A fleet.\nversion = 1\nname = \"fleet\"\nrequires = \">=0.1\"\n\n[network]\n\
        url = \"http://127.0.0.1:4943\"\nroot-key = \"fetch\"\nidentity = \"ci-restore\"\n\
        expect-principal = \"2vxsx-fae\"\nproxy = \"qaa6y-5yaaa-aaaaa-aaafa-cai\"\nsubnet-nodes = 13\n\n\
        [backup]\nid = \"fbk_20260410\"\nroot = \"backup\"\n"
        .to_owned();
    for (at, name) in names.iter().enumerate() {
        text += &format!("\n[[member]]\nname = \"{name}\"\nsource = \"{}\"\n", ids[at]);
        if at == 8 {
            text += &format!("target = \"{}\"\nrelocatable = true\n", ids[9]);
        }
        let digest = format!("{at:x}7b24f0e").repeat(8);
        text += &match at {
            3 => "snapshot = { id = \"000000000000000300000000000000040101\" }\n".to_owned(),
            _ => format!("snapshot = {{ artifact = \"artifacts/{name}\", sha256 = \"{digest}\" }}\n"),
        };
        if at > 0 {
            let parents: Vec<String> = [at / 2, at / 3, 0].iter().map(|&p| format!("\"{}\"", names[p])).collect();
            let mut parents = parents;
            parents.dedup();
            text += &format!("depends-on = [{}]\n", parents.join(", "));
        }
        text += "final = \"running\"\nverify = [\"running\", \"module-hash\"]\n";
    }
    text += "\n[[check]]\nmember = \"search\"\ncall = \"health\"\nargs = \"()\"\nexpect = \"(true)\"\nquery = true\n\
        timeout = \"10s\"\nattempts = 5\n\n[limits]\nupload = 2\nother = 8\nmax-failures = 0\nupload-memory = \"4GiB\"\n\n\
        [timeouts]\nupload = \"2h\"\nstop = \"10m\"\nother = \"2m\"\n\n[retry]\nattempts = 3\nbackoff = \"2s\"\n\n\
        [safety]\nsnapshot = true\nambiguous-load = \"halt\"\norphans = \"report\"\ncleanup = \"on-success\"\n";
    text
}

/// A line `key = value`, by the table that it stands in.
#[derive(Clone)]
struct Line {
    table: String,
    number: usize,
    key: String,
    value: String,
}

fn lines(text: &str) -> Vec<Line> {
    let mut table = String::new();
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once(" = ") {
            lines.push(Line { table: table.clone(), number, key: key.to_owned(), value: value.to_owned() });
        }
    }
    lines
}

/// A mutation of one line: what stands there after it, and which part of that was changed.
struct Edit {
    line: usize,
    text: String,
    token: Range<usize>,
}

fn key(line: &Line, key: String) -> Edit {
    let token = 0..key.len();
    Edit { line: line.number, text: format!("{key} = {}", line.value), token }
}

fn value(line: &Line, value: String) -> Edit {
    let start = line.key.len() + 3;
    let token = start..start + value.len();
    Edit { line: line.number, text: format!("{} = {value}", line.key), token }
}

/// A character of a word replaced, left out, doubled, or swapped with the next.
fn slip(word: &str, rng: &mut Rng) -> String {
    loop {
        let mut bytes = word.as_bytes().to_vec();
        let at = rng.usize(..bytes.len());
        match rng.u8(..4) {
            0 => bytes[at] = b'a' + rng.u8(..26),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            _ if at + 1 < bytes.len() => bytes.swap(at, at + 1),
            _ => {}
        }
        let slipped = String::from_utf8(bytes).unwrap();
        if slipped != word && !slipped.is_empty() && !slipped.starts_with('-') {
            return slipped;
        }
    }
}

/// Edits of one line that leave it TOML.
fn edit(kind: &str, lines: &[Line], rng: &mut Rng) -> Option<Edit> {
    let line = rng.choice(lines)?;
    let keys: Vec<&str> = lines.iter().filter(|l| l.table == line.table).map(|l| l.key.as_str()).collect();
    let bare = line.value.trim_matches('"');
    let is = |names: &[&str]| names.contains(&line.key.as_str());
    match kind {
        "key mistyped" => Some(slip(&line.key, rng)).filter(|k| !keys.contains(&k.as_str())).map(|k| key(line, k)),
        "key of no meaning" => Some(key(line, rng.choice(["colour", "zzz", "x1", "weight-kg"])?.to_owned())),
        "value of another type" => {
            let other = match line.value.as_bytes()[0] {
                b'"' => *rng.choice(&["17", "true", "[1]", "{ a = 1 }", "1.5"])?,
                b'0'..=b'9' => *rng.choice(&["\"many\"", "true", "[]", "0.5"])?,
                _ => *rng.choice(&["\"yes\"", "3", "1979-05-27"])?,
            };
            Some(value(line, other.to_owned()))
        }
        "principal mistyped" => {
            let at = rng.usize(..bare.len());
            let mut bytes = bare.as_bytes().to_vec();
            bytes[at] = *rng.choice(b"abcdefghijklmnopqrstuvwxyz234567")?;
            let text = String::from_utf8(bytes).ok()?;
            (is(&["source", "target", "proxy"]) && text != bare).then(|| value(line, format!("\"{text}\"")))
        }
        "digest mangled" => {
            let start = line.value.find("sha256 = \"")? + 10;
            let at = start + rng.usize(..64);
            let mut text = line.value.clone();
            match rng.u8(..3) {
                0 => text.replace_range(at..=at, "g"),
                1 => text.replace_range(at..=at, ""),
                _ => text.insert(at, 'a'),
            }
            let mut edit = value(line, text);
            edit.token = edit.token.start + start - 1..edit.token.end - 2;
            Some(edit)
        }
        "parent misspelt" => {
            let start = line.value.find('"')? + 1;
            let end = start + line.value[start..].find('"')?;
            let slipped = slip(&line.value[start..end], rng);
            let known = lines.iter().any(|l| l.key == "name" && l.value.trim_matches('"') == slipped);
            if !is(&["depends-on"]) || known {
                return None;
            }
            let mut edit = value(line, format!("{}{slipped}{}", &line.value[..start], &line.value[end..]));
            let from = line.key.len() + 3 + start;
            edit.token = from..from + slipped.len();
            Some(edit)
        }
        "member misspelt" => {
            let name = format!("\"{bare}\"");
            let uses = lines.iter().filter(|l| is_reference(l) && l.value.contains(&name)).count();
            let slipped = slip(bare, rng);
            let known = lines.iter().any(|l| l.key == "name" && l.value.trim_matches('"') == slipped);
            (is(&["name"]) && line.table == "member" && uses > 1 && !known)
                .then(|| value(line, format!("\"{slipped}\"")))
        }
        "duration mangled" => {
            let wrong = ["10q", "", "ten minutes", "-5m", "0s", "2h h", "m10", "1e3", "10"];
            is(&["timeout", "stop", "backoff"]).then(|| value(line, format!("\"{}\"", rng.choice(wrong).unwrap())))
        }
        "word misspelt" => {
            let word = ["final", "orphans", "ambiguous-load", "cleanup"];
            is(&word).then(|| value(line, format!("\"{}\"", slip(bare, rng))))
        }
        "proof misspelt" => is(&["verify"]).then(|| {
            let text = format!("[\"running\", \"{}\"]", slip("module-hash", rng));
            let mut edit = value(line, text);
            edit.token = edit.token.start + 12..edit.token.end - 1;
            edit
        }),
        "number out of range" => {
            let wrong = ["-1", "99999999999", "0x1_0000_0000"];
            line.value.as_bytes()[0].is_ascii_digit().then(|| value(line, (*rng.choice(&wrong).unwrap()).to_owned()))
        }
        "name with a strange sign" => {
            let sign = *rng.choice(&[" ", "/", "ä", "$", "\\u001b", "\\\\"])?;
            let name = is(&["name", "identity"]);
            name.then(|| value(line, format!("\"{}{sign}{}\"", &bare[..2], &bare[2..])))
        }
        "path out of the backup" => {
            let path = line.value.find("artifacts/")?;
            let mut edit = value(line, line.value.replace("artifacts/", "../artifacts/"));
            edit.token = edit.token.start + path..edit.token.start + path + 13;
            Some(edit)
        }
        _ => None,
    }
}

fn is_reference(line: &Line) -> bool {
    line.key == "depends-on" || line.key == "member"
}

const EDITS: &[&str] = &[
    "key mistyped",
    "key of no meaning",
    "value of another type",
    "principal mistyped",
    "digest mangled",
    "parent misspelt",
    "member misspelt",
    "duration mangled",
    "word misspelt",
    "proof misspelt",
    "number out of range",
    "name with a strange sign",
    "path out of the backup",
];

/// Offsets of lines in a text.
fn starts(lines: &[String]) -> Vec<usize> {
    let ends = lines.iter().scan(0, |at, line| {
        *at += line.len() + 1;
        Some(*at)
    });
    std::iter::once(0).chain(ends).collect()
}

/// Mutations of lines or tables as a whole: the new lines, and the tokens.
fn rebuild(kind: &str, text: &str, rng: &mut Rng) -> Option<(Vec<String>, Vec<Range<usize>>)> {
    let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
    let kv = lines(text);
    let line = rng.choice(&kv)?.clone();
    let number = line.number;
    let whole = |all: &[String], number: usize| starts(all)[number]..starts(all)[number] + all[number].len();
    let headers: Vec<usize> = (0..all.len()).filter(|&n| all[n].starts_with('[')).collect();
    let members: Vec<usize> = headers.iter().copied().filter(|&n| all[n] == "[[member]]").collect();
    let header = *rng.choice(&headers)?;
    let member = *rng.choice(&members)?;
    let end = |from: usize| (from + 1..all.len()).find(|&n| all[n].is_empty()).unwrap_or(all.len());
    let tokens = match kind {
        "quote removed" => {
            let at: Vec<usize> = all[number].match_indices('"').map(|(at, _)| at).collect();
            let at = *rng.choice(&at)?;
            all[number].remove(at);
            let start = starts(&all)[number];
            vec![start + line.key.len() + 3..start + all[number].len() + 1]
        }
        "equals sign removed" => {
            all[number] = all[number].replacen(" = ", " ", 1);
            vec![whole(&all, number)]
        }
        "bracket of an array removed" => {
            let at = all[number].find(if rng.bool() { '[' } else { ']' })?;
            all[number].remove(at);
            vec![whole(&all, number)]
        }
        "brace of a snapshot removed" => {
            let at = all[number].find(if rng.bool() { '{' } else { '}' })?;
            all[number].remove(at);
            vec![whole(&all, number)]
        }
        "bracket of a header removed" => {
            let at = if rng.bool() { 0 } else { all[header].len() - 1 };
            all[header].remove(at);
            vec![whole(&all, header)]
        }
        "header misspelt" => {
            let word = all[header].trim_matches(['[', ']']).to_owned();
            all[header] = all[header].replace(&word, &slip(&word, rng));
            vec![whole(&all, header)]
        }
        "needed key removed" => {
            let needed = ["version", "name", "url", "root-key", "source", "snapshot", "call", "member"];
            if !needed.contains(&line.key.as_str()) {
                return None;
            }
            all.remove(number);
            let header = headers.iter().copied().rfind(|&h| h < number).unwrap_or(0);
            vec![whole(&all, header)]
        }
        "consent removed" => {
            let consent = kv.iter().find(|l| l.key == "relocatable")?.number;
            all.remove(consent);
            vec![whole(&all, consent - 1)]
        }
        "line doubled" => {
            all.insert(number + 1, all[number].clone());
            vec![whole(&all, number + 1)]
        }
        "key in another table" => {
            let from = rng.choice(
                kv.iter()
                    .filter(|l| ["stop", "backoff", "cleanup", "root-key"].contains(&l.key.as_str()))
                    .collect::<Vec<_>>(),
            )?;
            let moved = all.remove(from.number);
            let to = if from.number < header { header } else { header + 1 };
            if lines(text).iter().find(|l| l.number > header).is_some_and(|l| l.table == from.table) {
                return None;
            }
            all.insert(to, moved);
            vec![whole(&all, to)]
        }
        "member removed" => {
            let name = kv.iter().find(|l| l.number == member + 1)?.value.clone();
            all.drain(member..end(member));
            let at = starts(&all);
            let uses = all
                .iter()
                .enumerate()
                .filter(|(_, l)| (l.starts_with("depends-on") || l.starts_with("member")) && l.contains(&name));
            let uses: Vec<_> = uses
                .map(|(n, l)| at[n] + l.find(&name).unwrap()..at[n] + l.find(&name).unwrap() + name.len())
                .collect();
            if uses.is_empty() {
                return None;
            }
            uses
        }
        "member doubled" => {
            let copy: Vec<String> = all[member..end(member)].to_vec();
            let at = end(member);
            let length = copy.len();
            all.splice(at..at, std::iter::once(String::new()).chain(copy));
            let at_bytes = starts(&all);
            vec![at_bytes[at + 1]..at_bytes[at + 1 + length]]
        }
        "target of another" => {
            let other = rng.choice(kv.iter().filter(|l| l.key == "source").collect::<Vec<_>>())?;
            let own = |l: &Line| kv.iter().any(|t| t.key == "target" && t.number == l.number + 1);
            if line.key != "source" || line.value == other.value || own(&line) || own(other) {
                return None;
            }
            all[number] = format!("source = {}", other.value);
            vec![whole(&all, number), whole(&all, other.number)]
        }
        "ring" => {
            let root = members[0];
            let child =
                *rng.choice(&kv.iter().filter(|l| l.key == "depends-on").map(|l| l.number).collect::<Vec<_>>())?;
            let name = &all[(0..child).rev().find(|&n| all[n].starts_with("name"))?][7..];
            let added = format!("depends-on = [{name}]");
            all.insert(root + 1, added);
            vec![whole(&all, root + 1)]
        }
        _ => return None,
    };
    Some((all, tokens))
}

const REBUILDS: &[&str] = &[
    "quote removed",
    "equals sign removed",
    "bracket of an array removed",
    "brace of a snapshot removed",
    "bracket of a header removed",
    "header misspelt",
    "needed key removed",
    "consent removed",
    "line doubled",
    "key in another table",
    "member removed",
    "member doubled",
    "target of another",
    "ring",
];

fn said(text: &str) -> Vec<Diagnostic> {
    plan::read(&Source::new("plan.toml", text)).err().unwrap_or_default()
}

fn shown(said: &[Diagnostic], at: &str) -> String {
    let lines = said.iter().map(|d| {
        let (start, _) = d.labels[0].positions();
        format!("    {} {}:{} {}", d.code.as_str(), start.line, start.column, d.message)
    });
    format!("  {at}\n{}", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn one_mistake_in_a_plan_is_pointed_at() {
    let base = base();
    assert!(said(&base).is_empty(), "{}", shown(&said(&base), "base"));
    let kv = lines(&base);
    let mut rng = Rng::with_seed(4);
    let mut table = Table::default();
    for kind in EDITS {
        let edits = std::iter::repeat_with(|| edit(kind, &kv, &mut rng)).flatten().take(250).collect::<Vec<_>>();
        for edit in edits {
            let mut all: Vec<String> = base.lines().map(str::to_owned).collect();
            all[edit.line] = edit.text.clone();
            let start = starts(&all)[edit.line];
            let said = said(&(all.join("\n") + "\n"));
            let example = shown(&said, &format!("line {}: {}", edit.line + 1, edit.text));
            table.count(kind, &[start + edit.token.start..start + edit.token.end], &said, example);
        }
    }
    for kind in REBUILDS {
        let many = std::iter::repeat_with(|| rebuild(kind, &base, &mut rng)).flatten().take(150).collect::<Vec<_>>();
        for (all, tokens) in many {
            let text = all.join("\n") + "\n";
            let said = said(&text);
            let line = Source::new("", text.as_str()).position(tokens[0].start).line;
            let example =
                shown(&said, &format!("line {line}: {}", &text[tokens[0].start..tokens[0].end.min(text.len())]));
            table.count(kind, &tokens, &said, example);
        }
    }
    println!("{table}");
    for (kind, row) in &table.0 {
        if !row.examples.is_empty() {
            println!("{kind}:\n{}", row.examples.join("\n"));
        }
    }
    assert!(table.0.values().all(|row| row.detected == row.tried), "{table}");
    assert!(table.share(|row| row.some) >= 0.99 && table.share(|row| row.first) >= 0.99, "{table}");
}

#[test]
fn several_mistakes_at_once_are_all_told() {
    let base = base();
    let kv = lines(&base);
    let mut rng = Rng::with_seed(5);
    let (mut planted, mut told) = (0, 0);
    // What a lost name or snapshot would hide is no mistake of its own, so each is of another kind and place.
    let kinds = [
        "key mistyped",
        "principal mistyped",
        "digest mangled",
        "duration mangled",
        "word misspelt",
        "number out of range",
        "proof misspelt",
        "parent misspelt",
    ];
    for _ in 0..300 {
        let mut edits: Vec<(&str, Edit)> = Vec::new();
        while edits.len() < 5 {
            let kind = *rng.choice(&kinds).unwrap();
            let Some(edit) = edit(kind, &kv, &mut rng) else { continue };
            if base.lines().nth(edit.line).unwrap().starts_with("version")
                || edits.iter().any(|(_, other)| other.line == edit.line)
            {
                continue;
            }
            edits.push((kind, edit));
        }
        let mut all: Vec<String> = base.lines().map(str::to_owned).collect();
        edits.iter().for_each(|(_, edit)| all[edit.line] = edit.text.clone());
        let at = starts(&all);
        let said = said(&(all.join("\n") + "\n"));
        let errors: Vec<_> = said.iter().filter(|d| d.severity() == Severity::Error).collect();
        for (kind, edit) in &edits {
            planted += 1;
            let token = at[edit.line] + edit.token.start..at[edit.line] + edit.token.end;
            if errors.iter().any(|d| covers(d, &token)) {
                told += 1;
            } else {
                println!("{}", shown(&said, &format!("{kind} at line {}: {}", edit.line + 1, edit.text)));
            }
        }
    }
    println!("{told} of {planted} mistakes, five in each plan, are told");
    assert!(told * 100 >= planted * 99);
}

//! Did you mean: the known word that a wrong one is nearest to, and how it is said.

/// A wrong word longer than this is no slip of a known one.
const MOST: usize = 200;

/// A beginning shorter than this may be of anything.
const LEAST_BEGUN: usize = 3;

/// The known word that was meant: one that differs in case or in `_` for `-`, else the nearest by edits, of which one in
/// three characters may be wrong, the first of equals; else the only one that begins with it.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    if length > MOST {
        return None;
    }
    let most = (length / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut begun: Option<&str> = None;
    let mut is_only = true;
    for word in known.filter(|&word| word != wrong) {
        if word.chars().map(fold).eq(wrong.chars().map(fold)) {
            return Some(word);
        }
        let bound = best.map_or(most, |(edits, _)| edits - 1);
        if let Some(edits) = within(wrong, word, bound) {
            best = Some((edits, word));
        }
        if length >= LEAST_BEGUN && word.starts_with(wrong) {
            is_only &= begun.is_none_or(|other| other == word);
            begun = Some(word);
        }
    }
    best.map(|(_, word)| word).or(begun.filter(|_| is_only))
}

/// The known principal that a text is but two edits from, dashes and case apart; none where two are equally near, for a
/// wrong suggestion would name a wrong canister.
pub fn nearest_principal<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > MOST {
        return None;
    }
    let (mut left, mut right) = (String::new(), String::new());
    let wrong = bare(wrong, &mut left);
    let mut best: Option<(usize, &str)> = None;
    let mut tied = false;
    for text in known {
        let bound = best.map_or(2, |(edits, _)| edits);
        let Some(edits) = within(wrong, bare(text, &mut right), bound) else {
            continue;
        };
        match best {
            Some((least, other)) if least == edits => tied |= other != text,
            _ => (best, tied) = (Some((edits, text)), false),
        }
    }
    best.filter(|_| !tied).map(|(_, text)| text)
}

/// What is said of a word that is none of the known ones: the fact, and what mends it.
pub fn none_of(wrong: &str, known: &[&str]) -> (String, String) {
    let help = match nearest(wrong, known.iter().copied()) {
        Some(near) => format!("write \"{near}\""),
        None => format!("write one of {}", list(known)),
    };
    (format!("`{}` is none of {}", shown(wrong), list(known)), help)
}

/// The beginning of a text that was written where something short goes.
pub fn shown(text: &str) -> String {
    clipped(text).escape_debug().to_string()
}

/// The same as it is written.
pub fn clipped(text: &str) -> String {
    const MOST: usize = 80;
    let clipped: String = text.chars().take(MOST).collect();
    if clipped.len() < text.len() { clipped + "…" } else { clipped }
}

/// Words in a row: `a`, `b` and `c`.
pub fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn fold(c: char) -> char {
    if c == '_' { '-' } else { c.to_ascii_lowercase() }
}

/// A principal's text as far as it tells one from another, in a string that is used again for the next.
fn bare<'b>(text: &str, buffer: &'b mut String) -> &'b str {
    buffer.clear();
    buffer.extend(text.chars().filter(|&c| c != '-').map(|c| c.to_ascii_lowercase()));
    buffer
}

/// The edits (insert, delete, replace, swap of neighbours) between two words where they are at most so many.
fn within(a: &str, b: &str, most: usize) -> Option<usize> {
    // One edit changes the length by 1 at most, and of the bytes of a character 4: most words are told apart by that.
    if a.len().abs_diff(b.len()) > 4 * most || most == 0 {
        return None;
    }
    let mut bag = [0i32; 64];
    a.bytes().for_each(|byte| bag[usize::from(byte % 64)] += 1);
    b.bytes().for_each(|byte| bag[usize::from(byte % 64)] -= 1);
    let apart: u32 = bag.iter().map(|count| count.unsigned_abs()).sum();
    if apart as usize > 8 * most {
        return None;
    }
    Some(strsim::osa_distance(a, b)).filter(|&edits| edits <= most)
}

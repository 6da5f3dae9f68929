//! `[[check]]`: a call to the application.

use std::time::Duration;

use toml::de::DeValue;

use super::super::{
    Check,
    decode::{At, Decoder, Section},
};
use crate::{
    diagnostic::{Code, suggest},
    id::Name,
};

pub(in crate::plan) const CHECK: &[&str] = &["member", "call", "args", "query", "expect", "timeout", "attempts"];

/// A check as written.
pub(in crate::plan) struct DraftCheck {
    pub(in crate::plan) member: Option<At<Name>>,
    pub(in crate::plan) check: Option<Check>,
}

pub(super) fn check(d: &mut Decoder<'_>, s: &Section<'_>) -> DraftCheck {
    let member = d.required(s, "member", |d, value| d.name(value), "name the member that is called");
    let call = d.required(s, "call", method, "name the method");
    let args = d.take(s, "args", candid);
    let query = d.take(s, "query", |d, value| d.boolean(value)).unwrap_or_default();
    let expect = d.take(s, "expect", candid);
    let timeout = d.take(s, "timeout", |d, value| d.duration(value));
    let attempts = d.take(s, "attempts", |d, value| d.number(value, 1..=1000));
    let check = call.map(|call| Check {
        call: call.into_inner(),
        args: args.unwrap_or_else(|| "()".to_owned()),
        query,
        expect,
        timeout: timeout.unwrap_or(Duration::from_secs(60)),
        attempts: attempts.unwrap_or(10),
    });
    DraftCheck { member, check }
}

/// The name of a method; who writes it with parentheses means arguments.
fn method<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<String> {
    let text = d.text(value)?;
    match text.split_once('(') {
        Some((name, rest)) if rest.ends_with(')') => {
            let message = "the name of a method, without arguments";
            let help = format!("write \"{}\", and arguments in `args`", name.escape_debug());
            d.help(Code::BadText, value.span(), message.into(), "arguments in here", help);
            None
        }
        _ => Some(text),
    }
}

fn candid<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<String> {
    let help = match value.get_ref() {
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => format!("write \"({})\"", d.raw(value)),
        _ => "write the values in parentheses: \"()\", \"(true)\"".to_owned(),
    };
    d.string_or(value, &help)?;
    let text = d.text(value)?;
    if !(text.starts_with('(') && text.ends_with(')')) {
        let message = format!("`{}` is not Candid text", suggest::shown(&text));
        let help = format!("write \"({})\"", suggest::shown(text.trim_matches(['(', ')'])));
        d.help(Code::BadText, value.span(), message, "not in parentheses", help);
        return None;
    }
    Some(text)
}

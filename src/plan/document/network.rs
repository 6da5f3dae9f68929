//! `[network]`: which one, and who calls.

use camino::Utf8PathBuf;
use toml::de::DeValue;

use super::super::{
    Caller, Network, RootKey,
    decode::{At, Decoder, Section},
};
use crate::diagnostic::{Code, Diagnostic};

pub(in crate::plan) const NETWORK: &[&str] =
    &["url", "name", "environment", "root-key", "identity", "expect-principal", "proxy", "project", "subnet-nodes"];

pub(super) fn network(d: &mut Decoder<'_>, section: &Section<'_>) -> (Option<Network>, Caller) {
    const ONE: &str = "keep one of `url`, `name` and `environment`";
    let identity = d.take(section, "identity", |d, value| d.name(value));
    let expect_principal = d.take(section, "expect-principal", |d, value| d.principal(value));
    let proxy = d.take(section, "proxy", |d, value| d.principal(value));
    let subnet_nodes = d.take(section, "subnet-nodes", |d, value| d.number(value, 1..=1000));
    let subnet_nodes = subnet_nodes.unwrap_or(13);
    let caller = Caller { identity, expect_principal, proxy, subnet_nodes };
    let url = d.take(section, "url", |d, value| url(d, value));
    let name = d.take(section, "name", |d, value| d.name(value));
    let environment = d.take(section, "environment", |d, value| d.name(value));
    let project = d.take(section, "project", |d, value| d.text(value).map(Utf8PathBuf::from));
    let root_key = d.take(section, "root-key", |d, value| root_key(d, value));
    let ways: Vec<&str> = ["url", "name", "environment"].into_iter().filter(|key| section.has(key)).collect();
    match ways[..] {
        [] => d.missing(section, "url", "add `name = \"ic\"`, or `url` with `root-key`, or `environment`"),
        [_] => {}
        [first, ..] => {
            let places = ways[1..].iter().map(|key| d.source.label(section.place(key), "one of them"));
            let primary = d.source.label(section.place(ways[ways.len() - 1]), "and this");
            let mut conflict =
                Diagnostic::new(Code::KeyConflict, "more than one network is named", primary).with_help(ONE);
            conflict.labels.push(d.source.label(section.place(first), "this"));
            conflict.labels.extend(places.take(ways.len() - 2));
            d.push(conflict);
        }
    }
    for (key, with) in [("root-key", "url"), ("project", "environment")] {
        if section.has(key) && !section.has(with) && !ways.is_empty() {
            let message = format!("`{key}` goes with `{with}` only");
            d.help(Code::KeyConflict, section.place(key), message, "not with this network", format!("remove `{key}`"));
        }
    }
    if section.has("url") && !section.has("root-key") {
        d.missing(section, "root-key", "add `root-key = \"fetch\"` for a test network, \"mainnet\" or the key in hex");
    }
    let network = match ways[..] {
        ["url"] => url.zip(root_key).map(|(url, root_key)| Network::Url { url, root_key }),
        ["name"] => name.map(Network::Name),
        ["environment"] => environment.map(|name| Network::Environment { name, project }),
        _ => None,
    };
    (network, caller)
}

fn url<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<String> {
    let text = d.text(value)?;
    let parsed = text.parse::<http::Uri>().ok();
    if parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
    }) {
        return Some(text);
    }
    let message = format!("`{}` is not the address of a network", text.escape_debug());
    d.help(Code::BadUrl, value.span(), message, "not an address", "write http:// or https:// and a host");
    None
}

fn root_key<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<RootKey> {
    const HELP: &str = "write \"fetch\" for a test network, \"mainnet\" for the IC";
    match d.string_or(value, HELP)? {
        "mainnet" => Some(RootKey::Mainnet),
        "fetch" => Some(RootKey::Fetch),
        // 37 bytes of DER head and 96 of a BLS12-381 public key (IC interface specification).
        hex if hex.len() == 266 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Some(RootKey::Hex(hex.to_ascii_lowercase()))
        }
        other => {
            let message = format!(
                "a root key is 266 hex digits, `fetch` or `mainnet`; this has {} characters",
                other.chars().count()
            );
            let near = crate::diagnostic::suggest::nearest(other, ["mainnet", "fetch"].into_iter());
            let help = near.map_or(HELP.into(), |near| format!("write \"{near}\""));
            d.help(Code::BadRootKey, value.span(), message, "not a root key", help);
            None
        }
    }
}

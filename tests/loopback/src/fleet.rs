//! A fleet as a JSON file describes it, for networks that are started by hand.

use std::{collections::BTreeMap, time::Duration};

use candid::Principal;
use serde::Deserialize;
use serde_json::Value;

use crate::{CanisterSpec, Method, Response, Settings, Status, wasm_module};

/// `{"canisters": [{"controllers": ["aaaaa-aa"], "heap": 196608, ...}]}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    canisters: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Entry {
    id: Option<Principal>,
    controllers: Vec<Principal>,
    /// The tag of the module; `null` for an empty canister.
    module: Option<String>,
    /// Sizes in bytes.
    heap: usize,
    stable: usize,
    cycles: u128,
    status: Status,
    stop_delay_ms: u64,
    /// The only answer of each method: a truth value, a text or a natural number.
    methods: BTreeMap<String, Value>,
    proxy: bool,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            id: None,
            controllers: Vec::new(),
            module: Some("first".to_owned()),
            heap: 3 * 65_536,
            stable: 0,
            cycles: 3_000_000_000_000,
            status: Status::Running,
            stop_delay_ms: 0,
            methods: BTreeMap::new(),
            proxy: false,
        }
    }
}

impl Fleet {
    /// So many like canisters, each with a healthy `health`.
    pub fn uniform(count: usize) -> Self {
        let entry =
            || Entry { methods: BTreeMap::from([("health".to_owned(), Value::Bool(true))]), ..Entry::default() };
        Self { canisters: std::iter::repeat_with(entry).take(count).collect() }
    }

    /// The canisters; those that name no controllers get these.
    pub fn specs(self, controllers: &[Principal]) -> impl Iterator<Item = CanisterSpec> {
        self.canisters.into_iter().map(|entry| entry.spec(controllers))
    }
}

impl Entry {
    fn spec(self, controllers: &[Principal]) -> CanisterSpec {
        let mut methods: BTreeMap<String, Method> =
            self.methods.into_iter().map(|(name, value)| (name, Method::query(response(&value)))).collect();
        if self.proxy {
            methods.insert("proxy".to_owned(), Method::proxy());
        }
        CanisterSpec {
            id: self.id,
            controllers: if self.controllers.is_empty() { controllers.to_vec() } else { self.controllers },
            module: self.module.as_deref().map(wasm_module),
            heap: vec![7; self.heap],
            stable: vec![9; self.stable],
            chunks: Vec::new(),
            cycles: self.cycles,
            settings: Settings::default(),
            status: self.status,
            stop_delay: Duration::from_millis(self.stop_delay_ms),
            methods,
        }
    }
}

fn response(value: &Value) -> Response {
    match value {
        Value::Bool(truth) => Response::reply((*truth,)),
        Value::String(text) => Response::reply((text,)),
        Value::Number(number) => Response::reply((candid::Nat::from(number.as_u64().unwrap_or_default()),)),
        Value::Null | Value::Array(_) | Value::Object(_) => Response::reply(()),
    }
}

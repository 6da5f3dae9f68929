//! What icp prints about canisters and their snapshots.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Rejection, Reply};
use crate::id::{Digest, Principal, SnapshotId};

/// What became of a question.
#[derive(Debug, Clone)]
pub enum Asked<T> {
    /// It was answered.
    Known(T),
    /// The caller may not know: for a canister that it does not control, icp prints less and still exits with 0.
    NoAuthority,
    /// The network refused to answer.
    Rejected(Rejection),
    /// No answer that can be read; what icp said instead.
    Silent(String),
}

/// How a canister is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it runs.
    pub state: State,
    /// The SHA-256 of its module, if it has one.
    pub module_hash: Option<Digest>,
    /// Who controls it, sorted.
    pub controllers: Vec<Principal>,
    /// Its other settings, as icp names them; numbers without grouping.
    pub settings: BTreeMap<String, String>,
    /// Its cycles.
    pub cycles: Option<u128>,
    /// What it burns in a day by being there.
    pub idle_burn: Option<u128>,
    /// Its memory in bytes.
    pub memory: Option<u64>,
}

/// Whether a canister runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It takes calls.
    Running,
    /// It finishes its calls and takes no new ones.
    Stopping,
    /// It does nothing.
    Stopped,
}

/// The most snapshots that a canister can have (replica configuration).
pub(crate) const MOST_SNAPSHOTS: usize = 10;

/// The snapshots of a canister, oldest first as listed.
pub type Snapshots = Vec<Listed>;

/// A snapshot as listed. The size is the declared one: of an unfinished upload as well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its id.
    #[serde(rename = "snapshot_id")]
    pub id: SnapshotId,
    /// When, in nanoseconds since 1970.
    #[serde(rename = "taken_at_timestamp")]
    pub taken_at: u64,
    /// Bytes.
    #[serde(rename = "total_size_bytes")]
    pub size: u64,
}

/// Reads the answer to a question.
pub(super) fn asked<T>(reply: io::Result<Reply>, parse: impl Fn(&str) -> Asked<T>) -> Asked<T> {
    match reply {
        Err(error) => Asked::Silent(error.to_string()),
        Ok(reply) => match Answer::of(&reply) {
            Answer::Done => parse(&reply.stdout),
            Answer::Rejected(rejection) => Asked::Rejected(rejection),
            Answer::NotSent(why) | Answer::Unknown(why) => Asked::Silent(why),
        },
    }
}

/// Reads `canister status --json`.
pub fn parse(stdout: &str) -> Asked<Status> {
    let Ok(Value::Object(object)) = serde_json::from_str(stdout.trim()) else {
        return Asked::Silent(format!("not a status: {}", stdout.chars().take(200).collect::<String>()));
    };
    let Some(state) = object.get("status") else { return Asked::NoAuthority };
    let Ok(state) = serde_json::from_value::<Word>(state.clone()) else {
        return Asked::Silent(format!("no such status: {state}"));
    };
    let settings = object.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
    let controllers = settings.get("controllers").and_then(Value::as_array).into_iter().flatten();
    let mut controllers: Vec<Principal> =
        controllers.filter_map(|text| Principal::from_text(text.as_str()?).ok()).collect();
    controllers.sort_unstable();
    let hash = object.get("module_hash").and_then(Value::as_str);
    let number = |key| object.get(key).map(plain);
    Asked::Known(Status {
        state: match state {
            Word::Running => State::Running,
            Word::Stopping => State::Stopping,
            Word::Stopped => State::Stopped,
        },
        module_hash: hash.and_then(|hash| hash.trim_start_matches("0x").parse().ok()),
        controllers,
        settings: settings
            .iter()
            .filter(|(key, _)| *key != "controllers")
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
        cycles: number("cycles").and_then(|text| text.parse().ok()),
        idle_burn: number("idle_cycles_burned_per_day").and_then(|text| text.parse().ok()),
        memory: number("memory_size").and_then(|text| text.parse().ok()),
    })
}

/// Reads `canister snapshot list --json`.
pub fn parse_list(stdout: &str) -> Asked<Snapshots> {
    #[derive(Deserialize)]
    struct List {
        snapshots: Snapshots,
    }
    match serde_json::from_str::<List>(stdout.trim()) {
        Ok(List { mut snapshots }) => {
            snapshots.sort_by_key(|listed| listed.id.number());
            Asked::Known(snapshots)
        }
        Err(error) => Asked::Silent(format!("not a list of snapshots: {error}")),
    }
}

/// Reads the size that `snapshot create --json` prints.
pub fn parse_size(stdout: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Made {
        total_size_bytes: u64,
    }
    serde_json::from_str::<Made>(stdout.trim()).ok().map(|made| made.total_size_bytes)
}

/// Reads the id that `snapshot create --json` and `snapshot upload --json` print.
pub fn parse_id(stdout: &str) -> Option<SnapshotId> {
    #[derive(Deserialize)]
    struct Made {
        snapshot_id: SnapshotId,
    }
    serde_json::from_str::<Made>(stdout.trim()).ok().map(|made| made.snapshot_id)
}

impl Status {
    /// The cycles that can be spent before the canister freezes.
    pub fn spendable(&self) -> Option<u128> {
        let threshold: u128 = self.settings.get("freezing_threshold")?.parse().ok()?;
        let frozen = self.idle_burn?.saturating_mul(threshold) / 86_400;
        Some(self.cycles?.saturating_sub(frozen))
    }
}

#[derive(Deserialize)]
enum Word {
    Running,
    Stopping,
    Stopped,
}

/// A value as text; numbers come as strings with their digits grouped.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit() || b == b'_') => text.replace('_', ""),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

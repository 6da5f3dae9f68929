//! The JSON Schema of plans, for editors: what `#:schema` in the first line of a plan points at.
//!
//! These types describe what is written; the reader is [`super::document`]. A test holds the keys of both together.
#![expect(dead_code, reason = "described, and never made")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};

/// The schema.
pub fn schema() -> Schema {
    let mut schema = schemars::schema_for!(RestorePlan);
    schema.insert("title".to_owned(), "icp-restore plan".into());
    schema
}

/// What `icp-restore` puts back, where, and how carefully.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RestorePlan {
    /// The version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// Names the journal and the reports.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9-]{0,99}$"))]
    name: String,
    /// The version of icp-restore that the plan needs, such as ">=0.1".
    requires: Option<String>,
    /// The network that the canisters live on.
    network: Network,
    /// The backup that artifacts come from.
    backup: Option<Backup>,
    /// The canisters to be put back.
    #[schemars(length(min = 1))]
    member: Vec<Member>,
    /// What the applications must answer once they run.
    check: Option<Vec<Check>>,
    /// How much may happen at once.
    limits: Option<Limits>,
    /// How long a thing may take before it is ended and its outcome counts as unknown.
    timeouts: Option<Timeouts>,
    /// Trying again what was surely not applied.
    retry: Option<Retry>,
    /// How careful the run is.
    safety: Option<Safety>,
}

/// Exactly one of `url`, `name` and `environment`.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Network {
    /// The address of the network's API; with `root-key`.
    url: Option<String>,
    /// A network that icp knows, such as "ic".
    name: Option<String>,
    /// An environment of an icp project.
    environment: Option<String>,
    /// With `url`: "mainnet", "fetch", or 266 hex digits.
    root_key: Option<String>,
    /// The icp identity that calls.
    identity: Option<String>,
    /// The principal that the identity must turn out to be.
    expect_principal: Option<String>,
    /// The canister that calls are made through.
    proxy: Option<String>,
    /// With `environment`: the folder of the icp project, relative to the plan.
    project: Option<String>,
    /// How many nodes the subnets have: what an upload costs grows with them. 13 by default.
    #[schemars(range(min = 1, max = 1000))]
    subnet_nodes: Option<u32>,
}

/// Where artifacts come from.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Backup {
    /// Ties receipts to a backup.
    id: Option<String>,
    /// The folder that artifact paths are relative to; itself relative to the plan. The plan's own by default.
    root: Option<String>,
}

/// A canister to be put back.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Member {
    /// Unique in the plan.
    name: String,
    /// The principal of the canister that the snapshot came from.
    source: String,
    /// The canister that it goes to; by default the source. With `environment` also a name of the icp project.
    target: Option<String>,
    /// Consent to another target than the source.
    relocatable: Option<bool>,
    /// What is loaded.
    snapshot: Snapshot,
    /// Names of members that are loaded before this one and started after it.
    depends_on: Option<Vec<String>>,
    /// How the canister is left; by default running, unless it was stopped before the restore.
    r#final: Option<Final>,
    /// What is proved of it; by default "running" and "module-hash".
    verify: Option<Vec<Proof>>,
    /// With "controllers" in `verify`: who they must be; by default those of before.
    controllers: Option<Vec<String>>,
    /// With "settings" in `verify`: what they must be, named as `icp canister status --json` does; by default as before.
    settings: Option<BTreeMap<String, String>>,
}

/// Either `artifact` with `sha256`, or `id`.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Snapshot {
    /// A directory as `icp canister snapshot download` makes it, relative to the root of the backup.
    artifact: Option<String>,
    /// Its seal, as `icp-restore init` computes it.
    #[schemars(regex(pattern = "^(sha256:)?[0-9a-fA-F]{64}$"))]
    sha256: Option<String>,
    /// The id of a snapshot that is on the canister already.
    #[schemars(regex(pattern = "^([0-9a-fA-F]{2}){1,64}$"))]
    id: Option<String>,
    /// With `id`: the SHA-256 of the module that it holds.
    #[schemars(regex(pattern = "^(sha256:)?[0-9a-fA-F]{64}$"))]
    module_hash: Option<String>,
}

/// A call to the application of a member and its answer.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Check {
    /// The member.
    member: String,
    /// The method.
    call: String,
    /// Candid text; "()" by default.
    args: Option<String>,
    /// Whether it is made as a query; by default as an update.
    query: Option<bool>,
    /// Candid text; by default any answer will do.
    expect: Option<String>,
    /// How long one call may take; "60s" by default.
    timeout: Option<String>,
    /// How many calls may be made while the canister warms up; 10 by default.
    #[schemars(range(min = 1, max = 1000))]
    attempts: Option<u32>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Limits {
    /// Uploads at once; 2 by default.
    #[schemars(range(min = 1, max = 1000))]
    upload: Option<u32>,
    /// Other operations at once; 8 by default.
    #[schemars(range(min = 1, max = 1000))]
    other: Option<u32>,
    /// Failed uploads and verifications that do not end the run; 0 by default.
    max_failures: Option<u32>,
    /// Memory that uploads may take together, such as "4GiB"; by default from what is free.
    upload_memory: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Timeouts {
    /// An upload; "2h" by default.
    upload: Option<String>,
    /// A stop, with the time that the canister takes to finish its calls; "10m" by default.
    stop: Option<String>,
    /// Everything else; "2m" by default.
    other: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Retry {
    /// Attempts in all in one run; 3 by default.
    #[schemars(range(min = 1, max = 100))]
    attempts: Option<u32>,
    /// The pause before the second, which doubles with each; "2s" by default.
    backoff: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Safety {
    /// Whether a snapshot of each target is taken before its load, for rollback; true by default.
    snapshot: Option<bool>,
    /// What to do with a load whose outcome is unknown; "halt" by default.
    ambiguous_load: Option<AmbiguousLoad>,
    /// What to do with unfinished snapshots that uploads of this run left behind; "report" by default.
    orphans: Option<Orphans>,
    /// Whether the snapshots that this run uploaded are deleted in the end; "never" by default.
    cleanup: Option<Cleanup>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Final {
    Running,
    Stopped,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Proof {
    Running,
    ModuleHash,
    Controllers,
    Settings,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AmbiguousLoad {
    Halt,
    Reload,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Orphans {
    Report,
    DeleteOwn,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Cleanup {
    Never,
    OnSuccess,
}

#[cfg(test)]
mod tests {
    use super::super::document;

    #[test]
    fn the_schema_has_the_keys_of_the_reader() {
        let schema = serde_json::to_value(super::schema()).unwrap();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<String> = value["properties"].as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let sorted = |keys: &[&str]| {
            let mut keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&schema), sorted(document::PLAN));
        for (table, wanted) in [
            ("Network", document::NETWORK),
            ("Backup", document::BACKUP),
            ("Member", document::MEMBER),
            ("Snapshot", document::SNAPSHOT),
            ("Check", document::CHECK),
            ("Limits", document::LIMITS),
            ("Timeouts", document::TIMEOUTS),
            ("Retry", document::RETRY),
            ("Safety", document::SAFETY),
        ] {
            assert_eq!(keys(&schema["$defs"][table]), sorted(wanted), "{table}");
        }
    }
}

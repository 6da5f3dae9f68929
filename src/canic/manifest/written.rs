//! A manifest as it is written: every value of the right type and at its place, nothing else checked.

use serde::Deserialize;

use crate::{
    canic::reader::{
        Form,
        Need::{Defaulted, Nullable, Required},
        Reader, Spanned,
    },
    diagnostic::Code,
    json::Json,
};

pub(super) const FORM: Form = Form {
    name: "a fleet backup manifest",
    syntax: Code::ManifestSyntax,
    kind: Code::ManifestType,
    missing: Code::ManifestMissingKey,
    duplicate: Code::ManifestDuplicateKey,
};

type Text = Spanned<String>;

pub(super) struct Written {
    pub(super) version: Spanned<u16>,
    pub(super) backup_id: Text,
    pub(super) created_at: Text,
    pub(super) tool: Tool,
    pub(super) environment: Text,
    pub(super) root: Text,
    pub(super) units: Spanned<Vec<Unit>>,
    pub(super) fleet: Fleet,
    pub(super) fleet_checks: Spanned<Vec<Check>>,
    pub(super) member_checks: Spanned<Vec<Group>>,
}

pub(super) struct Tool {
    pub(super) name: Text,
    pub(super) version: Text,
}

pub(super) struct Unit {
    pub(super) id: Text,
    pub(super) kind: Spanned<UnitKind>,
    pub(super) roles: Spanned<Vec<Text>>,
}

/// How much a backup unit holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitKind {
    /// Members by themselves.
    Single,
    /// One tree with all that is below its root.
    Subtree,
}

pub(super) struct Fleet {
    pub(super) algorithm: Text,
    pub(super) input: Text,
    pub(super) discovery: Text,
    pub(super) before: Text,
    pub(super) accepted: Text,
    pub(super) members: Spanned<Vec<Member>>,
}

pub(super) struct Member {
    pub(super) role: Text,
    pub(super) canister: Text,
    pub(super) parent: Spanned<Option<String>>,
    pub(super) subnet: Spanned<Option<String>>,
    pub(super) controller: Spanned<Option<String>>,
    pub(super) identity: Spanned<Identity>,
    pub(super) checks: Spanned<Vec<Check>>,
    pub(super) snapshot: Snapshot,
}

/// Whether a member may be restored to another canister than it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Only to itself.
    Fixed,
    /// Anywhere that a mapping says.
    Relocatable,
}

pub(super) struct Snapshot {
    pub(super) id: Text,
    pub(super) module_hash: Spanned<Option<String>>,
    pub(super) code_version: Spanned<Option<String>>,
    pub(super) artifact: Text,
    pub(super) algorithm: Text,
    pub(super) checksum: Spanned<Option<String>>,
}

pub(super) struct Check {
    pub(super) kind: Text,
    pub(super) roles: Spanned<Vec<Text>>,
}

pub(super) struct Group {
    pub(super) role: Text,
    pub(super) checks: Spanned<Vec<Check>>,
}

pub(super) fn manifest(reader: &mut Reader, json: Json<'_>) -> Option<Written> {
    let [version, backup_id, created_at, tool, source, consistency, fleet, verification] = reader.fields(
        json,
        [
            ("manifest_version", Required),
            ("backup_id", Required),
            ("created_at", Required),
            ("tool", Required),
            ("source", Required),
            ("consistency", Required),
            ("fleet", Required),
            ("verification", Required),
        ],
    )?;
    // Each part is read whether or not the one before it could be, so that all problems are found.
    let version = reader.value(version, "a whole number");
    let backup_id = reader.text(backup_id);
    let created_at = reader.text(created_at);
    let tool = tool.and_then(|json| {
        let [name, version] = reader.fields(json, [("name", Required), ("version", Required)])?;
        let (name, version) = (reader.text(name), reader.text(version));
        Some(Tool { name: name?, version: version? })
    });
    let source = source.and_then(|json| {
        let wanted = [("environment", Required), ("root_canister", Required)];
        let [environment, root] = reader.fields(json, wanted)?;
        let (environment, root) = (reader.text(environment), reader.text(root));
        Some((environment?, root?))
    });
    let units = consistency.and_then(|json| {
        let [units] = reader.fields(json, [("backup_units", Required)])?;
        reader.list(units, unit)
    });
    let fleet = fleet.and_then(|json| self::fleet(reader, json));
    let verification = verification.and_then(|json| {
        let wanted = [("fleet_checks", Required), ("member_checks", Required)];
        let [fleet, members] = reader.fields(json, wanted)?;
        let (fleet, members) = (reader.list(fleet, check), reader.list(members, group));
        Some((fleet?, members?))
    });
    let (environment, root) = source?;
    let (fleet_checks, member_checks) = verification?;
    Some(Written {
        version: version?,
        backup_id: backup_id?,
        created_at: created_at?,
        tool: tool?,
        environment,
        root,
        units: units?,
        fleet: fleet?,
        fleet_checks,
        member_checks,
    })
}

fn unit(reader: &mut Reader, json: Json<'_>) -> Option<Unit> {
    let wanted = [("unit_id", Required), ("kind", Required), ("roles", Required)];
    let [id, kind, roles] = reader.fields(json, wanted)?;
    let id = reader.text(id);
    let kind = reader.word(kind, &["single", "subtree"]);
    let roles = reader.texts(roles);
    Some(Unit { id: id?, kind: kind?, roles: roles? })
}

fn fleet(reader: &mut Reader, json: Json<'_>) -> Option<Fleet> {
    let [algorithm, input, discovery, before, accepted, members] = reader.fields(
        json,
        [
            ("topology_hash_algorithm", Required),
            ("topology_hash_input", Required),
            ("discovery_topology_hash", Required),
            ("pre_snapshot_topology_hash", Required),
            ("topology_hash", Required),
            ("members", Required),
        ],
    )?;
    let [algorithm, input, discovery, before, accepted] =
        [algorithm, input, discovery, before, accepted].map(|field| reader.text(field));
    let members = reader.list(members, member);
    Some(Fleet {
        algorithm: algorithm?,
        input: input?,
        discovery: discovery?,
        before: before?,
        accepted: accepted?,
        members: members?,
    })
}

fn member(reader: &mut Reader, json: Json<'_>) -> Option<Member> {
    let [role, canister, parent, subnet, controller, identity, checks, snapshot] = reader.fields(
        json,
        [
            ("role", Required),
            ("canister_id", Required),
            ("parent_canister_id", Nullable),
            ("subnet_canister_id", Nullable),
            ("controller_hint", Nullable),
            ("identity_mode", Required),
            ("verification_checks", Required),
            ("source_snapshot", Required),
        ],
    )?;
    let absent = reader.absent();
    let (role, canister) = (reader.text(role), reader.text(canister));
    let [parent, subnet, controller] = [parent, subnet, controller].map(|field| reader.optional_text(field, &absent));
    let identity = reader.word(identity, &["fixed", "relocatable"]);
    let checks = reader.list(checks, check);
    let snapshot = snapshot.and_then(|json| self::snapshot(reader, json));
    Some(Member {
        role: role?,
        canister: canister?,
        parent: parent?,
        subnet: subnet?,
        controller: controller?,
        identity: identity?,
        checks: checks?,
        snapshot: snapshot?,
    })
}

fn snapshot(reader: &mut Reader, json: Json<'_>) -> Option<Snapshot> {
    let [id, module_hash, code_version, artifact, algorithm, checksum] = reader.fields(
        json,
        [
            ("snapshot_id", Required),
            ("module_hash", Nullable),
            ("code_version", Nullable),
            ("artifact_path", Required),
            ("checksum_algorithm", Required),
            ("checksum", Defaulted),
        ],
    )?;
    let absent = reader.absent();
    let [id, artifact, algorithm] = [id, artifact, algorithm].map(|field| reader.text(field));
    let [module_hash, code_version, checksum] =
        [module_hash, code_version, checksum].map(|field| reader.optional_text(field, &absent));
    Some(Snapshot {
        id: id?,
        module_hash: module_hash?,
        code_version: code_version?,
        artifact: artifact?,
        algorithm: algorithm?,
        checksum: checksum?,
    })
}

fn check(reader: &mut Reader, json: Json<'_>) -> Option<Check> {
    let [kind, roles] = reader.fields(json, [("kind", Required), ("roles", Required)])?;
    let (kind, roles) = (reader.text(kind), reader.texts(roles));
    Some(Check { kind: kind?, roles: roles? })
}

fn group(reader: &mut Reader, json: Json<'_>) -> Option<Group> {
    let [role, checks] = reader.fields(json, [("role", Required), ("checks", Required)])?;
    let (role, checks) = (reader.text(role), reader.list(checks, check));
    Some(Group { role: role?, checks: checks? })
}

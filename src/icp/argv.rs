//! Command lines of icp: the one place that knows its flags.

use super::{Call, Options};
use crate::plan::{Caller, Network, Plan, RootKey};

/// The flags that say who calls.
pub(super) fn identity(caller: &Caller, options: &Options) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(identity) = &caller.identity {
        flags.extend(["--identity".to_owned(), identity.to_string()]);
    }
    if let Some(file) = &options.password_file {
        flags.extend(["--identity-password-file".to_owned(), file.to_string()]);
    }
    flags
}

/// The flags that name the network and the caller. The environment never decides: one of `-n` and `-e` is always there.
pub(super) fn selectors(plan: &Plan, options: &Options, identity: &[String]) -> Vec<String> {
    let mut flags = match &plan.network {
        Network::Url { url, root_key } => {
            let key = match root_key {
                RootKey::Mainnet => "mainnet",
                RootKey::Fetch => "fetch",
                RootKey::Hex(key) => key,
            };
            vec!["-n".to_owned(), url.clone(), "-k".to_owned(), key.to_owned()]
        }
        Network::Name(name) => vec!["-n".to_owned(), name.to_string()],
        Network::Environment { name, project } => {
            let mut flags = vec!["-e".to_owned(), name.to_string()];
            if let Some(project) = project {
                let folder = options.folder.join(project);
                flags.extend(["--project-root-override".to_owned(), folder.to_string()]);
            }
            flags
        }
    };
    flags.extend_from_slice(identity);
    if let Some(proxy) = plan.caller.proxy {
        flags.extend(["--proxy".to_owned(), proxy.to_string()]);
    }
    flags
}

/// The arguments of a call. `--json` wherever there is a result: `-q` of `snapshot list` prints more than ids.
pub(super) fn render(call: Call<'_>, selectors: &[String], identity: &[String]) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let (mut args, flags) = match call {
        Call::Version => return words(&["--version"]),
        Call::Principal => (words(&["identity", "principal"]), identity),
        Call::Status(target) => (words(&["canister", "status", &target.to_string(), "--json"]), selectors),
        Call::Stop(target) => (words(&["canister", "stop", &target.to_string()]), selectors),
        Call::Start(target) => (words(&["canister", "start", &target.to_string()]), selectors),
        Call::List(target) => (words(&["canister", "snapshot", "list", &target.to_string(), "--json"]), selectors),
        Call::Take(target) => (words(&["canister", "snapshot", "create", &target.to_string(), "--json"]), selectors),
        Call::Upload { target, input, resume } => {
            let target = target.to_string();
            let mut args = words(&["canister", "snapshot", "upload", &target, "--input", input.as_str(), "--json"]);
            args.extend(resume.then(|| "--resume".to_owned()));
            (args, selectors)
        }
        Call::Load(target, id) => (words(&["canister", "snapshot", "restore", &target.to_string(), id]), selectors),
        Call::Delete(target, id) => (words(&["canister", "snapshot", "delete", &target.to_string(), id]), selectors),
        Call::Download(target, id, output) => {
            let (target, id) = (target.to_string(), id.to_string());
            (words(&["canister", "snapshot", "download", &target, &id, "--output", output.as_str()]), selectors)
        }
        Call::Check(target, check) => {
            let mut args = words(&["canister", "call", &target.to_string(), &check.call, &check.args]);
            args.extend(check.query.then(|| "--query".to_owned()));
            (args, selectors)
        }
    };
    args.extend_from_slice(flags);
    args
}

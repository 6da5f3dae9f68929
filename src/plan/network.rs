//! Which network a plan is for, and who calls.

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::id::{Name, Principal};

/// The network, as it is always named to icp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// By the address of its API and its root key.
    Url {
        /// `http://…` or `https://…`.
        url: String,
        /// What certificates are checked against.
        root_key: RootKey,
    },
    /// By a name that icp knows, such as `ic`.
    Name(Name),
    /// By an environment of an icp project.
    Environment {
        /// The environment's name.
        name: Name,
        /// The folder of the project, relative to the plan; without one, icp looks for it from where it is run.
        project: Option<Utf8PathBuf>,
    },
}

impl Network {
    /// Whether it is surely on this machine.
    pub fn is_local(&self) -> bool {
        let Self::Url { url, .. } = self else { return false };
        let host = url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The key that a network's certificates are checked against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootKey {
    /// That of the IC.
    Mainnet,
    /// Whatever the network says: for test networks.
    Fetch,
    /// 133 bytes of DER in hex.
    Hex(String),
}

/// The identity behind the calls.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Caller {
    /// `--identity` of icp; without one, the default identity of its home.
    pub identity: Option<Name>,
    /// The principal that the identity must turn out to be.
    pub expect_principal: Option<Principal>,
    /// The canister that calls are made through.
    pub proxy: Option<Principal>,
    /// How many nodes the subnets have: what an upload costs grows with them.
    pub subnet_nodes: u32,
}

//! A canister's settings, apart from its controllers.

use candid::Principal;
use ic_management_canister_types::{DefiniteCanisterSettings, EnvironmentVariable};

/// The settings that `icp canister status` shows and a restore leaves alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// In percent.
    pub compute_allocation: u64,
    /// In bytes; 0: whatever is needed.
    pub memory_allocation: u64,
    /// In seconds.
    pub freezing_threshold: u64,
    /// In cycles.
    pub reserved_cycles_limit: u64,
    /// In bytes.
    pub wasm_memory_limit: u64,
    /// Names and values.
    pub environment_variables: Vec<(String, String)>,
}

impl Default for Settings {
    /// The defaults of the real network.
    fn default() -> Self {
        Self {
            compute_allocation: 0,
            memory_allocation: 0,
            freezing_threshold: 30 * 24 * 3_600,
            reserved_cycles_limit: 5_000_000_000_000,
            wasm_memory_limit: 3 << 30,
            environment_variables: Vec::new(),
        }
    }
}

impl Settings {
    pub(crate) fn definite(&self, controllers: &[Principal]) -> DefiniteCanisterSettings {
        DefiniteCanisterSettings {
            controllers: controllers.to_vec(),
            compute_allocation: self.compute_allocation.into(),
            memory_allocation: self.memory_allocation.into(),
            freezing_threshold: self.freezing_threshold.into(),
            reserved_cycles_limit: self.reserved_cycles_limit.into(),
            wasm_memory_limit: self.wasm_memory_limit.into(),
            log_memory_limit: 4_096_u64.into(),
            environment_variables: self
                .environment_variables
                .iter()
                .map(|(name, value)| EnvironmentVariable { name: name.clone(), value: value.clone() })
                .collect(),
            ..DefiniteCanisterSettings::default()
        }
    }
}

//! Makes the artifacts of `plans/demo.toml`, the same each time: `cargo run --example demo-artifacts`.
//!
//! Prints the seal of each, which stands in the plan.
#![expect(clippy::print_stdout, reason = "an example talks to people")]

use std::{error::Error, fs, num::NonZeroUsize, ops::ControlFlow};

use camino::Utf8Path;
use icp_restore::artifact::seal;
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Utf8Path::new("plans/demo-backup/artifacts");
    for (name, heap, stable) in [("root", 2, 0), ("registry", 1, 1), ("app", 2, 3)] {
        let folder = root.join(name);
        fs::create_dir_all(folder.join("wasm_chunk_store"))?;
        let module = module(name);
        let heap = page(name).repeat(heap);
        let stable = page("stable").repeat(stable);
        fs::write(folder.join("wasm_module.bin"), &module)?;
        fs::write(folder.join("wasm_memory.bin"), &heap)?;
        fs::write(folder.join("stable_memory.bin"), &stable)?;
        let metadata = json!({
            "source": { "taken_from_canister": null },
            "taken_at_timestamp": 1_775_779_200_000_000_000_u64,
            "wasm_module_size": module.len(),
            "globals": [{ "i32": 1_048_576 }],
            "wasm_memory_size": heap.len(),
            "stable_memory_size": stable.len(),
            "wasm_chunk_store": [],
            "canister_version": 7,
            "certified_data": [],
            "global_timer": "inactive",
            "on_low_wasm_memory_hook_status": "condition_not_satisfied",
        });
        fs::write(folder.join("metadata.json"), serde_json::to_string_pretty(&metadata)?)?;
        let seals = seal::all([folder.as_path()], NonZeroUsize::MIN, &|_| ControlFlow::Continue(()));
        for seal in seals.values().flatten() {
            println!(
                "{name} {} module {}",
                seal.plain,
                seal.module_hash().map_or(String::new(), |hash| hash.to_string())
            );
        }
    }
    Ok(())
}

/// An empty module with a custom section that holds its name.
fn module(name: &str) -> Vec<u8> {
    let mut section = vec![4];
    section.extend(b"demo");
    section.extend(name.as_bytes());
    let mut module = b"\0asm\x01\0\0\0\0".to_vec();
    module.extend([u8::try_from(section.len()).unwrap_or(0)]);
    module.extend(section);
    module
}

/// 64 KiB that say what they are of.
fn page(name: &str) -> Vec<u8> {
    format!("demo data of {name}\n").into_bytes().into_iter().cycle().take(65_536).collect()
}

//! What keeps a restore from harm: preflight, rollback, drift, proofs by reading back, secrets, what is left on chain.

mod drift;
mod live;
mod preflight;
mod readback;
mod real;
mod rollback;
mod secrets;

use icp_restore::simulate::Status;

use super::scene::{CAREFUL, Scene};

/// Three members; the first is the entry.
const FLEET: [&str; 3] = ["root", "app", "db"];

impl Scene {
    /// The calls that changed anything.
    fn changes(&self) -> Vec<String> {
        let log = self.fleet.log().unwrap().into_iter();
        log.filter(|entry| entry.mutates).map(|entry| format!("{} {}", entry.method, entry.canister)).collect()
    }

    /// Every member runs and holds what it held at first.
    #[track_caller]
    fn assert_untouched(&self) {
        for (name, id) in &self.members {
            let state = self.fleet.canister(*id).unwrap();
            assert_eq!(state.heap.bytes().unwrap(), vec![7; 65_536], "{name}");
            assert_eq!(state.module.unwrap().bytes().unwrap(), b"\0asm\x01\0\0\0", "{name}");
            assert_eq!(state.status, Status::Running, "{name}");
        }
    }

    /// Replaces a part of the plan.
    fn edit_plan(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.plan()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.plan(), text.replacen(from, to, 1)).unwrap();
    }

    /// The simulated icp, by hand.
    fn icp(&self, args: &[&str]) -> std::process::Output {
        let mut command = std::process::Command::new(&self.icp);
        command.args(args).args(["-n", "http://127.0.0.1:4943", "-k", "fetch"]).output().unwrap()
    }

    fn careful() -> Self {
        Self::new(&FLEET, CAREFUL)
    }
}

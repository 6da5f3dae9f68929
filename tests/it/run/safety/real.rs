//! The main roads with the real icp on the loopback network.

use loopback::{Action, CanisterSpec, Fault, Method, Reject, Response, Status, When, wasm_module};

use super::CAREFUL;
use crate::run::{
    process::{Done, PATIENCE, done, program},
    real::Light,
};

impl Light {
    fn edit(&self, from: &str, to: &str) {
        let file = self.path().join("light.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    }

    /// Another verb that runs icp.
    fn with_icp(&self, args: &[&str]) -> Done {
        let mut command = program(self.path());
        command.env("ICP_HOME", self.home.path()).args(args).args(["--icp", self.icp.as_str()]);
        done(command.spawn().unwrap())
    }

    fn changes(&self) -> usize {
        self.network.log().iter().filter(|call| call.changed()).count()
    }

    /// As it was before the restore: the bad upgrade, running.
    #[track_caller]
    fn assert_damaged(&self) {
        for (name, id, _) in &self.members {
            let canister = self.network.canister(*id);
            assert!(canister.status == Status::Running, "{name}");
            assert!(canister.module.is_some_and(|module| module.bytes() == wasm_module("bad")), "{name}");
            assert!(canister.heap.bytes() == vec![0; 65_536], "{name}");
        }
    }

    fn safe(rest: &str) -> Option<Self> {
        Self::new(&format!("{CAREFUL}{rest}"))
    }
}

#[test]
fn a_foreign_identity_is_told_that_nothing_is_its_own() {
    let Some(light) = Light::safe("") else { return };
    let stranger = light.home.new_identity("stranger");
    light.edit(
        "[backup]",
        &format!("identity = \"stranger\"\nexpect-principal = \"{}\"\n[backup]", light.home.principal()),
    );
    let run = light.run(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0701]").count(), 1, "{}", run.stderr);
    assert_eq!(run.stderr.matches("[E0702]").count(), 5, "{}", run.stderr);
    assert!(run.stderr.contains(&stranger.to_text()), "{}", run.stderr);
    assert_eq!(light.changes(), 0);
    assert!(!light.journal().exists());
    let live = light.with_icp(&["dry-run", "light.toml", "--live"]).expect(4);
    assert!(live.stdout.contains("cannot know"), "{}", live.stdout);
    assert_eq!(light.changes(), 0);
}

#[test]
fn a_canister_that_is_not_there_is_told() {
    let Some(light) = Light::safe("") else { return };
    light.network.remove_canister(light.id("right"));
    let run = light.run(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0703]").count(), 1, "{}", run.stderr);
    assert_eq!(light.changes(), 0);
}

#[test]
fn a_half_done_restore_is_taken_back() {
    let Some(light) = Light::safe("") else { return };
    let reject = Action::Reject(Reject::new(5, "IC0413", "the snapshot is inconsistent"));
    light.network.inject(Fault::on("load_canister_snapshot", reject).canister(light.id("right")));
    light.run(&[]).expect(5);
    assert_eq!((light.count("left", "load_canister_snapshot"), light.count("twin", "load_canister_snapshot")), (1, 0));
    light.with_icp(&["rollback", "light.journal.jsonl"]).expect(0);
    light.assert_damaged();
    assert_eq!(light.count("twin", "load_canister_snapshot"), 0);
    light.verb(&["check", "light.journal.jsonl", "light-rollback.journal.jsonl"]).expect(0);
}

#[test]
fn a_finished_restore_is_taken_back() {
    let Some(light) = Light::safe("") else { return };
    light.run(&[]).expect(0);
    light.assert_restored();
    light.with_icp(&["rollback", "light.journal.jsonl"]).expect(0);
    light.assert_damaged();
}

#[test]
fn a_canister_that_was_started_between_stop_and_load_is_stopped_again() {
    let Some(light) = Light::safe("") else { return };
    let root = light.id("root");
    let held = Action::Hold(When::Before);
    let held = light.network.inject(Fault::on("take_canister_snapshot", held).canister(light.id("twin")));
    let run = light.command(&[]).spawn().unwrap();
    assert!(light.network.wait_held(held, 1, PATIENCE));
    light.network.with_canister(root, |canister| canister.set_status(Status::Running));
    light.network.release(held);
    done(run).expect(0);
    light.assert_restored();
    assert_eq!((light.count("root", "stop_canister"), light.count("root", "take_canister_snapshot")), (2, 2));
}

#[test]
fn an_eleventh_snapshot_is_not_begun() {
    let Some(light) = Light::safe("") else { return };
    let root = light.id("root");
    let mut ids: Vec<String> = Vec::new();
    light.network.with_canister(root, |canister| ids.extend((0..9).map(|_| canister.take_snapshot().to_string())));
    let run = light.run(&["--width", "1000"]).expect(4);
    assert_eq!(run.stderr.matches("[E0705]").count(), 1, "{}", run.stderr);
    // Which could go, how old and how large they are.
    assert!(ids.iter().all(|id| run.stderr.contains(&format!("{id} (0 min old, "))), "{}", run.stderr);
    assert_eq!(light.changes(), 0);
    let id = ids.remove(0);
    let key = light.network.root_key_hex();
    let mut icp = light.home.command();
    icp.args(["canister", "snapshot", "delete", &root.to_text(), &id, "-n", &light.network.url(), "-k", &key]);
    assert!(icp.status().unwrap().success());
    light.run(&[]).expect(0);
    light.assert_restored();
}

#[test]
fn uploads_are_proved_by_reading_them_back() {
    let Some(light) = Light::safe("") else { return };
    light.run(&["--verify-upload"]).expect(0);
    light.assert_restored();
    let journal = std::fs::read_to_string(light.journal()).unwrap();
    assert_eq!(journal.matches("proved by reading it back").count(), 4);
}

#[test]
fn an_upload_that_was_pieced_together_is_read_back_unasked() {
    let Some(light) = Light::safe("") else { return };
    let fault = Fault::on("upload_canister_snapshot_data", Action::Http(503, When::Before)).nth(2);
    light.network.inject(fault.canister(light.id("left")));
    light.run(&[]).expect(0);
    light.assert_restored();
    let journal = std::fs::read_to_string(light.journal()).unwrap();
    assert_eq!(journal.matches("proved by reading it back").count(), 1);
}

#[test]
fn checks_compare_what_icp_prints_by_its_meaning() {
    let checks = |count: u32| {
        format!(
            "[[check]]\nmember = \"root\"\ncall = \"count\"\nattempts = 1\nexpect = \"({count})\"\n\
             [[check]]\nmember = \"root\"\ncall = \"pair\"\nattempts = 1\nquery = true\nexpect = '(\"a b\", opt true)'\n"
        )
    };
    for (count, code) in [(1_234_567, 0), (7, 7)] {
        let Some(light) = Light::safe(&checks(count)) else { return };
        light.network.with_canister(light.id("root"), |canister| {
            let number = Response::reply((1_234_567_u64,));
            canister.methods.insert("count".to_owned(), Method::update(number));
            canister.methods.insert("pair".to_owned(), Method::query(Response::reply(("a b", Some(true)))));
        });
        let run = light.run(&[]).expect(code);
        assert_eq!(run.stderr.contains("(1_234_567 : nat64)"), code == 7, "{}", run.stderr);
    }
}

#[test]
fn by_proxy_the_proxy_must_be_a_controller() {
    let Some(light) = Light::safe("") else { return };
    let proxy = CanisterSpec::new([light.home.principal()]).method("proxy", Method::proxy());
    let proxy = light.network.create_canister(proxy);
    light.edit("[backup]", &format!("proxy = \"{proxy}\"\n[backup]"));
    let run = light.run(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0702]").count(), 5, "{}", run.stderr);
    for (_, id, _) in &light.members {
        light.network.with_canister(*id, |canister| canister.controllers = vec![proxy]);
    }
    light.run(&[]).expect(0);
    light.assert_restored();
}

//! Hundreds of kills at random instants over fleets of twenty.
//!
//! `ICP_RESTORE_SOAK_SEED` repeats the choices of a run, not its instants; `ICP_RESTORE_SOAK_SECONDS` lets it last longer.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use super::{
    process::{done, kill_run},
    scene::Scene,
};

const REST: &str = "
[limits]
upload = 3
other = 6
[retry]
attempts = 3
backoff = \"5ms\"
[safety]
ambiguous-load = \"reload\"
orphans = \"delete-own\"
";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn kills_at_random_instants_do_no_harm() {
    let seed = number("ICP_RESTORE_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    let until = Instant::now() + Duration::from_secs(number("ICP_RESTORE_SOAK_SECONDS").unwrap_or(35));
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut kills, mut fleets) = (0, 0);
    writeln!(std::io::stderr(), "soak: ICP_RESTORE_SOAK_SEED={seed}").unwrap();
    let names: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    while Instant::now() < until {
        let scene = Scene::new(&names, REST);
        fleets += 1;
        loop {
            let enough = Instant::now() >= until;
            let run = scene.command(&["--wait", "30s"]).spawn().unwrap();
            if enough {
                let done = done(run);
                assert_eq!(done.code, Some(0), "seed {seed}, fleet {fleets}\n{}", done.stderr);
                break;
            }
            let mut run = run;
            let most = if random.bool() { 150 } else { 900 };
            std::thread::sleep(Duration::from_millis(random.u64(0..most)));
            if let Some(ended) = run.try_wait().unwrap() {
                assert!(ended.success(), "seed {seed}, fleet {fleets}: {:?}", done(run));
                break;
            }
            kill_run(run, random.bool());
            kills += 1;
        }
        scene.assert_restored();
        for member in 0..names.len() {
            for method in ["stop_canister", "start_canister"] {
                assert_eq!(scene.count(member, method), 1, "seed {seed}, fleet {fleets}: {method} of {member}");
            }
            assert!(scene.fleet.canister(scene.members[member].1).unwrap().snapshots.len() <= 10);
        }
        scene.verb(&["check", scene.journal().as_str()]).expect(0);
    }
    writeln!(std::io::stderr(), "soak: {kills} kills over {fleets} fleets").unwrap();
    assert!(kills > 0);
}

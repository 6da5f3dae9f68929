//! A plan for an environment of an icp project, with a canister by its name there: the real icp.

#![cfg(test)]

use std::fs;

use loopback::Status;

use super::{
    process::{Done, done, program},
    real::Light,
    scene::CAREFUL,
};

impl Light {
    /// The plan by an environment of a project beside it, and `root` by its name.
    fn project(&self) {
        let (project, root) = (self.path().join("project"), self.id("root"));
        let (url, key) = (self.network.url(), self.network.root_key_hex());
        fs::create_dir(&project).unwrap();
        fs::write(
            project.join("icp.yaml"),
            format!(
                "networks:\n  - name: loopback\n    mode: connected\n    url: {url}\n    root-key: {key}\n\
                 environments:\n  - name: staging\n    network: loopback\n\
                 canisters:\n  - name: entry\n    build:\n      steps:\n        - type: script\n          command: \"true\"\n"
            ),
        )
        .unwrap();
        let mut link = self.home.command();
        link.args(["canister", "link", "entry", &root.to_text(), "-e", "staging"]);
        let link = link.args(["--project-root-override", project.as_str()]).output().unwrap();
        assert!(link.status.success(), "{link:?}");
        let plan = self.path().join("light.toml");
        let text = fs::read_to_string(&plan).unwrap();
        let network = format!("url = \"{url}\"\nroot-key = \"{key}\"");
        let member = format!("name = \"root\"\nsource = \"{root}\"");
        assert!(text.contains(&network) && text.contains(&member), "{text}");
        let text = text.replace(&network, "environment = \"staging\"\nproject = \"project\"");
        fs::write(plan, text.replace(&member, &format!("{member}\ntarget = \"entry\""))).unwrap();
    }

    fn back(&self) -> Done {
        let mut command = program(self.path());
        command.env("ICP_HOME", self.home.path());
        command.args(["rollback", "light.journal.jsonl", "--icp", self.icp.as_str()]);
        done(command.spawn().unwrap())
    }
}

#[test]
fn a_fleet_of_an_environment_is_put_back_and_taken_back() {
    let Some(light) = Light::new(CAREFUL) else { return };
    light.project();
    light.run(&[]).expect(0);
    light.assert_restored();
    light.back().expect(0);
    for (name, id, wanted) in &light.members {
        let canister = light.network.canister(*id);
        assert!(canister.status == Status::Running, "{name}");
        assert!(canister.module.as_ref().is_some_and(|module| module.bytes() != wanted.module), "{name}");
    }
}

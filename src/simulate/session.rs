//! One command's way to its canister: whom it means, who calls, and what goes wrong on the way.

use serde_json::{Value, json};

use super::{
    Canister, Config, Error, Fleet, Kind, Point, Snapshot, Status, What,
    command::Via,
    reject::{CallError, Failure, Reject},
    strike,
};
use crate::id::{Name, Principal, SnapshotId};

/// A command on one canister.
pub(super) struct Session<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) config: Config,
    /// As it was given: a name or a principal.
    pub(super) shown: String,
    /// The name, where one was given.
    pub(super) name: Option<Name>,
    canister: Principal,
    /// Who stands before the canister: the identity, or the proxy.
    caller: Principal,
    identity: Principal,
    proxied: bool,
    network: String,
    faults: Vec<What>,
}

impl<'a> Session<'a> {
    /// Finds the canister and who calls it, and draws the faults of the command.
    pub(super) fn open(fleet: &'a Fleet, target: &str, via: &Via, kinds: &[Kind]) -> Result<Self, Failure> {
        let config = fleet.config()?;
        let identity = identity(&config, via.identity.as_deref())?;
        if via.network.is_none() && via.environment.is_none() {
            return Err(Failure::new(
                "No project found and no network specified. Either run this command inside a project or specify a network with --network",
            ));
        }
        let (canister, name) = match Principal::from_text(target) {
            Ok(canister) => (canister, None),
            Err(_) if via.network.is_some() => {
                return Err(Failure::new(
                    "Specifying a network is not supported if you are targeting a canister by name, specify an environment instead",
                ));
            }
            Err(_) => named(fleet, target)?,
        };
        let faults = match fleet.canister(canister) {
            Ok(state) => strike::draw(fleet, kinds, &state)?,
            // The call will say so.
            Err(Error::NoCanister(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let session = Self {
            fleet,
            config,
            shown: target.to_owned(),
            name,
            canister,
            caller: via.proxy.unwrap_or(identity),
            identity,
            proxied: via.proxy.is_some(),
            network: via.network.clone().unwrap_or_else(|| "http://127.0.0.1:4943".to_owned()),
            faults,
        };
        if session.suffers(&What::Restarted(Point::Before)) {
            session.restart()?;
        }
        Ok(session)
    }

    /// The canister's id.
    pub(super) fn id(&self) -> Principal {
        self.canister
    }

    /// Whether a proxy makes the calls.
    pub(super) fn is_proxied(&self) -> bool {
        self.proxied
    }

    /// Whether a fault strikes the command.
    pub(super) fn suffers(&self, fault: &What) -> bool {
        self.faults.contains(fault)
    }

    /// A call with everything that may go wrong around it.
    pub(super) fn effect<T>(
        &self,
        method: &str,
        mutates: bool,
        change: impl FnOnce(&mut Canister) -> Result<(T, Value), Reject>,
    ) -> Result<T, CallError> {
        self.before()?;
        let out = self.call(method, mutates, change)?;
        self.after()?;
        self.answer()?;
        Ok(out)
    }

    /// A call to the management canister that nothing disturbs.
    pub(super) fn call<T>(
        &self,
        method: &str,
        mutates: bool,
        change: impl FnOnce(&mut Canister) -> Result<(T, Value), Reject>,
    ) -> Result<T, CallError> {
        if self.proxied {
            self.may_use_proxy()?;
        }
        self.apply(method, mutates, |state| {
            if !state.controllers.contains(&self.caller) {
                return Err(Reject::not_controller(self.canister, self.caller));
            }
            change(state)
        })
    }

    /// A call that anybody may make.
    pub(super) fn apply<T>(
        &self,
        method: &str,
        mutates: bool,
        change: impl FnOnce(&mut Canister) -> Result<(T, Value), Reject>,
    ) -> Result<T, CallError> {
        let mut held = match self.fleet.hold(self.canister) {
            Err(Error::NoCanister(id)) => return Err(CallError::Reject(Reject::no_canister(id))),
            held => held?,
        };
        let (out, detail) = match change(&mut held.canister) {
            Ok(applied) => applied,
            Err(reject) => {
                drop(held);
                return Err(self.refused(reject));
            }
        };
        held.commit(method, mutates, detail)?;
        Ok(out)
    }

    /// The snapshot of an id that another canister has.
    ///
    /// Nobody asks while a canister is held: two that ask for each other's would wait for ever.
    pub(super) fn elsewhere(&self, id: &SnapshotId) -> Result<Option<Snapshot>, Error> {
        let Some(owner) = id.owner().filter(|owner| *owner != self.canister) else {
            return Ok(None);
        };
        match self.fleet.canister(owner) {
            Ok(owner) => Ok(owner.snapshot(id).cloned()),
            Err(Error::NoCanister(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A refusal as the network words it, which knows the snapshots of all canisters.
    fn refused(&self, reject: Reject) -> CallError {
        let Some(id) = &reject.missing else {
            return CallError::Reject(reject);
        };
        match self.elsewhere(id) {
            Ok(None) => CallError::Reject(reject),
            Ok(Some(_)) => CallError::Reject(Reject::foreign_snapshot(self.canister, id)),
            Err(error) => CallError::Fleet(error),
        }
    }

    /// What goes wrong before a request arrives.
    pub(super) fn before(&self) -> Result<(), CallError> {
        strike::process(self.fleet, &self.faults, Point::Before)?;
        self.refusal(Point::Before)
    }

    /// What goes wrong with half of an upload sent.
    pub(super) fn middle(&self) -> Result<(), CallError> {
        strike::process(self.fleet, &self.faults, Point::Middle)?;
        self.refusal(Point::Middle)
    }

    /// What goes wrong once everything is done.
    pub(super) fn after(&self) -> Result<(), CallError> {
        if self.suffers(&What::Restarted(Point::After)) {
            self.restart()?;
        }
        strike::process(self.fleet, &self.faults, Point::After)?;
        Ok(())
    }

    /// Loses the answer.
    pub(super) fn answer(&self) -> Result<(), CallError> {
        if self.suffers(&What::LoseReply) {
            return Err(CallError::Lost);
        }
        self.refusal(Point::After)
    }

    fn refusal(&self, point: Point) -> Result<(), CallError> {
        let (canister, before) = (self.canister, point == Point::Before);
        for fault in &self.faults {
            let reject = match fault {
                What::LoseRequest if before => return Err(CallError::Lost),
                What::Http503(at) if *at == point => return Err(CallError::Unavailable),
                What::Reject(code, at) if *at == point => Reject::injected(canister, self.caller, code),
                What::NoAuthority if before => Reject::not_controller(canister, self.caller),
                What::Warming if before => Reject::method(canister, "warming up"),
                What::LoseRequest | What::Http503(_) | What::Reject(..) | What::NoAuthority | What::Warming => continue,
                // Elsewhere.
                What::LoseReply
                | What::Slow(_)
                | What::Stuck
                | What::Hang(_)
                | What::KillIcp(_)
                | What::KillRunner(_)
                | What::Barrier(..)
                | What::DoubleMetadata
                | What::TornProgress
                | What::Restarted(_) => continue,
            };
            return Err(CallError::Reject(reject));
        }
        Ok(())
    }

    /// Somebody else starts the canister.
    fn restart(&self) -> Result<(), Error> {
        let mut held = self.fleet.hold(self.canister)?;
        held.canister.set_status(Status::Running);
        held.commit("start_canister", true, json!({"by": "somebody else"}))
    }

    fn may_use_proxy(&self) -> Result<(), CallError> {
        match self.fleet.canister(self.caller) {
            Ok(proxy) if !proxy.controllers.contains(&self.identity) => {
                Err(CallError::Reject(Reject::not_controller(self.caller, self.identity)))
            }
            // A proxy outside of the fleet is taken to let everybody.
            Ok(_) | Err(Error::NoCanister(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A failed call in icp's words, from the outermost to the cause.
    pub(super) fn chain(&self, error: &CallError) -> Vec<String> {
        let words = match error {
            CallError::Reject(reject) if self.proxied => {
                return vec![format!(
                    "proxy call failed: Proxy call failed: {}",
                    reject.message
                )];
            }
            CallError::Reject(reject) => reject.words(),
            CallError::Lost => format!(
                "An error happened during communication with the replica: error sending request for url ({}/api/v4/canister/{}/call)",
                self.network.trim_end_matches('/'),
                if self.proxied { self.caller } else { self.canister }
            ),
            CallError::Unavailable => {
                "The replica returned an HTTP Error: Http Error: status 503 Service Unavailable, content type \"\", content: "
                    .to_owned()
            }
            CallError::TimedOut => "The request timed out.".to_owned(),
            CallError::Fleet(error) => return vec![format!("the simulated fleet is broken: {error}")],
        };
        let way = if self.proxied { "proxy" } else { "direct" };
        vec![format!("{way} update call failed: {words}"), words]
    }

    /// A failed call as the end of the command.
    pub(super) fn failed(&self, error: &CallError) -> Failure {
        Failure::caused(self.chain(error))
    }

    /// A failed call within a transfer.
    pub(super) fn failed_to(&self, what: String, error: &CallError) -> Failure {
        Failure::caused(std::iter::once(what).chain(self.chain(error)))
    }
}

/// The principal of an identity.
pub(super) fn identity(config: &Config, name: Option<&str>) -> Result<Principal, Failure> {
    match name {
        None => Ok(config.caller),
        Some("anonymous") => Ok(Principal::anonymous()),
        Some(name) => config.identities.get(name).copied().ok_or_else(|| {
            Failure::caused(["failed to load identity".to_owned(), format!("no identity found with name `{name}`")])
        }),
    }
}

fn named(fleet: &Fleet, target: &str) -> Result<(Principal, Option<Name>), Failure> {
    let unknown = || Failure::new(format!("project does not contain a canister named '{target}'"));
    let name: Name = target.parse().map_err(|_| unknown())?;
    let canister = fleet.named(&name)?.ok_or_else(unknown)?;
    Ok((canister, Some(name)))
}

//! A running network, as a test holds it.

use std::{
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use candid::Principal;
use tokio::runtime::{Builder, Runtime};

use crate::{
    Applied, CanisterSpec, CanisterState, Fault, FaultId,
    certificate::Certifier,
    fault::{Gate, Taken},
    http,
    query::Node,
    world::World,
};

/// How a network is to be.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// 0: any free one.
    pub port: u16,
    /// Networks of the same seed have the same root key.
    pub key_seed: u64,
    /// Take and load without a stop, as the real network allows and `icp` does not.
    pub snapshots_while_running: bool,
    /// Load another canister's snapshot, as a controller of both can on the real network.
    pub foreign_load: bool,
}

/// A network that runs until it is dropped.
///
/// It has threads of its own: nothing of this interface is asynchronous.
pub struct Network {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

/// What the threads of a network have in common.
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: Condvar,
    pub(crate) certifier: Certifier,
    pub(crate) node: Node,
}

impl Network {
    /// Starts a network without canisters; panics where it cannot listen.
    pub fn start(options: Options) -> Self {
        Self::try_start(options).expect("a port of 127.0.0.1 to listen on")
    }

    /// Starts a network, if the port is free.
    ///
    /// # Errors
    ///
    /// The address is in use, or the machine has no threads left.
    pub fn try_start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let certifier = Certifier::new(options.key_seed);
        let shared = Arc::new(Shared {
            node: Node::new(&certifier),
            certifier,
            world: Mutex::new(World::new(options)),
            changed: Condvar::new(),
        });
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("loopback").enable_all().build()?;
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(entered);
        runtime.spawn(http::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, runtime: Some(runtime) })
    }

    /// For `-n`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `-k`: 266 digits.
    pub fn root_key_hex(&self) -> String {
        hex::encode(self.shared.certifier.root_key())
    }

    /// Adds a canister, or replaces the one with the given id.
    pub fn create_canister(&self, spec: CanisterSpec) -> Principal {
        self.shared.lock().create_canister(spec)
    }

    /// A clone of the canister's state; panics if there is none.
    pub fn canister(&self, id: Principal) -> CanisterState {
        self.with_canister(id, |canister| canister.clone())
    }

    /// Reads or changes a canister behind everyone's back; panics if there is none.
    pub fn with_canister<T>(&self, id: Principal, act: impl FnOnce(&mut CanisterState) -> T) -> T {
        let mut world = self.shared.lock();
        world.settle();
        let canister = world.canisters.get_mut(&id);
        let result = act(canister.unwrap_or_else(|| panic!("there is no canister {id}")));
        drop(world);
        self.shared.notify();
        result
    }

    /// Takes a canister off the network.
    pub fn remove_canister(&self, id: Principal) -> Option<CanisterState> {
        self.shared.lock().canisters.remove(&id)
    }

    /// The ids of all canisters, in their order.
    pub fn canisters(&self) -> Vec<Principal> {
        self.shared.lock().canisters.keys().copied().collect()
    }

    /// Every call that had its effect or was refused, in order.
    pub fn log(&self) -> Vec<Applied> {
        self.shared.lock().log.clone()
    }

    /// Writes the log to a file as well from now on, one JSON object a line.
    pub fn log_to(&self, file: File) {
        self.shared.lock().sink = Some(file);
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.shared.lock().faults.inject(fault)
    }

    /// How often the fault struck.
    pub fn hits(&self, id: FaultId) -> usize {
        self.shared.lock().faults.hits(id)
    }

    /// Removes all faults; calls that one of them holds are discarded.
    pub fn clear(&self) {
        self.shared.lock().faults.clear();
    }

    /// Lets the calls that a fault holds go on, and later ones pass.
    pub fn release(&self, id: FaultId) {
        self.shared.lock().faults.set_gate(id, Gate::Open);
    }

    /// Closes the connections of the calls that a fault holds; those held before their effect
    /// never have it.
    pub fn discard(&self, id: FaultId) {
        self.shared.lock().faults.set_gate(id, Gate::Discarded);
    }

    /// Waits until the fault holds so many calls at once; `false` if the time is up.
    pub fn wait_held(&self, id: FaultId, calls: usize, timeout: Duration) -> bool {
        let held = |world: &mut World| (world.faults.held(id) >= calls).then_some(());
        self.shared.wait(timeout, held).is_some()
    }

    /// Waits for a call in the log, from its beginning on.
    pub fn wait_applied(&self, timeout: Duration, mut wanted: impl FnMut(&Applied) -> bool) -> Option<Applied> {
        self.shared.wait(timeout, |world| world.log.iter().find(|applied| wanted(applied)).cloned())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// A test that panics while it changes a canister must not take the network with it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for something in the world.
    pub(crate) fn notify(&self) {
        self.changed.notify_all();
    }

    pub(crate) fn take_fault(&self, method: &str, canister: Principal) -> Option<Taken> {
        self.lock().faults.take(method, canister)
    }

    fn wait<T>(&self, timeout: Duration, mut look: impl FnMut(&mut World) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + timeout;
        let mut world = self.lock();
        loop {
            if let Some(found) = look(&mut world) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.changed.wait_timeout(world, left);
            world = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

//! Fleets: operations at once and in order, uploads apart and shared out, and watching a run.

#![cfg(test)]

mod order;
mod phases;
mod scene;
mod shards;
mod watch;

//! Runs of the built program: over simulated fleets, and over the loopback network with the real icp.

#![cfg(test)]

mod compare;
mod crash;
mod eio;
mod environment;
mod journal;
mod late;
mod modes;
mod process;
mod real;
mod real_crash;
mod retry;
mod safety;
mod scene;
mod signal;
mod soak;
mod written;

//! Restores that the ancestor began, gone on with by the built program: the ancestor's own runner works on the simulated
//! fleet first.

#![cfg(test)]

mod ancestor;
mod combinations;
mod late;
mod real;
mod refusals;
mod world;

pub(crate) use world::{World, command};

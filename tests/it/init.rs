//! First plans, by the built program.

#![cfg(test)]

mod canic;
mod folders;
mod seals;

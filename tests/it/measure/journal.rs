//! Mutations of journals.

#![cfg(test)]

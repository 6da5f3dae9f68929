//! An Internet Computer network on the loopback interface, for tests of the real `icp`.

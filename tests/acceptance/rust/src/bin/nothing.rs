//! A program that does nothing: how long a process of this language takes to start.
fn main() {}

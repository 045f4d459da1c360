//! User code that panics, at every call, and what it leaves behind.
#![no_main]

map_core_fuzz::one_thread!(MAP, Panics);

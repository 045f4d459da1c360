//! Cursors over a map that changes under them.
#![no_main]

map_core_fuzz::one_thread!(MAP, Iteration);

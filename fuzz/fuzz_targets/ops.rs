//! Everything a map can be asked, against the spec and every oracle.
#![no_main]

map_core_fuzz::one_thread!(MAP, Full);

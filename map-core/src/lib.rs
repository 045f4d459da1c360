//! The map (being written).
#![no_std]

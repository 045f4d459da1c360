//! Lets the targets define callbacks that libFuzzer defines too: see `fuzz_targets/instrumentation.rs`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,muldefs");
    }
}

//! A program with maps of its own: every verb of `cargo models`, on these.
//!
//! ```text
//! cargo run --release -p models --example plug_in -- ops --subject hasty-probing --time 5
//! cargo run --release -p models --example plug_in -- run --subject hasty-striped --time 5
//! cargo run --release -p models --example plug_in -- triage --show
//! ```
//! `probing`, `striped` and `published` are right, as far as anybody knows.

mod probing;
mod published;
mod striped;

use map_core::platform::Std;
use models::engines::shuttle::Model;
use models::memory::Watched;
use models::subjects::Adapter;
use models::{drivers, sequential};
use probing::Probing;
use published::Published;
use std::process::ExitCode;
use striped::Striped;

/// Without it, memory that a map leaves behind is not noticed.
#[global_allocator]
static ALLOCATOR: Watched = Watched;

type Right<K, V> = Probing<K, V, false>;
type Hasty<K, V> = Probing<K, V, true>;

static MAPS: [Adapter; 6] = [
    sequential!("probing", Right),
    sequential!("hasty-probing", Hasty),
    Adapter::modelled::<Striped<Model, false>, Striped<Std, false>>("striped"),
    Adapter::modelled::<Striped<Model, true>, Striped<Std, true>>("hasty-striped"),
    Adapter::modelled::<Published<Model, false>, Published<Std, false>>("published"),
    Adapter::modelled::<Published<Model, true>, Published<Std, true>>("hasty-published"),
];

fn main() -> ExitCode {
    drivers::main(&MAPS)
}

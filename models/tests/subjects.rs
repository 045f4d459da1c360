//! The property holds on every map that ships with an adapter, for every hasher, order and element type.

use models::case::{Case, Elements};
use models::generators::hashers::Hasher;
use models::generators::ops::{self, Mix};
use models::op::{Op, Order};
use models::property::Checks;
use models::subjects::Subject;

const SEQUENCES: u64 = if cfg!(miri) { 1 } else { 12 };

/// Fixed seeds, every combination; `panics`: also with panics in user code.
fn hold(subject: Subject, panics: bool) {
    let mut growths = 0;
    for hasher in Hasher::ALL {
        for order in Order::ALL {
            for elements in Elements::ALL {
                for sequence in 0..SEQUENCES {
                    let mut rng = fastrand::Rng::with_seed(sequence);
                    let mut case = Case::default();
                    let mix = if panics && sequence % 3 == 0 { Mix::Panics } else { Mix::Full };
                    ops::fill(&mut case, &mut rng, mix, 200);
                    if !panics {
                        case.ops_mut().retain(|op| !matches!(op, Op::PanicAt(..)));
                    }
                    if subject.name() == "griddle" {
                        // A sum in its `try_reserve` overflows.
                        case.ops_mut().retain(|op| !matches!(op, Op::TryReserveTooMuch));
                    }
                    (case.hasher, case.order, case.elements) = (hasher, order, elements);
                    match subject.run(&case, Checks::Boundaries) {
                        Ok(report) => growths += report.growths,
                        Err(finding) => panic!("{}:\n{case}\n{finding}", subject.name()),
                    }
                }
            }
        }
    }
    if subject == Subject::MAP {
        assert!(growths > 1000, "only {growths} growths");
    }
}

#[test]
fn map() {
    hold(Subject::MAP, true);
}

#[test]
fn std() {
    hold(Subject::STD, true);
}

#[cfg(any(feature = "hashbrown", feature = "griddle", feature = "indexmap"))]
fn shipped(name: &str) -> Subject {
    Subject::named(name).expect("it ships")
}

#[test]
#[cfg(feature = "hashbrown")]
fn hashbrown() {
    hold(shipped("hashbrown"), true);
}

// The next two lose entries when user code panics, so they are held without.

#[test]
#[cfg(feature = "griddle")]
fn griddle() {
    hold(shipped("griddle"), false);
}

#[test]
#[cfg(feature = "indexmap")]
fn indexmap() {
    hold(shipped("indexmap"), false);
}

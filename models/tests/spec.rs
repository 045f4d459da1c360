//! The spec over an array is the spec over a `BTreeMap`.

use models::generators::strategy;
use models::spec::{Direct, Ordered, Spec};
use proptest::prelude::*;

fn entries(spec: &impl Spec) -> Vec<(u16, u64, u32)> {
    let mut entries = Vec::new();
    spec.for_each(|key, entry| entries.push((key, entry.value, entry.born)));
    entries
}

proptest! {
    #[test]
    fn both_models_answer_alike(case in strategy::case(300)) {
        let (mut ordered, mut direct) = (Ordered::default(), Direct::default());
        for (at, &op) in case.ops().iter().enumerate() {
            let now = at as u32 + 1;
            prop_assert_eq!(ordered.apply(op, now), direct.apply(op, now), "op {} {}", at, op);
            prop_assert_eq!(ordered.len(), direct.len());
        }
        prop_assert_eq!(entries(&ordered), entries(&direct));
    }
}

#[test]
fn the_first_absent_key_wraps_around() {
    let mut spec = Ordered::default();
    spec.insert(u16::MAX, 0, 1);
    assert_eq!(spec.absent_from(u16::MAX), Some(0));
    for key in 0..=u16::MAX {
        spec.insert(key, 0, 1);
    }
    assert_eq!(spec.absent_from(7), None);
}

//! What holds of `Map` for any case, by proptest. A failure is persisted under `proptest-regressions`.

use models::case::Case;
use models::generators::ops::Mix;
use models::generators::strategy;
use models::memory::Watched;
use models::property::Checks;
use models::subjects::Subject;
use proptest::prelude::*;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn holds(case: &Case) -> Result<(), TestCaseError> {
    match Subject::MAP.run(case, Checks::Every) {
        Ok(_) => Ok(()),
        Err(finding) => Err(TestCaseError::fail(format!("{case}\n{finding}"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_case_passes_every_oracle(case in strategy::case(200)) {
        holds(&case)?;
    }

    #[test]
    fn any_swarm_passes_every_oracle(case in strategy::swarm_case(Mix::Full, 200)) {
        holds(&case)?;
    }

    #[test]
    fn any_iteration_keeps_the_contract(case in strategy::swarm_case(Mix::Iteration, 200)) {
        holds(&case)?;
    }

    #[test]
    fn any_panic_leaves_a_valid_map(case in strategy::swarm_case(Mix::Panics, 200)) {
        prop_assert!(case.elements.is_counted());
        holds(&case)?;
    }
}

//! A key's ops in an order that explains them, and what else could have been seen when.
//!
//! Most questions ("could the key have been absent in this call?") are answered by the one order at hand; only
//! the rest go to the search.

use crate::oracles::linearizability::partition::{Doing, Part, Step};
use crate::oracles::linearizability::search::{Budget, Found, search, visit};

/// What a look at a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Possible {
    Yes,
    No,
    Open,
}

/// A key's part and one order of it.
pub(super) struct Timeline {
    pub(super) part: Part,
    /// What the key holds: at the start, and after each step of the order.
    values: Vec<Option<u64>>,
    /// The latest call of the steps before each place.
    latest_call: Vec<usize>,
    /// The earliest return of the steps from each place on.
    earliest_return: Vec<usize>,
}

impl Timeline {
    /// # Panics
    /// If it is not an order of the part.
    pub(super) fn new(part: Part, order: &[usize]) -> Self {
        let mut values = vec![part.given];
        let mut latest_call = vec![0];
        for &step in order {
            let (value, step) = (values[values.len() - 1], &part.steps[step]);
            values.push(step.apply(part.key, value).expect("an order explains its steps"));
            latest_call.push(latest_call[latest_call.len() - 1].max(step.call));
        }
        let mut earliest_return = vec![usize::MAX; order.len() + 1];
        for (at, &step) in order.iter().enumerate().rev() {
            earliest_return[at] = earliest_return[at + 1].min(part.steps[step].returned);
        }
        Timeline { part, values, latest_call, earliest_return }
    }

    /// The values that the key holds, in the order at hand, where a look in this interval has a place.
    fn values_during(&self, call: usize, returned: usize) -> &[Option<u64>] {
        // At place p: all before it were called before the look returned, all after it return after its call.
        let from = self.earliest_return.partition_point(|&earliest| earliest <= call);
        let to = self.latest_call.partition_point(|&latest| latest < returned);
        self.values.get(from..to).unwrap_or(&[])
    }

    /// Is there an order of the ops with this look in it?
    pub(super) fn ask(&self, look: Step, budget: Budget) -> Possible {
        let sees = |&value: &Option<u64>| look.apply(self.part.key, value).is_ok();
        if self.values_during(look.call, look.returned).iter().any(sees) {
            return Possible::Yes;
        }
        match search(&self.part.with(look), budget) {
            Found::Order(_) => Possible::Yes,
            Found::Stuck(_) => Possible::No,
            Found::NoBudget(_) => Possible::Open,
        }
    }

    /// Every value that some order of the ops lets the key hold where this look, which has no place, is tried.
    pub(super) fn instead(&self, look: Step, budget: Budget) -> Vec<Option<u64>> {
        let part = self.part.with(look);
        let mut values = Vec::new();
        visit(&part, budget, |attempt| {
            let tried = &part.steps[attempt.step];
            let is_look = tried.of == look.of && tried.doing == look.doing;
            if is_look && !attempt.is_return && !values.contains(&attempt.value) {
                values.push(attempt.value);
            }
        });
        values
    }

    /// Did anything ever put this value there?
    pub(super) fn ever(&self, value: u64) -> bool {
        self.values.contains(&Some(value))
    }

    /// A look in the interval of an op.
    pub(super) fn look(doing: Doing, call: usize, returned: usize, of: usize) -> Step {
        Step { doing, call, returned, of }
    }
}

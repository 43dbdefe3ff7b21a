//! A gateway that starts again in mid-batch comes to the same verdicts as one that never stopped.

use super::{
    always::{EACH, day, live_and, outcome, readings, stretches},
    world::{World, plant},
};
use proptest::prelude::*;

/// The same excursions, and the same last word on every run.
fn same(restarted: &World, never: &World) -> Result<(), TestCaseError> {
    let (found, expected) = (outcome(restarted), outcome(never));
    let more: Vec<&String> = found.difference(&expected).collect();
    let less: Vec<&String> = expected.difference(&found).collect();
    prop_assert!(
        more.is_empty() && less.is_empty(),
        "after a restart {more:#?}, without one {less:#?}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_in_mid_batch_gives_the_same_verdicts_as_none(
        stretches in stretches(),
        readings in readings(),
        when in prop::collection::vec(5..200_i64, 1..4),
    ) {
        let told = day(&stretches);
        let plant = plant(0, EACH);
        let never = live_and((0, EACH), &told, &readings, false, &mut |_, _| {});
        let whole = live_and((0, EACH), &told, &readings, false, &mut |world, second| {
            if when.contains(&second) {
                world.restart_whole(&plant);
            }
        });
        same(&whole, &never)?;
    }

    #[test]
    fn with_figures_that_were_kept_a_restart_counts_on_from_them(
        stretches in stretches(),
        readings in readings(),
        kept in 5..150_i64,
        after in 0..60_i64,
        last in prop_oneof![Just(10_u64), Just(60), Just(10_000)],
    ) {
        let told = day(&stretches);
        let plant = plant(0, EACH);
        let never = live_and((0, EACH), &told, &readings, false, &mut |_, _| {});
        let mut figures = None;
        let near = live_and((0, EACH), &told, &readings, false, &mut |world, second| {
            if second == kept {
                figures = Some(world.figures());
            }
            if second == kept + after {
                let figures = figures.as_ref().unwrap();
                if !world.restart_near(&plant, figures, last) {
                    world.restart_whole(&plant);
                }
            }
        });
        same(&near, &never)?;
    }
}

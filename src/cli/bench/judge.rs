//! Binding and judging: every reading is bound to its step by its own time, judged by its limits and by ten rules of
//! ten kinds, on one core, with a thousand steps open.

use super::{Figure, grouped, not_measured, per_second};
use crate::{
    config::{plant::Limits, rule},
    flow::{
        bind::{History, bind},
        check::{self, Band},
        context,
        needs::Clock,
        rules::{Event, Finding, Judge},
    },
    ports::clock::{self, SystemClock},
};
use record::{Amount, Answer, Quantity, Stamp, Trouble, Unit, Value};
use std::{sync::Arc, time::Duration};

/// Steps that are open at once, each in a unit of its own, with one point.
const STEPS: usize = 1_000;
/// Between two readings of a point.
const PACE_MS: i64 = 1_000;

/// Ten rules of a point that is kept at temperature.
const RULES: [&str; 10] = [
    "kind = \"limits\"\nof = \"t\"\nmust_be = \"118.0 to 125.0 °C\"\non_delay = \"10 s\"\ndeadband = \"0.5 K\"",
    "kind = \"time-in-range\"\nof = \"t\"\nrange = \"121.0 to 124.0 °C\"\nat_least = \"15 min\"\nmax_sample_gap = \"5 s\"",
    "kind = \"lethality\"\nof = \"t\"\nreference = \"121.11 °C\"\nz = \"10 K\"\nat_least = \"15 min\"\nmax_sample_gap = \"5 s\"",
    "kind = \"rate\"\nof = \"t\"\nmust_be = \"-5.0 to 5.0 °C\"\nper = \"min\"\nwindow = \"60 s\"",
    "kind = \"plausibility\"\nof = \"t\"\nphysical = \"-20 to 200 °C\"\nstuck_after = \"10 min\"\njump = \"5 K\"",
    "kind = \"spc\"\nof = \"t\"\ncentre = \"122.0 °C\"\nsigma = \"5.0 K\"\nnelson = [1, 5, 6, 8]",
    "kind = \"completeness\"\nof = \"t\"\none_in = \"1 s\"\nmax_gap = \"15 s\"",
    "kind = \"target\"\nof = \"t\"\ntarget = \"122.0 °C\"\ntolerance = \"± 3 K\"\njudged = \"every\"",
    "kind = \"min-weight\"\nof = \"t\"\nat_least = \"100.0 °C\"\nat_most = \"150.0 °C\"\njudged = \"every\"",
    "kind = \"stability\"\nof = \"t\"\nwithin = \"3 K\"\nover = \"5 s\"\ntimeout = \"60 s\"",
];

/// A unit with its open step.
struct Open {
    history: History,
    band: Band,
    judges: Vec<Judge>,
}

pub(super) fn measure(length: Duration) -> Result<Figure, Trouble> {
    // holds because the table of units has it; without it nothing is measured
    let celsius = Unit::named("Cel").ok_or_else(|| not_measured("there is no unit for temperatures"))?;
    let begun = Stamp(1_795_176_000_000);
    let mut steps = (0..STEPS)
        .map(|number| open(number, begun, celsius))
        .collect::<Result<Vec<_>, _>>()?;
    let answers = answers(celsius);
    let clock = SystemClock::new();
    let (started, before) = (clock.elapsed(), clock::on_the_core());
    let (mut readings, mut within, mut round) = (0u64, 0u64, 0i64);
    let mut found: Vec<Finding> = Vec::new();
    let took = loop {
        round += 1;
        let time = begun.plus_ms(round * PACE_MS);
        for (number, step) in steps.iter_mut().enumerate() {
            let answer = &answers[(round as usize + number) % answers.len()];
            let place = bind(&step.history, time);
            if place.runs.is_empty() {
                return Err(not_measured("a reading was bound to nothing"));
            }
            let (verdict, _) = check::judge(answer, Some(&step.band));
            within += u64::from(verdict == check::Verdict::Within);
            for judge in &mut step.judges {
                judge.next(
                    Event::Reading {
                        role: 0,
                        time,
                        answer,
                    },
                    &mut found,
                );
            }
            readings += 1;
        }
        let took = clock.elapsed().saturating_sub(started);
        if took >= length {
            break took;
        }
    };
    let on_the_core = clock::on_the_core().saturating_sub(before);
    let share = on_the_core.as_secs_f64() / took.as_secs_f64();
    let of_the_core = per_second(readings, on_the_core);
    if within != readings || !found.is_empty() {
        return Err(not_measured(format!(
            "{} things were found that are not there",
            found.len()
        )));
    }
    Ok(Figure {
        name: "judge",
        value: per_second(readings, took),
        unit: "readings/s",
        target: Some(1_000_000.0),
        at_most: false,
        said: format!(
            "{} rules each, {STEPS} steps open, on one core that was ours {:.0} % of the time ({} readings/s of that)",
            RULES.len(),
            share * 100.0,
            grouped(of_the_core)
        ),
        conditions: vec![
            ("readings", readings as f64),
            ("rules", RULES.len() as f64),
            ("open_steps", STEPS as f64),
            ("share_of_the_core", share),
            ("per_second_of_the_core", of_the_core),
            ("seconds", took.as_secs_f64()),
        ],
    })
}

fn open(number: usize, begun: Stamp, unit: Unit) -> Result<Open, Trouble> {
    let message = format!(
        r#"{{"number":1,"sent":"{begun}","source":"bench","batch":{{"id":"B-{number}","recipe":"r","revision":"1","state":"running","started":"{begun}"}},"runs":[{{"step":"heat","run":1,"state":"complete","started":"{begun}","ended":"{begun}"}},{{"step":"hold","run":1,"state":"running","started":"{begun}"}}]}}"#
    );
    let mut history = History::default();
    history.tell(&context::read("U", message.as_bytes())?);
    let quantity = |text: &str| Quantity::read(text);
    let limits = Limits {
        low: quantity("118.0 °C"),
        high: quantity("125.0 °C"),
        warn_low: quantity("119.0 °C"),
        warn_high: quantity("124.5 °C"),
    };
    let band = Band::of(&limits, unit).ok_or_else(|| not_measured("limits without a unit"))?;
    let judges = RULES.iter().enumerate().map(|(number, text)| {
        let rule = rule::alone(&format!("id = \"r{number}\"\n{text}"))
            .map_err(|wrong| not_measured(format!("a rule is not understood: {wrong:?}")))?;
        Ok(Judge::new(Arc::new(rule), begun))
    });
    Ok(Open {
        history,
        band,
        judges: judges.collect::<Result<_, Trouble>>()?,
    })
}

/// A temperature that swings slowly by some tenths, as a controller keeps it.
fn answers(unit: Unit) -> Vec<Answer> {
    let swing = |at: i64| {
        let phase = at % 40;
        if phase < 20 { phase } else { 40 - phase }
    };
    (0..4_000)
        .map(|at| {
            // Two steps of different length make few repetitions.
            let tenths = 1215 + swing(at) / 2 + swing(at / 3) / 4;
            let amount = Amount::counted(tenths, 1);
            Answer::Good(Value::Quantity(Quantity { amount, unit }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn ten_rules_on_a_thousand_steps_find_nothing_where_nothing_is() {
        let figure = super::measure(std::time::Duration::from_millis(300)).unwrap();
        assert!(figure.value > 0.0);
    }
}

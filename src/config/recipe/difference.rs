//! What a change of a recipe means, in sentences two persons can stand for.

use super::{Asked, Recipe};
use crate::config::{difference::limits_in_words, plant::Pace, sentence::time};

/// Everything that differs; nothing but words where only comments did.
pub fn difference(old: &Recipe, new: &Recipe) -> Vec<String> {
    let mut said = Vec::new();
    captures(&mut said, "the whole batch", &old.captures, &new.captures);
    for gone in old.steps.iter().filter(|step| new.step(&step.id).is_none()) {
        said.push(format!("{} is no step any more", gone.id));
    }
    for step in &new.steps {
        let Some(before) = old.step(&step.id) else {
            said.push(format!("{} is a step from now on", step.id));
            continue;
        };
        captures(&mut said, &step.id, &before.captures, &step.captures);
        if before.after != step.after
            || before.optional != step.optional
            || before.any_order != step.any_order
        {
            said.push(format!("{}: its place in the order changed", step.id));
        }
        for rule in before
            .rules
            .iter()
            .filter(|rule| !step.rules.iter().any(|other| other.id == rule.id))
        {
            said.push(format!("{}: the rule {} is gone", step.id, rule.id));
        }
        for rule in &step.rules {
            match before.rules.iter().find(|other| other.id == rule.id) {
                None => said.push(format!("{}: the rule {} is new", step.id, rule.id)),
                Some(other) if other != rule => {
                    said.push(format!("{}: the rule {} changed", step.id, rule.id));
                }
                Some(_) => {}
            }
        }
        for line in before
            .lines
            .iter()
            .filter(|line| !step.lines.iter().any(|other| other.line == line.line))
        {
            said.push(format!("{}: line {} is gone", step.id, line.line));
        }
        for line in &step.lines {
            let Some(was) = before.lines.iter().find(|other| other.line == line.line) else {
                said.push(format!(
                    "{}: line {} is new: {} {}",
                    step.id, line.line, line.target, line.material
                ));
                continue;
            };
            let of = |line: &super::Dispense| {
                format!(
                    "{} {} {}, {}",
                    line.target,
                    line.material,
                    line.tolerance,
                    line.verification.word()
                )
            };
            if of(was) != of(line) {
                said.push(format!(
                    "{}: line {} {} → {}",
                    step.id,
                    line.line,
                    of(was),
                    of(line)
                ));
            }
        }
    }
    if said.is_empty() && old.text != new.text {
        said.push("only words that are neither captured, judged nor weighed".to_owned());
    }
    said
}

fn captures(said: &mut Vec<String>, of: &str, old: &[Asked], new: &[Asked]) {
    for gone in old
        .iter()
        .filter(|asked| !new.iter().any(|other| other.what == asked.what))
    {
        said.push(format!("{of}: {} is captured no more", gone.what));
    }
    for asked in new {
        let words = |asked: &Asked| {
            let limits = asked
                .limits
                .as_ref()
                .map_or_else(|| "no limits".to_owned(), limits_in_words);
            let pace = match asked.pace {
                Pace::EveryReading => "every reading".to_owned(),
                Pace::OnChange => "every change".to_owned(),
                Pace::OnDemand => "when asked".to_owned(),
                Pace::Every(every) => format!("every {}", time(every)),
            };
            format!("{limits}, {pace}")
        };
        match old.iter().find(|other| other.what == asked.what) {
            None => said.push(format!(
                "{of}: {} is captured from now on: {}",
                asked.what,
                words(asked)
            )),
            Some(before) if words(before) != words(asked) => {
                said.push(format!(
                    "{of}: {} {} → {}",
                    asked.what,
                    words(before),
                    words(asked)
                ));
            }
            Some(_) => {}
        }
    }
}

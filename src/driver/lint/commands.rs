//! Commands without samples: what an instrument does when it is told something must have been seen once.

use crate::{
    Complaint, Driver,
    command::{Command, Does},
    driver::Speaks,
    player::contents,
};

/// Commands, and refusals of theirs, that no sample shows.
pub(super) fn unproven(driver: &Driver) -> Vec<Complaint> {
    driver
        .speaks
        .commands()
        .iter()
        .enumerate()
        .flat_map(|(at, command)| {
            let mut complaints = unshown_answers(driver, command);
            let mute = matches!(&command.does, Does::Sends { answers, .. } if answers.is_empty());
            let done = given(driver, &command.name, if mute { "sent" } else { "done" });
            if !done && !opens_a_window(driver, at) {
                complaints.push(
                    Complaint::new(
                        "command-without-sample",
                        format!("no sample shows {} carried out", command.name),
                    )
                    .mark(command.span.clone(), "never done")
                    .why("what is written to an instrument must be known to do what it is named after")
                    .help(format!(
                        "add a [[sample]] that gives {{ {} = \"done\" }}",
                        command.name
                    )),
                );
            }
            complaints
        })
        .collect()
}

/// Whether a value was read behind this command: a window that showed it was opened.
fn opens_a_window(driver: &Driver, command: usize) -> bool {
    let Speaks::Modbus(modbus) = &driver.speaks else {
        return false;
    };
    let behind = modbus
        .reads
        .iter()
        .filter(|read| read.window.as_ref().is_some_and(|window| window.after == command));
    let values = |name: &str| {
        let gives = driver.samples.iter().flat_map(|sample| &sample.gives);
        gives
            .filter(|(known, _)| known == name)
            .any(|(_, said)| said.iter().any(|said| !said.starts_with("bad: ")))
    };
    behind
        .flat_map(|read| &read.measures)
        .any(|measure| values(&measure.name))
}

fn given(driver: &Driver, name: &str, words: &str) -> bool {
    let gives = driver.samples.iter().flat_map(|sample| &sample.gives);
    gives
        .filter(|(known, _)| known == name)
        .any(|(_, said)| said.iter().any(|said| said == words))
}

fn unshown_answers(driver: &Driver, command: &Command) -> Vec<Complaint> {
    let unshown = |mark: std::ops::Range<usize>, what: String| {
        Complaint::new("answer-without-sample", "no sample shows this answer")
            .mark(mark, format!("{what} is never heard"))
            .why("an answer nobody has shown may never come, or mean something else")
            .help("add a [[sample]] with what the instrument answers")
    };
    match (&command.does, &driver.speaks) {
        (Does::Sends { answers, .. }, Speaks::Text(text)) => {
            let lines: Vec<Vec<u8>> = driver
                .samples
                .iter()
                .filter(|sample| sample.gives.iter().any(|(name, _)| *name == command.name))
                .flat_map(|sample| contents(text, sample))
                .collect();
            let plain = crate::pattern::Digits::default();
            let heard = |answer: &&crate::command::CommandAnswer| {
                !lines
                    .iter()
                    .any(|line| answer.reads.matches(line, &[], &plain).is_some())
            };
            answers
                .iter()
                .filter(heard)
                .map(|answer| unshown(answer.span.clone(), answer.reads.to_string()))
                .collect()
        }
        (
            Does::Writes {
                proof: Some(proof), ..
            },
            _,
        ) => proof
            .refused
            .iter()
            .filter(|(_, because)| !given(driver, &command.name, &format!("refused: {because}")))
            .map(|(_, because)| unshown(command.span.clone(), format!("{because:?}")))
            .collect(),
        _ => Vec::new(),
    }
}

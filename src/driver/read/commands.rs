//! `[command.NAME]`: what an instrument can be told to do, and what proves that it did.

use super::{
    Ways,
    making::{no_such, sentence, titled},
    registers::{check_place, field_point},
    text::{measure_name, on_the_wire, pattern},
};
use crate::{
    Complaint,
    command::{Carried, Command, CommandAnswer, Does, Proof},
    modbus::{Table, Writing},
    pattern::Kind,
    registers::Order,
    tree::{Block, Desk},
};
use std::time::Duration;

pub(super) fn commands(root: &Block<'_>, ways: Ways) -> Vec<Command> {
    root.named_blocks("command")
        .into_iter()
        .filter_map(|(name, block)| {
            measure_name(root.desk(), &name);
            let title = block
                .text("title")
                .map_or_else(|| titled(&name.what), |title| title.what);
            let answer_within = block.time("answer_within").unwrap_or(Duration::from_secs(1));
            let pause_after = block.time("pause_after").unwrap_or(Duration::ZERO);
            let at_most_every = block.pace("ask_at_most").unwrap_or(Duration::from_secs(1));
            let does = match ways {
                Ways::Modbus => writes(&block),
                Ways::Characters | Ways::Bytes => Some(sends(&block)),
                Ways::Nodes => None,
            };
            block.finish();
            Some(Command {
                name: name.what,
                title,
                does: does?,
                answer_within,
                pause_after,
                at_most_every,
                span: name.span,
            })
        })
        .collect()
}

/// The command a key names, by its place among those of the driver.
pub(super) fn command_named(block: &Block<'_>, key: &'static str, commands: &[Command]) -> Option<usize> {
    let name = block.text(key)?;
    let found = commands.iter().position(|command| command.name == name.what);
    if found.is_none() {
        let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
        block.desk().complain(no_such("command", &name, &names));
    }
    let mute = |at: &usize| matches!(&commands[*at].does, Does::Sends { answers, .. } if answers.is_empty());
    if found.is_some_and(|at| mute(&at)) {
        unproven(block, "the command before it is never answered");
    }
    found
}

// ---------------------------------------------------------------- text

fn sends(block: &Block<'_>) -> Does {
    let send = on_the_wire(block.desk(), &block.need_text("send"));
    let answers: Vec<CommandAnswer> = block
        .blocks("answers", "this answer to a command")
        .iter()
        .filter_map(|answer| {
            let carried = command_answer(answer);
            answer.finish();
            carried
        })
        .collect();
    let heard = block.has("answers")
        && (answers.is_empty() || answers.iter().any(|answer| answer.then == Carried::Out));
    if !heard && (!block.has("answers") || block.desk().is_clean()) {
        unproven(block, "no answer says that it was done");
    }
    Does::Sends { send, answers }
}

fn command_answer(block: &Block<'_>) -> Option<CommandAnswer> {
    let reads = block.need_text("reads");
    let reads = pattern(block.desk(), &reads, |_| Kind::Any);
    let because = block.text("because");
    let then = block.word(
        "then",
        &[
            ("done", Carried::Out),
            ("refused", Carried::Refused(String::new())),
            ("more follows", Carried::MoreFollows),
        ],
    );
    if then.is_none() && !block.has("then") {
        block.missing("then");
    }
    let then = match (then?, because) {
        (Carried::Refused(_), Some(because)) => Carried::Refused(because.what),
        (Carried::Refused(_), None) => {
            because_missing(block);
            return None;
        }
        (then, _) => then,
    };
    Some(CommandAnswer {
        reads: reads?,
        then,
        span: block.span.clone(),
    })
}

fn because_missing(block: &Block<'_>) {
    block.desk().complain(
        Complaint::new("because-missing", "a refusal must say why")
            .mark(block.span.clone(), "`because` is missing here")
            .why("the reason is entered with the command; without it nobody can review the entry")
            .help("add `because = \"…\"` in two or three words: \"not settled\", \"above range\""),
    );
}

fn unproven(block: &Block<'_>, why: &str) {
    block.desk().complain(
        Complaint::new(
            "command-without-proof",
            format!("nothing proves that {} was carried out", block.name),
        )
        .mark(block.span.clone(), why)
        .why("what was written is an entry; an entry that cannot say what became of it helps nobody")
        .help("add `answers = [ { reads = \"…\", then = \"done\" } ]`"),
    );
}

// ---------------------------------------------------------------- registers

fn writes(block: &Block<'_>) -> Option<Does> {
    let writes = block.block("writes", "writes");
    if writes.is_none() && !block.has("writes") {
        block.missing("writes");
    }
    let proof = block.block("proof", "proof").map(|block| {
        let proof = proof(&block);
        block.finish();
        proof
    });
    let writes = writes?;
    let writing = writing(&writes);
    writes.finish();
    let proof = match proof {
        None => None,
        Some(proof) => Some(Box::new(proof?)),
    };
    Some(Does::Writes {
        writing: writing?,
        proof,
    })
}

fn writing(block: &Block<'_>) -> Option<Writing> {
    let table = block.word("table", &[("coil", Table::Coil), ("holding", Table::Holding)]);
    if table.is_none() && !block.has("table") {
        block.missing("table");
    }
    let first = block.number::<u16>("first", 0..65_536);
    if first.is_none() && !block.has("first") {
        block.missing("first");
    }
    let function = block.number::<u8>("function", 5..17);
    let values = block.numbers("values");
    if !block.has("values") {
        block.missing("values");
    }
    let (table, first) = (table?, first?.what);
    let words: Vec<u16> = values.iter().filter_map(|value| word_of(value.what)).collect();
    let most = if table.is_bits() { 1968 } else { 123 };
    if words.len() != values.len()
        || words.is_empty()
        || words.len() > most
        || usize::from(first) + words.len() > 65_536
    {
        block.desk().complain(
            Complaint::new("cannot-be-written", "these values do not fit what is written")
                .mark(
                    block.span.clone(),
                    format!("1 to {most} whole numbers from -32768 to 65535"),
                )
                .help("write one number for each register or coil, for instance `values = [7]`"),
        );
        return None;
    }
    let allowed = match (table, words.len()) {
        (Table::Coil, 1) => [5, 15].as_slice(),
        (Table::Coil, _) => &[15],
        (_, 1) => &[6, 16],
        _ => &[16],
    };
    let chosen = function.as_ref().map_or(allowed[0], |function| function.what);
    if let Some(function) = function.filter(|function| !allowed.contains(&function.what)) {
        let all: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        block.desk().complain(
            Complaint::new(
                "no-such-function",
                format!("function {} cannot write this", function.what),
            )
            .mark(function.span, format!("one of: {}", all.join(", ")))
            .help("leave it out, unless the manual names another"),
        );
    }
    Some(Writing {
        table,
        first,
        values: words,
        function: chosen,
    })
}

/// Signed and unsigned numbers are the same sixteen bits.
fn word_of(number: i64) -> Option<u16> {
    u16::try_from(number)
        .ok()
        .or_else(|| i16::try_from(number).ok().map(|signed| signed as u16))
}

fn proof(block: &Block<'_>) -> Option<Proof> {
    let table = block.word("table", Table::words());
    let first = block.number::<u16>("first", 0..65_536);
    let count = block.number::<u16>("count", 1..126);
    for key in ["table", "first", "count"] {
        if !block.has(key) {
            block.missing(key);
        }
    }
    let points: Vec<_> = block
        .blocks("points", "this point of a proof")
        .iter()
        .filter_map(|point| {
            let field = field_point(point, Order::Abcd);
            point.finish();
            field
        })
        .collect();
    let done_when = sentence(block, "done_when");
    let refused = block
        .blocks("refused", "this refusal")
        .iter()
        .filter_map(|refusal| {
            let pair = (sentence(refusal, "when"), refusal.need_text("because").what);
            refusal.finish();
            Some((pair.0?, pair.1))
        })
        .collect();
    let within = block.time("within").unwrap_or(Duration::from_secs(2));
    let mut proof = Proof {
        table: table?,
        first: first?.what,
        count: count?.what,
        points,
        done_when: done_when?,
        refused,
        within,
    };
    for point in &proof.points {
        check_place(block.desk(), point, proof.table, proof.first, proof.count);
        proof.done_when.in_register(&point.name, point.is);
        for (when, _) in &mut proof.refused {
            when.in_register(&point.name, point.is);
        }
    }
    check_proof(block.desk(), block, &proof);
    Some(proof)
}

fn check_proof(desk: &Desk<'_>, block: &Block<'_>, proof: &Proof) {
    let known: Vec<&str> = proof.points.iter().map(|point| point.name.as_str()).collect();
    let asked = proof.refused.iter().flat_map(|(when, _)| when.fields());
    for field in proof
        .done_when
        .fields()
        .chain(asked)
        .filter(|field| !known.contains(field))
    {
        desk.complain(super::registers::not_in_this_answer(
            field,
            block.span.clone(),
            &known,
        ));
    }
}

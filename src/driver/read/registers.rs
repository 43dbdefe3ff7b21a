//! Registers: reads, their points, and what may judge what.

use super::{
    Ways,
    commands::{command_named, commands},
    line::line_settings,
    making::{common, doubts, no_such, no_unit, says_unit, sentence, titled},
    text::measure_name,
};
use crate::{
    Complaint,
    command::{Command, Window},
    driver::{Measure, Modbus, Read, ReadRole, RegisterPoint},
    meaning::Making,
    modbus::Table,
    pattern::is_name,
    registers::{Is, Order, Slice},
    tree::{At, Block, Desk, closest},
};
use std::{ops::Range, time::Duration};

pub(super) fn modbus(root: &Block<'_>) -> Option<Modbus> {
    let settings = root.block("modbus", "[modbus]");
    if settings.is_none() && !root.has("modbus") {
        root.missing("modbus");
    }
    let settings = settings?;
    let line = line_settings(&settings, 19_200, "8E1");
    let order = settings.word("order", Order::words()).unwrap_or_default();
    let most = settings.number::<u16>("at_most", 1..2001).map(|most| most.what);
    let merge_over = settings.number::<u16>("merge_over", 0..125).map(|over| over.what);
    let answer_within = settings
        .time("answer_within")
        .unwrap_or(Duration::from_millis(500));
    let pause_between = settings
        .time("pause_between")
        .unwrap_or(Duration::from_millis(20));
    settings.finish();
    let commands = commands(root, Ways::Modbus);
    let blocks = root.blocks("read", "[[read]]");
    let reads: Vec<Read> = blocks
        .iter()
        .filter_map(|block| read(block, order, most, &commands))
        .collect();
    check_reads(root.desk(), &reads);
    Some(Modbus {
        line,
        answer_within,
        pause_between,
        at_most: most,
        merge_over,
        reads,
        commands,
    })
}

pub(super) fn read(block: &Block<'_>, order: Order, most: Option<u16>, commands: &[Command]) -> Option<Read> {
    let role = block
        .word(
            "holds",
            &[
                ("values", ReadRole::Values),
                ("settings", ReadRole::Settings),
                ("identity", ReadRole::Identity),
            ],
        )
        .unwrap_or(ReadRole::Values);
    let table = block.word("table", Table::words());
    let first = block.number::<u16>("first", 0..65_536);
    let count = block.number::<u16>("count", 1..2001);
    for (key, missing) in [
        ("table", table.is_none()),
        ("first", first.is_none()),
        ("count", count.is_none()),
    ] {
        if missing && !block.has(key) {
            block.missing(key);
        }
    }
    let pace = block.pace("ask_at_most").unwrap_or(match role {
        ReadRole::Values => Duration::from_millis(100),
        ReadRole::Settings | ReadRole::Identity => Duration::from_mins(5),
    });
    let alone = block.flag("alone").unwrap_or(false);
    let mut doubts = doubts(block, None);
    let mut window = window(block, commands);
    let mut points: Vec<RegisterPoint> = Vec::new();
    let mut measures: Vec<Measure> = Vec::new();
    for point in block.blocks("points", "this point") {
        if let Some((register, measure)) = register_point(&point, order) {
            points.push(register);
            measures.extend(measure);
        }
        point.finish();
    }
    block.finish();
    for measure in &mut measures {
        let from = &measure.making.from;
        measure.making.place = points
            .iter()
            .position(|point| point.name == *from)
            .unwrap_or_default();
    }
    let (table, first, count) = (table?, first?, count?);
    let limit = most.unwrap_or(table.most()).min(table.most());
    if count.what > limit {
        block.desk().complain(
            Complaint::new(
                "read-too-long",
                format!("{} at once are more than can be read", count.what),
            )
            .mark(count.span.clone(), format!("at most {limit}"))
            .help("split it into several [[read]]"),
        );
    }
    if u32::from(first.what) + u32::from(count.what) > 65_536 {
        block.desk().complain(
            Complaint::new("read-too-long", "this read goes beyond the last register")
                .mark(
                    first.span.clone(),
                    format!("{} and {} more", first.what, count.what),
                )
                .help("registers go from 0 to 65535 on the wire"),
        );
    }
    for point in &points {
        for doubt in &mut doubts {
            doubt.when.in_register(&point.name, point.is);
        }
        if let Some(when) = window.as_mut().and_then(|window| window.ready_when.as_mut()) {
            when.in_register(&point.name, point.is);
        }
        check_place(block.desk(), point, table, first.what, count.what);
    }
    Some(Read {
        role,
        table,
        first: first.what,
        count: count.what,
        window,
        at_most_every: pace,
        alone,
        points,
        measures,
        doubts,
        span: block.span.clone(),
    })
}

/// What has to be written before this can be read.
fn window(block: &Block<'_>, commands: &[Command]) -> Option<Window> {
    let after = command_named(block, "after", commands);
    let ready_when = block
        .has("ready_when")
        .then(|| sentence(block, "ready_when"))
        .flatten();
    let within = block.time("ready_within").unwrap_or(Duration::from_secs(1));
    if ready_when.is_some() && !block.has("after") {
        block.desk().complain(
            Complaint::new(
                "window-of-nothing",
                "this read waits for something nobody asked for",
            )
            .mark(block.span.clone(), "`ready_when` without `after`")
            .help("name the command that opens it: `after = \"NAME\"`, or make it a doubt"),
        );
    }
    Some(Window {
        after: after?,
        ready_when,
        within,
    })
}

pub(super) fn check_place(desk: &Desk<'_>, point: &RegisterPoint, table: Table, first: u16, count: u16) {
    if u32::from(point.at) + u32::from(point.is.width()) > u32::from(count) {
        desk.complain(
            Complaint::new(
                "point-outside-read",
                format!("{} lies outside its read", point.name),
            )
            .mark(
                point.span.clone(),
                format!(
                    "{} to {}",
                    point.at,
                    u32::from(point.at) + u32::from(point.is.width()) - 1
                ),
            )
            .note(format!(
                "the read has {count}, counted from 0 (register {first} on the wire)"
            ))
            .help("`at` counts from the first register of the read; raise `count` or correct `at`"),
        );
    }
    if table.is_bits() != (point.is == Is::Bit) {
        desk.complain(
            Complaint::new(
                "bit-or-register",
                format!("{} does not fit this table", point.name),
            )
            .mark(point.span.clone(), format!("{} here", point.is.word()))
            .help("coils and discrete inputs hold `bit`; inputs and holding registers hold everything else"),
        );
    }
}

/// A point that is only a field.
pub(super) fn field_point(block: &Block<'_>, order: Order) -> Option<RegisterPoint> {
    let at = block.number::<u16>("at", 0..2000);
    let name = block.need_text("field");
    let is = block.word("is", Is::words());
    for key in ["at", "is"] {
        if !block.has(key) {
            block.missing(key);
        }
    }
    let order = block.word("order", Order::words()).unwrap_or(order);
    let slice = slice(block, is);
    let _ = block.text("manual");
    Some(RegisterPoint {
        at: at?.what,
        key: name.what.as_str().into(),
        name: name.what,
        is: is?,
        order,
        slice,
        span: name.span,
    })
}

pub(super) fn register_point(block: &Block<'_>, order: Order) -> Option<(RegisterPoint, Option<Measure>)> {
    let at = block.number::<u16>("at", 0..2000);
    if at.is_none() && !block.has("at") {
        block.missing("at");
    }
    let (name, is_measure) = match (block.text("measure"), block.text("field")) {
        (Some(measure), None) => (measure, true),
        (None, Some(field)) => (field, false),
        _ => {
            block.desk().complain(
                Complaint::new("measure-or-field", "a point is either a measure or a field")
                    .mark(block.span.clone(), "exactly one of `measure` and `field`")
                    .help("`measure` is a value people see; `field` helps to judge another"),
            );
            return None;
        }
    };
    if (is_measure || !is_name(&name.what)) && name.what != "serial_number" {
        measure_name(block.desk(), &name);
    }
    let mut is = block.word("is", Is::words());
    if is.is_none() && !block.has("is") {
        block.missing("is");
    }
    if let (Some(Is::Text(_)), Some(registers)) = (is, block.number::<u16>("registers", 1..126)) {
        is = Some(Is::Text(registers.what));
    }
    let order = block.word("order", Order::words()).unwrap_or(order);
    let slice = slice(block, is);
    let mut making = Making::new(&name.what);
    common(block, &mut making);
    let title = block
        .text("title")
        .map_or_else(|| titled(&name.what), |title| title.what);
    let _ = block.text("manual");
    let is = is?;
    let has_meaning = says_unit(block) || matches!(is, Is::Text(_));
    if is_measure && !has_meaning && !matches!(is, Is::Bits | Is::Bits32 | Is::Bit) {
        no_unit(block.desk(), &name.what, name.span.clone());
    }
    let measure = (is_measure && has_meaning).then(|| Measure {
        name: name.what.clone(),
        title,
        making,
        span: name.span.clone(),
    });
    Some((
        RegisterPoint {
            at: at?.what,
            key: name.what.as_str().into(),
            name: name.what,
            is,
            order,
            slice,
            span: name.span,
        },
        measure,
    ))
}

/// `bits = "0 to 16"`: only these bits of the number are this point.
fn slice(block: &Block<'_>, is: Option<Is>) -> Option<Slice> {
    let text = block.text("bits")?;
    let width = is.map_or(64, |is| is.width() * 16);
    let whole = !is.is_some_and(|is| is.is_float() || matches!(is, Is::Text(_) | Is::Bit));
    let slice = Slice::read(&text.what).filter(|slice| whole && u16::from(slice.high) < width);
    if slice.is_none() {
        block.desk().complain(
            Complaint::new("no-bits", format!("{:?} are no bits of this number", text.what))
                .mark(
                    text.span,
                    format!("from 0 to {}, of a whole number", width.saturating_sub(1)),
                )
                .help("write for instance `bits = \"0 to 16\"`"),
        );
    }
    slice
}

/// Names must be there once, and refer to fields of their own answer or of the settings.
pub(super) fn check_reads(desk: &Desk<'_>, reads: &[Read]) {
    let mut seen: Vec<(&str, Range<usize>)> = Vec::new();
    for point in reads.iter().flat_map(|read| &read.points) {
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == point.name) {
            desk.complain(
                Complaint::new("name-twice", format!("{} is there twice", point.name))
                    .mark(point.span.clone(), "again here")
                    .mark(first.clone(), "first here")
                    .help("give each its own name"),
            );
        }
        seen.push((&point.name, point.span.clone()));
    }
    for read in reads.iter().filter(|read| read.role == ReadRole::Identity) {
        if !read.points.iter().any(|point| point.name == "serial_number") {
            desk.complain(
                Complaint::new("value-missing", "this read gives no identity")
                    .mark(read.span.clone(), "no point with `field = \"serial_number\"`")
                    .help("add the registers that hold the serial number"),
            );
        }
    }
    let settings: Vec<&str> = reads
        .iter()
        .filter(|read| read.role == ReadRole::Settings)
        .flat_map(|read| read.points.iter().map(|point| point.name.as_str()))
        .collect();
    for read in reads {
        let mut fields: Vec<&str> = read.points.iter().map(|point| point.name.as_str()).collect();
        fields.extend(&settings);
        let waits = read.window.iter().flat_map(|window| &window.ready_when);
        for field in waits
            .flat_map(super::super::meaning::When::fields)
            .filter(|field| !fields.contains(field))
        {
            desk.complain(not_in_this_answer(field, read.span.clone(), &fields));
        }
        let measures: Vec<&str> = read
            .measures
            .iter()
            .map(|measure| measure.name.as_str())
            .collect();
        for doubt in &read.doubts {
            for about in doubt
                .about
                .iter()
                .filter(|about| !measures.contains(&about.as_str()))
            {
                desk.complain(no_such(
                    "measure",
                    &At {
                        what: about.clone(),
                        span: doubt.span.clone(),
                    },
                    &measures,
                ));
            }
            let missing = doubt.when.fields().filter(|field| !fields.contains(field));
            for field in missing {
                desk.complain(not_in_this_answer(field, doubt.span.clone(), &fields));
            }
        }
        for measure in &read.measures {
            let needed = measure.making.fields();
            for field in needed.into_iter().filter(|field| !fields.contains(field)) {
                desk.complain(not_in_this_answer(field, measure.span.clone(), &fields));
            }
        }
    }
}

pub(super) fn not_in_this_answer(field: &str, span: Range<usize>, known: &[&str]) -> Complaint {
    Complaint::new(
        "not-in-this-answer",
        format!("{field:?} is no field of this read"),
    )
    .mark(span, "refers to it")
    .why("a status that comes with another answer may speak about another moment")
    .help(closest(field, known).map_or_else(
        || {
            format!(
                "read it in the same [[read]], or in one with `holds = \"settings\"`; known here: {}",
                known.join(", ")
            )
        },
        |near| format!("did you mean {near:?}?"),
    ))
}

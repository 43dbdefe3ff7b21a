//! From an answer to its fields, and from these to the answers of its measures.

use crate::{
    driver::{Ask, Read, ReadRole, RegisterPoint, TextAnswer, Then},
    meaning::{Field, Fields, filled, judge},
    modbus::Table,
    pattern::Found,
    registers::decode,
};
use record::Answer;

/// Every answer of the question this line can be.
pub(crate) fn matching<'a>(ask: &'a Ask, content: &[u8]) -> Vec<(&'a TextAnswer, Found)> {
    let digits = &ask.measures[0].making.digits;
    ask.answers
        .iter()
        .filter_map(|answer| {
            answer
                .reads
                .matches(content, &ask.units, digits)
                .map(|found| (answer, found))
        })
        .collect()
}

/// The answer of this line, and its values. A line that fits two answers with different meaning has none:
/// the driver is ambiguous, and its linter says so.
pub(crate) fn answered(ask: &Ask, content: &[u8]) -> Option<(Then, Vec<(String, Answer)>)> {
    let matching = matching(ask, content);
    let (answer, found) = matching.first()?;
    if matching.iter().any(|(other, _)| other.then != answer.then) {
        let bad = ask
            .measures
            .iter()
            .map(|measure| (measure.name.clone(), Answer::Bad("ambiguous".to_owned())));
        return Some((Then::Bad("ambiguous".to_owned()), bad.collect()));
    }
    let fields = fields_in(ask, answer, found, content);
    let answers = ask
        .measures
        .iter()
        .map(|measure| {
            let said = match &answer.then {
                Then::Bad(because) => Answer::Bad(filled(because, &fields)),
                Then::MoreFollows => Answer::Bad(String::new()),
                Then::Gives { doubt } => {
                    let judged = judge(&measure.name, measure.making.make(&fields), &ask.doubts, &fields);
                    match (judged, doubt) {
                        (Answer::Good(value), Some(because)) => {
                            Answer::Uncertain(value, filled(because, &fields))
                        }
                        (judged, _) => judged,
                    }
                }
            };
            (measure.name.clone(), said)
        })
        .collect();
    Some((answer.then.clone(), answers))
}

/// The fields of a line, under their own names; `{value}` under the measure's.
pub(crate) fn fields_in(ask: &Ask, answer: &TextAnswer, found: &Found, content: &[u8]) -> Fields {
    let mut fields = Fields::default();
    for (slot, (name, place)) in answer.reads.slots().zip(found) {
        if name != "_" {
            fields.put(ask.fields_of(slot), Field::Text(content[place.clone()].to_vec()));
        }
    }
    fields
}

/// The fields of an answer in registers, after those of the settings.
pub(crate) fn fields_of(read: &Read, values: &[u8], settings: &Fields) -> Fields {
    fields_at(read.table, &read.points, values, settings)
}

/// The fields of these points, after those that are known.
pub(crate) fn fields_at(table: Table, points: &[RegisterPoint], values: &[u8], known: &Fields) -> Fields {
    let mut fields = Fields::newer(points.len());
    for point in points {
        if let Some(field) = field_at(table, point, values) {
            fields.push(&point.key, field);
        }
    }
    fields.with_known(known)
}

fn field_at(table: Table, point: &RegisterPoint, values: &[u8]) -> Option<Field> {
    let at = usize::from(point.at);
    if table.is_bits() {
        let byte = values.get(at / 8)?;
        return Some(Field::Count(i128::from(byte >> (at % 8) & 1)));
    }
    let wire = values.get(at * 2..at * 2 + usize::from(point.is.width()) * 2)?;
    let field = decode(point.is, point.order, wire)?;
    Some(match (&point.slice, field) {
        (Some(slice), Field::Count(count)) => Field::Count(slice.of(count)),
        (_, field) => field,
    })
}

pub(crate) fn answers_of(read: &Read, fields: &Fields) -> Vec<(String, Answer)> {
    read.measures
        .iter()
        .map(|measure| {
            let answer = judge(&measure.name, measure.making.make(fields), &read.doubts, fields);
            (measure.name.clone(), answer)
        })
        .collect()
}

pub(super) fn identity_of(read: &Read, fields: &Fields) -> Option<String> {
    let point = read.points.iter().find(|point| point.name == "serial_number")?;
    Some(words_of(fields.get(&point.name)?))
}

/// What a read lets an instrument say about itself and how it is set.
pub(super) fn said_by(read: &Read) -> Vec<String> {
    let points = read.points.iter().filter(|_| read.role != ReadRole::Values);
    points.map(|point| point.name.clone()).collect()
}

pub(super) fn says_of(read: &Read, fields: &Fields) -> Vec<(String, String)> {
    let says = read.points.iter().filter_map(|point| {
        let words = words_of(fields.get(&point.name)?);
        Some((point.name.clone(), words))
    });
    says.collect()
}

pub(crate) fn words_of(field: &Field) -> String {
    match field {
        Field::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Field::Count(count) => count.to_string(),
        Field::Float { text, .. } => text.clone(),
        Field::Flag(flag) => flag.to_string(),
        Field::Missing => "missing".to_owned(),
    }
}

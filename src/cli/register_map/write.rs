//! The driver file of a register map: registers that touch are one read; the samples show what the map says, until
//! frames of the real instrument take their place.

use super::rows::Row;
use driver::{Conversation, ConversationOptions, Driver, NewSample, Player, PlayerOptions, Role, Transport};
use record::{Amount, Answer, Quantity, Trouble, Unit, Value};
use rust_decimal::Decimal;
use std::str::FromStr;

/// What the head of the file says.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) maker: String,
    pub(crate) manual: String,
}

/// The whole file.
pub(crate) fn driver_file(rows: &[Row], about: &About) -> Result<String, Trouble> {
    let mut text = format!(
        "# From a register map; `steelyard try {0}` says what is still wrong. What the map cannot say is missing here:\n\
         # when a value is in doubt, and what the status bits mean.\n\
         format = 1\n\n\
         [driver]\n\
         name     = {0:?}\n\
         edition  = 1\n\
         title    = {1:?}\n\
         maker    = {2:?}\n\
         speaks   = \"modbus\"\n\
         evidence = \"draft\"\n\
         manual   = {3:?}\n\n\
         [modbus]\n\
         answer_within = \"500 ms\"\n",
        about.name, about.title, about.maker, about.manual
    );
    for read in reads(rows) {
        let (first, last) = (&read[0], &read[read.len() - 1]);
        text.push_str(&format!(
            "\n[[read]]\ntable = \"{}\"\nfirst = {}\ncount = {}\npoints = [\n",
            first.table,
            first.register,
            last.register + last.width() - first.register
        ));
        text.push_str(&points(read));
        text.push_str("]\n");
    }
    let driver = Driver::parse(&text, &format!("drivers/{}.toml", about.name)).map_err(|complaints| {
        let first = complaints.first().map(|one| one.what.clone()).unwrap_or_default();
        Trouble::new("map-not-usable", format!("the map makes no driver: {first}"))
            .means("nothing was written")
            .so("mend the map; steelyard drivers new --help says what its columns mean")
    })?;
    for sample in samples(&driver, rows) {
        text.push_str(&sample.written(&driver));
    }
    Ok(text)
}

/// Registers of one table that touch, as far as one question reaches.
fn reads(rows: &[Row]) -> Vec<&[Row]> {
    let mut reads = Vec::new();
    let mut begin = 0;
    for at in 1..=rows.len() {
        let breaks = rows.get(at).is_none_or(|next| {
            let last = &rows[at - 1];
            next.table != last.table
                || next.register != last.register + last.width()
                || next.register + next.width() - rows[begin].register > MOST
        });
        if breaks {
            reads.push(&rows[begin..at]);
            begin = at;
        }
    }
    reads
}

/// One point a line, in columns.
fn points(read: &[Row]) -> String {
    let first = read[0].register;
    let wide = |text: &dyn Fn(&Row) -> String| {
        read.iter()
            .map(|row| text(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let at = |row: &Row| (row.register - first).to_string();
    let measure = |row: &Row| format!("{:?},", row.measure);
    let is = |row: &Row| format!("{:?},", row.is);
    let worth = |row: &Row| {
        if row.is.starts_with("float") {
            format!("unit = {:?}", row.unit)
        } else {
            format!("one_count = \"{} {}\"", row.scale, row.unit)
        }
    };
    let (w_at, w_measure, w_is) = (wide(&at), wide(&measure), wide(&is));
    let mut text = String::new();
    for row in read {
        text.push_str(&format!(
            "  {{ at = {:>w_at$}, measure = {:w_measure$} is = {:w_is$} {}",
            at(row),
            measure(row),
            is(row),
            worth(row)
        ));
        let more = [
            ("order", if row.order == "ABCD" { "" } else { row.order }),
            ("title", row.title.as_str()),
            ("manual", row.manual.as_str()),
        ];
        for (key, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!(", {key} = {value:?}"));
        }
        text.push_str(" },\n");
    }
    text
}

/// For each read an exchange as the map has it; a refusal and a damaged frame for the first.
fn samples(driver: &Driver, rows: &[Row]) -> Vec<NewSample> {
    let (unit_id, transport) = (1, Transport::ModbusRtu);
    let mut player = Player::new(driver, PlayerOptions { unit_id, transport });
    for (place, row) in rows.iter().enumerate() {
        if let Some(value) = value(row, place) {
            // a value that does not fit its register stays zero, which is as good
            let _ = player.set(&row.measure, Answer::Good(value));
        }
    }
    let mut conversation = Conversation::new(driver, ConversationOptions { unit_id, transport });
    let mut samples = Vec::new();
    for question in conversation.questions() {
        if question.role != Role::Values {
            continue;
        }
        let send = conversation.ask(question.id);
        let hear = player.hear(&send);
        let mut shows = |says: &str, hear: Vec<u8>| {
            conversation.forget();
            conversation.ask(question.id);
            let mut heard = conversation.hear(&hear);
            heard.extend(conversation.give_up());
            let answers = heard.into_iter().flat_map(|heard| heard.answers);
            samples.push(NewSample {
                says: says.to_owned(),
                send: send.clone(),
                hear,
                gives: answers
                    .map(|(measure, answer)| (measure, vec![answer.to_string()]))
                    .collect(),
                ..NewSample::default()
            });
        };
        shows(
            "as the map says, not yet seen: put a frame from the instrument here",
            hear.clone(),
        );
        let mut damaged = hear;
        if let Some(last) = damaged.last_mut() {
            *last ^= 1;
        }
        shows("one flipped bit fails the check sum", damaged);
        let refusal = [send[0], send[1] | 0x80, 2];
        let sum = driver::crc16(&refusal).to_le_bytes();
        shows("it has no such register", [refusal.as_slice(), &sum].concat());
    }
    samples
}

/// Another value for each, so that two that are taken for one another show.
fn value(row: &Row, place: usize) -> Option<Value> {
    let scale = Decimal::from_str(&row.scale).ok()?;
    let number = scale.checked_mul(Decimal::from(10 + place as u32))?;
    Some(Value::Quantity(Quantity {
        amount: Amount::read(&number.to_string())?,
        unit: Unit::named(&row.unit)?,
    }))
}

/// Registers in one question.
const MOST: u16 = 100;

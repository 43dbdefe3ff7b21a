//! Looks for what a driver leaves open: samples that disagree or are missing, lines that fit two answers,
//! units that differ. A driver with complaints from here is not recorded with.

mod commands;
mod nodes;
mod unreachable;

use crate::{
    Complaint,
    conversation::matching,
    driver::{Ask, Driver, Measure, Modbus, Read, RegisterPoint, Sample, Speaks, Text, TextAnswer, Then},
    meaning::Doubt,
    player::contents,
    registers::{Is, Order, decode},
    sample::{hex, run_sample, shown},
};
use record::Unit;

/// Everything that is wrong or missing in a driver that can be read.
///
/// ```
/// let (file, text) = driver::builtin()[0];
/// let driver = driver::Driver::parse(text, file).unwrap();
/// assert_eq!(driver::lint(&driver), []);
/// ```
pub fn lint(driver: &Driver) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> = driver
        .samples
        .iter()
        .flat_map(|sample| disagreements(driver, sample))
        .collect();
    match &driver.speaks {
        Speaks::Text(text) => {
            complaints.extend(text.asks.iter().flat_map(|ask| ambiguous(driver, text, ask)));
            complaints.extend(
                text.asks
                    .iter()
                    .flat_map(|ask| unproven_answers(driver, text, ask)),
            );
            complaints.extend(
                text.asks
                    .iter()
                    .flat_map(|ask| unproven_doubts(driver, &ask.doubts)),
            );
        }
        Speaks::Modbus(modbus) => {
            complaints.extend(
                modbus
                    .reads
                    .iter()
                    .flat_map(|read| unproven_doubts(driver, &read.doubts)),
            );
            complaints.extend(no_refusal(driver, modbus));
        }
        Speaks::Nodes(nodes) => complaints.extend(nodes::open(driver, nodes)),
    }
    complaints.extend(commands::unproven(driver));
    complaints.extend(unreachable::unreachable(driver));
    complaints.extend(no_damage(driver));
    complaints.extend(
        measures(driver)
            .into_iter()
            .flat_map(|measure| unproven_measure(driver, measure)),
    );
    complaints.extend(name_differs(driver));
    let mut complaints: Vec<Complaint> = complaints
        .into_iter()
        .map(|complaint| complaint.file(&driver.file))
        .collect();
    complaints.sort_by_key(|complaint| complaint.marks.first().map_or(0, |(span, _)| span.start));
    complaints
}

fn measures(driver: &Driver) -> Vec<&Measure> {
    match &driver.speaks {
        Speaks::Text(text) => text.asks.iter().flat_map(|ask| &ask.measures).collect(),
        Speaks::Modbus(modbus) => modbus.reads.iter().flat_map(|read| &read.measures).collect(),
        Speaks::Nodes(nodes) => nodes.groups.iter().flat_map(|group| &group.measures).collect(),
    }
}

const UNTIL: &str = "nothing is recorded with this driver until the two agree";

fn disagreements(driver: &Driver, sample: &Sample) -> Vec<Complaint> {
    let result = run_sample(driver, sample);
    if let Some(trouble) = result.trouble {
        return vec![
            Complaint::new(
                "sample-asks-nothing",
                "this sample sends what the driver never asks",
            )
            .mark(sample.span.clone(), format!("{:?}", sample.says))
            .note(trouble)
            .why("a sample that is never run proves nothing")
            .help("correct what it sends, or leave `send` out where the instrument speaks by itself"),
        ];
    }
    let differing = result
        .answers
        .iter()
        // a line that fits two answers is a complaint of its own
        .filter(|(_, promised, gave)| {
            promised != gave && !gave.iter().any(|words| words == "bad: ambiguous")
        });
    differing
        .map(|(measure, promised, gave)| {
            let gives = if gave.is_empty() {
                "nothing".to_owned()
            } else {
                gave.join(" · ")
            };
            let (heard, why, marks) = cause(driver, sample, measure);
            let mut complaint = Complaint::new(
                "sample-disagrees",
                "this driver does not give what its sample promises",
            )
            .mark(sample.gives_span.clone(), format!("{:?}", sample.says))
            .note(format!("heard     {heard}"))
            .note(format!("promised  {measure} = {}", promised.join(" · ")))
            .note(format!("gives     {measure} = {gives}"))
            .why(why.unwrap_or_else(|| "one of the two is wrong about the instrument".to_owned()))
            .help(match would_agree(driver, sample, measure, promised) {
                Some(change) => format!("if the display agrees with the sample, write {change}; otherwise correct the sample\n{UNTIL}"),
                None => format!("correct the driver if the display agrees with the sample, else the sample\n{UNTIL}"),
            });
            complaint.marks.extend(marks);
            complaint
        })
        .collect()
}

/// The other type or order with which these bytes would give what was promised.
fn would_agree(driver: &Driver, sample: &Sample, measure: &str, promised: &[String]) -> Option<String> {
    let (point, own) = registers_of(driver, sample, measure)?;
    let Speaks::Modbus(modbus) = &driver.speaks else {
        return None;
    };
    let read = modbus
        .reads
        .iter()
        .find(|read| read.points.iter().any(|other| other.span == point.span))?;
    let measure = read.measures.iter().find(|known| known.name == measure)?;
    let values = crate::modbus::unsealed(&sample.hear)?.get(3..)?;
    let fields = crate::conversation::fields_of(read, values, &crate::meaning::Fields::default());
    let orders = Order::words()
        .iter()
        .map(|(word, order)| (format!("`order = {word:?}`"), point.is, *order));
    let types = Is::words()
        .iter()
        .map(|(word, is)| (format!("`is = {word:?}`"), *is, point.order));
    let fits = |is: Is| is.width() == point.is.width() && !matches!(is, Is::Text(_));
    types
        .chain(orders)
        .filter(|(_, is, _)| fits(*is))
        .find_map(|(words, is, order)| {
            let mut fields = fields.clone();
            fields.put(&point.name, decode(is, order, own)?);
            let said =
                crate::meaning::judge(&measure.name, measure.making.make(&fields), &read.doubts, &fields);
            promised
                .iter()
                .all(|promised| *promised == said.to_string())
                .then_some(words)
        })
}

type Marks = Vec<(std::ops::Range<usize>, String)>;

/// The bytes heard, those of this measure in brackets; how they are read, and where the driver says so.
fn cause(driver: &Driver, sample: &Sample, measure: &str) -> (String, Option<String>, Marks) {
    let Some((point, own)) = registers_of(driver, sample, measure) else {
        return (shown(driver, &sample.hear), None, Vec::new());
    };
    let from = 3 + usize::from(point.at) * 2;
    let (before, after) = (&sample.hear[..from], &sample.hear[from + own.len()..]);
    let text = format!("{} [{}] {}", hex(before), hex(own), hex(after));
    let why = format!(
        "bytes {} at {} are read as {}",
        hex(own),
        point.at,
        point.is.word()
    );
    (
        text,
        Some(why),
        vec![(point.span.clone(), format!("read as {}", point.is.word()))],
    )
}

/// The point of this measure in the read the sample asks for, and its bytes in what was heard.
fn registers_of<'d>(
    driver: &'d Driver,
    sample: &'d Sample,
    measure: &str,
) -> Option<(&'d RegisterPoint, &'d [u8])> {
    let Speaks::Modbus(modbus) = &driver.speaks else {
        return None;
    };
    let asked = crate::modbus::Request::read(crate::modbus::unsealed(&sample.send)?)?;
    let asks =
        |read: &&Read| asked.table == read.table && asked.first == read.first && asked.count == read.count;
    let read = modbus
        .reads
        .iter()
        .find(asks)
        .filter(|read| !read.table.is_bits())?;
    let point = read.points.iter().find(|point| point.name == measure)?;
    let from = 3 + usize::from(point.at) * 2;
    Some((
        point,
        sample.hear.get(from..from + usize::from(point.is.width()) * 2)?,
    ))
}

/// Lines of the samples that fit two answers with different meaning.
fn ambiguous(driver: &Driver, text: &Text, ask: &Ask) -> Vec<Complaint> {
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut complaints = Vec::new();
    let lines = driver.samples.iter().flat_map(|sample| contents(text, sample));
    for line in lines.chain(ask.answers.iter().map(|answer| probe(ask, answer))) {
        let fits = matching(ask, &line);
        let Some((first, _)) = fits.first() else { continue };
        for (other, _) in fits.iter().filter(|(other, _)| other.then != first.then) {
            if seen.contains(&(first.span.start, other.span.start)) {
                continue;
            }
            seen.push((first.span.start, other.span.start));
            complaints.push(two_match(driver, first, other, &line));
        }
    }
    complaints
}

fn two_match(driver: &Driver, first: &TextAnswer, other: &TextAnswer, line: &[u8]) -> Complaint {
    Complaint::new(
        "two-answers-match",
        "one line of text fits two answers with different meaning",
    )
    .mark(other.span.clone(), "fits")
    .mark(first.span.clone(), "fits as well")
    .note(format!("{} fits both", shown(driver, line)))
    .why(format!(
        "the same line would be {} or {} depending on the order of lines",
        first.then.word(),
        other.then.word()
    ))
    .help("make one of them exact: a letter instead of a field, or a width")
}

/// A line of this answer made up from the pattern alone.
fn probe(ask: &Ask, answer: &TextAnswer) -> Vec<u8> {
    answer.reads.render(|slot| {
        let text: &[u8] = match slot.kind {
            crate::pattern::Kind::Number => b"1.25",
            crate::pattern::Kind::Unit => ask.units.first().map_or(b"" as &[u8], Vec::as_slice),
            crate::pattern::Kind::Any => b"A",
        };
        let width = slot.width.map_or(text.len(), |(least, _)| least);
        [vec![b' '; width.saturating_sub(text.len())], text.to_vec()].concat()
    })
}

fn unproven_answers(driver: &Driver, text: &Text, ask: &Ask) -> Vec<Complaint> {
    let lines: Vec<Vec<u8>> = driver
        .samples
        .iter()
        .flat_map(|sample| contents(text, sample))
        .collect();
    ask.answers
        .iter()
        .filter(|answer| {
            !lines
                .iter()
                .any(|line| matching(ask, line).iter().any(|(fit, _)| fit.span == answer.span))
        })
        .map(|answer| {
            Complaint::new("answer-without-sample", "no sample shows this answer")
                .mark(answer.span.clone(), format!("{} is never heard", answer.reads))
                .why("an answer nobody has shown may never come, or mean something else")
                .help("add a [[sample]] with a line the instrument sends; `steelyard try TAG` keeps one")
        })
        .collect()
}

fn unproven_doubts(driver: &Driver, doubts: &[Doubt]) -> Vec<Complaint> {
    let words: Vec<(&str, &str)> = driver
        .samples
        .iter()
        .flat_map(|sample| &sample.gives)
        .flat_map(|(name, words)| words.iter().map(move |words| (name.as_str(), words.as_str())))
        .collect();
    doubts
        .iter()
        .filter(|doubt| {
            let said = format!("{}: {}", doubt.quality.word(), doubt.because.split('{').next().unwrap_or_default());
            !words.iter().any(|(name, words)| doubt.about.iter().any(|about| about == name) && words.contains(&said))
        })
        .map(|doubt| {
            Complaint::new("doubt-without-sample", "no sample shows this doubt")
                .mark(doubt.span.clone(), format!("{doubt} is never promised"))
                .why("a doubt that is never tried may look at the wrong bit, and a wrong value would count as good")
                .help("add a [[sample]] in which it is true")
        })
        .collect()
}

fn promises(driver: &Driver, what: &str) -> bool {
    driver
        .samples
        .iter()
        .flat_map(|sample| &sample.gives)
        .flat_map(|(_, words)| words)
        .any(|words| words.starts_with(what))
}

fn no_refusal(driver: &Driver, modbus: &Modbus) -> Option<Complaint> {
    let first = modbus.reads.first()?;
    (!promises(driver, "bad: refused")).then(|| {
        Complaint::new("refusal-without-sample", "no sample shows a refusal")
            .mark(first.span.clone(), "what comes when the instrument says no?")
            .why("a refusal taken for a value, or for silence, sends people to the wrong place")
            .help("add a [[sample]] with an exception, for instance hear = \"01 83 06 C1 32\"")
    })
}

fn no_damage(driver: &Driver) -> Option<Complaint> {
    if promises(driver, "bad: garbled") || promises(driver, "bad: unexpected") {
        return None;
    }
    let first = driver.samples.first().map_or(0..0, |sample| sample.span.clone());
    Some(
        Complaint::new("damage-without-sample", "no sample shows a damaged frame")
            .mark(first, "the samples begin here")
            .why("a damaged frame must never become a value; a sample shows that it does not")
            .help("add a [[sample]] with one wrong character or bit that gives \"bad: unexpected\" or \"bad: garbled\""),
    )
}

fn unproven_measure(driver: &Driver, measure: &Measure) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let promised: Vec<(&Sample, &String)> = driver
        .samples
        .iter()
        .flat_map(|sample| sample.gives.iter().map(move |gives| (sample, gives)))
        .filter(|(_, (name, _))| *name == measure.name)
        .flat_map(|(sample, (_, words))| words.iter().map(move |words| (sample, words)))
        .collect();
    if !promised.iter().any(|(_, words)| !words.starts_with("bad: ")) {
        complaints.push(
            Complaint::new(
                "measure-without-sample",
                format!("no sample shows a value of {}", measure.name),
            )
            .mark(measure.span.clone(), "never a value")
            .help("add a [[sample]] that gives one"),
        );
    }
    let Some(units) = measure.making.unit.as_ref().map(crate::meaning::UnitFrom::all) else {
        return complaints;
    };
    for (sample, words) in promised {
        let value = words.split(", uncertain: ").next().unwrap_or_default();
        let Some(unit) = value.split_once(' ').and_then(|(_, unit)| Unit::named(unit)) else {
            continue;
        };
        if !words.starts_with("bad: ") && !units.contains(&unit) {
            complaints.push(
                Complaint::new(
                    "units-differ",
                    format!(
                        "{} is promised in {unit}, which this driver never gives",
                        measure.name
                    ),
                )
                .mark(sample.gives_span.clone(), format!("{words:?}"))
                .mark(measure.span.clone(), format!("given in {}", listed(&units)))
                .why("a value in another unit than its label is a wrong value")
                .help("correct the unit in the driver or in the sample"),
            );
        }
    }
    complaints
}

fn listed(units: &[Unit]) -> String {
    units
        .iter()
        .map(|unit| unit.shown())
        .collect::<Vec<_>>()
        .join(", ")
}

fn name_differs(driver: &Driver) -> Option<Complaint> {
    let stem = driver.file.rsplit('/').next()?.strip_suffix(".toml")?;
    (stem != driver.name).then(|| {
        let at = driver.text.find(&driver.name).unwrap_or_default();
        Complaint::new(
            "name-differs-from-file",
            "the driver has another name than its file",
        )
        .mark(at..at + driver.name.len(), format!("the file is {stem}.toml"))
        .why("the configuration names the driver, people look for the file")
        .help(format!(
            "call it {stem:?}, or rename the file to {}.toml",
            driver.name
        ))
    })
}

impl Then {
    fn word(&self) -> &'static str {
        match self.quality() {
            Some(quality) => quality.word(),
            None => "waited upon",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn shipped(file: &str) -> &'static str {
        crate::builtin().iter().find(|(name, _)| *name == file).unwrap().1
    }

    fn names(file: &str, change: impl Fn(&str) -> String) -> Vec<&'static str> {
        let text = change(shipped(file));
        assert_ne!(text, shipped(file), "the change found nothing to change");
        match Driver::parse(&text, file) {
            Ok(driver) => lint(&driver).iter().map(|complaint| complaint.name).collect(),
            Err(complaints) => complaints.iter().map(|complaint| complaint.name).collect(),
        }
    }

    #[test]
    fn every_shipped_driver_leaves_nothing_open() {
        let mut open = Vec::new();
        for (file, text) in crate::builtin() {
            let driver = Driver::parse(text, file).unwrap();
            open.extend(
                lint(&driver)
                    .iter()
                    .map(|complaint| format!("{file}: {complaint:#?}")),
            );
        }
        assert!(open.is_empty(), "{}", open.join("\n"));
    }

    #[test]
    fn a_driver_that_disagrees_with_its_own_sample_says_which_bytes_and_how_it_read_them() {
        let text = shipped("tc200.toml").replace(
            "\"temperature\", is = \"int16\", ",
            "\"temperature\", is = \"uint16\",",
        );
        let driver = Driver::parse(&text, "tc200.toml").unwrap();
        let complaints = lint(&driver);
        let complaint = complaints
            .iter()
            .find(|complaint| complaint.name == "sample-disagrees")
            .unwrap();
        assert_eq!(
            complaint.notes,
            [
                "heard     01 04 08 [FF CE] 02 D5 00 00 00 01 89 35",
                "promised  temperature = -5.0 °C",
                "gives     temperature = 6548.6 °C"
            ]
        );
        assert_eq!(complaint.why, "bytes FF CE at 0 are read as uint16");
        assert!(
            complaint
                .help
                .starts_with("if the display agrees with the sample, write `is = \"int16\"`;"),
            "{}",
            complaint.help
        );
        let (place, _) = &complaint.marks[1];
        assert_eq!(&text[place.clone()], "\"temperature\"");
    }

    #[test]
    fn a_wrong_word_order_is_named() {
        let file = "jumo-diratron.toml";
        let text = shipped(file).replace("order         = \"CDAB\"", "order         = \"ABCD\"");
        let complaints = lint(&Driver::parse(&text, file).unwrap());
        let helps: Vec<&str> = complaints
            .iter()
            .map(|complaint| complaint.help.as_str())
            .collect();
        assert!(
            helps.iter().any(|help| help.contains("write `order = \"CDAB\"`")),
            "{helps:?}"
        );
    }

    #[test]
    fn what_a_driver_leaves_open_is_found() {
        let balance = "mt-sics-balance.toml";
        let exact = "\"S D {value:10} {unit}\"";
        assert!(
            names(balance, |text| text.replace(exact, "\"S {mode} {value} {unit}\""))
                .contains(&"two-answers-match")
        );
        assert!(
            names(balance, |text| text
                .replace("hear  = \"S +\\r\\n\"", "hear  = \"S -\\r\\n\""))
            .contains(&"answer-without-sample")
        );
        assert!(
            names(balance, |text| text
                .replace("\"mg\", \"g\", \"kg\"", "\"mg\", \"kg\""))
            .contains(&"units-differ")
        );
        assert!(
            names(balance, |text| text
                .replace("send  = \"SI\\r\\n\"", "send  = \"SX\\r\\n\""))
            .contains(&"sample-asks-nothing")
        );
        let tc = "tc200.toml";
        assert!(names(tc, |text| text.replace("status bit 5", "status bit 6")).contains(&"sample-disagrees"));
        assert!(
            names(tc, |text| text.replace(", uncertain: self-tuning", "")).contains(&"doubt-without-sample")
        );
        assert!(names(tc, |text| text.replace("at = 3", "at = 4")).contains(&"point-outside-read"));
        assert!(
            names(tc, |text| text.replace("refused, busy", "garbled")).contains(&"refusal-without-sample")
        );
        assert!(names(tc, |text| text.replace("\"tc200\"", "\"tc201\"")).contains(&"name-differs-from-file"));
    }

    #[test]
    fn each_thing_a_driver_can_leave_open_has_its_own_finding() {
        let balance = "mt-sics-balance.toml";
        let generic = "generic-registers.toml";
        // finding | file | what is changed | into what
        let table = [
            (
                "never-reached",
                balance,
                "  { reads = \"ES\",",
                "  { reads = \"S +\", quality = \"bad\", because = \"overload\" },\n  { reads = \"ES\",",
            ),
            (
                "two-answers-match",
                balance,
                "{ reads = \"S I\",  ",
                "{ reads = \"S {mode}\",",
            ),
            (
                "answer-without-sample",
                balance,
                "hear  = \"Z +\\r\\n\"",
                "hear  = \"Z A\\r\\n\"",
            ),
            (
                "command-without-sample",
                balance,
                "gives = { zero = \"done\" }",
                "gives = { zero = \"refused: busy\" }",
            ),
            (
                "command-without-proof",
                balance,
                "{ reads = \"Z A\", then = \"done\" }",
                "{ reads = \"Z A\", then = \"more follows\" }",
            ),
            (
                "no-such-name",
                "tc200.toml",
                "about = \"temperature\"",
                "about = \"temprature\"",
            ),
            (
                "measure-without-sample",
                "tc200.toml",
                "{ at = 3, measure = \"status\",      is = \"bits\",",
                "{ at = 3, measure = \"status\",      is = \"uint16\", one_count = \"1 %\",",
            ),
            ("not-in-this-answer", "tc200.toml", "status bit 5", "state bit 5"),
            (
                "never-reached",
                "mixer-drive.toml",
                "{ when = \"status bit 2 is set\",  ",
                "{ when = \"status bit 3 is set\",  ",
            ),
        ];
        for (finding, file, from, to) in table {
            let found = names(file, |text| text.replacen(from, to, 1));
            assert!(found.contains(&finding), "{finding} in {file}: {found:?}");
        }
        let undamaged = names(generic, |text| {
            text.replace("bad: garbled", "1 kg")
                .replace("bad: unexpected", "1 kg")
        });
        assert!(undamaged.contains(&"damage-without-sample"), "{undamaged:?}");
    }

    #[test]
    fn every_mistake_of_a_file_is_shown_at_once_and_in_its_place() {
        let text = shipped("tc200.toml")
            .replace("maker    =", "makr     =")
            .replace("\"300 ms\"", "\"300\"")
            .replace("\"0.1 %\"", "\"0.1 furlong\"")
            .replace("status bit 2 is set", "status bit 2 is on");
        let complaints = Driver::parse(&text, "tc200.toml").unwrap_err();
        let found: Vec<(&str, &str)> = complaints
            .iter()
            .map(|complaint| (complaint.name, &text[complaint.marks[0].0.clone()]))
            .collect();
        let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["unknown-key", "no-time", "no-quantity", "no-sentence"]);
        assert_eq!(found[0].1, "makr");
        assert_eq!(found[1].1, "\"300\"");
        assert_eq!(found[3].1, "\"status bit 2 is on\"");
        assert_eq!(complaints[0].help, "did you mean `maker`?");
    }
}

//! A line of two mixers that share a bath, told what happens in words.

use record::{Answer, Draft, Hash, Quantity, Stamp, Tree, Value, Word};
use std::{cell::RefCell, collections::BTreeMap, fmt::Write, path::PathBuf, time::Duration};
use steelyard::{
    config::plant::{
        Authority, Capture, ContextWay, Gateway, Limits, Master, Pace, Plant, PointName, RecordStore,
        Signing, Unit0, Use, Web, WhenOver,
    },
    flow::{
        enter::{Enter, Entered},
        line::{Figures, Line, LineAction, LineEvent, Reading, books::Books},
        replay::{Replay, Report},
    },
};

/// Numbers and keeps what is entered.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) entries: Vec<(Draft, Hash)>,
    pub(super) lines: Vec<Vec<u8>>,
}

impl Enter for Recorder {
    fn enter(&mut self, draft: Draft) -> Entered {
        let seq = self.entries.len() as u64 + 1;
        let mut line = Vec::new();
        let leaf = draft.write(seq, [7; 16], &mut line).unwrap();
        assert_eq!(record::Line::read(&line).unwrap().leaf(), leaf);
        self.lines.push(line);
        self.entries.push((draft, leaf));
        Entered { seq, leaf }
    }

    fn close(&mut self, draft: Draft, batch: &str) -> Entered {
        let named = self
            .entries
            .iter()
            .filter(|(draft, _)| draft.text("batch") == Some(batch));
        let closings = named
            .clone()
            .filter(|(draft, _)| draft.outside().iter().any(|(name, _)| *name == "closing"));
        let closing = closings.count() + 1;
        let tree: Tree = named.map(|(_, leaf)| *leaf).collect();
        let draft = draft.with("closing", closing);
        let draft = draft.with("count", tree.size()).with("root", tree.root());
        self.enter(draft)
    }

    fn earlier(&mut self, _since: Stamp, each: &mut dyn FnMut(&record::Line<'_>)) {
        for line in &self.lines {
            each(&record::Line::read(line).unwrap());
        }
    }
}

pub(super) struct World {
    pub(super) line: Line,
    pub(super) recorder: Recorder,
    pub(super) replies: Vec<String>,
    shown: usize,
    numbers: BTreeMap<String, u64>,
    /// Asked for once, when everything was told.
    places: RefCell<Option<BTreeMap<u64, BTreeMap<String, String>>>>,
    plant: Plant,
}

/// Whatever a test lets happen: what was entered must follow once more from what was entered before it.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let report = self.replayed();
            assert_eq!(
                report.differences,
                Vec::new(),
                "a replay of {} entries",
                report.entries
            );
        }
    }
}

/// `mm:ss` or `mm:ss.mmm` after ten o'clock.
pub(super) fn at(text: &str) -> Stamp {
    let (clock, ms) = text.split_once('.').unwrap_or((text, "0"));
    let (minutes, seconds) = clock.split_once(':').unwrap();
    let ms = ms.parse::<i64>().unwrap();
    let seconds = minutes.parse::<i64>().unwrap() * 60 + seconds.parse::<i64>().unwrap();
    Stamp::read("2026-11-20T10:00:00.000Z")
        .unwrap()
        .plus_ms(seconds * 1000 + ms)
}

/// The other way round.
pub(super) fn clock(stamp: Stamp) -> String {
    let ms = stamp.ms_since(at("00:00"));
    let part = if ms % 1000 == 0 {
        String::new()
    } else {
        format!(".{:03}", ms % 1000)
    };
    format!("{:02}:{:02}{part}", ms / 60_000, ms / 1000 % 60)
}

fn point(name: &str) -> PointName {
    let (tag, measure) = name.split_once('.').unwrap();
    PointName {
        tag: tag.to_owned(),
        measure: measure.to_owned(),
    }
}

/// `emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 3`: one capture at MX-3.
fn capture(text: &str) -> Capture {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (unit, step) = words[0].split_once(':').unwrap();
    let limits = words.iter().position(|word| word.contains('/')).map(|at| {
        let parts: Vec<Option<Quantity>> = words[at]
            .split('/')
            .map(|limit| Quantity::read(&format!("{limit} {}", words[at + 1])))
            .collect();
        let [low, warn_low, warn_high, high] = <[Option<Quantity>; 4]>::try_from(parts).unwrap();
        Limits {
            low,
            high,
            warn_low,
            warn_high,
        }
    });
    let after = |name: &str| {
        words
            .iter()
            .position(|word| *word == name)
            .map(|at| words[at + 1])
    };
    Capture {
        during: (step != "*").then(|| step.to_owned()),
        at: unit.to_owned(),
        role: role(words[1]),
        point: point(words[1]),
        unit: None,
        pace: match after("every").unwrap() {
            "reading" => Pace::EveryReading,
            "change" => Pace::OnChange,
            "demand" => Pace::OnDemand,
            seconds => Pace::Every(Duration::from_secs(seconds.parse().unwrap())),
        },
        limits,
        missing_after: Duration::from_secs(after("missing").map_or(3, |seconds| seconds.parse().unwrap())),
    }
}

fn role(point: &str) -> String {
    point.split_once('.').unwrap().1.to_owned()
}

pub(super) fn plant(settle_ms: u64, captures: &str) -> Plant {
    let unit = |name: &str, points: &[&str]| Unit0 {
        name: name.to_owned(),
        title: String::new(),
        kind: "mixer".to_owned(),
        authority: Authority::Mqtt,
        context: ContextWay::default(),
        lease: Some(Duration::from_hours(1)),
        roles: points.iter().map(|name| (role(name), point(name))).collect(),
        without_step: Duration::from_secs(10),
    };
    Plant {
        signal: None,
        gateway: Gateway {
            name: "line-3".to_owned(),
            plant: "Essen".to_owned(),
            usage: Use::Demo,
            zone: "Europe/Berlin".to_owned(),
            ledger: PathBuf::new(),
            signing_key: PathBuf::new(),
            seal_within: Duration::from_secs(1),
            page_bytes: 96 << 10,
            segment_bytes: 64 << 20,
            stop_capture_below: 0,
            clock_may_differ_by: Duration::from_millis(500),
            settle: Duration::from_millis(settle_ms),
            recipes: None,
            when_calibration_is_over: WhenOver::Exception,
            trust: "/tmp/none/pki".into(),
            when_certificate_is_over: WhenOver::Exception,
            values_by_hand_by: vec!["supervisor".to_owned()],
        },
        record_store: RecordStore {
            broker: String::new(),
            insecure_plaintext: false,
            mqtt_version_3: false,
            user: None,
            password_file: None,
            trust: None,
            certificate: None,
            private_key: None,
            topics: "steelyard".to_owned(),
            key: None,
            release_on_broker: false,
            window: 64,
        },
        equipment: BTreeMap::new(),
        units: vec![
            unit("MX-3", &["TC-1.temp", "BA-1.bath"]),
            unit("MX-4", &["TC-2.heat", "BA-1.bath"]),
        ],
        captures: captures
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(capture)
            .collect(),
        stations: Vec::new(),
        master: Master::default(),
        signing: Signing::default(),
        recipes: Vec::new(),
        web: Web::default(),
        files: Vec::new(),
        warnings: Vec::new(),
    }
}

impl World {
    pub(super) fn new(settle_ms: u64, captures: &str) -> Self {
        Self::of(plant(settle_ms, captures))
    }

    pub(super) fn of(plant: Plant) -> Self {
        let line = Line::new(&plant);
        Self {
            line,
            recorder: Recorder::default(),
            replies: Vec::new(),
            shown: 0,
            numbers: BTreeMap::new(),
            plant,
            places: RefCell::default(),
        }
    }

    /// Everything entered, derived again from what was entered before it.
    pub(super) fn replayed(&self) -> Report {
        let mut replay = Replay::under(Line::new(&self.plant));
        for line in &self.recorder.lines {
            replay.take(&record::Line::read(line).unwrap());
        }
        replay.end()
    }

    pub(super) fn event(&mut self, event: LineEvent) {
        for action in self.line.next(event, &mut self.recorder) {
            if let LineAction::Reply { text, .. } = action {
                self.replies.push(text);
            }
        }
    }

    /// A new gateway on the old ledger.
    pub(super) fn restart(&mut self, settle_ms: u64, captures: &str) {
        self.restart_of(plant(settle_ms, captures));
    }

    pub(super) fn restart_of(&mut self, plant: Plant) {
        self.line = Line::new(&plant);
        for line in &self.recorder.lines {
            self.line.recall(&record::Line::read(line).unwrap());
        }
    }

    /// The figures as they would be kept beside the ledger now.
    pub(super) fn figures(&self) -> Figures {
        self.line.figures(self.recorder.lines.len() as u64)
    }

    /// A new gateway on the old ledger, as the daemon starts it: first what was told, then every entry.
    pub(super) fn restart_whole(&mut self, plant: &Plant) {
        self.line = Line::new(plant);
        let lines: Vec<_> = self
            .recorder
            .lines
            .iter()
            .map(|line| record::Line::read(line).unwrap())
            .collect();
        let told = lines
            .iter()
            .filter(|line| matches!(line.kind(), "batch" | "step" | "allocation"));
        told.for_each(|line| self.line.recall(line));
        let mut books = Books::default();
        for line in &lines {
            books.take(&self.line, line);
            self.line.recall(line);
        }
        self.line.count_by(&books);
    }

    /// The same with kept figures: of what lies before the last entries only what still stands is read. Says whether
    /// that was enough.
    pub(super) fn restart_near(&mut self, plant: &Plant, figures: &Figures, last: u64) -> bool {
        let all = self.recorder.lines.len() as u64;
        let from = (all + 1).saturating_sub(last).min(figures.seq + 1);
        let mut line = Line::new(plant);
        let lines: Vec<_> = self
            .recorder
            .lines
            .iter()
            .map(|line| record::Line::read(line).unwrap())
            .collect();
        let told = lines
            .iter()
            .filter(|line| matches!(line.kind(), "batch" | "step" | "allocation"));
        told.for_each(|entry| line.recall(entry));
        // An excursion that is open is read from its begin.
        let mut open = std::collections::BTreeSet::new();
        for entry in lines[..(from as usize).max(1) - 1]
            .iter()
            .filter(|entry| entry.kind() == "excursion")
        {
            match entry.int("opened") {
                Some(opened) => _ = open.remove(&(opened as u64)),
                None => _ = open.insert(entry.seq()),
            }
        }
        let from = open.first().copied().unwrap_or(from).min(from);
        let (before, near) = lines.split_at((from as usize).max(1) - 1);
        let stands = |kind: &str| !matches!(kind, "reading" | "gap" | "comment" | "binding" | "summary");
        before
            .iter()
            .filter(|entry| stands(entry.kind()))
            .for_each(|entry| line.recall_standing(entry));
        // As the seal of a page is later than everything on the pages before it.
        let stamp = |entry: &record::Line<'_>, name| entry.raw(name).and_then(Stamp::read);
        let reach = |entry: &record::Line<'_>| stamp(entry, "until").max(stamp(entry, "time"));
        if let Some(sealed) = before.iter().filter_map(reach).max() {
            line.forgot_before(sealed);
        }
        let mut put = false;
        for entry in near {
            if entry.seq() > figures.seq && !std::mem::replace(&mut put, true) {
                line.put_figures(figures);
            }
            if put && figures.are_changed_by(entry) {
                return false;
            }
            line.recall(entry);
        }
        if !put {
            line.put_figures(figures);
        }
        self.line = line;
        true
    }

    /// A new gateway that reads back only context, and what was captured since a moment.
    pub(super) fn restart_late(&mut self, plant: Plant, since: Stamp) {
        self.line = Line::new(&plant);
        let lines: Vec<record::Line<'_>> = self
            .recorder
            .lines
            .iter()
            .map(|line| record::Line::read(line).unwrap())
            .collect();
        let is_context = |line: &record::Line<'_>| matches!(line.kind(), "batch" | "step" | "allocation");
        lines
            .iter()
            .filter(|line| is_context(line))
            .for_each(|line| self.line.recall(line));
        for line in &lines {
            let late = Stamp::read(line.raw("time").unwrap()).unwrap() >= since;
            if !is_context(line) && late {
                self.line.recall(line);
            } else if !is_context(line) {
                self.line.recall_figures(line);
            }
        }
        self.line.forgot_before(since);
    }

    /// Tells what happens, one line each, and takes time in steps of 500 ms up to each.
    ///
    /// ```text
    /// 00:01 TC-1.temp 70.0 °C          a reading (`<00:00` after it: true then)
    /// 00:02 MX-3 B-1 running 00:00 : emulsify/1 00:02, stir/1 00:00-00:02
    /// 00:03 MX-3 nothing
    /// 00:04 failed TC-1.temp refused
    /// 00:05 tick | stop | off 00:01-00:04 power-loss
    /// ```
    pub(super) fn tell(&mut self, story: &str) -> String {
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.tell_line(line);
        }
        self.told()
    }

    pub(super) fn tell_line(&mut self, line: &str) {
        let (time, what) = line.split_once(' ').unwrap();
        let now = at(time);
        let words: Vec<&str> = what.split_whitespace().collect();
        let event = match words[0] {
            "tick" => LineEvent::Tick { now },
            "stop" => LineEvent::Stopping { now },
            "cut" => LineEvent::ContextSourceSilent {
                unit: words[1].to_owned(),
                now,
            },
            "own" => {
                let entered = self
                    .recorder
                    .enter(Draft::new("clock", now).with("because", "synchronised"));
                LineEvent::GatewayEntry {
                    seq: entered.seq,
                    leaf: entered.leaf,
                    kind: "clock".to_owned(),
                    time: now,
                }
            }
            "again" => LineEvent::CloseAgain {
                batch: words[1].to_owned(),
                because: "signed",
                now,
            },
            "off" => {
                let (from, until) = words[1].split_once('-').unwrap();
                let because = if words[2] == "stopped" {
                    "stopped"
                } else {
                    "power-loss"
                };
                LineEvent::WasOff {
                    from: at(from),
                    until: at(until),
                    because,
                }
            }
            "failed" => {
                let because = ["silent", "refused", "garbled"]
                    .into_iter()
                    .find(|word| *word == words[2])
                    .unwrap();
                LineEvent::Failed {
                    point: point(words[1]),
                    since: now,
                    because,
                    note: String::new(),
                    now,
                }
            }
            "same" => {
                let number = self.numbers[words[1]];
                let bytes = message(number, now, &words[2..].join(" ")).into_bytes();
                let unit = words[1].to_owned();
                LineEvent::Context {
                    unit,
                    via: Authority::Mqtt,
                    bytes,
                    now,
                }
            }
            unit if unit.starts_with("MX") => {
                let number = self.numbers.entry(unit.to_owned()).or_default();
                *number += 1;
                let bytes = message(*number, now, &words[1..].join(" ")).into_bytes();
                LineEvent::Context {
                    unit: unit.to_owned(),
                    via: Authority::Mqtt,
                    bytes,
                    now,
                }
            }
            name => LineEvent::Reading(reading(name, now, &words[1..].join(" "))),
        };
        self.event(event);
    }

    /// Every entry of these kinds, without its number.
    pub(super) fn told_of(&self, kinds: &[&str]) -> String {
        let mut text = String::new();
        for (draft, _) in self
            .recorder
            .entries
            .iter()
            .filter(|(draft, _)| kinds.contains(&draft.kind()))
        {
            writeln!(text, "{}", row(0, draft).trim_start().trim_start_matches("0 ")).unwrap();
        }
        text
    }

    pub(super) fn run_of(draft: &Draft) -> i64 {
        super::always::number(draft, "run").unwrap_or(0)
    }

    /// Where one entry stands in the end.
    pub(super) fn standing_of(&self, at: usize) -> String {
        if self.places.borrow().is_none() {
            *self.places.borrow_mut() = Some(super::always::bound(self));
        }
        let places = self.places.borrow();
        let places = places.as_ref().and_then(|places| places.get(&(at as u64 + 1)));
        let places: Vec<&str> = places
            .iter()
            .flat_map(|places| places.keys())
            .map(String::as_str)
            .collect();
        places.join(" and ")
    }

    /// Where every reading stands in the end, from the ledger alone.
    pub(super) fn standing(&self) -> Vec<String> {
        let places = super::always::bound(self);
        let mut found = Vec::new();
        for (at, (draft, _)) in self.recorder.entries.iter().enumerate() {
            if draft.kind() == "reading" {
                let places = places.get(&(at as u64 + 1));
                let places: Vec<&str> = places
                    .iter()
                    .flat_map(|places| places.keys())
                    .map(String::as_str)
                    .collect();
                found.push(
                    format!("{} {}", clock(draft.time), places.join(" and "))
                        .trim_end()
                        .to_owned(),
                );
            }
        }
        found
    }

    /// Everything entered since it was last asked, as a table.
    pub(super) fn told(&mut self) -> String {
        let mut text = String::new();
        for (at, (draft, _)) in self.recorder.entries.iter().enumerate().skip(self.shown) {
            writeln!(text, "{}", row(at as u64 + 1, draft)).unwrap();
        }
        self.shown = self.recorder.entries.len();
        text
    }
}

pub(super) fn reading(name: &str, now: Stamp, text: &str) -> Reading {
    let (text, time) = match text.split_once(" <") {
        Some((text, time)) => (text, at(time)),
        None => (text, now),
    };
    let value =
        |text: &str| Quantity::read(text).map_or_else(|| Value::Text(text.to_owned()), Value::Quantity);
    let answer = if let Some(because) = text.strip_prefix("bad: ") {
        Answer::Bad(because.to_owned())
    } else if let Some((shown, because)) = text.split_once(", uncertain: ") {
        Answer::Uncertain(value(shown), because.to_owned())
    } else {
        Answer::Good(value(text))
    };
    Reading {
        point: point(name),
        answer,
        raw: vec![0x02, 0xAC],
        time,
        read: now,
        origin: None,
    }
}

/// `B-1 running 00:00 : a/1 00:00-00:10, b/1 held 00:10`, or `nothing`.
pub(super) fn message(number: u64, sent: Stamp, text: &str) -> String {
    let text = text
        .strip_prefix('#')
        .map_or(text, |rest| rest.split_once(' ').unwrap().1);
    let (head, runs) = text.split_once(" : ").unwrap_or((text, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let span = |text: &str, state: &str| {
        let (started, ended) = text
            .split_once('-')
            .map_or((text, None), |(from, to)| (from, Some(to)));
        let ended = ended.map_or(String::new(), |ended| format!(r#","ended":"{}""#, at(ended)));
        format!(r#""state":"{state}","started":"{}"{ended}"#, at(started))
    };
    let batch = if words[0] == "nothing" {
        "null".to_owned()
    } else {
        let revision = words.get(3).copied().unwrap_or("");
        let (recipe, revision) = revision.split_once('@').unwrap_or(("", revision));
        let recipe = if recipe.is_empty() {
            String::new()
        } else {
            format!(r#""recipe":"{recipe}","#)
        };
        format!(
            r#"{{"id":"{}",{recipe}"revision":"{revision}",{}}}"#,
            words[0],
            span(words[2], words[1])
        )
    };
    let runs: Vec<String> = runs
        .split(", ")
        .filter(|run| !run.is_empty())
        .map(|run| {
            let words: Vec<&str> = run.split_whitespace().collect();
            let (step, number) = words[0].split_once('/').unwrap();
            let over = if words[words.len() - 1].contains('-') {
                "complete"
            } else {
                "running"
            };
            let state = if words.len() > 2 { words[1] } else { over };
            format!(
                r#"{{"step":"{step}","run":{number},{}}}"#,
                span(words[words.len() - 1], state)
            )
        })
        .collect();
    let runs = runs.join(",");
    format!(r#"{{"number":{number},"sent":"{sent}","source":"mes","batch":{batch},"runs":[{runs}]}}"#)
}

/// One entry in one line: number, kind, time, where it belongs, then what it says.
fn row(seq: u64, draft: &Draft) -> String {
    let mut row = format!("{seq:>3} {:<9} {}", draft.kind(), clock(draft.time));
    let inside = |name: &str| {
        draft
            .inside()
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, word)| match word {
                Word::Text(text) => text.clone(),
                Word::Int(number) => number.to_string(),
            })
    };
    for (name, word) in draft.outside() {
        let text = match word {
            Word::Text(text) => text.clone(),
            Word::Int(number) => number.to_string(),
        };
        match *name {
            "unit" if text == "MX-3" => {}
            "role" | "quality" | "root" | "limits" | "boundary" | "class" | "severity" | "evidence" => {}
            "point" if text == "TC-1.temp" => {}
            "run" => write!(row, "/{text}").unwrap(),
            "unit" | "batch" | "step" | "point" | "verdict" | "state" | "because" => {
                write!(row, " {text}").unwrap();
            }
            "until" => write!(row, " until {}", clock(Stamp::read(&text).unwrap())).unwrap(),
            name => write!(row, " {name} {text}").unwrap(),
        }
    }
    for name in [
        "because",
        "value",
        "extreme",
        "limit",
        "duration_ms",
        "count",
        "min",
        "mean",
        "max",
        "expected",
        "asked",
    ] {
        if let Some(text) = inside(name) {
            match name {
                "because" => write!(row, ": {text}").unwrap(),
                "value" => write!(row, " = {text}").unwrap(),
                name => write!(row, " {name} {text}").unwrap(),
            }
        }
    }
    row
}

/// Compares without the white space that only aligns.
pub(super) fn agrees(told: &str, expected: &str) {
    let tidy = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    };
    let (told_lines, expected_lines) = (tidy(told), tidy(expected));
    assert!(
        told_lines == expected_lines,
        "\n--- entered ---\n{told}\n--- expected ---\n{expected}\n"
    );
}

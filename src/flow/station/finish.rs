//! What follows a captured weight: the second person, the label and its scan-back, the remainder, the end of a line, and
//! the ways in which a line is put away.

use super::{
    desk::{Action, Around, Asked, Desk, Done, LabelJob},
    follow::exception,
    words::{self, Refusal},
    work::{Key, Part, PartState, Work},
};
use crate::flow::{
    accept::hex,
    enter::Enter,
    gs1::{Element, Elements},
    label::Label,
    local,
    people::Person,
};
use record::{Draft, Stamp};
use rust_decimal::{Decimal, RoundingStrategy};

/// Who may be the second person.
const VERIFIES: &[&str] = &["verifier", "supervisor", "reviewer"];

impl Desk {
    pub(super) fn verify(
        &mut self,
        asked: &Asked,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (key, work) = self.in_hand(asked)?;
        let Some(part) = work.pending().filter(|part| part.state == PartState::Pending) else {
            return Err(words::not_now(
                "nothing waits for a second person",
                "Capture first.",
            ));
        };
        let second = asked.second.clone().ok_or_else(words::needs_second)?;
        // By identity: whoever captured it, also before a hand-over.
        if second.id == part.by {
            return Err(words::same_person(&second.name));
        }
        let second = self.authorised(asked, &roles(VERIFIES))?;
        let entry = part.entry;
        let actions = self.accept(&asked.station, &key, entry, Some(&second), around, enter);
        Ok(Done {
            text: format!("entry {entry}: verified by {}", second.name),
            actions,
        })
    }

    pub(super) fn disagree(
        &mut self,
        asked: &Asked,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let Some(part) = work.pending().filter(|part| part.state == PartState::Pending) else {
            return Err(words::not_now(
                "nothing waits for a second person",
                "Capture first.",
            ));
        };
        if reason.trim().is_empty() {
            return Err(words::reason_missing());
        }
        let second = self.authorised(asked, &roles(VERIFIES))?;
        let draft = self
            .about(&asked.station, &work, "rejected", around.now)
            .with("about", part.entry)
            .data("container", part.container.as_str())
            .data("waste", part.net.amount.as_str())
            .data("in", part.net.unit.ucum())
            .data("reason", reason)
            .data("by", asked.by.id.as_str())
            .data("verified_by", second.id.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!(
            "entry {seq}: {} does not agree; rejected",
            second.name
        )))
    }

    /// A captured weight counts. Its label goes to the printer at once.
    pub(super) fn accept(
        &mut self,
        station: &str,
        key: &Key,
        entry: u64,
        second: Option<&Person>,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Vec<Action> {
        let Some(work) = self.works.get(key).cloned() else {
            return Vec::new();
        };
        let draft = self
            .about(station, &work, "accepted", around.now)
            .with("about", entry)
            .data(
                "verification",
                if second.is_some() {
                    "second_person"
                } else {
                    "automated"
                },
            )
            .data("verified_by", second.map_or("", |second| second.id.as_str()))
            .data("name", second.map_or("", |second| second.name.as_str()));
        self.put(draft, enter);
        self.send_label(station, key, entry, "", around, enter)
    }

    pub(super) fn label_draft(
        &self,
        station: &str,
        key: &Key,
        entry: u64,
        state: &str,
        around: &Around<'_>,
    ) -> Draft {
        let plan = self.works.get(key).map(|work| &work.plan);
        Draft::new("label", around.now)
            .with("unit", self.booths[station].station.unit.as_str())
            .with("batch", plan.map_or("", |plan| plan.batch.as_str()))
            .with("step", plan.map_or("", |plan| plan.step.as_str()))
            .with("station", station)
            .with("state", state)
            .with("about", entry)
            .data("order", key.0.as_str())
            .data("line", key.1.as_str())
    }

    fn send_label(
        &mut self,
        station: &str,
        key: &Key,
        entry: u64,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Vec<Action> {
        let Some(work) = self.works.get(key).cloned() else {
            return Vec::new();
        };
        let Some(part) = work.parts.iter().find(|part| part.entry == entry) else {
            return Vec::new();
        };
        let number = part.label.number + 1;
        let mut label = self.label_of(station, &work, part, around);
        label.number = number;
        let printer = self.booths[station].station.printer.clone();
        let draft = self
            .label_draft(station, key, entry, "sent", around)
            .data("number", number)
            .data("code", label.code.written())
            .data("container", part.container.as_str())
            .data("printer", printer.as_deref().unwrap_or("screen"))
            .data("reason", reason)
            .data("by", work.by.0.as_str());
        self.put(draft, enter);
        if let Some(booth) = self.booths.get_mut(station) {
            booth.printing = Some(entry);
        }
        vec![Action::Print(LabelJob {
            station: station.to_owned(),
            printer,
            about: entry,
            label,
        })]
    }

    /// The label of one captured weight. The same weight always has the same code.
    pub(super) fn label_of(&self, station: &str, work: &Work, part: &Part, around: &Around<'_>) -> Label {
        let element = |ai: &str, value: String| Element {
            ai: ai.to_owned(),
            value,
        };
        let plain = |text: &str, most: usize| -> String {
            text.chars()
                .filter(|c| c.is_ascii_alphanumeric() || "-_./".contains(*c))
                .take(most)
                .collect()
        };
        let mut code = vec![
            element("240", plain(&work.plan.material, 30)),
            element("10", plain(&part.lot, 20)),
            element("21", format!("{}-{}", plain(station, 9), part.entry)),
        ];
        if let Some(kg) = part
            .net
            .number_in(record::Unit::named("kg").unwrap_or(part.net.unit))
            && let Some(net) = kilograms(kg)
        {
            code.push(net);
        }
        code.push(element("91", plain(&work.plan.order, 40)));
        code.push(element("92", plain(&work.plan.line, 20)));
        if around.usage.word() != "production" {
            code.push(element("99", around.usage.word().to_ascii_uppercase()));
        }
        code.retain(|element| !element.value.is_empty());
        let zone = local::zone(around.zone);
        let shown = |at: Stamp| local::shown(at, &zone);
        Label {
            usage: around.usage.word().to_owned(),
            material: work.plan.material.clone(),
            title: work.plan.title.clone(),
            batch: work.plan.batch.clone(),
            product: work.plan.product.clone(),
            order: format!("{} / {}", work.plan.order, work.plan.line),
            lot: part.lot.clone(),
            container: part.container.clone(),
            net: format!("{} {}", part.net.amount, part.net.unit),
            tare: part.tare.clone(),
            gross: part.gross.clone(),
            weighed: format!("{} {}", shown(part.at), part.by),
            verified: part.verified_by.clone(),
            station: station.to_owned(),
            number: part.label.number.max(1),
            code: Elements(code),
        }
    }

    pub(super) fn print(
        &mut self,
        asked: &Asked,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let Some(key) = booth.key.clone() else {
            return Err(words::not_now("no line is in hand", "Scan the order."));
        };
        let Some(work) = self.works.get(&key) else {
            return Err(words::not_now("no line is in hand", "Scan the order."));
        };
        let part = work
            .counted()
            .filter(|part| part.state == PartState::Accepted)
            .last();
        let Some(part) = part else {
            return Err(words::not_now(
                "nothing is to be labelled",
                "Capture and verify first.",
            ));
        };
        if part.label.printed.is_some() && reason.trim().is_empty() {
            return Err(words::reason_missing());
        }
        let entry = part.entry;
        let actions = self.send_label(&asked.station, &key, entry, reason, around, enter);
        Ok(Done {
            text: "the label is on its way to the printer".to_owned(),
            actions,
        })
    }

    /// The printer has taken a label, or it has not.
    pub(super) fn printed(
        &mut self,
        station: &str,
        about: u64,
        failed: Option<String>,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) {
        let key = self
            .works
            .iter()
            .find(|(_, work)| work.parts.iter().any(|part| part.entry == about))
            .map(|(key, _)| key.clone());
        let (Some(key), true) = (key, self.booths.contains_key(station)) else {
            return;
        };
        if let Some(booth) = self.booths.get_mut(station) {
            booth.printing = None;
        }
        let state = if failed.is_some() { "failed" } else { "printed" };
        let draft = self.label_draft(station, &key, about, state, around);
        self.put(draft.data("text", failed.unwrap_or_default()), enter);
    }

    pub(super) fn source_empty(
        &mut self,
        asked: &Asked,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let source = source_in_hand(&work)?;
        let draft = self
            .about(&asked.station, &work, "source-empty", around.now)
            .data("material", work.plan.material.as_str())
            .data("lot", source.0)
            .data("source", source.1)
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!("entry {seq}: nothing is left in the source")))
    }

    pub(super) fn source_left(
        &mut self,
        asked: &Asked,
        reading: u64,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let (lot, source) = source_in_hand(&work)?;
        let booth = &self.booths[&asked.station];
        self.may_weigh(booth, around)?;
        let scale = booth.scale().clone();
        let computed_by = booth.station.tare.word();
        let taken = self.take(&asked.station, reading, scale.division(Decimal::ZERO), around)?;
        let draft = self
            .about(&asked.station, &work, "source-left", taken.time)
            .with("point", scale.point.to_string())
            .data("material", work.plan.material.as_str())
            .data("lot", lot)
            .data("source", source)
            .data("gross", taken.text.as_str())
            .data("value", taken.text.as_str())
            .data("in", scale.unit().ucum())
            .data("raw", hex(&taken.raw))
            .data("computed_by", computed_by)
            .data("reading", taken.number)
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!(
            "entry {seq}: {} {} left, gross",
            taken.text,
            scale.unit()
        )))
    }

    pub(super) fn finish(
        &mut self,
        asked: &Asked,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        if work.pending().is_some() {
            return Err(words::not_now(
                "a captured weight waits",
                "Verify it and label it first.",
            ));
        }
        if !work.is_complete() {
            return Err(words::not_now(
                "the line is not complete",
                "Go on with the next container, hold the line, or abort it with a reason.",
            ));
        }
        if self.booths[&asked.station].station.remainder && !work.reconciled {
            return Err(words::not_now(
                "the source is not reconciled",
                "Weigh what is left in it, or declare it empty.",
            ));
        }
        let target = work.target();
        let window = work.plan.window(&target);
        let verdict = match window {
            Some(window) if work.sum() < window.low => "below",
            Some(window) if work.sum() > window.high => "above",
            Some(_) => "within",
            None => "not-judged",
        };
        let mut draft = self
            .about(&asked.station, &work, "complete", around.now)
            .with("verdict", verdict)
            .data("material", work.plan.material.as_str())
            .data("target", target.to_string())
            .data("sum", work.sum().normalize().to_string())
            .data("in", work.plan.nominal.unit.ucum())
            .data("by", asked.by.id.as_str());
        if let Some(window) = window {
            draft = draft
                .data("low", window.low.to_string())
                .data("high", window.high.to_string());
        }
        let seq = self.put(draft, enter);
        Ok(Done::said(format!(
            "entry {seq}: line {} is complete",
            work.plan.line
        )))
    }

    pub(super) fn hold(
        &mut self,
        asked: &Asked,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        if reason.trim().is_empty() {
            return Err(words::reason_missing());
        }
        if work.pending().is_some()
            || work
                .container
                .as_ref()
                .is_some_and(|container| container.tare.is_some())
        {
            return Err(words::not_now(
                "a container is on its way",
                "Capture what is in it as a part, verify and label it, or reject it.",
            ));
        }
        let draft = self
            .about(&asked.station, &work, "held", around.now)
            .data("reason", reason)
            .data("sum", work.sum().normalize().to_string())
            .data("in", work.plan.nominal.unit.ucum())
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!(
            "entry {seq}: line {} is held",
            work.plan.line
        )))
    }

    pub(super) fn abort(
        &mut self,
        asked: &Asked,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        if reason.trim().is_empty() {
            return Err(words::reason_missing());
        }
        let unit = self.booths[&asked.station].station.unit.clone();
        let last = self.booths[&asked.station].sequence.last;
        let draft = self
            .about(&asked.station, &work, "aborted", around.now)
            .data("reason", reason)
            .data("sum", work.sum().normalize().to_string())
            .data("in", work.plan.nominal.unit.ucum())
            .data("net", last.map_or_else(String::new, |(net, ..)| net.to_string()))
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        let draft = exception(
            "weighing-aborted",
            around.now,
            &unit,
            &work.plan.batch,
            &work.plan.step,
            seq,
        )
        .data("text", reason)
        .data("by", asked.by.id.as_str());
        self.put(draft, enter);
        Ok(Done::said(format!(
            "entry {seq}: line {} was aborted",
            work.plan.line
        )))
    }

    /// Somebody else goes on. Locking a panel never ends a weighing; this entry says who has it now.
    pub(super) fn hand_over(
        &mut self,
        asked: &Asked,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let work = booth.key.as_ref().and_then(|key| self.works.get(key)).cloned();
        let work = work.ok_or_else(|| words::not_now("no line is in hand", "Scan the order."))?;
        if work.by.0 == asked.by.id {
            return Err(words::not_now("you work on this line", "Go on."));
        }
        let draft = self
            .about(&asked.station, &work, "handed-over", around.now)
            .data("found", work.by.0.as_str())
            .data("by", asked.by.id.as_str())
            .data("name", asked.by.name.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!("entry {seq}: {} goes on", asked.by.name)))
    }

    pub(super) fn problem(
        &mut self,
        asked: &Asked,
        text: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        if text.trim().is_empty() {
            return Err(words::reason_missing());
        }
        let booth = &self.booths[&asked.station];
        let plan = booth
            .key
            .as_ref()
            .and_then(|key| self.works.get(key))
            .map(|work| &work.plan);
        let (batch, step) = plan.map_or(("", ""), |plan| (plan.batch.as_str(), plan.step.as_str()));
        let draft = exception(
            "weighing-problem",
            around.now,
            &booth.station.unit,
            batch,
            step,
            0,
        )
        .data("text", text)
        .data("source", asked.station.as_str())
        .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!("entry {seq}: kept for quality")))
    }
}

fn roles(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn source_in_hand(work: &Work) -> Result<(String, String), Refusal> {
    if work.pending().is_some() || work.container.is_some() {
        return Err(words::not_now(
            "a container is on its way",
            "Capture, verify and label it first.",
        ));
    }
    let source = work.source.as_ref();
    let source = source.ok_or_else(|| words::not_now("no source is in hand", "Scan the lot label."))?;
    Ok((source.lot.clone(), source.container.clone()))
}

/// Net weight as GS1 carries it: six digits, and as many decimals as fit.
fn kilograms(kg: Decimal) -> Option<Element> {
    for decimals in (0..=5u32).rev() {
        let rounded = kg.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        let digits = rounded.checked_mul(Decimal::from(10i64.pow(decimals)))?.trunc();
        // What would lose digits of the display is said with fewer decimals only where it does not.
        if digits < Decimal::from(1_000_000) && digits >= Decimal::ZERO {
            return Some(Element {
                ai: format!("310{decimals}"),
                value: format!("{:06}", digits.normalize().to_string().parse::<u32>().ok()?),
            });
        }
    }
    None
}

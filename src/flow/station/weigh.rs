//! The acts between an order line and a captured weight. The server decides: a screen that is wrong captures nothing.

use super::{
    Act,
    check::Stands,
    desk::{Action, Around, Asked, Desk, Done},
    fill::{Fill, Net, NotOffered},
    follow::exception,
    live::Taken,
    words::{self, Refusal},
    work::{Key, State, Tared, Work},
};
use crate::{
    config::{
        recipe::{Method, Verification},
        station::Tare,
    },
    flow::{
        accept::hex, check::Verdict, enter::Enter, master::item::Container as KnownContainer, people::Person,
    },
};
use record::{Draft, Quantity, Stamp};
use rust_decimal::Decimal;

/// By how much a container may differ from what master data say it weighs.
const TARE_MAY_DIFFER: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
/// A tare that is read back beside the weight is of the same moment.
const BESIDE_MS: i64 = 3_000;

/// How a captured weight came about.
pub(super) struct Captured {
    pub net: String,
    pub gross: String,
    pub tare: String,
    pub unit: &'static str,
    pub point: String,
    pub verdict: &'static str,
    pub how: &'static str,
    pub reason: String,
    pub window: Option<Fill>,
    pub taken: Option<Taken>,
    pub waste: Decimal,
    pub time: Stamp,
}

impl Desk {
    pub(super) fn carry_out(
        &mut self,
        asked: &Asked,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        match &asked.act {
            Act::TakePen => {
                if let Some(booth) = self.booths.get_mut(&asked.station) {
                    booth.pen = Some((asked.panel.clone(), around.at_ms));
                }
                Ok(Done::said("this panel works here now"))
            }
            Act::Clear { answers } => self.clear(asked, answers, around, enter),
            Act::CheckBegin { scale } => self.check_begin(asked, scale, around),
            Act::CheckTake { reading } => self.check_take(asked, *reading, around, enter),
            Act::Scan { code, .. } => self.scan(asked, code, around, enter),
            Act::Override { code, reason } => self.overridden(asked, code, reason, around, enter),
            Act::Open { order, line } => self.open(asked, order, Some(line), around, enter),
            Act::Scale { scale } => self.choose(asked, scale),
            Act::Tare { reading } => self.tare(asked, *reading, around, enter),
            Act::TareKnown => self.tare_known(asked, around, enter),
            Act::Zero => self.zero(asked),
            Act::Capture { reading, part } => self.capture(asked, *reading, *part, around, enter),
            Act::Full { amount } => self.full(asked, amount, around, enter),
            Act::Count { pieces } => self.count(asked, *pieces, around, enter),
            Act::Reject { reason } => self.reject(asked, reason, around, enter),
            Act::Keep { reading, reason } => self.keep(asked, *reading, reason, around, enter),
            Act::Verify => self.verify(asked, around, enter),
            Act::Disagree { reason } => self.disagree(asked, reason, around, enter),
            Act::Label { reason } => self.print(asked, reason, around, enter),
            Act::SourceEmpty => self.source_empty(asked, around, enter),
            Act::SourceLeft { reading } => self.source_left(asked, *reading, around, enter),
            Act::Next => self.finish(asked, around, enter),
            Act::Hold { reason } => self.hold(asked, reason, around, enter),
            Act::Abort { reason } => self.abort(asked, reason, around, enter),
            Act::HandOver => self.hand_over(asked, around, enter),
            Act::Problem { text } => self.problem(asked, text, around, enter),
        }
    }

    /// The line in hand, with who works on it.
    pub(super) fn in_hand(&self, asked: &Asked) -> Result<(Key, Work), Refusal> {
        let key = self
            .booths
            .get(&asked.station)
            .and_then(|booth| booth.key.clone());
        let found = key.and_then(|key| self.works.get(&key).map(|work| (key, work.clone())));
        let (key, work) = found.ok_or_else(|| words::not_now("no line is in hand", "Scan the order."))?;
        if work.by.0 != asked.by.id {
            return Err(words::other_person(&work.by.1));
        }
        Ok((key, work))
    }

    /// An entry about a line.
    pub(super) fn about(&self, station: &str, work: &Work, state: &str, now: Stamp) -> Draft {
        let unit = self
            .booths
            .get(station)
            .map_or("", |booth| booth.station.unit.as_str());
        Draft::new("weighing", now)
            .with("unit", unit)
            .with("batch", work.plan.batch.as_str())
            .with("step", work.plan.step.as_str())
            .with("station", station)
            .with("state", state)
            .data("order", work.plan.order.as_str())
            .data("line", work.plan.line.as_str())
    }

    /// A try that was refused.
    pub(super) fn refused(&self, asked: &Asked, refusal: &Refusal, around: &Around<'_>) -> Draft {
        let booth = &self.booths[&asked.station];
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        let draft = match work {
            Some(work) => self.about(&asked.station, work, "refused", around.now),
            None => Draft::new("weighing", around.now)
                .with("unit", booth.station.unit.as_str())
                .with("station", asked.station.as_str())
                .with("state", "refused"),
        };
        let scan = match &asked.act {
            Act::Scan { code, .. } => code.clone(),
            _ => String::new(),
        };
        let seen = match &asked.act {
            Act::Capture { reading, .. } | Act::Tare { reading } | Act::Keep { reading, .. } => {
                booth.live().last().filter(|seen| seen.number >= *reading)
            }
            _ => None,
        };
        draft
            .with("point", booth.scale().point.to_string())
            .with("because", refusal.trouble.name)
            .data("how", asked.act.word())
            .data("scan", scan)
            .data("found", refusal.found.as_str())
            .data("expected", refusal.wanted.as_str())
            .data("raw", seen.map_or_else(String::new, |seen| hex(&seen.raw)))
            .data("reason", refusal.trouble.what.as_str())
            .data("by", asked.by.id.as_str())
            .data("name", asked.by.name.as_str())
    }

    fn choose(&mut self, asked: &Asked, scale: &str) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let at = booth.scale_named(scale).ok_or_else(|| {
            words::not_now(
                &format!("no scale here is called {scale}"),
                "Choose one of this station.",
            )
        })?;
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        if let Some(work) = work {
            if work
                .container
                .as_ref()
                .is_some_and(|container| container.tare.is_some())
            {
                return Err(words::not_now(
                    "a container stands on the other scale",
                    "Capture it or reject it first.",
                ));
            }
            if work.source.is_some() && uses_scale(work) {
                match Fill::offered(work, &booth.station.scales[at], Decimal::ZERO) {
                    Ok(_) => {}
                    Err(NotOffered::TooSmall | NotOffered::NoWindow | NotOffered::TooLarge) => {
                        return Err(words::no_window(scale));
                    }
                }
            }
        }
        if let Some(booth) = self.booths.get_mut(&asked.station) {
            booth.at = at;
            booth.sequence = super::booth::Sequence::default();
        }
        Ok(Done::said(format!("{scale} weighs now")))
    }

    /// Takes a reading of the scale in use.
    pub(super) fn take(
        &mut self,
        station: &str,
        reading: u64,
        division: Decimal,
        around: &Around<'_>,
    ) -> Result<Taken, Refusal> {
        let booth = self
            .booths
            .get_mut(station)
            .ok_or_else(|| words::no_such_station(station))?;
        let (at, unit) = (booth.at, booth.scale().unit());
        let taken = booth.scales[at].take(reading, division, around.at_ms);
        taken.map_err(|why| words::not_taken(&why, unit.shown()))
    }

    /// The scale's own tare, read beside the weight.
    fn device_tare(&self, station: &str, shown: Decimal, around: &Around<'_>) -> Option<Decimal> {
        let live = self.booths[station].live();
        let fresh = |found: Option<(Decimal, i64)>| {
            found
                .filter(|(_, at)| around.at_ms - at <= BESIDE_MS)
                .map(|(value, _)| value)
        };
        fresh(live.device_tare).or_else(|| fresh(live.gross).map(|gross| gross - shown))
    }

    fn tare(
        &mut self,
        asked: &Asked,
        reading: u64,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let Some(container) = work
            .container
            .clone()
            .filter(|container| container.tare.is_none())
        else {
            return Err(words::not_now(
                "no container waits for its tare",
                "Scan the container.",
            ));
        };
        let booth = &self.booths[&asked.station];
        self.may_weigh(booth, around)?;
        let scale = booth.scale().clone();
        let station_computes = booth.station.tare == Tare::Station;
        let division = scale.division(Decimal::ZERO);
        let taken = self.take(&asked.station, reading, division, around)?;
        let (amount, how) = if station_computes {
            (taken.weight, "weighed")
        } else {
            if taken.weight.abs() > division {
                return Err(words::not_now(
                    &format!("the scale shows {} {}", taken.text, scale.unit()),
                    "Press Tare on the scale with the container on it; it shows nothing then.",
                ));
            }
            let tare = self.device_tare(&asked.station, taken.weight, around);
            let tare = tare.ok_or_else(|| {
                words::not_now(
                    "the tare of the scale cannot be read",
                    "Press Tare on the scale; if it stays, call the engineer.",
                )
            })?;
            (tare, "device")
        };
        if amount <= Decimal::ZERO {
            return Err(words::tare_implausible(
                &format!("{amount} {}", scale.unit()),
                "more than nothing",
            ));
        }
        self.plausible(&work, &container.id, amount, &scale, around)?;
        if let Err(why) = Fill::offered(&work, &scale, amount)
            && uses_scale(&work)
        {
            return Err(match why {
                NotOffered::TooLarge => words::beyond_range(
                    &format!("{amount} {}", scale.unit()),
                    &format!("{} {}", scale.most(), scale.unit()),
                ),
                _ => words::no_window(&scale.point.tag),
            });
        }
        let draft = self
            .about(&asked.station, &work, "tared", taken.time)
            .with("point", scale.point.to_string())
            .data("container", container.id.as_str())
            .data(
                "tare",
                if station_computes {
                    taken.text.clone()
                } else {
                    amount.to_string()
                },
            )
            .data("value", taken.text.as_str())
            .data("in", scale.unit().ucum())
            .data("raw", hex(&taken.raw))
            .data("how", how)
            .data("stability", stability(&taken))
            .data("computed_by", if station_computes { "station" } else { "device" })
            .data("reading", taken.number)
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        if let Some(booth) = self.booths.get_mut(&asked.station) {
            booth.sequence = super::booth::Sequence {
                device_tare: (!station_computes).then_some(amount),
                ..super::booth::Sequence::default()
            };
        }
        Ok(Done::said(format!("entry {seq}: tare {amount} {}", scale.unit())))
    }

    /// A container that is known weighs what it is known to weigh, with what is in it already.
    fn plausible(
        &self,
        work: &Work,
        id: &str,
        amount: Decimal,
        scale: &crate::config::station::Scale,
        around: &Around<'_>,
    ) -> Result<(), Refusal> {
        if work.plan.method == Method::ByDifference {
            return Ok(());
        }
        let unit = scale.unit();
        let looked = around.master.look::<KnownContainer>(id, &around.asking);
        let Some(known) = looked
            .item
            .and_then(KnownContainer::tare)
            .and_then(|tare| tare.number_in(unit))
        else {
            return Ok(());
        };
        let inside: Decimal = work
            .counted()
            .filter(|part| part.container == id)
            .filter_map(|part| part.net.number_in(unit))
            .sum();
        let expected = known + inside;
        let may = (known * TARE_MAY_DIFFER).max(scale.division(expected) * Decimal::from(3));
        if (amount - expected).abs() > may {
            return Err(words::tare_implausible(
                &format!("{amount} {unit}"),
                &format!("{expected} {unit}"),
            ));
        }
        Ok(())
    }

    fn tare_known(
        &mut self,
        asked: &Asked,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let Some(container) = work
            .container
            .clone()
            .filter(|container| container.tare.is_none())
        else {
            return Err(words::not_now(
                "no container waits for its tare",
                "Scan the container.",
            ));
        };
        let booth = &self.booths[&asked.station];
        self.may_weigh(booth, around)?;
        if booth.station.tare == Tare::Device || work.plan.method == Method::ByDifference {
            return Err(words::not_now(
                "this tare has to be weighed",
                "Put it on the scale and press Tare.",
            ));
        }
        let unit = booth.scale().unit();
        let point = booth.scale().point.to_string();
        let looked = around
            .master
            .look::<KnownContainer>(&container.id, &around.asking);
        let tare = looked
            .item
            .filter(|_| looked.against.is_empty())
            .and_then(KnownContainer::tare)
            .and_then(|tare| tare.number_in(unit));
        let Some(tare) = tare else {
            return Err(words::container_not_allowed(&container.id, &looked.why()));
        };
        let booth_unit = booth.station.unit.clone();
        let draft = self
            .about(&asked.station, &work, "tared", around.now)
            .with("point", point)
            .data("container", container.id.as_str())
            .data("tare", tare.normalize().to_string())
            .data("in", unit.ucum())
            .data("how", "known")
            .data("computed_by", "station")
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        let draft = exception(
            "tare-known",
            around.now,
            &booth_unit,
            &work.plan.batch,
            &work.plan.step,
            seq,
        )
        .data(
            "says",
            format!(
                "the tare of {} was not weighed: {tare} {unit} by master data",
                container.id
            ),
        )
        .data("by", asked.by.id.as_str());
        self.put(draft, enter);
        Ok(Done::said(format!(
            "entry {seq}: tare {tare} {unit}, known, not weighed"
        )))
    }

    fn zero(&self, asked: &Asked) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        if work.is_some_and(|work| {
            work.container
                .as_ref()
                .is_some_and(|container| container.tare.is_some())
        }) {
            return Err(words::not_now(
                "a container stands on the scale",
                "A zero would falsify its weight. Take it off first.",
            ));
        }
        Ok(Done {
            text: "zero".to_owned(),
            actions: vec![Action::Command {
                tag: booth.scale().point.tag.clone(),
                command: "zero",
            }],
        })
    }

    /// Everything a capture rests on, checked here and nowhere else.
    fn weighed(
        &mut self,
        asked: &Asked,
        reading: u64,
        around: &Around<'_>,
    ) -> Result<(Work, Tared, Fill, Net, Taken), Refusal> {
        let (_, work) = self.in_hand(asked)?;
        if work.pending().is_some() {
            return Err(words::not_now(
                "a captured weight waits",
                "Verify it and label it first.",
            ));
        }
        let booth = &self.booths[&asked.station];
        if !self.is_clear(booth, around.now) {
            return Err(words::not_now("line clearance is over", "Clear the booth first."));
        }
        self.may_weigh(booth, around)?;
        let tared = work
            .container
            .as_ref()
            .and_then(|container| container.tare.clone());
        let tared = tared
            .ok_or_else(|| words::not_now("there is no tare", "Put the container on and press Tare."))?;
        if work.source.is_none() {
            return Err(words::not_now("no lot was scanned", "Scan the lot label."));
        }
        let scale = booth.scale().clone();
        if tared.scale != scale.point.to_string() {
            return Err(words::not_now(
                "the tare is of another scale",
                "Tare on this scale.",
            ));
        }
        let fill = Fill::of(&work, &scale, tared.amount).map_err(|_| words::no_window(&scale.point.tag))?;
        let station_computes = booth.station.tare == Tare::Station;
        let taken = self.take(&asked.station, reading, fill.division, around)?;
        if !station_computes {
            let read_back = self.device_tare(&asked.station, taken.weight, around);
            if read_back != Some(tared.amount) {
                return Err(words::voided(
                    "the tare of the scale is not the one it was tared with",
                ));
            }
        }
        let net = Net::of(taken.weight, &tared, &work, &self.booths[&asked.station]);
        let unit = scale.unit();
        if net.gross > fill.most {
            return Err(words::beyond_range(
                &format!("{} {unit}", net.gross),
                &format!("{} {unit}", fill.most),
            ));
        }
        if net.net < fill.least {
            return Err(words::below_minimum(
                &format!("{} {unit}", net.net),
                &format!("{} {unit}", fill.least),
            ));
        }
        Ok((work, tared, fill, net, taken))
    }

    fn capture(
        &mut self,
        asked: &Asked,
        reading: u64,
        part: bool,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (work, tared, fill, net, taken) = self.weighed(asked, reading, around)?;
        let unit = fill.unit.shown();
        let verdict = fill.verdict(net.net);
        let how = match verdict {
            Verdict::Above => return Err(words::over(&(net.net - fill.window.high).to_string(), unit)),
            Verdict::Below if !part => {
                return Err(words::under(
                    &fill.window.low.to_string(),
                    &fill.window.high.to_string(),
                    unit,
                ));
            }
            Verdict::Below if !(work.plan.several_containers || work.plan.several_lots) => {
                return Err(words::not_now(
                    "this line goes into one container, from one lot",
                    "Keep pouring, or have an authorised person keep it with reason.",
                ));
            }
            Verdict::Below => "part",
            _ => "whole",
        };
        let waste = self.waste(&asked.station, &fill, net.net);
        let word = verdict.word();
        let captured = Captured {
            net: net.net.to_string(),
            gross: net.gross.to_string(),
            tare: tared.text.clone(),
            unit: fill.unit.ucum(),
            point: tared.scale.clone(),
            verdict: word,
            how,
            reason: String::new(),
            time: taken.time,
            window: Some(fill),
            taken: Some(taken),
            waste,
        };
        self.captured(asked, &work, captured, around, enter)
    }

    /// What was above the window and was taken out again.
    fn waste(&self, station: &str, fill: &Fill, net: Decimal) -> Decimal {
        let most = self.booths[station].sequence.most;
        if most > fill.window.high && most > net {
            most - net
        } else {
            Decimal::ZERO
        }
    }

    /// Enters a captured weight. It is pending until a second person has looked, or counts at once where the recipe
    /// says that nobody has to.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it ends what may be refused, and is returned as such"
    )]
    pub(super) fn captured(
        &mut self,
        asked: &Asked,
        work: &Work,
        captured: Captured,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let source = work.source.as_ref();
        let container = work
            .container
            .as_ref()
            .map_or("", |container| container.id.as_str());
        let mut draft = self
            .about(&asked.station, work, "captured", captured.time)
            .with("point", captured.point.as_str())
            .with("verdict", captured.verdict)
            .data("material", work.plan.material.as_str())
            .data("lot", source.map_or("", |source| source.lot.as_str()))
            .data("source", source.map_or("", |source| source.container.as_str()))
            .data("container", container)
            .data("target", work.target().to_string())
            .data("net", captured.net.as_str())
            .data("gross", captured.gross.as_str())
            .data("tare", captured.tare.as_str())
            .data("in", captured.unit)
            .data("method", work.plan.method.word())
            .data("how", captured.how)
            .data("reason", captured.reason.as_str())
            .data("verification", work.plan.verification.word())
            .data("scale", captured.point.split('.').next().unwrap_or_default())
            .data("by", asked.by.id.as_str())
            .data("name", asked.by.name.as_str());
        if let Some(fill) = &captured.window {
            draft = draft
                .data("low", fill.window.low.normalize().to_string())
                .data("high", fill.window.high.normalize().to_string())
                .data("division", fill.division.normalize().to_string())
                .data("least", fill.least.normalize().to_string())
                .data("sum", fill.sum.normalize().to_string());
        }
        if let Some(taken) = &captured.taken {
            let booth = &self.booths[&asked.station];
            draft = draft
                .data("value", taken.text.as_str())
                .data("raw", hex(&taken.raw))
                .data("stability", stability(taken))
                .data("computed_by", booth.station.tare.word())
                .data("reading", taken.number)
                .data("age_ms", taken.age_ms);
        }
        if captured.waste > Decimal::ZERO {
            draft = draft.data("waste", captured.waste.to_string());
        }
        let seq = self.put(draft, enter);
        if let Some(booth) = self.booths.get_mut(&asked.station) {
            booth.sequence = super::booth::Sequence::default();
        }
        let mut done = Done::said(format!(
            "entry {seq}: {} {} captured",
            captured.net, captured.unit
        ));
        if work.plan.verification == Verification::Automated && captured.verdict != "above" {
            let key = (work.plan.order.clone(), work.plan.line.clone());
            done.actions = self.accept(&asked.station, &key, seq, None, around, enter);
        }
        Ok(done)
    }

    /// Out of tolerance, and kept as it is: with a reason, by another person who may.
    fn keep(
        &mut self,
        asked: &Asked,
        reading: u64,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (work, tared, fill, net, taken) = self.weighed(asked, reading, around)?;
        if reason.trim().is_empty() {
            return Err(words::reason_missing());
        }
        let verdict = fill.verdict(net.net);
        if verdict == Verdict::Within {
            return Err(words::not_now("this weight is in tolerance", "Press Capture."));
        }
        let second = self.authorised(asked, &self.booths[&asked.station].station.keep_by.clone())?;
        let unit = self.booths[&asked.station].station.unit.clone();
        let waste = self.waste(&asked.station, &fill, net.net);
        let (low, high, shown) = (fill.window.low, fill.window.high, fill.unit);
        let captured = Captured {
            net: net.net.to_string(),
            gross: net.gross.to_string(),
            tare: tared.text.clone(),
            unit: fill.unit.ucum(),
            point: tared.scale.clone(),
            verdict: verdict.word(),
            how: "kept",
            reason: reason.to_owned(),
            time: taken.time,
            window: Some(fill),
            taken: Some(taken),
            waste,
        };
        // It never counts by itself: the authorised person is the second one.
        let mut by_hand = work.clone();
        by_hand.plan.verification = Verification::SecondPerson;
        let mut done = self.captured(asked, &by_hand, captured, around, enter)?;
        let key = (work.plan.order.clone(), work.plan.line.clone());
        let seq = self
            .works
            .get(&key)
            .and_then(|work| Some(work.parts.last()?.entry))
            .unwrap_or_default();
        let draft = exception(
            "weighing-kept",
            around.now,
            &unit,
            &work.plan.batch,
            &work.plan.step,
            seq,
        )
        .data("text", reason)
        .data(
            "says",
            format!("{} {shown} was kept, allowed is {low} to {high} {shown}", net.net),
        )
        .data("by", second.id.as_str());
        self.put(draft, enter);
        done.actions = self.accept(&asked.station, &key, seq, Some(&second), around, enter);
        Ok(done)
    }

    /// Another person than the one who weighs, in one of these roles.
    pub(super) fn authorised(&self, asked: &Asked, roles: &[String]) -> Result<Person, Refusal> {
        let second = asked.second.clone().ok_or_else(words::needs_second)?;
        if second.id == asked.by.id {
            return Err(words::same_person(&second.name));
        }
        if second.roles.iter().any(|role| roles.contains(role)) {
            return Ok(second);
        }
        Err(words::not_allowed(&second.name, roles))
    }

    /// A whole container, by its label; what it holds.
    fn full(
        &mut self,
        asked: &Asked,
        amount: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        if work.plan.method != Method::FullContainer {
            return Err(words::not_now(
                "this line is weighed",
                "Put the container on the scale.",
            ));
        }
        let amount = amount.replace(',', ".");
        let unit = work.plan.nominal.unit;
        let given = Quantity::read(&amount).and_then(|amount| amount.number_in(unit));
        let given = given.ok_or_else(|| words::code_unknown(&amount, "amount with its unit"))?;
        self.unweighed(asked, &work, given, "full-container", around, enter)
    }

    fn count(
        &mut self,
        asked: &Asked,
        pieces: u64,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        if work.plan.method != Method::Count {
            return Err(words::not_now("this line is not counted", "Weigh it."));
        }
        self.unweighed(asked, &work, Decimal::from(pieces), "counted", around, enter)
    }

    fn unweighed(
        &mut self,
        asked: &Asked,
        work: &Work,
        given: Decimal,
        how: &'static str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        if work.source.is_none() {
            return Err(words::not_now("no lot was scanned", "Scan the lot label."));
        }
        if work.pending().is_some() {
            return Err(words::not_now(
                "a captured weight waits",
                "Verify it and label it first.",
            ));
        }
        if !around.capturing {
            return Err(words::capture_stopped());
        }
        let unit = work.plan.nominal.unit;
        let target = work.target();
        let window = work.plan.window(&target);
        let sum = work.sum() + given;
        let verdict = match window {
            Some(window) if sum > window.high => {
                return Err(words::over(&(sum - window.high).to_string(), unit.shown()));
            }
            Some(window) if sum < window.low => "below",
            _ => "within",
        };
        if given <= Decimal::ZERO {
            return Err(words::code_unknown(&given.to_string(), "amount"));
        }
        let captured = Captured {
            net: given.to_string(),
            gross: String::new(),
            tare: String::new(),
            unit: unit.ucum(),
            point: String::new(),
            verdict,
            how: if verdict == "below" { "part" } else { how },
            reason: String::new(),
            window: None,
            taken: None,
            waste: Decimal::ZERO,
            time: around.now,
        };
        self.captured(asked, work, captured, around, enter)
    }

    fn reject(
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
        let pending = work
            .pending()
            .filter(|part| part.state == super::work::PartState::Pending);
        if pending.is_none() && work.container.is_none() {
            return Err(words::not_now(
                "nothing is on its way",
                "There is nothing to reject.",
            ));
        }
        let booth = &self.booths[&asked.station];
        let (scale, sequence) = (booth.scale().clone(), booth.sequence.clone());
        let mut draft = self
            .about(&asked.station, &work, "rejected", around.now)
            .with("point", scale.point.to_string())
            .data("reason", reason)
            .data("in", scale.unit().ucum())
            .data("by", asked.by.id.as_str());
        draft = match pending {
            Some(part) => draft
                .with("about", part.entry)
                .data("container", part.container.as_str())
                .data("waste", part.net.amount.as_str()),
            None => draft
                .data(
                    "container",
                    work.container
                        .as_ref()
                        .map_or("", |container| container.id.as_str()),
                )
                .data(
                    "waste",
                    sequence
                        .last
                        .map_or_else(String::new, |(net, ..)| net.to_string()),
                ),
        };
        let seq = self.put(draft, enter);
        if let Some(booth) = self.booths.get_mut(&asked.station) {
            booth.sequence = super::booth::Sequence::default();
        }
        Ok(Done::said(format!(
            "entry {seq}: rejected; begin again with a container"
        )))
    }

    /// Opens a line of an order, or goes on with one that was held.
    pub(super) fn open(
        &mut self,
        asked: &Asked,
        order: &str,
        line: Option<&String>,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        use crate::flow::master::item::Order;
        let booth = &self.booths[&asked.station];
        if booth.key.is_some() {
            return Err(words::not_now(
                "a line is in hand",
                "Finish it, hold it or abort it first.",
            ));
        }
        if !self.is_clear(booth, around.now) {
            return Err(words::not_now(
                "the booth is not cleared",
                "Answer the questions of line clearance and sign.",
            ));
        }
        let looked = around.master.look::<Order>(order, &around.asking);
        let Some(item) = looked.item.filter(|_| looked.against.is_empty()) else {
            return Err(words::master("order", order, &looked.why()));
        };
        let state = |line: &str| {
            self.works
                .get(&(order.to_owned(), line.to_owned()))
                .map(|work| work.state)
        };
        let open = |line: &str| !matches!(state(line), Some(State::Done | State::Aborted | State::Open));
        let found = match line {
            Some(line) => item.lines.iter().find(|known| known.line == *line),
            None => item.lines.iter().find(|known| open(&known.line)),
        };
        let Some(found) = found else {
            return Err(words::not_now(
                &format!("order {order} has no such line that is open"),
                "Choose another line, or another order.",
            ));
        };
        match state(&found.line) {
            Some(State::Open) => {
                return Err(words::not_now(
                    "another station works on this line",
                    "Go on there, or hold it there first.",
                ));
            }
            Some(State::Done | State::Aborted) => {
                return Err(words::not_now("this line is finished", "Choose another line."));
            }
            _ => {}
        }
        if let Some((_, used)) = &booth.clearance
            && !used.is_empty()
            && *used != found.batch
        {
            return Err(words::not_now(
                "the booth was cleared for another batch",
                "Clear it again: nothing of the batch before may be left.",
            ));
        }
        let (unit, usual, held) = (
            booth.station.unit.clone(),
            booth.station.verification,
            booth.station.held_at_most.as_millis() as i64,
        );
        let plan = super::plan::Plan::new(order, item, found, around.recipes, usual)
            .map_err(|why| words::master("order", order, &format!("{why:?}")))?;
        let used = looked.used(around.now);
        let key = (order.to_owned(), found.line.clone());
        let before = self.works.get(&key).cloned();
        if let Some(used) = used {
            let used = used
                .with("unit", unit.as_str())
                .with("batch", plan.batch.as_str())
                .with("step", plan.step.as_str());
            self.put(used, enter);
        }
        let Some(before) = before else {
            let work = Work::planned(plan, &asked.station, (&asked.by.id, &asked.by.name), around.now);
            let draft = self.about(&asked.station, &work, "begun", around.now);
            let draft = work
                .plan
                .onto(draft)
                .data("by", asked.by.id.as_str())
                .data("name", asked.by.name.as_str());
            let seq = self.put(draft, enter);
            return Ok(Done::said(format!("entry {seq}: line {} begun", work.plan.line)));
        };
        let draft = self
            .about(&asked.station, &before, "resumed", around.now)
            .data("by", asked.by.id.as_str())
            .data("name", asked.by.name.as_str());
        let seq = self.put(draft, enter);
        let waited = around.now.ms_since(before.since);
        if waited > held {
            let draft = exception(
                "held-too-long",
                around.now,
                &unit,
                &before.plan.batch,
                &before.plan.step,
                seq,
            )
            .data(
                "says",
                format!(
                    "the line was held for {}",
                    crate::flow::master::look::span(waited)
                ),
            )
            .data("duration_ms", waited)
            .data("by", asked.by.id.as_str());
            self.put(draft, enter);
        }
        Ok(Done::said(format!(
            "entry {seq}: line {} goes on",
            before.plan.line
        )))
    }

    /// Whether the check of the scale in use is due or failed.
    pub(super) fn check_due(&self, station: &str, now: Stamp) -> bool {
        let booth = &self.booths[station];
        !matches!(self.stands_with(booth, booth.at, now), Stands::Checked { .. })
    }
}

/// Whether a line needs a scale at all.
pub(super) fn uses_scale(work: &Work) -> bool {
    matches!(work.plan.method, Method::Weigh | Method::ByDifference)
}

pub(super) fn stability(taken: &Taken) -> &'static str {
    match (taken.printed, taken.inferred) {
        (true, _) => "print",
        (false, true) => "inferred",
        (false, false) => "flag",
    }
}

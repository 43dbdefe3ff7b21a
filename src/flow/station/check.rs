//! Line clearance, and the check of a scale against its zero and its check weights. A scale that fails is closed, and
//! the weights since its last good check are listed for quality; they stay recorded, the check decides about them.

use super::{
    booth::{Booth, Checking},
    desk::{Around, Asked, Desk, Done},
    live::Taken,
    words::{self, Refusal},
};
use crate::flow::{enter::Enter, master::item::CheckWeight};
use record::{Draft, Quantity, Stamp};
use rust_decimal::Decimal;

/// How a scale stands with its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Checked { due: Stamp },
    Overdue { since: Option<Stamp> },
    Failed,
}

/// Who may begin the check of a scale that has failed.
const REOPENS: &[&str] = &["supervisor", "engineer"];

impl Desk {
    pub(super) fn stands_with(&self, booth: &Booth, scale: usize, now: Stamp) -> Stands {
        let point = booth.station.scales[scale].point.to_string();
        let known = self.checks.get(&point).cloned().unwrap_or_default();
        let every = booth.station.check_every.as_millis() as i64;
        // A line that was put away is gone on with only on a scale that was checked since.
        let held = booth.key.as_ref().and_then(|key| self.works.get(key)?.held);
        if let (Some(held), Some(good), None) = (held, known.good, known.failed)
            && good < held
        {
            return Stands::Overdue { since: Some(held) };
        }
        match (known.good, known.failed) {
            (_, Some(_)) => Stands::Failed,
            (Some(good), None) if now.ms_since(good) < every => Stands::Checked {
                due: good.plus_ms(every),
            },
            (good, None) => Stands::Overdue {
                since: good.map(|good| good.plus_ms(every)),
            },
        }
    }

    /// Whether the scale may weigh now.
    pub(super) fn may_weigh(&self, booth: &Booth, around: &Around<'_>) -> Result<(), Refusal> {
        let scale = booth.scale();
        if !around.capturing {
            return Err(words::capture_stopped());
        }
        if (around.calibration)(&scale.point.tag).is_some() {
            return Err(words::calibration(&scale.point.tag));
        }
        match self.stands_with(booth, booth.at, around.now) {
            Stands::Checked { .. } => Ok(()),
            Stands::Overdue { .. } => Err(words::check_needed(&scale.point.tag, false)),
            Stands::Failed => Err(words::check_needed(&scale.point.tag, true)),
        }
    }

    pub(super) fn is_clear(&self, booth: &Booth, now: Stamp) -> bool {
        let lasts = booth.station.clearance_lasts.as_millis() as i64;
        let Some((at, used)) = &booth.clearance else {
            return false;
        };
        // Another batch than the one it was given for asks again; so does everything after a while.
        let batch = booth
            .key
            .as_ref()
            .and_then(|key| self.works.get(key))
            .map(|work| &work.plan.batch);
        now.ms_since(*at) < lasts && (used.is_empty() || batch.is_none_or(|batch| batch == used))
    }

    pub(super) fn clear(
        &mut self,
        asked: &Asked,
        answers: &[bool],
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let questions = &booth.station.clearance;
        if answers.len() != questions.len() || answers.contains(&false) {
            return Err(words::not_now(
                "line clearance is not complete",
                "Every question is answered with yes, or the booth is not clear.",
            ));
        }
        if !asked.signed {
            return Err(words::needs_signature());
        }
        let draft = Draft::new("clearance", around.now)
            .with("unit", booth.station.unit.as_str())
            .with("station", asked.station.as_str())
            .with("state", "cleared")
            .data("text", questions.join(" | "))
            .data("by", asked.by.id.as_str())
            .data("name", asked.by.name.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!("entry {seq}: {} is clear", asked.station)))
    }

    pub(super) fn check_begin(
        &mut self,
        asked: &Asked,
        scale: &str,
        around: &Around<'_>,
    ) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let at = booth.scale_named(scale).ok_or_else(|| {
            words::not_now(
                &format!("no scale here is called {scale}"),
                "Choose one of this station.",
            )
        })?;
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        if work.is_some_and(|work| {
            work.container
                .as_ref()
                .is_some_and(|container| container.tare.is_some())
        }) {
            return Err(words::not_now(
                "a container stands on the scale",
                "Capture it or reject it first.",
            ));
        }
        let failed = self.stands_with(booth, at, around.now) == Stands::Failed;
        if failed && !asked.by.roles.iter().any(|role| REOPENS.contains(&role.as_str())) {
            let roles: Vec<String> = REOPENS.iter().map(|role| (*role).to_owned()).collect();
            return Err(words::not_allowed(&asked.by.name, &roles));
        }
        let booth = self
            .booths
            .get_mut(&asked.station)
            .ok_or_else(|| words::no_such_station(""))?;
        booth.at = at;
        booth.checking = Some(Checking {
            scale: at,
            zeroed: false,
            weight: None,
            done: Vec::new(),
            by: asked.by.id.clone(),
        });
        Ok(Done::said(format!("{scale}: empty it, then take its zero")))
    }

    /// A check weight was scanned.
    pub(super) fn check_weight(
        &mut self,
        asked: &Asked,
        code: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let Some(checking) = booth.checking.clone() else {
            return Err(words::not_now(
                "no check is under way",
                "Begin the check of a scale first.",
            ));
        };
        let wanted = &booth.station.scales[checking.scale].check_weights;
        if !checking.zeroed {
            return Err(words::not_now(
                "the zero comes first",
                "Empty the scale and take its zero.",
            ));
        }
        if !wanted.iter().any(|weight| weight == code) {
            return Err(words::code_unknown(code, "check weight of this scale"));
        }
        let looked = around.master.look::<CheckWeight>(code, &around.asking);
        if !looked.against.is_empty() {
            return Err(words::master("check weight", code, &looked.why()));
        }
        if let Some(used) = looked.used(around.now) {
            let unit = booth.station.unit.clone();
            self.put(used.with("unit", unit), enter);
        }
        if let Some(checking) = self.checking(&asked.station) {
            checking.weight = Some(code.to_owned());
        }
        Ok(Done::said(format!("put {code} on the scale")))
    }

    fn checking(&mut self, station: &str) -> Option<&mut Checking> {
        self.booths.get_mut(station)?.checking.as_mut()
    }

    pub(super) fn check_take(
        &mut self,
        asked: &Asked,
        reading: u64,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let booth = self
            .booths
            .get_mut(&asked.station)
            .ok_or_else(|| words::no_such_station(&asked.station))?;
        let Some(checking) = booth.checking.clone() else {
            return Err(words::not_now(
                "no check is under way",
                "Begin the check of a scale first.",
            ));
        };
        let scale = booth.station.scales[checking.scale].clone();
        let unit = scale.unit();
        let division = scale.division(Decimal::ZERO);
        let take = |booth: &mut Booth, division| {
            booth.scales[checking.scale]
                .take(reading, division, around.at_ms)
                .map_err(|why| words::not_taken(&why, unit.shown()))
        };
        let Some(weight) = checking.weight.clone().filter(|_| checking.zeroed) else {
            if checking.zeroed {
                return Err(words::not_now(
                    "no check weight was scanned",
                    "Scan the check weight on the scale.",
                ));
            }
            let taken = take(booth, division)?;
            let within = taken.weight.abs() <= division;
            let draft = self.check_draft(asked, &scale.point.to_string(), &taken, around);
            let draft = draft
                .with("state", "zero")
                .with(
                    "verdict",
                    if within {
                        "within"
                    } else if taken.weight < Decimal::ZERO {
                        "below"
                    } else {
                        "above"
                    },
                )
                .data("in", unit.ucum())
                .data("low", (-division).to_string())
                .data("high", division.to_string());
            self.put(draft, enter);
            if !within {
                return Err(words::not_now(
                    &format!("the empty scale shows {} {unit}", taken.text),
                    "Empty it, clean it, press its zero, then take the zero again.",
                ));
            }
            let none = scale.check_weights.is_empty();
            if let Some(checking) = self.checking(&asked.station) {
                checking.zeroed = true;
            }
            return if none {
                self.check_done(asked, &scale.point.to_string(), true, around, enter)
            } else {
                Ok(Done::said("the zero is right; scan a check weight"))
            };
        };
        let looked = around.master.look::<CheckWeight>(&weight, &around.asking);
        let item = looked.item.filter(|_| looked.against.is_empty()).cloned();
        let certificate = item
            .as_ref()
            .map(|item| item.certificate.clone())
            .unwrap_or_default();
        let amount = |text: &str| Quantity::read(text)?.number_in(unit);
        let bounds = item.and_then(|item| Some((amount(&item.nominal)?, amount(&item.may_differ_by)?)));
        let Some((nominal, may)) = bounds else {
            return Err(words::master("check weight", &weight, &looked.why()));
        };
        let (low, high) = (nominal - may, nominal + may);
        let taken = take(booth, scale.division(nominal))?;
        let verdict = if taken.weight < low {
            "below"
        } else if taken.weight > high {
            "above"
        } else {
            "within"
        };
        let draft = self
            .check_draft(asked, &scale.point.to_string(), &taken, around)
            .with("state", "weight")
            .with("verdict", verdict)
            .data("in", unit.ucum())
            .data("weight", weight.as_str())
            .data("certificate", certificate)
            .data("nominal", nominal.to_string())
            .data("low", low.to_string())
            .data("high", high.to_string());
        self.put(draft, enter);
        let point = scale.point.to_string();
        if verdict != "within" {
            return self.check_done(asked, &point, false, around, enter);
        }
        let mut left = scale.check_weights.clone();
        if let Some(checking) = self.checking(&asked.station) {
            checking.weight = None;
            checking.done.push(weight);
            left.retain(|weight| !checking.done.contains(weight));
        }
        if left.is_empty() {
            return self.check_done(asked, &point, true, around, enter);
        }
        Ok(Done::said(format!(
            "{} {unit} is right; next {}",
            taken.text,
            left.join(" or ")
        )))
    }

    fn check_draft(&self, asked: &Asked, point: &str, taken: &Taken, _around: &Around<'_>) -> Draft {
        Draft::new("scale-check", taken.time)
            .with("unit", self.booths[&asked.station].station.unit.as_str())
            .with("point", point)
            .with("station", asked.station.as_str())
            .data("value", taken.text.as_str())
            .data("raw", crate::flow::accept::hex(&taken.raw))
            .data("reading", taken.number)
            .data("by", asked.by.id.as_str())
    }

    /// The check is over. A scale that failed is closed; every weight since its last good check is listed.
    fn check_done(
        &mut self,
        asked: &Asked,
        point: &str,
        passed: bool,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let unit = self.booths[&asked.station].station.unit.clone();
        let draft = Draft::new("scale-check", around.now)
            .with("unit", unit.as_str())
            .with("point", point)
            .with("station", asked.station.as_str())
            .with("state", if passed { "passed" } else { "failed" })
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        if let Some(booth) = self.booths.get_mut(&asked.station) {
            booth.checking = None;
        }
        if passed {
            return Ok(Done::said(format!("entry {seq}: {point} passed its check")));
        }
        let since = self
            .checks
            .get(point)
            .map(|checked| checked.since.clone())
            .unwrap_or_default();
        let listed = record::ranges(&since);
        let draft = Draft::new("exception", around.now)
            .with("unit", unit)
            .with("because", "scale-check-failed")
            .with("point", point)
            .with("about", seq)
            .data("count", since.len())
            .data("found", listed.as_str())
            .data(
                "says",
                format!(
                    "{} weights since the last good check are in question",
                    since.len()
                ),
            );
        self.put(draft, enter);
        let mut refusal = words::check_needed(point, true);
        // What failed is an entry already.
        refusal.kept = false;
        Err(refusal)
    }
}

//! What a station shows: everything decided here, nothing on the screen.

use super::{
    bar,
    booth::Booth,
    check::Stands,
    desk::{Around, Desk},
    fill::{self, Fill, Net},
    live::{Shows, Still},
    view::{
        BarView, CaptureView, CheckView, Closed, ContainerView, LabelView, LineView, LotView, MaterialView,
        OrderView, PartView, PersonView, RefusedView, ScaleView, StationView, Step, TargetView, WeightView,
        Word,
    },
    weigh::uses_scale,
    work::{Part, PartState, State, Work},
};
use crate::{
    config::station::Tare,
    flow::{
        check::Verdict,
        master::item::{CheckWeight, Container, Order},
    },
};
use record::{Quantity, Stamp};
use rust_decimal::Decimal;

impl Desk {
    /// What is to be done at a station now.
    pub(super) fn step(&self, booth: &Booth, around: &Around<'_>) -> Step {
        if booth.operator.is_none() {
            return Step::SignIn;
        }
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        if let Some(part) = work.and_then(Work::pending) {
            return if part.state == PartState::Pending {
                Step::Verify
            } else {
                Step::Label
            };
        }
        // What stands on the scale is finished before anything else is asked.
        let filling = work.is_some_and(|work| {
            work.container
                .as_ref()
                .is_some_and(|container| container.tare.is_some())
        });
        if filling {
            return Step::Fill;
        }
        if !self.is_clear(booth, around.now) {
            return Step::Clearance;
        }
        let needs_scale = work.is_none_or(uses_scale) && !work.is_some_and(Work::is_complete);
        if booth.checking.is_some() || needs_scale && self.check_due(&booth.station.name, around.now) {
            return Step::ScaleCheck;
        }
        let Some(work) = work else { return Step::Order };
        if work.is_complete() {
            let asks = booth.station.remainder && !work.reconciled;
            return if asks { Step::Remainder } else { Step::Complete };
        }
        match (&work.source, &work.container) {
            (None, _) => Step::Source,
            (Some(_), _) if !uses_scale(work) => Step::Fill,
            (Some(_), None) => Step::Container,
            (Some(_), Some(_)) => Step::Tare,
        }
    }

    pub(super) fn show(&self, booth: &Booth, around: &Around<'_>) -> StationView {
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        let step = self.step(booth, around);
        let open = fill::open(booth, work);
        let filling = open.and_then(|(work, tared)| Fill::of(work, booth.scale(), tared.amount).ok());
        let (weight, word) = self.weight(booth, open, filling.as_ref(), around);
        let net = weight
            .as_ref()
            .and_then(|weight| weight.text.parse::<Decimal>().ok());
        let zoomed = filling
            .as_ref()
            .zip(net)
            .is_some_and(|(fill, net)| bar::zoomed(booth.zoomed, fill, net));
        let capture = self.capture_view(booth, work, step, filling.as_ref(), weight.as_ref(), word, around);
        let pending = work.and_then(Work::pending);
        let looked = work.map(|work| around.master.look::<Order>(&work.plan.order, &around.asking));
        let order = looked.and_then(|looked| looked.item);
        StationView {
            station: booth.station.name.clone(),
            title: booth.station.title.clone(),
            unit: booth.station.unit.clone(),
            usage: around.usage.word().to_owned(),
            now: around.now.0,
            zone: around.zone.to_owned(),
            languages: booth.station.languages.clone(),
            step,
            state: self.word(booth, step, word, pending, around),
            pen: booth.pen.as_ref().map(|(panel, _)| panel.clone()),
            operator: booth.operator.as_ref().map(|(id, name)| PersonView {
                id: id.clone(),
                name: name.clone(),
            }),
            order: work.map(|work| order_view(work, order)),
            lines: work.map_or_else(Vec::new, |work| self.lines(work, order)),
            material: work.map(|work| MaterialView {
                code: work.plan.material.clone(),
                title: work.plan.title.clone(),
            }),
            lot: work.and_then(|work| lot_view(work, around)),
            container: work.and_then(|work| container_view(work, around)),
            target: work.map(|work| target_view(work, booth, filling.as_ref())),
            bar: filling
                .as_ref()
                .map(|fill| BarView::clone(&bar::bar(fill, net, zoomed))),
            weight,
            capture,
            scale: Some(self.scale_view(booth, booth.at, work, around)),
            scales: (0..booth.station.scales.len())
                .map(|at| self.scale_view(booth, at, work, around))
                .collect(),
            check: self.check_view(booth, step, around),
            clearance: if step == Step::Clearance {
                booth.station.clearance.clone()
            } else {
                Vec::new()
            },
            parts: work.map_or_else(Vec::new, |work| {
                work.parts.iter().map(|part| part_view(work, part)).collect()
            }),
            pending: work.zip(pending).map(|(work, part)| part_view(work, part)),
            label: pending
                .filter(|part| part.state == PartState::Accepted)
                .map(|part| label_view(booth, part)),
            record: super::view::RecordWord::AllSealed,
            can: can(step, booth, work),
            refused: booth.refused.as_ref().map(|(refusal, at)| RefusedView {
                name: refusal.trouble.name.to_owned(),
                found: refusal.found.clone(),
                wanted: refusal.wanted.clone(),
                what: refusal.trouble.what.clone(),
                record: refusal.trouble.record.clone(),
                action: refusal.trouble.action.clone(),
                at: at.0,
            }),
        }
    }

    /// The number, while it is young enough to be looked at, and the word for it.
    fn weight(
        &self,
        booth: &Booth,
        open: Option<(&Work, &super::work::Tared)>,
        filling: Option<&Fill>,
        around: &Around<'_>,
    ) -> (Option<WeightView>, Word) {
        let (live, scale) = (booth.live(), booth.scale());
        let Some(seen) = live.now(around.at_ms) else {
            let word = match (live.silent, live.printed) {
                (_, true) => Word::WaitingForPrint,
                (true, _) => Word::NoAnswer,
                _ if live.last().is_none() => Word::NoAnswer,
                _ => Word::Stale,
            };
            return (None, word);
        };
        let (number, text) = match &seen.shows {
            Shows::Weight { number, text, .. } => (*number, text.clone()),
            Shows::Doubtful(_) => return (None, Word::Doubtful),
            Shows::Bad(_) | Shows::OtherUnit(_) => return (None, Word::BadValue),
        };
        let division = filling.map_or_else(|| scale.division(number), |fill| fill.division);
        let still = live.still(division);
        let net = open.map(|(work, tared)| Net::of(number, tared, work, booth));
        let mut view = WeightView {
            text,
            unit: scale.unit().shown().to_owned(),
            reading: seen.number,
            age_ms: around.at_ms - seen.at_ms,
            stable: still != Still::No,
            inferred: still == Still::Yes { inferred: true },
            computed_by: booth.station.tare.word(),
            ..WeightView::default()
        };
        let Some(net) = net else {
            return (
                Some(view),
                if still == Still::No {
                    Word::Moving
                } else {
                    Word::Ready
                },
            );
        };
        view.gross = net.gross.to_string();
        view.tare = net.tare.to_string();
        if booth.station.tare == Tare::Station || net.net != number {
            view.text = net.net.to_string();
        }
        let Some(fill) = filling else {
            return (Some(view), Word::Ready);
        };
        view.delta = (net.net - fill.target).to_string();
        let word = match fill.verdict(net.net) {
            Verdict::Above => {
                view.outside = (net.net - fill.window.high).to_string();
                Word::TooMuch
            }
            Verdict::Below => {
                view.outside = (fill.window.low - net.net).to_string();
                if bar::zoomed(booth.zoomed, fill, net.net) {
                    Word::Near
                } else {
                    Word::Under
                }
            }
            _ if still == Still::No => Word::Moving,
            _ => Word::InTolerance,
        };
        (Some(view), word)
    }

    /// The word of the vocabulary: what hinders comes first.
    fn word(
        &self,
        booth: &Booth,
        step: Step,
        weight: Word,
        pending: Option<&Part>,
        around: &Around<'_>,
    ) -> Word {
        if let Some((refusal, _)) = &booth.refused {
            match refusal.trouble.name {
                "wrong-material" => return Word::WrongMaterial,
                "lot-not-allowed" => return Word::LotNotAllowed,
                "same-person" => return Word::SamePerson,
                "weighing-voided" => return Word::Voided,
                _ => {}
            }
        }
        if pending.is_some_and(|part| part.state == PartState::Accepted && !part.label.failed.is_empty()) {
            return Word::NoLabel;
        }
        match step {
            Step::ScaleCheck | Step::Tare | Step::Fill | Step::Source | Step::Container | Step::Order => {
                if (around.calibration)(&booth.scale().point.tag).is_some() {
                    return Word::CalibrationOver;
                }
                match self.stands_with(booth, booth.at, around.now) {
                    Stands::Failed => return Word::CheckFailed,
                    Stands::Overdue { .. } if booth.checking.is_none() => return Word::CheckOverdue,
                    _ => {}
                }
            }
            _ => {}
        }
        match step {
            Step::Fill | Step::Tare => weight,
            Step::ScaleCheck if weight != Word::Ready => weight,
            _ => Word::Ready,
        }
    }

    #[allow(clippy::too_many_arguments)] // everything a capture rests on, seen at one moment
    fn capture_view(
        &self,
        booth: &Booth,
        work: Option<&Work>,
        step: Step,
        filling: Option<&Fill>,
        weight: Option<&WeightView>,
        word: Word,
        around: &Around<'_>,
    ) -> CaptureView {
        let closed = |why| CaptureView {
            open: false,
            reading: None,
            closed: Some(why),
        };
        let why = match step {
            Step::SignIn => Some(Closed::NotSignedIn),
            Step::Clearance => Some(Closed::FirstClear),
            Step::Order => Some(Closed::FirstOrder),
            Step::Source => Some(Closed::FirstLot),
            Step::Container => Some(Closed::FirstContainer),
            Step::Tare => Some(Closed::FirstTare),
            Step::Verify => Some(Closed::WaitsForVerify),
            Step::Reason => Some(Closed::WaitsForReason),
            Step::Label => Some(Closed::WaitsForLabel),
            Step::Remainder | Step::Complete => Some(Closed::NothingToWeigh),
            Step::ScaleCheck | Step::Fill => None,
        };
        if let Some(why) = why {
            return closed(why);
        }
        if !around.capturing {
            return closed(Closed::CaptureStopped);
        }
        if (around.calibration)(&booth.scale().point.tag).is_some() {
            return closed(Closed::CalibrationOver);
        }
        match self.stands_with(booth, booth.at, around.now) {
            Stands::Failed => return closed(Closed::CheckFailed),
            Stands::Overdue { .. } if step == Step::ScaleCheck && booth.checking.is_some() => {
                return closed(Closed::FirstCheck);
            }
            Stands::Overdue { .. } => return closed(Closed::CheckOverdue),
            Stands::Checked { .. } if step == Step::ScaleCheck => return closed(Closed::FirstCheck),
            Stands::Checked { .. } => {}
        }
        if work.is_some_and(|work| !uses_scale(work)) {
            return closed(Closed::NothingToWeigh);
        }
        let unit = booth.scale().unit().shown().to_owned();
        let last = booth.live().last().map(|seen| &seen.shows);
        let (Some(weight), Some(fill)) = (weight, filling) else {
            return closed(match (word, last) {
                (Word::WaitingForPrint, _) => Closed::NeedsPrint,
                (_, Some(Shows::OtherUnit(other))) => Closed::WrongUnit {
                    unit: other.shown().to_owned(),
                    wanted: unit,
                },
                (_, Some(Shows::Bad(because) | Shows::Doubtful(because))) => Closed::BadValue {
                    because: because.clone(),
                },
                _ => Closed::NeedsLiveScale,
            });
        };
        let number = |text: &str| text.parse::<Decimal>().unwrap_or_default();
        let (net, gross) = (number(&weight.text), number(&weight.gross));
        if gross > fill.most {
            return closed(Closed::OutOfRange {
                most: fill.most.to_string(),
                unit,
            });
        }
        match fill.verdict(net) {
            Verdict::Above => {
                return closed(Closed::TooMuch {
                    by: (net - fill.window.high).to_string(),
                    unit,
                });
            }
            Verdict::Below => {
                return closed(Closed::OpensBetween {
                    low: fill.window.low.to_string(),
                    high: fill.window.high.to_string(),
                    unit,
                });
            }
            _ => {}
        }
        if net < fill.least {
            return closed(Closed::BelowMinimum {
                least: fill.least.to_string(),
                unit,
            });
        }
        if !weight.stable {
            return closed(Closed::WaitsForStill);
        }
        CaptureView {
            open: true,
            reading: Some(weight.reading),
            closed: None,
        }
    }

    fn lines(&self, work: &Work, order: Option<&Order>) -> Vec<LineView> {
        let Some(order) = order else { return Vec::new() };
        let state = |line: &str| {
            let known = self.works.get(&(work.plan.order.clone(), line.to_owned()));
            match known.map(|known| known.state) {
                Some(State::Open) if line == work.plan.line => "current",
                Some(State::Open) => "elsewhere",
                Some(State::Held) => "held",
                Some(State::Aborted) => "aborted",
                Some(State::Done) => "done",
                None => "open",
            }
        };
        let lines = order.lines.iter();
        lines
            .map(|line| LineView {
                line: line.line.clone(),
                title: if line.title.is_empty() {
                    line.material.clone()
                } else {
                    line.title.clone()
                },
                target: line.target.clone(),
                state: state(&line.line),
            })
            .collect()
    }

    fn scale_view(&self, booth: &Booth, at: usize, work: Option<&Work>, around: &Around<'_>) -> ScaleView {
        let scale = &booth.station.scales[at];
        let live = &booth.scales[at];
        let stands = self.stands_with(booth, at, around.now);
        let offered = work
            .filter(|work| work.source.is_some() && uses_scale(work))
            .map(|work| Fill::offered(work, scale, Decimal::ZERO));
        let state = match (stands, offered) {
            _ if (around.calibration)(&scale.point.tag).is_some() => "calibration-over",
            (Stands::Failed, _) => "check-failed",
            (Stands::Overdue { .. }, _) => "check-overdue",
            (_, Some(Err(why))) => why.word(),
            _ if live.now(around.at_ms).is_none() && !live.printed => "no-answer",
            _ => "ready",
        };
        let point = scale.point.to_string();
        ScaleView {
            scale: scale.point.tag.clone(),
            title: scale.title.clone(),
            state,
            least: scale.least.amount.number().normalize().to_string(),
            most: scale.most().normalize().to_string(),
            unit: scale.unit().shown().to_owned(),
            division: scale
                .divisions
                .iter()
                .map(|division| division.step.normalize().to_string())
                .collect::<Vec<_>>()
                .join(" / "),
            checked: self
                .checks
                .get(&point)
                .and_then(|checked| checked.good)
                .map(|at| at.0),
            check_due: match stands {
                Stands::Checked { due } => Some(due.0),
                Stands::Overdue { since } => since.map(|at| at.0),
                Stands::Failed => None,
            },
            last_heard: live.last().map(|seen| seen.time.0),
        }
    }

    fn check_view(&self, booth: &Booth, step: Step, around: &Around<'_>) -> Option<CheckView> {
        if step != Step::ScaleCheck {
            return None;
        }
        let at = booth
            .checking
            .as_ref()
            .map_or(booth.at, |checking| checking.scale);
        let scale = &booth.station.scales[at];
        let unit = scale.unit();
        let point = scale.point.to_string();
        let stands = self.stands_with(booth, at, around.now);
        let mut view = CheckView {
            scale: scale.point.tag.clone(),
            state: match stands {
                _ if booth.checking.is_some() => "running",
                Stands::Failed => "failed",
                Stands::Overdue { since: Some(_) } => "overdue",
                Stands::Overdue { since: None } => "due",
                Stands::Checked { .. } => "passed",
            },
            unit: unit.shown().to_owned(),
            due: match stands {
                Stands::Checked { due } => Some(due.0),
                Stands::Overdue { since } => since.map(|since| since.0),
                Stands::Failed => None,
            },
            doubtful: self
                .checks
                .get(&point)
                .filter(|_| stands == Stands::Failed)
                .map_or_else(Vec::new, |checked| checked.since.clone()),
            ..CheckView::default()
        };
        let done = booth.checking.as_ref().map_or(&[][..], |checking| &checking.done);
        view.weights = scale
            .check_weights
            .iter()
            .filter(|weight| !done.contains(weight))
            .cloned()
            .collect();
        match &booth.checking {
            Some(checking) if !checking.zeroed => {
                let division = scale.division(Decimal::ZERO);
                view.wants = "zero".to_owned();
                (view.low, view.high) = ((-division).to_string(), division.to_string());
            }
            Some(checking) => view.wants = checking.weight.clone().unwrap_or_default(),
            None => {}
        }
        let weight = if view.wants == "zero" || view.wants.is_empty() {
            view.weights.first().cloned().filter(|_| view.wants.is_empty())
        } else {
            Some(view.wants.clone())
        };
        let known = weight.and_then(|weight| around.master.look::<CheckWeight>(&weight, &around.asking).item);
        let amount = |text: &str| Quantity::read(text)?.number_in(unit);
        if let Some((nominal, may)) =
            known.and_then(|known| Some((amount(&known.nominal)?, amount(&known.may_differ_by)?)))
        {
            view.nominal = nominal.normalize().to_string();
            (view.low, view.high) = (
                (nominal - may).normalize().to_string(),
                (nominal + may).normalize().to_string(),
            );
        }
        Some(view)
    }

    /// The bar keeps its zoom from one reading to the next.
    pub(super) fn remember_zoom(&mut self, station: &str) {
        let Some(booth) = self.booths.get(station) else {
            return;
        };
        let work = booth.key.as_ref().and_then(|key| self.works.get(key));
        let zoomed = fill::open(booth, work).and_then(|(work, tared)| {
            let fill = Fill::of(work, booth.scale(), tared.amount).ok()?;
            let Shows::Weight { number, .. } = booth.live().last()?.shows else {
                return None;
            };
            Some(bar::zoomed(
                booth.zoomed,
                &fill,
                Net::of(number, tared, work, booth).net,
            ))
        });
        if let Some(booth) = self.booths.get_mut(station) {
            booth.zoomed = zoomed.unwrap_or(false);
        }
    }
}

fn order_view(work: &Work, order: Option<&Order>) -> OrderView {
    let lines = order.map_or(&[][..], |order| &order.lines);
    let at = lines.iter().position(|line| line.line == work.plan.line);
    OrderView {
        order: work.plan.order.clone(),
        product: work.plan.product.clone(),
        batch: work.plan.batch.clone(),
        at: at.map_or(1, |at| at + 1),
        of: lines.len().max(1),
    }
}

fn lot_view(work: &Work, around: &Around<'_>) -> Option<LotView> {
    use crate::flow::master::item::Lot;
    let source = work.source.as_ref()?;
    let known = around.master.look::<Lot>(&source.lot, &around.asking).item;
    Some(LotView {
        lot: source.lot.clone(),
        status: known.map_or("", |lot| lot.status.word()).to_owned(),
        expires: source.expires.clone(),
        assay: source.assay.clone(),
        container: source.container.clone(),
    })
}

fn container_view(work: &Work, around: &Around<'_>) -> Option<ContainerView> {
    let own = work.container.as_ref()?;
    let known = around.master.look::<Container>(&own.id, &around.asking).item;
    Some(ContainerView {
        container: own.id.clone(),
        title: known.map_or_else(String::new, |known| known.title.clone()),
        tare: own
            .tare
            .as_ref()
            .map_or_else(String::new, |tared| format!("{} {}", tared.text, tared.unit)),
        how: own.tare.as_ref().map_or("", |tared| tared.how),
        clean_until: known
            .and_then(|known| known.clean_until.as_ref())
            .map_or_else(String::new, ToString::to_string),
    })
}

fn target_view(work: &Work, booth: &Booth, filling: Option<&Fill>) -> TargetView {
    let own = work.plan.nominal.unit;
    let target = work.target();
    let mut view = TargetView {
        unit: own.shown().to_owned(),
        target: target.amount.to_string(),
        nominal: work.plan.nominal.amount.to_string(),
        formula: work.plan.basis.formula().to_owned(),
        tolerance: work.plan.tolerance.to_string(),
        sum: work.sum().normalize().to_string(),
        left: (target.amount.number() - work.sum()).normalize().to_string(),
        ..TargetView::default()
    };
    let (low, high) = if let Some(fill) = filling {
        (Some(fill.window.low), Some(fill.window.high))
    } else {
        let window = work.plan.window(&target);
        (window.map(|window| window.low), window.map(|window| window.high))
    };
    let text =
        |number: Option<Decimal>| number.map_or_else(String::new, |number| number.normalize().to_string());
    (view.low, view.high) = (text(low), text(high));
    if filling.is_some() {
        let unit = booth.scale().unit();
        let here = |text: &str| {
            let number = text
                .parse::<Decimal>()
                .ok()
                .and_then(|number| own.convert(number, unit));
            number.map_or_else(|| text.to_owned(), |number| number.to_string())
        };
        view.unit = unit.shown().to_owned();
        (view.target, view.nominal) = (here(&view.target), here(&view.nominal));
        (view.sum, view.left) = (here(&view.sum), here(&view.left));
    }
    view
}

fn part_view(work: &Work, part: &Part) -> PartView {
    PartView {
        entry: part.entry,
        container: part.container.clone(),
        lot: part.lot.clone(),
        net: part.net.amount.to_string(),
        gross: part.gross.clone(),
        tare: part.tare.clone(),
        unit: part.net.unit.shown().to_owned(),
        low: part.low.clone(),
        high: part.high.clone(),
        scale: part.scale.split('.').next().unwrap_or_default().to_owned(),
        by: part.by.clone(),
        at: part.at.0,
        verdict: part.verdict,
        state: part.state.word(),
        verified_by: part.verified_by.clone(),
        verification: work.plan.verification.word(),
        sealed: false,
    }
}

fn label_view(booth: &Booth, part: &Part) -> LabelView {
    let label = &part.label;
    let state = if label.proven {
        "proven"
    } else if booth.printing == Some(part.entry) {
        "printing"
    } else if !label.failed.is_empty() {
        "no-label"
    } else if label.printed.is_some() {
        "printed"
    } else {
        "waiting"
    };
    LabelView {
        state,
        number: label.number,
        printed: label.printed.map(|at: Stamp| at.0),
        because: label.failed.clone(),
    }
}

/// The acts that are possible now.
fn can(step: Step, booth: &Booth, work: Option<&Work>) -> Vec<&'static str> {
    let mut can = match step {
        Step::SignIn => return Vec::new(),
        Step::Clearance => vec!["clear"],
        Step::ScaleCheck if booth.checking.is_some() => vec!["check-take", "scan", "scale"],
        Step::ScaleCheck => vec!["check-begin", "scale"],
        Step::Order => vec!["scan", "open", "check-begin", "scale"],
        Step::Source => vec!["scan", "scale", "override"],
        Step::Container => vec!["scan", "scale", "override", "source-empty", "source-left"],
        Step::Tare => vec!["tare", "tare-known", "zero", "scale", "reject"],
        Step::Fill => vec!["capture", "keep", "reject", "full", "count"],
        Step::Reason => vec!["keep", "reject"],
        Step::Verify => vec!["verify", "disagree", "reject"],
        Step::Label => vec!["label", "scan"],
        Step::Remainder => vec!["source-empty", "source-left", "label"],
        Step::Complete => vec!["next", "source-empty", "source-left", "label"],
    };
    if work.is_some() {
        can.extend(["abort", "hand-over"]);
        if matches!(
            step,
            Step::Source | Step::Container | Step::Clearance | Step::ScaleCheck
        ) {
            can.push("hold");
        }
    }
    can.extend(["problem", "take-pen"]);
    can
}

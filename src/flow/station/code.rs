//! What a code means, by what is waited for: a command card, an order, a lot, a container, a check weight, a label. What
//! can be read in two ways is refused.

use super::{
    Act,
    act::CARD,
    desk::{Around, Asked, Desk, Done},
    follow::exception,
    view::Step,
    weigh::uses_scale,
    words::{self, Refusal},
};
use crate::{
    config::recipe::Method,
    flow::{
        enter::Enter,
        gs1, local,
        master::{
            item::{Container, Lot},
            look::Against,
        },
    },
};
use record::Quantity;

/// Words of the command cards that the product prints.
pub const CARDS: &[&str] = &[
    "CAPTURE", "PART", "TARE", "ZERO", "PRINT", "NEXT", "EMPTY", "PROBLEM", "HANDOVER",
];

/// What a lot label says.
struct Bag {
    lot: String,
    container: String,
    /// What the label itself says of the material, the last day and the amount.
    material: Option<String>,
    expires: Option<jiff::civil::Date>,
    net_kg: Option<String>,
}

impl Desk {
    pub(super) fn scan(
        &mut self,
        asked: &Asked,
        code: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let code = code.trim_matches(|c: char| c == '\r' || c == '\n' || c == ' ');
        if code.is_empty() || code.chars().count() > 400 {
            return Err(words::code_unknown("", "code"));
        }
        if let Some(card) = code.strip_prefix(CARD) {
            return self.card(asked, card, around, enter);
        }
        let step = self.step(&self.booths[&asked.station], around);
        match step {
            Step::ScaleCheck => self.check_weight(asked, code, around, enter),
            Step::Order => {
                let (order, line) = code
                    .split_once('/')
                    .map_or((code, None), |(order, line)| (order, Some(line.to_owned())));
                self.open(asked, order, line.as_ref(), around, enter)
            }
            Step::Source => self.source(asked, code, false, around, enter),
            Step::Container => self.container(asked, code, false, around, enter),
            Step::Label => self.read_back(asked, code, around, enter),
            Step::Remainder | Step::Complete => self.source(asked, code, false, around, enter),
            Step::Clearance | Step::SignIn => Err(words::not_now(
                "the booth is not cleared",
                "Answer the questions of line clearance and sign.",
            )),
            Step::Tare | Step::Fill | Step::Reason | Step::Verify => Err(words::not_now(
                "no code is waited for",
                "Finish what is on the scale first.",
            )),
        }
    }

    /// A command card does what its button does, with the reading that is shown.
    fn card(
        &mut self,
        asked: &Asked,
        card: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let booth = &self.booths[&asked.station];
        let reading = booth.live().now(around.at_ms).map_or(0, |seen| seen.number);
        let act = match card {
            "CAPTURE" => Act::Capture { reading, part: false },
            "PART" => Act::Capture { reading, part: true },
            "TARE" if booth.checking.is_some() => Act::CheckTake { reading },
            "TARE" => Act::Tare { reading },
            "ZERO" => Act::Zero,
            "PRINT" => Act::Label {
                reason: "printed by card".to_owned(),
            },
            "NEXT" => Act::Next,
            "EMPTY" => Act::SourceEmpty,
            "HANDOVER" => Act::HandOver,
            "PROBLEM" => Act::Problem {
                text: "reported by card".to_owned(),
            },
            _ => return Err(words::code_unknown(card, "command card")),
        };
        let asked = Asked { act, ..asked.clone() };
        self.carry_out(&asked, around, enter)
    }

    fn bag(&self, asked: &Asked, code: &str, around: &Around<'_>) -> Result<Bag, Refusal> {
        let this_year = local::day_of(around.now, around.asking.zone).map_or(2026, jiff::civil::Date::year);
        if !gs1::is_gs1(code) {
            let booth = &self.booths[&asked.station];
            let lot = booth.station.lot_code.lot(code);
            return Ok(Bag {
                lot: lot
                    .ok_or_else(|| words::code_unknown(code, "lot label"))?
                    .to_owned(),
                container: String::new(),
                material: None,
                expires: None,
                net_kg: None,
            });
        }
        let elements = gs1::parse(code).map_err(|why| words::code_ambiguous(code, &why.to_string()))?;
        let lot = elements
            .get("10")
            .ok_or_else(|| words::code_unknown(code, "lot label"))?;
        let item = elements.get("240").or_else(|| elements.get("241"));
        Ok(Bag {
            lot: lot.to_owned(),
            container: elements.get("21").unwrap_or_default().to_owned(),
            material: item.map(str::to_owned),
            expires: elements.expires(this_year),
            net_kg: elements.net_kg(),
        })
    }

    /// The source: right material, lot released and not expired, content known where the target needs it.
    fn source(
        &mut self,
        asked: &Asked,
        code: &str,
        overridden: bool,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let bag = self.bag(asked, code, around)?;
        let wanted = &work.plan.material;
        if let Some(material) = bag.material.as_ref().filter(|material| *material != wanted) {
            return Err(words::wrong_material(material, wanted));
        }
        let looked = around.master.look::<Lot>(&bag.lot, &around.asking);
        let Some(lot) = looked.item else {
            return Err(words::lot_not_allowed(&bag.lot, &looked.why()));
        };
        if lot.material != *wanted {
            let title = if lot.title.is_empty() {
                &lot.material
            } else {
                &lot.title
            };
            return Err(words::wrong_material(title, &work.plan.title));
        }
        if !looked.against.is_empty() && !overridden {
            return Err(words::lot_not_allowed(&bag.lot, &looked.why()));
        }
        if let (Some(label), Some(known)) = (bag.expires, &lot.expires) {
            // A label that promises less than master data is believed; one that differs is looked at.
            if known.to_string().get(..10) != Some(&label.to_string()) && !overridden {
                return Err(words::lot_not_allowed(
                    &bag.lot,
                    &format!("its label says use by {label}, master data say {known}"),
                ));
            }
        }
        if !work.plan.reserved.is_empty() && work.plan.reserved != bag.lot && !overridden {
            return Err(words::lot_not_allowed(
                &bag.lot,
                &format!("lot {} is reserved for this line", work.plan.reserved),
            ));
        }
        let other_lot = work.counted().any(|part| part.lot != bag.lot);
        if other_lot && !work.plan.several_lots {
            return Err(words::lot_not_allowed(&bag.lot, "this line is of one lot"));
        }
        let adjusted = work
            .plan
            .adjust(lot)
            .map_err(|why| words::lot_not_allowed(&bag.lot, why))?;
        let target = work
            .plan
            .target(&work.nets(), adjusted.factor)
            .ok_or_else(|| words::lot_not_allowed(&bag.lot, "its target cannot be computed"))?;
        let mut draft = self.about(&asked.station, &work, "source", around.now);
        draft = draft
            .data("material", lot.material.as_str())
            .data("lot", bag.lot.as_str())
            .data("source", bag.container.as_str())
            .data("target", target.to_string())
            .data("nominal", work.plan.nominal.to_string())
            .data("formula", work.plan.basis.formula())
            .data(
                "claim",
                work.plan
                    .claim
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
            )
            .data("assay", adjusted.assay.as_str())
            .data("loss_on_drying", adjusted.loss_on_drying.as_str())
            .data("expected", adjusted.factor.to_string())
            .data(
                "found",
                lot.expires.as_ref().map_or_else(String::new, ToString::to_string),
            )
            .data("scan", code)
            .data("by", asked.by.id.as_str());
        let unit = self.booths[&asked.station].station.unit.clone();
        let used = looked.used(around.now).map(|used| {
            used.with("unit", unit.as_str())
                .with("batch", work.plan.batch.as_str())
                .with("step", work.plan.step.as_str())
        });
        let seq = self.put(draft, enter);
        if let Some(used) = used {
            self.put(used, enter);
        }
        if work.plan.method == Method::FullContainer
            && let Some(net) = bag.net_kg
        {
            let asked = Asked {
                act: Act::Full {
                    amount: format!("{net} kg"),
                },
                ..asked.clone()
            };
            return self.carry_out(&asked, around, enter);
        }
        self.best_scale(&asked.station);
        Ok(Done::said(format!(
            "entry {seq}: lot {}, target {target}",
            bag.lot
        )))
    }

    /// Of several scales that could weigh a line, the finest.
    fn best_scale(&mut self, station: &str) {
        use super::fill::Fill;
        use rust_decimal::Decimal;
        let Some(booth) = self.booths.get(station) else {
            return;
        };
        let Some(work) = booth.key.as_ref().and_then(|key| self.works.get(key)) else {
            return;
        };
        if !uses_scale(work) {
            return;
        }
        let division = |at: usize| {
            let scale = &booth.station.scales[at];
            Fill::offered(work, scale, Decimal::ZERO)
                .ok()
                .and_then(|fill| scale.unit().convert(fill.division, work.plan.nominal.unit))
        };
        if division(booth.at).is_some() {
            return;
        }
        let best = (0..booth.station.scales.len())
            .filter_map(|at| Some((division(at)?, at)))
            .min();
        if let (Some((_, at)), Some(booth)) = (best, self.booths.get_mut(station)) {
            booth.at = at;
        }
    }

    fn container(
        &mut self,
        asked: &Asked,
        code: &str,
        overridden: bool,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (_, work) = self.in_hand(asked)?;
        let id = if gs1::is_gs1(code) {
            let elements = gs1::parse(code).map_err(|why| words::code_ambiguous(code, &why.to_string()))?;
            let id = elements
                .get("8003")
                .or_else(|| elements.get("8004"))
                .or_else(|| elements.get("21"));
            id.ok_or_else(|| words::code_unknown(code, "container"))?
                .to_owned()
        } else {
            code.to_owned()
        };
        let looked = around.master.look::<Container>(&id, &around.asking);
        let ours = work.counted().any(|part| part.container == id);
        if !work.plan.several_containers && !ours && work.counted().next().is_some() {
            return Err(words::container_not_allowed(
                &id,
                "this line goes into one container",
            ));
        }
        // What it weighs empty is about to be weighed; what this line has put into it is no dirt.
        let against: Vec<String> = looked
            .against
            .iter()
            .filter(|against| {
                !matches!(against, Against::NoTare) && !(ours && matches!(against, Against::NotClean { .. }))
            })
            .map(ToString::to_string)
            .collect();
        if !against.is_empty() && (!overridden || looked.item.is_none()) {
            return Err(words::container_not_allowed(&id, &against.join("; ")));
        }
        if let Some(known) = looked.item
            && !known.holds_lot.is_empty()
            && !ours
            && !overridden
        {
            let holds = format!("it holds {} lot {}", known.holds_material, known.holds_lot);
            return Err(words::container_not_allowed(&id, &holds));
        }
        let elsewhere = self.works.values().any(|other| {
            other.plan.order == work.plan.order
                && other.plan.line != work.plan.line
                && other.counted().any(|part| part.container == id)
        });
        if elsewhere {
            return Err(words::container_not_allowed(
                &id,
                "another material of this order is in it",
            ));
        }
        let draft = self
            .about(&asked.station, &work, "container", around.now)
            .data("container", id.as_str())
            .data("scan", code)
            .data("by", asked.by.id.as_str());
        let unit = self.booths[&asked.station].station.unit.clone();
        let used = looked.used(around.now).map(|used| {
            used.with("unit", unit.as_str())
                .with("batch", work.plan.batch.as_str())
                .with("step", work.plan.step.as_str())
        });
        let seq = self.put(draft, enter);
        if let Some(used) = used {
            self.put(used, enter);
        }
        Ok(Done::said(format!("entry {seq}: container {id}")))
    }

    /// An authorised person uses what master data speaks against. Nobody can override that nothing is known, nor that
    /// it is another material.
    pub(super) fn overridden(
        &mut self,
        asked: &Asked,
        code: &str,
        reason: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        if reason.trim().is_empty() {
            return Err(words::reason_missing());
        }
        let roles = self.booths[&asked.station].station.override_by.clone();
        let second = self.authorised(asked, &roles)?;
        let (_, work) = self.in_hand(asked)?;
        let unit = self.booths[&asked.station].station.unit.clone();
        let (done, what) = match self.step(&self.booths[&asked.station], around) {
            Step::Source => {
                let bag = self.bag(asked, code, around)?;
                let why = around.master.look::<Lot>(&bag.lot, &around.asking).why();
                (
                    self.source(asked, code, true, around, enter)?,
                    format!("lot {}: {why}", bag.lot),
                )
            }
            Step::Container => {
                let why = around.master.look::<Container>(code, &around.asking).why();
                (
                    self.container(asked, code, true, around, enter)?,
                    format!("container {code}: {why}"),
                )
            }
            _ => {
                return Err(words::not_now(
                    "nothing was refused that could be overridden",
                    "Scan it first.",
                ));
            }
        };
        let draft = exception(
            "master-overridden",
            around.now,
            &unit,
            &work.plan.batch,
            &work.plan.step,
            0,
        )
        .data("text", reason)
        .data("says", what)
        .data("by", second.id.as_str());
        self.put(draft, enter);
        Ok(done)
    }

    /// The label of a captured weight, read back from its container.
    fn read_back(
        &mut self,
        asked: &Asked,
        code: &str,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        let (key, work) = self.in_hand(asked)?;
        let Some(part) = work.pending() else {
            return Err(words::not_now("no label is waited for", "Print it first."));
        };
        let label = self.label_of(&asked.station, &work, part, around);
        let wanted = label.code.written();
        let elements = gs1::parse(code).map_err(|why| words::code_ambiguous(code, &why.to_string()))?;
        if elements != label.code {
            return Err(words::label_differs(&elements.written(), &wanted));
        }
        let draft = self
            .label_draft(&asked.station, &key, part.entry, "proven", around)
            .data("code", wanted)
            .data("container", part.container.as_str())
            .data("by", asked.by.id.as_str());
        let seq = self.put(draft, enter);
        Ok(Done::said(format!("entry {seq}: the label is on its container")))
    }
}

/// An amount as somebody types it, with a comma or a point.
pub fn typed(text: &str) -> Option<Quantity> {
    Quantity::read(&text.replace(',', "."))
}

//! What follows when a page is durable: answers that waited for it, the index, delivery, calls.

use super::{Core, FromSealer, ToDelivery, ToIndex, Told, facts_of};
use crate::flow::{
    board::Urgency,
    ledger::{self, Place},
};
use record::{Line as Entry, Stamp, Trouble, Unit};
use std::time::Duration;

impl Core {
    pub(in crate::daemon) fn sealed(&mut self, word: FromSealer) -> Result<(), Trouble> {
        match word {
            FromSealer::Captured(place, lines) => {
                self.captured(&place);
                let readings = lines.iter().filter(|line| line.kind == "reading").count();
                self.state.books.captured(place.count, readings as u64);
                if lines.iter().any(|line| line.kind == "binding") {
                    self.figures_moved();
                }
                for line in lines
                    .iter()
                    .filter(|line| line.kind != "reading" && line.kind != "file")
                {
                    self.remember(line.kind, &line.line);
                    self.tell(Told::Captured {
                        kind: line.kind,
                        line: line.line.clone(),
                    });
                }
                let urgent = lines
                    .iter()
                    .any(|line| matches!(line.kind, "exception" | "excursion"));
                let word = if urgent {
                    ToDelivery::Urgent(place)
                } else {
                    ToDelivery::Captured(place)
                };
                // holds because an index that ended is made again at the next start
                let _ = self.index.send(ToIndex::Page(facts_of(place, lines)));
                self.figures_captured();
                // holds because delivery that ended goes on from the ledger at the next start
                let _ = self.delivery.send(word);
                Ok(())
            }
            FromSealer::Ended => Ok(()),
            FromSealer::Failed(trouble) => Err(trouble),
        }
    }

    /// An excursion that is over still calls for somebody to look, until the next batch begins in its unit.
    pub(in crate::daemon) fn remember(&mut self, kind: &str, line: &[u8]) {
        if !matches!(kind, "excursion" | "exception" | "acknowledgement" | "batch") {
            return;
        }
        let Ok(line) = Entry::read(line) else { return };
        self.line.note(&line);
        let of = |name| line.text(name).unwrap_or_default();
        if let Some(about) = line.int("about").filter(|_| kind == "acknowledgement") {
            let about = format!("-{about}");
            let seen = |id: &str| id.starts_with("over-") && id.ends_with(&about);
            self.state.calls.retain(|call| !seen(&call.id));
        }
        if kind == "exception" {
            self.call_rule(&line);
        }
        let unit = format!("over-{}-", of("unit"));
        if kind == "batch" && of("state") == "running" && line.int("closing").is_none() {
            self.state.begun.push((of("unit"), of("batch")));
        }
        if kind == "batch" && of("state") == "running" {
            self.state.calls.retain(|call| !call.id.starts_with(&unit));
        }
        let (Some(opened), Some(since)) = (line.int("opened"), Stamp::read(&of("time"))) else {
            return;
        };
        let data = |name| line.data_text(name).unwrap_or_default();
        let shown = Unit::named(&data("in")).map_or_else(|| data("in"), |unit| unit.shown().to_owned());
        let seconds = (line.data_int("duration_ms").unwrap_or_default() + 500) / 1000;
        let (side, limit) = (data("side"), data("limit"));
        let words = Trouble::new(
            "excursion-over",
            format!("{} was {side} {limit} {shown} for {seconds} s", of("role")),
        )
        .means(format!(
            "It came to {} {shown}. Stored as excursion {opened}.",
            data("extreme")
        ))
        .so("Quality looks at it when the batch is reviewed.");
        self.call(format!("{unit}{opened}"), Urgency::Look, &words, since);
    }

    /// What a rule found calls for somebody to look, until it is acknowledged or the next batch begins.
    fn call_rule(&mut self, line: &Entry<'_>) {
        let of = |name| line.text(name).unwrap_or_default();
        let (rule, state) = (of("rule"), of("state"));
        let Some(since) = Stamp::read(&of("time")).filter(|_| !rule.is_empty() && state != "closed") else {
            return;
        };
        let (says, seq) = (line.data_text("says").unwrap_or_default(), line.seq());
        let words = Trouble::new("rule-broken", format!("{}, {rule}: {says}", of("unit")))
            .means(format!("Stored as exception {seq}."))
            .so("Look at it, then acknowledge it with a reason.");
        self.call(format!("over-{}-{seq}", of("unit")), Urgency::Look, &words, since);
    }

    pub(in crate::daemon) fn captured(&mut self, place: &Place) {
        let now = self.clock.elapsed();
        let state = &mut self.state;
        state.captured = place.first + place.count - 1;
        state.last_page = place.page;
        state.epoch = place.epoch;
        state.last_sealed = Some(place.sealed);
        state.last_captured_at = now;
        let second = Duration::from_secs(now.as_secs());
        let bytes = place.length.next_multiple_of(ledger::BLOCK);
        match state.bytes.back_mut() {
            Some((at, sum)) if *at == second => *sum += bytes,
            _ => state.bytes.push_back((second, bytes)),
        }
        while state.bytes.len() > 600 {
            state.bytes.pop_front();
        }
        while self
            .state
            .waiting
            .front()
            .is_some_and(|(seq, _)| *seq <= self.state.captured)
        {
            if let Some((_, waiter)) = self.state.waiting.pop_front() {
                self.answer(waiter);
            }
        }
    }
}

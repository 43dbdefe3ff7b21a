//! What delivery brings: the broker comes and goes, context arrives, the record store refuses.

use super::{Core, FromDelivery, Told};
use crate::{
    config::plant::Authority,
    daemon::master::Arrived,
    flow::{board::Urgency, line::LineEvent, master::Kind},
};
use record::{Draft, Stamp, Trouble};

impl Core {
    pub(in crate::daemon) fn delivered(&mut self, word: FromDelivery) -> Result<(), Trouble> {
        let now = self.clock.now();
        match word {
            FromDelivery::Connected => {
                self.state.broker_lost_since = None;
                tracing::info!("the broker is connected");
                self.tell(Told::Connected(true));
                self.status(now);
                Ok(())
            }
            FromDelivery::Stored { sealed, stored } => self.clock_receipted(sealed, stored),
            FromDelivery::Lost(trouble) => {
                self.state.broker_lost_since.get_or_insert(now);
                self.tell(Told::Connected(false));
                self.say(trouble.means(
                    "nothing is lost: entries are sealed and kept here until the record store has them",
                ));
                for unit in self
                    .plant
                    .units
                    .iter()
                    .map(|unit| unit.name.clone())
                    .collect::<Vec<_>>()
                {
                    self.event(LineEvent::ContextSourceSilent { unit, now })?;
                }
                Ok(())
            }
            FromDelivery::Arrived { topic, payload } => self.arrived(&topic, payload, now),
            FromDelivery::SetAside(place, because) => {
                let draft = Draft::new("exception", now).with("because", "page-refused");
                let draft = draft
                    .with("about", format!("page {}", place.page))
                    .data("says", because.as_str());
                self.enter(draft)?;
                let words = Trouble::new(
                    "page-refused",
                    format!("the record store refused page {}: {because}", place.page),
                )
                .means(format!(
                    "entries {} to {} are kept, sealed, and set aside; the rest goes on",
                    place.first,
                    place.first + place.count - 1
                ))
                .so("settle the reason at the record store, then send the page again");
                self.call(format!("refused-{}", place.page), Urgency::Act, &words, now);
                self.say(words);
                Ok(())
            }
            FromDelivery::Fork(place) => {
                let draft = Draft::new("exception", now).with("because", "store-fork");
                self.enter(draft.with("about", format!("page {}", place.page)))?;
                let words = Trouble::new("store-fork", format!("the record store holds another page {} under this ledger's name", place.page))
                    .means("delivery stops; capture goes on, and both histories are kept")
                    .so("find the second gateway or the restored image that seals under this name, and tell quality");
                self.call("fork".into(), Urgency::Act, &words, now);
                self.say(words);
                Ok(())
            }
            FromDelivery::NoReceipt(page, since) => {
                tracing::warn!(
                    page,
                    seconds = since.as_secs(),
                    "delivered, but not receipted; sent again"
                );
                Ok(())
            }
            FromDelivery::NotTheStore(why) => {
                tracing::warn!(
                    why,
                    "a word on the receipts topic is not the record store's; it counts for nothing"
                );
                Ok(())
            }
            FromDelivery::Failed(trouble) => Err(trouble),
        }
    }

    pub(in crate::daemon) fn arrived(
        &mut self,
        topic: &str,
        payload: Vec<u8>,
        now: Stamp,
    ) -> Result<(), Trouble> {
        let master = topic
            .strip_prefix(self.topic.as_str())
            .and_then(|rest| rest.strip_prefix("/master/"));
        if let Some(kind) = master.and_then(Kind::named) {
            // holds because a keeper that has ended is started again with the gateway
            let _ = self.to_master.send(Arrived {
                kind,
                bytes: payload,
                answer: None,
            });
            return Ok(());
        }
        let prefix = format!("{}/context/", self.topic);
        match topic.strip_prefix(&prefix) {
            Some(unit) if !unit.contains('/') => self.event(LineEvent::Context {
                unit: unit.to_owned(),
                via: Authority::Mqtt,
                bytes: payload,
                now,
            }),
            _ => Ok(()),
        }
    }
}

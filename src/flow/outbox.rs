//! The outbox: the ledger with a cursor. Pages are published in order, again until receipted; the MQTT client is a
//! pipe that can be thrown away at any moment. Receipts are a set; the cursor is its gap-free front.
//!
//! Pure: `next(event)` gives actions; the daemon's delivery task carries them out.

use super::ledger::Place;
use record::{Hash, StoreWord};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A page was captured, or found pending at the start; in the order of their numbers.
    Captured(Place),
    /// A session with the broker stands.
    Connected,
    /// It is gone; whatever was under way is unknown.
    Lost,
    /// The pipe took the page (`false`: it is full just now).
    Handed(u64, bool),
    /// The broker acknowledged a page: progress, never storage. `heard` is false when nobody is subscribed.
    Taken(u64, bool),
    /// The record store said something, signature and ledger checked.
    Said(StoreWord),
    /// Time goes on.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Publish this page.
    Publish(Place),
    /// Keep this page's receipt: append it to `receipts.jws`, synced, before anything is released.
    Keep(u64),
    /// The record store refused this page: it is set aside with the reason, and the rest goes on.
    SetAside(Place, String),
    /// The record store holds another page under this number: stop publishing, alarm on both sides.
    Fork(Place),
    /// Pages were published and no receipt came for a while.
    NoReceipt { page: u64, since: Duration },
}

/// How a pending page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Under {
    /// Not handed to the pipe in this session.
    Waiting,
    /// Handed over at this time.
    Published(Duration),
}

/// A pending page.
#[derive(Debug, Clone, Copy)]
struct Pending {
    place: Place,
    under: Under,
    delivered: bool,
}

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    pending: BTreeMap<u64, Pending>,
    /// Pages to publish, in order.
    queue: VecDeque<u64>,
    connected: bool,
    window: usize,
    under_way: usize,
    release_on_broker: bool,
    again_after: Duration,
    forked: bool,
    /// The pipe said it is full: nothing more until it moved.
    blocked: bool,
    /// Pages without receipt that are not in memory: they are read again from the index when there is room.
    more: bool,
    room: usize,
    counts: Counts,
}

/// Entries, for the screens and the books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub delivered: u64,
    pub receipted: u64,
    pub set_aside: u64,
    pub set_aside_pages: u64,
    pub receipted_pages: u64,
}

impl Outbox {
    /// Goes on from what the index knows.
    pub fn new(window: usize, release_on_broker: bool, counts: Counts) -> Self {
        Self {
            pending: BTreeMap::new(),
            queue: VecDeque::new(),
            connected: false,
            window: window.max(1),
            under_way: 0,
            release_on_broker,
            again_after: Duration::from_secs(30),
            forked: false,
            blocked: false,
            more: false,
            room: 100_000,
            counts,
        }
    }

    /// How many pages wait for a receipt, in memory.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The oldest page without receipt.
    pub fn oldest(&self) -> Option<Place> {
        self.pending.values().next().map(|pending| pending.place)
    }

    /// The counts.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether pages wait that are not in memory, and above which number; ask the index for them.
    pub fn wants_more(&self) -> Option<u64> {
        let low = self.pending.len() < self.room / 4;
        (self.more && low).then(|| self.pending.keys().next_back().copied().unwrap_or(0))
    }

    /// The index holds more pending pages than were given.
    pub fn has_more(&mut self) {
        self.more = true;
    }

    /// The index has no more pending pages above what was given.
    pub fn has_all(&mut self) {
        self.more = false;
    }

    /// Whether the store holds another history under our numbers.
    pub fn is_forked(&self) -> bool {
        self.forked
    }

    /// One step.
    pub fn next(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        self.blocked &= !matches!(event, Event::Connected | Event::Taken(..) | Event::Tick);
        match event {
            Event::Captured(place) => self.captured(place),
            Event::Connected => {
                self.connected = true;
                self.again();
            }
            Event::Lost => {
                self.connected = false;
                self.under_way = 0;
            }
            Event::Handed(page, took) => self.handed(page, took, now),
            Event::Taken(page, heard) => self.taken(page, heard, &mut actions),
            Event::Said(word) => self.said(&word, &mut actions),
            Event::Tick => self.tick(now, &mut actions),
        }
        self.fill(&mut actions, now);
        actions
    }

    fn captured(&mut self, place: Place) {
        if self.more || self.pending.len() >= self.room {
            self.more = true;
            return;
        }
        self.pending.insert(
            place.page,
            Pending {
                place,
                under: Under::Waiting,
                delivered: false,
            },
        );
        self.queue.push_back(place.page);
    }

    /// After any disconnect everything unreceipted is sent again, in order.
    fn again(&mut self) {
        self.under_way = 0;
        self.pending
            .values_mut()
            .for_each(|pending| pending.under = Under::Waiting);
        self.queue = self.pending.keys().copied().collect();
    }

    fn handed(&mut self, page: u64, took: bool, now: Duration) {
        let Some(pending) = self.pending.get_mut(&page) else {
            return;
        };
        if took {
            pending.under = Under::Published(now);
        } else if pending.under != Under::Waiting {
            self.blocked = true;
            pending.under = Under::Waiting;
            self.under_way = self.under_way.saturating_sub(1);
            self.queue.push_front(page);
        }
    }

    fn taken(&mut self, page: u64, heard: bool, actions: &mut Vec<Action>) {
        let Some(pending) = self.pending.get_mut(&page) else {
            return;
        };
        if !heard {
            return;
        }
        if !pending.delivered {
            pending.delivered = true;
            self.counts.delivered += pending.place.count;
        }
        if self.release_on_broker {
            self.release(page, actions, |counts, place| counts.receipted += place.count);
        }
    }

    fn release(&mut self, page: u64, actions: &mut Vec<Action>, count: impl FnOnce(&mut Counts, &Place)) {
        let Some(pending) = self.pending.remove(&page) else {
            return;
        };
        if matches!(pending.under, Under::Published(_)) {
            self.under_way = self.under_way.saturating_sub(1);
        }
        if !pending.delivered {
            self.counts.delivered += pending.place.count;
        }
        self.counts.receipted_pages += 1;
        count(&mut self.counts, &pending.place);
        actions.push(Action::Keep(page));
    }

    fn said(&mut self, word: &StoreWord, actions: &mut Vec<Action>) {
        match word {
            StoreWord::Receipt(receipt) => match self.same(receipt.epoch, receipt.page, receipt.seal) {
                Some(true) => self.release(receipt.page, actions, |counts, place| {
                    counts.receipted += place.count;
                }),
                Some(false) => self.fork(receipt.page, actions),
                None => {}
            },
            StoreWord::Refusal(refusal) => {
                let receipt = &refusal.page;
                if self.same(receipt.epoch, receipt.page, receipt.seal) == Some(true) {
                    self.set_aside(receipt.page, refusal.because.clone(), actions);
                }
            }
            StoreWord::Resend(resend) => {
                let wanted: Vec<u64> = self.pending.range(resend.from..).map(|(page, _)| *page).collect();
                for page in wanted {
                    self.wait_again(page);
                }
                self.sort_queue();
            }
        }
    }

    /// Whether a pending page is the one a word of the store names.
    fn same(&self, epoch: u64, page: u64, seal: Hash) -> Option<bool> {
        let pending = self
            .pending
            .get(&page)
            .filter(|pending| pending.place.epoch == epoch)?;
        Some(pending.place.seal == seal)
    }

    fn fork(&mut self, page: u64, actions: &mut Vec<Action>) {
        self.forked = true;
        if let Some(pending) = self.pending.get(&page) {
            actions.push(Action::Fork(pending.place));
        }
    }

    fn set_aside(&mut self, page: u64, because: String, actions: &mut Vec<Action>) {
        let Some(pending) = self.pending.remove(&page) else {
            return;
        };
        if matches!(pending.under, Under::Published(_)) {
            self.under_way = self.under_way.saturating_sub(1);
        }
        self.counts.set_aside += pending.place.count;
        self.counts.set_aside_pages += 1;
        actions.push(Action::SetAside(pending.place, because));
    }

    fn wait_again(&mut self, page: u64) {
        let Some(pending) = self.pending.get_mut(&page) else {
            return;
        };
        if matches!(pending.under, Under::Published(_)) {
            self.under_way = self.under_way.saturating_sub(1);
            pending.under = Under::Waiting;
            self.queue.push_back(page);
        }
    }

    fn sort_queue(&mut self) {
        let mut pages: Vec<u64> = self.queue.drain(..).collect();
        pages.sort_unstable();
        pages.dedup();
        self.queue = pages.into();
    }

    /// A page published long ago without a receipt is published again: the receipt, or the page, was lost.
    fn tick(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if !self.connected {
            return;
        }
        let late: Vec<(u64, Duration)> = self
            .pending
            .values()
            .filter_map(|pending| match pending.under {
                Under::Published(at) if now.saturating_sub(at) >= self.again_after => {
                    Some((pending.place.page, at))
                }
                _ => None,
            })
            .take(self.window)
            .collect();
        if let Some((page, at)) = late.first() {
            actions.push(Action::NoReceipt {
                page: *page,
                since: now.saturating_sub(*at),
            });
        }
        late.iter().for_each(|(page, _)| self.wait_again(*page));
        if !late.is_empty() {
            self.sort_queue();
        }
    }

    /// Publishes while the window has room.
    fn fill(&mut self, actions: &mut Vec<Action>, now: Duration) {
        while self.connected && !self.forked && !self.blocked && self.under_way < self.window {
            let Some(page) = self.queue.pop_front() else {
                return;
            };
            let Some(pending) = self.pending.get_mut(&page) else {
                continue;
            };
            if pending.under == Under::Waiting {
                pending.under = Under::Published(now);
                self.under_way += 1;
                actions.push(Action::Publish(pending.place));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Receipt, Refusal, Resend, Stamp};

    fn place(page: u64) -> Place {
        Place {
            epoch: 1,
            page,
            first: page * 10,
            count: 10,
            segment: 1,
            offset: 0,
            length: 100,
            seal: Hash::of(&page.to_be_bytes()),
            sealed: Stamp(0),
        }
    }

    fn receipt(page: u64, seal: Hash) -> Receipt {
        Receipt {
            gateway: "g".into(),
            ledger: "l".into(),
            epoch: 1,
            page,
            seal,
            stored: Stamp(0),
        }
    }

    fn receipted(page: u64) -> Event {
        Event::Said(StoreWord::Receipt(receipt(page, place(page).seal)))
    }

    struct World(Outbox, Duration);

    impl World {
        fn new(window: usize, pages: u64) -> Self {
            let mut world = Self(Outbox::new(window, false, Counts::default()), Duration::ZERO);
            (1..=pages).for_each(|page| drop(world.event(Event::Captured(place(page)))));
            world
        }

        fn event(&mut self, event: Event) -> Vec<Action> {
            self.0.next(event, self.1)
        }

        fn published(&mut self, event: Event) -> Vec<u64> {
            let actions = self.event(event);
            actions
                .iter()
                .filter_map(|a| {
                    if let Action::Publish(p) = a {
                        Some(p.page)
                    } else {
                        None
                    }
                })
                .collect()
        }
    }

    #[test]
    fn pages_are_published_in_order_and_the_window_moves_with_receipts() {
        let mut world = World::new(3, 6);
        assert_eq!(world.published(Event::Connected), [1, 2, 3]);
        assert_eq!(
            world.published(Event::Taken(1, true)),
            [0; 0],
            "a broker's word moves nothing"
        );
        assert_eq!(world.published(receipted(2)), [4], "receipts are a set");
        assert_eq!(world.published(receipted(1)), [5]);
        assert_eq!(world.0.counts().receipted, 20);
    }

    #[test]
    fn after_a_lost_session_everything_unreceipted_is_sent_again_in_order() {
        let mut world = World::new(10, 5);
        world.event(Event::Connected);
        (1..=5).for_each(|page| drop(world.event(Event::Taken(page, true))));
        world.event(receipted(2));
        world.event(Event::Lost);
        assert_eq!(world.published(Event::Captured(place(6))), [0; 0]);
        assert_eq!(world.published(Event::Connected), [1, 3, 4, 5, 6]);
    }

    #[test]
    fn a_page_without_receipt_is_sent_again_and_said_so() {
        let mut world = World::new(10, 2);
        world.event(Event::Connected);
        world.1 = Duration::from_secs(29);
        assert_eq!(world.event(Event::Tick), []);
        world.1 = Duration::from_secs(31);
        let actions = world.event(Event::Tick);
        assert!(matches!(actions[0], Action::NoReceipt { page: 1, .. }));
        assert_eq!(actions.len(), 3, "both are published again: {actions:?}");
    }

    #[test]
    fn a_forged_or_foreign_receipt_releases_nothing() {
        let mut world = World::new(10, 1);
        world.event(Event::Connected);
        let other_epoch = Receipt {
            epoch: 2,
            ..receipt(1, place(1).seal)
        };
        assert_eq!(world.event(Event::Said(StoreWord::Receipt(other_epoch))), []);
        assert_eq!(world.0.pending(), 1);
        let fork = Event::Said(StoreWord::Receipt(receipt(1, Hash::of(b"another"))));
        assert_eq!(world.event(fork), [Action::Fork(place(1))]);
        assert!(
            world.published(Event::Connected).is_empty(),
            "publishing stops at a fork"
        );
    }

    #[test]
    fn a_poison_page_is_set_aside_and_the_rest_goes_on() {
        let mut world = World::new(1, 3);
        assert_eq!(world.published(Event::Connected), [1]);
        let refusal = Refusal {
            page: receipt(1, place(1).seal),
            because: "batch unknown".into(),
        };
        let actions = world.event(Event::Said(StoreWord::Refusal(refusal)));
        assert_eq!(
            actions,
            [
                Action::SetAside(place(1), "batch unknown".into()),
                Action::Publish(place(2))
            ]
        );
    }

    #[test]
    fn the_store_can_ask_for_pages_again() {
        let mut world = World::new(10, 4);
        world.event(Event::Connected);
        let resend = Resend {
            gateway: "g".into(),
            ledger: "l".into(),
            epoch: 1,
            from: 3,
            at: Stamp(0),
        };
        assert_eq!(world.published(Event::Said(StoreWord::Resend(resend))), [3, 4]);
    }

    #[test]
    fn a_full_pipe_costs_nothing() {
        let mut world = World::new(10, 3);
        assert_eq!(world.published(Event::Connected), [1, 2, 3]);
        world.event(Event::Handed(1, true));
        assert_eq!(
            world.published(Event::Handed(2, false)),
            [0; 0],
            "nothing more into a full pipe"
        );
        assert_eq!(
            world.published(Event::Taken(1, true)),
            [2],
            "it stays first in line"
        );
    }

    #[test]
    fn memory_is_bounded_and_the_rest_comes_from_the_index() {
        let mut world = World(Outbox::new(1, false, Counts::default()), Duration::ZERO);
        world.0.room = 8;
        (1..=20).for_each(|page| drop(world.event(Event::Captured(place(page)))));
        assert_eq!((world.0.pending(), world.0.wants_more()), (8, None));
        world.event(Event::Connected);
        (1..=7).for_each(|page| drop(world.event(receipted(page))));
        assert_eq!(
            world.0.wants_more(),
            Some(8),
            "the index is asked for what follows page 8"
        );
    }
}

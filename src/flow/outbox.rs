//! The outbox: the ledger with a cursor. Pages are published in order, again until receipted; the MQTT client is a
//! pipe that can be thrown away at any moment. Receipts are a set; the cursor is its gap-free front.
//!
//! A page that holds an exception overtakes the backlog: the record store takes pages in any order, and somebody
//! may be waiting to act on it. So does a page captured while a backlog drains, in a lane of its own beside the
//! window: what happens now is known now, however long the outage was. Backlog and lane keep their order each.
//!
//! Pure: `next(event)` gives actions; the daemon's delivery task carries them out.

use super::ledger::Place;
use record::{Hash, StoreWord};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A page was captured, or found pending at the start; in the order of their numbers.
    Captured(Place),
    /// A page was captured just now: while a backlog drains it goes beside it.
    Live(Place),
    /// The same, and somebody should know of it soon: it holds an exception or an excursion.
    Urgent(Place),
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
    urgent: bool,
}

/// A refusal whose reason begins like this says that the record store holds another page under this number: a cloned disk,
/// a restored image, a stolen key.
pub const FORK: &str = "fork: ";

/// So many urgent and live pages may be under way beyond the window.
const URGENT: usize = 16;
/// So many live pages may wait in their lane; more, and the backlog is no longer what keeps them waiting.
const LANE: usize = 256;

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    pending: BTreeMap<u64, Pending>,
    /// Pages to publish, in order.
    queue: VecDeque<u64>,
    /// Pages to publish before all others.
    urgent: VecDeque<u64>,
    /// Pages captured while a backlog drains.
    live: VecDeque<u64>,
    /// Pages above `reached` that were receipted or set aside before the backlog came so far: the index may still
    /// hand them out as pending.
    passed: BTreeSet<u64>,
    /// The last page that came in order; urgent ones may be known above it.
    reached: u64,
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
            urgent: VecDeque::new(),
            live: VecDeque::new(),
            passed: BTreeSet::new(),
            reached: 0,
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
        (self.more && low).then_some(self.reached)
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
            Event::Live(place) => self.live(place),
            Event::Urgent(place) => self.overtakes(place),
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
        let next = place.page > self.reached;
        if next && (self.more || self.pending.len() >= self.room) {
            self.more = true;
            return;
        }
        self.took(place, false);
    }

    fn took(&mut self, place: Place, urgent: bool) {
        self.reached = self.reached.max(place.page);
        self.hold(place, urgent);
        // what lies behind is never handed out again
        self.passed = self.passed.split_off(&(self.reached + 1));
    }

    /// An urgent page is held though others wait that are not in memory.
    fn overtakes(&mut self, place: Place) {
        if self.more || self.pending.len() >= self.room {
            self.more = true;
            self.hold(place, true);
        } else {
            self.took(place, true);
        }
    }

    /// While more waits than the window holds, a page captured now does not stand behind all of it.
    fn live(&mut self, place: Place) {
        let drains = self.connected && (self.more || self.queue.len() > self.window);
        if !drains || self.live.len() >= LANE {
            return self.captured(place);
        }
        let all_known = !self.more && self.pending.len() < self.room;
        if all_known {
            self.reached = self.reached.max(place.page);
        } else {
            self.more = true;
        }
        self.hold(place, false);
        // it was put at the end of the backlog
        if self.queue.back() == Some(&place.page) {
            self.queue.pop_back();
            self.live.push_back(place.page);
        }
    }

    fn hold(&mut self, place: Place, urgent: bool) {
        if self.pending.contains_key(&place.page) || self.passed.remove(&place.page) {
            return;
        }
        self.pending.insert(
            place.page,
            Pending {
                place,
                under: Under::Waiting,
                delivered: false,
                urgent,
            },
        );
        if urgent {
            self.urgent.push_back(place.page);
        } else {
            self.queue.push_back(place.page);
        }
    }

    /// After any disconnect everything unreceipted is sent again: what is urgent first, the rest in order.
    fn again(&mut self) {
        self.under_way = 0;
        self.pending
            .values_mut()
            .for_each(|pending| pending.under = Under::Waiting);
        self.queue = self.pending.keys().copied().collect();
        self.live.clear();
        self.urgent = self
            .pending
            .values()
            .filter(|pending| pending.urgent)
            .map(|pending| pending.place.page)
            .collect();
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

    /// A page waits no longer, and never again.
    fn gone(&mut self, page: u64) -> Option<Pending> {
        let pending = self.pending.remove(&page)?;
        if matches!(pending.under, Under::Published(_)) {
            self.under_way = self.under_way.saturating_sub(1);
        }
        if page > self.reached {
            self.passed.insert(page);
        }
        Some(pending)
    }

    fn release(&mut self, page: u64, actions: &mut Vec<Action>, count: impl FnOnce(&mut Counts, &Place)) {
        let Some(pending) = self.gone(page) else {
            return;
        };
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
                let ours = self.same(receipt.epoch, receipt.page, receipt.seal) == Some(true);
                if ours && refusal.because.starts_with(FORK) {
                    self.fork(receipt.page, actions);
                } else if ours {
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
        let Some(pending) = self.gone(page) else {
            return;
        };
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
        while self.connected && !self.forked && !self.blocked {
            let room_beside = self.under_way < self.window + URGENT;
            let next = if !self.urgent.is_empty() && room_beside {
                self.urgent.pop_front()
            } else if !self.live.is_empty() && room_beside {
                self.live.pop_front()
            } else if self.under_way < self.window {
                self.queue.pop_front()
            } else {
                None
            };
            let Some(page) = next else { return };
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
    #![allow(clippy::unwrap_used)]
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
    fn a_gateway_that_is_told_of_another_history_stops_publishing() {
        let mut world = World::new(1, 3);
        world.event(Event::Connected);
        let refusal = Refusal {
            page: receipt(1, place(1).seal),
            because: "fork: page 1 of epoch 1 is held here with another seal".into(),
        };
        let actions = world.event(Event::Said(StoreWord::Refusal(refusal)));
        assert_eq!(actions, [Action::Fork(place(1))]);
        assert!(world.published(Event::Connected).is_empty());
        assert_eq!(world.0.pending(), 3, "and keeps what it has");
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

    /// A store behind a line that carries so many pages a second, one after the other.
    fn receipted_after(urgent: bool) -> Duration {
        let (mut now, step) = (Duration::ZERO, Duration::from_millis(20));
        let mut outbox = Outbox::new(64, false, Counts::default());
        let mut line: VecDeque<u64> = VecDeque::new();
        let publish = |line: &mut VecDeque<u64>, actions: Vec<Action>| {
            for action in actions {
                if let Action::Publish(place) = action {
                    line.push_back(place.page);
                }
            }
        };
        for page in 1..=10_000 {
            publish(&mut line, outbox.next(Event::Captured(place(page)), now));
        }
        publish(&mut line, outbox.next(Event::Connected, now));
        let (captured, page) = (Duration::from_secs(10), 10_001);
        loop {
            now += step;
            if now == captured {
                let place = place(page);
                let event = if urgent {
                    Event::Urgent(place)
                } else {
                    Event::Captured(place)
                };
                publish(&mut line, outbox.next(event, now));
            }
            if let Some(arrived) = line.pop_front() {
                if arrived == page {
                    return now.checked_sub(captured).unwrap();
                }
                publish(&mut line, outbox.next(receipted(arrived), now));
            }
        }
    }

    #[test]
    fn an_exception_reaches_the_store_within_two_seconds_of_a_backlog_of_minutes() {
        let overtaking = receipted_after(true);
        assert!(overtaking < Duration::from_secs(2), "{overtaking:?}");
        let in_order = receipted_after(false);
        assert!(in_order > Duration::from_secs(120), "{in_order:?}");
    }

    #[test]
    fn an_exception_overtakes_what_is_not_even_in_memory_and_nothing_is_left_out() {
        let mut outbox = Outbox::new(4, false, Counts::default());
        outbox.room = 8;
        for page in 1..=20 {
            outbox.next(Event::Captured(place(page)), Duration::ZERO);
        }
        outbox.next(Event::Urgent(place(21)), Duration::ZERO);
        let mut published: Vec<u64> = Vec::new();
        let mut events = VecDeque::from([Event::Connected]);
        while let Some(event) = events.pop_front() {
            for action in outbox.next(event, Duration::ZERO) {
                if let Action::Publish(place) = action {
                    published.push(place.page);
                    events.push_back(receipted(place.page));
                }
            }
            if let Some(above) = outbox.wants_more() {
                outbox.has_all();
                let known = published.clone();
                events.extend(
                    (above + 1..=21)
                        .filter(|page| !known.contains(page))
                        .map(|page| Event::Captured(place(page))),
                );
            }
        }
        assert_eq!(published[0], 21);
        published.sort_unstable();
        assert_eq!(published, (1..=21).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_captured_now_does_not_stand_behind_an_outage_of_days() {
        let mut world = World::new(4, 1000);
        assert_eq!(world.published(Event::Connected), [1, 2, 3, 4]);
        assert_eq!(
            world.published(Event::Live(place(1001))),
            [1001],
            "beside the window, at once"
        );
        assert_eq!(
            world.published(receipted(1)),
            [0; 0],
            "it has the place of one of the backlog"
        );
        assert_eq!(
            world.published(receipted(1001)),
            [5],
            "which goes on in its order"
        );
        let mut order = vec![2, 3, 4, 5];
        for page in 2..=1000 {
            order.extend(world.published(receipted(page)));
        }
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!((order.len(), world.0.pending()), (999, 0));
        // nothing waits any more: a page is a page like any other
        assert_eq!(world.published(Event::Live(place(1002))), [1002]);
    }

    #[test]
    fn a_live_page_that_the_index_hands_out_again_is_counted_once() {
        let mut world = World(Outbox::new(1, false, Counts::default()), Duration::ZERO);
        world.0.room = 8;
        world.event(Event::Connected);
        (1..=14).for_each(|page| drop(world.event(Event::Captured(place(page)))));
        assert_eq!(world.published(Event::Live(place(15))), [15]);
        world.event(receipted(15));
        (1..=7).for_each(|page| drop(world.event(receipted(page))));
        assert_eq!(world.0.wants_more(), Some(8));
        world.0.has_all();
        (9..=15).for_each(|page| drop(world.event(Event::Captured(place(page)))));
        (8..=15).for_each(|page| drop(world.event(receipted(page))));
        assert_eq!((world.0.pending(), world.0.counts().receipted_pages), (0, 15));
        assert!(world.0.passed.is_empty());
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

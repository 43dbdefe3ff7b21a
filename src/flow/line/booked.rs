//! What became of every reading the line was given, for the books.

use super::{Line, Point, memory::Past};
use crate::{config::plant::PointName, flow::books::Booked};

impl Line {
    /// Whether readings of this point are asked for at all.
    pub fn listens_to(&self, point: &PointName) -> bool {
        self.index.contains_key(point)
    }

    /// What became of the readings so far.
    pub fn booked(&self) -> Booked {
        let mut booked = self.booked;
        for past in self.points.iter().flat_map(|point| &point.past) {
            match past.stands() {
                Stands::Entered => {}
                Stands::Summarised => booked.summarised += 1,
                Stands::Held => booked.held += 1,
            }
        }
        booked
    }

    /// Goes on with the books of the line before, of which nothing is held any more.
    pub fn books_go_on(&mut self, before: Booked) {
        self.booked = Booked {
            summarised: before.summarised + before.held,
            held: 0,
            ..before
        };
    }

    /// Forgets the oldest reading of a point. What was entered of it is in the ledger.
    pub(super) fn forget_one(&mut self, point: usize) {
        if let Some(past) = self.points[point].forget() {
            match past.stands() {
                Stands::Entered => {}
                Stands::Summarised => self.booked.summarised += 1,
                // It was counted as captured, and nobody will enter it any more.
                Stands::Held => self.booked.lost += 1,
            }
        }
    }
}

enum Stands {
    Entered,
    Summarised,
    Held,
}

impl Past {
    fn stands(&self) -> Stands {
        if self.entered.is_some() {
            Stands::Entered
        } else if self.first.is_some() && self.counted == 0 {
            Stands::Summarised
        } else {
            Stands::Held
        }
    }
}

impl Point {
    fn forget(&mut self) -> Option<Past> {
        let past = self.past.pop_front()?;
        self.base += 1;
        self.forgotten = self.forgotten.max(Some(past.reading.time));
        Some(past)
    }
}

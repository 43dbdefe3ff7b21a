//! Room on the disk: said in time, capture stops visibly before there is none, and resumes by itself.

use super::Core;
use crate::flow::{
    board::Urgency,
    line::LineEvent,
    room::{LOW_H, Room, SHORT_H},
};
use record::{Draft, Stamp, Trouble};

impl Core {
    /// Looks at the room, and enters what follows from it.
    pub(in crate::daemon) fn room(&mut self, now: Stamp) -> Result<(), Trouble> {
        let begun = std::mem::take(&mut self.state.begun);
        let Ok(free) = self.disk.free() else { return Ok(()) };
        self.state.free = Some(free);
        let was = self.state.room;
        let room = was.next(self.hours_left(), free, self.plant.gateway.stop_capture_below);
        self.state.room = room;
        match (was, room) {
            (Room::None, Room::None) => {}
            (_, Room::None) => self.stop_capture(free, now)?,
            (Room::None, _) => self.resume_capture(now)?,
            (was, room) if room > was => self.room_low(room, now)?,
            _ => {}
        }
        if room < Room::Short {
            self.state.calls.retain(|call| call.id != "room-short");
        }
        // Who begins a batch now was told; the batch says so.
        for (unit, batch) in begun.into_iter().filter(|_| was == Room::Short) {
            let draft = Draft::new("exception", now)
                .with("unit", unit)
                .with("batch", batch)
                .with("because", "disk-low");
            self.enter(draft.data("says", "the batch began while there was room for less than 6 h"))?;
        }
        Ok(())
    }

    /// Whether a new batch may begin, as far as room goes. What is told is recorded either way.
    pub(in crate::daemon) fn welcomes_batches(&self) -> bool {
        self.state.room < Room::Short
    }

    fn room_low(&mut self, room: Room, now: Stamp) -> Result<(), Trouble> {
        let hours = self.hours_left().unwrap_or_default();
        let below = if room == Room::Short { SHORT_H } else { LOW_H };
        let says = format!("room for {hours:.1} h at the present rate, less than {below:.0} h");
        let draft = Draft::new("exception", now).with("because", "disk-low");
        self.enter(
            draft
                .data("says", says.as_str())
                .data("found", self.state.free.unwrap_or_default()),
        )?;
        let words = Trouble::new("disk-low", says)
            .means("everything is captured; capture stops at stop_capture_below, with an entry, before the disk is full")
            .so("bring the record store back, or make room; begin no new batch while there is room for less than 6 h");
        if room == Room::Short {
            self.call("room-short".into(), Urgency::Act, &words, now);
        }
        self.say(words);
        Ok(())
    }

    fn stop_capture(&mut self, free: u64, now: Stamp) -> Result<(), Trouble> {
        self.enter(
            Draft::new("exception", now)
                .with("because", "capture-stopped")
                .data("found", free),
        )?;
        self.state.stopped_since = Some(now);
        self.state.stopped_because = format!("{} MiB are free, below stop_capture_below", free >> 20);
        let words = Trouble::new(
            "capture-stopped",
            format!("capture has stopped: {}", self.state.stopped_because),
        )
        .means(
            "nothing captured is lost; from now on readings are a gap, which is entered when capture resumes",
        )
        .so("make room on the disk, or bring the record store back; capture resumes by itself");
        self.call("capture-stopped".into(), Urgency::Act, &words, now);
        self.say(words);
        Ok(())
    }

    fn resume_capture(&mut self, now: Stamp) -> Result<(), Trouble> {
        let Some(since) = self.state.stopped_since.take() else {
            return Ok(());
        };
        self.state.stopped_because.clear();
        self.state.calls.retain(|call| call.id != "capture-stopped");
        self.enter(Draft::new("exception", now).with("because", "capture-resumed"))?;
        self.event(LineEvent::WasOff {
            from: since,
            until: now,
            because: "no-room",
        })?;
        self.say(
            Trouble::new("capture-resumed", "capture goes on: there is room again")
                .means("the time between is a gap in the record"),
        );
        Ok(())
    }

    /// Room in hours at the present rate.
    pub(in crate::daemon) fn hours_left(&self) -> Option<f64> {
        let (first, last) = (self.state.bytes.front()?.0, self.clock.elapsed());
        let seconds = last.saturating_sub(first).as_secs_f64();
        if seconds < 10.0 {
            return None;
        }
        let sum: u64 = self.state.bytes.iter().map(|(_, bytes)| bytes).sum();
        let room = self
            .state
            .free?
            .saturating_sub(self.plant.gateway.stop_capture_below);
        Some(room as f64 / (sum as f64 / seconds) / 3600.0)
    }
}

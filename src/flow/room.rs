//! Room on the disk, in hours at the present rate, and what follows from it. Pure.

/// Below so many hours somebody should look.
pub const LOW_H: f64 = 48.0;
/// Below so many hours no new batch is welcome; what is told is recorded all the same.
pub const SHORT_H: f64 = 6.0;
/// It is better again only when there is this much more, so that it does not come and go.
const MORE: f64 = 1.1;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Room {
    #[default]
    Enough,
    /// Less than two days.
    Low,
    /// Less than a shift: no new batch is welcome.
    Short,
    /// Capture has stopped.
    None,
}

impl Room {
    /// What it is now. `hours` is none until a rate is known; then nothing gets better or worse.
    #[must_use]
    pub fn next(self, hours: Option<f64>, free: u64, stop_below: u64) -> Self {
        if free < stop_below {
            return Self::None;
        }
        let was = if self == Self::None { Self::Short } else { self };
        let Some(hours) = hours else {
            return was;
        };
        let now = |factor: f64| match () {
            () if hours < SHORT_H * factor => Self::Short,
            () if hours < LOW_H * factor => Self::Low,
            () => Self::Enough,
        };
        let (worse, better) = (now(1.0), now(MORE));
        if worse > was {
            worse
        } else if better < was {
            better
        } else {
            was
        }
    }

    /// The word in status.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::Low => "low",
            Self::Short => "short",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_gets_short_step_by_step_and_does_not_come_and_go() {
        let mut room = Room::Enough;
        for (hours, free, expected) in [
            (None, 100, Room::Enough),
            (Some(100.0), 100, Room::Enough),
            (Some(47.9), 100, Room::Low),
            (Some(48.5), 100, Room::Low),
            (Some(53.0), 100, Room::Enough),
            (Some(5.9), 100, Room::Short),
            (Some(6.3), 100, Room::Short),
            (Some(6.7), 100, Room::Low),
            (Some(1.0), 9, Room::None),
            (None, 9, Room::None),
            (None, 10, Room::Short),
            (Some(3.0), 10, Room::Short),
            (Some(200.0), 100, Room::Enough),
            (Some(200.0), 0, Room::None),
        ] {
            room = room.next(hours, free, 10);
            assert_eq!(room, expected, "{hours:?} hours, {free} free");
        }
    }
}

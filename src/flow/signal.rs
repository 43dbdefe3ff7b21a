//! What a controller or a stack light reads: whether the line is recorded, as a small block of Modbus registers.
//!
//! The layout is in docs/reference/signal.md. It is a promise to programs in controllers that nobody here sees, so
//! places never move: what is new goes behind, and register 0 counts up.

use super::board::{Board, PointState, UnitState, UnitView};
use std::time::Duration;

/// Register 0: which layout this is.
const LAYOUT: u16 = 1;
/// Registers before the first unit, and of each unit.
const HEAD: usize = 12;
const EACH: usize = 8;
/// A board older than this is the board of a program that hangs.
const STALE: Duration = Duration::from_millis(1500);

/// The registers as they are now. `elapsed` is by the clock the board was made with.
pub fn registers(board: &Board, units: &[String], elapsed: Duration) -> Vec<u16> {
    let fresh = elapsed.saturating_sub(board.pulse.at) <= STALE;
    let recording = board.pulse.recording && fresh;
    let record = &board.record;
    let held = record
        .oldest_pending
        .filter(|_| record.captured > record.receipted);
    let held = held.map_or(0, |since| board.now.0.saturating_sub(since.0) / 60_000);
    let mut all = vec![
        LAYOUT,
        (board.pulse.beats & 1) as u16,
        board.pulse.beats as u16,
        recording.into(),
        units.len() as u16,
        at_most(board.calls.len() as u64),
        at_most(held.max(0) as u64),
        record
            .hours_left
            .map_or(u16::MAX, |hours| at_most(hours.max(0.0) as u64)),
        match record.clock.as_str() {
            "synchronised" => 1,
            "unsynchronised" => 2,
            _ => 0,
        },
        at_most(record.clock_error_ms.into()),
        match board.usage.as_str() {
            "production" => 1,
            "qualification" => 2,
            "training" => 3,
            _ => 4,
        },
        0,
    ];
    for name in units {
        match board.units.iter().find(|unit| unit.name == *name) {
            Some(unit) => all.extend(of_unit(unit, recording)),
            None => all.extend([0; EACH]),
        }
    }
    all
}

fn of_unit(unit: &UnitView, recording: bool) -> [u16; EACH] {
    let count = |of: &dyn Fn(PointState) -> bool| unit.points.iter().filter(|point| of(point.state)).count();
    let context = match unit.state {
        UnitState::Idle => 0,
        UnitState::Running => 1,
        UnitState::Held => 2,
        UnitState::ContextLost => 3,
    };
    [
        (recording && !is_silent(unit)).into(),
        at_most(count(&unread) as u64),
        context,
        (unit.context_number >> 16) as u16,
        unit.context_number as u16,
        at_most(unit.run.into()),
        at_most(count(&|state| state == PointState::OutOfLimits) as u64),
        0,
    ]
}

fn unread(state: PointState) -> bool {
    matches!(state, PointState::Bad | PointState::Silent | PointState::Stale)
}

/// Nothing of it can be read, so nothing of it is recorded but the gap.
pub fn is_silent(unit: &UnitView) -> bool {
    !unit.points.is_empty() && unit.points.iter().all(|point| unread(point.state))
}

fn at_most(count: u64) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The same as bits, for a stack light that reads no registers: heartbeat, recording, something calls for a person,
/// entries held here; from 16 on, each unit's recording.
fn bits(registers: &[u16]) -> Vec<bool> {
    let of = |at: usize| registers.get(at).is_some_and(|register| *register != 0);
    let mut all = vec![of(1), of(3), of(5), of(6)];
    all.resize(16, false);
    all.extend((HEAD..registers.len()).step_by(EACH).map(of));
    all
}

/// Answers one question of Modbus, without its length and number. Only reading is known: whatever writes is refused.
pub fn answer(question: &[u8], registers: &[u16]) -> Vec<u8> {
    let function = question.first().copied().unwrap_or_default();
    let refused = |code: u8| vec![function | 0x80, code];
    let (most, length) = match function {
        1 | 2 => (2000, bits(registers).len()),
        3 | 4 => (125, registers.len()),
        _ => return refused(ILLEGAL_FUNCTION),
    };
    let [_, first_high, first_low, count_high, count_low] = question else {
        return refused(ILLEGAL_VALUE);
    };
    let first = usize::from(u16::from_be_bytes([*first_high, *first_low]));
    let count = usize::from(u16::from_be_bytes([*count_high, *count_low]));
    if count == 0 || count > most {
        return refused(ILLEGAL_VALUE);
    }
    if first + count > length {
        return refused(ILLEGAL_ADDRESS);
    }
    let body: Vec<u8> = if most == 125 {
        registers[first..first + count]
            .iter()
            .flat_map(|register| register.to_be_bytes())
            .collect()
    } else {
        let bits = &bits(registers)[first..first + count];
        let byte = |eight: &[bool]| eight.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        bits.chunks(8).map(byte).collect()
    };
    let mut answer = vec![function, body.len() as u8];
    answer.extend(body);
    answer
}

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::flow::board::{Call, PointView, Pulse, RecordView};
    use record::Stamp;

    fn point(state: PointState) -> PointView {
        PointView {
            state,
            ..PointView::default()
        }
    }

    fn board() -> Board {
        let mixer = UnitView {
            name: "MX-3".into(),
            state: UnitState::Running,
            run: 2,
            context_number: 0x0001_0203,
            points: vec![
                point(PointState::Normal),
                point(PointState::OutOfLimits),
                point(PointState::Silent),
            ],
            ..UnitView::default()
        };
        let scale = UnitView {
            name: "Booth 2".into(),
            points: vec![point(PointState::Silent)],
            ..UnitView::default()
        };
        Board {
            usage: "production".into(),
            units: vec![mixer, scale],
            calls: vec![Call::default()],
            record: RecordView {
                captured: 10,
                receipted: 4,
                oldest_pending: Some(Stamp(0)),
                hours_left: Some(1e9),
                clock: "synchronised".into(),
                clock_error_ms: 12,
                ..RecordView::default()
            },
            now: Stamp(7 * 60_000),
            pulse: Pulse {
                beats: 0x1_0003,
                recording: true,
                at: Duration::from_secs(50),
            },
            ..Board::default()
        }
    }

    fn places() -> Vec<String> {
        vec!["Booth 2".into(), "MX-3".into()]
    }

    const NOW: Duration = Duration::from_millis(50_400);

    #[test]
    fn each_unit_stands_in_its_place_whatever_the_order_of_the_file() {
        let all = registers(&board(), &places(), NOW);
        assert_eq!(all[..12], [1, 1, 3, 1, 2, 1, 7, u16::MAX, 1, 12, 1, 0]);
        assert_eq!(
            all[12..20],
            [0, 1, 0, 0, 0, 0, 0, 0],
            "nothing is read there, so it is not recorded"
        );
        assert_eq!(all[20..], [1, 1, 1, 1, 0x0203, 2, 1, 0]);
    }

    #[test]
    fn a_program_that_hangs_is_not_recording_whatever_it_said_last() {
        let all = registers(&board(), &places(), NOW + Duration::from_secs(2));
        assert_eq!((all[3], all[12], all[20]), (0, 0, 0));
    }

    #[test]
    fn the_longest_block_is_read_with_one_question() {
        let units: Vec<String> = (0..14).map(|unit| format!("MX-{unit}")).collect();
        let all = registers(&board(), &units, NOW);
        assert!(all.len() <= 125, "{}", all.len());
        let answer = answer(&[3, 0, 0, 0, all.len() as u8], &all);
        assert_eq!(answer.len(), 2 + all.len() * 2);
    }

    #[test]
    fn it_is_read_and_never_written() {
        let all = registers(&board(), &places(), NOW);
        assert_eq!(answer(&[4, 0, 1, 0, 3], &all), [4, 6, 0, 1, 0, 3, 0, 1]);
        for function in (0..=127).filter(|function| !(1..=4).contains(function)) {
            assert_eq!(answer(&[function, 0, 0, 0, 1, 0, 1], &all), [function | 0x80, 1]);
        }
        assert_eq!(answer(&[3, 0, 27, 0, 2], &all), [0x83, 2], "beyond the end");
        assert_eq!(answer(&[3, 0xFF, 0xFF, 0, 125], &all), [0x83, 2]);
        for wrong in [
            &[3][..],
            &[3, 0, 0, 0, 0],
            &[3, 0, 0, 0, 126],
            &[3, 0, 0, 0, 1, 9],
            &[1, 0, 0, 7, 0xD1],
        ] {
            assert_eq!(answer(wrong, &all)[1], 3, "{wrong:?}");
        }
        assert_eq!(answer(&[], &all), [0x80, 1]);
    }

    #[test]
    fn a_stack_light_reads_bits() {
        let all = registers(&board(), &places(), NOW);
        assert_eq!(answer(&[1, 0, 0, 0, 4], &all), [1, 1, 0b1111]);
        assert_eq!(answer(&[2, 0, 16, 0, 2], &all), [2, 1, 0b10]);
    }
}

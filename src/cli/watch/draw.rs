//! One frame of the live view: text in, lines out. Grey until something is not as it should be; every colour has
//! its word beside it.

use super::{Wish, wanted};
use crate::daemon::acts::board::{BoardFacts, PointFacts, UnitFacts};
use record::Stamp;
use std::time::Duration;

/// Where a person is in it.
pub(super) struct View {
    wish: Wish,
    /// Lines scrolled away at the top.
    from: usize,
    /// How far one can scroll.
    most: usize,
    colour: bool,
}

impl View {
    pub(super) fn new(wish: Wish) -> Self {
        Self {
            wish,
            from: 0,
            most: 0,
            colour: std::env::var_os("NO_COLOR").is_none(),
        }
    }

    pub(super) fn scroll(&mut self, lines: isize) {
        self.from = self.from.saturating_add_signed(lines).min(self.most);
    }

    fn paint(&self, text: String, colour: &str) -> String {
        if self.colour && !colour.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text
        }
    }
}

/// The whole terminal, as what is sent to it.
pub(super) fn frame(
    board: &BoardFacts,
    view: &mut View,
    (columns, rows): (usize, usize),
    lost: Option<Duration>,
    now: Stamp,
) -> String {
    let lines = lines(board, view, (columns, rows), lost, now);
    let mut out = String::from("\x1b[H");
    for (at, line) in lines.iter().enumerate() {
        out.push_str(line);
        out.push_str("\x1b[K");
        if at + 1 < lines.len() {
            out.push_str("\r\n");
        }
    }
    out.push_str("\x1b[J");
    out
}

fn lines(
    board: &BoardFacts,
    view: &mut View,
    (columns, rows): (usize, usize),
    lost: Option<Duration>,
    now: Stamp,
) -> Vec<String> {
    let mut out = head(board, view, columns, lost, now);
    let mut body = Vec::new();
    for unit in &board.units {
        let points: Vec<&PointFacts> = unit
            .points
            .iter()
            .filter(|point| wanted(&unit.name, point, &view.wish))
            .collect();
        if points.is_empty() {
            continue;
        }
        if !body.is_empty() {
            body.push(String::new());
        }
        body.push(view.paint(fitted(&unit_line(unit), columns), "1"));
        for point in points {
            body.push(point_line(board, point, view, columns, lost.is_some()));
        }
    }
    let calls = calls(board, view, columns);
    let room = rows.saturating_sub(out.len() + calls.len() + 1).max(1);
    view.most = body.len().saturating_sub(room);
    view.from = view.from.min(view.most);
    let shown: Vec<String> = body.into_iter().skip(view.from).take(room).collect();
    let used = shown.len();
    out.extend(shown);
    out.extend(std::iter::repeat_n(String::new(), room - used));
    out.extend(calls);
    let more = match (view.from, view.most) {
        (_, 0) => "q ends".to_owned(),
        (from, most) => format!(
            "q ends · j k or arrows scroll ({from} above, {} below)",
            most - from
        ),
    };
    out.push(view.paint(fitted(&more, columns), "2"));
    out.truncate(rows);
    out
}

fn head(board: &BoardFacts, view: &View, columns: usize, lost: Option<Duration>, now: Stamp) -> Vec<String> {
    let usage = if board.usage == "production" {
        String::new()
    } else {
        format!(" · {}", board.usage.to_uppercase())
    };
    let left = format!("{} · {}{usage}", board.gateway, board.plant);
    if let Some(away) = lost {
        let text = format!(
            "{left} · LIVE VIEW LOST for {} s; what is captured does not depend on this view",
            away.as_secs()
        );
        return vec![view.paint(fitted(&text, columns), "7"), String::new()];
    }
    let state = if board.capturing {
        let pending = board.captured.saturating_sub(board.receipted);
        let store = if board.broker_connected {
            ""
        } else {
            ", broker away"
        };
        format!(
            "recording · {} captured, {pending} without receipt{store}",
            board.captured
        )
    } else {
        format!("NOT RECORDING: {}", board.stopped_because)
    };
    let clock = now.to_string();
    let clock = clock
        .get(11..19)
        .map(|time| format!("{time} UTC"))
        .unwrap_or_default();
    let gap = columns.saturating_sub(wide(&left) + wide(&clock));
    let first = format!("{left}{}{clock}", " ".repeat(gap));
    let colour = if board.capturing { "2" } else { "1;31" };
    vec![
        view.paint(fitted(&first, columns), "1"),
        view.paint(fitted(&state, columns), colour),
        view.paint(fitted(&titles(columns), columns), "2"),
    ]
}

fn unit_line(unit: &UnitFacts) -> String {
    let batch = unit.batch.as_deref().unwrap_or("no batch");
    let step = match (&unit.step, unit.run) {
        (Some(step), run) if run > 1 => format!(" · {step}, run {run}"),
        (Some(step), _) => format!(" · {step}"),
        (None, _) => String::new(),
    };
    format!("{} · {} · {batch}{step}", unit.name, unit.state)
}

/// Widths of the columns: point, value, quality, verdict, age, trend.
fn widths(columns: usize) -> [usize; 6] {
    let spare = columns.saturating_sub(80);
    let point = 23 + spare / 3;
    let trend = 9 + (spare - spare / 3);
    [point, 14, 9, 11, 7, trend]
}

fn titles(columns: usize) -> String {
    let [point, value, quality, verdict, age, _] = widths(columns);
    format!(
        "{:point$} {:>value$} {:quality$} {:verdict$} {:>age$} trend",
        "", "value", "quality", "verdict", "age"
    )
}

fn point_line(board: &BoardFacts, point: &PointFacts, view: &View, columns: usize, lost: bool) -> String {
    let [name, value, quality, verdict, age, trend] = widths(columns);
    let shown = if lost || point.value.is_empty() {
        "–".to_owned()
    } else {
        format!("{} {}", point.value, point.unit).trim_end().to_owned()
    };
    let old = point.time.filter(|_| !lost).map(|time| board.now - time);
    let last = if point.quality == "good" || point.because.is_empty() {
        sparks(&point.trend, trend)
    } else {
        fitted(&point.because, trend)
    };
    let (said, judged) = if lost {
        ("unknown", "unknown")
    } else {
        (point.quality.as_str(), point.verdict.as_str())
    };
    let text = [
        padded(&format!("  {}", point.point), name, false),
        padded(&shown, value, true),
        padded(said, quality, false),
        padded(judged, verdict, false),
        padded(&old.map(in_words).unwrap_or_default(), age, true),
        last,
    ]
    .join(" ");
    let colour = match (said, judged) {
        ("good", "out") => "1;31",
        ("good", "near limit") => "33",
        ("good", _) => "",
        ("uncertain", _) => "35",
        ("unknown" | "waiting" | "for print" | "out of service", _) => "2",
        _ => "1;35",
    };
    view.paint(fitted(&text, columns), colour)
}

/// What calls for a person, at most three lines.
fn calls(board: &BoardFacts, view: &View, columns: usize) -> Vec<String> {
    if board.calls.is_empty() {
        return Vec::new();
    }
    let mut out: Vec<String> = board
        .calls
        .iter()
        .take(3)
        .map(|call| view.paint(fitted(&format!("! {call}"), columns), "1"))
        .collect();
    if board.calls.len() > 3 {
        out[2] = view.paint(
            fitted(
                &format!("! … and {} more call for somebody", board.calls.len() - 2),
                columns,
            ),
            "1",
        );
    }
    out
}

/// An age as people say it.
fn in_words(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        0..=9_999 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..=119_999 => format!("{} s", ms / 1000),
        120_000..=7_199_999 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

/// The last values as a little picture; a hole stays a hole.
fn sparks(values: &[Option<f64>], columns: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values = &values[values.len().saturating_sub(columns)..];
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
    let height = |value: &Option<f64>| {
        value.map_or(' ', |value| {
            let share = if high > low {
                (value - low) / (high - low)
            } else {
                0.4
            };
            HEIGHTS[((share * 7.0).round() as usize).min(7)]
        })
    };
    values.iter().map(height).collect()
}

fn wide(text: &str) -> usize {
    text.chars().count()
}

/// Cut to so many columns.
fn fitted(text: &str, columns: usize) -> String {
    if wide(text) <= columns {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(columns.saturating_sub(1)).collect();
    out.push('…');
    out
}

fn padded(text: &str, columns: usize, right: bool) -> String {
    let text = fitted(text, columns);
    let gap = " ".repeat(columns - wide(&text));
    if right { gap + &text } else { text + &gap }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn board(points: usize) -> BoardFacts {
        let point = |at: usize| PointFacts {
            point: format!("TC-31{at:02}.temperature"),
            value: "71.6".into(),
            unit: "°C".into(),
            quality: "good".into(),
            verdict: "within".into(),
            time: Some(9_600),
            trend: (0..40).map(|value| Some(f64::from(value))).collect(),
            ..PointFacts::default()
        };
        BoardFacts {
            gateway: "line-3".into(),
            plant: "Essen".into(),
            usage: "production".into(),
            now: 10_000,
            captured: 1204,
            receipted: 1200,
            capturing: true,
            broker_connected: true,
            calls: vec!["the disk has room for 12 h".into()],
            units: vec![UnitFacts {
                name: "MX-3".into(),
                state: "running".into(),
                batch: Some("B-2611-042".into()),
                step: Some("Emulsify".into()),
                run: 1,
                points: (0..points).map(point).collect(),
            }],
            ..BoardFacts::default()
        }
    }

    fn drawn(board: &BoardFacts, size: (usize, usize), lost: Option<Duration>) -> Vec<String> {
        let mut view = View {
            wish: Wish::default(),
            from: 0,
            most: 0,
            colour: false,
        };
        lines(board, &mut view, size, lost, Stamp(36_000_000))
    }

    #[test]
    fn a_line_of_a_plant_fits_a_small_terminal() {
        for (columns, rows) in [(80, 24), (40, 10), (200, 60), (20, 3)] {
            let lines = drawn(&board(40), (columns, rows), None);
            assert!(lines.len() <= rows, "{columns}×{rows}");
            assert!(
                lines.iter().all(|line| wide(line) <= columns),
                "{columns}×{rows}: {lines:#?}"
            );
        }
        let lines = drawn(&board(1), (80, 24), None);
        assert_eq!(lines.len(), 24);
        assert_eq!(lines[3], "MX-3 · running · B-2611-042 · Emulsify");
        assert_eq!(
            lines[4],
            "  TC-3100.temperature          71.6 °C good      within        0.4 s ▁▂▃▄▅▅▆▇█"
        );
        assert_eq!(lines[22], "! the disk has room for 12 h");
    }

    #[test]
    fn a_view_that_is_lost_shows_no_values() {
        let lines = drawn(&board(1), (80, 24), Some(Duration::from_secs(4))).join("\n");
        assert!(lines.contains("LIVE VIEW LOST for 4 s"), "{lines}");
        assert!(!lines.contains("71.6"), "{lines}");
    }

    #[test]
    fn an_age_is_said_as_people_say_it() {
        for (ms, words) in [
            (400, "0.4 s"),
            (61_000, "61 s"),
            (600_000, "10 min"),
            (8_000_000, "2 h"),
        ] {
            assert_eq!(in_words(ms), words);
        }
    }
}

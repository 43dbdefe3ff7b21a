//! Boards as they are on a good day, a bad one, and the worst: what the screens are tried on.

use record::Stamp;
use steelyard::flow::board::{
    Board, Call, LimitsView, PointState, PointView, Pulse, RecordView, UnitState, UnitView, Urgency,
};

/// The names of all boards.
pub(crate) const ALL: &[&str] = &[
    "calm",
    "turning",
    "excursion",
    "outage",
    "late",
    "silent",
    "demo",
    "worst",
    "small",
    "one",
    "empty",
];

/// A board of that name at so many milliseconds after its beginning; values move with time.
pub(crate) fn at(name: &str, ms: i64) -> Board {
    let now = Stamp::read("2026-11-20T09:42:18.000Z").unwrap().plus_ms(ms);
    let mut board = line(now, ms);
    match name {
        "calm" => {}
        "turning" => {
            if ms / 3000 % 2 == 1 {
                excursion(&mut board);
            }
        }
        "excursion" => excursion(&mut board),
        "outage" => outage(&mut board),
        "late" => late(&mut board),
        "silent" => silent(&mut board),
        "demo" => demo(&mut board),
        "worst" => worst(&mut board),
        "small" => {
            board.units.truncate(2);
            board.units[1].points.truncate(1);
        }
        "one" => board.units.truncate(1),
        "empty" => board.units.clear(),
        other => panic!("no board is called {other}"),
    }
    board
}

fn line(now: Stamp, ms: i64) -> Board {
    let units = vec![
        unit(
            "M-200",
            "Emulsifier",
            UnitState::Running,
            Some(("B-2611-042", "Emulsify")),
            now.plus_ms(-612_000),
            vec![
                point(
                    "TC-3105.temperature",
                    "Product temperature",
                    70.2,
                    1,
                    "°C",
                    ["68.0", "68.5", "71.5", "72.0"],
                    ms,
                ),
                point(
                    "MX-3.speed",
                    "Homogeniser speed",
                    2398.0,
                    0,
                    "rpm",
                    ["2300", "2350", "2450", "2500"],
                    ms,
                ),
                point(
                    "PT-3107.pressure",
                    "Vacuum",
                    -0.61,
                    2,
                    "bar",
                    ["-0.65", "-0.64", "-0.56", "-0.55"],
                    ms,
                ),
            ],
        ),
        unit(
            "D1",
            "Dispensing booth",
            UnitState::Running,
            Some(("B-2611-043", "Weigh raw material")),
            now.plus_ms(-95_000),
            vec![
                point(
                    "WT-3101.weight",
                    "Net weight",
                    1.204,
                    3,
                    "kg",
                    ["", "", "", ""],
                    ms,
                ),
                point(
                    "HT-3102.humidity",
                    "Booth humidity",
                    44.0,
                    0,
                    "%",
                    ["30", "", "", "60"],
                    ms,
                ),
                point(
                    "PD-3103.pressure",
                    "Booth pressure to corridor",
                    -16.0,
                    0,
                    "Pa",
                    ["-25", "-22", "-12", "-10"],
                    ms,
                ),
            ],
        ),
        unit(
            "F-400",
            "Filler",
            UnitState::Running,
            Some(("B-2611-041", "Fill 50 ml tubes")),
            now.plus_ms(-7_830_000),
            vec![
                point(
                    "WT-3401.weight",
                    "Tube weight",
                    51.2,
                    1,
                    "g",
                    ["50.5", "50.7", "51.8", "52.0"],
                    ms,
                ),
                point("F-400.speed", "Speed", 42.0, 0, "/min", ["", "", "", ""], ms),
                point("F-400.rejects", "Rejects", 14.0, 0, "pcs", ["", "", "", "30"], ms),
            ],
        ),
        unit(
            "K-210",
            "Oil phase kettle",
            UnitState::Idle,
            None,
            now,
            vec![
                point(
                    "TC-3211.temperature",
                    "Jacket temperature",
                    52.3,
                    1,
                    "°C",
                    ["", "", "", ""],
                    ms,
                ),
                point("K-210.speed", "Agitator", 0.0, 0, "rpm", ["", "", "", ""], ms),
            ],
        ),
        unit(
            "K-220",
            "Water phase kettle",
            UnitState::Held,
            Some(("B-2611-042", "Heat water phase")),
            now.plus_ms(-3_000_000),
            vec![
                point(
                    "TC-3221.temperature",
                    "Jacket temperature",
                    61.4,
                    1,
                    "°C",
                    ["", "", "", ""],
                    ms,
                ),
                point("K-220.speed", "Agitator", 0.0, 0, "rpm", ["", "", "", ""], ms),
            ],
        ),
        unit(
            "H-300",
            "Holding tank",
            UnitState::Running,
            Some(("B-2611-041", "Hold below 30 °C")),
            now.plus_ms(-7_800_000),
            vec![
                point(
                    "TC-3301.temperature",
                    "Product temperature",
                    27.7,
                    1,
                    "°C",
                    ["20.0", "", "29.0", "30.0"],
                    ms,
                ),
                point("LT-3302.level", "Level", 61.0, 0, "%", ["", "", "", ""], ms),
            ],
        ),
    ];
    Board {
        pulse: Pulse::default(),
        gateway: "line-3".into(),
        plant: "Essen".into(),
        usage: "production".into(),
        units,
        calls: Vec::new(),
        record: RecordView {
            captured: 1287 + (ms / 250).unsigned_abs(),
            sealed: 1287 + (ms / 250).unsigned_abs(),
            delivered: 1287 + (ms / 250).unsigned_abs(),
            receipted: 1284 + (ms / 250).unsigned_abs(),
            last_sealed: Some(now.plus_ms(-400)),
            oldest_pending: Some(now.plus_ms(-1200)),
            broker_connected: true,
            clock: "synchronised".into(),
            clock_error_ms: 2,
            hours_left: Some(912.0),
            capturing: true,
            last_page: 61,
            epoch: 1,
            ..RecordView::default()
        },
        now,
        zone: "Europe/Berlin".into(),
        readings_per_second: 41.0,
    }
}

fn excursion(board: &mut Board) {
    let now = board.now;
    let hot = &mut board.units[0].points[0];
    hot.value = "72.4".into();
    hot.state = PointState::OutOfLimits;
    hot.because = "72.4 °C, above 72.0 °C for 38 s".into();
    hot.since = Some(now.plus_ms(-38_000));
    for value in hot.trend.iter_mut().rev().take(38) {
        *value += 2.2;
    }
    let near = &mut board.units[0].points[1];
    near.value = "2462".into();
    near.state = PointState::NearLimit;
    near.because = "2462 rpm, near the limit of 2500 rpm".into();
    board.calls.push(call(
        "excursion-117",
        Urgency::Act,
        "Emulsifier is at 72.4 °C, above 72.0 °C for 38 s",
        "Stored as excursion E-017. Step time stops counting.",
        "Bring it back, then acknowledge with a comment.",
        now.plus_ms(-38_000),
    ));
}

fn outage(board: &mut Board) {
    let record = &mut board.record;
    record.broker_connected = false;
    record.broker_lost_since = Some(board.now.plus_ms(-432_000));
    record.oldest_pending = Some(board.now.plus_ms(-432_000));
    record.receipted = 1073;
    record.delivered = 1073;
}

fn late(board: &mut Board) {
    board.record.receipted = 1100;
    board.record.oldest_pending = Some(board.now.plus_ms(-185_000));
}

fn silent(board: &mut Board) {
    let now = board.now;
    board.units[1].state = UnitState::ContextLost;
    let scale = &mut board.units[1].points[0];
    scale.state = PointState::Silent;
    scale.because = "silent for 9 s".into();
    scale.since = Some(now.plus_ms(-9_000));
    for value in scale.trend.iter_mut().rev().take(9) {
        *value = f64::NAN;
    }
    let kettle = &mut board.units[4].points[0];
    kettle.state = PointState::Stale;
    kettle.because = "no new value for 14 s".into();
    kettle.time = Some(now.plus_ms(-14_000));
    board.calls.push(call(
        "silent-WT-3101",
        Urgency::Doubt,
        "Scale WT-3101 hasn’t answered for 9 s",
        "No weight can be captured. What is sealed stays safe.",
        "Check power and cable. It reconnects by itself.",
        now.plus_ms(-9_000),
    ));
}

fn demo(board: &mut Board) {
    board.usage = "demo".into();
    board.gateway = "demo".into();
    board.plant = "this machine".into();
    board.record.clock = "unknown".into();
    board.record.hours_left = None;
    board.units.drain(2..);
    board.units[0].points.truncate(3);
    board.units[1].points.truncate(1);
    excursion(board);
}

/// Everything at once, in every state there is.
fn worst(board: &mut Board) {
    let now = board.now;
    excursion(board);
    silent(board);
    outage(board);
    let set = |point: &mut PointView, state, value: &str, because: &str| {
        point.state = state;
        point.value = value.into();
        point.because = because.into();
        point.since = Some(now.plus_ms(-125_000));
    };
    set(
        &mut board.units[1].points[0],
        PointState::Silent,
        "",
        "refused: overload for 125 s",
    );
    set(&mut board.units[0].points[2], PointState::Bad, "", "sensor break");
    set(
        &mut board.units[1].points[1],
        PointState::Doubtful,
        "44",
        "outside its calibrated range",
    );
    set(
        &mut board.units[1].points[2],
        PointState::OutOfService,
        "",
        "Anna Keller, until 14:00: filter change",
    );
    set(&mut board.units[2].points[0], PointState::WaitingForPrint, "", "");
    set(&mut board.units[2].points[1], PointState::Waiting, "", "");
    board.usage = "qualification".into();
    board.record.set_aside = 1;
    board.record.clock = "unsynchronised".into();
    board.record.clock_error_ms = 412;
    board.record.hours_left = Some(5.4);
    board.record.capturing = false;
    board.record.stopped_because = "less than 2 GiB free on the ledger’s disk".into();
}

fn unit(
    name: &str,
    title: &str,
    state: UnitState,
    runs: Option<(&str, &str)>,
    since: Stamp,
    points: Vec<PointView>,
) -> UnitView {
    UnitView {
        context_number: 0,
        name: name.into(),
        title: title.into(),
        state,
        batch: runs.map(|(batch, _)| batch.into()),
        step: runs.map(|(_, step)| step.into()),
        run: if name == "M-200" { 2 } else { 1 },
        step_since: runs.map(|_| since),
        points,
    }
}

/// `limits` are low, warn_low, warn_high, high; an empty one isn't there.
fn point(
    tag: &str,
    title: &str,
    middle: f64,
    decimals: usize,
    unit: &str,
    limits: [&str; 4],
    ms: i64,
) -> PointView {
    let limit = |at: usize| (!limits[at].is_empty()).then(|| limits[at].to_owned());
    let reach = match (limits[0].parse::<f64>(), limits[3].parse::<f64>()) {
        (Ok(low), Ok(high)) => (high - low) * 0.12,
        _ => middle.abs() * 0.004,
    };
    let value = |step: i64| middle + reach * ((step as f64 * 0.35).sin() + (step as f64 * 0.13).sin() * 0.6);
    let step = ms / 1000;
    PointView {
        point: tag.into(),
        role: title.to_lowercase().replace(' ', "-"),
        title: title.into(),
        value: format!("{:.decimals$}", value(step)),
        unit: unit.into(),
        state: PointState::Normal,
        limits: limits.iter().any(|text| !text.is_empty()).then(|| LimitsView {
            low: limit(0),
            warn_low: limit(1),
            warn_high: limit(2),
            high: limit(3),
        }),
        trend: (step - 119..=step).map(value).collect(),
        ..PointView::default()
    }
}

pub(crate) fn call(id: &str, urgency: Urgency, what: &str, record: &str, action: &str, since: Stamp) -> Call {
    Call {
        id: id.into(),
        urgency,
        what: what.into(),
        record: record.into(),
        action: action.into(),
        since,
    }
}

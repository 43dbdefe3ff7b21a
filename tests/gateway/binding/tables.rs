//! The rules of binding and capture, one table each.

use super::world::{World, agrees};

const EACH: &str = "
    MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 3
    MX-3:cool     TC-1.temp every reading -/-/-/40.0 °C missing 3
";

#[test]
fn a_batch_is_captured_judged_and_closed() {
    let mut world = World::new(1000, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:01
        00:00.500 tick
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 71.6 °C
        00:02.200 own
        00:03 TC-1.temp 70.0 °C
        00:04 MX-3 B-1 running 00:00 7 : emulsify/1 00:01-00:03.500
        00:04.500 tick
        00:05 MX-3 B-1 complete 00:00-00:04.500 7 : emulsify/1 00:01-00:03.500
        00:05.500 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:01 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 clock     00:02.200 synchronised
        5 reading   00:02 B-1 emulsify/1 warning = 71.6
        6 reading   00:03 B-1 emulsify/1 within = 70.0
        7 step      00:03.500 B-1 emulsify/1 complete
        8 verdict   00:03.500 B-1 emulsify/1 expected 2 captured 3 gaps 0 exceptions 0
        9 allocation 00:04.500 B-1 released
        10 binding   00:05.500 B-1 attached gateway seqs 4 count 1
        11 batch     00:04.500 B-1 complete closing 1 count 9
        ",
    );
}

#[test]
fn an_excursion_is_entered_with_ten_readings_before_and_after() {
    let mut world = World::new(
        0,
        "
    MX-3:emulsify TC-1.temp every 5 68.0/69.0/71.5/72.0 °C missing 3
",
    );
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 70.1 °C
        00:03 TC-1.temp 70.2 °C
        00:04 TC-1.temp 72.4 °C
        00:05 TC-1.temp 73.0 °C
        00:06 TC-1.temp 72.1 °C
        00:07 TC-1.temp 71.0 °C
        00:08 TC-1.temp 70.0 °C
        00:09 TC-1.temp 70.0 °C
        00:10 TC-1.temp 70.4 °C
        00:11 TC-1.temp 70.0 °C
        00:12 TC-1.temp 70.0 °C
        00:13 TC-1.temp 70.0 °C
        00:14 TC-1.temp 70.0 °C
        00:15 TC-1.temp 70.0 °C
        00:16 TC-1.temp 70.0 °C
        00:17 TC-1.temp 70.0 °C
        00:18 TC-1.temp 70.0 °C
        00:19 stop
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:04 B-1 emulsify/1 above = 72.4
        4 excursion 00:04 B-1 emulsify/1 open extreme 72.4 limit 72.0
        5 reading   00:01 around 4 B-1 emulsify/1 within = 70.0
        6 reading   00:02 around 4 B-1 emulsify/1 within = 70.1
        7 reading   00:03 around 4 B-1 emulsify/1 within = 70.2
        8 summary   00:01 B-1 emulsify/1 until 00:04 above count 4 min 70.0 mean 70.675 max 72.4
        9 reading   00:05 around 4 B-1 emulsify/1 above = 73.0
        10 excursion 00:07 B-1 emulsify/1 closed opened 4 extreme 73.0 limit 72.0 duration_ms 3000 count 3
        11 reading   00:07 around 4 B-1 emulsify/1 within = 71.0
        12 reading   00:08 around 4 B-1 emulsify/1 within = 70.0
        13 reading   00:09 around 4 B-1 emulsify/1 within = 70.0
        14 summary   00:05 B-1 emulsify/1 until 00:09 above count 5 min 70.0 mean 71.220 max 73.0
        15 reading   00:10 around 4 B-1 emulsify/1 within = 70.4
        16 reading   00:11 around 4 B-1 emulsify/1 within = 70.0
        17 reading   00:12 around 4 B-1 emulsify/1 within = 70.0
        18 reading   00:13 around 4 B-1 emulsify/1 within = 70.0
        19 reading   00:14 around 4 B-1 emulsify/1 within = 70.0
        20 summary   00:10 B-1 emulsify/1 until 00:14 within count 5 min 70.0 mean 70.080 max 70.4
        21 reading   00:15 around 4 B-1 emulsify/1 within = 70.0
        22 reading   00:16 around 4 B-1 emulsify/1 within = 70.0
        23 reading   00:18 B-1 emulsify/1 within = 70.0
        24 summary   00:15 B-1 emulsify/1 until 00:18 within count 4 min 70.0 mean 70.000 max 70.0
        ",
    );
}

#[test]
fn an_excursion_ends_with_its_step() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 72.4 °C
        00:02 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:02, cool/1 00:02
        00:03 TC-1.temp 41.0 °C
        00:04 TC-1.temp 40.0 °C
        00:05 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 above = 72.4
        4 excursion 00:01 B-1 emulsify/1 open extreme 72.4 limit 72.0
        5 step      00:02 B-1 emulsify/1 complete
        6 step      00:02 B-1 cool/1 running
        7 excursion 00:02 B-1 emulsify/1 closed opened 4 extreme 72.4 limit 72.0 duration_ms 1000 count 1
        8 reading   00:03 B-1 cool/1 above = 41.0
        9 excursion 00:03 B-1 cool/1 open extreme 41.0 limit 40.0
        10 excursion 00:04 B-1 cool/1 closed opened 9 extreme 41.0 limit 40.0 duration_ms 1000 count 1
        11 reading   00:04 around 9 B-1 cool/1 within = 40.0
        12 verdict   00:02 B-1 emulsify/1 expected 2 captured 1 gaps 0 exceptions 1
        ",
    );
}

#[test]
fn a_value_nobody_trusts_is_entered_and_never_judged() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp bad: sensor break
        00:03 TC-1.temp bad: sensor break
        00:04 TC-1.temp 99.0 °C, uncertain: self-tuning
        00:05 TC-1.temp 70.0 °C
        00:06 TC-1.temp 99.0 °C, uncertain: self-tuning
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 reading   00:02 B-1 emulsify/1 not-judged: sensor break
        5 exception 00:02 B-1 emulsify/1 bad-value
        6 reading   00:03 B-1 emulsify/1 not-judged: sensor break
        7 reading   00:04 B-1 emulsify/1 not-judged: self-tuning = 99.0
        8 reading   00:05 B-1 emulsify/1 within = 70.0
        9 reading   00:06 B-1 emulsify/1 not-judged: self-tuning = 99.0
        10 exception 00:06 B-1 emulsify/1 doubtful-value
        ",
    );
}

#[test]
fn an_interval_is_entered_as_its_last_reading_and_a_summary() {
    let mut world = World::new(
        0,
        "
    MX-3:* TC-1.temp every 5 missing 9
",
    );
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 70.1 °C
        00:04 TC-1.temp 70.1 °C
        00:06 TC-1.temp 71 °C
        00:10 tick
        00:11 TC-1.temp 71.00 °C
        00:12 TC-1.temp 71.20 °C
        00:13 MX-3 B-1 complete 00:00-00:13 7
        00:14 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 reading   00:04 B-1 not-judged: no-step = 70.1
        3 summary   00:01 B-1 until 00:04 not-judged count 3 min 70.0 mean 70.067 max 70.1
        4 reading   00:06 B-1 not-judged: no-step = 71
        5 allocation 00:13 B-1 released
        6 reading   00:12 B-1 not-judged: no-step = 71.20
        7 summary   00:11 B-1 until 00:12 not-judged count 2 min 71.00 mean 71.1000 max 71.20
        8 batch     00:13 B-1 complete closing 1 count 7
        ",
    );
}

#[test]
fn a_change_is_entered_and_sameness_is_not() {
    let mut world = World::new(
        0,
        "
    MX-3:emulsify TC-1.temp every change missing 3
",
    );
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp idle
        00:02 TC-1.temp idle
        00:03 TC-1.temp stirring
        00:04 TC-1.temp stirring
        00:05 TC-1.temp idle
        00:06 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:06
        00:07 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 not-judged: no-number = idle
        4 reading   00:03 B-1 emulsify/1 not-judged: no-number = stirring
        5 reading   00:05 B-1 emulsify/1 not-judged: no-number = idle
        6 step      00:06 B-1 emulsify/1 complete
        7 verdict   00:06 B-1 emulsify/1 expected 6 captured 5 gaps 0 exceptions 0
        ",
    );
}

#[test]
fn silence_is_told_at_once_and_entered_as_a_gap() {
    let mut world = World::new(500, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 failed TC-1.temp refused
        00:03 failed TC-1.temp refused
        00:04 tick
        00:05 tick
        00:06 TC-1.temp 70.0 °C
        00:07 TC-1.temp 70.0 °C
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 exception 00:05 B-1 emulsify/1 refused
        5 gap       00:01 B-1 emulsify/1 until 00:06 refused asked 2
        6 reading   00:06 B-1 emulsify/1 within = 70.0
        ",
    );
}

#[test]
fn a_gap_ends_where_its_step_ends() {
    let mut world = World::new(500, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:06 tick
        00:08 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:08, cool/1 00:08
        00:09 tick
        00:12 tick
        00:14 TC-1.temp 39.0 °C
        00:15 MX-3 B-1 complete 00:00-00:15 7 : emulsify/1 00:00-00:08, cool/1 00:08-00:15
        00:16 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 exception 00:06 B-1 emulsify/1 silent
        5 step      00:08 B-1 emulsify/1 complete
        6 step      00:08 B-1 cool/1 running
        7 gap       00:01 B-1 emulsify/1 until 00:08 silent
        8 verdict   00:08 B-1 emulsify/1 expected 8 captured 1 gaps 1 exceptions 1
        9 exception 00:12 B-1 cool/1 silent
        10 gap       00:08 B-1 cool/1 until 00:14 silent
        11 reading   00:14 B-1 cool/1 within = 39.0
        12 step      00:15 B-1 cool/1 complete
        13 allocation 00:15 B-1 released
        14 verdict   00:15 B-1 cool/1 expected 7 captured 1 gaps 1 exceptions 1
        15 batch     00:15 B-1 complete closing 1 count 14
        ",
    );
}

#[test]
fn a_gap_that_is_open_when_the_gateway_stops_ends_there() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:07 stop
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 gap       00:01 B-1 emulsify/1 until 00:07 silent
        ",
    );
}

#[test]
fn a_step_without_readings_is_an_exception() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:02, cool/1 00:02-00:03, drain/1 00:03-00:04
        00:05 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 step      00:02 B-1 emulsify/1 complete
        5 step      00:02 B-1 cool/1 running
        6 step      00:03 B-1 cool/1 complete
        7 step      00:03 B-1 drain/1 running
        8 step      00:04 B-1 drain/1 complete
        9 verdict   00:02 B-1 emulsify/1 expected 2 captured 1 gaps 0 exceptions 0
        10 exception 00:03 B-1 cool/1 no-samples
        11 verdict   00:03 B-1 cool/1 expected 1 captured 0 gaps 0 exceptions 1
        12 exception 00:04 B-1 drain/1 no-samples
        13 verdict   00:04 B-1 drain/1 expected 0 captured 0 gaps 0 exceptions 1
        ",
    );
}

#[test]
fn context_within_settle_binds_as_if_it_had_been_in_time() {
    let mut world = World::new(3000, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 39.0 °C
        00:03 TC-1.temp 38.0 °C
        00:04 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:01.500, cool/1 00:01.500
        00:08 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 step      00:01.500 B-1 emulsify/1 complete
        5 step      00:01.500 B-1 cool/1 running
        6 reading   00:02 B-1 cool/1 within = 39.0
        7 reading   00:03 B-1 cool/1 within = 38.0
        8 exception 00:08 B-1 cool/1 silent
        9 verdict   00:01.500 B-1 emulsify/1 expected 1 captured 1 gaps 0 exceptions 0
        ",
    );
}

#[test]
fn later_context_detaches_attaches_and_judges_again() {
    let mut world = World::new(500, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 70.0 °C
        00:03 TC-1.temp 39.0 °C
        00:04 TC-1.temp 38.0 °C
        00:05 TC-1.temp 41.0 °C
        00:06 TC-1.temp 38.0 °C
        00:07 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:02.500, cool/1 00:02.500
        00:08 TC-1.temp 38.0 °C
        00:09 MX-3 B-1 complete 00:00-00:08.500 7 : emulsify/1 00:00-00:02.500, cool/1 00:02.500-00:08.500
        00:10 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 reading   00:02 B-1 emulsify/1 within = 70.0
        5 reading   00:03 B-1 emulsify/1 below = 39.0
        6 excursion 00:03 B-1 emulsify/1 open extreme 39.0 limit 68.0
        7 reading   00:04 B-1 emulsify/1 below = 38.0
        8 reading   00:05 B-1 emulsify/1 below = 41.0
        9 reading   00:06 B-1 emulsify/1 below = 38.0
        10 step      00:02.500 B-1 emulsify/1 complete
        11 step      00:02.500 B-1 cool/1 running
        12 excursion 00:05 B-1 cool/1 open extreme 41.0 limit 40.0
        13 excursion 00:06 B-1 cool/1 closed opened 12 extreme 41.0 limit 40.0 duration_ms 1000 count 1
        14 binding   00:07 B-1 emulsify/1 detached context-late seqs 5-9 count 5
        15 binding   00:07 B-1 cool/1 attached context-late seqs 5,7,9 count 3 within
        16 binding   00:07 B-1 cool/1 attached context-late seqs 8 count 1 above
        17 exception 00:07 B-1 cool/1 context-late
        18 verdict   00:02.500 B-1 emulsify/1 expected 2 captured 2 gaps 0 exceptions 0
        19 reading   00:08 around 12 B-1 cool/1 within = 38.0
        20 step      00:08.500 B-1 cool/1 complete
        21 allocation 00:08.500 B-1 released
        22 verdict   00:08.500 B-1 cool/1 expected 6 captured 5 gaps 0 exceptions 2
        23 batch     00:08.500 B-1 complete closing 1 count 22
        ",
    );
}

#[test]
fn readings_before_any_context_are_bound_when_it_comes() {
    let mut world = World::new(500, EACH);
    let told = world.tell(
        "
        00:00 tick
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 70.0 °C
        00:03 TC-1.temp 73.0 °C
        00:04 TC-1.temp 70.0 °C
        00:12 TC-1.temp 70.0 °C
        00:13 tick
        00:14 MX-3 B-1 running 00:00 7 : emulsify/1 00:01.500
        00:15 tick
        ",
    );
    agrees(
        &told,
        "
        1 reading   00:01 not-judged: no-step = 70.0
        2 reading   00:12 not-judged: no-step = 70.0
        3 batch     00:00 B-1 running
        4 step      00:01.500 B-1 emulsify/1 running
        5 reading   00:02 B-1 emulsify/1 within = 70.0
        6 reading   00:03 B-1 emulsify/1 above = 73.0
        7 excursion 00:03 B-1 emulsify/1 open extreme 73.0 limit 72.0
        8 excursion 00:04 B-1 emulsify/1 closed opened 7 extreme 73.0 limit 72.0 duration_ms 1000 count 1
        9 reading   00:04 around 7 B-1 emulsify/1 within = 70.0
        10 gap       00:04 B-1 emulsify/1 until 00:12 silent
        11 binding   00:14 B-1 attached context-late seqs 1 count 1 not-judged
        12 binding   00:14 B-1 emulsify/1 attached context-late seqs 2 count 1 within
        13 exception 00:14 B-1 context-late
        ",
    );
}

#[test]
fn a_correction_after_the_verdict_supersedes_it() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 39.0 °C
        00:03 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:02.500
        00:04 tick
        00:05 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:01.500, cool/1 00:01.500-00:02.500
        00:06 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 reading   00:02 B-1 emulsify/1 below = 39.0
        5 excursion 00:02 B-1 emulsify/1 open extreme 39.0 limit 68.0
        6 step      00:02.500 B-1 emulsify/1 complete
        7 excursion 00:02.500 B-1 emulsify/1 closed opened 5 extreme 39.0 limit 68.0 duration_ms 500 count 1
        8 verdict   00:02.500 B-1 emulsify/1 expected 2 captured 2 gaps 0 exceptions 1
        9 step      00:00 B-1 emulsify/1 complete corrected
        10 exception 00:00 B-1 emulsify/1 context-unexpected
        11 step      00:01.500 B-1 cool/1 running
        12 step      00:02.500 B-1 cool/1 complete
        13 binding   00:05 B-1 emulsify/1 detached context-corrected seqs 4-5,7 count 3
        14 binding   00:05 B-1 cool/1 attached context-corrected seqs 4 count 1 within
        15 exception 00:05 B-1 cool/1 context-late
        16 verdict   00:01.500 B-1 emulsify/1 expected 1 captured 1 gaps 0 exceptions 1 supersedes 8
        17 verdict   00:02.500 B-1 cool/1 expected 1 captured 1 gaps 0 exceptions 1
        ",
    );
}

#[test]
fn steps_side_by_side_are_joined_and_both_limits_hold() {
    let mut world = World::new(
        0,
        "
    MX-3:heat TC-1.temp every reading 60.0/-/-/80.0 °C
    MX-3:stir TC-1.temp every reading -/-/-/70.0 °C
",
    );
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : heat/1 00:00, stir/1 00:02
        00:01 TC-1.temp 75.0 °C
        00:03 TC-1.temp 75.0 °C
        00:04 TC-1.temp 65.0 °C
        00:05 MX-3 B-1 complete 00:00-00:05 7 : heat/1 00:00-00:05, stir/1 00:02-00:05
        00:06 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 heat/1 running
        3 step      00:02 B-1 stir/1 running
        4 reading   00:01 B-1 heat/1 within = 75.0
        5 reading   00:03 B-1 heat+stir/1 above = 75.0
        6 excursion 00:03 B-1 heat+stir/1 open extreme 75.0 limit 70.0
        7 excursion 00:04 B-1 heat+stir/1 closed opened 6 extreme 75.0 limit 70.0 duration_ms 1000 count 1
        8 reading   00:04 around 6 B-1 heat+stir/1 within = 65.0
        9 step      00:05 B-1 heat/1 complete
        10 step      00:05 B-1 stir/1 complete
        11 allocation 00:05 B-1 released
        12 verdict   00:05 B-1 heat/1 expected 5 captured 3 gaps 0 exceptions 1
        13 verdict   00:05 B-1 stir/1 expected 3 captured 2 gaps 0 exceptions 1
        14 batch     00:05 B-1 complete closing 1 count 13
        ",
    );
}

#[test]
fn a_reading_of_two_batches_names_none_and_is_attached_to_each() {
    let mut world = World::new(
        0,
        "
    MX-3:a BA-1.bath every reading 60.0/-/-/80.0 °C
    MX-4:b BA-1.bath every reading 60.0/-/-/70.0 °C
",
    );
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : a/1 00:00
        00:00 MX-4 B-2 running 00:00 9 : b/1 00:00
        00:01 BA-1.bath 65.0 °C
        00:02 BA-1.bath 75.0 °C
        00:03 BA-1.bath 65.0 °C
        00:04 MX-3 B-1 complete 00:00-00:04 7 : a/1 00:00-00:04
        00:04 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 a/1 running
        3 batch     00:00 MX-4 B-2 running
        4 step      00:00 MX-4 B-2 b/1 running
        5 reading   00:01 BA-1.bath not-judged: shared = 65.0
        6 reading   00:02 BA-1.bath not-judged: shared = 75.0
        7 excursion 00:02 MX-4 B-2 b/1 BA-1.bath open extreme 75.0 limit 70.0
        8 reading   00:03 BA-1.bath not-judged: shared = 65.0
        9 excursion 00:03 MX-4 B-2 b/1 BA-1.bath closed opened 7 extreme 75.0 limit 70.0 duration_ms 1000 count 1
        10 step      00:04 B-1 a/1 complete
        11 allocation 00:04 B-1 released
        12 binding   00:04 B-1 a/1 attached shared seqs 5-6,8 count 3 within
        13 binding   00:04 MX-4 B-2 b/1 attached shared seqs 5,8 count 2 within
        14 binding   00:04 MX-4 B-2 b/1 attached shared seqs 6 count 1 above
        15 verdict   00:04 B-1 a/1 expected 4 captured 3 gaps 0 exceptions 0
        16 batch     00:04 B-1 complete closing 1 count 6
        ",
    );
}

#[test]
fn a_free_unit_ends_no_batch() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 nothing
        00:03 TC-1.temp 70.0 °C
        00:04 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:05 TC-1.temp 70.0 °C
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 allocation 00:02 B-1 lost
        5 exception 00:02 context-lost
        6 reading   00:03 not-judged: no-step = 70.0
        7 batch     00:04 B-1 running
        8 binding   00:04 B-1 emulsify/1 attached context-late seqs 6 count 1 within
        9 exception 00:04 B-1 emulsify/1 context-late
        10 reading   00:05 B-1 emulsify/1 within = 70.0
        ",
    );
}

#[test]
fn a_held_run_is_captured_and_flagged() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 B-1 running 00:00 7 : emulsify/1 held 00:00
        00:03 TC-1.temp 70.0 °C
        00:04 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:05 TC-1.temp 70.0 °C
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 step      00:02 B-1 emulsify/1 held
        5 reading   00:03 B-1 emulsify/1 held within = 70.0
        6 step      00:04 B-1 emulsify/1 running
        7 reading   00:05 B-1 emulsify/1 within = 70.0
        ",
    );
}

#[test]
fn a_restart_in_mid_step_loses_nothing() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 72.5 °C
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 reading   00:02 B-1 emulsify/1 above = 72.5
        5 excursion 00:02 B-1 emulsify/1 open extreme 72.5 limit 72.0
        ",
    );
    world.restart(0, EACH);
    let told = world.tell(
        "
        00:20 off 00:03-00:20 power-loss
        00:20.100 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:21 TC-1.temp 73.0 °C
        00:22 TC-1.temp 70.0 °C
        00:23 MX-3 B-1 complete 00:00-00:23 7 : emulsify/1 00:00-00:23
        00:24 tick
        ",
    );
    agrees(
        &told,
        "
        6 allocation 00:20.100 B-1 confirmed
        7 gap       00:02 B-1 emulsify/1 until 00:21 power-loss
        8 reading   00:21 B-1 emulsify/1 above = 73.0
        9 excursion 00:22 B-1 emulsify/1 closed opened 5 extreme 73.0 limit 72.0 duration_ms 20000 count 2
        10 reading   00:22 around 5 B-1 emulsify/1 within = 70.0
        11 step      00:23 B-1 emulsify/1 complete
        12 allocation 00:23 B-1 released
        13 verdict   00:23 B-1 emulsify/1 expected 23 captured 4 gaps 1 exceptions 1
        14 batch     00:23 B-1 complete closing 1 count 13
        ",
    );
}

#[test]
fn a_closed_batch_that_is_told_again_after_a_restart_changes_nothing() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 B-1 complete 00:00-00:02 7 : emulsify/1 00:00-00:02
        00:03 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 step      00:02 B-1 emulsify/1 complete
        5 allocation 00:02 B-1 released
        6 verdict   00:02 B-1 emulsify/1 expected 2 captured 1 gaps 0 exceptions 0
        7 batch     00:02 B-1 complete closing 1 count 6
        ",
    );
    world.restart(0, EACH);
    let told = world.tell(
        "
        00:10 same MX-3 B-1 complete 00:00-00:02 7 : emulsify/1 00:00-00:02
        00:11 tick
        ",
    );
    agrees(&told, "");
}

#[test]
fn a_batch_that_is_signed_is_closed_again() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 B-1 complete 00:00-00:02 7 : emulsify/1 00:00-00:02
        00:03 tick
        00:04 again B-1
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 step      00:02 B-1 emulsify/1 complete
        5 allocation 00:02 B-1 released
        6 verdict   00:02 B-1 emulsify/1 expected 2 captured 1 gaps 0 exceptions 0
        7 batch     00:02 B-1 complete closing 1 count 6
        8 batch     00:04 B-1 complete signed closing 2 count 7
        ",
    );
}

#[test]
fn a_reading_that_comes_after_its_step_is_entered_where_it_belongs() {
    let mut world = World::new(0, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:02, cool/1 00:02
        00:03 TC-1.temp 39.0 °C
        00:04 TC-1.temp 73.0 °C <00:01.500
        00:05 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 step      00:02 B-1 emulsify/1 complete
        5 step      00:02 B-1 cool/1 running
        6 reading   00:03 B-1 cool/1 within = 39.0
        7 reading   00:01.500 B-1 emulsify/1 above = 73.0
        8 excursion 00:01.500 B-1 emulsify/1 open extreme 73.0 limit 72.0
        9 excursion 00:01.500 B-1 emulsify/1 closed opened 8 extreme 73.0 limit 72.0 duration_ms 0 count 1
        10 verdict   00:02 B-1 emulsify/1 expected 2 captured 2 gaps 0 exceptions 1
        ",
    );
}

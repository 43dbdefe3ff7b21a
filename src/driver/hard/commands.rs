//! Commands: what is written, what proves it, and the windows that must be opened before a value can be read.

use super::{modbus, proven, text};
use crate::{
    Conversation, ConversationOptions, Driver, HeardAs, Outcome, Player, PlayerOptions, Role, Transport,
};

/// A scale that zeroes and tares on request; two-step, as some say first that they heard.
fn balance() -> Driver {
    proven(
        "balance",
        &text(
            "ends_with = \"\\r\\n\"",
            r#"
        [measure.weight]
        send = "SI"
        units = ["g"]
        answers = [ { reads = "S S {value:10} {unit}", quality = "good" } ]
        [command.zero]
        title = "Set to zero"
        send = "Z"
        answer_within = "5 s"
        answers = [
          { reads = "Z A", then = "more follows" },
          { reads = "Z D", then = "done" },
          { reads = "Z I", then = "refused", because = "busy" },
          { reads = "Z ^", then = "refused", because = "above the zero range" },
        ]
        [command.tare]
        send = "T"
        answers = [ { reads = "T S {weight:10} {unit}", then = "done" } ]
        [[sample]]
        says = "understood, then done"
        send = "Z\r\n"
        hear = "Z A\r\nZ D\r\n"
        gives = { zero = "done" }
        [[sample]]
        says = "not while it moves"
        send = "Z\r\n"
        hear = "Z A\r\nZ I\r\n"
        gives = { zero = "refused: busy" }
        [[sample]]
        says = "too much lies on it"
        send = "Z\r\n"
        hear = "Z ^\r\n"
        gives = { zero = "refused: above the zero range" }
        [[sample]]
        says = "silence proves nothing"
        send = "Z\r\n"
        hear = "Z A\r\n"
        gives = { zero = "not proven: silent" }
        [[sample]]
        says = "a damaged answer proves nothing"
        send = "Z\r\n"
        hear = "Z ?\r\n"
        gives = { zero = "not proven: unexpected" }
        [[sample]]
        says = "the tare comes back with its weight"
        send = "T\r\n"
        hear = "T S      2.50 g\r\n"
        gives = { tare = "done" }
        [[sample]]
        says = "a weight"
        send = "SI\r\n"
        hear = "S S     12.50 g\r\n"
        gives = { weight = "12.50 g" }
    "#,
        )
        .replace("      2.50 g", "       2.50 g")
        .replace("     12.50 g", "      12.50 g"),
    )
}

/// An indicator behind four registers each way: a command is written, its echo and a status are read.
fn indicator() -> Driver {
    proven(
        "indicator",
        &modbus(
            r#"
        [modbus]
        pause_between = "50 ms"
        [command.select_gross]
        title = "Show the gross weight in the window"
        writes = { table = "holding", first = 1024, values = [288, 1, 0, 0] }
        [command.tare]
        title = "Take the tare"
        writes = { table = "holding", first = 1024, values = [12], function = 16 }
        [command.tare.proof]
        table = "holding"
        first = 0
        count = 2
        points = [
          { at = 0, field = "echo",  is = "int16" },
          { at = 1, field = "state", is = "bits" },
        ]
        done_when = "echo is 12 and state bit 0 is set"
        refused = [ { when = "echo is -12", because = "command failed" } ]
        within = "200 ms"
        [[read]]
        after = "select_gross"
        ready_when = "shown is 288"
        ready_within = "200 ms"
        table = "holding"
        first = 0
        count = 4
        points = [
          { at = 0, field = "shown",   is = "int16" },
          { at = 1, field = "status",  is = "bits" },
          { at = 2, measure = "gross", is = "float32", unit = "kg" },
        ]
        doubts = [
          { about = "gross", when = "status bit 0 is clear", quality = "bad",       because = "invalid" },
          { about = "gross", when = "status bit 4 is set",   quality = "uncertain", because = "not settled" },
        ]
        [[sample]]
        says = "written, agreed, read"
        send = "@01 10 04 00 00 04 08 01 20 00 01 00 00 00 00"
        hear = "@01 10 04 00 00 04"
        then = [{ send = "@01 03 00 00 00 04", hear = "@01 03 08 01 20 40 09 42 F6 E6 66" }]
        gives = { gross = "123.45 kg" }
        [[sample]]
        says = "still showing something else: asked again until it agrees"
        send = "@01 10 04 00 00 04 08 01 20 00 01 00 00 00 00"
        hear = "@01 10 04 00 00 04"
        then = [
          { send = "@01 03 00 00 00 04", hear = "@01 03 08 00 25 40 09 3F 80 00 00" },
          { send = "@01 03 00 00 00 04", hear = "@01 03 08 01 20 40 19 42 F6 E6 66" },
        ]
        gives = { gross = "123.45 kg, uncertain: not settled" }
        [[sample]]
        says = "it never agrees: the value of another window is never taken for this one's"
        send = "@01 10 04 00 00 04 08 01 20 00 01 00 00 00 00"
        hear = "@01 10 04 00 00 04"
        then = [
          { send = "@01 03 00 00 00 04", hear = "@01 03 08 00 25 40 09 3F 80 00 00" },
          { send = "@01 03 00 00 00 04", hear = "@01 03 08 00 25 40 09 3F 80 00 00" },
          { send = "@01 03 00 00 00 04", hear = "@01 03 08 00 25 40 09 3F 80 00 00" },
          { send = "@01 03 00 00 00 04", hear = "@01 03 08 00 25 40 09 3F 80 00 00" },
        ]
        gives = { gross = "bad: refused, not ready" }
        [[sample]]
        says = "the window cannot be opened"
        send = "@01 10 04 00 00 04 08 01 20 00 01 00 00 00 00"
        hear = "@01 90 02"
        gives = { gross = "bad: refused, no such register" }
        [[sample]]
        says = "one bit means invalid while it is clear"
        send = "@01 10 04 00 00 04 08 01 20 00 01 00 00 00 00"
        hear = "@01 10 04 00 00 04"
        then = [{ send = "@01 03 00 00 00 04", hear = "@01 03 08 01 20 40 08 42 F6 E6 66" }]
        gives = { gross = "bad: invalid" }
        [[sample]]
        says = "the tare is written, and its echo proves it"
        send = "@01 10 04 00 00 01 02 00 0C"
        hear = "@01 10 04 00 00 01"
        then = [
          { send = "@01 03 00 00 00 02", hear = "@01 03 04 01 20 00 00" },
          { send = "@01 03 00 00 00 02", hear = "@01 03 04 00 0C 00 01" },
        ]
        gives = { tare = "done" }
        [[sample]]
        says = "an echo with a minus says no"
        send = "@01 10 04 00 00 01 02 00 0C"
        hear = "@01 10 04 00 00 01"
        then = [{ send = "@01 03 00 00 00 02", hear = "@01 03 04 FF F4 00 00" }]
        gives = { tare = "refused: command failed" }
        [[sample]]
        says = "written, and then silence: nobody knows whether it tared"
        send = "@01 10 04 00 00 01 02 00 0C"
        hear = "@01 10 04 00 00 01"
        then = [{ send = "@01 03 00 00 00 02", hear = "" }]
        gives = { tare = "not proven: silent" }
    "#,
        ),
    )
}

/// One coil and one register: function 5 and 6, and the answer is the whole proof.
fn furnace() -> Driver {
    proven(
        "furnace",
        &modbus(
            r#"
        [modbus]
        [command.acknowledge]
        writes = { table = "coil", first = 7, values = [1] }
        [command.reset]
        writes = { table = "coil", first = 8, values = [1, 0, 1] }
        [command.zero]
        writes = { table = "holding", first = 5, values = [-1] }
        [[read]]
        table = "input"
        first = 0
        count = 1
        points = [ { at = 0, measure = "temperature", is = "int16", one_count = "0.1 °C" } ]
        [[sample]]
        says = "a coil"
        send = "@01 05 00 07 FF 00"
        hear = "@01 05 00 07 FF 00"
        gives = { acknowledge = "done" }
        [[sample]]
        says = "several coils"
        send = "@01 0F 00 08 00 03 01 05"
        hear = "@01 0F 00 08 00 03"
        gives = { reset = "done" }
        [[sample]]
        says = "a register; minus one is all bits"
        send = "@01 06 00 05 FF FF"
        hear = "@01 06 00 05 FF FF"
        gives = { zero = "done" }
        [[sample]]
        says = "it took another value than was written"
        send = "@01 06 00 05 FF FF"
        hear = "@01 06 00 05 00 00"
        gives = { zero = "not proven: unexpected" }
        [[sample]]
        says = "it is busy"
        send = "@01 06 00 05 FF FF"
        hear = "@01 86 06"
        gives = { zero = "refused, busy" }
    "#,
        ),
    )
}

/// Reads drivers that have every key a command may have.
pub(crate) fn every_key() {
    balance();
    indicator();
    furnace();
}

fn options(transport: Transport) -> (ConversationOptions, PlayerOptions) {
    (
        ConversationOptions {
            unit_id: 1,
            transport,
        },
        PlayerOptions {
            unit_id: 1,
            transport,
        },
    )
}

#[test]
fn a_command_says_what_became_of_it() {
    balance();
    indicator();
    furnace();
}

#[test]
fn nothing_is_written_unless_it_is_allowed_by_name() {
    for driver in [balance(), indicator(), furnace()] {
        let (options, _) = options(Transport::ModbusTcp);
        let mut talk = Conversation::new(&driver, options);
        assert_eq!(talk.commands(), []);
        for id in 0..100 {
            let bytes = talk.ask(crate::QuestionId(id));
            if let crate::Speaks::Modbus(_) = driver.speaks {
                let function = bytes.get(7).copied().unwrap_or(3);
                assert!(matches!(function, 1..=4), "{bytes:02X?}");
            } else {
                assert!(!bytes.starts_with(b"Z") && !bytes.starts_with(b"T"), "{bytes:?}");
            }
        }
        // another name allows nothing either
        talk.allow(["calibrate"]);
        assert_eq!(talk.commands(), []);
    }
}

#[test]
fn what_stands_behind_a_window_is_no_question_while_the_window_may_not_be_opened() {
    let driver = indicator();
    let (options, _) = options(Transport::ModbusRtu);
    let mut talk = Conversation::new(&driver, options);
    assert_eq!(talk.questions(), []);
    talk.allow(["select_gross"]);
    let questions = talk.questions();
    assert_eq!((questions.len(), questions[0].role), (1, Role::Values));
    assert_eq!(talk.commands().len(), 1, "the tare is not allowed");
    let info = driver.commands();
    assert_eq!(
        (info[0].name.as_str(), info[0].opens.as_slice()),
        ("select_gross", ["gross".to_owned()].as_slice())
    );
    assert_eq!(info[1].writes, "12 into holding 1024");
}

#[test]
fn a_window_is_opened_waited_for_and_read_on_every_transport() {
    let driver = indicator();
    for transport in [Transport::ModbusTcp, Transport::ModbusRtu] {
        let (options, played) = options(transport);
        let mut player = Player::new(&driver, played);
        let mut talk = Conversation::new(&driver, options);
        talk.allow(["select_gross", "tare"]);
        let gross = talk.questions()[0].id;
        let mut heard = talk.hear(&player.hear(&talk.clone().ask(gross)));
        assert!(
            heard.is_empty() || heard[0].is_unasked(),
            "nothing was asked by this one"
        );
        talk.forget();
        let asked = talk.ask(gross);
        heard = talk.hear(&player.hear(&asked));
        assert_eq!(heard[0].heard_as, HeardAs::MoreFollows, "{heard:?}");
        let mut rounds = 0;
        while let Some((bytes, _)) = talk.go_on() {
            heard = talk.hear(&player.hear(&bytes));
            rounds += 1;
            assert!(rounds < 10);
        }
        assert_eq!(heard[0].heard_as, HeardAs::Answer);
        assert_eq!(heard[0].answers[0].1.to_string(), "123.45 kg");
        assert_eq!(heard[0].outcome, None, "a value was asked for, not a deed");
        // and the tare
        let tare = talk
            .commands()
            .into_iter()
            .find(|(name, _)| name == "tare")
            .unwrap()
            .1;
        assert_eq!(tare.role, Role::Command);
        heard = talk.hear(&player.hear(&talk.clone().ask(tare.id)));
        assert!(heard.is_empty() || heard[0].is_unasked());
        talk.forget();
        let asked = talk.ask(tare.id);
        heard = talk.hear(&player.hear(&asked));
        while let Some((bytes, _)) = talk.go_on() {
            heard = talk.hear(&player.hear(&bytes));
        }
        assert_eq!(heard[0].outcome, Some(Outcome::Done));
        assert!(player.take_commands().contains(&"tare".to_owned()));
    }
}

#[test]
fn a_command_given_up_is_not_proven_and_its_late_answer_proves_nothing() {
    let driver = furnace();
    let (options, played) = options(Transport::ModbusTcp);
    let mut player = Player::new(&driver, played);
    let mut talk = Conversation::new(&driver, options);
    talk.allow(["zero"]);
    let zero = talk.commands()[0].1.id;
    let late = player.hear(&talk.ask(zero));
    let given_up = talk.give_up().unwrap();
    assert_eq!(given_up.outcome, Some(Outcome::Unproven(record::Failure::Silent)));
    let heard = talk.hear(&late);
    assert!(heard[0].is_late() && heard[0].outcome.is_none(), "{heard:?}");
}

#[test]
fn an_instrument_does_only_what_its_driver_says() {
    let driver = furnace();
    let (_, played) = options(Transport::ModbusRtu);
    let mut player = Player::new(&driver, played);
    let other = crate::modbus::sealed(&[1, 6, 0, 5, 0, 9]);
    assert_eq!(player.hear(&other), crate::modbus::sealed(&[1, 0x86, 2]));
    assert_eq!(player.take_commands(), Vec::<String>::new());
}

#[test]
fn a_weight_that_is_printed_meanwhile_is_no_answer_to_a_command() {
    let driver = balance();
    let (options, _) = options(Transport::Serial);
    let mut talk = Conversation::new(&driver, options);
    talk.allow(["zero"]);
    let zero = talk.commands()[0].1.id;
    assert_eq!(talk.ask(zero), b"Z\r\n");
    let heard = talk.hear(b"S S      12.50 g\r\nZ D\r\n");
    assert!(heard[0].is_unasked() && heard[0].answers.is_empty(), "{heard:?}");
    assert_eq!(heard[1].outcome, Some(Outcome::Done));
}

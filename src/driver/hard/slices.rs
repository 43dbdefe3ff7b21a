//! Numbers that lie across registers, and what a new scale costs to wire in.

use super::{modbus, proven};
use crate::{Driver, Player, PlayerOptions, Transport};
use record::{Answer, Quantity, Value};

/// A weight of seventeen bits: status in the high byte of the first register, whose lowest bit is the weight's
/// highest.
fn seventeen_bits() -> Driver {
    proven(
        "hard",
        &modbus(
            r#"
        [modbus]
        [[read]]
        table = "holding"
        first = 0
        count = 2
        points = [
          { at = 0, measure = "weight", is = "uint32", bits = "0 to 16", one_count = "0.1 kg" },
          { at = 0, field = "status", is = "bits", bits = "8 to 15" },
        ]
        doubts = [ { about = "weight", when = "status bit 0 is set", quality = "bad", because = "overload" } ]
        [[sample]]
        says = "the seventeenth bit belongs to the weight, the status does not"
        send = "@01 03 00 00 00 02"
        hear = "@01 03 04 80 01 00 0A"
        gives = { weight = "6554.6 kg" }
        [[sample]]
        says = "a status above it takes the weight away"
        send = "@01 03 00 00 00 02"
        hear = "@01 03 04 01 00 00 0A"
        gives = { weight = "bad: overload" }
    "#,
        ),
    )
}

#[test]
fn a_weight_of_seventeen_bits_leaves_the_status_beside_it_alone() {
    let driver = seventeen_bits();
    let options = PlayerOptions {
        unit_id: 1,
        transport: Transport::ModbusRtu,
    };
    let mut player = Player::new(&driver, options);
    let weight = |text: &str| Answer::Good(Value::Quantity(Quantity::read(text).unwrap()));
    player.set("weight", weight("13107.1 kg")).unwrap();
    let asked = crate::modbus::sealed(&[1, 3, 0, 0, 0, 2]);
    assert_eq!(player.hear(&asked)[3..7], [0x80, 0x01, 0xFF, 0xFF]);
    assert!(
        player.set("weight", weight("13107.2 kg")).is_err(),
        "eighteen bits"
    );
}

#[test]
fn bits_that_are_not_there_are_refused() {
    for bits in ["0 to 32", "5 to 3", "some", "0 to 64"] {
        let text = modbus(&format!(
            "[modbus]\n[[read]]\ntable = \"holding\"\nfirst = 0\ncount = 2\n\
             points = [ {{ at = 0, measure = \"weight\", is = \"uint32\", bits = \"{bits}\", one_count = \"1 kg\" }} ]\n"
        ));
        let complaints = Driver::parse(&text, "hard.toml").unwrap_err();
        assert!(
            complaints.iter().any(|complaint| complaint.name == "no-bits"),
            "{bits}: {complaints:?}"
        );
    }
}

#[test]
fn a_new_scale_is_wired_in_with_twenty_five_lines_of_driver_and_six_of_configuration() {
    let page = include_str!("../../../docs/reference/driver.md");
    let block = |after: &str| {
        let rest = page.split(after).nth(1).unwrap();
        rest.split("```toml\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap()
    };
    let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
    let driver = block("## A scale that is asked for lines of text");
    // the samples are its proof, and are counted on their own
    let wired = driver.split("[[sample]]").next().unwrap();
    assert!(lines(wired) <= 25, "{} lines", lines(wired));
    let configuration = block("### Wiring it in");
    assert!(lines(configuration) <= 6, "{} lines", lines(configuration));
    let parsed = Driver::parse(driver, "example-balance.toml").unwrap();
    assert!(
        configuration.contains(&format!("driver            = {:?}", parsed.name)),
        "{configuration}"
    );
}

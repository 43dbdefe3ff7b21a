//! Values of OPC UA nodes to readings, on one core: deliveries of a thousand doubles, each with its status and both
//! its times, then a scale's structure with its flags. With `opcua` the same from the bytes of a notification on.

use super::{Figure, grouped, per_second};
use crate::{
    flow::needs::Clock,
    ports::clock::{self, SystemClock},
};
use driver::{
    Driver,
    nodes::{ItemId, NodeData, NodeHearing, NodeValue, Scalar},
};
use record::{Quality, Stamp, Trouble};
use std::{fmt::Write, time::Duration};

/// Doubles, then structures.
pub(super) fn measure(length: Duration) -> Result<Vec<Figure>, Trouble> {
    Ok(vec![doubles(length)?, weights(length)?])
}

const DOUBLES: u32 = 1000;

fn doubles(length: Duration) -> Result<Figure, Trouble> {
    let mut points = String::new();
    for value in 0..DOUBLES {
        // writing into a text does not fail
        let _ = writeln!(
            points,
            "{{ node = \"plant;s=Value{value}\", measure = \"value_{value}\", is = \"float64\", unit = \"°C\" }},"
        );
    }
    let text = format!(
        "format = 1\n[driver]\nname = \"bench\"\nedition = 1\ntitle = \"Values\"\nmaker = \"None\"\nspeaks = \"opc-ua\"\n\
         evidence = \"draft\"\n[opc_ua]\nnamespaces = {{ plant = \"urn:example:plant\" }}\n[[nodes]]\npoints = [\n{points}]\n"
    );
    let driver = Driver::parse(&text, "bench.toml");
    let driver = driver.map_err(|_| super::not_measured("the driver that was made for it is none"))?;
    let delivery: Vec<(ItemId, NodeValue)> = (0..DOUBLES)
        .map(|value| {
            (
                ItemId(value),
                timed(NodeData::Scalar(Scalar::Double(f64::from(value) * 0.1))),
            )
        })
        .collect();
    run(&driver, &delivery, "doubles", u64::from(DOUBLES), length)
}

/// The weighing model: 24 bytes of a structure, three flags, a unit.
fn weights(length: Duration) -> Result<Figure, Trouble> {
    let shipped = driver::builtin()
        .iter()
        .find(|(file, _)| *file == "opc-ua-scales.toml");
    let driver = shipped.and_then(|(file, text)| Driver::parse(text, file).ok());
    let driver = driver.ok_or_else(|| super::not_measured("the driver for scales is not there"))?;
    let player = driver::nodes::NodePlayer::new(&driver);
    let player = player.ok_or_else(|| super::not_measured("the driver for scales has no nodes"))?;
    let delivery: Vec<(ItemId, NodeValue)> = player
        .values()
        .map(|(item, value)| (item, timed(value.data.clone())))
        .collect();
    let readings = delivery.len() as u64;
    run(&driver, &delivery, "nodes of a scale", readings, length)
}

fn timed(data: NodeData) -> NodeValue {
    NodeValue {
        source_time: Some(Stamp(1_795_000_000_000)),
        server_time: Some(Stamp(1_795_000_000_020)),
        ..NodeValue::of(data)
    }
}

/// Hears the same delivery again and again; every reading must be a good value.
fn run(
    driver: &Driver,
    delivery: &[(ItemId, NodeValue)],
    what: &'static str,
    changes: u64,
    length: Duration,
) -> Result<Figure, Trouble> {
    let mut hearing = NodeHearing::new(driver).ok_or_else(|| super::not_measured("nothing is heard"))?;
    let clock = SystemClock::new();
    let (begun, before) = (clock.elapsed(), clock::on_the_core());
    let (mut heard, mut readings) = (0_u64, 0_u64);
    loop {
        let said = hearing.hear(delivery);
        let good = said
            .readings
            .iter()
            .filter(|reading| reading.answer.quality() == Quality::Good);
        readings += good.count() as u64;
        heard += changes;
        if readings == 0 {
            return Err(super::not_measured("a value was not understood"));
        }
        let took = clock.elapsed().saturating_sub(begun);
        if took >= length {
            let on_the_core = clock::on_the_core().saturating_sub(before);
            let share = on_the_core.as_secs_f64() / took.as_secs_f64().max(1e-9);
            return Ok(Figure {
                name: "nodes",
                value: per_second(heard, took),
                unit: "values/s",
                target: Some(100_000.0),
                at_most: false,
                said: format!(
                    "{what}, {changes} in a delivery, {} readings/s, on one core that was ours {:.0} % of the time",
                    grouped(per_second(readings, took)),
                    share * 100.0
                ),
                conditions: vec![
                    ("values", heard as f64),
                    ("readings", readings as f64),
                    ("share_of_the_core", share),
                    ("seconds", took.as_secs_f64()),
                ],
            });
        }
    }
}

//! Equipment that stands in no configuration: somewhere on a desk, with a cable to this machine.

use crate::config::{self, Source, plant::Equipment};
use driver::{Driver, Speaks};
use record::Trouble;

/// Equipment with this driver at this place: a serial port's path, or host and port.
pub(crate) fn bench_equipment(
    driver: Driver,
    at: &str,
    unit_id: Option<u8>,
    line: Option<&String>,
) -> Result<Equipment, Trouble> {
    let registers = matches!(driver.speaks, Speaks::Modbus(_));
    let link = match (at.contains('/'), registers) {
        (true, true) => "modbus_rtu",
        (true, false) => "serial",
        (false, true) => "modbus_tcp",
        (false, false) => "tcp",
    };
    let (stands_in, edition, point) = if registers {
        ("tc200", 2, "temperature")
    } else {
        ("generic-text-scale", 1, "weight")
    };
    let mut block = format!("driver = \"{stands_in}\"\nedition = {edition}\n{link} = {at:?}\n");
    if let Some(line) = line.filter(|_| at.contains('/')) {
        block.push_str(&format!("line = {line:?}\n"));
    }
    if registers {
        block.push_str(&format!("unit_id = {}\n", unit_id.unwrap_or(1)));
    }
    let text = format!(
        "format = 1\n[gateway]\nname = \"bench\"\nplant = \"bench\"\nledger = \"/nowhere/bench.ledger\"\n\
         [record_store]\nbroker = \"mqtts://nowhere.example\"\nkey = \"/nowhere/key.jwk\"\n\
         [equipment.BENCH]\n{block}record_with_draft = true\n\
         [unit.BENCH]\nkind = \"bench\"\nroles = {{ value = \"BENCH.{point}\" }}\n\
         [[capture]]\nat = \"BENCH\"\nwhat = \"value\"\nevery = \"5 s\"\n"
    );
    let source = Source {
        name: "bench".into(),
        text,
        drivers: Vec::new(),
        recipes: Vec::new(),
    };
    let plant = config::read(source.clone()).map_err(|complaints| {
        let first = complaints.first().map(|one| one.what.clone()).unwrap_or_default();
        Trouble::new("no-such-place", format!("nothing can be asked there: {first}"))
            .at(at)
            .means("nothing was asked")
            .so("give --at as HOST:PORT or as a port's path, and --line as \"9600 8N1\"")
    })?;
    let found = plant.equipment.into_values().next();
    let mut equipment =
        found.ok_or_else(|| Trouble::new("no-such-place", "nothing can be asked there").at(at))?;
    at.clone_into(&mut equipment.tag);
    equipment.title.clone_from(&driver.title);
    equipment.edition = driver.edition;
    equipment.driver = driver;
    Ok(equipment)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::plant::Link;

    fn builtin(name: &str) -> Driver {
        let (file, text) = driver::builtin()
            .iter()
            .find(|(file, _)| *file == format!("{name}.toml"))
            .unwrap();
        Driver::parse(text, file).unwrap()
    }

    #[test]
    fn every_shipped_driver_can_be_tried_without_a_configuration() {
        for (file, text) in driver::builtin() {
            let driver = Driver::parse(text, file).unwrap();
            for at in ["10.30.4.15:502", "/dev/ttyUSB0"] {
                let equipment = bench_equipment(driver.clone(), at, None, None);
                assert_eq!(equipment.map(|one| one.tag), Ok(at.to_owned()), "{file}");
            }
        }
    }

    #[test]
    fn the_settings_of_a_port_are_those_that_were_said() {
        let line = "9600 8N1".to_owned();
        let equipment = bench_equipment(builtin("tc200"), "/dev/ttyUSB0", Some(7), Some(&line)).unwrap();
        assert_eq!(equipment.unit_id, Some(7));
        assert_eq!(
            equipment.link,
            Link::ModbusRtu {
                path: "/dev/ttyUSB0".into(),
                line: Some(line)
            }
        );
        let wrong = "9600".to_owned();
        assert!(bench_equipment(builtin("tc200"), "/dev/ttyUSB0", None, Some(&wrong)).is_err());
    }
}

//! `[signal]`: where the line is told whether it is recorded, and which unit has which place.

use crate::config::{block::Page, plant::Signal, written};
use driver::Complaint;
use std::net::SocketAddr;

/// A block of so many units is read with one question.
const MOST_UNITS: usize = 14;

pub(super) fn signal(
    page: &Page,
    written: Option<&written::Signal>,
    known: &[written::Unit],
) -> Option<Signal> {
    let written = written?;
    let mut units: Vec<String> = Vec::new();
    for unit in &written.units {
        let name = unit.get_ref();
        if !known.iter().any(|known| known.name.get_ref() == name) {
            page.add(
                Complaint::new("no-such-unit", format!("{name:?} is no unit of this line"))
                    .mark(unit.span(), "")
                    .why("a controller that reads this place would be told about nothing")
                    .help("name units as their blocks [unit.NAME] do"),
            );
        } else if units.contains(name) {
            page.add(
                Complaint::new("unit-twice", format!("{name:?} has a place in the block already"))
                    .mark(unit.span(), "again")
                    .help("name every unit once"),
            );
        } else {
            units.push(name.clone());
        }
    }
    if written.units.is_empty() {
        page.add(
            Complaint::new(
                "signal-without-units",
                "[signal] says of no unit whether it is recorded",
            )
            .mark(written.place.clone(), "")
            .why("a controller counts on the place of each unit, so the places are said and not guessed")
            .help("add units = [\"MX-3\"]; a unit that comes later goes to the end"),
        );
    }
    if written.units.len() > MOST_UNITS {
        page.add(
            Complaint::new(
                "signal-too-long",
                format!("{} units do not fit into the block", written.units.len()),
            )
            .mark(written.place.clone(), "")
            .why("the whole block is read with one question, of 125 registers at most")
            .help(format!(
                "name {MOST_UNITS} units at most; a gateway for each line keeps them apart"
            )),
        );
    }
    let listen = written.listen.as_ref()?;
    let Ok(address) = listen.get_ref().parse::<SocketAddr>() else {
        page.add(
            Complaint::new(
                "address-not-understood",
                format!("{:?} is no address to listen at", listen.get_ref()),
            )
            .mark(listen.span(), "")
            .help("write the address of this machine in the line's network, and a port: listen = \"10.30.4.2:1502\""),
        );
        return None;
    };
    Some(Signal {
        listen: address,
        units,
    })
}

//! From the plant to its lines: equipment that shares a line shares one owner.

use super::{Asked, Matching, Plan, SERIAL_NUMBER, Standings};
use crate::{
    config::plant::{self, Equipment},
    flow::needs::{Address, Handshake, Line},
};
use driver::{Comes, Conversation, ConversationOptions, LineSettings, Speaks, Transport};
use std::path::Path;

impl Plan {
    /// Every line of a plant, with its address.
    pub fn all<'p>(equipment: impl IntoIterator<Item = &'p Equipment>) -> Vec<(Address, Self)> {
        let mut lines: Vec<(Address, Self)> = Vec::new();
        for equipment in equipment {
            if matches!(equipment.link, plant::Link::OpcUa(_)) {
                continue; // a server has a state machine of its own
            }
            let (address, plan) = Self::of(equipment);
            match lines.iter_mut().find(|(known, _)| same_line(known, &address)) {
                Some((_, line)) => line.equipment.extend(plan.equipment),
                None => lines.push((address, plan)),
            }
        }
        for (place, (_, line)) in lines.iter_mut().enumerate() {
            line.seed = place as u64 + 1;
        }
        lines
    }

    /// The line of one equipment alone.
    pub fn of(equipment: &Equipment) -> (Address, Self) {
        let driver = &equipment.driver;
        let registers = matches!(driver.speaks, Speaks::Modbus(_));
        let (transport, address) = match &equipment.link {
            plant::Link::ModbusTcp(at) => (Transport::ModbusTcp, Address::Tcp(at.clone())),
            plant::Link::ModbusRtuTcp(at) => (Transport::ModbusRtu, Address::Tcp(at.clone())),
            plant::Link::Tcp(at) if registers => (Transport::ModbusRtu, Address::Tcp(at.clone())),
            plant::Link::Tcp(at) => (Transport::Tcp, Address::Tcp(at.clone())),
            plant::Link::OpcUa(server) => (Transport::Tcp, Address::Tcp(server.url.clone())),
            plant::Link::ModbusRtu { path, line } => {
                (Transport::ModbusRtu, serial(path, line.as_deref(), driver.line()))
            }
            plant::Link::Serial { path, line } => {
                let transport = if registers {
                    Transport::ModbusRtu
                } else {
                    Transport::Serial
                };
                (transport, serial(path, line.as_deref(), driver.line()))
            }
        };
        let options = ConversationOptions {
            unit_id: equipment.unit_id.unwrap_or(1),
            transport,
        };
        let mut conversation = Conversation::new(driver, options);
        conversation.allow(equipment.allow.iter().cloned());
        let points = driver.points();
        let expected = points.iter().filter(|point| point.comes != Comes::WhenPrinted);
        let asked = Asked {
            tag: equipment.tag.clone(),
            conversation,
            unit: registers.then_some(options.unit_id),
            every: equipment.every,
            known: equipment
                .serial_number
                .iter()
                .map(|number| (SERIAL_NUMBER.to_owned(), number.clone()))
                .collect(),
            doubt: None,
            out_of_service: false,
            measures: expected.map(|point| point.measure.clone()).collect(),
            talks: points.iter().any(|point| point.comes == Comes::ByItself),
        };
        let (name, speed) = match &address {
            Address::Serial(path, line) => (path.display().to_string(), Some(line.speed)),
            Address::Tcp(at) => (at.clone(), None),
        };
        let matching = match transport {
            Transport::ModbusTcp => Matching::Number,
            Transport::ModbusRtu => Matching::Address,
            Transport::Serial | Transport::Tcp => Matching::Nothing,
        };
        (
            address,
            Self {
                name,
                matching,
                speed,
                equipment: vec![asked],
                lent: false,
                seed: 1,
            },
        )
    }
}

impl Plan {
    /// What the record says of its equipment: known, in doubt, out of service, lent.
    pub fn as_it_stands(&mut self, plant: &plant::Plant, standings: &Standings) {
        for asked in &mut self.equipment {
            let standing = standings.of(&asked.tag);
            let configured = plant.equipment.get(&asked.tag);
            let configured = configured.and_then(|equipment| equipment.serial_number.as_deref());
            asked.known = standing.expected(configured);
            asked.doubt = standing.doubt.map(|doubt| doubt.because);
            asked.out_of_service = standing.out.is_some();
            self.lent |= standing.lent.is_some();
        }
    }
}

/// One port cannot have two settings; the first equipment's hold, and `config` refuses two that differ.
fn same_line(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Serial(one, _), Address::Serial(other, _)) => one == other,
        (Address::Tcp(one), Address::Tcp(other)) => one == other,
        _ => false,
    }
}

fn serial(path: &Path, written: Option<&str>, factory: LineSettings) -> Address {
    let settings = written.and_then(|text| line(text, factory)).unwrap_or(factory);
    let handshake = match settings.handshake {
        driver::Handshake::None => Handshake::None,
        driver::Handshake::XonXoff => Handshake::XonXoff,
        driver::Handshake::RtsCts => Handshake::RtsCts,
    };
    let line = Line {
        speed: settings.speed,
        data_bits: settings.data_bits,
        parity: settings.parity,
        stop_bits: settings.stop_bits,
        handshake,
    };
    Address::Serial(path.to_owned(), line)
}

/// Reads `19200 8E1`; flow control stays the driver's.
pub fn line(text: &str, factory: LineSettings) -> Option<LineSettings> {
    let (speed, frame) = text.trim().split_once(' ')?;
    LineSettings::read(speed.parse().ok()?, frame.trim(), factory.handshake)
}

//! Listen in on one equipment: what it answered since this was asked last, byte for byte, as JSON. Asks the equipment
//! nothing of its own; the gateway stays the one owner of its line.

use super::{Act, Asked, Carry, Core};
use record::{Failure, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "listen",
    carry: Carry::Look(look),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Listen {
    pub(crate) tag: String,
}

/// What was heard of one equipment.
#[derive(Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) driver: String,
    pub(crate) edition: u32,
    /// SHA-256 of the driver that runs, in hexadecimal digits.
    pub(crate) sha256: String,
    /// What the equipment rests on: `draft`, `documented`, `bench`, `plant`.
    pub(crate) evidence: String,
    pub(crate) readings: Vec<HeardReading>,
}

/// One answer of one point.
#[derive(Serialize, Deserialize)]
pub(crate) struct HeardReading {
    pub(crate) measure: String,
    /// In the words of samples and screens.
    pub(crate) answer: String,
    pub(crate) failure: Option<String>,
    pub(crate) raw: Vec<u8>,
    /// By the clock of the gateway, in milliseconds: when the question went out, when the last byte came.
    pub(crate) asked: i64,
    pub(crate) time: i64,
}

fn look(core: &Core, asked: &Asked) -> Result<String, Trouble> {
    let Listen { tag } = asked.read()?;
    let Some(equipment) = core.plant.equipment.get(&tag) else {
        return Err(Trouble::new(
            "no-such-equipment",
            format!("no equipment of the gateway that runs is named {tag:?}"),
        )
        .means("nothing was asked; what is recorded is not concerned")
        .so("if it is new in the configuration, apply it: steelyard apply"));
    };
    let readings = core.state.tap.take(&tag, core.clock.elapsed());
    let heard = Heard {
        driver: equipment.driver.name.clone(),
        edition: equipment.edition,
        sha256: equipment
            .driver
            .sha256()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        evidence: core.state.accepted.evidence(equipment).word().to_owned(),
        readings: readings
            .into_iter()
            .map(|reading| HeardReading {
                measure: reading.point.measure,
                answer: reading.answer.to_string(),
                failure: reading.failure.map(Failure::word).map(str::to_owned),
                raw: reading.raw,
                asked: reading.asked.0,
                time: reading.time.0,
            })
            .collect(),
    };
    Ok(serde_json::to_string(&heard).unwrap_or_default())
}

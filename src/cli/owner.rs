//! Whose a line is: one owner per line, so the bench asks before it touches one.

use super::acts;
use crate::{
    config::{Source, plant::Plant},
    daemon::acts::{Asked, listen::Listen},
    flow::{link::Plan, needs::Address},
};
use record::Trouble;

/// Whether a gateway runs on this configuration's ledger and has this equipment.
pub(super) async fn gateway_has(source: &Source, tag: &str) -> Result<bool, Trouble> {
    let asked = Asked::to("listen", &Listen { tag: tag.to_owned() });
    Ok(acts::ask(source, &asked).await?.is_some_and(|reply| reply.done))
}

/// The equipment of a running gateway that has this line, by tag.
pub(super) async fn holder(
    source: &Source,
    plant: &Plant,
    address: &Address,
) -> Result<Option<String>, Trouble> {
    for equipment in plant.equipment.values() {
        let (line, _) = Plan::of(equipment);
        if same_line(&line, address) && gateway_has(source, &equipment.tag).await? {
            return Ok(Some(equipment.tag.clone()));
        }
    }
    Ok(None)
}

fn same_line(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Tcp(one), Address::Tcp(other)) => one == other,
        (Address::Serial(one, _), Address::Serial(other, _)) => {
            // a stable id is a link to the port
            let real = |path: &std::path::Path| crate::ports::files::real_path(path);
            real(one) == real(other)
        }
        _ => false,
    }
}

//! EngineeringUnits: the UNECE code's characters packed into a number, and the units of our table they stand for.

use super::{NodeData, Scalar};
use record::Unit;

/// The namespace in which a unit id is a UNECE code.
pub const UNECE_UNITS: &str = "http://www.opcfoundation.org/UA/units/un/cefact";

/// UCUM and UNECE. Where one unit has two codes the first is what we write.
const CODES: &[(&str, &str)] = &[
    ("kg", "KGM"),
    ("g", "GRM"),
    ("mg", "MGM"),
    ("ug", "MC"),
    ("t", "TNE"),
    ("[lb_av]", "LBR"),
    ("[oz_av]", "ONZ"),
    ("[oz_tr]", "APZ"),
    ("[car_m]", "CTM"),
    ("N", "NEW"),
    ("1", "C62"),
    ("%", "P1"),
    ("Cel", "CEL"),
    ("K", "KEL"),
    ("[degF]", "FAH"),
    ("/min", "RPM"),
    ("bar", "BAR"),
    ("mbar", "MBR"),
    ("kPa", "KPA"),
    ("Pa", "PAL"),
    ("L/min", "L2"),
    ("L", "LTR"),
    ("mL", "MLT"),
    ("kg/h", "E93"),
    ("kg/s", "KGS"),
    ("A", "AMP"),
    ("mA", "4K"),
    ("V", "VLT"),
    ("mV", "2Z"),
    ("W", "WTT"),
    ("kW", "KWT"),
    ("kW.h", "KWH"),
    ("N.m", "NU"),
    ("Hz", "HTZ"),
    ("s", "SEC"),
    ("ms", "C26"),
    ("min", "MIN"),
    ("h", "HUR"),
    ("d", "DAY"),
    ("mPa.s", "C24"),
    ("[pH]", "Q30"),
    ("kg/m3", "KMQ"),
    ("g/L", "GL"),
];

fn packed(code: &str) -> i32 {
    code.bytes().fold(0, |sum, byte| sum << 8 | i32::from(byte))
}

/// The unit id a server gives for a unit.
///
/// ```
/// use driver::nodes::{unece_id, unit_of_unece_id};
/// let kg = record::Unit::named("kg").unwrap();
/// assert_eq!(unece_id(kg), Some(4_933_453));
/// assert_eq!(unit_of_unece_id(4_408_652).unwrap().shown(), "°C");
/// ```
pub fn unece_id(unit: Unit) -> Option<i32> {
    CODES
        .iter()
        .find(|(ucum, _)| *ucum == unit.ucum())
        .map(|(_, code)| packed(code))
}

/// The unit a unit id stands for, if it is one of ours.
pub fn unit_of_unece_id(id: i32) -> Option<Unit> {
    let found = CODES.iter().find(|(_, code)| packed(code) == id);
    found.and_then(|(ucum, _)| Unit::named(ucum))
}

/// What an EUInformation says, in our table. Its number counts where the namespace says what it is;
/// else the name it shows, which must be ours to the letter.
pub(crate) fn unit_said(data: &NodeData) -> Option<Unit> {
    let NodeData::Structure(fields) = data else {
        return None;
    };
    let field = |name: &str| {
        fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, data)| data)
    };
    let namespace = match field("NamespaceUri") {
        Some(NodeData::Scalar(Scalar::String(uri))) => uri.as_str(),
        _ => "",
    };
    if namespace == UNECE_UNITS {
        return match field("UnitId") {
            Some(NodeData::Scalar(Scalar::Int32(id))) => unit_of_unece_id(*id),
            _ => None,
        };
    }
    match field("DisplayName") {
        Some(NodeData::Scalar(Scalar::LocalizedText(name) | Scalar::String(name))) => {
            Unit::named(name.trim())
        }
        _ => None,
    }
}

/// What a Range says: low and high.
pub(crate) fn range_said(data: &NodeData) -> Option<(f64, f64)> {
    let NodeData::Structure(fields) = data else {
        return None;
    };
    let field = |name: &str| match fields.iter().find(|(known, _)| known == name)? {
        (_, NodeData::Scalar(Scalar::Double(number))) => Some(*number),
        _ => None,
    };
    Some((field("Low")?, field("High")?))
}

/// `kg` as the EUInformation a server has for it, `0 to 500` as its Range.
pub(crate) fn said(text: &str) -> Option<NodeData> {
    let scalar = |name: &str, scalar| (name.to_owned(), NodeData::Scalar(scalar));
    if let Some((low, high)) = text.split_once(" to ") {
        let (low, high) = (low.parse().ok()?, high.parse().ok()?);
        return Some(NodeData::Structure(vec![
            scalar("Low", Scalar::Double(low)),
            scalar("High", Scalar::Double(high)),
        ]));
    }
    let unit = Unit::named(text)?;
    let id = unece_id(unit);
    let namespace = if id.is_some() { UNECE_UNITS } else { "" };
    Some(NodeData::Structure(vec![
        scalar("NamespaceUri", Scalar::String(namespace.to_owned())),
        scalar("UnitId", Scalar::Int32(id.unwrap_or(-1))),
        scalar("DisplayName", Scalar::LocalizedText(unit.shown().to_owned())),
        scalar("Description", Scalar::LocalizedText(unit.shown().to_owned())),
    ]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_code_is_of_a_unit_of_our_table_and_of_one_only() {
        for (at, (ucum, code)) in CODES.iter().enumerate() {
            assert!(
                Unit::named(ucum).is_some_and(|unit| unit.ucum() == *ucum),
                "{ucum}"
            );
            assert!((1..=3).contains(&code.len()), "{code}");
            assert!(
                CODES[..at]
                    .iter()
                    .all(|(other, known)| known != code && other != ucum),
                "{code}"
            );
        }
    }

    #[test]
    fn the_published_numbers_are_the_packed_codes() {
        for (unit, id) in [
            ("kg", 4_933_453),
            ("g", 4_674_125),
            ("°C", 4_408_652),
            ("%", 20_529),
            ("rpm", 5_394_509),
        ] {
            assert_eq!(unece_id(Unit::named(unit).unwrap()), Some(id), "{unit}");
        }
    }
}

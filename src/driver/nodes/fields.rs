//! From a node's value to a field that sentences and measures understand. A value of another type than the
//! driver expects is no value: nobody converts.

use super::{NodeData, NodeIs, Pick, Scalar, Structure, body};
use crate::meaning::Field;
use std::borrow::Cow;

/// A text that is longer is not a phase name.
const LONGEST_TEXT: usize = 1024;

/// The field a pick means, or why there is none.
pub(crate) fn field_of(data: &NodeData, pick: &Pick, structures: &[Structure]) -> Result<Field, String> {
    let unexpected = || "unexpected".to_owned();
    let mut data = Cow::Borrowed(data);
    if let Some(element) = pick.element {
        data = match data.as_ref() {
            NodeData::Array(items) => {
                let item = items.get(element).cloned();
                Cow::Owned(item.ok_or_else(|| "no such element".to_owned())?)
            }
            _ => return Err(unexpected()),
        };
    }
    if !pick.member.is_empty() {
        if let NodeData::Encoded { .. } = data.as_ref() {
            data = Cow::Owned(taken_apart(&data, structures).ok_or_else(unexpected)?);
        }
        return field(member_of(&data, &pick.member).ok_or_else(unexpected)?, pick.is).ok_or_else(unexpected);
    }
    field(&data, pick.is).ok_or_else(unexpected)
}

/// A structure as bytes, taken apart by the list the driver has for its encoding.
pub(crate) fn taken_apart(data: &NodeData, structures: &[Structure]) -> Option<NodeData> {
    let NodeData::Encoded {
        namespace,
        identifier,
        body,
    } = data
    else {
        return Some(data.clone());
    };
    let known = |structure: &Structure| {
        structure.identifier == *identifier && structure.namespaces.contains(namespace)
    };
    body::decode(body, structures.iter().position(known)?, structures)
}

fn member_of<'d>(data: &'d NodeData, path: &[String]) -> Option<&'d NodeData> {
    let Some((first, rest)) = path.split_first() else {
        return Some(data);
    };
    match data {
        NodeData::Structure(fields) => {
            let (_, field) = fields.iter().find(|(name, _)| name == first)?;
            member_of(field, rest)
        }
        NodeData::Array(items) => member_of(items.get(first.parse::<usize>().ok()?)?, rest),
        _ => None,
    }
}

fn field(data: &NodeData, is: NodeIs) -> Option<Field> {
    let NodeData::Scalar(scalar) = data else {
        return None;
    };
    let fits = match is {
        NodeIs::Number => !matches!(scalar, Scalar::Boolean(_)),
        NodeIs::Text | NodeIs::LocalText => true,
        is => is.scalar_name() == Some(scalar.type_name()),
    };
    if !fits {
        return None;
    }
    if let Scalar::String(text)
    | Scalar::LocalizedText(text)
    | Scalar::Guid(text)
    | Scalar::QualifiedName(text) = scalar
    {
        let sound = text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control);
        let wanted = matches!(is, NodeIs::Text | NodeIs::LocalText) && sound;
        return wanted.then(|| Field::Text(text.clone().into_bytes()));
    }
    if matches!(is, NodeIs::Text | NodeIs::LocalText) {
        return None;
    }
    Some(match scalar {
        Scalar::Boolean(flag) => Field::Flag(*flag),
        Scalar::SByte(number) => Field::Count(i128::from(*number)),
        Scalar::Byte(number) => Field::Count(i128::from(*number)),
        Scalar::Int16(number) => Field::Count(i128::from(*number)),
        Scalar::UInt16(number) => Field::Count(i128::from(*number)),
        Scalar::Int32(number) => Field::Count(i128::from(*number)),
        Scalar::UInt32(number) => Field::Count(i128::from(*number)),
        Scalar::Int64(number) => Field::Count(i128::from(*number)),
        Scalar::UInt64(number) => Field::Count(i128::from(*number)),
        // the fewest digits that give the same float again, of its own width
        Scalar::Float(number) => crate::registers::float(f64::from(*number), number.to_string(), true),
        Scalar::Double(number) => crate::registers::float(*number, number.to_string(), false),
        Scalar::DateTime(time) => Field::Text(time.to_string().into_bytes()),
        _ => return None,
    })
}

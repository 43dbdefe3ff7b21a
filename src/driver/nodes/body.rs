//! Structures taken apart: the bytes of an extension object, by the list of members the driver gives. What is
//! shorter, longer or deeper than its type is no value at all.

use super::{NodeData, NodeIs, Scalar, Structure};
use record::Stamp;

/// One member of a structure, in its order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) is: MemberIs,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberIs {
    One(NodeIs),
    /// Another structure of the same driver.
    Structure(usize),
    /// A value that says its own type.
    Variant,
    Array(Box<MemberIs>),
}

/// No list of a structure is longer, and no structure deeper: a hostile length costs nothing.
const MOST_ELEMENTS: usize = 4096;
const DEEPEST: usize = 8;

/// Takes a body apart; `None` where it is not exactly of that type.
pub(crate) fn decode(body: &[u8], structure: usize, structures: &[Structure]) -> Option<NodeData> {
    let mut bytes = Bytes { rest: body };
    let data = bytes.structure(structure, structures, 0)?;
    bytes.rest.is_empty().then_some(data)
}

struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn structure(&mut self, at: usize, structures: &[Structure], depth: usize) -> Option<NodeData> {
        if depth > DEEPEST {
            return None;
        }
        let mut fields = Vec::new();
        for member in &structures.get(at)?.members {
            fields.push((member.name.clone(), self.member(&member.is, structures, depth)?));
        }
        Some(NodeData::Structure(fields))
    }

    fn member(&mut self, is: &MemberIs, structures: &[Structure], depth: usize) -> Option<NodeData> {
        match is {
            MemberIs::One(is) => self.scalar(*is).map(NodeData::Scalar),
            MemberIs::Structure(at) => self.structure(*at, structures, depth + 1),
            MemberIs::Variant => self.variant(),
            MemberIs::Array(of) => {
                let count = self.count()?;
                let items: Option<Vec<NodeData>> = (0..count)
                    .map(|_| self.member(of, structures, depth + 1))
                    .collect();
                items.map(NodeData::Array)
            }
        }
    }

    /// A length; −1 is none.
    fn count(&mut self) -> Option<usize> {
        let count = i32::from_le_bytes(self.array()?);
        let count = usize::try_from(count.max(0)).ok()?;
        (count <= MOST_ELEMENTS && count <= self.rest.len()).then_some(count)
    }

    fn text(&mut self) -> Option<String> {
        let length = i32::from_le_bytes(self.array()?);
        let bytes = self.take(usize::try_from(length.max(0)).ok()?)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    fn local_text(&mut self) -> Option<String> {
        let [mask] = self.array()?;
        if mask & 1 != 0 {
            self.text()?;
        }
        if mask & 2 != 0 {
            self.text()
        } else {
            Some(String::new())
        }
    }

    fn scalar(&mut self, is: NodeIs) -> Option<Scalar> {
        Some(match is {
            NodeIs::Boolean => Scalar::Boolean(self.array::<1>()? != [0]),
            NodeIs::Int8 => Scalar::SByte(i8::from_le_bytes(self.array()?)),
            NodeIs::Uint8 => Scalar::Byte(u8::from_le_bytes(self.array()?)),
            NodeIs::Int16 => Scalar::Int16(i16::from_le_bytes(self.array()?)),
            NodeIs::Uint16 => Scalar::UInt16(u16::from_le_bytes(self.array()?)),
            NodeIs::Int32 => Scalar::Int32(i32::from_le_bytes(self.array()?)),
            NodeIs::Uint32 => Scalar::UInt32(u32::from_le_bytes(self.array()?)),
            NodeIs::Int64 => Scalar::Int64(i64::from_le_bytes(self.array()?)),
            NodeIs::Uint64 => Scalar::UInt64(u64::from_le_bytes(self.array()?)),
            NodeIs::Float32 => Scalar::Float(f32::from_le_bytes(self.array()?)),
            NodeIs::Float64 | NodeIs::Number => Scalar::Double(f64::from_le_bytes(self.array()?)),
            NodeIs::Text => Scalar::String(self.text()?),
            NodeIs::LocalText => Scalar::LocalizedText(self.local_text()?),
            NodeIs::Time => Scalar::DateTime(stamp(i64::from_le_bytes(self.array()?))?),
        })
    }

    /// A scalar that says its own type.
    fn variant(&mut self) -> Option<NodeData> {
        let [kind] = self.array()?;
        let is = match kind {
            0 => return Some(NodeData::None),
            1 => NodeIs::Boolean,
            2 => NodeIs::Int8,
            3 => NodeIs::Uint8,
            4 => NodeIs::Int16,
            5 => NodeIs::Uint16,
            6 => NodeIs::Int32,
            7 => NodeIs::Uint32,
            8 => NodeIs::Int64,
            9 => NodeIs::Uint64,
            10 => NodeIs::Float32,
            11 => NodeIs::Float64,
            12 => NodeIs::Text,
            13 => NodeIs::Time,
            21 => NodeIs::LocalText,
            _ => return None,
        };
        self.scalar(is).map(NodeData::Scalar)
    }
}

/// A structure as it travels; `None` where a member has no place in it.
pub(crate) fn encode(
    data: &NodeData,
    is: &MemberIs,
    structures: &[Structure],
    out: &mut Vec<u8>,
) -> Option<()> {
    match (data, is) {
        (NodeData::Structure(fields), MemberIs::Structure(at)) => {
            for member in &structures.get(*at)?.members {
                let (_, field) = fields.iter().find(|(name, _)| *name == member.name)?;
                encode(field, &member.is, structures, out)?;
            }
        }
        (NodeData::Array(items), MemberIs::Array(of)) => {
            out.extend(i32::try_from(items.len()).ok()?.to_le_bytes());
            for item in items {
                encode(item, of, structures, out)?;
            }
        }
        (NodeData::None, MemberIs::Variant) => out.push(0),
        (NodeData::Scalar(scalar), MemberIs::One(_)) => encode_scalar(scalar, out)?,
        _ => return None,
    }
    Some(())
}

fn encode_scalar(scalar: &Scalar, out: &mut Vec<u8>) -> Option<()> {
    let text = |text: &str, out: &mut Vec<u8>| {
        out.extend(i32::try_from(text.len()).unwrap_or(-1).to_le_bytes());
        out.extend(text.as_bytes());
    };
    match scalar {
        Scalar::Boolean(flag) => out.push(u8::from(*flag)),
        Scalar::SByte(number) => out.extend(number.to_le_bytes()),
        Scalar::Byte(number) => out.push(*number),
        Scalar::Int16(number) => out.extend(number.to_le_bytes()),
        Scalar::UInt16(number) => out.extend(number.to_le_bytes()),
        Scalar::Int32(number) => out.extend(number.to_le_bytes()),
        Scalar::UInt32(number) => out.extend(number.to_le_bytes()),
        Scalar::Int64(number) => out.extend(number.to_le_bytes()),
        Scalar::UInt64(number) => out.extend(number.to_le_bytes()),
        Scalar::Float(number) => out.extend(number.to_le_bytes()),
        Scalar::Double(number) => out.extend(number.to_le_bytes()),
        Scalar::String(said) => text(said, out),
        Scalar::LocalizedText(said) => {
            out.push(2);
            text(said, out);
        }
        Scalar::DateTime(time) => out.extend(ticks(*time).to_le_bytes()),
        _ => return None,
    }
    Some(())
}

/// Our time as a server has it.
pub fn ticks(time: Stamp) -> i64 {
    time.0.saturating_add(BETWEEN).saturating_mul(10_000)
}

/// Milliseconds between 1601 and 1970.
const BETWEEN: i64 = 11_644_473_600_000;

/// 100 ns since 1601 as our milliseconds since 1970.
pub(crate) fn stamp(ticks: i64) -> Option<Stamp> {
    (ticks > 0).then(|| Stamp(ticks / 10_000 - BETWEEN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn weight() -> Vec<Structure> {
        let member = |name: &str| Member {
            name: name.to_owned(),
            is: MemberIs::One(NodeIs::Float64),
        };
        vec![Structure {
            name: "WeightType".to_owned(),
            namespaces: vec!["http://opcfoundation.org/UA/Scales".to_owned()],
            identifier: "i=88".to_owned(),
            members: vec![member("Gross"), member("Net"), member("Tare")],
        }]
    }

    #[test]
    fn the_weight_of_the_companion_model_is_three_doubles_and_nothing_else() {
        let body = [12.5_f64, 10.0, 2.5].map(f64::to_le_bytes).concat();
        let field = |name: &str, number| (name.to_owned(), NodeData::Scalar(Scalar::Double(number)));
        let wanted = NodeData::Structure(vec![field("Gross", 12.5), field("Net", 10.0), field("Tare", 2.5)]);
        assert_eq!(decode(&body, 0, &weight()), Some(wanted));
        assert_eq!(decode(&body[..23], 0, &weight()), None);
        assert_eq!(decode(&[&body[..], &[0]].concat(), 0, &weight()), None);
    }

    #[test]
    fn a_length_that_lies_costs_nothing() {
        let list = vec![Structure {
            members: vec![Member {
                name: "List".to_owned(),
                is: MemberIs::Array(Box::new(MemberIs::Variant)),
            }],
            ..weight().remove(0)
        }];
        for length in [i32::MAX, 5000, 4] {
            let body = [&length.to_le_bytes()[..], &[1, 1]].concat();
            assert_eq!(decode(&body, 0, &list), None, "{length}");
        }
        let body = [&2_i32.to_le_bytes()[..], &[1, 1, 1, 0]].concat();
        assert!(decode(&body, 0, &list).is_some());
        // a type that holds itself ends somewhere
        let mut endless = weight();
        endless[0].members[0].is = MemberIs::Structure(0);
        assert_eq!(decode(&[0; 64], 0, &endless), None);
    }

    #[test]
    fn what_is_put_together_is_taken_apart_the_same() {
        let body = [12.5_f64, 10.0, 2.5].map(f64::to_le_bytes).concat();
        let whole = decode(&body, 0, &weight()).unwrap();
        let mut again = Vec::new();
        encode(&whole, &MemberIs::Structure(0), &weight(), &mut again).unwrap();
        assert_eq!(again, body);
    }

    #[test]
    fn a_time_of_a_server_is_our_time() {
        assert_eq!(
            stamp(132_539_328_000_000_000).unwrap().to_string(),
            "2021-01-01T00:00:00.000Z"
        );
        assert_eq!(stamp(0), None);
    }
}

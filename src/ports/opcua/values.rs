//! Values as the library decoded them, as the driver takes them. Nothing is rounded; what has no place here is
//! "no value", with a status that says so.

use super::open::stamp;
use crate::flow::needs::server::{Node, NodeName};
use driver::nodes::{NodeData, NodeValue, Scalar};
use opcua::types::{
    ByteString, ByteStringBody, Context, DataValue, DynEncodable, EUInformation, EncodingResult, Error,
    ExtensionObject, Guid, Identifier, NodeId, Range, TypeLoader, TypeLoaderPriority, Variant,
};
use std::{io::Read, str::FromStr};

/// Takes a structure nobody has described as bytes, up to a bound. The library's own way of doing so makes room
/// for whatever length a stranger writes.
pub(super) struct Bounded;

impl TypeLoader for Bounded {
    fn load_from_binary(
        &self,
        node_id: &NodeId,
        stream: &mut dyn Read,
        _ctx: &Context<'_>,
        length: Option<usize>,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        let length = length.filter(|length| *length <= super::wire::TEXT);
        let Some(length) = length else {
            return Some(Err(Error::decoding("a structure is larger than is taken")));
        };
        let mut body = vec![0; length];
        if let Err(error) = stream.read_exact(&mut body) {
            return Some(Err(error.into()));
        }
        let body = ByteStringBody::new(ByteString::from(body), node_id.clone());
        Some(Ok(Box::new(body)))
    }

    fn priority(&self) -> TypeLoaderPriority {
        TypeLoaderPriority::Dynamic(1000)
    }
}

/// The standard's code for a value nobody here can hold.
const NOT_SUPPORTED: u32 = 0x803D_0000;
/// The standard's code for a call that brought fewer answers than were asked for.
pub(super) const NO_DATA: u32 = 0x809B_0000;

/// A value with its status and times. `uris` are the server's namespaces in this session.
pub(super) fn value(from: DataValue, uris: &[String]) -> NodeValue {
    let mut status = from.status.map_or(0, |status| status.bits());
    let data = match from.value {
        None => NodeData::None,
        Some(variant) => data(variant, uris, 0).unwrap_or_else(|| {
            if status >> 30 == 0 {
                status = NOT_SUPPORTED;
            }
            NodeData::None
        }),
    };
    NodeValue {
        data,
        status,
        source_time: from.source_timestamp.as_ref().and_then(stamp),
        server_time: from.server_timestamp.as_ref().and_then(stamp),
    }
}

fn data(variant: Variant, uris: &[String], deep: u64) -> Option<NodeData> {
    if deep > super::wire::DEEP {
        return None;
    }
    let text = |text: &opcua::types::UAString| text.as_ref().to_owned();
    Some(NodeData::Scalar(match variant {
        Variant::Empty => return Some(NodeData::None),
        Variant::Boolean(flag) => Scalar::Boolean(flag),
        Variant::SByte(number) => Scalar::SByte(number),
        Variant::Byte(number) => Scalar::Byte(number),
        Variant::Int16(number) => Scalar::Int16(number),
        Variant::UInt16(number) => Scalar::UInt16(number),
        Variant::Int32(number) => Scalar::Int32(number),
        Variant::UInt32(number) => Scalar::UInt32(number),
        Variant::Int64(number) => Scalar::Int64(number),
        Variant::UInt64(number) => Scalar::UInt64(number),
        Variant::Float(number) => Scalar::Float(number),
        Variant::Double(number) => Scalar::Double(number),
        Variant::String(words) => Scalar::String(text(&words)),
        Variant::LocalizedText(words) => Scalar::LocalizedText(text(&words.text)),
        Variant::DateTime(time) => Scalar::DateTime(stamp(&time).unwrap_or_default()),
        Variant::Guid(guid) => Scalar::Guid(guid.to_string()),
        Variant::ByteString(bytes) => Scalar::ByteString(bytes.as_ref().to_vec()),
        Variant::NodeId(id) => Scalar::NodeId(named(&id, uris)),
        Variant::QualifiedName(name) => Scalar::QualifiedName(text(&name.name)),
        Variant::StatusCode(code) => Scalar::StatusCode(code.bits()),
        Variant::ExtensionObject(object) => return structure(&object, uris),
        Variant::Variant(inner) => return data(*inner, uris, deep + 1),
        Variant::DataValue(inner) => return data(inner.value?, uris, deep + 1),
        Variant::Array(array) => {
            let all = array.values.into_iter().map(|item| data(item, uris, deep + 1));
            return all.collect::<Option<Vec<_>>>().map(NodeData::Array);
        }
        Variant::XmlElement(_) | Variant::ExpandedNodeId(_) | Variant::DiagnosticInfo(_) => return None,
    }))
}

/// Structures that the standard itself describes and a driver may check; every other one stays its bytes.
fn structure(object: &ExtensionObject, uris: &[String]) -> Option<NodeData> {
    let scalar = |name: &str, scalar: Scalar| (name.to_owned(), NodeData::Scalar(scalar));
    if object.is_null() {
        return Some(NodeData::None);
    }
    if let Some(body) = object.inner_as::<ByteStringBody>() {
        let id = body.encoding_id();
        return Some(NodeData::Encoded {
            namespace: uris.get(usize::from(id.namespace)).cloned().unwrap_or_default(),
            identifier: identifier(&id.identifier),
            body: body.raw_body().as_ref().to_vec(),
        });
    }
    if let Some(unit) = object.inner_as::<EUInformation>() {
        return Some(NodeData::Structure(vec![
            scalar(
                "NamespaceUri",
                Scalar::String(unit.namespace_uri.as_ref().to_owned()),
            ),
            scalar("UnitId", Scalar::Int32(unit.unit_id)),
            scalar(
                "DisplayName",
                Scalar::LocalizedText(unit.display_name.text.as_ref().to_owned()),
            ),
            scalar(
                "Description",
                Scalar::LocalizedText(unit.description.text.as_ref().to_owned()),
            ),
        ]));
    }
    let range = object.inner_as::<Range>()?;
    Some(NodeData::Structure(vec![
        scalar("Low", Scalar::Double(range.low)),
        scalar("High", Scalar::Double(range.high)),
    ]))
}

/// `i=88`, `s=…`, as drivers write it.
pub(super) fn identifier(id: &Identifier) -> String {
    match id {
        Identifier::Numeric(number) => format!("i={number}"),
        Identifier::String(text) => format!("s={}", text.as_ref()),
        Identifier::Guid(guid) => format!("g={guid}"),
        Identifier::ByteString(bytes) => format!("b={}", bytes.as_base64()),
    }
}

fn named(id: &NodeId, uris: &[String]) -> String {
    match uris.get(usize::from(id.namespace)) {
        Some(uri) if id.namespace > 0 => format!("{uri};{}", identifier(&id.identifier)),
        _ => identifier(&id.identifier),
    }
}

/// A node as the library names it.
pub(super) fn node_id(node: &Node) -> NodeId {
    let identifier = match &node.id {
        NodeName::Number(number) => Identifier::Numeric(*number),
        NodeName::Text(text) => Identifier::String(text.as_str().into()),
        NodeName::Guid(text) => Guid::from_str(text).map_or(Identifier::Numeric(0), Identifier::Guid),
        NodeName::Opaque(bytes) => Identifier::ByteString(ByteString::from(bytes.clone())),
    };
    NodeId {
        namespace: node.namespace,
        identifier,
    }
}

/// And back.
pub(super) fn node(id: &NodeId) -> Node {
    Node {
        namespace: id.namespace,
        id: match &id.identifier {
            Identifier::Numeric(number) => NodeName::Number(*number),
            Identifier::String(text) => NodeName::Text(text.as_ref().to_owned()),
            Identifier::Guid(guid) => NodeName::Guid(guid.to_string()),
            Identifier::ByteString(bytes) => NodeName::Opaque(bytes.as_ref().to_vec()),
        },
    }
}

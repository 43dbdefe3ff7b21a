//! A value of a node as it came: typed, with its status and both its times. Nothing is rounded or renamed here.

use record::Stamp;
use std::fmt::Write;

/// One value of one node, as a server sent it.
///
/// ```
/// use driver::nodes::{NodeData, NodeValue, Scalar};
/// let value = NodeValue::of(NodeData::Scalar(Scalar::Double(72.4)));
/// assert_eq!(value.raw(), r#"{"value":72.4,"is":"Double","status":"00000000"}"#);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NodeValue {
    /// The value, if one came.
    pub data: NodeData,
    /// The status code, all 32 bits.
    pub status: u32,
    /// When the source says it made the value.
    pub source_time: Option<Stamp>,
    /// When the server last knew it to be so.
    pub server_time: Option<Stamp>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeData {
    /// No value came.
    None,
    /// One value.
    Scalar(Scalar),
    /// Several, of one dimension.
    Array(Vec<NodeData>),
    /// Named fields, in the order of their type.
    Structure(Vec<(String, NodeData)>),
    /// A structure nobody has taken apart yet: the node id of its encoding, and its bytes.
    Encoded {
        /// URI of the namespace of the encoding's node id.
        namespace: String,
        /// The encoding's identifier: `i=88`.
        identifier: String,
        /// The body, as it came.
        body: Vec<u8>,
    },
}

/// A value of one of the standard's own types.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the names are the standard's
pub enum Scalar {
    Boolean(bool),
    SByte(i8),
    Byte(u8),
    Int16(i16),
    UInt16(u16),
    Int32(i32),
    UInt32(u32),
    Int64(i64),
    UInt64(u64),
    Float(f32),
    Double(f64),
    String(String),
    /// The text of a LocalizedText; its language is not kept.
    LocalizedText(String),
    DateTime(Stamp),
    Guid(String),
    ByteString(Vec<u8>),
    NodeId(String),
    QualifiedName(String),
    StatusCode(u32),
}

impl Scalar {
    /// The standard's name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::SByte(_) => "SByte",
            Self::Byte(_) => "Byte",
            Self::Int16(_) => "Int16",
            Self::UInt16(_) => "UInt16",
            Self::Int32(_) => "Int32",
            Self::UInt32(_) => "UInt32",
            Self::Int64(_) => "Int64",
            Self::UInt64(_) => "UInt64",
            Self::Float(_) => "Float",
            Self::Double(_) => "Double",
            Self::String(_) => "String",
            Self::LocalizedText(_) => "LocalizedText",
            Self::DateTime(_) => "DateTime",
            Self::Guid(_) => "Guid",
            Self::ByteString(_) => "ByteString",
            Self::NodeId(_) => "NodeId",
            Self::QualifiedName(_) => "QualifiedName",
            Self::StatusCode(_) => "StatusCode",
        }
    }
}

impl NodeData {
    /// The standard's name of its type; of a list the type of its first element.
    pub fn type_name(&self) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::Scalar(scalar) => scalar.type_name().to_owned(),
            Self::Array(items) => match items.first() {
                Some(first) => format!("{}[]", first.type_name()),
                None => "[]".to_owned(),
            },
            Self::Structure(_) => "structure".to_owned(),
            Self::Encoded {
                namespace,
                identifier,
                ..
            } => format!("{namespace};{identifier}"),
        }
    }
}

impl NodeValue {
    /// A good value without times.
    pub fn of(data: NodeData) -> Self {
        Self {
            data,
            status: 0,
            source_time: None,
            server_time: None,
        }
    }

    /// No value, and why.
    pub fn without(status: u32) -> Self {
        Self {
            status,
            ..Self::of(NodeData::None)
        }
    }

    /// As the record keeps it: what a sample of a driver can be made of.
    pub fn raw(&self) -> String {
        let mut text = String::with_capacity(96);
        self.write_raw(&mut text);
        text
    }

    pub(crate) fn write_raw(&self, out: &mut String) {
        // writing into a string never fails
        match &self.data {
            NodeData::Encoded { body, .. } => {
                out.push_str("{\"body\":\"");
                out.push_str(&crate::sample::hex(body));
                out.push('"');
            }
            data => {
                out.push_str("{\"value\":");
                write_data(data, out);
            }
        }
        let _ = write!(out, ",\"is\":");
        write_type(&self.data, out);
        let _ = write!(out, ",\"status\":\"{:08X}\"", self.status);
        for (name, time) in [("source", self.source_time), ("server", self.server_time)] {
            if let Some(time) = time {
                let _ = write!(out, ",\"{name}\":\"{time}\"");
            }
        }
        out.push('}');
    }
}

fn write_type(data: &NodeData, out: &mut String) {
    match data {
        NodeData::Scalar(scalar) => {
            out.push('"');
            out.push_str(scalar.type_name());
            out.push('"');
        }
        other => quoted(&other.type_name(), out),
    }
}

fn write_data(data: &NodeData, out: &mut String) {
    match data {
        NodeData::None => out.push_str("null"),
        NodeData::Scalar(scalar) => write_scalar(scalar, out),
        NodeData::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_data(item, out);
            }
            out.push(']');
        }
        NodeData::Structure(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quoted(name, out);
                out.push(':');
                write_data(field, out);
            }
            out.push('}');
        }
        NodeData::Encoded { body, .. } => quoted(&crate::sample::hex(body), out),
    }
}

fn write_scalar(scalar: &Scalar, out: &mut String) {
    let float = |finite: bool, shown: String, out: &mut String| {
        if finite {
            out.push_str(&shown);
        } else {
            quoted(&shown, out);
        }
    };
    let _ = match scalar {
        Scalar::Boolean(flag) => write!(out, "{flag}"),
        Scalar::SByte(number) => write!(out, "{number}"),
        Scalar::Byte(number) => write!(out, "{number}"),
        Scalar::Int16(number) => write!(out, "{number}"),
        Scalar::UInt16(number) => write!(out, "{number}"),
        Scalar::Int32(number) => write!(out, "{number}"),
        Scalar::UInt32(number) => write!(out, "{number}"),
        Scalar::Int64(number) => write!(out, "{number}"),
        Scalar::UInt64(number) => write!(out, "{number}"),
        Scalar::Float(number) => {
            float(number.is_finite(), format!("{number:?}"), out);
            Ok(())
        }
        Scalar::Double(number) => {
            float(number.is_finite(), format!("{number:?}"), out);
            Ok(())
        }
        Scalar::String(text)
        | Scalar::LocalizedText(text)
        | Scalar::Guid(text)
        | Scalar::NodeId(text)
        | Scalar::QualifiedName(text) => {
            quoted(text, out);
            Ok(())
        }
        Scalar::DateTime(time) => write!(out, "\"{time}\""),
        Scalar::ByteString(bytes) => {
            quoted(&crate::sample::hex(bytes), out);
            Ok(())
        }
        Scalar::StatusCode(code) => write!(out, "\"{code:08X}\""),
    };
}

/// A text of JSON.
pub(crate) fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if u32::from(c) < 0x20 => write!(out, "\\u{:04x}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    out.push('"');
}

//! Values of nodes as JSON, as samples have them. Numbers stay the digits that were written until their type is
//! known, so that no float comes between a sample and its value.

use super::{Member, MemberIs, NodeData, NodeIs, NodeValue, Scalar, Structure};
use record::Stamp;

/// JSON as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads one JSON value that fills the text.
pub(crate) fn read_json(text: &str) -> Result<Json, String> {
    let mut reader = Reader {
        rest: text,
        whole: text,
    };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(reader.wrong("nothing more"))
    }
}

struct Reader<'a> {
    rest: &'a str,
    whole: &'a str,
}

const DEEPEST: usize = 16;

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn wrong(&self, wanted: &str) -> String {
        let at = self.whole.len() - self.rest.len();
        let found = self
            .rest
            .chars()
            .next()
            .map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"));
        format!("at character {}: {wanted} is expected, not {found}", at + 1)
    }

    fn eat(&mut self, mark: char) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        self.blanks();
        if depth > DEEPEST {
            return Err(self.wrong("less nesting"));
        }
        for (word, value) in [
            ("null", Json::Null),
            ("true", Json::Flag(true)),
            ("false", Json::Flag(false)),
        ] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        match self.rest.chars().next() {
            Some('"') => self.text().map(Json::Text),
            Some('[') => self.list(depth),
            Some('{') => self.object(depth),
            Some('-' | '0'..='9') => self.number(),
            _ => Err(self.wrong("a value")),
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let of_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let end = self.rest.find(|c| !of_number(c)).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        if digits.parse::<f64>().is_err() {
            return Err(self.wrong("a number"));
        }
        self.rest = rest;
        Ok(Json::Number(digits.to_owned()))
    }

    fn list(&mut self, depth: usize) -> Result<Json, String> {
        self.eat('[');
        let mut items = Vec::new();
        if self.eat(']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat(']') {
                return Ok(Json::List(items));
            }
            if !self.eat(',') {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.eat('{');
        let mut fields: Vec<(String, Json)> = Vec::new();
        if self.eat('}') {
            return Ok(Json::Object(fields));
        }
        loop {
            self.blanks();
            let name = self.text()?;
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(format!("{name:?} stands there twice"));
            }
            if !self.eat(':') {
                return Err(self.wrong("`:`"));
            }
            fields.push((name, self.value(depth + 1)?));
            if self.eat('}') {
                return Ok(Json::Object(fields));
            }
            if !self.eat(',') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        let Some(rest) = self.rest.strip_prefix('"') else {
            return Err(self.wrong("a text in quotes"));
        };
        let mut text = String::new();
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &rest[at + 1..];
                    return Ok(text);
                }
                '\\' => {
                    let escaped = chars.next().map(|(_, c)| c);
                    text.push(match escaped {
                        Some(c @ ('"' | '\\' | '/')) => c,
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        Some('b') => '\u{8}',
                        Some('f') => '\u{c}',
                        Some('u') => {
                            let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                            let code = u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == 4);
                            let c = code.and_then(char::from_u32);
                            c.ok_or_else(|| self.wrong("a character behind \\u"))?
                        }
                        _ => return Err(self.wrong("an escape JSON knows")),
                    });
                }
                c => text.push(c),
            }
        }
        Err(self.wrong("the end of a text"))
    }
}

/// The value of one node as a sample writes it; `is` is what the driver expects there.
pub(crate) fn node_value(
    json: &Json,
    expected: &MemberIs,
    structures: &[Structure],
) -> Result<NodeValue, String> {
    let Json::Object(fields) = json else {
        return Err(
            "a node is written as { \"value\": …, \"status\": …, \"source\": …, \"server\": … }".to_owned(),
        );
    };
    let mut value = NodeValue::of(NodeData::None);
    let is = match fields.iter().find(|(name, _)| name == "is") {
        Some((_, Json::Text(word))) => Some(word.as_str()),
        Some(_) => return Err("`is` names a type".to_owned()),
        None => None,
    };
    for (name, field) in fields {
        match (name.as_str(), field) {
            ("is", _) => {}
            ("value", Json::Null) => value.data = NodeData::None,
            ("value", json) => value.data = data(json, expected, is, structures)?,
            ("body", Json::Text(hex)) => value.data = encoded(hex, expected, is, structures)?,
            ("status", Json::Text(code)) => value.status = status(code)?,
            ("source", Json::Text(text)) => value.source_time = Some(time(text)?),
            ("server", Json::Text(text)) => value.server_time = Some(time(text)?),
            _ => {
                return Err(format!(
                    "a node has no {name:?} like this; known: value or body, is, status, source, server"
                ));
            }
        }
    }
    Ok(value)
}

fn time(text: &str) -> Result<Stamp, String> {
    Stamp::read(text).ok_or_else(|| format!("{text:?} is no time like 2026-11-20T10:15:03.120Z"))
}

/// A status code by number, `"40910000"`, or by the standard's name.
pub(crate) fn status(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let number = (digits.len() == 8)
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten();
    number
        .or_else(|| super::status::status_code(text))
        .ok_or_else(|| {
            format!("{text:?} is no status code: eight hexadecimal digits, or a name of the table")
        })
}

fn data(
    json: &Json,
    expected: &MemberIs,
    is: Option<&str>,
    structures: &[Structure],
) -> Result<NodeData, String> {
    let Some(is) = is else {
        return typed(json, expected, structures);
    };
    let plain = is.trim_end_matches("[]");
    if let Some(structure) = structures.iter().position(|structure| structure.name == plain) {
        return typed(json, &MemberIs::Structure(structure), structures);
    }
    if let (Json::List(items), true) = (json, is.ends_with("[]")) {
        let items: Result<Vec<NodeData>, String> = items
            .iter()
            .map(|item| data(item, expected, Some(plain), structures))
            .collect();
        return items.map(NodeData::Array);
    }
    if plain == "structure" {
        return typed(json, expected, structures);
    }
    scalar_named(json, plain).map(NodeData::Scalar)
}

/// A value of the type the driver expects; one that cannot be of it is what its own look says.
fn typed(json: &Json, expected: &MemberIs, structures: &[Structure]) -> Result<NodeData, String> {
    match (json, expected) {
        (Json::List(items), MemberIs::Array(of)) => {
            let items: Result<Vec<NodeData>, String> =
                items.iter().map(|item| typed(item, of, structures)).collect();
            items.map(NodeData::Array)
        }
        (Json::List(items), other) => {
            let items: Result<Vec<NodeData>, String> =
                items.iter().map(|item| typed(item, other, structures)).collect();
            items.map(NodeData::Array)
        }
        (Json::Object(fields), MemberIs::Structure(at)) => {
            let known = structures.get(*at).map(|structure| structure.members.as_slice());
            structure(fields, known.unwrap_or_default(), structures)
        }
        (Json::Object(fields), _) => structure(fields, &[], structures),
        (json, MemberIs::Array(of)) => typed(json, of, structures),
        (json, MemberIs::One(is)) => match is.scalar_name().and_then(|name| scalar_named(json, name).ok()) {
            Some(scalar) => Ok(NodeData::Scalar(scalar)),
            None => by_look(json).map(NodeData::Scalar),
        },
        (json, _) => by_look(json).map(NodeData::Scalar),
    }
}

fn structure(
    fields: &[(String, Json)],
    known: &[Member],
    structures: &[Structure],
) -> Result<NodeData, String> {
    let anything = MemberIs::One(NodeIs::Number);
    let fields = fields.iter().map(|(name, json)| {
        let is = known
            .iter()
            .find(|member| member.name == *name)
            .map_or(&anything, |member| &member.is);
        Ok((name.clone(), typed(json, is, structures)?))
    });
    fields.collect::<Result<_, String>>().map(NodeData::Structure)
}

fn by_look(json: &Json) -> Result<Scalar, String> {
    let name = match json {
        Json::Flag(_) => "Boolean",
        Json::Number(digits) if digits.contains(['.', 'e', 'E']) => "Double",
        Json::Number(_) => "Int32",
        _ => "String",
    };
    scalar_named(json, name)
}

/// A scalar of a type by the standard's name.
fn scalar_named(json: &Json, name: &str) -> Result<Scalar, String> {
    let wrong = || format!("this is no {name}");
    macro_rules! number {
        ($kind:ident) => {
            match json {
                Json::Number(digits) => digits.parse().ok().map(Scalar::$kind),
                _ => None,
            }
        };
    }
    let float = |text: &str| -> Option<f64> {
        match text {
            "NaN" => Some(f64::NAN),
            "inf" | "Infinity" => Some(f64::INFINITY),
            "-inf" | "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        }
    };
    let scalar = match (name, json) {
        ("Boolean", Json::Flag(flag)) => Some(Scalar::Boolean(*flag)),
        ("SByte", _) => number!(SByte),
        ("Byte", _) => number!(Byte),
        ("Int16", _) => number!(Int16),
        ("UInt16", _) => number!(UInt16),
        ("Int32", _) => number!(Int32),
        ("UInt32", _) => number!(UInt32),
        ("Int64", _) => number!(Int64),
        ("UInt64", _) => number!(UInt64),
        ("Float", Json::Text(text)) => float(text).map(|number| Scalar::Float(number as f32)),
        ("Float", _) => number!(Float),
        ("Double", Json::Text(text)) => float(text).map(Scalar::Double),
        ("Double", _) => number!(Double),
        ("String", Json::Text(text)) => Some(Scalar::String(text.clone())),
        ("LocalizedText", Json::Text(text)) => Some(Scalar::LocalizedText(text.clone())),
        ("Guid", Json::Text(text)) => Some(Scalar::Guid(text.clone())),
        ("NodeId", Json::Text(text)) => Some(Scalar::NodeId(text.clone())),
        ("QualifiedName", Json::Text(text)) => Some(Scalar::QualifiedName(text.clone())),
        ("DateTime", Json::Text(text)) => Stamp::read(text).map(Scalar::DateTime),
        ("ByteString", Json::Text(text)) => pairs(text).map(Scalar::ByteString),
        ("StatusCode", Json::Text(text)) => status(text).ok().map(Scalar::StatusCode),
        _ => None,
    };
    scalar.ok_or_else(wrong)
}

fn pairs(hex: &str) -> Option<Vec<u8>> {
    let pair = |pair: &str| {
        (pair.len() == 2)
            .then(|| u8::from_str_radix(pair, 16).ok())
            .flatten()
    };
    hex.split_whitespace().map(pair).collect()
}

/// A body as it came, under the encoding the driver expects there or the one `is` names.
fn encoded(
    hex: &str,
    expected: &MemberIs,
    is: Option<&str>,
    structures: &[Structure],
) -> Result<NodeData, String> {
    let body = pairs(hex).ok_or("`body` is hexadecimal pairs with blanks between")?;
    let (namespace, identifier) =
        match is.map(|is| is.rsplit_once(';').ok_or("`is` of a body is URI;identifier")) {
            Some(named) => {
                let (namespace, identifier) = named?;
                (namespace.to_owned(), identifier.to_owned())
            }
            None => {
                let mut expected = expected;
                while let MemberIs::Array(of) = expected {
                    expected = of;
                }
                let MemberIs::Structure(at) = expected else {
                    return Err("a body needs a structure: name its encoding in `is`".to_owned());
                };
                let structure = structures.get(*at).ok_or("no such structure")?;
                let namespace = structure.namespaces.first().cloned().unwrap_or_default();
                (namespace, structure.identifier.clone())
            }
        };
    Ok(NodeData::Encoded {
        namespace,
        identifier,
        body,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn digits_of_a_sample_become_the_very_double_that_was_meant() {
        let double = MemberIs::One(NodeIs::Float64);
        for digits in [
            "72.4",
            "0.1",
            "1e-7",
            "9007199254740993",
            "0.30000000000000004",
            "-0.25",
        ] {
            let json = read_json(&format!("{{\"value\": {digits}}}")).unwrap();
            let value = node_value(&json, &double, &[]).unwrap();
            assert_eq!(
                value.data,
                NodeData::Scalar(Scalar::Double(digits.parse().unwrap())),
                "{digits}"
            );
        }
    }

    #[test]
    fn what_the_record_keeps_of_a_value_is_read_back_the_same() {
        let time = Stamp::read("2026-11-20T10:15:03.120Z");
        for scalar in [
            Scalar::Double(0.1 + 0.2),
            Scalar::Float(72.4),
            Scalar::Double(f64::NEG_INFINITY),
            Scalar::Int64(i64::MIN),
            Scalar::UInt64(u64::MAX),
            Scalar::Boolean(true),
            Scalar::String("a \"quoted\"\n\u{1}tab\t".to_owned()),
            Scalar::LocalizedText("Rührwerk".to_owned()),
            Scalar::ByteString(vec![0, 255]),
            Scalar::DateTime(time.unwrap()),
        ] {
            for data in [
                NodeData::Scalar(scalar.clone()),
                NodeData::Array(vec![
                    NodeData::Scalar(scalar.clone()),
                    NodeData::Scalar(scalar.clone()),
                ]),
            ] {
                let value = NodeValue {
                    data,
                    status: 0x4091_0480,
                    source_time: time,
                    server_time: None,
                };
                let json = read_json(&value.raw()).unwrap();
                let again = node_value(&json, &MemberIs::One(NodeIs::Number), &[]).unwrap();
                assert_eq!(again, value, "{}", value.raw());
            }
        }
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none_and_where() {
        for text in [
            "",
            "{",
            "{\"a\"}",
            "[1,]",
            "{\"a\":1,\"a\":2}",
            "01x",
            "\"\\q\"",
            "tru",
            "{} x",
            "\"\\ud800\"",
        ] {
            assert!(read_json(text).is_err(), "{text}");
        }
        assert!(read_json(&"[".repeat(1000)).unwrap_err().contains("less nesting"));
    }
}

//! One line of the record as bytes: read strictly, in one of its three forms, with one leaf hash.

use crate::{
    flat::{self, Holds, Member, Refused, refuse},
    hash::Hash,
};

/// The longest line, without its line feed.
pub const LONGEST: usize = 64 * 1024;

/// In which form a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With its `data` object: the only form in a ledger, on MQTT and in a record store.
    Full,
    /// `data` is the hash of the object: only in evidence.
    Withheld,
    /// `{"seq":…,"leaf":"…"}`: an entry that is none of the reader's business; only in evidence.
    Bare,
}

/// A line that was read, with its members.
#[derive(Debug)]
pub struct Line<'a> {
    text: &'a [u8],
    form: Form,
    seq: u64,
    leaf: Hash,
    outer: Vec<Member>,
    inner: Vec<Member>,
}

/// What a line holds, for those who only count and hash: no allocation per line.
#[derive(Debug, Default)]
pub struct Reader {
    outer: Vec<Member>,
    inner: Vec<Member>,
}

/// What [`Reader::read`] found.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The form.
    pub form: Form,
    /// The number.
    pub seq: u64,
    /// The leaf hash.
    pub leaf: Hash,
}

impl Reader {
    /// Reads one line, without its line feed.
    pub fn read(&mut self, text: &[u8]) -> Result<Found, Refused> {
        self.outer.clear();
        self.inner.clear();
        if text.len() > LONGEST {
            return refuse("a line over 64 KiB", LONGEST);
        }
        if !text.is_ascii() {
            flat::utf8(text)?;
        }
        let mut at = flat::expect(text, 0, b'{', "a line begins with {")?;
        let mut seen = 0;
        loop {
            let (name, after) = flat::member_name(text, at)?;
            flat::no_name_twice(text, &self.outer, name, &mut seen)?;
            if &text[name.0 as usize..name.1 as usize] == b"data" {
                return self.data(text, name, after);
            }
            let (holds, value, after) = flat::scalar(text, after)?;
            self.outer.push(Member { name, value, holds });
            match text.get(after) {
                Some(b',') => at = after + 1,
                Some(b'}') if after + 1 == text.len() => return self.bare(text),
                Some(b'}') => return refuse("something stands after the line", after + 1),
                _ => return refuse("after a member stands , or }", after),
            }
        }
    }

    /// `data`, which must be the last member: an object, or the hash of one.
    fn data(&mut self, text: &[u8], name: (u32, u32), at: usize) -> Result<Found, Refused> {
        let seq = self.seq(text)?;
        let (form, after, hash) = if text.get(at) == Some(&b'{') {
            let after = flat::object(text, at, &mut self.inner)?;
            (Form::Full, after, Hash::of(&text[at..after]).text())
        } else {
            let (holds, value, after) = flat::scalar(text, at)?;
            let hash = &text[value.0 as usize..value.1 as usize];
            if holds != Holds::Text || Hash::read(hash).is_none() {
                return refuse("data is an object, or the hash of one", at);
            }
            let mut out = [0; 43];
            out.copy_from_slice(hash);
            (Form::Withheld, after, out)
        };
        if text.get(after) != Some(&b'}') || after + 1 != text.len() {
            return refuse("data is the last member", after);
        }
        self.outer.push(Member {
            name,
            value: (at as u32, after as u32),
            holds: Holds::Object,
        });
        Ok(Found {
            form,
            seq,
            leaf: Hash::leaf(&text[..at], &hash),
        })
    }

    fn bare(&self, text: &[u8]) -> Result<Found, Refused> {
        let seq = self.seq(text)?;
        let leaf = match &self.outer[..] {
            [_, leaf] if leaf.name(text) == b"leaf" && leaf.holds == Holds::Text => {
                Hash::read(leaf.value(text))
            }
            _ => return refuse("data is the last member", text.len()),
        };
        leaf.map_or_else(
            || refuse("leaf is a hash", text.len()),
            |leaf| {
                Ok(Found {
                    form: Form::Bare,
                    seq,
                    leaf,
                })
            },
        )
    }

    fn seq(&self, text: &[u8]) -> Result<u64, Refused> {
        match self.outer.first() {
            Some(Member {
                holds: Holds::Int(seq),
                name,
                ..
            }) if *seq >= 1 && &text[name.0 as usize..name.1 as usize] == b"seq" => Ok(*seq as u64),
            _ => refuse("seq is the first member, and at least 1", 1),
        }
    }

    /// A member outside `data` of the line read last, as it stands in the text.
    pub fn text_of<'a>(&self, text: &'a [u8], name: &str) -> Option<&'a [u8]> {
        let member = self
            .outer
            .iter()
            .find(|member| member.name(text) == name.as_bytes())?;
        (member.holds == Holds::Text).then(|| member.value(text))
    }

    /// A number outside `data` of the line read last.
    pub fn int_of(&self, text: &[u8], name: &str) -> Option<i64> {
        self.outer
            .iter()
            .find(|member| member.name(text) == name.as_bytes())
            .and_then(|member| {
                if let Holds::Int(number) = member.holds {
                    Some(number)
                } else {
                    None
                }
            })
    }
}

impl<'a> Line<'a> {
    /// Reads one line, without its line feed.
    ///
    /// ```
    /// use record::{Form, Line};
    /// let line = br#"{"seq":7,"kind":"comment","time":"2026-11-20T10:15:03.120Z","data":{"salt":"x","text":"hello"}}"#;
    /// let read = Line::read(line).unwrap();
    /// let withheld = read.withheld();
    /// assert_eq!(Line::read(&withheld).unwrap().leaf(), read.leaf());
    /// assert_eq!(Line::read(&withheld).unwrap().form(), Form::Withheld);
    /// ```
    pub fn read(text: &'a [u8]) -> Result<Self, Refused> {
        let mut reader = Reader::default();
        let Found { form, seq, leaf } = reader.read(text)?;
        Ok(Self {
            text,
            form,
            seq,
            leaf,
            outer: reader.outer,
            inner: reader.inner,
        })
    }

    /// In which form it stands.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Its number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Its leaf hash, the same in all three forms.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }

    /// The bytes it was read from.
    pub fn bytes(&self) -> &'a [u8] {
        self.text
    }

    /// Its kind; empty on a bare line.
    pub fn kind(&self) -> &'a str {
        self.raw("kind").unwrap_or_default()
    }

    /// A string member outside `data`, with its escapes as written. Enough for words, ids and times.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        let member = self
            .outer
            .iter()
            .find(|member| member.name(self.text) == name.as_bytes())?;
        if member.holds != Holds::Text {
            return None;
        }
        std::str::from_utf8(member.value(self.text)).ok()
    }

    /// A string member outside `data`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(|raw| flat::unescape(raw.as_bytes()))
    }

    /// A number outside `data`.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.outer
            .iter()
            .find(|m| m.name(self.text) == name.as_bytes())
            .and_then(|m| int(*m))
    }

    /// A string member inside `data`; `None` on a withheld line.
    pub fn data_text(&self, name: &str) -> Option<String> {
        let member = self
            .inner
            .iter()
            .find(|member| member.name(self.text) == name.as_bytes())?;
        (member.holds == Holds::Text).then(|| flat::unescape(member.value(self.text)))
    }

    /// A number inside `data`.
    pub fn data_int(&self, name: &str) -> Option<i64> {
        self.inner
            .iter()
            .find(|m| m.name(self.text) == name.as_bytes())
            .and_then(|m| int(*m))
    }

    /// Names and values outside `data`, in their order; strings unescaped, the rest as written.
    pub fn members(&self) -> Vec<(&'a str, String)> {
        let outer = self.outer.iter().filter(|member| member.holds != Holds::Object);
        outer.map(|member| self.shown(*member)).collect()
    }

    /// Names and values inside `data`, in their order.
    pub fn data_members(&self) -> Vec<(&'a str, String)> {
        self.inner.iter().map(|member| self.shown(*member)).collect()
    }

    fn shown(&self, member: Member) -> (&'a str, String) {
        let name = std::str::from_utf8(member.name(self.text)).unwrap_or_default();
        let value = member.value(self.text);
        let shown = match member.holds {
            Holds::Text => flat::unescape(value),
            _ => String::from_utf8_lossy(value).into_owned(),
        };
        (name, shown)
    }

    /// The withheld form: the same line with the hash of its `data` in place of the object.
    pub fn withheld(&self) -> Vec<u8> {
        let Some(data) = self.outer.last().filter(|_| self.form == Form::Full) else {
            return self.text.to_vec();
        };
        let (begin, end) = (data.value.0 as usize, data.value.1 as usize);
        let mut line = self.text[..begin].to_vec();
        line.push(b'"');
        line.extend_from_slice(&Hash::of(&self.text[begin..end]).text());
        line.extend_from_slice(b"\"}");
        line
    }

    /// The bare form: number and leaf, nothing else.
    pub fn bare(&self) -> Vec<u8> {
        format!("{{\"seq\":{},\"leaf\":\"{}\"}}", self.seq, self.leaf).into_bytes()
    }
}

fn int(member: Member) -> Option<i64> {
    if let Holds::Int(number) = member.holds {
        Some(number)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn full(inside: &str) -> String {
        format!(r#"{{"seq":1,"kind":"comment","time":"t","data":{{"salt":"s"{inside}}}}}"#)
    }

    #[test]
    fn what_every_reader_refuses() {
        let cases: &[(&str, &str)] = &[
            ("white space between tokens", r#"{"seq":1, "kind":"x","data":{}}"#),
            (
                "white space at the end",
                "{\"seq\":1,\"kind\":\"x\",\"data\":{}} ",
            ),
            ("a capital in a name", r#"{"seq":1,"Kind":"x","data":{}}"#),
            ("an escape in a name", r#"{"seq":1,"k\u0069nd":"x","data":{}}"#),
            ("a digit first in a name", r#"{"seq":1,"1kind":"x","data":{}}"#),
            ("an empty name", r#"{"seq":1,"":"x","data":{}}"#),
            ("a name twice", r#"{"seq":1,"kind":"x","kind":"x","data":{}}"#),
            ("a name twice inside data", r#"{"seq":1,"data":{"a":1,"a":1}}"#),
            ("data twice", r#"{"seq":1,"data":{},"data":{}}"#),
            ("seq not first", r#"{"kind":"x","seq":1,"data":{}}"#),
            ("seq a string", r#"{"seq":"1","data":{}}"#),
            ("seq zero", r#"{"seq":0,"data":{}}"#),
            ("data not last", r#"{"seq":1,"data":{},"kind":"x"}"#),
            ("no data", r#"{"seq":1,"kind":"x"}"#),
            ("nesting outside data", r#"{"seq":1,"a":{},"data":{}}"#),
            ("a list outside data", r#"{"seq":1,"a":[],"data":{}}"#),
            ("nesting inside data", r#"{"seq":1,"data":{"a":{}}}"#),
            ("a list inside data", r#"{"seq":1,"data":{"a":[]}}"#),
            ("a fraction", r#"{"seq":1,"data":{"a":1.5}}"#),
            ("an exponent", r#"{"seq":1,"data":{"a":1e3}}"#),
            ("a plus", r#"{"seq":1,"data":{"a":+1}}"#),
            ("a leading zero", r#"{"seq":1,"data":{"a":01}}"#),
            ("minus zero", r#"{"seq":1,"data":{"a":-0}}"#),
            ("beyond 2^53", r#"{"seq":1,"data":{"a":9007199254740993}}"#),
            ("beyond -2^53", r#"{"seq":1,"data":{"a":-9007199254740993}}"#),
            (
                "far beyond",
                r#"{"seq":1,"data":{"a":99999999999999999999999999}}"#,
            ),
            ("a tab in a string", "{\"seq\":1,\"data\":{\"a\":\"\t\"}}"),
            ("an escaped slash", r#"{"seq":1,"data":{"a":"\/"}}"#),
            (
                "a printable character by number",
                r#"{"seq":1,"data":{"a":"\u0041"}}"#,
            ),
            ("a delete by number", r#"{"seq":1,"data":{"a":"\u007f"}}"#),
            ("a surrogate", r#"{"seq":1,"data":{"a":"\ud83d\ude00"}}"#),
            ("a byte order mark", "\u{feff}{\"seq\":1,\"data\":{}}"),
            (
                "a byte order mark within",
                "{\"seq\":1,\"data\":{\"a\":\"\u{feff}\"}}",
            ),
            ("withheld data that is no hash", r#"{"seq":1,"data":"short"}"#),
            (
                "a bare line with more",
                r#"{"seq":1,"leaf":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU","a":1}"#,
            ),
            (
                "a bare line with a bad leaf",
                r#"{"seq":1,"leaf":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV"}"#,
            ),
            ("an open string", r#"{"seq":1,"data":{"a":"#),
            ("nothing", ""),
        ];
        for (why, line) in cases {
            assert!(Line::read(line.as_bytes()).is_err(), "{why} was accepted: {line}");
        }
        assert!(
            Line::read(b"{\"seq\":1,\"data\":{\"a\":\"\xff\"}}").is_err(),
            "invalid UTF-8 was accepted"
        );
    }

    #[test]
    fn what_every_reader_accepts() {
        let longest = "x".repeat(LONGEST - full(r#","a":"""#).len());
        for inside in [
            "",
            r#","a":-3"#,
            r#","a":9007199254740992,"b":-9007199254740992"#,
            r#","a":"\"\\\b\f\n\r\t\u0000\u001F\u001f""#,
            r#","a":"a trap ,\"data\":{ and ümlaut 温度""#,
            r#","a":true,"b":false,"c":null"#,
            &format!(r#","a":"{longest}""#),
        ] {
            let text = full(inside);
            assert!(Line::read(text.as_bytes()).is_ok(), "{text:.100}");
        }
        assert!(
            Line::read(full(&format!(r#","a":"{longest}x""#)).as_bytes()).is_err(),
            "a line over 64 KiB"
        );
    }

    #[test]
    fn three_forms_have_one_leaf() {
        let text = full(r#","a":"a trap ,\"data\":{""#);
        let line = Line::read(text.as_bytes()).unwrap();
        let (withheld, bare) = (line.withheld(), line.bare());
        assert_eq!(Line::read(&withheld).unwrap().leaf(), line.leaf());
        assert_eq!(Line::read(&bare).unwrap().leaf(), line.leaf());
        assert_eq!(Line::read(&bare).unwrap().form(), Form::Bare);
        assert_eq!(line.leaf(), Hash::of(&[&[0], &withheld[..]].concat()));
    }

    #[test]
    fn what_was_escaped_is_read_back() {
        let mut out = Vec::new();
        let text = "quote \" backslash \\ tab \t bell \u{7} delete \u{7f} ümlaut 温度\r\n";
        flat::quote(text, &mut out);
        assert_eq!(flat::unescape(&out[1..out.len() - 1]), text);
    }
}

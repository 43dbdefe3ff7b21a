//! From fields of one answer to values with their doubts. Text lines and registers meet here: whatever a
//! field came from, sign, decimals, unit and doubt are judged the same way, and out of the same answer.

use crate::{registers::Is, tree::At};
use record::{Amount, Answer, Quality, Quantity, Unit, Value};
use rust_decimal::Decimal;
use std::{fmt, ops::Range, str::FromStr, sync::Arc};

/// One field of one answer, before it means anything.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    /// Characters as sent.
    Text(Vec<u8>),
    /// A whole number.
    Count(i128),
    /// An IEEE number, and the fewest digits that give it again.
    Float { number: f64, text: String, single: bool },
    /// True or false.
    Flag(bool),
    /// This instrument does not have it, and the driver says that it need not.
    Missing,
}

/// The fields of one answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields(Vec<(Arc<str>, Field)>);

impl Fields {
    pub(crate) fn put(&mut self, name: &str, field: Field) {
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => *old = field,
            None => self.0.push((name.into(), field)),
        }
    }

    /// Room for so many fields, and those that are known already behind them: of two with one name the newer counts.
    pub(crate) fn newer(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// A field whose name is not there yet.
    pub(crate) fn push(&mut self, name: &Arc<str>, field: Field) {
        self.0.push((name.clone(), field));
    }

    /// What was known before.
    pub(crate) fn with_known(mut self, known: &Self) -> Self {
        self.0.extend(known.0.iter().cloned());
        self
    }

    /// A field that is probably at this place.
    fn near(&self, name: &str, place: usize) -> Option<&Field> {
        match self.0.get(place) {
            Some((known, field)) if **known == *name => Some(field),
            _ => self.get(name),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.0
            .iter()
            .find(|(known, _)| **known == *name)
            .map(|(_, field)| field)
    }
}

/// A field, or some of its bits: `status`, `swa bits 0 to 2`, `flags less 0x20 bit 6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) field: String,
    /// Taken off before bits are looked at, where flags are added to a constant.
    pub(crate) less: i128,
    pub(crate) bits: Option<(u8, u8)>,
}

impl Part {
    /// Reads the words of a part; what is left over comes back.
    fn read<'t>(words: &'t [&'t str]) -> Option<(Self, &'t [&'t str])> {
        let (field, mut rest) = words.split_first()?;
        if !crate::pattern::is_name(field) {
            return None;
        }
        let mut part = Self {
            field: (*field).to_owned(),
            less: 0,
            bits: None,
        };
        if let ["less", number, more @ ..] = rest {
            part.less = whole(number)?;
            rest = more;
        }
        if let ["bit", bit, more @ ..] = rest {
            let bit = bit.parse().ok().filter(|bit| *bit < 64)?;
            part.bits = Some((bit, bit));
            rest = more;
        } else if let ["bits", low, "to", high, more @ ..] = rest {
            let (low, high): (u8, u8) = (low.parse().ok()?, high.parse().ok()?);
            if low > high || high > 63 {
                return None;
            }
            part.bits = Some((low, high));
            rest = more;
        }
        Some((part, rest))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Self::read(&words)
            .filter(|(_, rest)| rest.is_empty())
            .map(|(part, _)| part)
    }

    /// The whole number in it, bits cut out; `None` when the field is not there or is no number.
    pub(crate) fn number(&self, fields: &Fields) -> Option<i128> {
        let whole = match fields.get(&self.field)? {
            Field::Count(count) => *count,
            // one character is its code; several are digits
            Field::Text(text) => match text.as_slice() {
                [byte] if self.bits.is_some() => i128::from(*byte),
                _ => std::str::from_utf8(text).ok()?.trim().parse().ok()?,
            },
            Field::Flag(flag) => i128::from(*flag),
            Field::Float { .. } | Field::Missing => return None,
        };
        let whole = whole - self.less;
        Some(match self.bits {
            Some((low, high)) => whole >> low & ((1_i128 << (high - low + 1)) - 1),
            None => whole,
        })
    }

    /// Writes a number into it, the other bits left as they are; `width` is the register's, in bits.
    pub(crate) fn write(&self, fields: &mut Fields, number: i128) {
        let old = match fields.get(&self.field) {
            Some(Field::Count(count)) => *count - self.less,
            Some(Field::Text(text)) => text.first().map_or(0, |byte| i128::from(*byte)) - self.less,
            _ => 0,
        };
        let new = match self.bits {
            Some((low, high)) => {
                let mask = ((1_i128 << (high - low + 1)) - 1) << low;
                (old & !mask) | (number << low & mask)
            }
            None => number,
        } + self.less;
        let field = match fields.get(&self.field) {
            Some(Field::Text(_)) => Field::Text(vec![u8::try_from(new).unwrap_or(b'?')]),
            _ => Field::Count(new),
        };
        fields.put(&self.field, field);
    }
}

/// One sentence about a part: true or false of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    pub(crate) part: Part,
    pub(crate) is: Wanted,
    pub(crate) not: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    Number(i128),
    Float(String),
    Text(Vec<u8>),
    Flag(bool),
    Missing,
}

/// `status bit 2 is set and swb bit 1 is clear`: all its claims must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct When {
    pub(crate) claims: Vec<Claim>,
}

/// The forms a sentence may have, for the message about one that has none of them.
pub(crate) const SENTENCES: &str = "\"status bit 2 is set\" (or clear) · \"status bits 0 to 2 are 5\" · \
    \"temperature is 0x7FFF\" (or 3e37, or 'OL'; or \"is not\") · \"overload is set\" · \"stable is missing\" · \
    two of them joined by \"and\" · \"always\"";

impl When {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "always" {
            return Some(Self::default());
        }
        let claims = text.split(" and ").map(claim).collect::<Option<Vec<_>>>()?;
        Some(Self { claims })
    }

    /// Whether all claims hold; `None` when a field is missing, so that nobody takes "unknown" for "no".
    pub(crate) fn holds(&self, fields: &Fields) -> Option<bool> {
        let mut all = true;
        for claim in &self.claims {
            all &= claim.holds(fields)?;
        }
        Some(all)
    }

    /// Takes `0x7FFF` and `0x8000` for what they are in this register: patterns of bits, whatever its sign.
    pub(crate) fn in_register(&mut self, field: &str, is: Is) {
        let bits = u32::from(is.width()) * 16;
        let signed = matches!(is, Is::Int16 | Is::Int32 | Is::Int64);
        for claim in self
            .claims
            .iter_mut()
            .filter(|claim| signed && claim.part.field == field)
        {
            if let (Wanted::Number(number), None) = (&mut claim.is, claim.part.bits)
                && *number >> (bits - 1) == 1
            {
                *number -= 1_i128 << bits;
            }
        }
    }

    /// Takes texts for characters instead of bytes, where the instrument speaks in them.
    pub(crate) fn in_characters(&mut self) {
        for claim in &mut self.claims {
            if let Wanted::Text(bytes) = &mut claim.is {
                *bytes = bytes
                    .iter()
                    .map(|byte| char::from(*byte))
                    .collect::<String>()
                    .into_bytes();
            }
        }
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|claim| claim.part.field.as_str())
    }

    /// Makes it true (or false) in these fields; for playing an instrument.
    pub(crate) fn make(&self, fields: &mut Fields, holds: bool) {
        // one claim that does not hold is enough to make all of it false
        let claims = if holds {
            &self.claims[..]
        } else {
            self.claims.get(..1).unwrap_or_default()
        };
        if self.holds(fields) == Some(holds) {
            return;
        }
        for claim in claims {
            if holds != claim.not {
                match &claim.is {
                    Wanted::Number(number) => claim.part.write(fields, *number),
                    Wanted::Float(text) => fields.put(&claim.part.field, float(text)),
                    Wanted::Text(text) => fields.put(&claim.part.field, Field::Text(text.clone())),
                    Wanted::Flag(flag) => fields.put(&claim.part.field, Field::Flag(*flag)),
                    Wanted::Missing => fields.put(&claim.part.field, Field::Missing),
                }
            } else if claim.holds(fields) != Some(holds) {
                self.make_another(claim, fields);
            }
        }
    }

    /// Puts something else there than the claim names.
    fn make_another(&self, claim: &Claim, fields: &mut Fields) {
        match (&claim.is, claim.part.bits) {
            (Wanted::Number(number), Some((low, high))) if low == high => {
                claim.part.write(fields, 1 - number);
            }
            (Wanted::Number(number), Some(_)) => claim.part.write(fields, i128::from(*number == 0)),
            (Wanted::Number(number), None) => claim.part.write(fields, number + 1),
            (Wanted::Text(text), _) => {
                let named = |other: &[u8]| {
                    self.claims
                        .iter()
                        .any(|claim| matches!(&claim.is, Wanted::Text(text) if text.as_slice() == other))
                };
                let other = (b'A'..=b'Z')
                    .map(|letter| vec![letter; text.len().max(1)])
                    .find(|other| !named(other));
                fields.put(&claim.part.field, Field::Text(other.unwrap_or_default()));
            }
            (Wanted::Flag(flag), _) => fields.put(&claim.part.field, Field::Flag(!flag)),
            (Wanted::Float(_) | Wanted::Missing, _) => {}
        }
    }
}

fn float(text: &str) -> Field {
    Field::Float {
        number: text.parse().unwrap_or_default(),
        text: text.to_owned(),
        single: true,
    }
}

impl Claim {
    fn holds(&self, fields: &Fields) -> Option<bool> {
        if let Field::Missing = fields.get(&self.part.field)? {
            // of what is not there only that much is true
            return Some(self.is == Wanted::Missing && !self.not);
        }
        let equal = match &self.is {
            Wanted::Missing => false,
            Wanted::Flag(wanted) => match fields.get(&self.part.field)? {
                Field::Flag(flag) => flag == wanted,
                _ => return None,
            },
            Wanted::Number(wanted) => match fields.get(&self.part.field)? {
                Field::Float { number, single, .. } => same_float(*number, *single, &wanted.to_string()),
                _ => self.part.number(fields) == Some(*wanted),
            },
            Wanted::Float(wanted) => match fields.get(&self.part.field)? {
                Field::Float { number, single, .. } => same_float(*number, *single, wanted),
                _ => false,
            },
            Wanted::Text(wanted) => match fields.get(&self.part.field)? {
                Field::Text(text) => text.trim_ascii() == wanted.trim_ascii(),
                _ => false,
            },
        };
        Some(equal != self.not)
    }
}

/// A code inside a float is met exactly: rounded to the same float, never "near".
fn same_float(number: f64, single: bool, wanted: &str) -> bool {
    if single {
        wanted
            .parse::<f32>()
            .is_ok_and(|wanted| f64::from(wanted).to_bits() == number.to_bits())
    } else {
        wanted
            .parse::<f64>()
            .is_ok_and(|wanted| wanted.to_bits() == number.to_bits())
    }
}

fn claim(text: &str) -> Option<Claim> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (part, rest) = Part::read(&words)?;
    let single_bit = part.bits.is_some_and(|(low, high)| low == high);
    match rest {
        ["is", "set"] if single_bit => Some(Claim {
            part,
            is: Wanted::Number(1),
            not: false,
        }),
        ["is", "clear"] if single_bit => Some(Claim {
            part,
            is: Wanted::Number(0),
            not: false,
        }),
        ["is", flag @ ("set" | "clear")] if part.bits.is_none() && part.less == 0 => Some(Claim {
            part,
            is: Wanted::Flag(*flag == "set"),
            not: false,
        }),
        ["is", "missing"] => Some(Claim {
            part,
            is: Wanted::Missing,
            not: false,
        }),
        ["is" | "are", "not", rest @ ..] if !rest.is_empty() => Some(Claim {
            is: wanted(text, rest)?,
            part,
            not: true,
        }),
        ["is" | "are", rest @ ..] if !rest.is_empty() => Some(Claim {
            is: wanted(text, rest)?,
            part,
            not: false,
        }),
        _ => None,
    }
}

fn wanted(sentence: &str, words: &[&str]) -> Option<Wanted> {
    if let Some(open) = sentence.find('\'') {
        let quoted = sentence[open + 1..].strip_suffix('\'')?;
        return (!quoted.contains('\'')).then(|| Wanted::Text(latin(quoted).unwrap_or_default()));
    }
    let [word] = words else { return None };
    if let Some(number) = whole(word) {
        return Some(Wanted::Number(number));
    }
    let plain = word
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'-' | b'+'));
    (plain && word.parse::<f64>().is_ok()).then(|| Wanted::Float((*word).to_owned()))
}

/// `17`, `-1`, `0x7FFF`.
pub(crate) fn whole(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Text of a driver file as the bytes on the wire; `None` for a character of more than one byte.
pub(crate) fn latin(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// Why a value is not good.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Doubt {
    pub(crate) about: Vec<String>,
    pub(crate) when: When,
    pub(crate) quality: Quality,
    pub(crate) because: String,
    pub(crate) span: Range<usize>,
}

/// Where the unit of a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum UnitFrom {
    /// Always the same.
    Fixed(Unit),
    /// A word in the answer.
    Words(Vec<(Vec<u8>, Unit)>),
    /// The first of these that holds.
    When(Vec<(When, Unit)>),
}

/// How a value is made of the fields of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Making {
    /// The field with the number or the word.
    pub(crate) from: String,
    /// Where that field probably is among those of its answer.
    pub(crate) place: usize,
    /// Reading one count as so much: mantissa and decimals of `0.1 °C`.
    pub(crate) one_count: Option<Decimal>,
    /// Added after that.
    pub(crate) plus: Option<Decimal>,
    pub(crate) decimals_from: Option<(Part, Vec<(i128, i32)>)>,
    pub(crate) negative_when: Option<When>,
    pub(crate) unit: Option<UnitFrom>,
    /// States by name instead of a number; the first that holds.
    pub(crate) words: Vec<(When, String)>,
    pub(crate) digits: crate::pattern::Digits,
}

impl Making {
    pub(crate) fn new(from: &str) -> Self {
        Self {
            from: from.to_owned(),
            place: 0,
            one_count: None,
            plus: None,
            decimals_from: None,
            negative_when: None,
            unit: None,
            words: Vec::new(),
            digits: crate::pattern::Digits::default(),
        }
    }

    /// Fields it needs beside the number itself.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = self
            .decimals_from
            .iter()
            .map(|(part, _)| part.field.as_str())
            .collect();
        fields.extend(self.negative_when.iter().flat_map(When::fields));
        fields.extend(self.words.iter().flat_map(|(when, _)| when.fields()));
        if let Some(UnitFrom::When(rules)) = &self.unit {
            fields.extend(rules.iter().flat_map(|(when, _)| when.fields()));
        }
        fields
    }

    /// The value, or why there is none.
    pub(crate) fn make(&self, fields: &Fields) -> Result<Value, String> {
        if !self.words.is_empty() {
            return self
                .words
                .iter()
                .find(|(when, _)| when.holds(fields) == Some(true))
                .map(|(_, word)| Value::Text(word.clone()))
                .ok_or_else(|| "unexpected".to_owned());
        }
        let field = fields.near(&self.from, self.place).ok_or("unexpected")?;
        let unit = match &self.unit {
            None => {
                return match field {
                    Field::Text(text) => Ok(Value::Text(
                        String::from_utf8_lossy(text.trim_ascii()).into_owned(),
                    )),
                    _ => Err("unexpected".to_owned()),
                };
            }
            Some(unit) => unit.of(fields).ok_or("unexpected")?,
        };
        let amount = self.amount(field, fields)?;
        Ok(Value::Quantity(Quantity { amount, unit }))
    }

    fn amount(&self, field: &Field, fields: &Fields) -> Result<Amount, String> {
        let unexpected = || "unexpected".to_owned();
        let negative = match &self.negative_when {
            None => false,
            Some(when) => when.holds(fields).ok_or_else(unexpected)?,
        };
        let decimals = match &self.decimals_from {
            None => None,
            Some((part, table)) => {
                let said = part.number(fields).ok_or_else(unexpected)?;
                Some(decimals(said, table).ok_or_else(unexpected)?)
            }
        };
        match field {
            Field::Text(text) => {
                let shown = crate::pattern::number(text, &self.digits).ok_or_else(unexpected)?;
                if self.one_count.is_none() && decimals.is_none() && !negative {
                    return Amount::read(&shown).ok_or_else(unexpected);
                }
                let number = Decimal::from_str(&shown).map_err(|_| unexpected())?;
                self.scaled(number, decimals, negative)
            }
            Field::Count(count) => {
                let number =
                    Decimal::try_from_i128_with_scale(*count, 0).map_err(|_| "out of range".to_owned())?;
                self.scaled(number, decimals, negative)
            }
            Field::Float { number, text, .. } => {
                if !number.is_finite() {
                    return Err("not a number".to_owned());
                }
                if self.one_count.is_none() && self.plus.is_none() && decimals.is_none() && !negative {
                    return Amount::read(text).ok_or_else(|| "out of range".to_owned());
                }
                let number = Decimal::from_str(text).map_err(|_| "out of range".to_owned())?;
                self.scaled(number, decimals, negative)
            }
            Field::Flag(_) | Field::Missing => Err(unexpected()),
        }
    }

    fn scaled(&self, number: Decimal, decimals: Option<i32>, negative: bool) -> Result<Amount, String> {
        let wide = || "out of range".to_owned();
        let mut number = times(number, self.one_count.unwrap_or(Decimal::ONE)).ok_or_else(wide)?;
        if let Some(decimals) = decimals {
            number = shifted(number, decimals).ok_or_else(wide)?;
        }
        if let Some(plus) = self.plus {
            let scale = number.scale().max(plus.scale());
            number = number.checked_add(plus).ok_or_else(wide)?;
            number.rescale(scale);
        }
        if negative && !number.is_zero() {
            number.set_sign_negative(true);
        }
        Ok(Amount::of(number))
    }

    /// The field that would give this value; for playing an instrument.
    pub(crate) fn unmake(&self, value: &Value, is: Option<Is>, fields: &mut Fields) -> Result<(), String> {
        if !self.words.is_empty() {
            let text = value.to_string();
            let at = self.words.iter().position(|(_, word)| *word == text);
            let at = at.ok_or_else(|| format!("it never says {text:?}"))?;
            // the first that holds speaks, so those before it must not hold
            for (when, _) in &self.words[..at] {
                when.make(fields, false);
            }
            self.words[at].0.make(fields, true);
            return Ok(());
        }
        let quantity = match value {
            Value::Text(text) => {
                let bytes = latin(text).ok_or("a character that is not on the wire")?;
                fields.put(&self.from, Field::Text(bytes));
                return Ok(());
            }
            Value::Quantity(quantity) => quantity,
        };
        if let Some(unit) = &self.unit {
            unit.write(quantity.unit, fields)
                .ok_or_else(|| format!("it never shows {}", quantity.unit))?;
        }
        let mut number = quantity.amount.number();
        if let Some(when) = &self.negative_when {
            when.make(fields, number.is_sign_negative() && !number.is_zero());
            number.set_sign_positive(true);
        }
        if let Some(plus) = self.plus {
            number = number.checked_sub(plus).ok_or("out of range")?;
        }
        if let Some((part, table)) = &self.decimals_from {
            let scale = quantity.amount.number().scale() as i32;
            let said = if table.is_empty() {
                Some(i128::from(scale))
            } else {
                table
                    .iter()
                    .find(|(_, decimals)| *decimals == scale)
                    .map(|(said, _)| *said)
            };
            let current = part.number(fields).and_then(|said| decimals(said, table));
            let chosen = match said {
                Some(said) => {
                    part.write(fields, said);
                    scale
                }
                None => current.ok_or("it cannot show so many decimals")?,
            };
            number = shifted(number, -chosen).ok_or("out of range")?;
        }
        let count = number
            .checked_div(self.one_count.unwrap_or(Decimal::ONE))
            .ok_or("out of range")?;
        match is {
            Some(is) if is.is_float() => {
                let text = count.normalize().to_string();
                fields.put(
                    &self.from,
                    Field::Float {
                        number: 0.0,
                        text,
                        single: is == Is::Float32,
                    },
                );
            }
            Some(_) => {
                let whole = count.round();
                fields.put(
                    &self.from,
                    Field::Count(i128::from_str(&whole.to_string()).map_err(|_| "out of range")?),
                );
            }
            None => {
                let text = if self.decimals_from.is_some() {
                    count.normalize().to_string()
                } else {
                    quantity.amount.as_str().to_owned()
                };
                fields.put(&self.from, Field::Text(text.into_bytes()));
            }
        }
        Ok(())
    }
}

/// The decimals a code stands for; without a table the code says it itself.
fn decimals(said: i128, table: &[(i128, i32)]) -> Option<i32> {
    if table.is_empty() {
        return i32::try_from(said)
            .ok()
            .filter(|decimals| (0..=12).contains(decimals));
    }
    table
        .iter()
        .find(|(code, _)| *code == said)
        .map(|(_, decimals)| *decimals)
}

/// Exact product that keeps the decimals of both.
fn times(a: Decimal, b: Decimal) -> Option<Decimal> {
    let mantissa = a.mantissa().checked_mul(b.mantissa())?;
    Decimal::try_from_i128_with_scale(mantissa, a.scale() + b.scale()).ok()
}

/// The point moved left by so many places; negative adds dummy zeros.
fn shifted(number: Decimal, decimals: i32) -> Option<Decimal> {
    if decimals >= 0 {
        Decimal::try_from_i128_with_scale(number.mantissa(), number.scale() + decimals.unsigned_abs()).ok()
    } else {
        times(
            number,
            Decimal::try_from_i128_with_scale(10_i128.checked_pow(decimals.unsigned_abs())?, 0).ok()?,
        )
    }
}

impl UnitFrom {
    fn of(&self, fields: &Fields) -> Option<Unit> {
        match self {
            Self::Fixed(unit) => Some(*unit),
            Self::Words(words) => match fields.get("unit")? {
                Field::Text(text) => words
                    .iter()
                    .find(|(word, _)| word == text.trim_ascii())
                    .map(|(_, unit)| *unit),
                _ => None,
            },
            Self::When(rules) => {
                for (when, unit) in rules {
                    if when.holds(fields)? {
                        return Some(*unit);
                    }
                }
                None
            }
        }
    }

    fn write(&self, unit: Unit, fields: &mut Fields) -> Option<()> {
        match self {
            Self::Fixed(fixed) => (*fixed == unit).then_some(()),
            Self::Words(words) => {
                let (word, _) = words.iter().find(|(_, known)| *known == unit)?;
                fields.put("unit", Field::Text(word.clone()));
                Some(())
            }
            Self::When(rules) => {
                for (when, other) in rules {
                    if *other == unit {
                        when.make(fields, true);
                        return Some(());
                    }
                    when.make(fields, false);
                }
                None
            }
        }
    }

    /// Every unit it can give.
    pub(crate) fn all(&self) -> Vec<Unit> {
        match self {
            Self::Fixed(unit) => vec![*unit],
            Self::Words(words) => words.iter().map(|(_, unit)| *unit).collect(),
            Self::When(rules) => rules.iter().map(|(_, unit)| *unit).collect(),
        }
    }
}

/// The answer of one measure: its value under the doubts about it. Bad goes before uncertain, and the
/// order of the file decides between two of a kind.
pub(crate) fn judge(measure: &str, made: Result<Value, String>, doubts: &[Doubt], fields: &Fields) -> Answer {
    let about = |doubt: &&Doubt| doubt.about.iter().any(|name| name == measure);
    let mut uncertain = None;
    for doubt in doubts.iter().filter(about) {
        match doubt.when.holds(fields) {
            Some(true) if doubt.quality == Quality::Bad => {
                return Answer::Bad(filled(&doubt.because, fields));
            }
            Some(true) if uncertain.is_none() => uncertain = Some(filled(&doubt.because, fields)),
            None => return Answer::Bad("unexpected".to_owned()),
            _ => {}
        }
    }
    match (made, uncertain) {
        (Err(because), _) => Answer::Bad(because),
        (Ok(value), Some(because)) => Answer::Uncertain(value, because),
        (Ok(value), None) => Answer::Good(value),
    }
}

/// The fields a reason names: `error {code}`.
pub(crate) fn named_in(because: &str) -> impl Iterator<Item = &str> {
    let parts = because.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

/// `error {code}` with the code that was heard.
pub(crate) fn filled(because: &str, fields: &Fields) -> String {
    let mut text = because.to_owned();
    while let Some((open, close)) = text
        .find('{')
        .and_then(|open| Some((open, open + text[open..].find('}')?)))
    {
        let said = match fields.get(&text[open + 1..close]) {
            Some(Field::Text(bytes)) => String::from_utf8_lossy(bytes.trim_ascii()).into_owned(),
            Some(Field::Count(count)) => count.to_string(),
            Some(Field::Float { text, .. }) => text.clone(),
            Some(Field::Flag(flag)) => flag.to_string(),
            Some(Field::Missing) | None => String::new(),
        };
        text.replace_range(open..=close, &said);
    }
    text.trim_end().to_owned()
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.quality.word(), self.because)
    }
}

/// A span with what was written there.
pub(crate) type Written = At<String>;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn fields(status: i128, flags: &[u8]) -> Fields {
        let mut fields = Fields::default();
        fields.put("status", Field::Count(status));
        fields.put("flags", Field::Text(flags.to_vec()));
        fields
    }

    #[test]
    fn a_sentence_is_true_or_false_or_unknown_but_never_guessed() {
        let table = "
            status bit 2 is set                   | 0x04 | yes
            status bit 2 is clear                 | 0x04 | no
            status bits 13 to 15 are 3            | 0x6000 | yes
            status is 0x7FFF                      | 0x7FFF | yes
            status is 0xFFFF                      | -1     | no
            status is -1                          | -1     | yes
            status is not 5                       | 5      | no
            status bit 0 is set and status bit 1 is clear | 1 | yes
            status bit 0 is set and status bit 1 is clear | 3 | no
            flags less 0x20 bit 6 is set          | 0 | yes
            flags less 0x20 bit 5 is set          | 0 | no
            flags is '`'                          | 0 | yes
            other bit 0 is set                    | 0 | unknown";
        for row in table.lines().filter(|row| row.contains('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let when = When::parse(cells[0]).unwrap_or_else(|| panic!("{row}"));
            let word = match when.holds(&fields(whole(cells[1]).unwrap(), b"`")) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            assert_eq!(word, cells[2], "{row}");
        }
    }

    #[test]
    fn a_pattern_of_bits_is_the_same_in_a_signed_register() {
        for (is, pattern, count) in [
            (Is::Int16, "0x8000", -32768),
            (Is::Int16, "0xFFFF", -1),
            (Is::Int16, "0x7FFF", 0x7FFF),
            (Is::Int32, "0xFFFF", 0xFFFF),
            (Is::Uint16, "0xFFFF", 0xFFFF),
        ] {
            let mut when = When::parse(&format!("status is {pattern}")).unwrap();
            when.in_register("status", is);
            assert_eq!(
                when.holds(&fields(count, b"")),
                Some(true),
                "{pattern} in {}",
                is.word()
            );
            assert_eq!(
                when.holds(&fields(1, b"")),
                Some(false),
                "{pattern} in {}",
                is.word()
            );
        }
    }

    #[test]
    fn what_is_no_sentence_is_refused() {
        for text in [
            "",
            "status",
            "status bit 2",
            "status bits 1 to 2 is set",
            "status bit 70 is set",
            "status > 5",
            "Status is 5",
            "status is five",
        ] {
            assert!(When::parse(text).is_none(), "{text}");
        }
    }
}

//! A frame from the wire as a `[[sample]]`, written as the house style has it, ready to stand at the end of a
//! driver's file.

use crate::driver::{Driver, Speaks};
use std::fmt::Write;

/// An exchange that is to become a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSample {
    /// What it shows, as a sentence about the instrument.
    pub says: String,
    /// Exchanges that went before, for settings.
    pub before: Vec<(Vec<u8>, Vec<u8>)>,
    /// What was asked, whole; empty where it spoke by itself. On Modbus the RTU frame.
    pub send: Vec<u8>,
    /// What came, whole. On Modbus the RTU frame.
    pub hear: Vec<u8>,
    /// Measure and the words of its answers.
    pub gives: Vec<(String, Vec<String>)>,
}

impl NewSample {
    /// The lines of the file, beginning with a blank one.
    ///
    /// ```
    /// let (file, text) = driver::builtin().iter().find(|(file, _)| *file == "mt-sics-balance.toml").unwrap();
    /// let balance = driver::Driver::parse(text, file).unwrap();
    /// let sample = driver::NewSample {
    ///     says: "a pail on the pan".into(),
    ///     send: b"SI\r\n".to_vec(),
    ///     hear: b"S S     412.05 g\r\n".to_vec(),
    ///     gives: vec![("weight".into(), vec!["412.05 g".into()])],
    ///     ..driver::NewSample::default()
    /// };
    /// assert!(sample.written(&balance).ends_with("gives = { weight = \"412.05 g\" }\n"));
    /// ```
    pub fn written(&self, driver: &Driver) -> String {
        let mut text = format!("\n[[sample]]\nsays  = {}\n", quoted(&self.says));
        if !self.before.is_empty() {
            let pairs: Vec<String> = self
                .before
                .iter()
                .map(|(send, hear)| {
                    format!(
                        "{{ send = {}, hear = {} }}",
                        bytes(driver, send),
                        bytes(driver, hear)
                    )
                })
                .collect();
            text.push_str(&format!("before = [{}]\n", pairs.join(", ")));
        }
        if !self.send.is_empty() {
            text.push_str(&format!("send  = {}\n", bytes(driver, &self.send)));
        }
        text.push_str(&format!("hear  = {}\n", bytes(driver, &self.hear)));
        let gives: Vec<String> = self
            .gives
            .iter()
            .map(|(measure, words)| match words.as_slice() {
                [one] => format!("{measure} = {}", quoted(one)),
                many => {
                    let many: Vec<String> = many.iter().map(|word| quoted(word)).collect();
                    format!("{measure} = [{}]", many.join(", "))
                }
            })
            .collect();
        let _ = writeln!(text, "gives = {{ {} }}", gives.join(", ")); // holds because writing into a string never fails
        text
    }
}

/// Bytes as the samples of this driver have them.
fn bytes(driver: &Driver, bytes: &[u8]) -> String {
    match &driver.speaks {
        Speaks::Text(text) if !text.in_bytes => {
            quoted(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>())
        }
        Speaks::Nodes(_) => literal(&String::from_utf8_lossy(bytes)),
        _ => format!("\"{}\"", crate::sample::hex(bytes)),
    }
}

/// A literal string of TOML, so that JSON stands in it as it is.
fn literal(text: &str) -> String {
    let plain = !text.contains('\'') && !text.chars().any(char::is_control);
    if plain { format!("'{text}'") } else { quoted(text) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::run_samples;

    #[test]
    fn every_sample_of_every_driver_written_anew_still_proves_it() {
        for (file, text) in crate::builtin() {
            let driver = Driver::parse(text, file).unwrap();
            let mut longer = text.trim_end().to_owned() + "\n";
            // what is heard behind a window has more exchanges than one, and is not saved with a key
            let plain: Vec<_> = driver
                .samples
                .iter()
                .filter(|sample| sample.then.is_empty())
                .collect();
            for sample in &plain {
                let new = NewSample {
                    says: format!("once more: {}", sample.says),
                    before: sample.before.clone(),
                    send: sample.send.clone(),
                    hear: sample.hear.clone(),
                    gives: sample.gives.clone(),
                };
                longer.push_str(&new.written(&driver));
            }
            let again = Driver::parse(&longer, file).unwrap_or_else(|wrong| panic!("{file}: {wrong:#?}"));
            assert_eq!(again.samples.len(), driver.samples.len() + plain.len(), "{file}");
            assert!(
                run_samples(&again)
                    .iter()
                    .all(super::super::sample::SampleResult::passed),
                "{file}"
            );
            for (old, new) in plain.iter().zip(&again.samples[driver.samples.len()..]) {
                assert_eq!(
                    (&old.send, &old.hear, &old.gives),
                    (&new.send, &new.hear, &new.gives),
                    "{file}"
                );
            }
        }
    }
}

//! Every word the screens say, in one catalogue. English now.
//!
//! A further language is a further [`Tongue`] with its own `text` function over the same keys; the test at the
//! bottom then holds the placeholders of both against each other. `{name}` is replaced;
//! `{name:one|many}` chooses by the number given under that name.
//!
//! What comes from elsewhere (titles of units, names of batches, the sentences of a call) is shown as it
//! is written there; [`typeset`] only mends its typography.

use record::Unit;
use std::fmt::Write;

/// Keeps a number and its unit on one line.
pub(crate) const NO_BREAK: char = '\u{a0}';
/// The true minus sign.
pub(crate) const MINUS: char = '\u{2212}';

/// A language with its habits of writing numbers.
pub(crate) struct Tongue {
    /// For `<html lang>`.
    pub(crate) code: &'static str,
    pub(crate) decimal: char,
    /// Between groups of three digits before the decimal sign.
    pub(crate) thousands: &'static str,
    /// Names of the months as they stand after a day, January first.
    pub(crate) months: [&'static str; 12],
    text: fn(Say) -> &'static str,
    /// Whether this count takes the first form.
    is_one: fn(u64) -> bool,
}

/// What the machine at hand says unless told otherwise.
pub(crate) static ENGLISH: Tongue = Tongue {
    code: "en",
    decimal: '.',
    thousands: ",",
    months: [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ],
    text: english,
    is_one: |count| count == 1,
};

/// What fills a placeholder.
pub(crate) enum Fill {
    Text(String),
    Count(u64),
}

impl From<String> for Fill {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Fill {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Fill {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl Tongue {
    /// A message without placeholders.
    pub(crate) fn say(&self, key: Say) -> String {
        self.tell(key, &[])
    }

    /// A message with its placeholders filled.
    pub(crate) fn tell(&self, key: Say, fills: &[(&str, Fill)]) -> String {
        let mut out = String::new();
        let mut rest = (self.text)(key);
        while let Some((before, hole, after)) = next_hole(rest) {
            out.push_str(before);
            let (name, forms) = hole
                .split_once(':')
                .map_or((hole, None), |(name, forms)| (name, Some(forms)));
            match (
                fills
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, fill)| fill),
                forms,
            ) {
                (Some(Fill::Count(count)), Some(forms)) => {
                    let (one, many) = forms.split_once('|').unwrap_or((forms, forms));
                    out.push_str(if (self.is_one)(*count) { one } else { many });
                }
                (Some(Fill::Count(count)), None) => out.push_str(&self.count(*count)),
                (Some(Fill::Text(text)), _) => out.push_str(text),
                // A hole nobody fills stays visible, so that the first look at the page finds it.
                (None, _) => out.push_str(hole),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// `1,287`.
    pub(crate) fn count(&self, count: u64) -> String {
        self.grouped(&count.to_string())
    }

    /// An amount as the instrument showed it, every digit kept, in this language's signs: `−1,234.50`.
    /// What isn't a plain number is only typeset.
    pub(crate) fn amount(&self, text: &str) -> String {
        if record::Amount::read(text).is_none() {
            return typeset(text);
        }
        let (minus, digits) = text
            .strip_prefix('-')
            .map_or(("", text), |digits| ("\u{2212}", digits));
        let (whole, part) = digits
            .split_once('.')
            .map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let mut out = format!("{minus}{}", self.grouped(whole));
        if let Some(part) = part {
            let _ = write!(out, "{}{part}", self.decimal);
        }
        out
    }

    fn grouped(&self, digits: &str) -> String {
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push_str(self.thousands);
            }
            out.push(digit);
        }
        out
    }
}

/// A sentence made elsewhere: true minus before digits, no break between a number and its unit.
pub(crate) fn typeset(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(if is_unit(word) && out.ends_with(|c: char| c.is_ascii_digit()) {
                NO_BREAK
            } else {
                ' '
            });
        }
        match word.strip_prefix('-') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                out.push(MINUS);
                out.push_str(rest);
            }
            _ => out.push_str(word),
        }
    }
    out
}

fn is_unit(word: &str) -> bool {
    let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
    !bare.starts_with(|c: char| c.is_ascii_digit()) && Unit::named(bare).is_some()
}

fn next_hole(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (hole, after) = rest.split_once('}')?;
    Some((before, hole, after))
}

macro_rules! catalogue {
    ($($key:ident = $text:literal,)*) => {
        /// The keys of the catalogue.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Say { $($key),* }

        fn english(key: Say) -> &'static str {
            match key { $(Say::$key => $text),* }
        }

        #[cfg(test)]
        const ALL: &[Say] = &[$(Say::$key),*];
    };
}

catalogue! {
    // the frame of every page
    Steelyard = "Steelyard",
    Skip = "Skip to content",
    Main = "Main",
    LightOrDark = "Switch light or dark",
    LiveLost = "Live view lost.",
    LiveLostMeans = "Values on this page may be old. Capture doesn’t depend on this screen. Trying again…",
    Reload = "Reload",
    WithoutScript = "Without script this page loads itself anew every 10 s.",
    TitleOf = "{screen} · {gateway} · Steelyard",
    TitleOfUse = "{use}: {screen} · {gateway} · Steelyard",
    NotFound = "There is no such page here",
    NotFoundDo = "Check the address, or go to the line.",
    ToTheLine = "To the line",

    // what the record is used for
    Demo = "Demo",
    Training = "Training",
    Qualification = "Qualification",
    DemoMeans = "not a production record",

    // the line
    Line = "Line",
    LineOverview = "Line overview",
    NeedsAttention = "Needs attention",
    NothingNeedsYou = "Nothing needs you.",
    NoCallIsOpen = "No call is open.",
    NotAsExpected = "{count} {count:point is|points are} not as expected.",
    Watched = "{units} {units:unit|units} watched, {rate} {rate_count:reading|readings} a second.",
    More = "more",
    MoreCalls = "{count} more calls",
    NoUnits = "No unit is configured",
    NoUnitsDo = "Write [unit.NAME] blocks into the configuration and apply it.",
    NoPoints = "No points",
    NoBatch = "No batch",
    ContextLostStep = "Batch and step not known",
    RunOf = "run {run}",
    NotConfirmed = "not confirmed",
    ForSo = "for {span}",

    // units
    Idle = "Idle",
    Running = "Running",
    Held = "Held",
    ContextLost = "Context lost",

    // points
    NoValue = "No value",
    NoValueYet = "No value yet",
    Waiting = "Waiting",
    WaitingWhy = "Nothing heard since the start",
    InLimits = "in limits",
    NoLimits = "no limits in force",
    NearLimit = "Near limit",
    OutOfLimits = "Out of limits",
    Doubtful = "Doubtful",
    Bad = "Bad value",
    Silent = "No answer",
    SilentFor = "No answer for {span}",
    Stale = "Stale",
    StaleAge = "Stale, {span} old",
    WaitingForPrint = "Waits for print",
    WaitingForPrintWhy = "Speaks when its print key is pressed",
    OutOfService = "Out of service",

    // the record strip
    StateOfRecord = "State of the record",
    Captured = "Captured",
    Sealed = "Sealed",
    Delivered = "Delivered",
    Receipted = "Receipted",
    HeldHere = "Held here",
    Stopped = "Stopped at",
    LastAgo = "last {span} ago",
    ToBroker = "to broker",
    ToGo = "{count} to go",
    OnTheirWay = "{count} on their way",
    AllReceipted = "all",
    NotReceiptedFor = "{count} without, oldest {span}",
    Oldest = "oldest {span}",
    Clock = "Clock",
    ClockWithin = "±{error}",
    ClockUnsure = "unsure, ±{error}",
    ClockUnknown = "not checked",
    Disk = "Disk",
    RoomLeft = "{room} left",
    NoRateYet = "no rate yet",
    Broker = "Broker",
    Connected = "connected",
    NotReached = "not reached",
    NoAnswerFor = "no answer {clock}",
    SetAside = "Set aside",
    Pages = "{count} {count:page|pages}",
    OneReceipted = "{receipted} of {captured} receipted.",
    OneAll = "All {captured} receipted.",
    OneOnTheirWay = "{count} on their way, oldest {span}",
    OneNothingPending = "Nothing pending.",
    OneHeld = "{count} kept safe here, broker silent {span}",
    OneHeldNew = "{count} kept safe here, broker not reached yet",
    OneNoReceipt = "{count} delivered, no receipt for {span}",
    OneStopped = "Capture has stopped.",

    // spans of time
    Days = "{count} {count:day|days}",
    Years = "{count} {count:year|years}",

    // calls about the record: what happened, what it means for the record, what to do
    StoppedCall = "Capture has stopped: {because}",
    StoppedCallBare = "Capture has stopped",
    StoppedMeans = "Nothing is recorded until it resumes. What was sealed before stays safe; the gap will be an entry.",
    StoppedDo = "Mend the cause, or call IT. It resumes by itself.",
    HeldCall = "Record store not reached for {span}",
    HeldCallNew = "Record store not reached since the start",
    HeldMeans = "Nothing is lost: {count} {count:entry is|entries are} sealed and kept on this box, room for {room}.",
    HeldMeansNoRate = "Nothing is lost: {count} {count:entry is|entries are} sealed and kept on this box.",
    HeldMeansStopped = "{count} {count:entry|entries} sealed before capture stopped {count:is|are} kept on this box.",
    HeldDo = "Keep working. IT checks the broker.",
    NoReceiptCall = "Delivered, but not receipted for {span}",
    NoReceiptMeans = "{count} {count:entry stays|entries stay} on this box until the receipt comes.",
    NoReceiptDo = "IT checks the record store’s import.",
    RefusedCall = "The record store refused {count} {count:page|pages}",
    RefusedMeans = "{count:It is|They are} kept here, sealed. The record there is incomplete.",
    RefusedDo = "Quality asks the record store why, then sends {count:it|them} again.",
    ClockCall = "Clock not kept by a time server, may be off by {error}",
    ClockCallUnknown = "Nobody can say whether the clock is right",
    ClockMeans = "Entries carry “clock unsure”. Their order is still certain.",
    ClockDo = "IT checks the time server.",
    DiskCall = "Room for {room} left",
    DiskMeansLow = "With under 6 h left no new batch starts. Running batches go on.",
    DiskMeansOut = "No new batch starts. Running batches go on until capture has to stop.",
    DiskDo = "Bring the record store back, or call IT.",
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_number_is_written_as_the_language_writes_it_and_keeps_every_digit() {
        let german = Tongue {
            code: "de",
            decimal: ',',
            thousands: ".",
            ..ENGLISH
        };
        for (text, in_english, in_german) in [
            ("72.40", "72.40", "72,40"),
            ("-0.610", "\u{2212}0.610", "\u{2212}0,610"),
            ("2398", "2,398", "2.398"),
            ("-1234567.0", "\u{2212}1,234,567.0", "\u{2212}1.234.567,0"),
            ("ON", "ON", "ON"),
        ] {
            assert_eq!(ENGLISH.amount(text), in_english);
            assert_eq!(german.amount(text), in_german);
        }
    }

    #[test]
    fn a_sentence_from_elsewhere_gets_true_minus_and_no_break_before_units() {
        assert_eq!(
            typeset("-5.0 °C, below 2 °C for 38 s in MX-3"),
            "\u{2212}5.0\u{a0}°C, below 2\u{a0}°C for 38\u{a0}s in MX-3"
        );
    }

    #[test]
    fn one_entry_is_an_entry_and_two_are_entries() {
        let tell = |count: u64| ENGLISH.tell(Say::HeldMeansNoRate, &[("count", count.into())]);
        assert!(tell(1).contains("1 entry is sealed"), "{}", tell(1));
        assert!(tell(2140).contains("2,140 entries are sealed"), "{}", tell(2140));
    }

    #[test]
    fn every_message_closes_what_it_opens() {
        for key in ALL {
            let text = english(*key);
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{key:?}");
            assert!(!text.is_empty() && text.trim() == text, "{key:?}");
            assert!(!text.contains('\''), "{key:?}: a typographic apostrophe, please");
        }
    }
}

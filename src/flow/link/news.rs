//! What a person is told about a line and its equipment: once per change of state, in four parts.

use record::{Failure, Stamp, Trouble};

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The line, as people name it.
    pub link: String,
    /// The equipment it is about; all on the line where the line itself changed.
    pub tags: Vec<String>,
    pub at: Stamp,
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The line is open again.
    Opened,
    /// The line cannot be opened; why.
    CannotOpen { because: String },
    /// The line was open and is gone; why.
    Unplugged { because: String },
    /// Questions in a row without answer.
    Silent {
        since: Stamp,
        questions: u32,
        waited_ms: u64,
    },
    /// It answers, and the answer is of no use: refused, garbled or unexpected.
    Failing {
        failure: Failure,
        because: String,
        raw: Vec<u8>,
    },
    /// It answers as it should again.
    Back { since: Stamp, was: Failure },
    /// It says who it is or how it is set, for the first time.
    Identified { says: Vec<(String, String)> },
    /// It says twice that it is not the instrument that is known.
    AnotherInstrument {
        name: String,
        says: String,
        known: String,
    },
    /// It says twice that it is set otherwise than is known.
    SettingsChanged {
        name: String,
        says: String,
        known: String,
    },
    /// It says again what is known. The doubt stands until a person confirms.
    SameInstrument { name: String, says: String },
    /// It answers after a long silence, and cannot say whether it is the same.
    LongAway { since: Stamp },
    /// It refuses to give several reads at once; which it refuses alone, and how many it gives.
    ReadApart {
        asks: String,
        because: String,
        refused: Vec<String>,
        kept: usize,
    },
    /// It gives them at once again.
    ReadTogether { asks: String },
    /// Frames on the line that nobody here asked for.
    AnotherMaster { heard: Vec<u8> },
    /// Bytes without a pause, though nobody asks.
    NeverRests { heard: Vec<u8> },
    /// No such frames for a while.
    AloneAgain,
    /// User name and password, or the certificate of the user, do not count at the server.
    LoginRefused { because: String },
    /// The server shows a certificate that nobody has accepted, or that does not count any more.
    Untrusted {
        because: String,
        fingerprint: String,
        until: Option<Stamp>,
    },
    /// The server does not offer the security or the login that is configured.
    NotOffered { because: String },
    /// The server's pinned certificate has ended, and goes on counting as the configuration says.
    CertificateOver { fingerprint: String, until: Stamp },
    /// A certificate ends within 90 days: ours, or the server's.
    CertificateEnds {
        own: bool,
        fingerprint: String,
        until: Stamp,
        days: i64,
    },
    /// The server does otherwise than it was asked: slower, or with a shorter queue.
    Revised {
        what: String,
        asked: String,
        got: String,
    },
    /// The server does not have a node, or will not give it.
    PointRefused { name: String, because: String },
    /// It gives it after all.
    PointGiven { name: String },
    /// Values that were there did not reach us.
    ValuesLost { points: String, because: String },
    /// The server's clock and ours are too far apart.
    ClockDiffers { ahead_ms: i64, within_ms: i64 },
    /// They agree again.
    ClockAgrees,
}

impl News {
    /// Whether it is good news: something that had failed works again.
    pub fn is_recovery(&self) -> bool {
        matches!(
            self.change,
            Change::Opened
                | Change::Back { .. }
                | Change::Identified { .. }
                | Change::ReadTogether { .. }
                | Change::AloneAgain
                | Change::PointGiven { .. }
                | Change::ClockAgrees
        )
    }

    /// The word of the `exception` entry it is, where a reviewer has to see it.
    pub fn exception(&self) -> Option<&'static str> {
        Some(match self.change {
            Change::LoginRefused { .. } => "login-refused",
            Change::Untrusted { .. } => "server-untrusted",
            Change::NotOffered { .. } => "security-not-offered",
            Change::CertificateOver { .. } => "certificate-over",
            Change::CertificateEnds { .. } => "certificate-ends",
            Change::Revised { .. } => "server-revised",
            Change::PointRefused { .. } => "point-refused",
            Change::ValuesLost { .. } => "values-lost",
            Change::ClockDiffers { .. } => "server-clock",
            _ => return None,
        })
    }

    /// What happened, where, what it means for the record, and what to do.
    pub fn words(&self) -> Trouble {
        let who = self.tags.join(", ");
        let link = &self.link;
        let trouble = match &self.change {
            Change::Opened => Trouble::new("line-open", format!("{link} is open again")).means(going_on()),
            Change::CannotOpen { because } => {
                Trouble::new("line-not-opened", format!("{link} cannot be opened: {because}"))
                    .means(gap(&who))
                    .so("tried again at least every 5 s; is the adapter plugged in, is the far end powered?")
            }
            Change::Unplugged { because } => Trouble::new("line-lost", format!("{link} is gone: {because}"))
                .means(gap(&who))
                .so("opened again by itself; is the plug in, is the far end powered?"),
            Change::Silent {
                since,
                questions,
                waited_ms,
            } => {
                let asked = if *questions == 1 {
                    "a question"
                } else {
                    "questions in a row"
                };
                let count = if *questions == 1 {
                    String::new()
                } else {
                    format!("{questions} ")
                };
                let what = format!(
                    "{who} is silent since {since}: {count}{asked} without answer ({waited_ms} ms each)"
                );
                Trouble::new("silent", what).means(gap(&who)).so(format!(
                    "asked again every few seconds; is {who} powered, does it answer?   steelyard try {who}"
                ))
            }
            Change::Failing {
                failure,
                because,
                raw,
            } => failing(*failure, &who, because, raw),
            Change::Back { since, was } => Trouble::new(
                "answers-again",
                format!("{who} answers again; it was {was} since {since}"),
            )
            .means(going_on()),
            Change::Identified { says } => {
                let serial = says.iter().find(|(name, _)| name == super::SERIAL_NUMBER);
                let words: Vec<String> = says.iter().map(|(name, says)| format!("{name} {says}")).collect();
                Trouble::new("identified", format!("{who} says: {}", words.join(", ")))
                    .means("entered as what is known of it; from now on a change of it puts values in doubt")
                    .so(serial.map_or_else(
                        || "compare it with the instrument".to_owned(),
                        |(_, says)| format!("compare it with the type plate, and write serial_number = \"{says}\" into [equipment.{who}]"),
                    ))
            }
            Change::AnotherInstrument { name, says, known } => Trouble::new(
                "another-instrument",
                format!("{who} is another instrument: its {name} is {says}, known is {known}"),
            )
            .means(doubtful(&who))
            .so(format!(
                "put the qualified instrument back; then, or if the exchange is meant:   steelyard equipment confirm {who}"
            )),
            Change::SettingsChanged { name, says, known } => Trouble::new(
                "settings-changed",
                format!("{who} is set otherwise: {name} is {says}, known is {known}"),
            )
            .means(doubtful(&who))
            .so(format!(
                "set it back, or compare its display with its values; then:   steelyard equipment confirm {who}"
            )),
            Change::SameInstrument { name, says } => Trouble::new(
                "same-instrument",
                format!("{who} says again what is known: {name} is {says}"),
            )
            .means(doubtful(&who))
            .so(format!(
                "find out what was done to it; then:   steelyard equipment confirm {who}"
            )),
            Change::LongAway { since } => Trouble::new(
                "long-silence-over",
                format!("{who} answers again after a silence since {since}, and cannot say who it is"),
            )
            .means("capture goes on; whether it is the same instrument is for a person to say")
            .so(format!(
                "the same:   steelyard equipment confirm {who}   another:   steelyard equipment exchanged {who}"
            )),
            Change::ReadApart {
                asks,
                because,
                refused,
                kept,
            } => {
                let then = if refused.is_empty() {
                    "asked one by one it gives them all".to_owned()
                } else {
                    format!("alone it refuses {}; {kept} other reads go on", refused.join(", "))
                };
                Trouble::new("reads-apart", format!("{who} refuses {asks} as one question ({because}); {then}"))
                    .means("what it gives is captured, at the same pace; what it refuses is a gap")
                    .so("compare the driver with the manual of this model and its firmware; asked as one again every hour")
            }
            Change::ReadTogether { asks } => {
                Trouble::new("reads-together", format!("{who} gives {asks} as one question again"))
                    .means("nothing is missing")
            }
            Change::AnotherMaster { heard } => {
                let what = format!(
                    "another master asks on {link}: {} was heard, and nobody here asked for it",
                    hex(heard)
                );
                Trouble::new("another-master", what)
                    .means(format!("answers from {who} are not believed until the line has been ours for 10 s"))
                    .so("find the second master (a panel, a service tool, a converter that echoes) and take it off this line")
            }
            Change::NeverRests { heard } => {
                let what = format!(
                    "{link} never rests: {} and more, without a pause and unasked",
                    hex(heard)
                );
                Trouble::new("line-never-rests", what)
                    .means(gap(&who))
                    .so("is the instrument set to send by itself, or a wire of the pair loose? its driver asks and waits")
            }
            Change::AloneAgain => {
                Trouble::new("alone-again", format!("{link} is ours again")).means(going_on())
            }
            of_a_server => server_words(of_a_server, link, &who),
        };
        trouble.at(link)
    }
}

/// What a person is told about an OPC UA server.
fn server_words(change: &Change, link: &str, who: &str) -> Trouble {
    match change {
        Change::LoginRefused { because } => {
            Trouble::new("login-refused", format!("{link} does not take our name: {because}"))
                .means(gap(who))
                .so("not tried again for 15 minutes, so that the account is not locked; correct `user` and `password_file`, then   steelyard apply")
        }
        Change::Untrusted { because, fingerprint, until } => {
            let until = until.map_or_else(String::new, |until| format!(", ends {until}"));
            let shown = if fingerprint.is_empty() {
                String::new()
            } else {
                format!(" (fingerprint {fingerprint}{until})")
            };
            let accept = if fingerprint.is_empty() {
                "look at the server's certificate; then   steelyard trust list".to_owned()
            } else {
                format!("compare the fingerprint with the one the server shows; if it is the same:   steelyard trust accept {}", &fingerprint[..fingerprint.len().min(16)])
            };
            Trouble::new("server-untrusted", format!("the certificate of {link} is not trusted: {because}{shown}"))
                .means(gap(who))
                .so(accept)
        }
        Change::NotOffered { because } => Trouble::new("security-not-offered", format!("{link}: {because}"))
            .means(format!("{} Nothing weaker is ever taken instead", gap(who)))
            .so(format!("set the server up for it, or write another `security`:   steelyard find opcua {link}")),
        Change::CertificateOver { fingerprint, until } => {
            Trouble::new("certificate-over", format!("the certificate of {link} ended {until} (fingerprint {fingerprint})"))
                .means("its values go on being recorded, as `when_certificate_is_over` says; an exception is entered")
                .so("have the server's certificate renewed, then   steelyard trust accept")
        }
        Change::CertificateEnds { own, fingerprint, until, days } => {
            let whose = if *own {
                format!("our own certificate for {link}")
            } else {
                format!("the certificate of {link}")
            };
            Trouble::new("certificate-ends", format!("{whose} ends in {days} days, {until} (fingerprint {fingerprint})"))
                .means("nothing yet; afterwards the server may refuse us, or we it")
                .so("renew it in good time:   steelyard trust own")
        }
        Change::Revised { what, asked, got } => {
            Trouble::new("server-revised", format!("{link} does otherwise than {who} was asked for: {what}: asked {asked}, given {got}"))
                .means("values between are not seen; an exception is entered")
                .so("have the server's limits widened, or put the pace it gives into the driver")
        }
        Change::PointRefused { name, because } => {
            Trouble::new("point-refused", format!("{who}: {link} does not give {name}: {because}"))
                .means(format!("{name} is a gap; every other point goes on"))
                .so("asked again every minute; compare the node with the server:   steelyard find opcua")
        }
        Change::PointGiven { name } => {
            Trouble::new("point-given", format!("{who}: {link} gives {name} again")).means(going_on())
        }
        Change::ValuesLost { points, because } => {
            Trouble::new("values-lost", format!("{who}: values of {points} are lost: {because}"))
                .means("entered as a gap")
                .so("a longer `queue` or a shorter `publish` in the driver; is the network or this machine too busy?")
        }
        Change::ClockDiffers { ahead_ms, within_ms } => {
            let (by, side) = (ahead_ms.abs(), if *ahead_ms > 0 { "ahead of" } else { "behind" });
            Trouble::new("server-clock", format!("the clock of {link} is {by} ms {side} ours; {within_ms} ms are allowed"))
                .means("readings have our time; both of the server's times are kept beside it")
                .so("give the server the time server of the plant")
        }
        _ => Trouble::new("server-clock-agrees", format!("the clock of {link} agrees with ours again"))
            .means("readings have the time of their source again"),
    }
}

fn failing(failure: Failure, who: &str, because: &str, raw: &[u8]) -> Trouble {
    let kept = format!("no value of {who} is entered; the bytes are kept");
    let look = format!("steelyard try {who}   shows bytes beside meaning");
    match failure {
        Failure::Refused => Trouble::new("refused", format!("{who} refuses: {because}"))
            .means(kept)
            .so(look),
        Failure::Garbled => Trouble::new(
            "garbled",
            format!("answers of {who} arrive damaged: {}", hex(raw)),
        )
        .means(kept)
        .so(format!(
            "look at cable, screen, termination, and at speed and parity on both sides; {look}"
        )),
        Failure::Unexpected | Failure::Silent => Trouble::new(
            "unexpected",
            format!("{who} says something its driver does not know: {}", hex(raw)),
        )
        .means(kept)
        .so(format!("compare the manual with the driver; {look}")),
    }
}

fn doubtful(who: &str) -> String {
    format!("values from {who} are entered as doubtful and never count as within, until a person confirms")
}

fn gap(who: &str) -> String {
    format!("{who}: entered as a gap from now on; no value is carried on")
}

fn going_on() -> String {
    "the gap ends with the first good answer".into()
}

/// Bytes as an engineer reads them, at most 32 of them.
pub(super) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".into();
    }
    let shown: Vec<String> = bytes.iter().take(32).map(|byte| format!("{byte:02X}")).collect();
    let more = if bytes.len() > 32 { " …" } else { "" };
    format!("{}{more}", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_instrument_is_told_in_four_parts() {
        let since = Stamp(1_800_000_000_000);
        let change = Change::Silent {
            since,
            questions: 3,
            waited_ms: 300,
        };
        let news = News {
            link: "10.30.4.15:502".into(),
            tags: vec!["TC-3105".into()],
            at: since,
            change,
        };
        let words = "\
error[silent]: TC-3105 is silent since 2027-01-15T08:00:00.000Z: 3 questions in a row without answer (300 ms each)
  --> 10.30.4.15:502
  record: TC-3105: entered as a gap from now on; no value is carried on
  do:     asked again every few seconds; is TC-3105 powered, does it answer?   steelyard try TC-3105";
        assert_eq!(news.words().to_string(), words);
    }

    #[test]
    fn another_scale_is_told_in_four_parts() {
        let change = Change::AnotherInstrument {
            name: "serial_number".into(),
            says: "B598877001".into(),
            known: "B512345678".into(),
        };
        let news = News {
            link: "/dev/scale".into(),
            tags: vec!["WT-3101".into()],
            at: Stamp(0),
            change,
        };
        let words = "\
error[another-instrument]: WT-3101 is another instrument: its serial_number is B598877001, known is B512345678
  --> /dev/scale
  record: values from WT-3101 are entered as doubtful and never count as within, until a person confirms
  do:     put the qualified instrument back; then, or if the exchange is meant:   steelyard equipment confirm WT-3101";
        assert_eq!(news.words().to_string(), words);
    }
}

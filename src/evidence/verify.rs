//! Looks at a ledger or at evidence, and says what is proven. Keys that lie beside a ledger prove nothing by
//! themselves: without a fingerprint from elsewhere the answer never says more than "consistent in itself".

use super::folder::Folder;
use record::{
    Hash, Trouble,
    verify::{Check, Report, Scope},
};

/// Fingerprints from the enrolment sheet.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Keys that may have sealed.
    pub gateway: Vec<Hash>,
    /// Keys that may have signed receipts.
    pub store: Vec<Hash>,
}

/// What was found.
#[derive(Debug)]
pub struct Finding {
    /// What was looked at, as the person named it.
    pub name: String,
    /// A ledger, evidence, or a part.
    pub scope: Scope,
    /// The facts.
    pub report: Report,
    /// Keys that are other ones than expected, in words.
    pub strangers: Vec<String>,
    /// Whether the page keys were compared with a fingerprint from elsewhere.
    pub gateway_known: bool,
    /// Whether the receipt keys were.
    pub store_known: bool,
    /// What could not be read at all.
    pub unread: Option<Trouble>,
}

impl Finding {
    /// Nothing was found, because nothing could be read.
    pub fn unread(name: &str, trouble: Trouble) -> Self {
        Self {
            name: name.to_owned(),
            scope: Scope::Ledger,
            report: Report::default(),
            strangers: Vec::new(),
            gateway_known: false,
            store_known: false,
            unread: Some(trouble),
        }
    }

    /// Whether everything that was asked for holds.
    pub fn holds(&self) -> bool {
        self.report.holds() && self.strangers.is_empty() && self.unread.is_none()
    }
}

/// Checks everything in a folder, in one pass and with bounded buffers.
pub fn verify(folder: &Folder<'_>, name: &str, expected: &Expected) -> Finding {
    let nothing = |trouble| (Report::default(), Some(trouble));
    let (mut report, mut unread) = look(folder).unwrap_or_else(nothing);
    if ends_in_a_page_being_written(folder, &report) {
        // A gateway was at it while we read. By now that page is whole; if not, it is a torn tail.
        (report, unread) = look(folder).unwrap_or_else(nothing);
    }
    let mut finding = Finding {
        name: name.to_owned(),
        scope: folder.scope(),
        report,
        strangers: Vec::new(),
        gateway_known: !expected.gateway.is_empty(),
        store_known: !expected.store.is_empty(),
        unread,
    };
    finding.strangers = strangers(&finding.report, expected);
    finding
}

/// The one thing wrong is what stands at the very end.
fn ends_in_a_page_being_written(folder: &Folder<'_>, report: &Report) -> bool {
    let at_the_end = |page: Option<u64>| page == Some(report.page_range.map_or(1, |(_, last)| last + 1));
    let unfinished = matches!(&report.problems[..], [one] if one.entries.is_none() && at_the_end(one.page));
    unfinished && folder.scope() == Scope::Ledger
}

fn look(folder: &Folder<'_>) -> Result<(Report, Option<Trouble>), Trouble> {
    let mut check = Check::new(folder.keys()?).scope(folder.scope());
    let mut begun = String::new();
    let read = folder.each_piece(|name, compressed, bytes, last| {
        if begun != name {
            check.segment(name, compressed);
            name.clone_into(&mut begun);
        }
        check.feed(bytes, last);
    });
    // What was read before a file broke off is still worth saying.
    let read = read.and_then(|()| folder.each_receipt(|line, number| check.receipt(line, number)));
    Ok((check.finish(), read.err()))
}

fn strangers(report: &Report, expected: &Expected) -> Vec<String> {
    let mut strangers = Vec::new();
    if !expected.gateway.is_empty() {
        // One expected key vouches for its run: each key of it was handed over to, or handed over.
        let unknown = report
            .runs
            .iter()
            .filter(|run| !run.iter().any(|key| expected.gateway.contains(key)));
        strangers.extend(
            unknown.flatten().map(|key| {
                format!("pages are sealed by key {key}, which is not the gateway's key you named")
            }),
        );
    }
    if !expected.store.is_empty() {
        let unknown = report
            .receipted_by
            .iter()
            .filter(|key| !expected.store.contains(key));
        strangers.extend(unknown.map(|key| {
            format!("receipts are signed by key {key}, which is not the record store's key you named")
        }));
    }
    strangers
}

//! Names that stand in topics, in the record and on labels, and paths that a daemon can find.

use crate::config::block::Page;
use driver::Complaint;
use std::path::PathBuf;
use toml::Spanned;

/// Longest name: it stands in topics, in entries and on screens.
const LONGEST: usize = 64;

/// Names of gateway, unit and tag stand in topics as they are: letters, digits, blank, `-`, `_`.
pub(in crate::config) fn check(page: &Page, what: &str, name: &Spanned<String>) {
    let text = name.get_ref();
    let wrong = text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, ' ' | '_' | '-'));
    let problem = if let Some(wrong) = wrong {
        format!("{wrong:?} cannot stand in it")
    } else if text.trim() != text || text.is_empty() {
        "it is empty, or begins or ends with a blank".to_owned()
    } else if text.len() > LONGEST {
        format!("it is longer than {LONGEST} characters")
    } else {
        return;
    };
    page.add(
        Complaint::new(
            "name-not-allowed",
            format!("{text:?} cannot be the name of {what}"),
        )
        .mark(name.span(), problem)
        .why("the name stands in topics and in the record exactly as it is written here")
        .help("use letters A to Z, digits, blanks, hyphens and underscores"),
    );
}

/// A path from the root: the configuration is read back from the record, where no directory is near.
pub(in crate::config) fn path(page: &Page, key: &str, path: &Spanned<String>) -> PathBuf {
    let text = path.get_ref();
    if !text.starts_with('/') {
        page.add(
            Complaint::new(
                "path-not-absolute",
                format!("`{key}` is a path that begins nowhere"),
            )
            .mark(path.span(), "does not begin with /")
            .why("the daemon may be started from anywhere, and reads its configuration back from the ledger")
            .help(format!(
                "write the whole path: {key} = \"/…/{}\"",
                text.trim_start_matches("./")
            )),
        );
    }
    PathBuf::from(text)
}

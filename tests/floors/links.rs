//! Links between files: what a document or a comment points to is there.

use crate::source::File;

/// Folders whose files are pointed to by their path from the root, in prose and in comments.
const POINTED_TO: &[&str] = &["docs/", "tests/", "systemd/"];
/// What a reader can open.
const READABLE: &[&str] = &[".md", ".rs", ".toml", ".service", ".py", ".json"];

/// Links of one file that lead nowhere. `names` are the files of the tree.
pub(crate) fn complaints(file: &File, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if file.path.starts_with("tests/floors/") {
        return found; // what is planted there to be found is not for readers
    }
    for (line, number) in file.text.lines().zip(1..) {
        // In code only comments speak to a reader; a string may name a file that a test makes.
        let prose = if file.is_rust() {
            line.split_once("//").map_or("", |(_, comment)| comment)
        } else {
            line
        };
        let mut targets: Vec<String> = pointed_to(prose);
        if file.extension() == "md" {
            targets.extend(links(line).into_iter().map(|target| resolved(&file.path, target)));
        }
        targets.sort();
        targets.dedup();
        for target in targets {
            let folder = format!("{}/", target.trim_end_matches('/'));
            if !names
                .iter()
                .any(|name| *name == target || name.starts_with(&folder))
            {
                found.push(format!(
                    "{}:{number}: points to `{target}`, and there is no such file\n    \
                     do: correct the path, or write the file in the same change",
                    file.path
                ));
            }
        }
    }
    found
}

/// `[words](target)`: targets that are files of ours, without their fragment.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .map(|target| target.split(['#', ' ']).next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// Where a relative link leads, from the root of the repository.
fn resolved(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Paths from the root, as comments and prose name them: `docs/decisions/0002-floors.md`.
fn pointed_to(line: &str) -> Vec<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    line.split(|c: char| !part(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| POINTED_TO.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| READABLE.iter().any(|end| word.ends_with(end)))
        .filter(|word| !word.contains("..") && !word.contains("NNNN"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let names = ["docs/a.md".to_owned(), "docs/manual/b.md".to_owned()];
    let cases = [
        ("docs/a.md", "see [b](manual/c.md)", "docs/manual/c.md"),
        ("docs/manual/b.md", "see [a](../b.md#top)", "docs/b.md"),
        ("src/lib.rs", "//! See docs/none.md.", "docs/none.md"),
    ];
    for (path, text, named) in cases {
        let found = complaints(&File::new(path, text), &names);
        assert!(
            found.len() == 1 && found[0].contains(&format!("`{named}`")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn a_link_that_leads_somewhere_is_left_alone() {
    let names = ["docs/a.md".to_owned(), "docs/manual/b.md".to_owned()];
    let cases = [
        (
            "docs/a.md",
            "[b](manual/b.md#x), [all](manual/), [here](#top), [there](https://example.org/x.md)",
        ),
        ("docs/manual/b.md", "[a](../a.md) and `docs/manual/b.md`."),
        (
            "src/lib.rs",
            "//! See `docs/a.md`; the form is docs/decisions/NNNN-name.md.",
        ),
    ];
    for (path, text) in cases {
        assert_eq!(
            complaints(&File::new(path, text), &names),
            Vec::<String>::new(),
            "{text}"
        );
    }
}

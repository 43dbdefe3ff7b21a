//! A tidy tree: nothing left over, nothing unexplained, nothing that only one machine knows.

use crate::source::{File, code, without_tests};

/// What may not be left in code, and what to do about it.
const LEFT_OVER: &[(&str, &str)] = &[
    (
        "todo!",
        "do it, or open an issue and say in words what is missing",
    ),
    ("unimplemented!", "do it, or make the case impossible"),
    ("dbg!", "remove it, or log it as an event with fields"),
    ("unsafe", "the product needs none; rustix and std have safe forms"),
];

/// Paths and hosts of one machine or one network mean nothing to a reader elsewhere. Each is written
/// in two halves so that this file does not name them itself.
const ONLY_HERE: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("pypi", ".org"),
    ("registry", ".npmjs"),
    ("deb.", "debian.org"),
    ("static.", "crates.io"),
    ("index.", "crates.io"),
];

/// Files whose lines we write; data that is compared byte by byte (ledgers, keys, packed files) is not ours to touch.
const WRITTEN: &[&str] = &[
    "rs", "md", "toml", "css", "js", "html", "py", "sh", "service", "yml", "yaml", "",
];

/// Everything that is wrong with one file.
pub(crate) fn complaints(file: &File) -> Vec<String> {
    let mut found = lines(file);
    if file.is_rust() {
        found.extend(left_over(file));
        found.extend(ignored(file));
        found.extend(unexplained_panic(file));
        found.extend(no_purpose(file));
    }
    found
}

fn lines(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let text = &file.text;
    for (line, number) in text.lines().zip(1..) {
        for (first, second) in ONLY_HERE {
            let named = format!("{first}{second}");
            if line.contains(&named) && !file.path.ends_with(".lock") {
                let path = &file.path;
                found.push(format!("{path}:{number}: names `{named}`, which only means something on one machine\n    do: say it without the place, or make it a setting"));
            }
        }
    }
    if !WRITTEN.contains(&file.extension()) {
        return found;
    }
    if let Some((_, line)) = text.split('\n').zip(1..).find(|(line, _)| line.ends_with('\r')) {
        found.push(format!(
            "{}:{line}: the line ends with CR LF\n    do: end lines with LF alone",
            file.path
        ));
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        found.push(format!(
            "{}: must end with exactly one line feed\n    do: end the last line, and let nothing follow",
            file.path
        ));
    }
    found
}

fn left_over(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let mut found = Vec::new();
    for (line, number) in code.lines().zip(1..) {
        for (word, instead) in LEFT_OVER {
            if has_word(line, word) {
                found.push(format!(
                    "{}:{number}: `{word}` is left over\n    do: {instead}",
                    file.path
                ));
            }
        }
    }
    found
}

/// A test that is skipped says why: `#[ignore = "needs …"]`, or a comment on its line or the one above.
fn ignored(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let written: Vec<&str> = file.text.lines().collect();
    let explained =
        |at: usize| written[at].contains("//") || (at > 0 && written[at - 1].trim_start().starts_with("//"));
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        let bare = line
            .split("#[ignore")
            .nth(1)
            .is_some_and(|rest| !rest.trim_start().starts_with('='));
        if bare && !explained(at) {
            let number = at + 1;
            found.push(format!("{}:{number}: a test is skipped without a reason\n    do: write #[ignore = \"why\"], or run it", file.path));
        }
    }
    found
}

/// Outside tests a panic must be impossible, and the line says why it is.
fn unexplained_panic(file: &File) -> Vec<String> {
    if file.for_tests {
        return Vec::new();
    }
    let code = without_tests(&code(&file.text));
    let written: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        if !(line.contains(".unwrap()") || line.contains(".expect(")) {
            continue;
        }
        let above = written[..at]
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with("//"));
        let explained = std::iter::once(&written[at])
            .chain(above)
            .any(|line| line.contains("// holds because"));
        if !explained {
            let number = at + 1;
            found.push(format!(
                "{}:{number}: a panic without a reason why it cannot happen\n    \
                 do: return a Trouble, or write `// holds because …` above it",
                file.path
            ));
        }
    }
    found
}

/// Each module begins with what it is for and what it must never do.
fn no_purpose(file: &File) -> Vec<String> {
    // A file of `kinds/` is one table, and its member `says` is its purpose.
    if file.text.starts_with("//!") || file.path.starts_with("src/record/kinds/") {
        return Vec::new();
    }
    vec![format!(
        "{}:1: the module does not say what it is for\n    do: begin it with two or three lines of `//!`",
        file.path
    )]
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = word.ends_with(part) && line[at + word.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}

#[test]
fn what_is_left_over_is_seen() {
    let cases = [
        ("src/a.rs", "//! A.\nfn a() { todo!() }\n", "`todo!` is left over"),
        (
            "src/a.rs",
            "//! A.\nfn a() { unimplemented!() }\n",
            "`unimplemented!` is left over",
        ),
        (
            "tests/a.rs",
            "//! A.\nfn a() { dbg!(1); }\n",
            "`dbg!` is left over",
        ),
        ("src/a.rs", "//! A.\nunsafe fn a() {}\n", "`unsafe` is left over"),
        (
            "tests/a.rs",
            "//! A.\n#[test]\n#[ignore]\nfn a() {}\n",
            "skipped without a reason",
        ),
        (
            "src/a.rs",
            "//! A.\nfn a() { b.unwrap() }\n",
            "a panic without a reason",
        ),
        (
            "src/a.rs",
            "//! A.\nfn a() { b\n    .expect(\"c\") }\n",
            "a panic without a reason",
        ),
        ("src/a.rs", "fn a() {}\n", "does not say what it is for"),
        ("src/a.rs", "//! A.\r\nfn a() {}\n", "CR LF"),
        ("README.md", "no end", "exactly one line feed"),
        ("README.md", "two ends\n\n", "exactly one line feed"),
    ];
    for (path, text, expected) in cases {
        let found = complaints(&File::new(path, text));
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{text:?}: {found:?}"
        );
    }
}

#[test]
fn a_place_that_only_one_machine_knows_is_seen() {
    for (first, second) in ONLY_HERE {
        let found = complaints(&File::new("docs/a.md", &format!("see {first}{second}x\n")));
        assert!(
            found.len() == 1 && found[0].contains("only means something on one machine"),
            "{found:?}"
        );
    }
}

#[test]
fn what_is_explained_or_only_mentioned_is_left_alone() {
    let cases = [
        (
            "src/a.rs",
            "//! A, without unsafe and todo!.\nfn a() { b(\"todo! dbg!\") }\n",
        ),
        (
            "src/a.rs",
            "//! A.\n// holds because b is made two lines above\nfn a() { b.unwrap() }\n",
        ),
        (
            "src/a.rs",
            "//! A.\nfn a() { b.unwrap() } // holds because b is whole\n",
        ),
        (
            "src/a.rs",
            "//! A.\nfn a() { b.unwrap_or(0) }\n#[cfg(test)]\nmod tests { fn c() { d.unwrap() } }\n",
        ),
        (
            "tests/a.rs",
            "//! A.\n#[ignore = \"needs a real broker\"]\nfn a() { b.unwrap() }\n",
        ),
        ("src/a.rs", "//! A.\nfn not_unsafe_at_all() {}\n"),
        ("tests/golden/segment-000001.pages", "a page\n\n\n\n"),
        ("docs/empty.md", ""),
    ];
    for (path, text) in cases {
        assert_eq!(
            complaints(&File::new(path, text)),
            Vec::<String>::new(),
            "{text:?}"
        );
    }
}

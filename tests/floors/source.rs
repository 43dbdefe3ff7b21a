//! Rust and prose as text: just enough reading to hold the house rules. Never a parser: what the
//! compiler guards is left to the compiler.

use std::{fs, path::Path, process::Command};

/// One file of the tree, by its path from the root of the repository.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Whether it is Rust that never becomes part of the product: tests, and what is built for them alone.
    pub(crate) for_tests: bool,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            for_tests: !path.starts_with("src/"),
        }
    }

    pub(crate) fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, ext)| ext)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }
}

/// Every text file that is, or is about to be, part of the repository.
pub(crate) fn tree() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git lists the files of this repository");
    assert!(
        listed.status.success(),
        "git could not list the files of this repository; is this a clone?"
    );
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    // A file deleted but not yet committed is listed and cannot be read; one that is not text has no lines.
    let text_of = |name: &str| String::from_utf8(fs::read(root.join(name)).ok()?).ok();
    let named = names.split('\0').filter(|name| !name.is_empty());
    let mut files: Vec<File> = named
        .filter_map(|name| Some(File::new(name, &text_of(name)?)))
        .collect();
    let modules: Vec<String> = files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(files_for_tests)
        .collect();
    for file in &mut files {
        let declared = modules
            .iter()
            .any(|place| file.path == *place || place.ends_with('/') && file.path.starts_with(place));
        file.for_tests |= declared || file.path.ends_with("build.rs");
    }
    files
}

/// The files in which a module for tests may lie: `#[cfg(test)] mod world;` in src/flow/mod.rs.
fn files_for_tests(file: &File) -> Vec<String> {
    let folder = file
        .path
        .trim_end_matches("/mod.rs")
        .trim_end_matches("/lib.rs")
        .trim_end_matches(".rs");
    let names = test_modules(&code(&file.text));
    names
        .iter()
        .flat_map(|name| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/")])
        .collect()
}

/// The same text with everything blanked that is not code: comments, and what stands inside
/// strings and characters. Every byte keeps its place, every line its number.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => find(bytes, at, b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => end_of_block_comment(bytes, at),
            b'"' => end_of_string(bytes, at),
            b'r' if !follows_a_word(bytes, at) => end_of_raw_string(bytes, at),
            b'\'' => end_of_character(bytes, at),
            _ => at,
        };
        if end == at {
            at += 1;
            continue;
        }
        out[at..end]
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
        at = end;
    }
    String::from_utf8(out).expect("whole characters were blanked")
}

/// Code without what is compiled for tests only: every item under `#[cfg(test)]`.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(start) = code[from..].find(MARK).map(|found| from + found) {
        let end = end_of_item(code.as_bytes(), start + MARK.len());
        out[start..end]
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
        from = end;
    }
    String::from_utf8(out).expect("whole characters were blanked")
}

/// Modules that live in files of their own and are compiled for tests only.
fn test_modules(code: &str) -> Vec<String> {
    code.split("#[cfg(test)]")
        .skip(1)
        .filter_map(|after| {
            let item = after
                .split_once(';')?
                .0
                .trim()
                .trim_start_matches("pub(crate)")
                .trim_start_matches("pub");
            let name = item.trim().strip_prefix("mod ")?.trim();
            name.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
                .then(|| name.to_owned())
        })
        .collect()
}

/// Every path in the code with its line: `use std::{fs, io::Read}` gives `std::fs` and `std::io::Read`.
pub(crate) fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut reader = Reader {
        groups: vec![Vec::new()],
        ..Reader::default()
    };
    let (mut joined, mut renamed) = (false, false);
    for (line, token) in tokens(code) {
        match token {
            "::" => {}
            "{" if joined => reader.open_group(),
            "{" => reader.open_block(),
            "}" => reader.close_braces(),
            "as" => renamed = true,
            _ if is_word(token) && renamed => renamed = false,
            _ if is_word(token) => reader.word(line, token, joined),
            _ => reader.end_path(),
        }
        joined = token == "::";
    }
    reader.end_path();
    reader.found
}

/// Where [`paths`] is: inside which braces, and in which path.
#[derive(Default)]
struct Reader {
    /// What stands before the brace, for every brace that is open; nothing before a block.
    groups: Vec<Vec<String>>,
    path: Vec<String>,
    line: usize,
    found: Vec<(usize, Vec<String>)>,
}

impl Reader {
    fn word(&mut self, line: usize, word: &str, joined: bool) {
        if !joined {
            self.end_path();
        }
        self.path.push(word.to_owned());
        self.line = line;
    }

    fn open_group(&mut self) {
        let mut prefix = self.groups.last().cloned().unwrap_or_default();
        prefix.append(&mut self.path);
        self.groups.push(prefix);
    }

    fn open_block(&mut self) {
        self.end_path();
        self.groups.push(Vec::new());
    }

    fn close_braces(&mut self) {
        self.end_path();
        self.groups.pop();
    }

    fn end_path(&mut self) {
        if self.path.is_empty() {
            return;
        }
        let mut whole = self.groups.last().cloned().unwrap_or_default();
        whole.append(&mut self.path);
        if whole.len() > 1 {
            self.found.push((self.line, whole));
        }
    }
}

/// Words, `::`, and every other sign by itself, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let length = if word > 0 {
            word
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if first == '\n' {
            line += 1;
        }
        if !first.is_whitespace() {
            found.push((line, &rest[..length]));
        }
        rest = &rest[length..];
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    bytes[from..]
        .windows(what.len())
        .position(|window| window == what)
        .map_or(bytes.len(), |found| from + found)
}

fn end_of_block_comment(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_raw_string(bytes: &[u8], from: usize) -> usize {
    let hashes = bytes[from + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(from + 1 + hashes) != Some(&b'"') {
        return from;
    }
    let mut closing = vec![b'"'];
    closing.resize(1 + hashes, b'#');
    let end = find(bytes, from + 2 + hashes, &closing);
    (end + closing.len()).min(bytes.len())
}

/// `'a'` and `'\n'` are characters; `'a` in `&'a str` is a lifetime and stays.
fn end_of_character(bytes: &[u8], from: usize) -> usize {
    let Some(&first) = bytes.get(from + 1) else {
        return from;
    };
    if first == b'\\' {
        return find(bytes, from + 3, b"'") + 1;
    }
    let length = match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    };
    if bytes.get(from + 1 + length) == Some(&b'\'') {
        from + length + 2
    } else {
        from
    }
}

/// A raw identifier or a word that ends in `r` does not begin a raw string; `br"…"` does.
fn follows_a_word(bytes: &[u8], at: usize) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    at > 0 && word(bytes[at - 1]) && !(bytes[at - 1] == b'b' && (at < 2 || !word(bytes[at - 2])))
}

/// An item ends at its first `;` outside all brackets, or with its braces.
fn end_of_item(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth -= 1;
                if depth == 0 && *byte == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

#[test]
fn what_is_not_code_is_blanked_and_keeps_its_place() {
    let text = "a // fs::\nb(\"std::fs\", r#\"x\"y\"#, '\"', b\"\\\"q\") /* /* z */ */ <'a> 'ü' c";
    let seen = code(text);
    assert_eq!(seen.len(), text.len());
    let words: Vec<&str> = seen
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    assert_eq!(words, ["a", "b", "b", "a", "c"], "{seen}");
}

#[test]
fn what_only_tests_compile_is_left_out() {
    let text =
        "fn a() { b }\n#[cfg(test)]\nmod tests {\n fn c() { d }\n}\n#[cfg(test)]\nmod world;\nfn e() {}";
    let kept = without_tests(text);
    assert!(kept.contains("fn a()") && kept.contains("fn e()"), "{kept}");
    assert!(!kept.contains("fn c()") && !kept.contains("world"), "{kept}");
    assert_eq!(
        files_for_tests(&File::new("src/flow/mod.rs", text)),
        ["src/flow/world.rs", "src/flow/world/"]
    );
}

#[test]
fn grouped_imports_become_whole_paths() {
    let text = "use std::{\n    fs,\n    io::{self, Read as R},\n};\nfn x() { tokio::time::sleep(y(crate::web::go())) }";
    let shown: Vec<String> = paths(text)
        .iter()
        .map(|(line, path)| format!("{line} {}", path.join("::")))
        .collect();
    assert_eq!(
        shown,
        [
            "2 std::fs",
            "3 std::io::self",
            "3 std::io::Read",
            "5 tokio::time::sleep",
            "5 crate::web::go"
        ],
    );
}

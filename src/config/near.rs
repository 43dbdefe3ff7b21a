//! Finds the name somebody probably meant.

/// The nearest of the names, where one is near enough to be worth asking: "did you mean …?".
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    let far = (wanted.chars().count() / 3).clamp(1, 2);
    names
        .into_iter()
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(steps, _)| *steps <= far)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// People mix up `-`, `_`, blanks and capitals; that is no distance at all.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

/// Steps from one to the other: insert, delete, replace, or swap two neighbours.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let same = from[i - 1] == to[j - 1];
            let mut steps = (last[j - 1] + usize::from(!same))
                .min(last[j] + 1)
                .min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                steps = steps.min(before[j - 2] + 1);
            }
            row.push(steps);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_is_answered_with_the_name_that_was_meant() {
        let names = ["WT-3101", "TC-3105", "SC-3107"];
        let cases = [
            ("TC-3150", Some("TC-3105")),
            ("tc-3105", Some("TC-3105")),
            ("TC 3105", Some("TC-3105")),
            ("TC3105", Some("TC-3105")),
            ("WT-311", Some("WT-3101")),
            ("XX-9999", None),
            ("", None),
        ];
        for (name, meant) in cases {
            assert_eq!(nearest(name, names), meant, "{name}");
        }
    }

    #[test]
    fn underscore_and_hyphen_are_the_same_slip() {
        assert_eq!(
            nearest("seal-within", ["seal_within", "settle"]),
            Some("seal_within")
        );
        assert_eq!(nearest("use", ["zone", "use"]), Some("use"));
    }
}

//! What becomes of a page: every reason, one by one.

use super::plant::{Ledger, NOW, enrolled, key, reading};
use record::{Draft, KeySet, Line, Page, Role, Signer};
use std::fs;
use steelyard::{
    flow::needs::Standing,
    store::{
        Enrolled, Enrolment,
        judge::{self, Arrived, Decision},
    },
};

/// A record store in memory: judges one page after the other.
struct Judge {
    enrolment: Enrolment,
    standing: Standing,
}

impl Judge {
    fn new(enrolment: Enrolment) -> Self {
        Self {
            enrolment,
            standing: Standing::default(),
        }
    }

    /// The decision in one or two words.
    fn says(&mut self, bytes: &[u8]) -> String {
        match judge::open("the topic", bytes.to_vec()) {
            Arrived::Damaged { why, .. } => format!("damaged: {why}"),
            Arrived::Page(page) => {
                let decision = judge::next(&self.enrolment, &self.standing, &page);
                judge::remember(&mut self.standing, &page, &decision, NOW);
                match decision {
                    Decision::Store(None) => "stored".into(),
                    Decision::Store(Some(_)) => "stored, with a new key".into(),
                    Decision::Known(_) => "known".into(),
                    Decision::Fork(_) => "fork".into(),
                    Decision::Early => "early".into(),
                    Decision::Refuse(reason) => format!("{}: {}", reason.name, reason.words),
                }
            }
        }
    }
}

#[test]
fn a_page_that_holds_is_stored_once() {
    let mut line = Ledger::new("line-3", 1);
    let mut judge = Judge::new(enrolled(&[&line]));
    let (one, two) = (line.readings("B-1", 3), line.readings("B-1", 2));
    assert_eq!(judge.says(&one), "stored");
    assert_eq!(judge.says(&two), "stored");
    assert_eq!(judge.says(&one), "known");
    assert_eq!(judge.says(&two), "known");
}

#[test]
fn a_page_waits_for_no_other() {
    let mut line = Ledger::new("line-3", 1);
    let mut judge = Judge::new(enrolled(&[&line]));
    let pages: Vec<_> = (0..5).map(|_| line.readings("B-1", 1)).collect();
    for index in [4, 2, 0, 3, 1] {
        assert_eq!(judge.says(&pages[index]), "stored");
    }
}

#[test]
fn every_reason_to_refuse_a_page_is_told_in_words() {
    let line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let page = line.copy().readings("B-1", 2);
    let text = String::from_utf8(page.clone()).unwrap();
    let (seal, entries) = text.split_once('\n').unwrap();
    let first = entries.lines().next().unwrap();
    let in_form = |form: Vec<u8>| {
        text.replace(first, &String::from_utf8(form).unwrap())
            .into_bytes()
    };
    let read = Line::read(first.as_bytes()).unwrap();
    let kid = |seed| key(seed).public().thumbprint();
    let other = |change: fn(&mut Ledger)| {
        let mut ledger = line.copy();
        change(&mut ledger);
        ledger.readings("B-1", 1)
    };
    // a signature by the right key over something else
    let mut forged = line.copy().readings("B-1", 2);
    let stranger = String::from_utf8(line.copy().readings("B-2", 2)).unwrap();
    let from = |seal: &str, n: usize| seal.rsplit('.').nth(n).unwrap().to_owned();
    let signature = from(stranger.lines().next().unwrap(), 0);
    let own = from(seal, 0);
    forged = String::from_utf8(forged)
        .unwrap()
        .replace(&own, &signature)
        .into_bytes();

    for (bytes, expected) in [
        (Vec::new(), "damaged: ".to_owned()),
        (b"hello\n".to_vec(), "damaged: ".to_owned()),
        (
            page[..page.len() - 1].to_vec(),
            "damaged: the page ends before its last entry".to_owned(),
        ),
        (
            text.replace("68.0", "68.1").into_bytes(),
            "damaged: the entries are not those that were sealed".to_owned(),
        ),
        (
            [page.clone(), b"\n".to_vec()].concat(),
            "damaged: something stands after the page".to_owned(),
        ),
        (
            forged,
            "seal-broken: the seal was not made by the key it names".to_owned(),
        ),
        (
            in_form(read.withheld()),
            "entries-withheld: entries of the page are withheld".to_owned(),
        ),
        (
            in_form(read.bare()),
            "entries-withheld: entries of the page are withheld".to_owned(),
        ),
        (
            other(|ledger| ledger.gateway = "line-9".into()),
            "gateway-unknown: no gateway with the name line-9 is enrolled here".to_owned(),
        ),
        (
            other(|ledger| ledger.key = key(2)),
            format!("key-not-enrolled: the key {} is not enrolled for line-3", kid(2)),
        ),
        (
            other(|ledger| ledger.usage = "production".into()),
            "other-use: this record store holds demo, the ledger is for production".to_owned(),
        ),
    ] {
        let said = Judge::new(enrolment.clone()).says(&bytes);
        assert!(
            said.starts_with(&expected),
            "expected {expected}\ngot      {said}"
        );
    }
}

#[test]
fn a_key_enrolled_for_one_gateway_counts_for_no_other() {
    let (three, four) = (Ledger::new("line-3", 1), Ledger::new("line-4", 2));
    let mut judge = Judge::new(enrolled(&[&three, &four]));
    let mut posing = Ledger::new("line-3", 2);
    assert!(
        judge
            .says(&posing.readings("B-1", 1))
            .starts_with("key-not-enrolled")
    );
}

#[test]
fn another_ledger_of_a_known_gateway_needs_a_person() {
    let mut line = Ledger::new("line-3", 1);
    let mut other = line.copy();
    other.id = "another disk".into();
    let mut judge = Judge::new(enrolled(&[&line]));
    assert_eq!(judge.says(&line.readings("B-1", 1)), "stored");
    let page = other.readings("B-1", 1);
    assert_eq!(
        judge.says(&page),
        "ledger-not-enrolled: line-3 sends from the ledger another disk, and ledger of line-3 is known here; a new \
         disk or a second gateway with this name has to be enrolled by a person"
    );
    judge.enrolment.gateways.get_mut("line-3").unwrap().ledgers = vec![line.id.clone(), other.id.clone()];
    assert_eq!(judge.says(&page), "stored");
    assert_eq!(judge.says(&line.readings("B-1", 1)), "stored");
}

#[test]
fn a_cloned_disk_is_a_fork_and_never_a_second_truth() {
    let mut line = Ledger::new("line-3", 1);
    let mut judge = Judge::new(enrolled(&[&line]));
    judge.says(&line.readings("B-1", 1));
    let mut clone = line.copy();
    let (here, there) = (line.readings("B-1", 1), clone.readings("B-2", 1));
    assert_eq!(judge.says(&here), "stored");
    assert_eq!(judge.says(&there), "fork");
    assert_eq!(judge.says(&there), "fork");
    assert_eq!(judge.says(&here), "known");
}

#[test]
fn a_new_key_counts_only_where_the_old_one_hands_over() {
    let mut line = Ledger::new("line-3", 1);
    let old = line.key.public().clone();
    let mut judge = Judge::new(enrolled(&[&line]));
    assert_eq!(judge.says(&line.readings("B-1", 1)), "stored");
    let mut stays = line.copy();
    let announces = line.hand_over(key(2));
    let mut silent = line.copy();
    let takes_over = line.take_over(&old);
    let next = line.readings("B-1", 2);

    assert_eq!(
        judge.says(&next),
        "early",
        "its key is announced by a page that has not come"
    );
    assert_eq!(judge.says(&takes_over), "early");
    assert_eq!(judge.says(&announces), "stored, with a new key");
    assert_eq!(
        judge.says(&silent.readings("B-1", 1)),
        format!(
            "key-not-enrolled: the first page of the key {} does not say which key it replaces",
            line.key.public().thumbprint()
        )
    );
    assert_eq!(judge.says(&takes_over), "stored");
    assert_eq!(judge.says(&next), "stored");

    // the old key is over: not even its own next page counts
    stays.readings("B-1", 1);
    assert!(
        judge
            .says(&stays.readings("B-1", 1))
            .contains("was replaced on page 2"),
        "a stolen old key"
    );
    // and a key counts for nothing before its place
    let mut early = line.copy();
    (early.page, early.seq, early.prev) = (1, 1, None);
    assert!(
        judge
            .says(&early.readings("B-1", 1))
            .contains("counts only after page 2")
    );
    // a second handover goes on from the first
    let second = line.key.public().clone();
    assert_eq!(judge.says(&line.hand_over(key(3))), "stored, with a new key");
    assert_eq!(judge.says(&line.take_over(&second)), "stored");
}

#[test]
fn a_key_nobody_announced_counts_nowhere() {
    let mut line = Ledger::new("line-3", 1);
    let mut judge = Judge::new(enrolled(&[&line]));
    assert_eq!(judge.says(&line.readings("B-1", 1)), "stored");
    let old = line.key.public().clone();
    line.key = key(9);
    assert!(
        judge.says(&line.take_over(&old)).starts_with("key-not-enrolled"),
        "the page before it is held"
    );
}

#[test]
fn a_key_falls_with_the_key_that_announced_it() {
    let mut line = Ledger::new("line-3", 1);
    let old = line.key.public().clone();
    let mut judge = Judge::new(enrolled(&[&line]));
    assert_eq!(judge.says(&line.hand_over(key(2))), "stored, with a new key");
    assert_eq!(judge.says(&line.take_over(&old)), "stored");
    let enrolled_again = |key| Enrolled {
        keys: vec![key],
        ledgers: Vec::new(),
    };
    judge
        .enrolment
        .gateways
        .insert("line-3".into(), enrolled_again(key(7).public().clone()));
    let page = line.readings("B-1", 1);
    assert!(
        judge
            .says(&page)
            .contains("replaces a key that is enrolled no longer")
    );
    judge
        .enrolment
        .gateways
        .insert("line-3".into(), enrolled_again(line.key.public().clone()));
    assert_eq!(judge.says(&page), "stored");
}

#[test]
fn a_lost_key_is_a_new_epoch_that_a_person_enrols() {
    let mut line = Ledger::new("line-3", 1);
    let mut judge = Judge::new(enrolled(&[&line]));
    assert_eq!(judge.says(&line.readings("B-1", 1)), "stored");
    (line.epoch, line.key) = (2, key(5));
    let opens = line.seal(&[
        Draft::new("epoch", NOW).with("because", "lost-key"),
        reading("B-1", 1),
    ]);
    assert!(judge.says(&opens).starts_with("key-not-enrolled"));
    judge
        .enrolment
        .gateways
        .get_mut("line-3")
        .unwrap()
        .keys
        .push(line.key.public().clone());
    assert_eq!(judge.says(&opens), "stored");
}

#[test]
fn the_golden_ledgers_are_taken_whole() {
    for name in ["ledger-1", "ledger-2"] {
        let place = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        let keys = KeySet::read(&fs::read_to_string(format!("{place}/keys.jwks")).unwrap()).unwrap();
        let mut text = Vec::new();
        for segment in 1.. {
            let Ok(bytes) = fs::read(format!("{place}/segment-{segment:06}.pages")) else {
                break;
            };
            text.extend(bytes);
        }
        let mut rest = &text[..];
        let mut judge: Option<Judge> = None;
        let mut stored = 0;
        loop {
            while rest.first() == Some(&b'\n') {
                rest = &rest[1..];
            }
            if rest.is_empty() {
                break;
            }
            let record::Taken::Page(page, length) = record::take(rest, true, &mut record::Reader::default())
            else {
                // torn tails and damage belong to the ledgers, never to a message
                let next = rest
                    .windows(2)
                    .position(|two| two == b"\ne")
                    .map_or(rest.len(), |at| at + 1);
                rest = &rest[next..];
                continue;
            };
            let seal = page.seal().seal();
            let judge = judge.get_or_insert_with(|| {
                let keys = keys
                    .iter()
                    .filter(|(_, role)| *role == Role::Page)
                    .map(|(key, _)| key.clone())
                    .collect();
                Judge::new(Enrolment {
                    usage: seal.usage.clone(),
                    gateways: [(
                        seal.gateway.clone(),
                        Enrolled {
                            keys,
                            ledgers: Vec::new(),
                        },
                    )]
                    .into(),
                })
            });
            let said = judge.says(page.bytes());
            assert!(said.starts_with("stored"), "{name}, page {}: {said}", seal.page);
            assert_eq!(judge.says(Page::read(page.bytes()).unwrap().bytes()), "known");
            stored += 1;
            rest = &rest[length..];
        }
        assert!(stored >= 3, "{name}: {stored} pages");
    }
}

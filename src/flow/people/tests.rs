//! Accounts, secrets and locks, and what of them comes back out of entries.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use record::{Draft, Stamp};

fn anna() -> NewPerson {
    NewPerson {
        id: "p-17".into(),
        name: "Anna Keller".into(),
        roles: vec!["operator".into()],
        secret: "correct horse".into(),
        by: "machine".into(),
        reason: "first user".into(),
        salt: [7; 16],
        initial: false,
    }
}

fn rebuilt(drafts: &[Draft]) -> People {
    let mut people = People::default();
    for draft in drafts {
        let mut line = Vec::new();
        draft.write(1, [0; 16], &mut line).unwrap();
        people.recall(&Line::read(&line).unwrap());
    }
    people
}

#[test]
fn an_account_is_rebuilt_from_its_entries_and_proves_the_same_person() {
    let drafts = People::default().add(&anna(), Stamp(0)).unwrap();
    let mut people = rebuilt(&drafts);
    assert_eq!(
        people.prove("p-17", "correct horse", Stamp(0)).unwrap().name,
        "Anna Keller"
    );
    assert_eq!(
        people.prove("p-17", "wrong horse", Stamp(0)).unwrap_err().name,
        "not-proven"
    );
    assert_eq!(
        people.prove("p-18", "correct horse", Stamp(0)).unwrap_err().name,
        "not-proven"
    );
}

#[test]
fn five_wrong_tries_lock_an_account_for_a_quarter_of_an_hour() {
    let mut people = People::default();
    people.add(&anna(), Stamp(0)).unwrap();
    for _ in 0..5 {
        people.prove("p-17", "wrong", Stamp(0)).unwrap_err();
    }
    assert_eq!(
        people.prove("p-17", "correct horse", Stamp(0)).unwrap_err().name,
        "account-locked"
    );
    assert!(people.prove("p-17", "correct horse", Stamp(LOCKED_MS)).is_ok());
}

#[test]
fn somebody_who_left_is_nobody_after_a_restart_too() {
    let mut people = People::default();
    let mut drafts = people.add(&anna(), Stamp(0)).unwrap();
    drafts.push(
        Draft::new("person", Stamp(1))
            .with("person", "p-17")
            .with("state", "revoked"),
    );
    assert!(rebuilt(&drafts).find("p-17").is_none());
}

#[test]
fn roles_change_and_accounts_go_without_touching_the_password() {
    let mut people = People::default();
    let mut drafts = people.add(&anna(), Stamp(0)).unwrap();
    let both = ["operator".to_owned(), "verifier".to_owned()];
    drafts.extend(
        people
            .set_roles("p-17", &both, "p-3", "trained", Stamp(1))
            .unwrap(),
    );
    let mut again = rebuilt(&drafts);
    assert_eq!(
        again.prove("p-17", "correct horse", Stamp(2)).unwrap().roles,
        both
    );
    for (roles, by) in [
        (&both[..], "p-3"),
        (&both[..1], "p-17"),
        (&[][..], "p-3"),
        (&["boss".to_owned()][..], "p-3"),
    ] {
        assert_eq!(
            people
                .set_roles("p-17", roles, by, "", Stamp(3))
                .unwrap_err()
                .name,
            "person-refused"
        );
    }
    drafts.extend(people.revoke("p-17", "p-3", "left", Stamp(4)).unwrap());
    assert!(people.prove("p-17", "correct horse", Stamp(5)).is_err());
    assert!(people.revoke("p-17", "p-3", "left", Stamp(5)).is_err());
    assert!(rebuilt(&drafts).find("p-17").is_none());
}

#[test]
fn a_supervisor_ends_a_lock_that_is_there_and_no_other() {
    let mut people = People::default();
    people.add(&anna(), Stamp(0)).unwrap();
    assert!(people.unlock("p-17", "p-3", "", Stamp(0)).is_err());
    for _ in 0..5 {
        people.prove("p-17", "wrong", Stamp(0)).unwrap_err();
    }
    assert_eq!(people.unlock("p-17", "p-3", "called", Stamp(1)).unwrap().len(), 1);
    assert!(people.prove("p-17", "correct horse", Stamp(2)).is_ok());
}

#[test]
fn what_is_no_person_is_refused_with_a_reason() {
    let cases: &[(&str, fn(&mut NewPerson))] = &[
        ("an id with a blank", |new| new.id = "p 17".into()),
        ("no name", |new| new.name = " ".into()),
        ("no role", |new| new.roles.clear()),
        ("an unknown role", |new| new.roles = vec!["boss".into()]),
        ("a short password", |new| new.secret = "1234".into()),
    ];
    for (what, spoil) in cases {
        let mut new = anna();
        spoil(&mut new);
        let mut people = People::default();
        assert_eq!(
            people.add(&new, Stamp(0)).unwrap_err().name,
            "person-refused",
            "{what}"
        );
        assert_eq!(people.iter().count(), 0, "{what}");
    }
}

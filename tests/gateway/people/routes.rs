//! Every route with every role, generated from one table. A route that is not in the table fails, and so does a row of
//! the table that is no route.

use super::site::{Browser, EVERYBODY, PASSWORD, Site};
use std::collections::BTreeMap;
use steelyard::web::{self, Who};

/// Who may: `anyone`, `look`, `token`, `here`, roles, or roles at a panel. This is the plant's word, not the code's.
const TABLE: &str = "
    GET  /                  look
    GET  /part/{screen}     look
    GET  /live              look
    GET  /live/{screen}     look
    GET  /state.json        look
    GET  /language          anyone
    GET  /static/{file}     anyone
    PUT  /context/{unit}    token
    PUT  /master/{kind}     here
    GET  /sign-in           anyone
    POST /sign-in           anyone
    POST /sign-out          anyone
    POST /lock              person
    POST /here              person
    POST /pen               panel
    GET  /password          anyone
    POST /password          anyone
    GET  /enrol             anyone
    POST /enrol             anyone
    GET  /people            person supervisor
    POST /people/unlock     person supervisor
    POST /people/badge      person supervisor
    GET  /dispense          look
    GET  /dispense/{station}      look
    GET  /dispense/{station}/part look
    GET  /dispense/{station}/live look
    POST /dispense/{station}/act  panel
    GET  /cards             look
    GET  /scanner           look
    POST /scanner           look
    POST /sign              person
    GET  /sign              person
";

fn table() -> BTreeMap<(&'static str, &'static str), Vec<&'static str>> {
    let rows = TABLE
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 2)
        .map(|row| ((row[0], row[1]), row[2..].to_vec()))
        .collect()
}

fn said(who: Who) -> Vec<&'static str> {
    let with = |first, roles: &'static [&'static str]| [&[first], roles].concat();
    match who {
        Who::Anyone => vec!["anyone"],
        Who::Look => vec!["look"],
        Who::Person(roles) => with("person", roles),
        Who::Panel(roles) => with("panel", roles),
        Who::Here => vec!["here"],
        Who::Token => vec!["token"],
    }
}

#[test]
fn every_route_has_a_row_that_says_who_may() {
    let (mut table, mut wrong) = (table(), Vec::new());
    for (method, path, who) in web::routes() {
        match table.remove(&(method, path)) {
            None => wrong.push(format!("{method} {path} has no row")),
            Some(row) if row != said(who) => {
                wrong.push(format!(
                    "{method} {path}: the table says {row:?}, the route {who:?}"
                ));
            }
            Some(_) => {}
        }
    }
    wrong.extend(
        table
            .keys()
            .map(|(method, path)| format!("{method} {path} is no route")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether somebody was let through to the handler.
fn allowed(status: u16, head: &str, body: &str) -> bool {
    // the handler was reached, and the unit hears somebody else
    if body.contains("context-not-its-authority") {
        return true;
    }
    let sent_away =
        status == 303 && (head.contains("location: /sign-in?to=") || head.contains("location: /sign-in\r"));
    !matches!(status, 401 | 403 | 429) && !sent_away
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_gets_through_where_the_table_says_and_nowhere_else() {
    let site = Site::new().await;
    let mut visitors: Vec<(String, Option<&str>, bool, Browser)> =
        vec![("nobody".into(), None, false, site.browser())];
    for (id, _, role) in EVERYBODY {
        site.clock.pass(61);
        let mut plain = site.browser();
        assert_eq!(plain.sign_in(id, PASSWORD).await.status, 303);
        let mut panel = site.panel(&format!("panel-{role}")).await;
        assert_eq!(panel.sign_in(id, PASSWORD).await.status, 303);
        visitors.push((role.to_string(), Some(role), false, plain));
        visitors.push((format!("{role} at a panel"), Some(role), true, panel));
    }
    let (mut wrong, mut pairs) = (Vec::new(), 0);
    for ((method, path), row) in table() {
        // signing in and out would change who asks; a new password is refused without the old one
        if matches!(path, "/sign-in" | "/sign-out" | "/enrol" | "/lock" | "/password") && method == "POST" {
            continue;
        }
        for (name, role, panel, browser) in &visitors {
            site.clock.pass(2);
            let mut browser = browser.clone();
            let body = format!("form={}", browser.form);
            let asked = path
                .replace("{screen}", "line")
                .replace("{station}", "Booth%202")
                .replace("{unit}", "Booth%202")
                .replace("{kind}", "lots")
                .replace("{file}", "steelyard.css");
            let answer = browser
                .raw(method, &asked, &[], if method == "GET" { "" } else { &body })
                .await;
            let may = match row[0] {
                "anyone" | "look" => path != "/password" || role.is_some(),
                "token" => true,
                // this machine itself; somebody who is signed in has to have the role
                "here" => role.is_none_or(|role| ["engineer", "supervisor"].contains(&role)),
                "panel" => *panel && (row.len() == 1 || role.is_some_and(|role| row.contains(&role))),
                _ => role.is_some_and(|role| row.len() == 1 || row.contains(&role)),
            };
            pairs += 1;
            if allowed(answer.status, &answer.head, &answer.body) != may {
                wrong.push(format!(
                    "{method} {path} as {name}: {} {}",
                    answer.status,
                    answer.body.chars().take(120).collect::<String>()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(pairs > 200, "{pairs}");
}

//! People at the screens of a real gateway whose record store is away: who gets in, who may do what, what becomes an
//! entry, and what a restart keeps.

mod routes;
mod site;

use record::Line;
use site::{Browser, SUPERVISOR, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_and_out_while_the_record_store_is_away_and_both_are_entries() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let page = browser.get("/sign-in").await;
    assert!(page.body.contains("User name") && page.body.contains("This browser is no enrolled panel"));
    let wrong = browser.sign_in("op", "wrong horse").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("do not belong together"), "{}", wrong.body);
    assert_eq!(browser.sign_in("op", site::PASSWORD).await.status, 303);
    assert!(browser.get("/").await.body.contains("Olga Perez"));
    assert_eq!(browser.post("/sign-out", &[]).await.status, 303);
    assert_eq!(browser.get("/people").await.status, 303, "signed out");
    assert_eq!(
        site.access().await,
        [
            "refused wrong-secret op",
            "granted signed-in op",
            "ended signed-out op"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_after_wrong_tries_outlives_a_restart_and_ends_by_a_supervisor() {
    let site = Site::new().await;
    let mut browser = site.browser();
    for _ in 0..5 {
        assert_eq!(browser.sign_in("op", "wrong horse").await.status, 401);
    }
    site.clock.pass(60);
    assert_eq!(
        browser.sign_in("op", site::PASSWORD).await.status,
        429,
        "locked, though right"
    );

    let site = site.restarted().await;
    let mut browser = site.browser();
    assert_eq!(
        browser.sign_in("op", site::PASSWORD).await.status,
        429,
        "still locked"
    );
    let mut supervisor = site.browser();
    assert_eq!(supervisor.sign_in(SUPERVISOR, site::PASSWORD).await.status, 303);
    let people = supervisor.get("/people").await.body;
    assert!(people.contains("Locked until"), "{people}");
    let done = supervisor
        .post("/people/unlock", &[("id", "op"), ("reason", "called")])
        .await;
    assert_eq!(done.status, 303, "{}", done.body);
    site.clock.pass(60);
    assert_eq!(browser.sign_in("op", site::PASSWORD).await.status, 303);
    assert!(site.access().await.contains(&"changed unlocked op".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_wrong_tries_before_a_restart_are_not_forgiven_by_it() {
    let site = Site::new().await;
    let mut browser = site.browser();
    for _ in 0..4 {
        browser.sign_in("op", "wrong horse").await;
    }
    let site = site.restarted().await;
    let mut browser = site.browser();
    assert_eq!(browser.sign_in("op", "wrong horse").await.status, 401);
    assert_eq!(browser.sign_in("op", site::PASSWORD).await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panel_takes_badge_and_pin_and_is_handed_over_without_ending_what_was_begun() {
    let site = Site::new().await;
    let mut panel = site.panel("left").await;
    site.badge("op", "B-0001", "471108").await;
    site.badge("ver", "B-0002", "471109").await;
    // the scanner types the badge into the first field and presses Enter
    let pad = panel
        .post("/sign-in", &[("name", "B-0001"), ("secret", ""), ("to", "/")])
        .await;
    assert!(
        pad.status == 200 && pad.body.contains("Type your PIN"),
        "{}",
        pad.body
    );
    let badge = |badge, pin| [("badge", badge), ("pin", pin), ("to", "/")];
    assert_eq!(
        panel.post("/sign-in", &badge("B-0001", "000000")).await.status,
        401
    );
    assert_eq!(
        panel.post("/sign-in", &badge("B-0001", "471108")).await.status,
        303
    );
    panel.read_form().await;
    assert_eq!(panel.post("/lock", &[]).await.status, 303);
    assert_eq!(panel.get("/people").await.status, 303, "the screen is locked");
    assert!(
        panel
            .get("/sign-in")
            .await
            .body
            .contains("Olga Perez has this panel")
    );
    assert_eq!(
        panel.post("/sign-in", &badge("B-0001", "471108")).await.status,
        303
    );
    panel.read_form().await;
    assert_eq!(panel.post("/lock", &[]).await.status, 303);
    assert_eq!(
        panel.post("/sign-in", &badge("B-0002", "471109")).await.status,
        303
    );
    assert_eq!(
        site.access().await,
        [
            "changed badge-given op",
            "changed badge-given ver",
            "refused wrong-secret op",
            "granted signed-in op",
            "granted resumed op",
            "granted handed-over ver",
        ]
    );
    // the same badge opens no browser that is no panel
    let mut other = site.browser();
    site.clock.pass(60);
    assert_eq!(
        other.post("/sign-in", &badge("B-0001", "471108")).await.status,
        403
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_panels_at_a_station_one_has_the_pen_and_a_restart_keeps_it() {
    let site = Site::new().await;
    let (mut left, mut right) = (site.panel("left").await, site.panel("right").await);
    left.sign_in("op", site::PASSWORD).await;
    right.sign_in("ver", site::PASSWORD).await;
    let pen = |site: &Site| {
        site.running()
            .access
            .borrow()
            .panels
            .pen("Booth 2")
            .map(str::to_owned)
    };
    assert_eq!(pen(&site).as_deref(), Some("left"));
    assert_eq!(right.post("/pen", &[("to", "/")]).await.status, 303);
    assert_eq!(pen(&site).as_deref(), Some("right"));
    let mut other = site.browser();
    site.clock.pass(60);
    other.sign_in("op", site::PASSWORD).await;
    assert_eq!(other.post("/pen", &[]).await.status, 403, "no panel, no pen");
    let cookies = left.cookies.clone();
    let site = site.restarted().await;
    assert_eq!(pen(&site).as_deref(), Some("right"));
    let mut again = site.browser();
    again.cookies = cookies;
    assert!(
        again
            .get("/sign-in")
            .await
            .body
            .contains("This is panel left of Booth 2")
    );
    site.act(&serde_json::json!({
        "do": "panel-revoke", "name": "left", "reason": "replaced", "by": SUPERVISOR, "secret": site::PASSWORD,
    }))
    .await
    .unwrap();
    assert!(again.get("/sign-in").await.body.contains("no enrolled panel"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_somebody_else_knows_opens_one_session_and_signs_nothing() {
    let site = Site::new().await;
    site.add("new", "Nina Old", &["reviewer"], true).await;
    let mut browser = site.browser();
    let answer = browser.sign_in("new", site::PASSWORD).await;
    assert!(answer.head.contains("location: /password"), "{}", answer.head);
    let same = [
        ("old", site::PASSWORD),
        ("new", site::PASSWORD),
        ("again", site::PASSWORD),
    ];
    assert_eq!(browser.post("/password", &same).await.status, 422);
    let comment = serde_json::json!({ "do": "comment", "text": "x", "by": "new", "secret": site::PASSWORD });
    assert!(
        site.act(&comment)
            .await
            .unwrap_err()
            .contains("password-to-change")
    );
    let own = [
        ("old", site::PASSWORD),
        ("new", "my own horse"),
        ("again", "my own horse"),
    ];
    assert_eq!(browser.post("/password", &own).await.status, 303);
    let comment = serde_json::json!({ "do": "comment", "text": "x", "by": "new", "secret": "my own horse" });
    site.act(&comment).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_account_loses_its_open_session_at_once() {
    let site = Site::new().await;
    let mut browser = site.browser();
    browser.sign_in("ver", site::PASSWORD).await;
    assert_eq!(browser.post("/here", &[]).await.status, 204);
    site.act(&serde_json::json!({
        "do": "user-revoke", "id": "ver", "reason": "left", "by": SUPERVISOR, "secret": site::PASSWORD,
    }))
    .await
    .unwrap();
    let answer = browser.post("/here", &[]).await;
    assert!(
        answer.status == 303 && answer.head.contains("location: /sign-in"),
        "{}",
        answer.head
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_from_elsewhere_or_without_its_secret_does_nothing() {
    let site = Site::new().await;
    let mut browser = site.browser();
    browser.sign_in(SUPERVISOR, site::PASSWORD).await;
    let form = browser.form.clone();
    let unlock = |form: &str| format!("id=op&reason=x&form={form}");
    for (headers, body) in [
        (&[][..], unlock("")),
        (&[], unlock("guessed")),
        (&["Origin: https://evil.example"], unlock(&form)),
        (&["Sec-Fetch-Site: cross-site"], unlock(&form)),
    ] {
        let answer = browser.raw("POST", "/people/unlock", headers, &body).await;
        assert!(
            answer.status == 403 && answer.body.contains("form-not-ours"),
            "{headers:?} {body}"
        );
    }
    let mine = browser.raw("POST", "/people/unlock", &[], &unlock(&form)).await;
    assert!(mine.status != 403, "{}", mine.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_tries_too_often_waits() {
    let site = Site::new().await;
    let mut browser = site.browser();
    for _ in 0..5 {
        browser.sign_in("nobody", "wrong horse").await;
    }
    assert!(
        browser
            .sign_in("op", site::PASSWORD)
            .await
            .body
            .contains("five times within a minute")
    );
    site.clock.pass(60);
    assert_eq!(browser.sign_in("op", site::PASSWORD).await.status, 303);
    let mut refused = 0;
    for _ in 0..60 {
        refused += u32::from(browser.get("/state.json").await.status == 429);
    }
    assert!(refused >= 9, "fifty a second, and no more: {refused}");
    let long = format!("name={}", "x".repeat(300 << 10));
    site.clock.pass(60);
    assert_eq!(browser.raw("POST", "/sign-in", &[], &long).await.status, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_stands_in_the_ledger_or_on_a_page() {
    let site = Site::new().await;
    let mut panel = site.panel("left").await;
    site.badge("op", "BADGE-CANARY-77", "831940").await;
    panel
        .post(
            "/sign-in",
            &[("badge", "BADGE-CANARY-77"), ("pin", "831940"), ("to", "/")],
        )
        .await;
    panel.sign_in("op", "typed-canary-88").await;
    let mut pages = String::new();
    for path in ["/", "/sign-in", "/state.json", "/enrol", "/password", "/nowhere"] {
        pages += &panel.get(path).await.body;
    }
    let debug = format!("{:?}", site.running().access.borrow());
    let cookies: Vec<String> = panel.cookies.values().cloned().collect();
    let mut canaries = vec![
        site::PASSWORD,
        "BADGE-CANARY-77",
        "831940",
        "typed-canary-88",
        site.code.as_str(),
    ];
    canaries.extend(cookies.iter().map(String::as_str));
    let ledger = site.ledger_text().await;
    assert!(ledger.contains("argon2id"), "the ledger was read");
    for canary in canaries.into_iter().filter(|canary| !canary.is_empty()) {
        for (place, text) in [("ledger", &ledger), ("pages", &pages), ("debug", &debug)] {
            assert!(!text.contains(canary), "{canary} stands in {place}");
        }
    }
    assert!(!pages.contains("argon2") && !debug.contains("argon2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_over_entries_names_their_hash_and_how_the_person_was_proven() {
    let site = Site::new().await;
    site.act(&serde_json::json!({ "do": "comment", "text": "seen", "by": "op", "secret": site::PASSWORD }))
        .await
        .unwrap();
    let comment = site.entries("comment").await.pop().unwrap();
    let (seq, leaf) = {
        let line = Line::read(comment.as_bytes()).unwrap();
        (line.seq(), line.leaf())
    };
    let sign = |meaning: &str, by: &str| {
        serde_json::json!({
            "do": "sign", "entries": seq.to_string(), "meaning": meaning, "text": "as it says", "by": by,
            "secret": site::PASSWORD,
        })
    };
    let refused = site.act(&sign("review", "op")).await.unwrap_err();
    assert!(refused.contains("not-allowed"), "{refused}");
    site.act(&sign("acknowledge", "op")).await.unwrap();
    let signature = site.entries("signature").await.pop().unwrap();
    let line = Line::read(signature.as_bytes()).unwrap();
    assert_eq!(line.text("target").unwrap(), leaf.to_string());
    assert_eq!(
        (
            line.text("meaning").unwrap(),
            line.data_text("method").unwrap(),
            line.data_text("name").unwrap()
        ),
        ("acknowledged".into(), "password".into(), "Olga Perez".into())
    );
    assert!(
        line.data_text("local").unwrap().ends_with("CET")
            || line.data_text("local").unwrap().ends_with("CEST")
    );
    // a badge is too weak for a judgement over a batch
    site.badge("rev", "B-0003", "471110").await;
    let weak = serde_json::json!({
        "do": "sign", "entries": seq.to_string(), "meaning": "review", "text": "", "badge": "B-0003", "pin": "471110",
    });
    assert!(site.act(&weak).await.unwrap_err().contains("method-too-weak"));
}

/// Somebody at a browser stays out of the control socket's own questions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_program_asks_itself_is_not_answered_through_the_socket() {
    let site = Site::new().await;
    for inside in [
        serde_json::json!({ "do": "hash-for", "by": "op", "secret": "x" }),
        serde_json::json!({ "do": "prove", "by": "op", "secret": site::PASSWORD, "what": "x", "roles": [] }),
        serde_json::json!({ "do": "sign-out", "person": "op", "over": false }),
        serde_json::json!({ "do": "refuse", "person": "op", "because": "x", "what": "x" }),
    ] {
        assert!(
            site.act(&inside)
                .await
                .unwrap_err()
                .contains("request-not-understood"),
            "{inside}"
        );
    }
}

/// Screens shown to others answer over TLS with the certificate that was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_answered_over_tls_only() {
    let site = Site::new().await;
    let (at, certificate) = site.encrypted().await;
    let answer = Browser::over_tls(
        at,
        &certificate,
        "GET /sign-in HTTP/1.1\r\nHost: line-3\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.contains("200 OK") && answer.contains("Sign in"),
        "{answer}"
    );
    let without = Browser::over_tls(
        at,
        &certificate,
        "GET /state.json HTTP/1.1\r\nHost: line-3\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        without.contains("401"),
        "nobody looks without signing in: {without}"
    );
    assert!(site.plain(at).await.is_none(), "no answer in plain text");
}

/// Serves everybody to a browser until standard input ends (`tests/web/people.mjs`). Does nothing unless it is asked to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_its_people_to_a_browser_when_asked() {
    use std::io::Write;
    use tokio::io::AsyncBufReadExt;
    if std::env::var_os("STEELYARD_SERVE_FIXTURES").is_none() {
        return;
    }
    let site = Site::new().await;
    site.badge("op", "B-0001", "471108").await;
    site.act(&serde_json::json!({ "do": "comment", "text": "seen", "by": "op", "secret": site::PASSWORD }))
        .await
        .unwrap();
    let comment = site.entries("comment").await.pop().unwrap();
    let entry = Line::read(comment.as_bytes()).unwrap().seq();
    site.awaited("left", "K7QF-M2XD-9RTB").await;
    let told = serde_json::json!({
        "url": format!("http://localhost:{}", site.at.port()), "password": site::PASSWORD, "code": "k7qf m2xd 9rtb",
        "badge": "B-0001", "pin": "471108", "entry": entry,
    });
    writeln!(std::io::stdout().lock(), "\n{told}").unwrap();
    let mut line = String::new();
    let mut input = tokio::io::BufReader::new(tokio::io::stdin());
    // nobody waits a minute between two sign-ins here
    let hurry = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            site.clock.pass(12);
        }
    };
    tokio::select! {
        () = hurry => {}
        _ = input.read_line(&mut line) => {}
    }
}

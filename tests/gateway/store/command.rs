//! `steelyard store` as a person starts it: its file, its key, its receipts, its answers.
#![cfg(feature = "embedded-broker")]

use super::plant::{Ledger, Scratch, key};
use crate::mqtt::login;
use record::{KeySet, Role, Signer, StoreWord};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use steelyard::{
    flow::needs::{Broker, FromBroker, Message, Session},
    ports::{broker::Embedded, mqtt::Mqtt},
};
use tokio::time::{sleep, timeout};

/// `steelyard store` with its file in a directory of this test.
struct Store<'a>(&'a Scratch);

impl Store<'_> {
    fn write(&self, url: &str, line: &Ledger) {
        let place = self.0.0.display();
        fs::write(self.0.0.join("line-3.jwk"), line.key.public().jwk(Role::Page)).unwrap();
        let text = format!(
            "format = 1\n\n[store]\ndatabase = \"{place}/store.sqlite\"\nsigning_key = \"{place}/store.key\"\n\
             use = \"demo\"\nbroker = \"{url}\"\n\n[gateway.line-3]\nkey = \"{place}/line-3.jwk\"\n"
        );
        fs::write(self.0.0.join("store.toml"), text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steelyard"));
        command.arg("store").arg(self.0.0.join("store.toml")).args(words);
        command
    }

    fn says(&self, words: &[&str]) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn start(&self) -> Child {
        let child = self.command(&[]).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while fs::metadata(self.0.0.join("store.jwk")).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it makes no key");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }

    /// Sends a page, again and again as a gateway does, until its receipt is here.
    async fn receipted(&self, gateway: &mut Box<dyn Session>, page: &[u8], number: u64) {
        let keys = KeySet::read(&fs::read_to_string(self.0.0.join("store.jwk")).unwrap()).unwrap();
        let begun = Instant::now();
        loop {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "no receipt for page {number}"
            );
            let topic = "steelyard/line-3/pages".into();
            gateway
                .publish(Message {
                    topic,
                    payload: page.to_vec(),
                    token: 1,
                    ..Message::default()
                })
                .unwrap();
            while let Ok(event) = timeout(Duration::from_millis(300), gateway.next()).await {
                if let FromBroker::Arrived(_, line, _) = event
                    && let StoreWord::Receipt(receipt) =
                        StoreWord::read(&line, |kid| keys.find(kid, Role::Receipt)).unwrap()
                    && receipt.page == number
                {
                    return;
                }
            }
        }
    }
}

fn end(child: &mut Child, by: Signal) -> String {
    kill_process(Pid::from_child(child), by).unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
    said
}

#[tokio::test]
async fn the_command_keeps_pages_over_a_kill_and_answers_for_them() {
    let (scratch, (url, _broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let mut line = Ledger::new("line-3", 1);
    let store = Store(&scratch);
    store.write(&url, &line);
    let (code, _, said) = store.says(&["--status"]);
    assert!(
        code == 3 && said.starts_with("error[no-store]: there is no record store's database here"),
        "{said}"
    );

    let mut gateway = Mqtt
        .connect(&login(&url, "line-3", &["steelyard/line-3/receipts"]))
        .await
        .unwrap();
    let (one, two) = (line.readings("B-1", 3), line.readings("B-2", 2));
    let mut child = store.start();
    let secret = fs::metadata(scratch.0.join("store.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(secret & 0o777, 0o600);
    store.receipted(&mut gateway, &one, 1).await;
    end(&mut child, Signal::KILL);

    // receipted, so it is there; the same key signs after the kill
    let mut child = store.start();
    store.receipted(&mut gateway, &one, 1).await;
    store.receipted(&mut gateway, &two, 2).await;
    let said = end(&mut child, Signal::TERM);
    assert!(said.contains("stopped: 1 pages with 2 entries stored"), "{said}");

    let (code, said, _) = store.says(&["--status"]);
    assert_eq!(code, 0, "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[0],
        format!("{}, demo records", scratch.database().display())
    );
    assert!(
        lines[1].starts_with("line-3: 5 entries on 2 pages, newest page 2 of epoch 1, stored 20"),
        "{said}"
    );
    assert!(lines[1].ends_with("(ledger ledger of line-3)"), "{said}");
    assert_eq!(
        lines[2],
        "nothing is missing, nothing contradicts, nothing was refused"
    );
    let (_, said, _) = store.says(&["--status", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (json["ledgers"][0]["entries"].as_u64(), json["use"].as_str()),
        (Some(5), Some("demo"))
    );

    let (code, said, counted) = store.says(&["--batch", "B-1"]);
    let page = String::from_utf8(one).unwrap();
    assert_eq!(
        (code, said.as_str()),
        (0, page.split_once('\n').unwrap().1),
        "line by line as they were sealed"
    );
    assert_eq!(
        counted,
        "3 entries of batch B-1; 0 attached and 0 detached by bindings\n"
    );
}

#[tokio::test]
async fn what_is_missing_or_refused_is_told_and_is_not_all_well() {
    let (scratch, (url, _broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let mut line = Ledger::new("line-3", 1);
    let store = Store(&scratch);
    store.write(&url, &line);
    let mut stranger = line.copy();
    stranger.key = key(9);
    let foreign = stranger.readings("B-1", 1);
    line.readings("B-1", 1);
    line.readings("B-1", 1);
    let third = line.readings("B-1", 1);
    let mut gateway = Mqtt
        .connect(&login(&url, "line-3", &["steelyard/line-3/receipts"]))
        .await
        .unwrap();
    let mut child = store.start();
    store.receipted(&mut gateway, &third, 3).await;
    let topic = "steelyard/line-3/pages".into();
    gateway
        .publish(Message {
            topic,
            payload: foreign,
            token: 1,
            ..Message::default()
        })
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    end(&mut child, Signal::TERM);
    let (code, said, _) = store.says(&["--status"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("\nmissing: line-3: pages 1 to 2 are not here (epoch 1)\n"),
        "{said}"
    );
    assert!(said.contains("\nrefused: line-3: the key "), "{said}");
    assert!(
        said.contains(" is not enrolled for line-3 (key-not-enrolled, once since 20"),
        "{said}"
    );
    // one question at a time, and of one gateway
    let (code, said, _) = store.says(&["--gaps", "--json"]);
    let gaps: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, gaps["holes"][0]["to"].as_u64()), (1, Some(2)), "{said}");
    assert!(gaps.get("quarantine").is_none(), "{said}");
    let (code, said, _) = store.says(&["--forks"]);
    assert!(code == 0 && said.ends_with("\nnothing contradicts\n"), "{said}");
    let (code, said, _) = store.says(&["--quarantine"]);
    assert!(
        code == 1 && said.contains("refused: line-3") && !said.contains("missing"),
        "{said}"
    );
    let (code, said, _) = store.says(&["--gateway", "line-9"]);
    assert!(code == 0 && !said.contains("line-3"), "{said}");
}

#[test]
fn a_file_with_mistakes_is_answered_with_all_of_them() {
    let scratch = Scratch::new();
    let store = Store(&scratch);
    store.write("mqtt://127.0.0.1:1", &Ledger::new("line-3", 1));
    let file = scratch.0.join("store.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(scratch.0.join("line-3.jwk"), key(1).public().jwk(Role::Receipt)).unwrap();
    let (code, _, said) = store.says(&["--status"]);
    assert!(
        code == 1 && said.contains("there is no key in it that seals pages"),
        "{said}"
    );
    fs::write(&file, text.replace("use = \"demo\"", "usage = \"demo\"")).unwrap();
    let (code, _, said) = store.says(&[]);
    assert_eq!(code, 1);
    assert!(
        said.contains("error[unknown-key]: [store] has no key `usage`"),
        "{said}"
    );
    assert!(
        said.contains("error[missing-key]: [store] needs the key `use`"),
        "{said}"
    );
    let (code, _, said) = Store(&Scratch::new()).says(&[]);
    assert!(code == 3 && said.starts_with("error[no-store-file]"), "{said}");
}

//! The whole record store behind a broker, as the gateways see it.
#![cfg(feature = "embedded-broker")]

use super::{
    kept::{database, open, take},
    plant::{Ledger, Scratch, enrolled, key, receipt_key},
};
use crate::mqtt::login;
use record::{Hash, Page, Receipt, Signer, StoreWord};
use std::{sync::Arc, time::Duration};
use steelyard::{
    flow::needs::{Broker, FromBroker, Message, Session},
    ports::{broker::Embedded, clock::SystemClock, mqtt::Mqtt, random::SystemRandom},
    store::{self, Enrolment, Needs, Options, Running},
};
use tokio::time::{sleep, timeout};

async fn start(
    scratch: &Scratch,
    url: &str,
    client: &str,
    enrolment: &Enrolment,
    share: Option<&str>,
) -> Running {
    let options = Options {
        database: database(&scratch.database()).await,
        enrolment: enrolment.clone(),
        broker: login(url, client, &[]),
        topics: "steelyard".into(),
        share: share.map(str::to_owned),
    };
    let needs = Needs {
        broker: Arc::new(Mqtt),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        signer: Arc::new(receipt_key()),
    };
    let running = store::start(options, needs).await.unwrap();
    let mut status = running.status();
    timeout(
        Duration::from_secs(10),
        status.wait_for(|status| status.connected),
    )
    .await
    .unwrap()
    .unwrap();
    running
}

/// A gateway's side of the pipe.
struct Gateway(Box<dyn Session>);

impl Gateway {
    async fn connect(url: &str, name: &str) -> Self {
        let topic = format!("steelyard/{name}/receipts");
        Self(Mqtt.connect(&login(url, name, &[&topic])).await.unwrap())
    }

    async fn send(&mut self, name: &str, page: &[u8]) {
        let message = Message {
            topic: format!("steelyard/{name}/pages"),
            payload: page.to_vec(),
            token: 1,
            ..Message::default()
        };
        while self.0.publish(message.clone()).is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The next word of the record store, checked against its key.
    async fn hears(&mut self) -> StoreWord {
        let signer = receipt_key();
        let known = |kid: &Hash| (*kid == signer.public().thumbprint()).then(|| signer.public());
        loop {
            match timeout(Duration::from_secs(20), self.0.next())
                .await
                .expect("no word for 20 s")
            {
                FromBroker::Arrived(_, line, false) => return StoreWord::read(&line, known).unwrap(),
                FromBroker::Arrived(_, _, true) => panic!("a word to a gateway is never retained"),
                FromBroker::Taken(..) => {}
                FromBroker::Gone(trouble) => panic!("{trouble}"),
            }
        }
    }

    async fn receipt(&mut self) -> Receipt {
        match self.hears().await {
            StoreWord::Receipt(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn every_page_is_receipted_and_a_refused_one_holds_nothing_up() {
    let (scratch, (url, _broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let mut line = Ledger::new("line-3", 1);
    let running = start(&scratch, &url, "store", &enrolled(&[&line]), None).await;
    let mut gateway = Gateway::connect(&url, "line-3").await;
    let mut stranger = line.copy();
    stranger.key = key(9);
    let pages: Vec<_> = (0..200).map(|_| line.readings("B-1", 20)).collect();
    for (index, page) in pages.iter().enumerate() {
        gateway.send("line-3", page).await;
        if index == 100 {
            gateway.send("line-3", &stranger.readings("B-1", 1)).await;
            gateway.send("line-3", b"no page at all").await;
        }
    }
    let (mut receipts, mut refusals) = (Vec::new(), Vec::new());
    while receipts.len() < 200 || refusals.is_empty() {
        match gateway.hears().await {
            StoreWord::Receipt(receipt) => receipts.push(receipt),
            StoreWord::Refusal(refusal) => refusals.push(refusal),
            StoreWord::Resend(resend) => panic!("{resend:?}"),
        }
    }
    for (receipt, page) in receipts.iter().zip(&pages) {
        assert_eq!(receipt.seal, Page::read(page).unwrap().seal().hash());
    }
    assert!(
        refusals[0].because.contains("is not enrolled for line-3"),
        "{}",
        refusals[0].because
    );
    let status = running.status().borrow().clone();
    assert_eq!(
        (status.made.pages, status.made.entries, status.made.refused),
        (200, 4000, 2)
    );
    assert_eq!(running.pages().quarantine(10).await.unwrap().len(), 2);
    running.stop().await;
}

#[tokio::test]
async fn a_store_that_died_between_commit_and_receipt_gives_the_receipt_when_the_page_comes_again() {
    let (scratch, (url, _broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let page = line.readings("B-1", 5);
    let store = open(&scratch.database()).await;
    // committed, and its receipt never left
    let (_, words) = take(&store, &enrolment, &[&page]).await;
    drop(store);
    let running = start(&scratch, &url, "store", &enrolment, None).await;
    let mut gateway = Gateway::connect(&url, "line-3").await;
    gateway.send("line-3", &page).await;
    assert_eq!(gateway.hears().await, words[0], "the very same receipt");
    assert_eq!(running.pages().counts().await.unwrap()[0].entries, 5);
    assert_eq!(running.status().borrow().made.known, 1);
}

#[tokio::test]
async fn what_is_missing_at_start_is_asked_for_and_then_whole() {
    let (scratch, (url, _broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let pages: Vec<_> = (0..5).map(|_| line.readings("B-1", 1)).collect();
    let store = open(&scratch.database()).await;
    take(&store, &enrolment, &[&pages[0], &pages[4]]).await;
    drop(store);
    let mut gateway = Gateway::connect(&url, "line-3").await;
    let running = start(&scratch, &url, "store", &enrolment, None).await;
    let StoreWord::Resend(resend) = gateway.hears().await else {
        panic!()
    };
    assert_eq!(
        (resend.ledger.as_str(), resend.epoch, resend.from),
        (line.id.as_str(), 1, 2)
    );
    for page in &pages[1..] {
        gateway.send("line-3", page).await;
        gateway.receipt().await;
    }
    assert!(running.pages().holes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_store_outlives_its_broker() {
    let (scratch, (url, broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let port = broker.address().port();
    let mut line = Ledger::new("line-3", 1);
    let running = start(&scratch, &url, "store", &enrolled(&[&line]), None).await;
    let mut status = running.status();
    let mut gateway = Gateway::connect(&url, "line-3").await;
    gateway.send("line-3", &line.readings("B-1", 1)).await;
    assert_eq!(gateway.receipt().await.page, 1);
    broker.stop().await;
    timeout(
        Duration::from_secs(10),
        status.wait_for(|status| !status.connected),
    )
    .await
    .unwrap()
    .unwrap();
    let lost = running
        .status()
        .borrow()
        .trouble
        .clone()
        .map(|trouble| trouble.name);
    assert!(lost.is_some_and(|name| name.starts_with("broker-")), "{lost:?}");
    let (url, _broker) = Embedded::start(port).await.unwrap();
    timeout(
        Duration::from_secs(20),
        status.wait_for(|status| status.connected),
    )
    .await
    .unwrap()
    .unwrap();
    let mut gateway = Gateway::connect(&url, "line-3").await;
    gateway.send("line-3", &line.readings("B-1", 1)).await;
    assert_eq!(gateway.receipt().await.page, 2);
    assert!(running.status().borrow().trouble.is_none());
}

#[tokio::test]
async fn two_stores_on_one_database_take_turns_and_double_nothing() {
    let (scratch, (url, _broker)) = (Scratch::new(), Embedded::start(0).await.unwrap());
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let one = start(&scratch, &url, "store-1", &enrolment, Some("stores")).await;
    let two = start(&scratch, &url, "store-2", &enrolment, Some("stores")).await;
    let mut gateway = Gateway::connect(&url, "line-3").await;
    for _ in 0..100 {
        gateway.send("line-3", &line.readings("B-1", 3)).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 100 {
        if let StoreWord::Receipt(receipt) = gateway.hears().await {
            seen.insert(receipt.page);
        }
    }
    let made = |running: &Running| running.status().borrow().made.pages;
    assert!(
        made(&one) > 0 && made(&two) > 0,
        "{} and {}",
        made(&one),
        made(&two)
    );
    assert_eq!(made(&one) + made(&two), 100);
    assert_eq!(one.pages().counts().await.unwrap()[0].entries, 300);
}

//! The pipe to the broker: against the broker of the demo in this process, and against Mosquitto.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use record::Trouble;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use steelyard::{
    flow::needs::{Broker, FromBroker, Login, Message, Session},
    ports::mqtt::Mqtt,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{sleep, timeout},
};

pub(crate) fn login(url: &str, client: &str, subscribe: &[&str]) -> Login {
    Login {
        url: url.to_owned(),
        client: client.to_owned(),
        user: None,
        password_file: None,
        trust: None,
        certificate: None,
        private_key: None,
        version_3: false,
        will: None,
        subscribe: subscribe.iter().map(|filter| (*filter).to_owned()).collect(),
        largest: (1 << 20) + (64 << 10),
    }
}

fn message(topic: &str, payload: &[u8], token: u64) -> Message {
    Message {
        topic: topic.to_owned(),
        payload: payload.to_vec(),
        token,
        ..Message::default()
    }
}

async fn soon(session: &mut Box<dyn Session>) -> FromBroker {
    timeout(Duration::from_secs(10), session.next())
        .await
        .expect("nothing came from the broker within 10 s")
}

async fn arrived(session: &mut Box<dyn Session>) -> (String, Vec<u8>, bool) {
    loop {
        match soon(session).await {
            FromBroker::Arrived(topic, payload, retained) => return (topic, payload, retained),
            FromBroker::Taken(..) => {}
            FromBroker::Gone(trouble) => panic!("{trouble}"),
        }
    }
}

async fn taken(session: &mut Box<dyn Session>) -> (u64, bool) {
    loop {
        match soon(session).await {
            FromBroker::Taken(token, anyone) => return (token, anyone),
            FromBroker::Arrived(..) => {}
            FromBroker::Gone(trouble) => panic!("{trouble}"),
        }
    }
}

async fn gone(session: &mut Box<dyn Session>) -> Trouble {
    loop {
        if let FromBroker::Gone(trouble) = soon(session).await {
            return trouble;
        }
    }
}

async fn refused(login: &Login) -> Trouble {
    match Mqtt.connect(login).await {
        Ok(_) => panic!("the broker took us"),
        Err(trouble) => trouble,
    }
}

/// What every broker has to do for us. Run against each.
async fn pages_travel_and_are_acknowledged(url: &str, version_3: bool) {
    let with = |client: &str, subscribe: &[&str]| Login {
        version_3,
        ..login(url, client, subscribe)
    };
    let mut store = Mqtt
        .connect(&with("store", &["steelyard/+/pages"]))
        .await
        .unwrap();
    let mut gateway = Mqtt.connect(&with("gateway", &[])).await.unwrap();

    let small = Message {
        content_type: Some("application/x-steelyard-page"),
        properties: vec![("gateway", "line-3".into()), ("page", "1".into())],
        ..message("steelyard/line-3/pages", b"one page", 1)
    };
    gateway.publish(small).unwrap();
    assert_eq!(taken(&mut gateway).await, (1, true));
    assert_eq!(
        arrived(&mut store).await,
        ("steelyard/line-3/pages".into(), b"one page".to_vec(), false)
    );

    // a page of 900 KiB passes whole
    let large: Vec<u8> = (0..900 * 1024_u32).map(|n| (n % 251) as u8).collect();
    gateway
        .publish(message("steelyard/line-3/pages", &large, 2))
        .unwrap();
    assert_eq!(arrived(&mut store).await.1, large);
    assert_eq!(taken(&mut gateway).await, (2, true));

    // 2,000 messages: every one arrives, every one is acknowledged by its own token
    let (mut next, mut tokens, mut seen) = (0_u32, BTreeSet::new(), Vec::new());
    while tokens.len() < 2000 || seen.len() < 2000 {
        while next < 2000 {
            let handed = gateway.publish(message(
                "steelyard/line-3/pages",
                &next.to_be_bytes(),
                1000 + u64::from(next),
            ));
            if handed.is_err() {
                break;
            }
            next += 1;
        }
        tokio::select! {
            event = soon(&mut gateway) => match event {
                FromBroker::Taken(token, true) => assert!(tokens.insert(token), "token {token} twice"),
                other => panic!("{other:?}"),
            },
            (_, payload, _) = arrived(&mut store) => seen.push(u32::from_be_bytes(payload.try_into().unwrap())),
        }
    }
    assert_eq!(tokens, (1000..3000).collect());
    assert_eq!(seen, (0..2000).collect::<Vec<_>>(), "in order, each once");
    gateway.close().await;
    store.close().await;
}

/// Retained status and last will, as the topic table promises.
async fn the_status_of_a_gateway_outlives_it(url: &str, version_3: bool) {
    let topic = if version_3 {
        "steelyard/line-3/status"
    } else {
        "steelyard/line-5/status"
    };
    let with = |client: &str, subscribe: &[&str]| Login {
        version_3,
        ..login(url, client, subscribe)
    };
    let gateway_login = Login {
        will: Some((topic.into(), b"not alive".to_vec())),
        ..with("gateway-w", &[])
    };
    let mut gateway = Mqtt.connect(&gateway_login).await.unwrap();
    gateway
        .publish(Message {
            retain: true,
            ..message(topic, b"alive", 7)
        })
        .unwrap();
    taken(&mut gateway).await;

    let mut watcher = Mqtt.connect(&with("watcher", &[topic])).await.unwrap();
    assert_eq!(
        arrived(&mut watcher).await,
        (topic.into(), b"alive".to_vec(), true)
    );
    drop(gateway);
    assert_eq!(
        arrived(&mut watcher).await,
        (topic.into(), b"not alive".to_vec(), false)
    );
    let mut late = Mqtt.connect(&with("late", &[topic])).await.unwrap();
    assert_eq!(
        arrived(&mut late).await,
        (topic.into(), b"not alive".to_vec(), true)
    );

    // who says goodbye in order leaves no will
    let gateway = Mqtt.connect(&gateway_login).await.unwrap();
    gateway.close().await;
    let quiet = timeout(Duration::from_millis(300), watcher.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[cfg(feature = "embedded-broker")]
mod in_this_process {
    use super::*;
    use steelyard::ports::broker::Embedded;

    #[tokio::test]
    async fn pages_travel_and_are_acknowledged_with_mqtt_5() {
        let (url, _broker) = Embedded::start(0).await.unwrap();
        pages_travel_and_are_acknowledged(&url, false).await;
    }

    #[tokio::test]
    async fn pages_travel_and_are_acknowledged_with_mqtt_3() {
        let (url, _broker) = Embedded::start(0).await.unwrap();
        pages_travel_and_are_acknowledged(&url, true).await;
    }

    #[tokio::test]
    async fn a_gateway_that_vanishes_is_declared_dead_by_its_will() {
        let (url, _broker) = Embedded::start(0).await.unwrap();
        the_status_of_a_gateway_outlives_it(&url, false).await;
        the_status_of_a_gateway_outlives_it(&url, true).await;
    }

    #[tokio::test]
    async fn two_stores_share_the_pages_between_them() {
        let (url, _broker) = Embedded::start(0).await.unwrap();
        let mut one = Mqtt
            .connect(&login(&url, "store-1", &["$share/stores/steelyard/+/pages"]))
            .await
            .unwrap();
        let mut two = Mqtt
            .connect(&login(&url, "store-2", &["$share/stores/steelyard/+/pages"]))
            .await
            .unwrap();
        let mut gateway = Mqtt.connect(&login(&url, "gateway", &[])).await.unwrap();
        for n in 0..50_u8 {
            gateway
                .publish(message("steelyard/line-3/pages", &[n], u64::from(n) + 1))
                .unwrap();
        }
        let mut seen = [Vec::new(), Vec::new()];
        while seen[0].len() + seen[1].len() < 50 {
            tokio::select! {
                (_, payload, _) = arrived(&mut one) => seen[0].push(payload[0]),
                (_, payload, _) = arrived(&mut two) => seen[1].push(payload[0]),
            }
        }
        assert!(!seen[0].is_empty() && !seen[1].is_empty(), "{seen:?}");
        assert_eq!(
            seen.concat().into_iter().collect::<BTreeSet<_>>(),
            (0..50).collect()
        );
    }

    #[tokio::test]
    async fn a_broker_that_dies_ends_the_session_and_a_new_one_works_at_its_old_address() {
        let (url, broker) = Embedded::start(0).await.unwrap();
        let port = broker.address().port();
        let mut gateway = Mqtt.connect(&login(&url, "gateway", &[])).await.unwrap();
        broker.stop().await;
        assert_eq!(gone(&mut gateway).await.name, "broker-lost");
        assert!(
            gateway.publish(message("a", b"b", 1)).is_err(),
            "a dead session gives messages back"
        );
        assert_eq!(
            refused(&login(&url, "gateway", &[])).await.name,
            "broker-unreachable"
        );
        let (again, _broker) = Embedded::start(port).await.unwrap();
        Mqtt.connect(&login(&again, "gateway", &[])).await.unwrap();
    }

    #[tokio::test]
    async fn a_consumer_that_lags_holds_the_broker_back_and_loses_nothing() {
        let (url, _broker) = Embedded::start(0).await.unwrap();
        let mut store = Mqtt
            .connect(&login(&url, "store", &["steelyard/+/pages"]))
            .await
            .unwrap();
        let mut gateway = Mqtt.connect(&login(&url, "gateway", &[])).await.unwrap();
        let page = vec![b'x'; 64 << 10];
        for token in 1..=300 {
            while gateway
                .publish(message("steelyard/line-3/pages", &page, token))
                .is_err()
            {
                taken(&mut gateway).await;
            }
        }
        sleep(Duration::from_millis(500)).await;
        for _ in 0..300 {
            assert_eq!(arrived(&mut store).await.1.len(), page.len());
        }
    }

    #[tokio::test]
    async fn the_pipe_takes_a_bounded_number_of_messages_and_gives_the_rest_back() {
        let (url, _broker) = Embedded::start(0).await.unwrap();
        let mut gateway = Mqtt.connect(&login(&url, "gateway", &[])).await.unwrap();
        let mut took = 0;
        let back = loop {
            // nothing is polled in between, so nothing can be acknowledged
            match gateway.publish(message("steelyard/line-3/pages", &vec![b'x'; 100_000], 9)) {
                Ok(()) => took += 1,
                Err(back) => break back,
            }
            assert!(took < 1000, "the pipe has no end");
        };
        assert_eq!(
            (back.payload.len(), back.token, back.topic.as_str()),
            (100_000, 9, "steelyard/line-3/pages")
        );
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_told_in_four_parts() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let trouble = refused(&login(&format!("mqtt://127.0.0.1:{port}"), "gateway", &[])).await;
    assert_eq!(
        trouble.to_string(),
        format!(
            "error[broker-unreachable]: the broker is not reached: nobody listens there\n  \
             --> mqtt://127.0.0.1:{port}\n  \
             record: nothing is lost: what has no receipt stays in the ledger and is sent again\n  \
             do:     is the broker running, and is its address right? is the network up?"
        )
    );
}

#[tokio::test]
async fn something_that_is_no_broker_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            // takes the connection and closes it at once
            drop(listener.accept().await);
        }
    });
    assert_eq!(
        refused(&login(&url, "gateway", &[])).await.name,
        "broker-unreachable"
    );
}

/// A broker that only ever says these packets, one after each packet it hears.
async fn a_broker_that_says(answers: &'static [&'static [u8]]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = [0; 4096];
        for answer in answers {
            assert!(stream.read(&mut heard).await.unwrap() > 0);
            stream.write_all(answer).await.unwrap();
        }
        sleep(Duration::from_mins(1)).await;
    });
    url
}

const ACCEPTED: &[u8] = &[0x20, 3, 0, 0, 0];
const NOT_AUTHORIZED: u8 = 0x87;

#[tokio::test]
async fn a_refused_subscription_refuses_the_connection_and_names_the_topic() {
    let url = a_broker_that_says(&[ACCEPTED, &[0x90, 5, 0, 1, 0, 1, NOT_AUTHORIZED]]).await;
    let trouble = refused(&login(
        &url,
        "store",
        &["steelyard/+/pages", "steelyard/+/secret"],
    ))
    .await;
    assert_eq!(trouble.name, "subscription-refused");
    assert_eq!(
        trouble.what,
        "the broker refused the subscription to steelyard/+/secret: not authorized"
    );
}

#[tokio::test]
async fn a_refused_page_is_never_taken_for_delivered() {
    let url = a_broker_that_says(&[ACCEPTED, &[0x40, 4, 0, 1, NOT_AUTHORIZED, 0]]).await;
    let mut gateway = Mqtt.connect(&login(&url, "gateway", &[])).await.unwrap();
    gateway
        .publish(message("steelyard/line-3/pages", b"a page", 5))
        .unwrap();
    let FromBroker::Gone(trouble) = soon(&mut gateway).await else {
        panic!("taken")
    };
    assert_eq!(trouble.what, "the broker refused a message: not authorized");
}

#[tokio::test]
async fn a_password_that_others_can_read_is_not_used() {
    let place = scratch("readable");
    let file = place.join("password");
    fs::write(&file, "secret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let login = Login {
        user: Some("line-3".into()),
        password_file: Some(file),
        ..login("mqtt://127.0.0.1:1", "gateway", &[])
    };
    let trouble = refused(&login).await;
    assert_eq!(trouble.name, "secret-readable");
    assert!(!trouble.to_string().contains("secret\n  -->"));
}

#[tokio::test]
async fn tls_without_trust_is_refused() {
    assert_eq!(
        refused(&login("mqtts://127.0.0.1:1", "gateway", &[])).await.name,
        "broker-trust"
    );
}

// ---------------------------------------------------------------- Mosquitto

/// A directory of this test alone, empty.
fn scratch(name: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("steelyard-mqtt-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

/// A real broker; ends with the test.
struct Mosquitto {
    child: Child,
    port: u16,
}

impl Mosquitto {
    /// `None`, with the reason printed, where there is no Mosquitto on this machine.
    async fn start(place: &Path, lines: &str) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = place.join("mosquitto.conf");
        fs::write(
            &config,
            format!("listener {port} 127.0.0.1\nuser root\nmax_packet_size 1200000\n{lines}"),
        )
        .unwrap();
        let spawned = Command::new("mosquitto")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            println!("SKIPPED: there is no mosquitto on this machine (tests/run installs it)");
            return None;
        };
        let broker = Self { child, port };
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(broker);
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("mosquitto does not listen on {port}");
    }

    fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn mosquitto_carries_pages_status_and_wills_in_both_versions() {
    let Some(broker) = Mosquitto::start(&scratch("plain"), "allow_anonymous true\n").await else {
        return;
    };
    for version_3 in [false, true] {
        pages_travel_and_are_acknowledged(&broker.url(), version_3).await;
        the_status_of_a_gateway_outlives_it(&broker.url(), version_3).await;
    }
}

#[tokio::test]
async fn mosquitto_says_when_nobody_is_subscribed_and_that_is_not_delivery() {
    let Some(broker) = Mosquitto::start(&scratch("nobody"), "allow_anonymous true\n").await else {
        return;
    };
    let mut gateway = Mqtt.connect(&login(&broker.url(), "gateway", &[])).await.unwrap();
    gateway
        .publish(message("steelyard/line-3/pages", b"a page", 5))
        .unwrap();
    assert_eq!(taken(&mut gateway).await, (5, false));
}

#[tokio::test]
async fn mosquitto_refuses_a_wrong_password_and_we_say_so() {
    let place = scratch("password");
    let (users, right, wrong) = (place.join("users"), place.join("right"), place.join("wrong"));
    let made = Command::new("mosquitto_passwd")
        .args(["-c", "-b"])
        .arg(&users)
        .args(["line-3", "open sesame"])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("SKIPPED: there is no mosquitto_passwd on this machine (tests/run installs it)");
        return;
    }
    for (file, password) in [(&right, "open sesame\n"), (&wrong, "open barley\n")] {
        fs::write(file, password).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let lines = format!("allow_anonymous false\npassword_file {}\n", users.display());
    let Some(broker) = Mosquitto::start(&place, &lines).await else {
        return;
    };
    for version_3 in [false, true] {
        let with = |file: &Path| Login {
            version_3,
            user: Some("line-3".into()),
            password_file: Some(file.to_owned()),
            ..login(&broker.url(), "gateway", &[])
        };
        Mqtt.connect(&with(&right)).await.unwrap();
        let trouble = refused(&with(&wrong)).await;
        assert_eq!(trouble.name, "broker-refused");
        assert!(trouble.what.contains("not authorized"), "{trouble}");
        assert!(!trouble.to_string().contains("barley"));
    }
}

#[tokio::test]
async fn a_page_larger_than_the_broker_takes_ends_the_session_with_both_sizes() {
    let place = scratch("large");
    let Some(broker) = Mosquitto::start(&place, "allow_anonymous true\n").await else {
        return;
    };
    let mut gateway = Mqtt.connect(&login(&broker.url(), "gateway", &[])).await.unwrap();
    gateway
        .publish(message("steelyard/line-3/pages", &vec![b'x'; 1_300_000], 5))
        .unwrap();
    let trouble = gone(&mut gateway).await;
    assert_eq!(trouble.name, "packet-too-large");
    assert!(trouble.what.contains("1200000"), "{trouble}");
}

#[tokio::test]
async fn tls_needs_the_right_authority_the_right_name_and_our_certificate() {
    let place = scratch("tls");
    if !certificates(&place) {
        println!("SKIPPED: there is no openssl on this machine (tests/run installs it)");
        return;
    }
    let at = |name: &str| place.join(name);
    let lines = format!(
        "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        at("ca.pem").display(),
        at("broker.pem").display(),
        at("broker.key").display()
    );
    let Some(broker) = Mosquitto::start(&place, &lines).await else {
        return;
    };
    let with = |host: &str, trust: &str, ours: bool| Login {
        trust: Some(at(trust)),
        certificate: ours.then(|| at("gateway.pem")),
        private_key: ours.then(|| at("gateway.key")),
        ..login(&format!("mqtts://{host}:{}", broker.port), "gateway", &[])
    };
    for version_3 in [false, true] {
        let mut session = Mqtt
            .connect(&Login {
                version_3,
                ..with("localhost", "ca.pem", true)
            })
            .await
            .unwrap();
        session.publish(message("a", b"b", 1)).unwrap();
        assert_eq!(taken(&mut session).await.0, 1);

        let stranger = refused(&Login {
            version_3,
            ..with("localhost", "other-ca.pem", true)
        })
        .await;
        assert_eq!(stranger.name, "broker-untrusted", "{stranger}");
        assert!(
            stranger.what.contains("signed by nobody in the trust file"),
            "{stranger}"
        );

        let name = refused(&Login {
            version_3,
            ..with("127.0.0.1", "ca.pem", true)
        })
        .await;
        assert!(name.what.contains("for another name"), "{name}");

        // with TLS 1.3 the broker says so only after the handshake
        refused(&Login {
            version_3,
            ..with("localhost", "ca.pem", false)
        })
        .await;
    }
}

/// Two authorities, a broker and a gateway certificate, made by openssl.
fn certificates(place: &Path) -> bool {
    let script = "set -e
        for ca in ca other-ca; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem
        done
        for name in broker gateway; do
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
            printf 'subjectAltName=DNS:localhost\\n' > $name.ext
            openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
        done
        chmod 600 *.key";
    Command::new("sh")
        .args(["-c", script])
        .current_dir(place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

//! The screens over a real socket: what is answered, and how. What people see is looked at in
//! `tests/web/`, which drives a browser over the boards served here:
//!
//! ```console
//! $ STEELYARD_SERVE_FIXTURES=1 cargo test --test gateway serves_its_boards -- --nocapture
//! {"calm":"http://127.0.0.1:40123","excursion":"http://127.0.0.1:40124", …}
//! ```
mod boards;
mod stations;

use std::{collections::BTreeMap, io::Write, net::SocketAddr, sync::Arc, time::Duration};
use steelyard::{
    flow::{
        board::{Board, Urgency},
        station::view::Views,
    },
    ports::listen,
    web,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::watch,
};

/// Serves every board on a port of its own until standard input ends, and renews it as the daemon does.
/// Does nothing unless it is asked to.
#[tokio::test(flavor = "multi_thread")]
async fn serves_its_boards_to_a_browser_when_asked() {
    if std::env::var_os("STEELYARD_SERVE_FIXTURES").is_none() {
        return;
    }
    let begun = tokio::time::Instant::now();
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    let mut boards = Vec::new();
    for name in boards::ALL {
        let (board, address) = serve(boards::at(name, 0)).await;
        addresses.insert((*name).to_owned(), format!("http://{address}"));
        boards.push((*name, board));
    }
    let shown = serve_stations().await;
    addresses.extend(shown.addresses());
    writeln!(
        std::io::stdout().lock(),
        "\n{}",
        serde_json::to_string(&addresses).unwrap()
    )
    .unwrap();
    let renew = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            shown.renew(i64::try_from(begun.elapsed().as_millis()).unwrap());
            if !(begun.elapsed().as_millis() / 100).is_multiple_of(3) {
                continue;
            }
            for (name, board) in &boards {
                let ms = i64::try_from(begun.elapsed().as_millis()).unwrap();
                board.send_replace(Arc::new(boards::at(name, ms)));
            }
        }
    };
    let mut line = String::new();
    let mut input = BufReader::new(tokio::io::stdin());
    tokio::select! {
        () = renew => {}
        _ = input.read_line(&mut line) => {}
    }
}

/// All states of a station at one gateway each for production and for training, as from panel P1.
struct Shown {
    views: [(watch::Sender<Arc<Views>>, watch::Sender<Arc<Board>>, SocketAddr); 2],
}

async fn serve_stations() -> Shown {
    let mut views = Vec::new();
    for usage in ["production", "training"] {
        let (into_views, from_views) = watch::channel(Arc::new(Shown::at(0)));
        let (into_board, from_board) = watch::channel(Arc::new(Shown::board(usage, 0)));
        let (listener, address) = listen::loopback("127.0.0.1:0").await.unwrap();
        tokio::spawn(web::serve_stations(
            listener,
            from_board,
            from_views,
            Some("P1".to_owned()),
        ));
        views.push((into_views, into_board, address));
    }
    Shown {
        views: views.try_into().ok().unwrap(),
    }
}

impl Shown {
    fn at(ms: i64) -> Views {
        stations::ALL
            .iter()
            .map(|name| ((*name).to_owned(), Arc::new(stations::at(name, ms))))
            .map(|(name, mut view)| {
                Arc::make_mut(&mut view).station.clone_from(&name);
                (name, view)
            })
            .collect()
    }

    fn board(usage: &str, ms: i64) -> Board {
        let mut board = boards::at("calm", 0);
        board.usage = usage.to_owned();
        board.now = record::Stamp(stations::at("filling", ms).now);
        board
    }

    fn renew(&self, ms: i64) {
        for ((views, board, _), usage) in self.views.iter().zip(["production", "training"]) {
            board.send_replace(Arc::new(Self::board(usage, ms)));
            views.send_replace(Arc::new(Self::at(ms)));
        }
    }

    fn addresses(&self) -> Vec<(String, String)> {
        stations::ALL
            .iter()
            .map(|name| {
                let of = usize::from(*name == "training");
                (
                    format!("station-{name}"),
                    format!("http://{}/dispense/{name}", self.views[of].2),
                )
            })
            .collect()
    }
}

#[tokio::test]
async fn the_page_is_complete_without_script_and_holds_nothing_a_strict_policy_forbids() {
    for name in boards::ALL {
        let (_board, address) = serve(boards::at(name, 0)).await;
        let answer = get(address, "GET", "/", &[]).await;
        let page = &answer.body;
        assert_eq!(answer.status, 200, "{name}");
        for forbidden in [
            " style=",
            "<style",
            "onclick",
            "http://",
            "https://",
            "javascript:",
        ] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        assert!(
            page.matches("<script").count() == page.matches("<script defer src=\"/static/").count(),
            "{name}"
        );
        assert!(
            answer
                .head
                .contains("content-security-policy: default-src 'self'"),
            "{}",
            answer.head
        );
        assert!(
            answer.head.contains("x-content-type-options: nosniff"),
            "{}",
            answer.head
        );
        assert!(
            page.contains("State of the record") && page.contains("Receipted"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_calm_line_says_that_nothing_needs_anyone_and_an_excursion_says_the_three_things() {
    let (board, address) = serve(boards::at("calm", 0)).await;
    let page = get(address, "GET", "/", &[]).await.body;
    assert!(page.contains("Nothing needs you.") && page.contains("6 units watched, 41 readings a second."));
    assert!(!page.contains("not a production record"));

    board.send_replace(Arc::new(boards::at("excursion", 0)));
    let page = get(address, "GET", "/", &[]).await.body;
    assert!(!page.contains("Nothing needs you."));
    for part in [
        "above 72.0\u{a0}°C for 38\u{a0}s",
        "Stored as excursion E-017.",
        "Bring it back",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_store_out_of_reach_is_told_as_held_here_and_nothing_lost() {
    let (_board, address) = serve(boards::at("outage", 0)).await;
    let page = get(address, "GET", "/", &[]).await.body;
    for part in [
        "Record store not reached for 7\u{a0}min",
        "Nothing is lost: 214 entries are sealed and kept on this box, room for 38\u{a0}days.",
        "Held here",
        "oldest 7\u{a0}min 12\u{a0}s",
        "no answer 7:12",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn nothing_is_called_safe_when_capture_has_stopped() {
    let (_board, address) = serve(boards::at("worst", 0)).await;
    let page = get(address, "GET", "/", &[]).await.body;
    assert!(!page.contains("Nothing is lost"));
    assert!(page.contains("Capture has stopped: less than 2 GiB free"));
    assert!(page.contains("The record store refused 1 page"));
    assert!(page.contains("Room for 5\u{a0}h left"));
    assert!(page.contains("Clock not kept by a time server, may be off by 0.5\u{a0}s"));
    assert!(
        page.matches("data-call=").count() == 7 && page.contains("+4"),
        "three cards, and the rest counted"
    );
}

#[tokio::test]
async fn a_reason_the_daemon_knows_is_told_once_and_in_its_words() {
    let mut board = boards::at("worst", 0);
    board.calls.push(boards::call(
        "refused-61",
        Urgency::Act,
        "the record store refused page 61: batch unknown",
        "The page is kept, sealed. The batch is incomplete there.",
        "Quality opens the batch there, then sends the page again.",
        board.now.plus_ms(-60_000),
    ));
    let (_board, address) = serve(board).await;
    let page = get(address, "GET", "/", &[]).await.body;
    assert!(page.contains("refused page 61: batch unknown"));
    assert!(!page.contains("The record store refused 1 page"));
}

#[tokio::test]
async fn a_use_other_than_production_is_said_across_the_page() {
    let (_board, address) = serve(boards::at("demo", 0)).await;
    let page = get(address, "GET", "/", &[]).await.body;
    assert!(page.contains("not a production record") && page.contains("<title>Demo: Line overview"));
}

#[tokio::test]
async fn every_tab_leads_somewhere() {
    let (_board, address) = serve(boards::at("calm", 0)).await;
    let page = get(address, "GET", "/", &[]).await.body;
    let mut links = 0;
    for link in page.split(" href=\"").chain(page.split(" src=\"")).skip(1) {
        let link = link.split('"').next().unwrap_or_default();
        if link.starts_with('/') {
            links += 1;
            assert_eq!(get(address, "GET", link, &[]).await.status, 200, "{link}");
        }
    }
    assert!(links >= 5, "{links}");
}

#[tokio::test]
async fn an_address_that_leads_nowhere_says_so_in_words() {
    let (_board, address) = serve(boards::at("calm", 0)).await;
    for path in [
        "/nowhere",
        "/static/nothing.css",
        "/part/nothing",
        "/live/nothing",
    ] {
        let answer = get(address, "GET", path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("There is no such page here"), "{path}");
    }
}

#[tokio::test]
async fn a_head_is_answered_like_a_get_without_its_body() {
    let (_board, address) = serve(boards::at("calm", 0)).await;
    for path in ["/", "/state.json", "/static/steelyard.css"] {
        let answer = get(address, "HEAD", path, &[]).await;
        assert!(
            answer.status == 200 && answer.body.is_empty(),
            "{path}: {}",
            answer.body.len()
        );
    }
}

#[tokio::test]
async fn a_file_is_sent_once_packed_and_then_only_confirmed() {
    let (_board, address) = serve(boards::at("calm", 0)).await;
    let plain = get(address, "GET", "/static/steelyard.css", &[]).await;
    let packed = get(
        address,
        "HEAD",
        "/static/steelyard.css",
        &["Accept-Encoding: gzip, br"],
    )
    .await;
    assert!(packed.head.contains("content-encoding: gzip"), "{}", packed.head);
    let tag = plain
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap()
        .to_owned();
    let again = get(
        address,
        "GET",
        "/static/steelyard.css",
        &[&format!("If-None-Match: {tag}")],
    )
    .await;
    assert!(again.status == 304 && again.body.is_empty());
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_read_through_a_name_of_its_own() {
    let (_board, address) = serve(boards::at("calm", 0)).await;
    let answer = raw(
        address,
        "GET /state.json HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(answer.status, 421);
    assert!(!answer.body.contains("line-3"));
}

#[tokio::test]
async fn the_same_facts_can_be_had_as_json_under_stable_names() {
    let (_board, address) = serve(boards::at("worst", 0)).await;
    let answer = get(address, "GET", "/state.json", &[]).await;
    let facts: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(facts["use"], "qualification");
    assert_eq!(facts["record"]["captured"], 1287);
    assert_eq!(facts["record"]["capturing"], false);
    assert_eq!(facts["units"][0]["points"][0]["state"], "out-of-limits");
    assert_eq!(facts["units"][1]["points"][0]["value"], serde_json::Value::Null);
    assert_eq!(facts["calls"][0]["id"], "record-stopped");
    assert_eq!(facts["calls"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_live_page_hears_a_heartbeat_and_the_changed_value() {
    let (board, address) = serve(boards::at("calm", 0)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let first = until(&mut stream, "event: beat").await;
    assert!(
        first.contains("text/event-stream") && first.contains("\"id\":\"u0p0\""),
        "{first}"
    );

    let mut next = boards::at("calm", 1000);
    next.units[0].points[0].value = "70.9".into();
    board.send_replace(Arc::new(next));
    let second = until(&mut stream, "event: beat").await;
    assert!(second.contains("\"text\":\"70.9\""), "{second}");
}

#[tokio::test]
async fn a_stream_ends_when_the_daemon_keeps_no_board_any_more() {
    let (board, address) = serve(boards::at("calm", 0)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    until(&mut stream, "event: beat").await;
    drop(board);
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
}

async fn serve(board: Board) -> (watch::Sender<Arc<Board>>, SocketAddr) {
    let (sender, watch) = watch::channel(Arc::new(board));
    let (listener, address) = listen::loopback("127.0.0.1:0").await.unwrap();
    tokio::spawn(web::serve(listener, watch));
    (sender, address)
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

async fn get(address: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let extra = headers
        .iter()
        .fold(String::new(), |extra, line| extra + line + "\r\n");
    raw(
        address,
        &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{extra}\r\n"),
    )
    .await
}

async fn raw(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A stream of events has no end: a head is enough to know its status.
    let reading = stream.read_to_end(&mut bytes);
    let _ = tokio::time::timeout(
        Duration::from_millis(if request.contains("/live") { 500 } else { 5000 }),
        reading,
    )
    .await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut seen = String::new();
    let reading = async {
        let mut piece = [0; 4096];
        while !seen.contains(wanted) {
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "the stream ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .unwrap();
    seen
}

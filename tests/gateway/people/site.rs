//! A gateway with its screens and nobody around it: no instrument, no record store, a clock that can be moved.

use record::{Line, Stamp, Trouble};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use steelyard::{
    config::Source,
    daemon::{
        acts,
        opening::{self, Outside},
        start::{self, Running, World},
    },
    flow::{
        needs::{Address, Broker, Clock, Link, Links, Login, Session, Sync, Waiting},
        sessions::Lasting,
    },
    ports::{clock::SystemClock, files::SystemFiles, listen, random::SystemRandom, servers},
    web::{self, Gate},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

pub const PASSWORD: &str = "correct horse 7";
pub const SUPERVISOR: &str = "sup";
/// Everybody: id, name, role.
pub const EVERYBODY: [(&str, &str, &str); 5] = [
    ("op", "Olga Perez", "operator"),
    ("ver", "Viktor Erb", "verifier"),
    ("sup", "Susanne Prinz", "supervisor"),
    ("eng", "Emil Nagel", "engineer"),
    ("rev", "Rita Vogel", "reviewer"),
];

/// The machine's clock, and whatever has been added to it.
pub struct MovedClock(SystemClock, AtomicU64);

impl MovedClock {
    pub fn pass(&self, seconds: u64) {
        self.1.fetch_add(seconds, Ordering::Relaxed);
    }

    fn added(&self) -> Duration {
        Duration::from_secs(self.1.load(Ordering::Relaxed))
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Stamp {
        self.0.now().plus_ms(self.added().as_millis() as i64)
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed() + self.added()
    }
    fn sync(&self) -> (Sync, u32) {
        self.0.sync()
    }
    fn sleep(&self, time: Duration) -> Waiting<'static, ()> {
        self.0.sleep(time)
    }
}

/// Nothing answers.
struct Nothing;

impl Links for Nothing {
    fn open<'a>(&'a self, _: &'a Address) -> Waiting<'a, io::Result<Box<dyn Link>>> {
        Box::pin(async { Err(io::Error::from(io::ErrorKind::NotFound)) })
    }
}

impl Broker for Nothing {
    fn connect<'a>(&'a self, _: &'a Login) -> Waiting<'a, Result<Box<dyn Session>, Trouble>> {
        Box::pin(async { Err(Trouble::new("broker-away", "the record store is away")) })
    }
}

pub struct Site {
    dir: PathBuf,
    pub clock: Arc<MovedClock>,
    running: Option<Running>,
    serving: JoinHandle<()>,
    pub at: SocketAddr,
    /// The code the last panel was enrolled with.
    pub code: String,
}

fn source(dir: &std::path::Path) -> Source {
    let dir = dir.display();
    let text = format!(
        r#"format = 1

[gateway]
name   = "line-3"
plant  = "Essen"
zone   = "Europe/Berlin"
ledger = "{dir}/line.ledger"
stop_capture_below = "1 MiB free"

[record_store]
broker     = "mqtt://127.0.0.1:1"
release_on = "broker"

[equipment.WT-3101]
title  = "Scale in dispensing booth 2"
driver = "mt-sics-balance"
edition = 4
tcp    = "127.0.0.1:1"

[unit."Booth 2"]
kind = "booth"

[unit."Booth 2".roles]
net-weight = "WT-3101.weight"
"#
    );
    Source {
        name: format!("{dir}/steelyard.toml"),
        text,
        drivers: Vec::new(),
        recipes: Vec::new(),
    }
}

impl Site {
    /// Everybody is known, each with one role.
    pub async fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("steelyard-people-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let clock = Arc::new(MovedClock(SystemClock::new(), AtomicU64::new(0)));
        let site = Self::start(dir, clock).await;
        for (id, name, role) in EVERYBODY {
            site.add(id, name, &[role], false).await;
        }
        site
    }

    async fn start(dir: PathBuf, clock: Arc<MovedClock>) -> Self {
        let outside = Outside {
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            files: Arc::new(SystemFiles),
        };
        let open = opening::open(source(&dir), true, &outside)
            .await
            .map_err(|refusals| {
                refusals
                    .iter()
                    .map(|refusal| refusal.0.clone())
                    .collect::<String>()
            });
        let world = World {
            outside,
            links: Arc::new(Nothing),
            servers: servers::servers(Arc::new(SystemClock::new())),
            broker: Arc::new(Nothing),
            told: None,
        };
        let running = start::start(open.unwrap(), world).await.unwrap();
        let (listener, at) = listen::loopback("127.0.0.1:0").await.unwrap();
        let gate = gate(&running, &clock, true, None);
        let (board, stations) = (running.board.clone(), running.stations.clone());
        let serving =
            tokio::spawn(async move { drop(web::serve_with(listener, board, stations, gate).await) });
        Self {
            dir,
            clock,
            running: Some(running),
            serving,
            at,
            code: String::new(),
        }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The same ledger, the index deleted, another process.
    pub async fn restarted(mut self) -> Self {
        self.serving.abort();
        self.running.take().unwrap().stop(Duration::ZERO).await.unwrap();
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.dir.join(format!("line.ledger/index.sqlite{end}")));
        }
        let (dir, clock) = (std::mem::take(&mut self.dir), self.clock.clone());
        clock.pass(61);
        Self::start(dir, clock).await
    }

    /// One line through the control socket, as the command line asks.
    pub async fn act(&self, request: &serde_json::Value) -> Result<String, String> {
        let answer = acts::answer(request.to_string(), &self.running().control).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let text = answer["text"].as_str().unwrap().to_owned();
        if answer["done"] == true {
            Ok(text)
        } else {
            Err(text)
        }
    }

    pub async fn add(&self, id: &str, name: &str, roles: &[&str], initial: bool) {
        let salt = record::b64::encode(&[9; 16]);
        self.act(&serde_json::json!({
            "do": "add-user", "id": id, "name": name, "roles": roles, "secret": PASSWORD, "by": "machine",
            "reason": "test", "salt": salt, "initial": initial,
        }))
        .await
        .unwrap();
    }

    pub async fn badge(&self, id: &str, code: &str, pin: &str) {
        let salt = record::b64::encode(&[8; 16]);
        self.act(&serde_json::json!({
            "do": "user-badge", "id": id, "code": code, "new_pin": pin, "reason": "new", "salt": salt,
            "by": SUPERVISOR, "secret": PASSWORD,
        }))
        .await
        .unwrap();
    }

    pub fn browser(&self) -> Browser {
        Browser {
            at: self.at,
            cookies: BTreeMap::new(),
            form: String::new(),
        }
    }

    /// A panel of booth 2 waits for its code.
    pub async fn awaited(&self, name: &str, code: &str) {
        self.act(&serde_json::json!({
            "do": "panel-add", "name": name, "station": "Booth 2", "code": code, "reason": "new",
            "by": "eng", "secret": PASSWORD,
        }))
        .await
        .unwrap();
    }

    /// A browser that was enrolled at booth 2.
    pub async fn panel(&self, name: &str) -> Browser {
        let code = format!("CODE-{}", name.to_uppercase());
        self.awaited(name, &code).await;
        let mut browser = self.browser();
        let done = browser.post("/enrol", &[("code", &code.to_lowercase())]).await;
        assert_eq!(done.status, 303, "{}", done.body);
        browser
    }

    /// Everything captured so far, as text; what was asked before is in it.
    pub async fn ledger_text(&self) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(self.dir.join("line.ledger")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "pages") {
                text += &String::from_utf8_lossy(&fs::read(path).unwrap());
            }
        }
        text
    }

    /// Entries of one kind.
    pub async fn entries(&self, kind: &str) -> Vec<String> {
        let text = self.ledger_text().await;
        let wanted = format!("\"kind\":\"{kind}\"");
        text.lines()
            .filter(|line| line.contains(&wanted))
            .map(str::to_owned)
            .collect()
    }

    /// `state because person` of the access entries after everybody was added.
    pub async fn access(&self) -> Vec<String> {
        let entries = self.entries("access").await;
        entries
            .iter()
            .map(|entry| {
                let line = Line::read(entry.as_bytes()).unwrap();
                let person = line.data_text("person").unwrap_or_default();
                format!(
                    "{} {} {person}",
                    line.text("state").unwrap(),
                    line.text("because").unwrap()
                )
            })
            .filter(|words| !words.contains("user-added"))
            .collect()
    }

    /// The same screens as others see them.
    pub async fn encrypted(&self) -> (SocketAddr, Vec<u8>) {
        let (pem, key) = (self.dir.join("web.pem"), self.dir.join("web.key"));
        let names = ["line-3".to_owned()];
        let made = listen::certificate_for((&pem, &key), Some(&names), self.clock.now()).unwrap();
        let (listener, at) = listen::encrypted("127.0.0.1:0", &made).await.unwrap();
        let gate = gate(self.running(), &self.clock, false, Some(made.fingerprint()));
        let (board, stations) = (self.running().board.clone(), self.running().stations.clone());
        tokio::spawn(async move { drop(web::serve_with(listener, board, stations, gate).await) });
        (at, fs::read(pem).unwrap())
    }

    /// What is answered to somebody who speaks no TLS.
    pub async fn plain(&self, at: SocketAddr) -> Option<String> {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: line-3\r\n\r\n")
            .await
            .unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.starts_with("HTTP/").then_some(text)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
        if !self.dir.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn gate(running: &Running, clock: &Arc<MovedClock>, open: bool, fingerprint: Option<String>) -> Gate {
    Gate {
        core: running.control.clone(),
        access: running.access.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        lasting: Lasting {
            lock_after: Duration::from_secs(24 * 3600),
            at_most: Duration::from_secs(48 * 3600),
        },
        open,
        fingerprint,
    }
}

/// A browser as far as it matters here: cookies and the secret of its forms.
#[derive(Clone)]
pub struct Browser {
    at: SocketAddr,
    pub cookies: BTreeMap<String, String>,
    pub form: String,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.raw("GET", path, &[], "").await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                format!(
                    "{name}={}",
                    value.replace('%', "%25").replace(' ', "+").replace('&', "%26")
                )
            })
            .collect();
        body.push(format!("form={}", self.form));
        self.raw("POST", path, &["Sec-Fetch-Site: same-origin"], &body.join("&"))
            .await
    }

    pub async fn sign_in(&mut self, name: &str, secret: &str) -> Answer {
        let answer = self
            .post("/sign-in", &[("name", name), ("secret", secret), ("to", "/")])
            .await;
        self.form = self.form_of().await;
        answer
    }

    /// Opens a page, and has what its forms carry.
    pub async fn read_form(&mut self) {
        self.form = self.form_of().await;
    }

    /// What the pages of this session carry in their forms.
    async fn form_of(&mut self) -> String {
        for path in ["/", "/password"] {
            let page = self.get(path).await.body;
            if let Some((_, rest)) = page.split_once("name=\"form\" value=\"") {
                return rest.split('"').next().unwrap().to_owned();
            }
        }
        String::new()
    }

    pub async fn raw(&mut self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\nContent-Length: {}\r\nCookie: {}\r\n",
            body.len(),
            cookies.join("; ")
        );
        headers
            .iter()
            .for_each(|header| request += &format!("{header}\r\n"));
        request += &format!("\r\n{body}");
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        // who is refused for the length of a body is told so before all of it was sent
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let patience = if path.contains("live") { 300 } else { 10_000 };
        let _ = tokio::time::timeout(Duration::from_millis(patience), stream.read_to_end(&mut bytes)).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        for line in head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, rest) = line.split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// One request over TLS, trusting this certificate and no other.
    pub async fn over_tls(at: SocketAddr, pem: &[u8], request: &str) -> String {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let stream = TcpStream::connect(at).await.unwrap();
        let name = ServerName::try_from("line-3").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

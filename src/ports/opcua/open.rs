//! Opening a channel: which endpoints a server offers, which of them is exactly the one that is configured, whether
//! its certificate counts, and only then the secured channel. There is no falling back to anything weaker.

use super::{
    pki::{Judging, Pki, facts},
    problem, values,
    wire::{self, Transport, Wire},
};
use crate::flow::needs::{
    Clock,
    server::{Certificate, Greeting, Policy, Problem, ProblemKind, Security, ServerAddress, Trusted},
};
use opcua::core::ResponseMessage;
use opcua::{
    client::{
        AsyncSecureChannel, SessionRetryPolicy,
        transport::{SecureChannelEventLoop, TransportConfiguration, TransportPollResult},
    },
    crypto::{CertificateStore, SecurityPolicy},
    sync::RwLock,
    types::{
        ApplicationType, ByteString, ContextOwned, DecodingOptions, DepthGauge, EndpointDescription,
        GetEndpointsRequest, MessageSecurityMode, NamespaceMap, RequestHeader, UserTokenType,
    },
};
use record::Stamp;
use std::{sync::Arc, time::Duration};

/// A channel lives so long before its keys are made anew.
const KEYS_LIVE_MS: u32 = 3_600_000;
/// An answer to a call that opens something.
pub(super) const WITHIN: Duration = Duration::from_secs(10);

pub(super) type Loop = SecureChannelEventLoop<Transport>;

/// A channel that is open, and what was learned on the way.
pub(super) struct Opened {
    pub(super) channel: Arc<AsyncSecureChannel>,
    pub(super) poll: Loop,
    pub(super) endpoint: EndpointDescription,
    pub(super) greeting: Greeting,
}

/// One endpoint of a server, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub url: String,
    /// What is spoken here, or why not.
    pub security: Result<Security, String>,
    /// As the configuration would have it, or the policy's own name.
    pub words: String,
    pub anonymous: bool,
    pub user: bool,
    pub certificate: bool,
    pub shows: Option<Certificate>,
    pub application: String,
    pub product: String,
    pub name: String,
}

/// What a server offers, asked without security, as everybody may.
pub async fn offered(url: &str) -> Result<Vec<Offered>, Problem> {
    let endpoints = endpoints(url).await?;
    Ok(endpoints.iter().map(in_words).collect())
}

fn in_words(endpoint: &EndpointDescription) -> Offered {
    let named = endpoint.security_policy_uri.as_ref();
    let short = named.rsplit('#').next().unwrap_or_default().to_owned();
    let security = spoken(endpoint);
    let words = match (&security, endpoint.security_mode) {
        (Ok(security), _) => security.words(),
        (Err(_), MessageSecurityMode::SignAndEncrypt) => format!("{short}, sign and encrypt"),
        (Err(_), MessageSecurityMode::Sign) => format!("{short}, sign"),
        (Err(_), _) => short,
    };
    let takes = |kind: UserTokenType| {
        let policies = endpoint.user_identity_tokens.as_deref().unwrap_or_default();
        policies.iter().any(|policy| policy.token_type == kind)
    };
    let sent = endpoint.server_certificate.as_ref();
    Offered {
        url: endpoint.endpoint_url.as_ref().to_owned(),
        words,
        security,
        anonymous: takes(UserTokenType::Anonymous) || endpoint.user_identity_tokens.is_none(),
        user: takes(UserTokenType::UserName),
        certificate: takes(UserTokenType::Certificate),
        shows: super::der::chain(sent).first().and_then(|der| facts(der)),
        application: endpoint.server.application_uri.as_ref().to_owned(),
        product: endpoint.server.product_uri.as_ref().to_owned(),
        name: endpoint.server.application_name.text.as_ref().to_owned(),
    }
}

/// Whether this is spoken here, and else the reason.
fn spoken(endpoint: &EndpointDescription) -> Result<Security, String> {
    let uri = endpoint.security_policy_uri.as_ref();
    let short = uri.rsplit('#').next().unwrap_or_default();
    let encrypted = match endpoint.security_mode {
        MessageSecurityMode::SignAndEncrypt => true,
        MessageSecurityMode::Sign => false,
        MessageSecurityMode::None if short == "None" => return Ok(Security::NONE),
        _ => return Err("it contradicts itself: a policy without its mode".into()),
    };
    match Policy::read(short) {
        Some(Policy::None) => Err("it contradicts itself: a mode without its policy".into()),
        Some(policy) => Ok(Security { policy, encrypted }),
        None if short == "Basic128Rsa15" || short == "Basic256" => {
            Err("deprecated: it rests on SHA-1, which can be forged".into())
        }
        None if short.contains("ECC") => Err("elliptic curves are not spoken here yet".into()),
        None => Err("not known here".into()),
    }
}

/// Opens the channel that is configured.
pub(super) async fn open(address: &ServerAddress, clock: &dyn Clock) -> Result<Opened, Problem> {
    let pki = Pki::at(&address.pki);
    let secured = address.security.policy != Policy::None;
    let own = if secured {
        let (pki, application) = (pki.clone(), address.application.clone());
        // making a key takes seconds, once
        let made = tokio::task::spawn_blocking(move || pki.own(&application)).await;
        Some(made.map_err(|error| Problem::new(ProblemKind::Here, error.to_string()))??)
    } else {
        None
    };
    let all = endpoints(&address.url).await?;
    let Some(found) = all
        .iter()
        .find(|endpoint| spoken(endpoint) == Ok(address.security))
    else {
        let mut words: Vec<String> = all.iter().map(|endpoint| in_words(endpoint).words).collect();
        words.dedup();
        return Err(Problem::new(
            ProblemKind::NotOffered,
            format!(
                "it offers {}, and not {}",
                words.join("; "),
                address.security.words()
            ),
        ));
    };
    let mut endpoint = found.clone();
    endpoint.endpoint_url = wire::reached_by(&address.url, endpoint.endpoint_url.as_ref()).into();
    let application = endpoint.server.application_uri.as_ref().to_owned();
    let mut greeting = Greeting {
        product_uri: endpoint.server.product_uri.as_ref().to_owned(),
        name: endpoint.server.application_name.text.as_ref().to_owned(),
        application_uri: application.clone(),
        ..Greeting::default()
    };
    if secured {
        let (host, _) = wire::host_and_port(&address.url)
            .ok_or_else(|| Problem::new(ProblemKind::Here, format!("{} names no host", address.url)))?;
        let wish = Judging {
            policy: address.security.policy,
            application: &application,
            host: &host,
            over_goes_on: address.over_goes_on,
        };
        let (leaf, trusted) = pki.judge(endpoint.server_certificate.as_ref(), clock.now(), &wish)?;
        greeting.certificate = facts(&leaf);
        greeting.trusted = trusted;
        greeting.own = own.as_ref().and_then(|(x509, _)| facts(&x509.to_der().ok()?));
        endpoint.server_certificate = ByteString::from(leaf);
    } else {
        greeting.trusted = Trusted::Unsecured;
    }
    let store = pki.for_library();
    let channel = Arc::new(channel(store, endpoint.clone()));
    let poll = connect(&channel, &wire::wire(endpoint.endpoint_url.as_ref())).await?;
    Ok(Opened {
        channel,
        poll,
        endpoint,
        greeting,
    })
}

async fn connect(channel: &AsyncSecureChannel, wire: &Wire) -> Result<Loop, Problem> {
    match tokio::time::timeout(WITHIN, channel.connect_no_retry(wire)).await {
        Ok(opened) => opened.map_err(|error| problem::of(&error)),
        Err(_) => Err(Problem::new(
            ProblemKind::Silent,
            format!("no channel within {} s", WITHIN.as_secs()),
        )),
    }
}

async fn endpoints(url: &str) -> Result<Vec<EndpointDescription>, Problem> {
    let mut endpoint = EndpointDescription::from(url);
    endpoint.security_policy_uri = SecurityPolicy::None.to_uri().into();
    endpoint.security_mode = MessageSecurityMode::None;
    let channel = channel(
        CertificateStore::new(std::path::Path::new("/nonexistent")),
        endpoint,
    );
    let mut poll = connect(&channel, &wire::wire(url)).await?;
    let request = GetEndpointsRequest {
        request_header: header(&channel, WITHIN),
        endpoint_url: url.into(),
        locale_ids: None,
        profile_uris: None,
    };
    let asked = channel.send(request, WITHIN);
    tokio::pin!(asked);
    let answer = loop {
        tokio::select! {
            answer = &mut asked => break answer.map_err(|error| problem::of(&error))?,
            turned = poll.poll() => if let TransportPollResult::Closed(status) = turned {
                return Err(problem::refused(status));
            },
        }
    };
    channel.close_channel().await;
    // holds because a server that does not take the goodbye is left alone
    let _ = tokio::time::timeout(Duration::from_millis(500), async {
        while !matches!(poll.poll().await, TransportPollResult::Closed(_)) {}
    })
    .await;
    let ResponseMessage::GetEndpoints(answer) = answer else {
        return Err(Problem::new(
            ProblemKind::Garbled,
            "another answer than the one asked for",
        ));
    };
    problem::said(&answer.response_header)?;
    let endpoints = answer.endpoints.unwrap_or_default();
    Ok(endpoints
        .into_iter()
        .filter(|endpoint| endpoint.server.application_type != ApplicationType::DiscoveryServer)
        .filter(|endpoint| endpoint.endpoint_url.as_ref().starts_with("opc.tcp://"))
        .collect())
}

fn channel(store: CertificateStore, endpoint: EndpointDescription) -> AsyncSecureChannel {
    let mut context = ContextOwned::new_default(NamespaceMap::new(), limits());
    context.loaders_mut().add(Arc::new(values::Bounded));
    AsyncSecureChannel::new(
        Arc::new(RwLock::new(store)),
        // the library's own way of logging in is not used; see `identity`
        endpoint.into(),
        SessionRetryPolicy::never(),
        false,
        Arc::default(),
        TransportConfiguration {
            send_buffer_size: wire::FRAME,
            recv_buffer_size: wire::FRAME,
            max_message_size: wire::MESSAGE,
            max_chunk_count: wire::FRAMES,
        },
        KEYS_LIVE_MS,
        Arc::new(RwLock::new(context)),
    )
}

/// What is taken from a server at most.
pub(super) fn limits() -> DecodingOptions {
    DecodingOptions {
        max_message_size: wire::MESSAGE,
        max_chunk_count: wire::FRAMES,
        max_string_length: wire::TEXT,
        max_byte_string_length: wire::TEXT,
        max_array_length: wire::LIST,
        decoding_depth_gauge: DepthGauge::new(wire::DEEP),
        ..DecodingOptions::default()
    }
}

/// The beginning of every request; the token is the session's, and is put in by whoever has one.
pub(super) fn header(channel: &AsyncSecureChannel, within: Duration) -> RequestHeader {
    RequestHeader {
        timestamp: opcua::types::DateTime::now(),
        request_handle: channel.request_handle(),
        timeout_hint: u32::try_from(within.as_millis()).unwrap_or(u32::MAX),
        ..RequestHeader::default()
    }
}

/// A moment of a server's clock.
pub(super) fn stamp(time: &opcua::types::DateTime) -> Option<Stamp> {
    (!time.is_null()).then(|| Stamp(time.as_chrono().timestamp_millis()))
}

//! The client library behind five words: open, next, publish, acknowledge, goodbye. MQTT 5 and 3.1.1
//! differ only in here.

use super::{ACCEPT_WITHIN, KEEP_ALIVE, RECEIVE_WINDOW, WINDOW, address::BrokerAddress, tls, words};
use crate::{
    flow::needs::{Files, Login, Message},
    ports::files::SystemFiles,
};
use record::Trouble;
use rumqttc::{self as three, NetworkOptions, Transport, v5 as five};

/// Room for everything both windows can ask of the event loop at once, acknowledgements included.
const REQUESTS: usize = 70_000;
/// Packet ids in use: far more than the window, so that an id comes round only long after it was freed
/// (the client library wedges when it meets one that is still in use).
const PACKET_IDS: u16 = 1024;
const _: () = assert!(WINDOW * 4 < PACKET_IDS as usize);

/// One step of the event loop, in our words.
pub(super) enum Heard {
    /// The broker accepted the connection.
    Accepted,
    /// All subscriptions stand, or which one does not and why.
    Subscribed(Option<(usize, String)>),
    /// The next publish went out under this packet id.
    Sent(u16),
    /// The broker acknowledged a packet id, and says whether anybody is subscribed; or refused it.
    Taken(u16, Result<bool, String>),
    /// Somebody published.
    Arrived(Arrival),
    /// A question went out because nothing else did.
    Asked,
    /// Our goodbye went out.
    Closed,
    /// Nothing that matters here.
    Other,
}

/// A message from the broker, not yet acknowledged.
pub(super) enum Arrival {
    Five(five::mqttbytes::v5::Publish),
    Three(three::Publish),
}

impl Arrival {
    pub(super) fn payload_len(&self) -> usize {
        match self {
            Self::Five(publish) => publish.payload.len(),
            Self::Three(publish) => publish.payload.len(),
        }
    }

    pub(super) fn into_parts(self) -> (String, Vec<u8>, bool) {
        match self {
            Self::Five(publish) => (
                String::from_utf8_lossy(&publish.topic).into_owned(),
                publish.payload.into(),
                publish.retain,
            ),
            Self::Three(publish) => (publish.topic, publish.payload.into(), publish.retain),
        }
    }
}

/// What went wrong on the line, still in the library's types.
pub(super) enum Problem {
    Five(five::ConnectionError),
    Three(three::ConnectionError),
}

/// The event loop.
pub(super) enum Line {
    Five(Box<five::EventLoop>),
    Three(Box<three::EventLoop>),
}

impl Line {
    /// One step. Never dropped half way except when the session ends: a step may be in the middle of a write.
    pub(super) async fn next(&mut self) -> Result<Heard, Problem> {
        match self {
            Self::Five(line) => line.poll().await.map(heard_five).map_err(Problem::Five),
            Self::Three(line) => line.poll().await.map(heard_three).map_err(Problem::Three),
        }
    }
}

/// The way into the event loop.
pub(super) enum Wire {
    Five(five::AsyncClient),
    Three(three::AsyncClient),
}

/// Makes a fresh client and event loop; nothing is sent yet.
pub(super) fn open(login: &Login) -> Result<(Line, Wire), Trouble> {
    let address = BrokerAddress::read(&login.url)?;
    let transport = if address.tls {
        tls::transport(login)?
    } else {
        Transport::tcp()
    };
    let credentials = credentials(login)?;
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(ACCEPT_WITHIN.as_secs());
    Ok(if login.version_3 {
        let mut options = three::MqttOptions::new(&login.client, address.host, address.port);
        options.set_transport(transport);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_session(true)
            .set_manual_acks(true);
        options.set_max_packet_size(login.largest, login.largest);
        options.set_inflight(PACKET_IDS);
        if let Some((user, password)) = credentials {
            options.set_credentials(user, password);
        }
        if let Some((topic, payload)) = &login.will {
            options.set_last_will(three::LastWill::new(
                topic,
                payload.clone(),
                three::QoS::AtLeastOnce,
                true,
            ));
        }
        let (client, mut line) = three::AsyncClient::new(options, REQUESTS);
        line.set_network_options(network);
        (Line::Three(Box::new(line)), Wire::Three(client))
    } else {
        let mut options = five::MqttOptions::new(&login.client, address.host, address.port);
        options.set_transport(transport);
        options
            .set_network_options(network)
            .set_connection_timeout(ACCEPT_WITHIN.as_secs());
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_start(true)
            .set_manual_acks(true);
        options.set_max_packet_size(Some(u32::try_from(login.largest).unwrap_or(u32::MAX)));
        options
            .set_session_expiry_interval(Some(0))
            .set_receive_maximum(Some(RECEIVE_WINDOW));
        options.set_outgoing_inflight_upper_limit(PACKET_IDS);
        if let Some((user, password)) = credentials {
            options.set_credentials(user, password);
        }
        if let Some((topic, payload)) = &login.will {
            let qos = five::mqttbytes::QoS::AtLeastOnce;
            options.set_last_will(five::mqttbytes::v5::LastWill::new(
                topic,
                payload.clone(),
                qos,
                true,
                None,
            ));
        }
        let (client, line) = five::AsyncClient::new(options, REQUESTS);
        (Line::Five(Box::new(line)), Wire::Five(client))
    })
}

fn credentials(login: &Login) -> Result<Option<(String, String)>, Trouble> {
    let Some(user) = &login.user else { return Ok(None) };
    let password = match &login.password_file {
        None => String::new(),
        Some(path) => {
            let bytes = SystemFiles.read_secret(path)?;
            String::from_utf8(bytes)
                .map_err(|_| words::password(path))?
                .trim_end_matches(['\r', '\n'])
                .to_owned()
        }
    };
    Ok(Some((user.clone(), password)))
}

impl Wire {
    /// Asks for all subscriptions in one packet; false when a filter is malformed.
    pub(super) fn subscribe(&self, filters: &[String]) -> bool {
        match self {
            Self::Five(client) => {
                use five::mqttbytes::{QoS, v5::Filter};
                client
                    .try_subscribe_many(filters.iter().map(|filter| Filter::new(filter, QoS::AtLeastOnce)))
                    .is_ok()
            }
            Self::Three(client) => {
                use three::{QoS, SubscribeFilter};
                let filters = filters
                    .iter()
                    .map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
                client.try_subscribe_many(filters).is_ok()
            }
        }
    }

    /// Hands a message to the event loop, or gives it back.
    pub(super) fn publish(&self, message: Message) -> Result<(), Message> {
        let Message {
            topic,
            payload,
            retain,
            content_type,
            properties,
            token,
        } = message;
        let back = |payload: Option<Vec<u8>>, properties| Message {
            topic: topic.clone(),
            payload: payload.unwrap_or_default(),
            retain,
            content_type,
            properties,
            token,
        };
        match self {
            Self::Five(client) => {
                let attached = five::mqttbytes::v5::PublishProperties {
                    content_type: content_type.map(str::to_owned),
                    user_properties: properties
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), value.clone()))
                        .collect(),
                    ..Default::default()
                };
                let qos = five::mqttbytes::QoS::AtLeastOnce;
                client
                    .try_publish_with_properties(topic.clone(), qos, retain, payload, attached)
                    .map_err(|refused| {
                        let (five::ClientError::Request(request) | five::ClientError::TryRequest(request)) =
                            refused;
                        let payload = if let five::Request::Publish(publish) = request {
                            Some(publish.payload.into())
                        } else {
                            None
                        };
                        back(payload, properties)
                    })
            }
            Self::Three(client) => client
                .try_publish(topic.clone(), three::QoS::AtLeastOnce, retain, payload)
                .map_err(|refused| {
                    let (three::ClientError::Request(request) | three::ClientError::TryRequest(request)) =
                        refused;
                    let payload = if let three::Request::Publish(publish) = request {
                        Some(publish.payload.into())
                    } else {
                        None
                    };
                    back(payload, properties)
                }),
        }
    }

    /// Tells the broker that the consumer has a message.
    pub(super) fn acknowledge(&self, arrival: &Arrival) {
        // fails only when the event loop has ended; then the broker hears nothing anyway
        let _ = match (self, arrival) {
            (Self::Five(client), Arrival::Five(publish)) => client.try_ack(publish).is_ok(),
            (Self::Three(client), Arrival::Three(publish)) => client.try_ack(publish).is_ok(),
            _ => false,
        };
    }

    /// Asks for an orderly end; false when there is nobody left to ask.
    pub(super) fn goodbye(&self) -> bool {
        match self {
            Self::Five(client) => client.try_disconnect().is_ok(),
            Self::Three(client) => client.try_disconnect().is_ok(),
        }
    }
}

fn heard_five(event: five::Event) -> Heard {
    use five::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
    match event {
        five::Event::Incoming(Packet::ConnAck(_)) => Heard::Accepted,
        five::Event::Incoming(Packet::SubAck(ack)) => Heard::Subscribed(
            ack.return_codes
                .iter()
                .position(|code| !matches!(code, SubscribeReasonCode::Success(_)))
                .map(|index| (index, words::spaced(&format!("{:?}", ack.return_codes[index])))),
        ),
        five::Event::Incoming(Packet::PubAck(ack)) => Heard::Taken(
            ack.pkid,
            match ack.reason {
                PubAckReason::Success => Ok(true),
                PubAckReason::NoMatchingSubscribers => Ok(false),
                other => Err(words::spaced(&format!("{other:?}"))),
            },
        ),
        five::Event::Incoming(Packet::Publish(publish)) => Heard::Arrived(Arrival::Five(publish)),
        five::Event::Outgoing(outgoing) => heard_outgoing(&outgoing),
        five::Event::Incoming(_) => Heard::Other,
    }
}

fn heard_three(event: three::Event) -> Heard {
    use three::{Packet, SubscribeReasonCode};
    match event {
        three::Event::Incoming(Packet::ConnAck(_)) => Heard::Accepted,
        three::Event::Incoming(Packet::SubAck(ack)) => Heard::Subscribed(
            ack.return_codes
                .iter()
                .position(|code| matches!(code, SubscribeReasonCode::Failure))
                .map(|index| (index, "it says no more than that".to_owned())),
        ),
        three::Event::Incoming(Packet::PubAck(ack)) => Heard::Taken(ack.pkid, Ok(true)),
        three::Event::Incoming(Packet::Publish(publish)) => Heard::Arrived(Arrival::Three(publish)),
        three::Event::Outgoing(outgoing) => heard_outgoing(&outgoing),
        three::Event::Incoming(_) => Heard::Other,
    }
}

fn heard_outgoing(outgoing: &three::Outgoing) -> Heard {
    match outgoing {
        three::Outgoing::Publish(packet) => Heard::Sent(*packet),
        three::Outgoing::PingReq => Heard::Asked,
        three::Outgoing::Disconnect => Heard::Closed,
        _ => Heard::Other,
    }
}

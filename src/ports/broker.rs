//! A broker in this process, for `steelyard demo` and the fast tests. Loopback only, nobody logs in,
//! everything in memory: it must never carry a plant's record.

use mqtt5::{
    broker::{
        BrokerConfig, MqttBroker,
        config::{StorageBackend, StorageConfig},
    },
    error::MqttError,
};
use record::Trouble;
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

/// The longest message of master data, which is longer than the biggest page, with its topic and properties.
const LARGEST_PACKET: usize = 9 << 20;

/// A running broker; it ends when this is dropped.
pub struct Embedded {
    task: JoinHandle<()>,
    address: SocketAddr,
}

impl Embedded {
    /// Starts on this port of the loopback interface, 0 for any free one, and says where it is.
    pub async fn start(port: u16) -> Result<(String, Self), Trouble> {
        let wrong = |problem: &dyn std::fmt::Display| {
            Trouble::new(
                "no-broker",
                format!("the demo's broker does not start: {problem}"),
            )
            .at(format!("127.0.0.1:{port}"))
            .means("nothing is published; nothing is recorded yet")
            .so("is the port taken? choose another one")
        };
        let config = BrokerConfig {
            max_packet_size: LARGEST_PACKET,
            topic_alias_maximum: 0,
            server_receive_maximum: Some(256),
            sys_topics_enabled: false,
            storage_config: StorageConfig {
                backend: StorageBackend::Memory,
                enable_persistence: false,
                max_queued_messages_per_client: 4096,
                ..StorageConfig::default()
            },
            ..BrokerConfig::default().with_bind_address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        let mut broker = MqttBroker::with_config(config)
            .await
            .map_err(|problem: MqttError| wrong(&problem))?;
        let address = broker.local_addr().ok_or_else(|| wrong(&"it has no address"))?;
        let mut ready = broker.ready_receiver();
        let task = tokio::spawn(async move {
            if let Err(problem) = broker.run().await {
                tracing::warn!(%problem, record = "nothing is lost: what has no receipt is sent again", "the demo's broker ended");
            }
        });
        let up = timeout(Duration::from_secs(10), ready.wait_for(|ready| *ready)).await;
        if !matches!(up, Ok(Ok(_))) {
            task.abort();
            return Err(wrong(&"it is not ready after 10 s"));
        }
        Ok((format!("mqtt://{address}"), Self { task, address }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it and waits until its port is free again.
    pub async fn stop(mut self) {
        self.task.abort();
        // its end is all that is asked for
        let _ = (&mut self.task).await;
        sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

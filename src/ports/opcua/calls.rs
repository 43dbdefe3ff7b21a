//! The services, one request and one answer each. Nothing here writes, and nothing here is ever taken back once sent.

use super::{
    open::{header, stamp},
    problem,
    values::{self, NO_DATA, node_id},
};
use crate::flow::needs::server::{
    Below, Call, Deadband, Filter, Item, Node, Problem, ProblemKind, Published, Reply, Target, Watched, Wish,
};
use driver::nodes::NodeValue;
use opcua::{
    client::AsyncSecureChannel,
    core::{RequestMessage, ResponseMessage},
    types::{
        BrowseDescription, BrowseDirection, BrowseNextRequest, BrowsePath, BrowseRequest, BrowseResult,
        ByteString, CreateMonitoredItemsRequest, CreateSubscriptionRequest, DataChangeFilter,
        DataChangeNotification, DataChangeTrigger, DateTime, ExtensionObject, MonitoredItemCreateRequest,
        MonitoringMode, MonitoringParameters, NodeClassMask, NodeId, NotificationMessage, NumericRange,
        PublishRequest, QualifiedName, ReadRequest, ReadValueId, ReferenceTypeId, RelativePath,
        RelativePathElement, RepublishRequest, RequestHeader, StatusChangeNotification,
        SubscriptionAcknowledgement, TimestampsToReturn, TransferSubscriptionsRequest,
        TranslateBrowsePathsToNodeIdsRequest, ViewDescription,
    },
};
use std::{str::FromStr, time::Duration};

/// A session on an open channel.
pub(super) struct Asker<'a> {
    pub(super) channel: &'a AsyncSecureChannel,
    pub(super) token: NodeId,
    pub(super) uris: &'a [String],
}

const WITHIN: Duration = Duration::from_secs(10);
/// `Server_NamespaceArray`
const NAMESPACES: u32 = 2255;
/// Portions of one node's references that are fetched.
const PORTIONS: usize = 20;

impl Asker<'_> {
    pub(super) async fn ask(&self, call: Call) -> Result<Reply, Problem> {
        match call {
            Call::Namespaces => self.namespaces().await,
            Call::Read(targets) => self.read(&targets).await.map(Reply::Values),
            Call::Find(paths) => self.find(paths).await,
            Call::Subscribe(wish) => self.subscribe(wish).await,
            Call::Watch { subscription, items } => self.watch(subscription, items).await,
            Call::Transfer { subscriptions } => self.transfer(subscriptions).await,
            Call::Publish { seen, within_ms } => self.publish(seen, within_ms).await,
            Call::Republish { subscription, number } => self.republish(subscription, number).await,
            Call::Browse(node) => self.browse(&node).await,
            Call::Open | Call::TakeUp | Call::Begin { .. } => Err(Problem::new(
                ProblemKind::Here,
                "this is no call within a session",
            )),
        }
    }

    fn header(&self, within: Duration) -> RequestHeader {
        RequestHeader {
            authentication_token: self.token.clone(),
            ..header(self.channel, within)
        }
    }

    async fn send(
        &self,
        request: impl Into<RequestMessage>,
        within: Duration,
    ) -> Result<ResponseMessage, Problem> {
        match self.channel.send(request, within).await {
            Ok(ResponseMessage::ServiceFault(fault)) => {
                Err(problem::refused(fault.response_header.service_result))
            }
            Ok(answer) => Ok(answer),
            Err(error) => Err(problem::of(&error)),
        }
    }

    async fn namespaces(&self) -> Result<Reply, Problem> {
        let target = Target::value(Node::standard(NAMESPACES), None);
        let values = self.read(std::slice::from_ref(&target)).await?;
        let uris = values.into_iter().next().and_then(|value| match value.data {
            driver::nodes::NodeData::Array(items) => Some(items),
            _ => None,
        });
        let uris = uris.ok_or_else(|| Problem::new(ProblemKind::Garbled, "it has no list of namespaces"))?;
        let text = |item| match item {
            driver::nodes::NodeData::Scalar(driver::nodes::Scalar::String(uri)) => uri,
            _ => String::new(),
        };
        Ok(Reply::Namespaces(uris.into_iter().map(text).collect()))
    }

    async fn read(&self, targets: &[Target]) -> Result<Vec<NodeValue>, Problem> {
        let nodes = targets.iter().map(target).collect::<Result<Vec<_>, _>>()?;
        let request = ReadRequest {
            request_header: self.header(WITHIN),
            max_age: 0.0,
            timestamps_to_return: TimestampsToReturn::Both,
            nodes_to_read: Some(nodes),
        };
        let ResponseMessage::Read(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        let mut values: Vec<NodeValue> = answer
            .results
            .unwrap_or_default()
            .into_iter()
            .take(targets.len())
            .map(|value| values::value(value, self.uris))
            .collect();
        values.resize(targets.len(), NodeValue::without(NO_DATA));
        Ok(values)
    }

    async fn find(&self, paths: Vec<(Node, Vec<(u16, String)>)>) -> Result<Reply, Problem> {
        let count = paths.len();
        let step = |(namespace, name): (u16, String)| RelativePathElement {
            reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
            is_inverse: false,
            include_subtypes: true,
            target_name: QualifiedName::new(namespace, name.as_str()),
        };
        let path = |(start, names): (Node, Vec<(u16, String)>)| BrowsePath {
            starting_node: node_id(&start),
            relative_path: RelativePath {
                elements: Some(names.into_iter().map(step).collect()),
            },
        };
        let request = TranslateBrowsePathsToNodeIdsRequest {
            request_header: self.header(WITHIN),
            browse_paths: Some(paths.into_iter().map(path).collect()),
        };
        let ResponseMessage::TranslateBrowsePathsToNodeIds(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        let mut found: Vec<Result<Node, u32>> = answer
            .results
            .unwrap_or_default()
            .into_iter()
            .take(count)
            .map(|result| {
                if result.status_code.is_bad() {
                    return Err(result.status_code.bits());
                }
                let targets = result.targets.unwrap_or_default();
                let whole = targets
                    .into_iter()
                    .find(|target| target.remaining_path_index == u32::MAX);
                whole
                    .map(|target| values::node(&target.target_id.node_id))
                    .ok_or(NO_DATA)
            })
            .collect();
        found.resize(count, Err(NO_DATA));
        Ok(Reply::Found(found))
    }

    async fn subscribe(&self, wish: Wish) -> Result<Reply, Problem> {
        let request = CreateSubscriptionRequest {
            request_header: self.header(WITHIN),
            requested_publishing_interval: f64::from(wish.interval_ms),
            requested_lifetime_count: wish.lifetime,
            requested_max_keep_alive_count: wish.keep_alive,
            max_notifications_per_publish: wish.most,
            publishing_enabled: true,
            priority: 0,
        };
        let ResponseMessage::CreateSubscription(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        Ok(Reply::Subscribed {
            id: answer.subscription_id,
            interval_ms: answer.revised_publishing_interval,
            keep_alive: answer.revised_max_keep_alive_count,
            lifetime: answer.revised_lifetime_count,
        })
    }

    async fn watch(&self, subscription: u32, items: Vec<Item>) -> Result<Reply, Problem> {
        let count = items.len();
        let request = |item: Item| -> Result<_, Problem> {
            Ok(MonitoredItemCreateRequest {
                item_to_monitor: target(&item.target)?,
                monitoring_mode: MonitoringMode::Reporting,
                requested_parameters: MonitoringParameters {
                    client_handle: item.handle,
                    sampling_interval: item.sampling_ms,
                    filter: filter(item.filter),
                    queue_size: item.queue,
                    discard_oldest: true,
                },
            })
        };
        let items = items.into_iter().map(request).collect::<Result<Vec<_>, _>>()?;
        let request = CreateMonitoredItemsRequest {
            request_header: self.header(WITHIN),
            subscription_id: subscription,
            timestamps_to_return: TimestampsToReturn::Both,
            items_to_create: Some(items),
        };
        let ResponseMessage::CreateMonitoredItems(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        let mut watched: Vec<Result<Watched, u32>> = answer
            .results
            .unwrap_or_default()
            .into_iter()
            .take(count)
            .map(|result| {
                if result.status_code.is_bad() {
                    Err(result.status_code.bits())
                } else {
                    Ok(Watched {
                        sampling_ms: result.revised_sampling_interval,
                        queue: result.revised_queue_size,
                    })
                }
            })
            .collect();
        watched.resize(count, Err(NO_DATA));
        Ok(Reply::Watched(watched))
    }

    async fn transfer(&self, subscriptions: Vec<u32>) -> Result<Reply, Problem> {
        let count = subscriptions.len();
        let request = TransferSubscriptionsRequest {
            request_header: self.header(WITHIN),
            subscription_ids: Some(subscriptions),
            send_initial_values: true,
        };
        let ResponseMessage::TransferSubscriptions(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        let mut all: Vec<Result<Vec<u32>, u32>> = answer
            .results
            .unwrap_or_default()
            .into_iter()
            .take(count)
            .map(|result| {
                if result.status_code.is_bad() {
                    Err(result.status_code.bits())
                } else {
                    Ok(result.available_sequence_numbers.unwrap_or_default())
                }
            })
            .collect();
        all.resize(count, Err(NO_DATA));
        Ok(Reply::Transferred(all))
    }

    async fn publish(&self, seen: Vec<(u32, u32)>, within_ms: u32) -> Result<Reply, Problem> {
        let within = Duration::from_millis(u64::from(within_ms));
        let acknowledged = |(subscription_id, sequence_number)| SubscriptionAcknowledgement {
            subscription_id,
            sequence_number,
        };
        let seen: Vec<_> = seen.into_iter().map(acknowledged).collect();
        let request = PublishRequest {
            request_header: self.header(within),
            subscription_acknowledgements: (!seen.is_empty()).then_some(seen),
        };
        let ResponseMessage::Publish(answer) = self.send(request, within).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        let mut published = self.message(answer.subscription_id, answer.notification_message);
        published.sent = stamp(&answer.response_header.timestamp).or(published.sent);
        Ok(Reply::Published(published))
    }

    async fn republish(&self, subscription: u32, number: u32) -> Result<Reply, Problem> {
        let request = RepublishRequest {
            request_header: self.header(WITHIN),
            subscription_id: subscription,
            retransmit_sequence_number: number,
        };
        let ResponseMessage::Republish(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        Ok(Reply::Published(
            self.message(subscription, answer.notification_message),
        ))
    }

    fn message(&self, subscription: u32, message: NotificationMessage) -> Published {
        let mut published = Published {
            subscription,
            number: message.sequence_number,
            keep_alive: message.notification_data.as_ref().is_none_or(Vec::is_empty),
            sent: stamp(&message.publish_time),
            ..Published::default()
        };
        for object in message.notification_data.unwrap_or_default() {
            if let Some(status) = object.inner_as::<StatusChangeNotification>() {
                published.over = Some(status.status.bits());
            } else if let Some(changes) = object.into_inner_as::<DataChangeNotification>() {
                let items = changes.monitored_items.unwrap_or_default();
                let change = |item: opcua::types::MonitoredItemNotification| {
                    (item.client_handle, values::value(item.value, self.uris))
                };
                published.changes.extend(items.into_iter().map(change));
            }
        }
        published
    }

    async fn browse(&self, node: &Node) -> Result<Reply, Problem> {
        let request = BrowseRequest {
            request_header: self.header(WITHIN),
            view: ViewDescription {
                view_id: NodeId::null(),
                timestamp: DateTime::null(),
                view_version: 0,
            },
            requested_max_references_per_node: 1000,
            nodes_to_browse: Some(vec![BrowseDescription {
                node_id: node_id(node),
                browse_direction: BrowseDirection::Forward,
                reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
                include_subtypes: true,
                node_class_mask: (NodeClassMask::OBJECT | NodeClassMask::VARIABLE).bits(),
                result_mask: 0x3F,
            }]),
        };
        let ResponseMessage::Browse(answer) = self.send(request, WITHIN).await? else {
            return Err(another());
        };
        problem::said(&answer.response_header)?;
        let mut all = Vec::new();
        let mut more = take(answer.results, &mut all)?;
        for _ in 0..PORTIONS {
            if more.is_null_or_empty() {
                break;
            }
            let request = BrowseNextRequest {
                request_header: self.header(WITHIN),
                release_continuation_points: false,
                continuation_points: Some(vec![more]),
            };
            let ResponseMessage::BrowseNext(answer) = self.send(request, WITHIN).await? else {
                return Err(another());
            };
            problem::said(&answer.response_header)?;
            more = take(answer.results, &mut all)?;
        }
        Ok(Reply::Browsed(all))
    }
}

fn take(results: Option<Vec<BrowseResult>>, all: &mut Vec<Below>) -> Result<ByteString, Problem> {
    let Some(result) = results.unwrap_or_default().into_iter().next() else {
        return Err(another());
    };
    if result.status_code.is_bad() {
        return Err(problem::refused(result.status_code));
    }
    for reference in result.references.unwrap_or_default() {
        // a node of another server cannot be asked here
        if reference.node_id.server_index != 0 {
            continue;
        }
        let kind = &reference.type_definition.node_id;
        all.push(Below {
            node: values::node(&reference.node_id.node_id),
            name: (
                reference.browse_name.namespace_index,
                reference.browse_name.name.as_ref().to_owned(),
            ),
            shown: reference.display_name.text.as_ref().to_owned(),
            class: reference.node_class as u32,
            kind: (!kind.is_null()).then(|| values::node(kind)),
        });
    }
    Ok(result.continuation_point)
}

fn target(target: &Target) -> Result<ReadValueId, Problem> {
    let range = match target.range.as_deref() {
        None => NumericRange::None,
        Some(range) => NumericRange::from_str(range)
            .map_err(|_| Problem::new(ProblemKind::Here, format!("\"{range}\" is no range of elements")))?,
    };
    Ok(ReadValueId {
        node_id: node_id(&target.node),
        attribute_id: target.attribute,
        index_range: range,
        data_encoding: QualifiedName::null(),
    })
}

fn filter(filter: Filter) -> ExtensionObject {
    if filter == Filter::default() {
        return ExtensionObject::null();
    }
    let (deadband_type, deadband_value) = match filter.deadband {
        None => (0, 0.0),
        Some(Deadband::Absolute(size)) => (1, size),
        Some(Deadband::Percent(size)) => (2, size),
    };
    ExtensionObject::from_message(DataChangeFilter {
        trigger: if filter.each_time {
            DataChangeTrigger::StatusValueTimestamp
        } else {
            DataChangeTrigger::StatusValue
        },
        deadband_type,
        deadband_value,
    })
}

fn another() -> Problem {
    Problem::new(ProblemKind::Garbled, "another answer than the one asked for")
}

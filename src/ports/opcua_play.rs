//! An OPC UA server that plays nodes: for `simulate`, tests and training, never in the package. Security is on, with a
//! certificate of its own; whoever plays says what stands in the nodes.

use driver::nodes::{Address, Base, ItemId, NodeData, NodeName, NodeValue, Nodes, Scalar, Step, ticks};
use opcua::{
    crypto::SecurityPolicy,
    nodes::{ImportedItem, NodeSetImport, ObjectBuilder, VariableBuilder},
    server::{
        ANONYMOUS_USER_TOKEN_ID, ServerBuilder, ServerHandle, ServerUserToken,
        address_space::AddressSpace,
        node_manager::memory::{SimpleNodeManager, simple_node_manager_imports},
    },
    types::{
        Array, ByteString, ByteStringBody, DataTypeId, DataValue, DateTime, EUInformation, ExtensionObject,
        Identifier, LocalizedText, MessageSecurityMode, NodeId, NodeSetNamespaceMapper, ObjectId,
        QualifiedName, Range, StatusCode, Variant, VariantScalarTypeId,
    },
};
use record::Stamp;
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, atomic::Ordering},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A place where a played server waits.
pub type Listening = TcpListener;

/// Takes a port; 0 takes any that is free.
pub async fn listen(host: &str, port: u16) -> io::Result<Listening> {
    TcpListener::bind((host, port)).await
}

/// How a server is played.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Its certificate and key, made there when they are not.
    pub own: PathBuf,
    /// Who may read; without anyone, anybody may.
    pub user: Option<(String, String)>,
    /// An endpoint without any protection stands beside the others.
    pub unprotected: bool,
    /// So many sessions, and no more.
    pub sessions: usize,
    /// Namespaces of strangers before ours: the same nodes get other indexes.
    pub strangers: usize,
    /// As clients reach it.
    pub host: String,
    pub port: u16,
}

/// A server that is running. Dropping it ends it.
pub struct PlayedServer {
    handle: ServerHandle,
    space: Arc<SimpleNodeManager>,
    places: BTreeMap<ItemId, NodeId>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for PlayedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlayedServer")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Drop for PlayedServer {
    fn drop(&mut self) {
        self.handle.cancel();
        self.task.abort();
    }
}

/// What a played server calls the namespace of what has no other.
pub fn own_namespace(driver: &str) -> String {
    format!("urn:steelyard:simulate:{driver}")
}

/// All URIs to be served, each once.
fn uris(driver: &str, nodes: &Nodes, strangers: usize) -> Vec<String> {
    let mut uris: Vec<String> = (0..strangers)
        .map(|stranger| format!("urn:example:stranger:{stranger}"))
        .collect();
    uris.push(own_namespace(driver));
    // of several editions of one model a server has one
    uris.extend(
        nodes
            .namespaces
            .iter()
            .filter_map(|namespace| namespace.uris.first().cloned()),
    );
    uris
}

struct Uris(Vec<String>);

impl NodeSetImport for Uris {
    fn register_namespaces(&self, namespaces: &mut NodeSetNamespaceMapper) {
        for (at, uri) in self.0.iter().enumerate() {
            namespaces.add_namespace(uri, at as u16 + 1);
        }
    }

    fn get_own_namespaces(&self) -> Vec<String> {
        self.0.clone()
    }

    fn load<'a>(
        &'a self,
        _namespaces: &'a NodeSetNamespaceMapper,
    ) -> Box<dyn Iterator<Item = ImportedItem> + 'a> {
        Box::new(std::iter::empty())
    }
}

/// Begins to play on this listener.
pub fn start(
    driver: &str,
    nodes: &Nodes,
    listener: TcpListener,
    options: &ServerOptions,
) -> io::Result<PlayedServer> {
    let wrong = |why: String| io::Error::other(why);
    let token = "person".to_owned();
    let (who, users) = match &options.user {
        Some((user, password)) => {
            let token = ServerUserToken::user_pass(user.clone(), password.clone());
            (vec!["person".to_owned()], Some(token))
        }
        None => (vec![ANONYMOUS_USER_TOKEN_ID.to_owned()], None),
    };
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let mut builder = ServerBuilder::new()
        .application_name(format!("Steelyard plays {driver}"))
        .application_uri(format!("urn:steelyard:simulate:{driver}:server"))
        .product_uri("urn:steelyard:simulate")
        .create_sample_keypair(true)
        .certificate_path("own/cert.der")
        .private_key_path("private/private.pem")
        .pki_dir(options.own.clone())
        // whoever asks is somebody's test: the client is who must look at certificates here
        .trust_client_certs(true)
        .host(options.host.clone())
        .port(options.port)
        .max_sessions(options.sessions)
        .discovery_urls(vec!["/".to_owned()])
        .with_node_manager(simple_node_manager_imports(
            vec![Box::new(Uris(uris(driver, nodes, options.strangers)))],
            "played",
        ));
    if let Some(user) = users {
        builder = builder.add_user_token(token, user);
    }
    let secured = [
        ("basic256sha256", SecurityPolicy::Basic256Sha256),
        ("aes128", SecurityPolicy::Aes128Sha256RsaOaep),
        ("aes256", SecurityPolicy::Aes256Sha256RsaPss),
    ];
    for (name, policy) in secured {
        builder = builder.add_endpoint(
            name,
            ("/", policy, MessageSecurityMode::SignAndEncrypt, who.as_slice()),
        );
    }
    if options.unprotected {
        builder = builder.add_endpoint(
            "none",
            (
                "/",
                SecurityPolicy::None,
                MessageSecurityMode::None,
                who.as_slice(),
            ),
        );
    }
    let (server, handle) = builder.build().map_err(wrong)?;
    let space = handle.node_managers().get_of_type::<SimpleNodeManager>();
    let space = space.ok_or_else(|| io::Error::other("the server has no place for nodes"))?;
    let places = {
        let mut address_space = space.address_space().write();
        let index = |uri: &str| handle.get_namespace_index(uri).unwrap_or_default();
        Builder {
            driver,
            nodes,
            index: &index,
            space: &mut address_space,
        }
        .all()
    };
    let info = Arc::clone(handle.info());
    let port = options.port;
    let task = tokio::spawn(async move {
        if let Err(why) = server.run_with(listener).await {
            tracing::warn!(%why, "the played server ended");
        }
    });
    info.port.store(port, Ordering::Relaxed);
    Ok(PlayedServer {
        handle,
        space,
        places,
        task,
    })
}

impl PlayedServer {
    /// From now on these stand in their nodes; whoever watches is told.
    pub fn put(&self, values: &[(ItemId, NodeValue)], server_time: Stamp) -> io::Result<()> {
        let index = |uri: &str| self.handle.get_namespace_index(uri).unwrap_or_default();
        let values: Vec<(NodeId, DataValue)> = values
            .iter()
            .filter_map(|(item, value)| {
                Some((self.places.get(item)?.clone(), told(value, server_time, &index)))
            })
            .collect();
        let values = values.iter().map(|(node, value)| (node, None, value.clone()));
        let put = self.space.set_values(self.handle.subscriptions(), values);
        put.map_err(|status| io::Error::other(status.to_string()))
    }

    /// The node is gone from the server.
    pub fn remove(&mut self, item: ItemId) {
        if let Some(node) = self.places.remove(&item) {
            self.space.address_space().write().delete(&node, true);
            let gone = DataValue {
                status: Some(StatusCode::BadNodeIdUnknown),
                ..DataValue::null()
            };
            let one = [(&node, opcua::types::AttributeId::Value)];
            self.handle
                .subscriptions()
                .maybe_notify(one.into_iter(), |_, _, _, _| Some(gone.clone()));
        }
    }
}

/// Makes the nodes of a driver.
struct Builder<'b> {
    driver: &'b str,
    nodes: &'b Nodes,
    index: &'b dyn Fn(&str) -> u16,
    space: &'b mut AddressSpace,
}

impl Builder<'_> {
    fn all(&mut self) -> BTreeMap<ItemId, NodeId> {
        let own = self.own(self.driver);
        self.space.add_folder(
            &own,
            QualifiedName::new(own.namespace, self.driver),
            self.driver,
            &ObjectId::ObjectsFolder.into(),
        );
        let mut items: Vec<_> = self.nodes.items.iter().collect();
        // what others hang from comes first
        items.sort_by_key(|item| item.at.path.len());
        let variables: Vec<Address> = items.iter().map(|item| item.at.clone()).collect();
        let mut places = BTreeMap::new();
        for item in items {
            let mut parent = self.base(&item.at, &own, &variables);
            for depth in 1..=item.at.path.len() {
                let here = Address {
                    base: item.at.base.clone(),
                    path: item.at.path[..depth].to_vec(),
                };
                parent = self.step(&here, &parent, &variables);
            }
            places.insert(item.id, parent);
        }
        places
    }

    fn own(&self, name: &str) -> NodeId {
        NodeId::new((self.index)(&own_namespace(self.driver)), name.to_owned())
    }

    fn namespace(&self, alias: Option<&String>) -> u16 {
        let uri = alias.and_then(|alias| self.nodes.uris(alias).first());
        uri.map_or(0, |uri| (self.index)(uri))
    }

    fn base(&mut self, at: &Address, own: &NodeId, variables: &[Address]) -> NodeId {
        match &at.base {
            Base::Node(name) => {
                let node = self.named(name);
                let bare = Address {
                    base: at.base.clone(),
                    path: Vec::new(),
                };
                self.make(
                    &node,
                    QualifiedName::new(node.namespace, name.identifier.clone()),
                    own,
                    variables.contains(&bare),
                );
                node
            }
            Base::Start(start) => {
                let known = self
                    .nodes
                    .starts
                    .iter()
                    .find(|known| known.name == *start)
                    .and_then(|known| known.at.clone());
                if let Some(known) = known {
                    let mut parent = self.base(&known, own, variables);
                    for depth in 1..=known.path.len() {
                        let here = Address {
                            base: known.base.clone(),
                            path: known.path[..depth].to_vec(),
                        };
                        parent = self.step(&here, &parent, variables);
                    }
                    return parent;
                }
                let node = self.own(start);
                self.make(
                    &node,
                    QualifiedName::new(node.namespace, start.clone()),
                    own,
                    false,
                );
                node
            }
        }
    }

    fn step(&mut self, here: &Address, parent: &NodeId, variables: &[Address]) -> NodeId {
        let node = self.own(&here.to_string());
        let Some(Step { namespace, name }) = here.path.last() else {
            return parent.clone();
        };
        let browse = QualifiedName::new(self.namespace(namespace.as_ref()), name.clone());
        self.make(&node, browse, parent, variables.contains(here));
        node
    }

    fn named(&self, name: &NodeName) -> NodeId {
        let identifier = Identifier::from_str(&name.identifier).unwrap_or(Identifier::Numeric(0));
        NodeId {
            namespace: self.namespace(name.namespace.as_ref()),
            identifier,
        }
    }

    fn make(&mut self, node: &NodeId, browse: QualifiedName, parent: &NodeId, variable: bool) {
        if self.space.node_exists(node) {
            return;
        }
        let shown = LocalizedText::from(browse.name.as_ref());
        if variable {
            VariableBuilder::new(node, browse, shown)
                .data_type(DataTypeId::BaseDataType)
                .value(Variant::Empty)
                .component_of(parent.clone())
                .insert(self.space);
        } else {
            ObjectBuilder::new(node, browse, shown)
                .component_of(parent.clone())
                .insert(self.space);
        }
    }
}

fn time(stamp: Stamp) -> DateTime {
    DateTime::from(ticks(stamp))
}

fn told(value: &NodeValue, server_time: Stamp, index: &dyn Fn(&str) -> u16) -> DataValue {
    DataValue {
        value: Some(variant(&value.data, index)).filter(|variant| *variant != Variant::Empty),
        status: Some(StatusCode::from(value.status)),
        source_timestamp: value.source_time.map(time),
        server_timestamp: Some(time(value.server_time.unwrap_or(server_time))),
        ..DataValue::default()
    }
}

fn variant(data: &NodeData, index: &dyn Fn(&str) -> u16) -> Variant {
    match data {
        NodeData::None => Variant::Empty,
        NodeData::Scalar(value) => scalar(value),
        NodeData::Array(items) => {
            let items: Vec<Variant> = items.iter().map(|item| variant(item, index)).collect();
            let kind = items
                .first()
                .and_then(Variant::scalar_type_id)
                .unwrap_or(VariantScalarTypeId::Double);
            Array::new(kind, items).map_or(Variant::Empty, Variant::from)
        }
        NodeData::Structure(fields) => standard(fields).map_or(Variant::Empty, Variant::from),
        NodeData::Encoded {
            namespace,
            identifier,
            body,
        } => {
            let encoding = NodeId {
                namespace: index(namespace),
                identifier: Identifier::from_str(identifier).unwrap_or(Identifier::Numeric(0)),
            };
            let body = ByteStringBody::new(ByteString::from(body.clone()), encoding);
            Variant::from(ExtensionObject::new(body))
        }
    }
}

/// The two structures every server has.
fn standard(fields: &[(String, NodeData)]) -> Option<ExtensionObject> {
    let field = |name: &str| match fields.iter().find(|(known, _)| known == name)? {
        (_, NodeData::Scalar(scalar)) => Some(scalar),
        _ => None,
    };
    if let (Some(Scalar::Double(low)), Some(Scalar::Double(high))) = (field("Low"), field("High")) {
        return Some(ExtensionObject::from_message(Range {
            low: *low,
            high: *high,
        }));
    }
    let text = |name: &str| match field(name) {
        Some(Scalar::String(text) | Scalar::LocalizedText(text)) => text.clone(),
        _ => String::new(),
    };
    let Some(Scalar::Int32(unit_id)) = field("UnitId") else {
        return None;
    };
    Some(ExtensionObject::from_message(EUInformation {
        namespace_uri: text("NamespaceUri").into(),
        unit_id: *unit_id,
        display_name: LocalizedText::from(text("DisplayName")),
        description: LocalizedText::from(text("Description")),
    }))
}

fn scalar(value: &Scalar) -> Variant {
    match value {
        Scalar::Boolean(flag) => Variant::Boolean(*flag),
        Scalar::SByte(number) => Variant::SByte(*number),
        Scalar::Byte(number) => Variant::Byte(*number),
        Scalar::Int16(number) => Variant::Int16(*number),
        Scalar::UInt16(number) => Variant::UInt16(*number),
        Scalar::Int32(number) => Variant::Int32(*number),
        Scalar::UInt32(number) => Variant::UInt32(*number),
        Scalar::Int64(number) => Variant::Int64(*number),
        Scalar::UInt64(number) => Variant::UInt64(*number),
        Scalar::Float(number) => Variant::Float(*number),
        Scalar::Double(number) => Variant::Double(*number),
        Scalar::String(text) | Scalar::Guid(text) | Scalar::NodeId(text) | Scalar::QualifiedName(text) => {
            Variant::from(text.clone())
        }
        Scalar::LocalizedText(text) => Variant::from(LocalizedText::from(text.clone())),
        Scalar::DateTime(stamp) => Variant::from(time(*stamp)),
        Scalar::ByteString(bytes) => Variant::from(ByteString::from(bytes.clone())),
        Scalar::StatusCode(code) => Variant::from(StatusCode::from(*code)),
    }
}

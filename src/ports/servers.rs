//! OPC UA servers, where this build can speak with them; and else somebody who says that it cannot.

use crate::flow::needs::{Clock, server::Servers};
use std::sync::Arc;

/// The servers of the plant.
#[cfg(feature = "opcua")]
pub fn servers(clock: Arc<dyn Clock>) -> Arc<dyn Servers> {
    Arc::new(super::opcua::SystemServers { clock })
}

/// The servers of the plant: none can be spoken with.
#[cfg(not(feature = "opcua"))]
pub fn servers(_: Arc<dyn Clock>) -> Arc<dyn Servers> {
    Arc::new(without::Nobody)
}

#[cfg(not(feature = "opcua"))]
mod without {
    use crate::flow::needs::{
        Waiting,
        server::{Call, Problem, ProblemKind, Reply, Server, ServerAddress, Servers},
    };
    use std::collections::VecDeque;

    pub(super) struct Nobody;

    impl Servers for Nobody {
        fn server(&self, _: &ServerAddress) -> Box<dyn Server> {
            Box::new(Mute(VecDeque::new()))
        }
    }

    struct Mute(VecDeque<u64>);

    impl Server for Mute {
        fn call(&mut self, number: u64, _: Call) {
            self.0.push_back(number);
        }

        fn next(&mut self) -> Waiting<'_, (u64, Result<Reply, Problem>)> {
            Box::pin(async {
                match self.0.pop_front() {
                    Some(number) => (
                        number,
                        Err(Problem::new(
                            ProblemKind::Here,
                            super::super::trust::without_opcua().what,
                        )),
                    ),
                    None => std::future::pending().await,
                }
            })
        }

        fn drop_connection(&mut self) {}

        fn close(self: Box<Self>) -> Waiting<'static, ()> {
            Box::pin(async {})
        }
    }
}

//! Requests as they come through the control socket: JSON in, an act on the core, JSON out.

use super::control::{Apply, Asked, Control};
use crate::{config::Source, flow::people::NewPerson};
use record::{Trouble, b64};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// One request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    Status,
    Apply {
        name: String,
        text: String,
        drivers: Vec<(String, String)>,
        by: String,
        reason: String,
    },
    AddUser {
        id: String,
        name: String,
        roles: Vec<String>,
        secret: String,
        by: String,
        reason: String,
        salt: String,
    },
    Close {
        batch: String,
    },
}

/// One answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    pub done: bool,
    /// What was done, or the trouble in four parts.
    pub text: String,
}

/// Answers one request.
pub async fn answer(line: String, core: &mpsc::Sender<Control>) -> String {
    let reply = match serde_json::from_str::<Request>(&line) {
        Err(error) => Reply {
            done: false,
            text: format!("this is no request: {error}"),
        },
        Ok(request) => match act(request, core).await {
            Ok(text) => Reply { done: true, text },
            Err(trouble) => Reply {
                done: false,
                text: trouble.to_string(),
            },
        },
    };
    serde_json::to_string(&reply).unwrap_or_default()
}

async fn act(request: Request, core: &mpsc::Sender<Control>) -> Result<String, Trouble> {
    let gone = || {
        Trouble::new("ended", "the gateway is ending")
            .means("nothing was changed")
            .so("try again when it runs")
    };
    let (answer, wait) = oneshot::channel();
    core.send(Control {
        asked: asked(request)?,
        answer,
    })
    .await
    .map_err(|_| gone())?;
    wait.await.map_err(|_| gone())?
}

fn asked(request: Request) -> Result<Asked, Trouble> {
    Ok(match request {
        Request::Status => Asked::Status,
        Request::Apply {
            name,
            text,
            drivers,
            by,
            reason,
        } => Asked::Apply(Apply {
            source: Source { name, text, drivers },
            by,
            reason,
        }),
        Request::AddUser {
            id,
            name,
            roles,
            secret,
            by,
            reason,
            salt,
        } => {
            let salt = b64::decode(salt.as_bytes()).and_then(|salt| salt.try_into().ok());
            let salt = salt.ok_or_else(|| Trouble::new("person-refused", "the salt is not 16 bytes"))?;
            Asked::AddUser(NewPerson {
                id,
                name,
                roles,
                secret,
                by,
                reason,
                salt,
            })
        }
        Request::Close { batch } => Asked::Close { batch },
    })
}

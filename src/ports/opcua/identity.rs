//! Session and login, made by hand: the signatures that prove both sides, and the one way in which a password may
//! travel. The library's session would try a wrong password until the account is locked.

use super::{open, pki::as_der, problem};
use crate::{
    flow::needs::{
        Files,
        server::{Identity, Policy, Problem, ProblemKind, ServerAddress},
    },
    ports::files::SystemFiles,
};
use opcua::{
    client::AsyncSecureChannel,
    core::ResponseMessage,
    crypto::{
        PrivateKey, SecurityPolicy, X509, create_signature_data, legacy_encrypt_secret, random,
        verify_signature_data,
    },
    types::{
        ActivateSessionRequest, AnonymousIdentityToken, ApplicationDescription, ApplicationType, ByteString,
        CloseSessionRequest, CreateSessionRequest, EndpointDescription, ExtensionObject, MessageSecurityMode,
        NodeId, RequestHeader, SignatureData, UserNameIdentityToken, UserTokenPolicy, UserTokenType,
        X509IdentityToken,
    },
};
use std::{fs, path::Path, str::FromStr};

/// A session as the server knows it: outlives the channel it was made on.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) token: NodeId,
    nonce: ByteString,
}

/// Makes a session; it counts once it is activated.
pub(super) async fn create(
    channel: &AsyncSecureChannel,
    endpoint: &EndpointDescription,
    address: &ServerAddress,
    own: Option<&(X509, PrivateKey)>,
    timeout_ms: u32,
) -> Result<(Session, f64), Problem> {
    let nonce = random::byte_string(32);
    let request = CreateSessionRequest {
        request_header: open::header(channel, open::WITHIN),
        client_description: ApplicationDescription {
            application_uri: address.application.as_str().into(),
            product_uri: "urn:steelyard".into(),
            application_name: "Steelyard".into(),
            application_type: ApplicationType::Client,
            ..ApplicationDescription::default()
        },
        server_uri: opcua::types::UAString::null(),
        endpoint_url: endpoint.endpoint_url.clone(),
        session_name: address.application.as_str().into(),
        client_nonce: nonce.clone(),
        client_certificate: own.map_or_else(ByteString::null, |(x509, _)| x509.as_byte_string()),
        requested_session_timeout: f64::from(timeout_ms),
        max_response_message_size: u32::try_from(super::wire::MESSAGE).unwrap_or(u32::MAX),
    };
    let answer = channel
        .send(request, open::WITHIN)
        .await
        .map_err(|error| problem::of(&error))?;
    let ResponseMessage::CreateSession(answer) = answer else {
        return Err(another(&answer));
    };
    problem::said(&answer.response_header)?;
    if let Some((x509, _)) = own {
        let shown = super::der::chain(answer.server_certificate.as_ref());
        if shown.first().copied() != Some(endpoint.server_certificate.as_ref()) {
            return Err(Problem::new(
                ProblemKind::Untrusted,
                "in the session it shows another certificate than before",
            ));
        }
        let theirs =
            X509::from_byte_string(&endpoint.server_certificate).map_err(|error| problem::of(&error))?;
        verify_signature_data(
            &answer.server_signature,
            policy_of(address),
            &theirs,
            x509,
            nonce.as_ref(),
        )
        .map_err(|_| {
            Problem::new(
                ProblemKind::Untrusted,
                "it cannot prove that the certificate is its own",
            )
        })?;
    }
    let session = Session {
        token: answer.authentication_token.clone(),
        nonce: answer.server_nonce.clone(),
    };
    Ok((session, answer.revised_session_timeout))
}

/// Activates a session: a new one, or the one there was, on a new channel.
pub(super) async fn activate(
    channel: &AsyncSecureChannel,
    endpoint: &EndpointDescription,
    address: &ServerAddress,
    own: Option<&(X509, PrivateKey)>,
    session: &mut Session,
) -> Result<(), Problem> {
    let client_signature = match own {
        None => SignatureData::null(),
        Some((_, key)) => create_signature_data(
            key,
            policy_of(address),
            &endpoint.server_certificate,
            &session.nonce,
        )
        .map_err(|error| problem::of(&error))?,
    };
    let (user_identity_token, user_token_signature) = login(endpoint, address, session)?;
    let request = ActivateSessionRequest {
        request_header: RequestHeader {
            authentication_token: session.token.clone(),
            ..open::header(channel, open::WITHIN)
        },
        client_signature,
        client_software_certificates: None,
        locale_ids: None,
        user_identity_token,
        user_token_signature,
    };
    let answer = channel
        .send(request, open::WITHIN)
        .await
        .map_err(|error| problem::of(&error))?;
    let ResponseMessage::ActivateSession(answer) = answer else {
        return Err(another(&answer));
    };
    problem::said(&answer.response_header)?;
    session.nonce = answer.server_nonce.clone();
    Ok(())
}

/// Ends a session and everything in it.
pub(super) async fn close(channel: &AsyncSecureChannel, session: &Session) {
    let within = std::time::Duration::from_secs(1);
    let request = CloseSessionRequest {
        request_header: RequestHeader {
            authentication_token: session.token.clone(),
            ..open::header(channel, within)
        },
        delete_subscriptions: true,
    };
    if let Err(error) = channel.send(request, within).await {
        tracing::debug!(%error, "the server did not take the end of the session");
    }
}

/// Who we are, as the server's own list of ways allows.
fn login(
    endpoint: &EndpointDescription,
    address: &ServerAddress,
    session: &Session,
) -> Result<(ExtensionObject, SignatureData), Problem> {
    let here = |words: String| Problem::new(ProblemKind::Here, words);
    match &address.identity {
        Identity::Anonymous => {
            let way = ways(endpoint, UserTokenType::Anonymous).next();
            // a server without a list takes anonymous sessions, by the standard
            if way.is_none()
                && endpoint
                    .user_identity_tokens
                    .as_ref()
                    .is_some_and(|list| !list.is_empty())
            {
                return Err(not_offered("it takes nobody without a name"));
            }
            let token = AnonymousIdentityToken {
                policy_id: way.map_or_else(opcua::types::UAString::null, |way| way.policy_id.clone()),
            };
            Ok((ExtensionObject::from_message(token), SignatureData::null()))
        }
        Identity::User { name, password_file } => {
            let way = safest(endpoint, address)?;
            let secret = SystemFiles
                .read_secret(password_file)
                .map_err(|trouble| here(format!("{} ({})", trouble.what, password_file.display())))?;
            let secret = secret.strip_suffix(b"\n").unwrap_or(&secret);
            let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
            let theirs = X509::from_byte_string(&endpoint.server_certificate).ok();
            let sealed = legacy_encrypt_secret(
                policy_of(address),
                mode_of(address),
                way,
                session.nonce.as_ref(),
                &theirs,
                secret,
            )
            .map_err(|error| problem::of(&error))?;
            let token = UserNameIdentityToken {
                policy_id: sealed.policy,
                user_name: name.as_str().into(),
                password: sealed.secret,
                encryption_algorithm: sealed.encryption_algorithm,
            };
            Ok((ExtensionObject::from_message(token), SignatureData::null()))
        }
        Identity::Certificate {
            certificate,
            private_key,
        } => {
            let way = ways(endpoint, UserTokenType::Certificate)
                .find(|way| strength(way, address).is_some_and(|strength| strength > 0))
                .ok_or_else(|| not_offered("it takes no certificate as a name"))?;
            let (x509, key) = user_certificate(certificate, private_key)?;
            let policy = match way.security_policy_uri.as_ref() {
                "" => policy_of(address),
                uri => SecurityPolicy::from_str(uri).unwrap_or(SecurityPolicy::Unknown),
            };
            let signature = create_signature_data(&key, policy, &endpoint.server_certificate, &session.nonce)
                .map_err(|error| problem::of(&error))?;
            let token = X509IdentityToken {
                policy_id: way.policy_id.clone(),
                certificate_data: x509.as_byte_string(),
            };
            Ok((ExtensionObject::from_message(token), signature))
        }
    }
}

fn user_certificate(certificate: &Path, private_key: &Path) -> Result<(X509, PrivateKey), Problem> {
    let here = |words: String| Problem::new(ProblemKind::Here, words);
    let bytes = fs::read(certificate).map_err(|error| here(format!("{}: {error}", certificate.display())))?;
    let x509 = as_der(&bytes).and_then(|der| X509::from_der(&der).ok());
    let x509 = x509.ok_or_else(|| here(format!("{} is no certificate", certificate.display())))?;
    let secret = SystemFiles
        .read_secret(private_key)
        .map_err(|trouble| here(format!("{} ({})", trouble.what, private_key.display())))?;
    let key = PrivateKey::from_pem(&secret)
        .map_err(|_| here(format!("{} is no RSA key in PKCS#8", private_key.display())))?;
    Ok((x509, key))
}

fn ways(endpoint: &EndpointDescription, kind: UserTokenType) -> impl Iterator<Item = &UserTokenPolicy> {
    let all = endpoint.user_identity_tokens.as_deref().unwrap_or_default();
    all.iter().filter(move |way| way.token_type == kind)
}

/// How well a way protects a secret: nothing where it does not, 0 where nothing has to be protected by it.
fn strength(way: &UserTokenPolicy, address: &ServerAddress) -> Option<u8> {
    let channel = match address.security.policy {
        Policy::None => None,
        policy => Some(policy.word()),
    };
    let uri = way.security_policy_uri.as_ref();
    match if uri.is_empty() {
        channel
    } else {
        uri.rsplit('#').next()
    } {
        Some("Aes256_Sha256_RsaPss") => Some(3),
        Some("Aes128_Sha256_RsaOaep") => Some(2),
        Some("Basic256Sha256") => Some(1),
        // as it is, inside a channel that is encrypted
        Some("None") if address.security.encrypted => Some(0),
        _ => None,
    }
}

/// The way in which the password is protected best; none at all where it would travel for everybody to read.
fn safest<'e>(
    endpoint: &'e EndpointDescription,
    address: &ServerAddress,
) -> Result<&'e UserTokenPolicy, Problem> {
    let named = ways(endpoint, UserTokenType::UserName);
    let best = named
        .filter_map(|way| Some((strength(way, address)?, way)))
        .max_by_key(|(strength, _)| *strength);
    if let Some((_, way)) = best {
        return Ok(way);
    }
    Err(if ways(endpoint, UserTokenType::UserName).next().is_some() {
        not_offered("it would have the password travel unprotected, or protected by what is broken")
    } else {
        not_offered("it takes no user names")
    })
}

fn not_offered(words: &str) -> Problem {
    Problem::new(ProblemKind::NotOffered, words)
}

fn another(answer: &ResponseMessage) -> Problem {
    if let ResponseMessage::ServiceFault(fault) = answer {
        return problem::refused(fault.response_header.service_result);
    }
    Problem::new(ProblemKind::Garbled, "another answer than the one asked for")
}

pub(super) fn policy_of(address: &ServerAddress) -> SecurityPolicy {
    match address.security.policy {
        Policy::None => SecurityPolicy::None,
        Policy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
        Policy::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
        Policy::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
    }
}

fn mode_of(address: &ServerAddress) -> MessageSecurityMode {
    match (address.security.policy, address.security.encrypted) {
        (Policy::None, _) => MessageSecurityMode::None,
        (_, true) => MessageSecurityMode::SignAndEncrypt,
        (_, false) => MessageSecurityMode::Sign,
    }
}

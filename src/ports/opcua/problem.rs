//! What went wrong, in the four words, with the server's own code.

use crate::flow::needs::server::{Problem, ProblemKind};
use opcua::types::{Error, ResponseHeader, StatusCode};

/// An error of the library: what the connection did, or what the server said.
pub(super) fn of(error: &Error) -> Problem {
    let status = error.status();
    Problem {
        status: status.bits(),
        ..Problem::new(kind(status), format!("{error}"))
    }
}

/// A server's own words about a call.
pub(super) fn said(header: &ResponseHeader) -> Result<(), Problem> {
    let status = header.service_result;
    if status.is_bad() {
        return Err(refused(status));
    }
    Ok(())
}

pub(super) fn refused(status: StatusCode) -> Problem {
    Problem {
        status: status.bits(),
        ..Problem::new(kind(status), format!("{status}"))
    }
}

fn kind(status: StatusCode) -> ProblemKind {
    match status {
        StatusCode::BadUserAccessDenied
        | StatusCode::BadIdentityTokenRejected
        | StatusCode::BadIdentityTokenInvalid
        | StatusCode::BadUserSignatureInvalid => ProblemKind::Login,
        StatusCode::BadNotConnected | StatusCode::BadTcpEndpointUrlInvalid => ProblemKind::Silent,
        StatusCode::BadTimeout | StatusCode::BadRequestTimeout => ProblemKind::Silent,
        StatusCode::BadConnectionClosed
        | StatusCode::BadSecureChannelClosed
        | StatusCode::BadCommunicationError
        | StatusCode::BadSecureChannelIdInvalid
        | StatusCode::BadShutdown
        | StatusCode::BadServerHalted => ProblemKind::Lost,
        StatusCode::BadDecodingError
        | StatusCode::BadEncodingLimitsExceeded
        | StatusCode::BadResponseTooLarge
        | StatusCode::BadTcpMessageTooLarge
        | StatusCode::BadUnknownResponse
        | StatusCode::BadSequenceNumberInvalid => ProblemKind::Garbled,
        _ => ProblemKind::Refused,
    }
}

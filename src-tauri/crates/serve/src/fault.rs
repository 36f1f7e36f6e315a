//! What can be wrong with a request.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It was meant for another host: a page in a browser whose name leads here.
    ForeignHost,
    /// The token is missing or another one.
    NoToken,
    /// There is nothing at this path.
    NotFound,
    /// What is at this path is asked for in another way.
    Method,
    /// The body is too large.
    TooLarge,
    /// There are too many texts in it.
    TooManyTexts,
    /// The body did not come in time.
    TooSlow,
    /// The body is not what is expected.
    BadRequest {
        /// What the reader said.
        reason: String,
    },
    /// Too many requests wait already.
    Busy,
    /// The model did not come to it in time.
    Overdue,
    /// The model could not answer.
    Failed {
        /// What it said.
        reason: String,
    },
}

/// A fault in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Fault {
    /// Names the fault, for programs and for whoever has the words.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::ForeignHost => "foreign_host",
            Fault::NoToken => "no_token",
            Fault::NotFound => "not_found",
            Fault::Method => "method",
            Fault::TooLarge => "too_large",
            Fault::TooManyTexts => "too_many_texts",
            Fault::TooSlow => "too_slow",
            Fault::BadRequest { .. } => "bad_request",
            Fault::Busy => "busy",
            Fault::Overdue => "overdue",
            Fault::Failed { .. } => "failed",
        }
    }

    /// What the words may mention.
    pub fn reason(&self) -> &str {
        match self {
            Fault::BadRequest { reason } | Fault::Failed { reason } => reason,
            _ => "",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Fault::ForeignHost => StatusCode::FORBIDDEN,
            Fault::NoToken => StatusCode::UNAUTHORIZED,
            Fault::NotFound => StatusCode::NOT_FOUND,
            Fault::Method => StatusCode::METHOD_NOT_ALLOWED,
            Fault::TooLarge | Fault::TooManyTexts => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Fault::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Fault::Busy => StatusCode::TOO_MANY_REQUESTS,
            Fault::Overdue => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

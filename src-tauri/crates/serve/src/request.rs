//! One request: who may ask, for what, and what they are told.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::limits::{ANSWER_TIME, BODY, BODY_TIME, TEXTS};
use crate::server::Shared;

const PAGE: &str = include_str!("page.html");
const OPENAPI: &str = include_str!("openapi.json");

type Answer = Response<Full<Bytes>>;

/// What is asked of `POST /predict`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    texts: Vec<String>,
}

/// Answers a request, whatever it is.
pub(crate) async fn respond<B>(shared: &Shared, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match answer(shared, request).await {
        Ok(answer) => answer,
        Err((fault, allowed)) => refuse(shared, &fault, allowed),
    }
}

async fn answer<B>(shared: &Shared, request: Request<B>) -> Result<Answer, (Fault, Option<Method>)>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let plain = |fault| (fault, None);
    if !is_ours(&request, shared.port) {
        return Err(plain(Fault::ForeignHost));
    }
    let path = request.uri().path();
    let allowed = match path {
        "/" | "/health" | "/openapi.json" => Method::GET,
        "/predict" => Method::POST,
        _ => return Err(plain(Fault::NotFound)),
    };
    if request.method() != allowed {
        return Err((Fault::Method, Some(allowed)));
    }
    match path {
        "/" => Ok(page()),
        "/health" => Ok(said(StatusCode::OK, "application/json", r#"{"status":"ok"}"#)),
        "/openapi.json" => Ok(said(StatusCode::OK, "application/json", OPENAPI)),
        _ => predict(shared, request).await.map_err(plain),
    }
}

async fn predict<B>(shared: &Shared, request: Request<B>) -> Result<Answer, Fault>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let authorization = request.headers().get(AUTHORIZATION);
    if !authorization.is_some_and(|header| shared.token.is_in(header.as_bytes())) {
        return Err(Fault::NoToken);
    }
    // Said before it is sent, it need not be read.
    if request.body().size_hint().lower() > BODY as u64 {
        return Err(Fault::TooLarge);
    }
    let body = Limited::new(request.into_body(), BODY).collect();
    let body = match tokio::time::timeout(BODY_TIME, body).await {
        Err(_) => return Err(Fault::TooSlow),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return Err(Fault::TooLarge),
        Ok(Err(error)) => {
            return Err(Fault::BadRequest {
                reason: error.to_string(),
            });
        }
        Ok(Ok(body)) => body.to_bytes(),
    };
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| Fault::BadRequest {
        reason: error.to_string(),
    })?;
    if asked.texts.len() > TEXTS {
        return Err(Fault::TooManyTexts);
    }
    let answers = match asked.texts.is_empty() {
        true => Vec::new(),
        false => match tokio::time::timeout(ANSWER_TIME, shared.queue.ask(asked.texts)).await {
            Ok(answers) => answers?,
            // Its place in the queue is given up with it.
            Err(_) => return Err(Fault::Overdue),
        },
    };
    Ok(object(StatusCode::OK, &json!({ "predictions": answers })))
}

/// Whether the request names this machine by a name of its own. A page in a browser whose name was made to lead here
/// names another.
fn is_ours<B>(request: &Request<B>, port: u16) -> bool {
    let named = |host: &str| {
        let (name, given) = match host.rsplit_once(':') {
            Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
            _ => (host, Some(80)),
        };
        let own = ["127.0.0.1", "localhost", "[::1]"];
        own.iter().any(|own| name.eq_ignore_ascii_case(own)) && given == Some(port)
    };
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let asked = request
        .uri()
        .authority()
        .is_none_or(|asked| named(asked.as_str()));
    asked && host.to_str().is_ok_and(named)
}

fn refuse(shared: &Shared, fault: &Fault, allowed: Option<Method>) -> Answer {
    let told = shared.words.told(fault);
    let error = json!({ "kind": fault.kind(), "what": told.what, "why": told.why, "next": told.next });
    let mut answer = object(fault.status(), &json!({ "error": error }));
    let headers = answer.headers_mut();
    if let Some(method) = allowed.and_then(|method| HeaderValue::from_str(method.as_str()).ok()) {
        headers.insert(ALLOW, method);
    }
    match fault {
        Fault::NoToken => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Fault::Busy | Fault::Overdue => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    answer
}

fn object(status: StatusCode, value: &Value) -> Answer {
    said(status, "application/json", value.to_string())
}

fn page() -> Answer {
    let mut answer = said(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    answer
        .headers_mut()
        .insert("content-security-policy", HeaderValue::from_static(policy));
    answer
}

fn said(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    answer
}

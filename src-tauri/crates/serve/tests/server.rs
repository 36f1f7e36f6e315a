//! The server as callers meet it: the right ones, the wrong ones, the slow ones and too many of them.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use understudy_serve::{Answerer, Fault, Server, Told, Words, limits};

/// Says how long a text is, and takes its time.
struct Lengths(Duration);

impl Answerer for Lengths {
    fn answer(&self, texts: &[String], _wanted: &dyn Fn() -> bool) -> Result<Vec<Value>, String> {
        std::thread::sleep(self.0);
        if texts.iter().any(|text| text == "fail") {
            return Err("it failed".to_owned());
        }
        assert!(texts.iter().all(|text| text != "panic"), "it panicked");
        Ok(texts.iter().map(|text| json!({ "length": text.len() })).collect())
    }
}

struct Plain;

impl Words for Plain {
    fn told(&self, fault: &Fault) -> Told {
        Told {
            what: fault.kind().to_owned(),
            why: fault.reason().to_owned(),
            next: "next".to_owned(),
        }
    }
}

struct Running {
    port: u16,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn start(time: Duration) -> Running {
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let server = Server::bind(0, Arc::new(Lengths(time)), Box::new(Plain))
                    .await
                    .unwrap();
                ready
                    .send((server.port(), server.token().secret().to_owned()))
                    .unwrap();
                server
                    .serve(async {
                        stopped.await.unwrap();
                    })
                    .await;
            });
        });
        let (port, token) = started.recv().unwrap();
        Running {
            port,
            token,
            stop: Some(stop),
            ended: Some(ended),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// The status of the answer to these bytes, and its body where that is JSON.
    fn raw(&self, request: &[u8]) -> (u16, Value) {
        let mut stream = self.connect();
        // It may be refused before all of it was read.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap_or("0").parse().unwrap();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    fn head(&self, what: &str) -> String {
        let (port, token) = (self.port, &self.token);
        format!(
            "{what} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        )
    }

    fn predict(&self, body: &str) -> (u16, Value) {
        let head = self.head("POST /predict");
        self.raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.ended.take().unwrap().join().unwrap();
    }
}

fn kind(answer: &Value) -> &str {
    answer["error"]["kind"].as_str().unwrap_or_default()
}

#[test]
fn texts_are_answered_in_their_order() {
    let server = Running::start(Duration::ZERO);
    let (status, answer) = server.predict(r#"{"texts":["a","bbb",""]}"#);
    assert_eq!(status, 200);
    let expected = json!([{ "length": 1 }, { "length": 3 }, { "length": 0 }]);
    assert_eq!(answer["predictions"], expected);
    assert_eq!(server.predict(r#"{"texts":[]}"#).1["predictions"], json!([]));
    for path in ["/health", "/openapi.json", "/"] {
        let (status, answer) = server.raw(format!("{}\r\n", server.head(&format!("GET {path}"))).as_bytes());
        assert_eq!(status, 200, "{path}");
        assert_eq!(answer.is_object(), path != "/");
    }
}

#[test]
fn whoever_asks_wrongly_is_told_why() {
    let server = Running::start(Duration::ZERO);
    for body in [
        "",
        "{",
        "[]",
        r#"{"texts":"a"}"#,
        r#"{"texts":["a"],"more":1}"#,
        "\u{0}\u{1}",
    ] {
        let (status, answer) = server.predict(body);
        assert_eq!((status, kind(&answer)), (400, "bad_request"), "{body:?}");
    }
    let many = json!({ "texts": vec!["a"; limits::TEXTS + 1] }).to_string();
    let (status, answer) = server.predict(&many);
    assert_eq!((status, kind(&answer)), (413, "too_many_texts"));
    let (status, answer) = server.predict(r#"{"texts":["fail"]}"#);
    assert_eq!((status, kind(&answer)), (500, "failed"));
    let (status, answer) = server.raw(format!("{}\r\n", server.head("GET /predict")).as_bytes());
    assert_eq!((status, kind(&answer)), (405, "method"));
    let (status, answer) = server.raw(format!("{}\r\n", server.head("GET /../etc/passwd")).as_bytes());
    assert_eq!((status, kind(&answer)), (404, "not_found"));
    assert_eq!(server.raw(b"nonsense\r\n\r\n").0, 400);
}

#[test]
fn one_text_that_cannot_be_answered_is_nobody_elses_trouble() {
    let server = Running::start(Duration::from_millis(100));
    let ask = |text: &str| server.predict(&json!({ "texts": [text] }).to_string());
    let answers: Vec<_> = std::thread::scope(|scope| {
        // They wait while the first is answered, and are asked together.
        let asked = ["first", "a", "fail", "panic", "b"].map(|text| {
            std::thread::sleep(Duration::from_millis(10));
            scope.spawn(move || ask(text))
        });
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 500, 500, 200]);
    assert!(
        answers[3].1["error"]["why"]
            .as_str()
            .unwrap()
            .contains("it panicked")
    );
    assert_eq!(ask("after it").0, 200);
}

#[test]
fn without_the_token_or_under_another_name_nothing_is_answered() {
    let server = Running::start(Duration::ZERO);
    let right = format!(
        "{}Content-Length: 13\r\n\r\n{{\"texts\":[]}} ",
        server.head("POST /predict")
    );
    assert_eq!(server.raw(right.as_bytes()).0, 200);
    let wrong = right.replace(&server.token, &"0".repeat(64));
    let (status, answer) = server.raw(wrong.as_bytes());
    assert_eq!((status, kind(&answer)), (401, "no_token"));
    let own = format!("Host: 127.0.0.1:{}", server.port);
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:1",
        "[::2]",
        "",
        "127.0.0.1@evil.example",
    ] {
        let foreign = right.replace(&own, &format!("Host: {host}"));
        let (status, answer) = server.raw(foreign.as_bytes());
        assert_eq!((status, kind(&answer)), (403, "foreign_host"), "{host}");
    }
    let none = right.replace(&format!("{own}\r\n"), "");
    assert_eq!(server.raw(none.as_bytes()).0, 403);
    let local = right.replace(&own, &format!("Host: localhost:{}", server.port));
    assert_eq!(server.raw(local.as_bytes()).0, 200);
}

#[test]
fn a_body_that_is_too_large_is_not_read() {
    let server = Running::start(Duration::ZERO);
    let head = server.head("POST /predict");
    let announced = format!("{head}Content-Length: {}\r\n\r\n", limits::BODY + 1);
    let (status, answer) = server.raw(announced.as_bytes());
    assert_eq!((status, kind(&answer)), (413, "too_large"));
    // Not announced: chunk after chunk.
    let mut stream = server.connect();
    let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
    let sent = (0..1000)
        .take_while(|_| stream.write_all(chunk.as_bytes()).is_ok())
        .count();
    assert!(sent < 1000, "64 MB were taken");
    let long = format!("{}X: {}\r\n\r\n", server.head("GET /health"), "x".repeat(100_000));
    assert_eq!(server.raw(long.as_bytes()).0, 431);
}

#[test]
fn slow_callers_are_let_go_and_others_answered_meanwhile() {
    let server = Running::start(Duration::ZERO);
    let began = Instant::now();
    let mut half_a_head = server.connect();
    half_a_head.write_all(b"GET /health HT").unwrap();
    let mut half_a_body = server.connect();
    let head = format!("{}Content-Length: 100\r\n\r\n{{", server.head("POST /predict"));
    half_a_body.write_all(head.as_bytes()).unwrap();
    assert_eq!(server.predict(r#"{"texts":["a"]}"#).0, 200);
    assert!(began.elapsed() < Duration::from_secs(5));
    let mut answer = String::new();
    half_a_body.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut answer = Vec::new();
    let _ = half_a_head.read_to_end(&mut answer);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn too_many_at_once_are_answered_or_told_to_come_again() {
    let server = Running::start(Duration::from_millis(100));
    // As many texts as are answered together, so that every request waits for its own turn.
    let body = json!({ "texts": vec!["a"; limits::TEXTS] }).to_string();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..50).map(|_| scope.spawn(|| server.predict(&body).0)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!(count(200) + count(429), 50, "{statuses:?}");
    assert!(count(200) >= limits::WAITING, "{statuses:?}");
    assert!(count(429) > 0, "{statuses:?}");
}

#[test]
fn a_request_at_work_is_answered_before_the_server_stops() {
    let server = Running::start(Duration::from_millis(300));
    let mut stream = server.connect();
    let body = r#"{"texts":["a"]}"#;
    let head = server.head("POST /predict");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let port = server.port;
    drop(server);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let _ = stream.shutdown(Shutdown::Both);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

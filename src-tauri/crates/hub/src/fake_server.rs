//! For tests: a web server on this machine that answers as it is told, and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub path: String,
    /// The first byte of a `Range` header.
    pub from: Option<usize>,
    /// Its last byte, where it says one.
    pub to: Option<usize>,
    pub accept: String,
    /// What it says to a proxy about who asks.
    pub proxy_authorization: String,
    /// How often this path was asked for before.
    pub before: usize,
}

/// How to answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut_after: Option<usize>,
    pause: Duration,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            cut_after: None,
            pause: Duration::ZERO,
        }
    }

    /// The whole body, whatever range was asked for.
    pub fn whole(body: &[u8]) -> Self {
        let length = body.len().to_string();
        Self {
            body: body.to_vec(),
            ..Self::status(200)
        }
        .with("Content-Length", &length)
    }

    /// The part of the body that was asked for.
    pub fn ranged(request: &Request, body: &[u8]) -> Self {
        match request.from {
            None => Self::whole(body),
            Some(from) if from >= body.len() => Self::status(416),
            Some(from) => {
                let last = request.to.unwrap_or(usize::MAX).min(body.len() - 1);
                let range = format!("bytes {from}-{last}/{}", body.len());
                Self {
                    status: 206,
                    ..Self::whole(&body[from..=last])
                }
                .with("Content-Range", &range)
            }
        }
    }

    pub fn redirect(location: &str) -> Self {
        Self::status(302).with("Location", location)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| found != name);
        self
    }

    /// Closes the connection after so many bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Waits before each 4096 bytes of the body.
    pub fn slowly(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

type Answer = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

/// Serves until the test's process ends.
pub(crate) struct FakeServer {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeServer {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen): (Arc<Answer>, _) = (Arc::new(Box::new(answer)), requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (answer.clone(), seen.clone());
                // A client that goes away in the middle is what some tests are about.
                thread::spawn(move || drop(serve(stream, &**answer, &seen)));
            }
        });
        Self { port, requests }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The first bytes asked for of the paths that end with `name`, in order.
    pub fn ranges(&self, name: &str) -> Vec<Option<usize>> {
        self.requests()
            .iter()
            .filter(|request| request.path.ends_with(name))
            .map(|r| r.from)
            .collect()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &dyn Fn(&Request) -> Reply,
    seen: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let request = {
        let mut request = read_request(&stream)?;
        let mut seen = seen.lock().unwrap();
        request.before = seen.iter().filter(|other| other.path == request.path).count();
        seen.push(request.clone());
        request
    };
    let reply = answer(&request);
    let mut head = format!("HTTP/1.1 {} Told\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let sent = reply.cut_after.unwrap_or(reply.body.len()).min(reply.body.len());
    for chunk in reply.body[..sent].chunks(4096) {
        sleep(reply.pause);
        stream.write_all(chunk)?;
    }
    stream.shutdown(Shutdown::Both)
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut request = Request {
        path,
        from: None,
        to: None,
        accept: String::new(),
        proxy_authorization: String::new(),
        before: 0,
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let range = value
                    .strip_prefix("bytes=")
                    .and_then(|range| range.split_once('-'));
                request.from = range.and_then(|(from, _)| from.parse().ok());
                request.to = range.and_then(|(_, to)| to.parse().ok());
            }
            "accept" => request.accept = value.to_owned(),
            "proxy-authorization" => request.proxy_authorization = value.to_owned(),
            _ => {}
        }
    }
    Ok(request)
}

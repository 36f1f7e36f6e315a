//! Listening on this machine's own addresses until told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fault::{Fault, Told};
use crate::limits::{CONNECTION_TIME, CONNECTIONS, HEAD, HEAD_TIME, HEADERS, LAST_REQUEST_TIME, STOP_TIME};
use crate::queue::{Answerer, Queue};
use crate::request::respond;
use crate::token::Token;

/// Puts faults into words.
pub trait Words: Send + Sync + 'static {
    /// What a caller reads.
    fn told(&self, fault: &Fault) -> Told;
}

/// What all requests have in common.
pub(crate) struct Shared {
    pub(crate) port: u16,
    pub(crate) token: Token,
    pub(crate) queue: Queue,
    pub(crate) words: Box<dyn Words>,
}

/// A server that listens, but has not begun to answer.
pub struct Server {
    listener: TcpListener,
    /// The same port of IPv6, where there is one and it is free.
    second: Option<TcpListener>,
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on the loopback addresses; port 0 lets the system choose.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn bind(port: u16, answerer: Arc<dyn Answerer>, words: Box<dyn Words>) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        Ok(Server {
            second: TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok(),
            listener,
            shared: Arc::new(Shared {
                port,
                token: Token::random()?,
                queue: Queue::start(answerer),
                words,
            }),
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// What a caller has to know.
    pub fn token(&self) -> &Token {
        &self.shared.token
    }

    /// Answers until `stop` comes; requests at work then are still answered.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (stopping, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await;
                (accept(&self.listener, self.second.as_ref()).await, place)
            };
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                (accepted, place) = next => match accepted {
                    Ok(stream) => {
                        let (shared, stopped) = (self.shared.clone(), stopped.clone());
                        connections.spawn(async move {
                            let _place = place;
                            connection(stream, shared, stopped).await;
                        });
                    }
                    // Out of file handles, for example: they come back.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
            }
        }
        drop((self.listener, self.second, stopping));
        // Whoever is not done by then is let go.
        let _ = timeout(STOP_TIME, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
    }
}

async fn accept(listener: &TcpListener, second: Option<&TcpListener>) -> io::Result<TcpStream> {
    let other = async {
        match second {
            Some(second) => second.accept().await,
            None => std::future::pending().await,
        }
    };
    let (stream, _) = tokio::select! {
        accepted = listener.accept() => accepted?,
        accepted = other => accepted?,
    };
    Ok(stream)
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let service = service_fn(|request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD)
        .max_headers(HEADERS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // A caller that hangs up or sends nonsense is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => {}
        () = tokio::time::sleep(CONNECTION_TIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_REQUEST_TIME, connection).await;
}

/// Between two looks at whether to go on.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Listens and answers until the user or the system wants it to stop, or `go_on` says no, which is told every now and
/// then how many texts were answered. `ready` is told port and token.
///
/// # Errors
/// When the port is taken, or the system has no threads or random numbers.
pub fn run(
    port: u16,
    answerer: Arc<dyn Answerer>,
    words: Box<dyn Words>,
    ready: impl FnOnce(u16, &Token),
    go_on: &mut dyn FnMut(u64) -> bool,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = Server::bind(port, answerer, words).await?;
        let stop = stop_signal()?;
        ready(server.port(), server.token());
        let queue = server.shared.queue.clone();
        let unwanted = async {
            while go_on(queue.answered()) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let stop = async {
            tokio::select! {
                () = stop => {}
                () = unwanted => {}
            }
        };
        server.serve(stop).await;
        Ok(())
    })
}

/// Comes when the user presses Ctrl+C, or the system ends the program.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut end = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = end.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without a way to hear of it, the system ends the program itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

//! An HTTP/1.1 server over a real socket. It gives the answers that a test asks for, faults included, and keeps all
//! requests.

use std::{
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Answer, Records, Request, answer::message};

/// Timeout of a driver that waits for requests.
const LIMIT: Duration = Duration::from_secs(120);

type Script = dyn Fn(usize, &Request) -> Answer + Send + Sync;

/// A running server. Dropping it closes all connections.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    requests: Vec<Request>,
    /// Handles of the connections, each until it is closed.
    connections: Vec<Option<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Accepts everything, as Tinybird does.
    pub(crate) fn accepting() -> Self {
        Self::answering(|_, request| Answer::accepted(request.body.lines().count(), 0))
    }

    /// Gives every request the same answer.
    pub(crate) fn always(answer: Answer) -> Self {
        Self::answering(move |_, _| answer.clone())
    }

    /// Gives the n-th request, from 0, the n-th answer, and accepts later requests.
    pub(crate) fn in_turn(answers: impl Into<Vec<Answer>>) -> Self {
        let answers = answers.into();
        Self::answering(move |n, request| {
            let accepted = || Answer::accepted(request.body.lines().count(), 0);
            answers.get(n).cloned().unwrap_or_else(accepted)
        })
    }

    /// Calls the script for the answer to the n-th request, from 0.
    pub(crate) fn answering(
        script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(Arc::new(script)))
    }

    /// Accepts connections and reads nothing.
    pub(crate) fn deaf() -> Self {
        Self::start(None)
    }

    fn start(script: Option<Arc<Script>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.lock().stopped {
                    break;
                }
                accepting.connect(stream, script.as_ref());
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns all requests so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// Returns all records so far, each checked against the schema.
    pub(crate) fn records(&self) -> Records {
        Records(self.requests().iter().flat_map(|request| request.records().0).collect())
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Waits until this many requests have arrived.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Request> {
        self.wait_until(|requests| requests.len() >= count)
    }

    /// Waits until every connection is closed or was answered with silence. Then no request of an ended process can
    /// still arrive.
    pub(crate) fn wait_until_closed(&self) {
        let state = self.shared.lock();
        let open = |state: &mut State| state.connections.iter().any(Option::is_some);
        let waited = self.shared.changed.wait_timeout_while(state, LIMIT, open).expect("see lock");
        let timed_out = waited.1.timed_out();
        drop(waited);
        assert!(!timed_out, "a connection stays open");
    }

    /// Waits until the requests satisfy `wanted`.
    pub(crate) fn wait_until(&self, wanted: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let unwanted = |state: &mut State| !wanted(&state.requests);
        let state = self.shared.lock();
        let (state, timeout) =
            self.shared.changed.wait_timeout_while(state, LIMIT, unwanted).expect("see lock");
        let requests = state.requests.clone();
        drop(state);
        assert!(!timeout.timed_out(), "only this came: {requests:#?}");
        requests
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        // Wakes the acceptor, which sees that the server has stopped.
        let _ = TcpStream::connect(self.address);
        let _ = self.acceptor.take().map(JoinHandle::join);
        let (connections, threads) = {
            let mut state = self.shared.lock();
            (std::mem::take(&mut state.connections), std::mem::take(&mut state.threads))
        };
        for connection in connections.into_iter().flatten() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panics under this lock")
    }

    fn connect(self: &Arc<Self>, stream: TcpStream, script: Option<&Arc<Script>>) {
        let mut state = self.lock();
        let connection = state.connections.len();
        state.connections.push(Some(stream.try_clone().expect("a socket can be shared")));
        if let Some(script) = script.cloned() {
            let shared = Arc::clone(self);
            state.threads.push(thread::spawn(move || {
                // A client that closes its connection ends only this conversation.
                let _ = shared.converse(stream, connection, &*script);
                // Both handles are dropped here, which closes the socket, or resets it if a byte is unread.
                if let Some(open) = shared.lock().connections.get_mut(connection) {
                    *open = None;
                }
                shared.changed.notify_all();
            }));
        }
    }

    fn converse(
        &self,
        mut stream: TcpStream,
        connection: usize,
        script: &Script,
    ) -> io::Result<()> {
        while let Some(request) = Request::peek(&mut stream, connection)? {
            let number = {
                let mut state = self.lock();
                state.requests.push(request.clone());
                state.requests.len() - 1
            };
            self.changed.notify_all();
            if request.method == "CONNECT" {
                // The server also plays the target behind the proxy's tunnel.
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
                continue;
            }
            let answer = script(number, &request);
            if matches!(answer, Answer::Reset) {
                break;
            }
            request.take(&mut stream)?;
            if matches!(answer, Answer::Silence) {
                // Nothing more is read from this connection.
                self.lock().connections[connection] = None;
                self.changed.notify_all();
            }
            if !self.answer(&mut stream, answer)? {
                break;
            }
        }
        Ok(())
    }

    /// Sends an answer. Returns whether the connection stays open.
    fn answer(&self, stream: &mut TcpStream, answer: Answer) -> io::Result<bool> {
        match answer {
            Answer::Reply { status, headers, body } => {
                stream.write_all(message(status, &headers, &body).as_bytes())?;
            }
            Answer::Last { headers } => {
                stream.write_all(message(202, &headers, "{}").as_bytes())?;
                return Ok(false);
            }
            Answer::After(delay, answer) => {
                self.pause(delay);
                return self.answer(stream, *answer);
            }
            Answer::Drip(pause) => {
                for byte in message(202, &[], "{}").bytes() {
                    stream.write_all(&[byte])?;
                    self.pause(pause);
                }
            }
            Answer::CutShort => {
                let whole = message(202, &[], "{\"successful_rows\":1,\"quarantined_rows\":0}");
                stream.write_all(&whole.as_bytes()[..whole.len() - 12])?;
                return Ok(false);
            }
            Answer::Silence => {
                self.pause(Duration::from_secs(3600));
                return Ok(false);
            }
            Answer::Close | Answer::Reset => return Ok(false),
        }
        Ok(true)
    }

    /// Waits for this long, or until the server stops.
    fn pause(&self, pause: Duration) {
        let going = |state: &mut State| !state.stopped;
        drop(self.changed.wait_timeout_while(self.lock(), pause, going).expect("see lock"));
    }
}

/// A port without a listener, for as long as this is held. The port belongs to an open connection, so no other process
/// gets it.
pub(crate) struct Nobody {
    held: TcpStream,
    _far_end: TcpListener,
}

impl Nobody {
    pub(crate) fn listening() -> Self {
        let far_end = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = far_end.local_addr().expect("it is bound");
        let held = TcpStream::connect(address).expect("it listens");
        Self { held, _far_end: far_end }
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.held.local_addr().expect("it is connected"))
    }
}

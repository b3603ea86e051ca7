//! An endpoint that fails when a test asks for it, and remembers the records that it took.

use std::{
    io::Read,
    net::{Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::support::{Answer, Record, Records, Request, Server};

/// Behavior of an endpoint.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Up,
    /// Takes nothing, and gives this answer.
    Down(Answer),
    /// Takes the records, and gives this answer instead of an acknowledgement.
    Forgetful(Answer),
}

#[derive(Debug)]
struct Inner {
    state: State,
    taken: Vec<String>,
    requests: usize,
}

pub(crate) struct Endpoint {
    pub(crate) server: Server,
    shared: Arc<(Mutex<Inner>, Condvar)>,
}

impl Endpoint {
    pub(crate) fn new(state: State) -> Self {
        let inner = Mutex::new(Inner { state, taken: Vec::new(), requests: 0 });
        let shared = Arc::new((inner, Condvar::new()));
        let script = Arc::clone(&shared);
        let server = Server::answering(move |_, request| {
            let answer = lock(&script.0).answer(request);
            script.1.notify_all();
            answer
        });
        Self { server, shared }
    }

    /// Creates an endpoint that is up.
    pub(crate) fn up() -> Self {
        Self::new(State::Up)
    }

    /// Creates an endpoint that refuses every request with an answer that is not retried.
    pub(crate) fn down() -> Self {
        Self::new(State::Down(Answer::status(403)))
    }

    pub(crate) fn set(&self, state: State) {
        lock(&self.shared.0).state = state;
    }

    /// Takes all requests from now on, but none that an ended process sent before.
    pub(crate) fn recover(&self) {
        // When the server has closed this connection, it has read all earlier ones.
        let address = self.url().replace("http://", "");
        let mut last = TcpStream::connect(address).expect("it listens");
        last.shutdown(Shutdown::Write).expect("connected");
        let _ = last.read(&mut [0]);
        self.server.wait_until_closed();
        self.set(State::Up);
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the records in the order in which they were taken.
    pub(crate) fn taken(&self) -> Vec<Record> {
        let bodies = lock(&self.shared.0).taken.clone();
        bodies.iter().flat_map(|body| Records::parse(body).0).collect()
    }

    /// Returns the records that were taken, by request.
    pub(crate) fn requests_taken(&self) -> Vec<Vec<Record>> {
        let bodies = lock(&self.shared.0).taken.clone();
        bodies.iter().map(|body| Records::parse(body).0).collect()
    }

    /// Waits until this many records were taken.
    pub(crate) fn wait_for_taken(&self, count: usize) {
        self.wait_for(count, Inner::lines);
    }

    /// Waits until the endpoint has handled this many requests, which is later than their arrival.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait_for(count, |inner| inner.requests);
    }

    fn wait_for(&self, count: usize, reached: impl Fn(&Inner) -> usize) {
        const LIMIT: Duration = Duration::from_secs(60);
        let (inner, changed) = &*self.shared;
        let waited = changed.wait_timeout_while(lock(inner), LIMIT, |inner| reached(inner) < count);
        let inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        let reached = reached(&inner);
        drop(inner);
        assert!(reached >= count, "only {reached} of {count} came");
    }

    /// Returns the number of records taken, without parsing them.
    pub(crate) fn lines_taken(&self) -> usize {
        lock(&self.shared.0).lines()
    }
}

impl Inner {
    fn lines(&self) -> usize {
        self.taken.iter().map(|body| body.lines().count()).sum()
    }

    fn answer(&mut self, request: &Request) -> Answer {
        self.requests += 1;
        match self.state.clone() {
            State::Up => {
                self.taken.push(request.body.clone());
                Answer::accepted(request.body.lines().count(), 0)
            }
            State::Down(answer) => answer,
            State::Forgetful(answer) => {
                self.taken.push(request.body.clone());
                answer
            }
        }
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

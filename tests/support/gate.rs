//! A gate between a driver and the tests of the process that it started. The tests wait at the gate until the driver
//! opens it, so that no test has to sleep.

use std::{
    env,
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Timeout of either side.
const LIMIT: Duration = Duration::from_secs(120);

/// The driver's side of the gate.
pub(crate) struct Gate {
    address: SocketAddr,
    visitors: Option<Receiver<TcpStream>>,
    keeper: Option<JoinHandle<()>>,
}

impl Gate {
    /// Creates a closed gate.
    pub(crate) fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let (sender, visitors) = mpsc::channel();
        let keeper = thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                if sender.send(visitor).is_err() {
                    break;
                }
            }
        });
        Self { address, visitors: Some(visitors), keeper: Some(keeper) }
    }

    /// Returns the address of the gate, which tests get in a variable.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until this many tests are at the gate. They go on when the returned connections are dropped.
    #[must_use = "the tests go on when this is dropped"]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<TcpStream> {
        let visitors = self.visitors.as_ref().expect("there until the drop");
        (0..count).map(|_| visitors.recv_timeout(LIMIT).expect("a test at the gate")).collect()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.visitors.take());
        // Wakes the keeper, which finds that the channel is closed.
        let _ = TcpStream::connect(self.address);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Waits at the gate whose address the variable contains. Returns at once if the variable is unset, as in an ordinary
/// run.
pub(crate) fn pass(variable: &str) {
    let Ok(address) = env::var(variable) else {
        return;
    };
    let mut gate = TcpStream::connect(address).expect("the driver is there");
    gate.set_read_timeout(Some(LIMIT)).expect("the limit is not zero");
    let opened = gate.read(&mut [0]);
    assert!(matches!(opened, Ok(0)), "the gate did not open: {opened:?}");
}

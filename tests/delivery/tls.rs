//! Delivery over TLS to a server whose certificate comes from a private authority.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::{ServerConfig, ServerConnection, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tempfile::{TempDir, tempdir};

use crate::{
    assert_whole, suite, suite_to,
    support::{Finished, Run, Server},
};

/// Name of the private authority.
const AUTHORITY: &str = "resmon test authority";

/// File name by which OpenSSL finds a certificate of [`AUTHORITY`] in a directory: the output of
/// `openssl x509 -subject_hash`, and a number.
const HASHED: &str = "9a589fc8.0";

/// A server that speaks TLS, and the certificate of the authority that signed its own.
struct TlsServer {
    plain: Server,
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl TlsServer {
    /// Starts a server whose certificate is for `host`.
    fn new(host: &str) -> Self {
        let folder = tempdir().expect("a folder of our own");
        let config = Arc::new(configuration(host, &folder));
        let plain = Server::accepting();
        let behind = plain.url().replace("http://", "").parse().expect("the address of a server");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let acceptor = thread::spawn(move || {
            thread::scope(|scope| {
                for client in listener.incoming().flatten() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let config = Arc::clone(&config);
                    // A client that does not trust the certificate only ends its own connection.
                    scope.spawn(move || relay(&client, behind, config));
                }
            });
        });
        Self { plain, address, stopped, acceptor: Some(acceptor), folder }
    }

    fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the path of the authority's certificate.
    fn certificate(&self) -> PathBuf {
        self.directory().join(HASHED)
    }

    /// Returns the directory with the authority's certificate.
    fn directory(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }

    /// Returns a run of the suite that reports to this server and trusts the system's authorities only.
    fn suite(&self) -> Run {
        suite_to(&self.url())
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR")
            .env("RESMON_SPOOL_DIR", self.folder.path().join("spool"))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// Creates an authority and a certificate that it signed for `host`. Writes the authority's certificate into the
/// folder.
fn configuration(host: &str, folder: &TempDir) -> ServerConfig {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, AUTHORITY);
    let key = KeyPair::generate().expect("a key");
    let certificate = authority.self_signed(&key).expect("a certificate");
    let directory = folder.path().join("certificates");
    fs::create_dir(&directory).expect("a folder of our own");
    fs::write(directory.join(HASHED), certificate.pem()).expect("the disk is not full");

    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new([host.to_owned()]).expect("a host name");
    let certificate = server.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider's own versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key of this certificate")
}

/// Decrypts the client's bytes for the plain server, and encrypts the server's answers.
fn relay(client: &TcpStream, behind: SocketAddr, config: Arc<ServerConfig>) -> io::Result<()> {
    let plain = TcpStream::connect(behind)?;
    let tls = Mutex::new(ServerConnection::new(config).map_err(io::Error::other)?);
    thread::scope(|scope| {
        scope.spawn(|| {
            let result = encrypt(&plain, client, &tls);
            let _ = client.shutdown(Shutdown::Both);
            result
        });
        let result = decrypt(client, &plain, &tls);
        let _ = plain.shutdown(Shutdown::Both);
        result
    })
}

fn decrypt(
    mut client: &TcpStream,
    mut plain: &TcpStream,
    tls: &Mutex<ServerConnection>,
) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        let count = client.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut received = &buffer[..count];
        let mut text = Vec::new();
        let mut tls = tls.lock().expect("no panics under this lock");
        while !received.is_empty() {
            tls.read_tls(&mut received)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let start = text.len();
            text.resize(start + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut text[start..])?;
        }
        while tls.wants_write() {
            tls.write_tls(&mut client)?;
        }
        drop(tls);
        plain.write_all(&text)?;
    }
}

fn encrypt(
    mut plain: &TcpStream,
    mut client: &TcpStream,
    tls: &Mutex<ServerConnection>,
) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        let count = plain.read(&mut buffer)?;
        let mut tls = tls.lock().expect("no panics under this lock");
        if count == 0 {
            tls.send_close_notify();
        } else {
            tls.writer().write_all(&buffer[..count])?;
        }
        while tls.wants_write() {
            tls.write_tls(&mut client)?;
        }
        if count == 0 {
            return Ok(());
        }
    }
}

#[track_caller]
fn assert_delivered(server: &TlsServer, run: &Finished) {
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_whole(&server.plain.records(), 50);
}

/// Requires a warning that names the certificate as the problem, and that nothing was sent.
#[track_caller]
fn assert_refused(server: &TlsServer, run: &Finished) {
    let warnings = run.warnings();
    let url = server.url();
    let named = |warning: &&str| warning.contains(&url) && warning.contains("certificate");
    assert!(warnings.iter().any(named), "{}", run.stderr);
    assert_eq!(server.plain.requests().len(), 0);
}

#[test]
fn a_private_authority_can_be_named_by_its_file() {
    let server = TlsServer::new("127.0.0.1");
    let run = server.suite().env("SSL_CERT_FILE", server.certificate()).finish().exits(0);
    assert_delivered(&server, &run);
}

#[test]
fn a_private_authority_can_be_named_by_its_directory() {
    let server = TlsServer::new("127.0.0.1");
    let run = server.suite().env("SSL_CERT_DIR", server.directory()).finish().exits(0);
    assert_delivered(&server, &run);
}

#[test]
fn an_unknown_authority_is_refused_and_records_are_kept() {
    let server = TlsServer::new("127.0.0.1");
    let run = server.suite().finish().exits(0);
    assert_refused(&server, &run);
    assert!(run.warnings().iter().any(|warning| warning.contains("kept")), "{}", run.stderr);
    // The next session trusts the authority, and the records of both sessions arrive.
    let run = server.suite().env("SSL_CERT_FILE", server.certificate()).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    let records = server.plain.records();
    assert_eq!(records.distinct("session_id").len(), 2);
    assert_eq!(records.0.len(), 2 * (suite::TESTS + 2));
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let server = TlsServer::new("elsewhere.invalid");
    let run = server.suite().env("SSL_CERT_FILE", server.certificate()).finish().exits(0);
    assert_refused(&server, &run);
}

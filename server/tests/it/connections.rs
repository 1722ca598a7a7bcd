//! Connections of clients: as many as there may be, and for as long as somebody asks.

use crate::app::TestApp;
use futures_util::FutureExt;
use server::config::Config;
use server::http::connections::{Allowance, answer_until};
use server::state::AppState;
use std::future::pending;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const KEPT: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

/// A connection on which a request was answered, and which is kept.
async fn keep(app: &TestApp) -> TcpStream {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(KEPT).await.unwrap();
    let mut bytes = [0; 12];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"HTTP/1.1 200");
    stream
}

/// Another server over the same engine.
async fn serve(
    app: &TestApp,
    stop: impl Future<Output = ()> + Send + 'static,
    allowance: Allowance,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = AppState::new(app.engine.clone(), Config::default());
    (address, tokio::spawn(answer_until(stop, listener, state, allowance).map(drop)))
}

#[tokio::test]
async fn who_comes_when_all_are_taken_is_told_to_come_back() {
    let app = TestApp::on_sqlite_with(|config| config.clients_max = 2).await;
    let kept = [keep(&app).await, keep(&app).await];
    let (status, text) = app.raw(&request("/v1/topics")).await;
    let head = text.to_lowercase();
    assert_eq!(status, 503, "{text}");
    for part in ["retry-after: 1\r\n", "x-request-id: ", "application/problem+json", "connection: close", "unavailable"]
    {
        assert!(head.contains(part), "{part}: {text}");
    }
    let (status, text) = app.raw(&request("/login")).await;
    assert!(status == 503 && text.contains("text/html"), "{text}");
    // Without being asked to, its connection is closed as well.
    assert_eq!(app.raw(b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n").await.0, 503);
    // Who watches over the server sees why.
    assert_eq!([app.raw(&request("/healthz")).await.0, app.raw(&request("/readyz")).await.0], [200, 200]);
    // Those that were refused may be ending still.
    let began = Instant::now();
    while !app.raw(&request("/metrics")).await.1.contains("\nreachline_client_connections 3\n") {
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    // Those that were kept are served, and make room when they end.
    let [mut first, second] = kept;
    first.write_all(&request("/v1/topics")).await.unwrap();
    let mut rest = String::new();
    first.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("HTTP/1.1 401"), "{rest}");
    let began = Instant::now();
    while app.raw(&request("/v1/topics")).await.0 == 503 {
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    drop(second);
    app.stop().await;
}

/// A request with a body of which only the beginning is sent, and what is sent then.
async fn answers(app: &TestApp, head: &str, body: &[u8], rest: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _ = stream.write_all(&[rest, &request("/healthz")].concat()).await;
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap().to_lowercase()
}

#[tokio::test]
async fn a_refusal_before_the_body_keeps_the_connection_or_says_that_it_ends() {
    let app = TestApp::on_sqlite().await;
    for path in ["/v1/events/helpline-display", "/v1/events/batch", "/v1/nothing", "/v1/topics"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000");
        let kept = answers(&app, &head, b"", &[b' '; 200_000]).await;
        assert!(kept.contains("\r\nhttp/1.1 200 ok") || kept.contains("}http/1.1 200 ok"), "{path}: {kept}");
        let chunked = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked");
        let kept = answers(&app, &chunked, b"3\r\nabc\r\n", b"1\r\nx\r\n0\r\n\r\n").await;
        assert!(kept.contains("http/1.1 200 ok"), "{path}: {kept}");
        // What does not come, is too much, or waits for a word, ends the connection.
        for (head, body) in [
            (head.clone(), b"abc".as_slice()),
            (head.replace("200000", "20000000"), b"abc"),
            (format!("{head}\r\nExpect: 100-continue"), b""),
        ] {
            let ended = answers(&app, &head, body, b"").await;
            let (first, _) = ended.split_once("\r\n\r\n").unwrap();
            assert!(first.contains("connection: close") && !ended.contains("100 continue"), "{path}: {ended}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_parted_with() {
    let app = TestApp::on_sqlite().await;
    let silent_max = Duration::from_millis(800);
    let (address, serving) = serve(&app, pending(), Allowance { silent_max, ..Allowance::of_clients(9) }).await;
    for sent in [b"".as_slice(), b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", KEPT] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let mut bytes = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
        assert!(ended.is_ok() && began.elapsed() >= silent_max, "{:?} after {:?}", sent, began.elapsed());
        assert_eq!(bytes.starts_with(b"HTTP/1.1 200"), sent == KEPT, "{bytes:?}");
    }
    // Who asks in time stays.
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..6 {
        tokio::time::sleep(silent_max / 4).await;
        stream.write_all(KEPT).await.unwrap();
        let mut bytes = [0; 4_096];
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..read].starts_with(b"HTTP/1.1 200"));
    }
    serving.abort();
    app.stop().await;
}

#[tokio::test]
async fn told_to_stop_it_ends_what_is_idle_and_answers_what_it_took() {
    let app = TestApp::on_sqlite().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (address, serving) = serve(&app, async { stopped.await.unwrap() }, Allowance::of_clients(9)).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    busy.write_all(format!("{head}Content-Length: 3\r\n\r\na").as_bytes()).await.unwrap();
    // Both are taken.
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 9]).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err() && !serving.is_finished());
    busy.write_all(b"=b").await.unwrap();
    let mut text = String::new();
    busy.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    app.stop().await;
}

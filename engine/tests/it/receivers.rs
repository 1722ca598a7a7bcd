//! Who gets messages: a mail server and an endpoint of webhooks, both real, on this machine.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use mailin::response::{AUTH_OK, INTERNAL_ERROR, INVALID_CREDENTIALS, NO_MAILBOX, OK};
use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What came for somebody.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    pub login: Option<String>,
    pub from: String,
    pub to: Vec<String>,
    pub data: Vec<u8>,
}

/// A mail server. It knows nobody whose name begins with `unknown`, and those of `busy` only later.
pub struct MailServer {
    pub port: u16,
    letters: Arc<Mutex<Vec<Letter>>>,
}

#[derive(Clone, Default)]
struct Postbox {
    letter: Letter,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Handler for Postbox {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        from.clone_into(&mut self.letter.from);
        OK
    }
    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("unknown") {
            return NO_MAILBOX;
        }
        if to.starts_with("busy") {
            return INTERNAL_ERROR;
        }
        self.letter.to.push(to.to_owned());
        OK
    }
    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.letter.data.extend(line);
        Ok(())
    }
    fn data_end(&mut self) -> Response {
        self.letters.lock().unwrap().push(std::mem::take(&mut self.letter));
        OK
    }
    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.letter.login = Some(user.to_owned());
        if password == "pass@word" { AUTH_OK } else { INVALID_CREDENTIALS }
    }
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), letters: Arc::default() };
        let letters = server.letters.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let postbox = Postbox { letter: Letter::default(), letters: letters.clone() };
                std::thread::spawn(move || converse(stream.unwrap(), postbox));
            }
        });
        server
    }

    /// As it is set for the engine, with a name and password.
    pub fn url(&self) -> String {
        format!("smtp://reachline:pass%40word@127.0.0.1:{}", self.port)
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }
}

fn converse(mut stream: TcpStream, postbox: Postbox) -> std::io::Result<()> {
    let mut builder = SessionBuilder::new("mail.example.org");
    let builder = builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
    let mut session = builder.build(stream.peer_addr()?.ip(), postbox);
    let mut lines = BufReader::new(stream.try_clone()?);
    stream.write_all(&session.greeting().buffer()?)?;
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let response = session.process(&line);
        match response.action {
            Action::NoReply => {}
            Action::Close => return stream.write_all(&response.buffer()?),
            Action::Reply | Action::UpgradeTls => stream.write_all(&response.buffer()?)?,
        }
    }
}

/// A call that an endpoint got.
#[derive(Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    /// Verifies the call as a receiver does that follows the specification.
    pub fn verifies(&self, secret: &str) -> bool {
        standardwebhooks::Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Status(u16),
    /// Leads elsewhere.
    Redirect,
    /// Says more than anybody wants to know.
    Chatter,
    /// Never.
    Never,
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

/// An endpoint of webhooks. Without other instructions it answers 204.
pub struct Endpoint {
    pub port: u16,
    script: Script,
}

impl Endpoint {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self { port: listener.local_addr().unwrap().port(), script: Script::default() };
        let router = Router::new().fallback(answer).with_state(endpoint.script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        endpoint
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks?of=alerts", self.port)
    }

    /// What is answered next, in turn.
    pub fn will_answer(&self, answers: &[Answer]) {
        self.script.answers.lock().unwrap().extend(answers);
    }

    pub fn received(&self) -> Vec<Received> {
        self.script.received.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Script>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    script.received.lock().unwrap().push(Received { headers, body });
    let next = script.answers.lock().unwrap().pop_front();
    match next.unwrap_or(Answer::Status(204)) {
        Answer::Status(status) => (StatusCode::from_u16(status).unwrap(), "as\u{7} told").into_response(),
        Answer::Redirect => (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response(),
        Answer::Chatter => (StatusCode::INTERNAL_SERVER_ERROR, "x".repeat(10_000_000)).into_response(),
        Answer::Never => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::OK.into_response()
        }
    }
}

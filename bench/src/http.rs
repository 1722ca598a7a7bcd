//! A client for HTTP/1.1 that costs little: it shares two cores with the server that it measures.
//!
//! It knows what Reachline's answers look like (a `Content-Length`, no chunks) and fails on anything else.

use crate::Failure;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for an answer's head and a small body; grows for larger ones.
const BUFFER_BYTES: usize = 16 * 1024;
/// Longer answers are a mistake.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One connection, kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, in the connection's buffer.
#[derive(Debug)]
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    /// Connects, without Nagle's delay.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends the bytes of a request and waits for its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += self.read(filled).await?;
            if let Some(head) = Head::parse(&self.buffer[..filled])? {
                break head;
            }
        };
        let end = head.body_at + head.body_bytes;
        if end > ANSWER_BYTES_MAX {
            return Err("an answer is too long".into());
        }
        if end > self.buffer.len() {
            self.buffer.resize(end, 0);
        }
        while filled < end {
            filled += self.read(filled).await?;
        }
        Ok(Answer { status: head.status, body: &self.buffer[head.body_at..end] })
    }

    async fn read(&mut self, filled: usize) -> Result<usize, Failure> {
        if filled == self.buffer.len() {
            return Err("an answer's head is too long".into());
        }
        match self.stream.read(&mut self.buffer[filled..]).await? {
            0 => Err("the server closed a connection".into()),
            count => Ok(count),
        }
    }

    /// `GET path` with a token, answered with 200.
    pub async fn get(&mut self, path: &str, token: &str) -> Result<&[u8], Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n");
        let answer = self.exchange(request.as_bytes()).await?;
        answer.expect(path, 200)
    }
}

impl<'a> Answer<'a> {
    /// The body, if the status is this one.
    pub fn expect(&self, what: &str, status: u16) -> Result<&'a [u8], Failure> {
        if self.status == status {
            return Ok(self.body);
        }
        Err(format!("{what} was answered {}: {}", self.status, String::from_utf8_lossy(self.body)).into())
    }
}

struct Head {
    status: u16,
    body_at: usize,
    body_bytes: usize,
}

impl Head {
    /// The head, once all of it is there.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end])?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)).ok_or("an answer without status")?.parse()?;
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim())
        });
        let body_bytes = match length {
            Some(length) => length.parse()?,
            None if status == 204 => 0,
            None => return Err("an answer without Content-Length".into()),
        };
        Ok(Some(Self { status, body_at: end + 4, body_bytes }))
    }
}

/// An access token by client credentials.
pub async fn token(address: SocketAddr, client_id: &str, secret: &str) -> Result<String, Failure> {
    let body = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
    let length = body.len();
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(request.as_bytes()).await?;
    let json: serde_json::Value = serde_json::from_slice(answer.expect("/oauth/token", 200)?)?;
    Ok(json["access_token"].as_str().ok_or("no access token")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let head = |text: &str| Head::parse(text.as_bytes()).unwrap().map(|h| (h.status, h.body_at, h.body_bytes));
        assert_eq!(head("HTTP/1.1 202 Accepted\r\nx: 1\r\n"), None);
        assert_eq!(head("HTTP/1.1 202 Accepted\r\nContent-length: 7\r\n\r\n{"), Some((202, 44, 7)));
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}

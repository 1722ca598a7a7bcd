//! What is left of a request's body when the answer is there before its end, as with a refusal by the head alone.
//!
//! A client that keeps its connection sends its next request behind that rest. So the rest is read and dropped; where it is
//! too much, or does not come, the answer says that the connection closes after it. (Hyper closes it by itself then, but
//! once the answer's head is written, so that the client's next request would run into it.)

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// How much of a rest is read, in bytes: a batch, and what a chunked body has around it.
const DROPPED_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How long a rest may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(1);

/// The rest of the body of one request, once nobody reads it any more.
pub struct Unread(Option<Lending>);

struct Lending {
    place: Place,
    /// Whether the client waits for a word before it sends the body.
    asks_to_continue: bool,
}

/// Where a body is put back that was not read to its end.
type Place = Arc<Mutex<Option<Body>>>;

/// A body that is lent to whoever handles the request.
struct Lent {
    body: Option<Body>,
    place: Place,
}

impl Unread {
    /// Keeps an eye on a request's body.
    pub fn of(request: Request<Body>) -> (Self, Request<Body>) {
        if request.body().is_end_stream() {
            return (Self(None), request);
        }
        let place = Place::default();
        let asks_to_continue = request.headers().contains_key(EXPECT);
        let request = request.map(|body| Body::new(Lent { body: Some(body), place: place.clone() }));
        (Self(Some(Lending { place, asks_to_continue })), request)
    }

    /// Reads what nobody read, or has the answer say that the connection closes.
    pub async fn settle(self, answer: &mut HeaderMap) {
        let Some(Lending { place, asks_to_continue }) = self.0 else { return };
        let Some(rest) = place.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        // Whoever asks whether to send the body would take reading it for a yes.
        if asks_to_continue || !is_read(rest).await {
            answer.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Reads a rest to its end, if that is near.
async fn is_read(mut rest: Body) -> bool {
    if rest.size_hint().lower() > DROPPED_BYTES_MAX as u64 {
        return false;
    }
    let all = async {
        let mut bytes = 0;
        while let Some(frame) = rest.frame().await {
            let Ok(frame) = frame else { return false };
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DROPPED_BYTES_MAX {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(ARRIVAL_MAX, all).await.unwrap_or(false)
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(rest) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
    }
}

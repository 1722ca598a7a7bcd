//! Request bodies: read up to a named limit, of a known media type.

use crate::http::encoding::Encoding;
use crate::http::error::{ApiError, Malformed};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use std::time::Duration;

/// Largest body of one event, in bytes.
pub const EVENT_BYTES_MAX: usize = 16 * 1024;
/// Largest body of a batch of events, in bytes.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Largest body of a token request, in bytes.
pub const TOKEN_REQUEST_BYTES_MAX: usize = 8 * 1024;
/// How long a body may take to arrive: whoever sends it more slowly would keep its place from others.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// Reads a body of at most `bytes_max` bytes.
///
/// # Errors
/// [`ApiError::BodyTooLarge`], before reading if the length is announced; [`ApiError::MalformedJson`] if the body
/// breaks off; [`ApiError::BodyTooSlow`] if it takes longer than half a minute.
pub async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    read_within(ARRIVAL_MAX, headers, body, bytes_max).await
}

async fn read_within(
    arrival_max: Duration,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(ApiError::BodyTooLarge { bytes_max });
    }
    let seconds_max = arrival_max.as_secs();
    tokio::time::timeout(arrival_max, gather(body, bytes_max))
        .await
        .unwrap_or(Err(ApiError::BodyTooSlow { seconds_max }))
}

/// Puts a body together. What comes in one piece, as nearly all do, is passed on as it is; pieces are copied, as each kept
/// for itself would take dozens of bytes, however small it is.
async fn gather(mut body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::MalformedJson(Malformed::BrokenOff))?;
        let Ok(piece) = frame.into_data() else { continue };
        if first.len() + whole.len() + piece.len() > bytes_max {
            return Err(ApiError::BodyTooLarge { bytes_max });
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&piece);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Reads a body that may be compressed. `bytes_max` holds for what is sent and for what it decompresses to.
///
/// # Errors
/// Those of [`read`], [`Encoding::of`] and [`Encoding::decode`].
pub async fn read_encoded(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let encoding = Encoding::of(headers)?;
    encoding.decode(read(headers, body, bytes_max).await?, bytes_max)
}

/// The media type of a body, without its parameters, in lower case; `None` if it is missing, not plain, or in
/// another charset than UTF-8.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let mut parts = line.to_str().ok()?.split(';').map(str::trim);
    let essence = parts.next()?.to_ascii_lowercase();
    let is_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    };
    parts.all(is_utf8).then_some(essence)
}

/// Whether a media type is JSON: `application/json` or one that ends in `+json`.
#[must_use]
pub fn is_json(essence: &str) -> bool {
    let structured = |rest: &str| rest.len() > "+json".len() && rest.ends_with("+json");
    essence == "application/json" || essence.strip_prefix("application/").is_some_and(structured)
}

/// Whether a media type is JSON on each line.
#[must_use]
pub fn is_json_lines(essence: &str) -> bool {
    matches!(essence, "application/x-ndjson" | "application/ndjson")
}

/// Whether a JSON text can only be an object.
#[must_use]
pub fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let read = read_within(Duration::from_millis(5), &HeaderMap::new(), Body::from_stream(never), 10).await;
        assert!(matches!(read, Err(ApiError::BodyTooSlow { .. })));
    }

    #[tokio::test]
    async fn pieces_are_put_together_up_to_the_limit() {
        for pieces in [&["abc"][..], &["", "ab", "", "c"], &["a", "b", "c"]] {
            let body = || {
                let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(*piece))).collect();
                Body::from_stream(futures_util::stream::iter(pieces))
            };
            assert_eq!(read(&HeaderMap::new(), body(), 3).await.unwrap(), "abc");
            assert_eq!(read(&HeaderMap::new(), body(), 2).await, Err(ApiError::BodyTooLarge { bytes_max: 2 }));
        }
        assert_eq!(read(&HeaderMap::new(), Body::empty(), 3).await.unwrap(), "");
    }

    #[test]
    fn media_types() {
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, text.parse().unwrap())]);
            media_type(&headers).is_some_and(|essence| is_json(&essence))
        };
        for json in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/event+json; profile=x",
        ] {
            assert!(of(json), "{json}");
        }
        for other in ["text/json", "application/json; charset=utf-16", "application/+json", "json", "", "text/plain"] {
            assert!(!of(other), "{other}");
        }
        assert_eq!(media_type(&HeaderMap::new()), None);
    }
}

//! The site's files (wasm, script, style), which travel inside the binary, compressed ahead of time.
//!
//! `build.rs` makes the table of what `make build` has put together. Every name carries a hash of the content, so
//! browsers may keep a file for ever, and pages learn the names from [`site`].

use app::Site;
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::config::LeptosOptions;

use table::FILES;

/// The table that `build.rs` writes.
mod table {
    #[allow(unused_imports, reason = "the table may be empty")]
    use super::{File, Role};

    include!(concat!(env!("OUT_DIR"), "/site.rs"));
}

/// A year, the longest that caches regard.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "which of them are made depends on what build.rs found")]
enum Role {
    Script,
    Wasm,
    Style,
    Icon,
    /// What a style sheet refers to.
    Other,
}

/// One file of the site.
#[derive(Debug)]
struct File {
    role: Role,
    url: &'static str,
    content_type: &'static str,
    identity: &'static [u8],
    /// Absent where it would not be smaller.
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// How an answer's body is encoded; the better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

/// Where the browser finds the site's files: what `app::shell` links to.
#[must_use]
pub fn site() -> Site {
    let url = |role| FILES.iter().find(|file| file.role == role).map(|file| file.url);
    match (url(Role::Script), url(Role::Wasm), url(Role::Style)) {
        (Some(script), Some(wasm), Some(style)) => Site::Embedded { script, wasm, style, icon: url(Role::Icon) },
        // `cargo leptos` sets this while it compiles.
        _ if option_env!("LEPTOS_OUTPUT_NAME").is_some() => Site::Watched,
        _ => Site::Absent,
    }
}

/// The routes of the site's files: `/assets/{name}` and, under `cargo leptos watch`, its directory.
pub fn routes<S: Clone + Send + Sync + 'static>(options: &LeptosOptions) -> Router<S> {
    let routes = Router::new().route("/assets/{name}", get(serve));
    if site() == Site::Watched {
        let path = leptos_axum::site_pkg_dir_service_route_path(options);
        return routes.route_service(&path, leptos_axum::site_pkg_dir_service(options));
    }
    routes
}

/// Answers `GET /assets/{name}`.
async fn serve(Path(name): Path<String>, request: HeaderMap) -> Response {
    let found = FILES.iter().find(|file| file.url.strip_prefix("/assets/") == Some(name.as_str()));
    match found {
        Some(file) => answer(file, &request),
        None => (StatusCode::NOT_FOUND, "There is no such file.").into_response(),
    }
}

/// The file in the encoding that the browser likes best, or 304 if it has it.
fn answer(file: &File, request: &HeaderMap) -> Response {
    let (encoding, body) = choose(file, request);
    // The name tells the content and the suffix the encoding: together what a strong validator must.
    let etag = format!("\"{}.{}\"", file.url.trim_start_matches("/assets/"), encoding.name());
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    if has_current(request, &etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    if encoding != Encoding::Identity {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
    (headers, body).into_response()
}

/// The best encoding of `file` that the request accepts (RFC 9110 §12.5.3), and its bytes.
///
/// Identity where nothing else fits, even if the request refuses it: an answer that may work beats 406.
fn choose(file: &File, request: &HeaderMap) -> (Encoding, &'static [u8]) {
    let mut best = (Encoding::Identity, file.identity);
    let mut best_quality = 0;
    let compressed = [(Encoding::Brotli, file.brotli), (Encoding::Gzip, file.gzip)];
    for (encoding, bytes) in compressed {
        let quality = quality_permille(request, encoding);
        if let Some(bytes) = bytes.filter(|_| quality > best_quality) {
            (best, best_quality) = ((encoding, bytes), quality);
        }
    }
    best
}

/// How much the request likes an encoding, in thousandths: 0 is not at all.
fn quality_permille(request: &HeaderMap, encoding: Encoding) -> u16 {
    let mut wildcard = 0;
    for element in elements(request, &header::ACCEPT_ENCODING) {
        let mut parts = element.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = weight.map_or(1000, permille);
        if coding.eq_ignore_ascii_case(encoding.name()) {
            return quality;
        }
        if coding == "*" {
            wildcard = quality;
        }
    }
    wildcard
}

/// A weight such as `0.8` in thousandths; 0 for what is none.
fn permille(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    match (whole, digits) {
        ("1", true) => 1000,
        ("0", true) => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Whether `If-None-Match` names the file as it would be sent.
fn has_current(request: &HeaderMap, etag: &str) -> bool {
    elements(request, &header::IF_NONE_MATCH).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// The comma-separated elements of all headers of a name.
fn elements<'a>(request: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    request
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File {
        role: Role::Script,
        url: "/assets/reachline-0123.js",
        content_type: "text/javascript; charset=utf-8",
        identity: b"identity",
        brotli: Some(b"brotli"),
        gzip: Some(b"gzip"),
    };

    fn request(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn chosen(file: &File, accept: &'static str) -> &'static str {
        choose(file, &request(&[(header::ACCEPT_ENCODING, accept)])).0.name()
    }

    #[test]
    fn takes_the_encoding_that_the_request_likes_best() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, deflate", "gzip"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0.8, gzip;q=0.8", "br"),
            ("br;q=0, gzip", "gzip"),
            ("GZIP ; q=1.000", "gzip"),
            ("*", "br"),
            ("br;q=0, *;q=0.1", "gzip"),
            ("*;q=0", "identity"),
            ("identity", "identity"),
            ("deflate", "identity"),
            ("", "identity"),
            ("br;q=2, gzip;q=nonsense", "identity"),
        ] {
            assert_eq!(chosen(&FILE, accept), expected, "{accept}");
        }
        assert_eq!(choose(&FILE, &HeaderMap::new()).0, Encoding::Identity);
    }

    #[test]
    fn reads_several_headers_of_one_name_as_one() {
        let mut headers = request(&[(header::ACCEPT_ENCODING, "deflate")]);
        headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(choose(&FILE, &headers).0, Encoding::Gzip);
    }

    #[test]
    fn sends_what_does_not_compress_as_it_is() {
        let plain = File { brotli: None, gzip: None, ..FILE };
        assert_eq!(chosen(&plain, "br, gzip"), "identity");
        let gzip_only = File { brotli: None, ..FILE };
        assert_eq!(chosen(&gzip_only, "br, gzip;q=0.1"), "gzip");
    }

    #[test]
    fn answers_with_what_caches_need() {
        let answer = answer(&FILE, &request(&[(header::ACCEPT_ENCODING, "br")]));
        assert_eq!(answer.status(), StatusCode::OK);
        let expected = [
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::CONTENT_ENCODING, "br"),
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (header::ETAG, "\"reachline-0123.js.br\""),
            (header::VARY, "accept-encoding"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.headers()[&name], value, "{name}");
        }
        let identity = super::answer(&FILE, &HeaderMap::new());
        assert!(!identity.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[test]
    fn sends_nothing_that_the_browser_has() {
        for (tag, expected) in [
            ("\"reachline-0123.js.br\"", StatusCode::NOT_MODIFIED),
            ("\"other\", W/\"reachline-0123.js.br\"", StatusCode::NOT_MODIFIED),
            ("*", StatusCode::NOT_MODIFIED),
            ("\"reachline-0123.js.gzip\"", StatusCode::OK),
        ] {
            let answer = answer(&FILE, &request(&[(header::ACCEPT_ENCODING, "br"), (header::IF_NONE_MATCH, tag)]));
            assert_eq!(answer.status(), expected, "{tag}");
            assert_eq!(answer.headers()[header::CACHE_CONTROL], CACHE_CONTROL, "{tag}");
        }
    }

    #[tokio::test]
    async fn knows_no_other_files() {
        for name in ["", "reachline.js", "../Cargo.toml", "%2e%2e"] {
            let answer = serve(Path(name.to_owned()), HeaderMap::new()).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn every_file_of_the_site_is_found_under_its_url() {
        for file in FILES {
            assert!(file.url.starts_with("/assets/"), "{}", file.url);
            assert!(!file.identity.is_empty(), "{}", file.url);
        }
    }
}

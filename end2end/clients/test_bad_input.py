"""Whatever is sent: a clear refusal of a documented form, never a 5xx, and nothing of it is stored."""

import http.client
import json
import random
import socket
import string
import time
import urllib.parse

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import figures
import oracle
import reachline
from problems import check_answer, check_oauth_error, check_problem

DISPLAY, CLICK = "/v1/events/helpline-display", "/v1/events/helpline-click"
ALIASES = {DISPLAY: "/v1/events/helpline_display", CLICK: "/v1/events/helpline_click"}
HELPLINE = next(iter(oracle.CONFIG["helplines"]))
EVENT_BYTES_MAX = 16 * 1024
TOKEN_BYTES_MAX = 8 * 1024
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
QUESTION = {"from": "2026-11-01", "to": "2026-11-30"}
CATALOGUE = ("/v1/helplines", f"/v1/helplines/{HELPLINE}", "/v1/countries", "/v1/topics")
ANALYTICS = ("/v1/analytics/summary", "/v1/analytics/timeseries", "/v1/analytics/breakdown")
FUZZ = settings(max_examples=150, deadline=None, derandomize=True, database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class World:
    """A server, a customer with one application, and a connection with its token."""

    def __init__(self, made):
        self.made = made
        figures.import_reference_helplines(made)
        self.customer = made.customer("Customer", "Asia/Kathmandu")
        self.application = made.application(self.customer, "web")
        self.client = made.client(made.token(self.application))
        # Of another customer, for the few tests whose events are taken.
        self.storing = made.client(made.token(made.application(made.customer(), "storing")))
        self.counted = 0
        self.credentials = {"grant_type": "client_credentials", "client_id": self.application.client_id,
                            "client_secret": self.application.client_secret}

    def gross(self):
        day = figures.stamp(figures.now_ms())[:10]
        query = {"from": figures.day_before(day, 3000), "to": figures.day_before(day, -600)}
        figures_ = self.client.get("/v1/analytics/summary", query).json["figures"]
        return figures_["gross_displays"] + figures_["gross_clicks"]


@pytest.fixture(scope="module", params=reachline.KINDS)
def world(request):
    with reachline.installation(request.param) as made:
        yield World(made)


@pytest.fixture(autouse=True)
def nothing_is_stored(world):
    """Everything that is sent with the first token is refused."""
    yield
    time.sleep(0.05)
    before, world.counted = world.counted, world.gross()
    assert world.counted == before, "something that was refused has been counted"


def event(path=CLICK, **changes):
    """A good event; a change to `...` leaves the member out."""
    whole = {"helpline_id": HELPLINE, "session_id": "s-1", "timestamp": figures.stamp(figures.now_ms())}
    if path == CLICK:
        whole["contact_method"] = "phone"
    return {name: value for name, value in (whole | changes).items() if value is not ...}


def nested(depth, opening="[", closing="]"):
    return opening * depth + closing * depth


# ------------------------------------------------------------------------------------------------ members of events

WRONG_TYPES = (0, 1.5, -1, 2**70, True, False, [], ["x"], {}, {"x": 1})
MEMBERS = ("helpline_id", "session_id", "timestamp", "contact_method")
CODE_MISSING = {"session_id": "session_id_missing"}
CODE_OF_TYPE = {"helpline_id": "helpline_unknown", "session_id": "session_id_missing", "timestamp": "timestamp_invalid",
                "contact_method": "contact_method_invalid"}


@pytest.mark.parametrize("path", [DISPLAY, CLICK, *ALIASES.values()])
def test_missing_members(world, path):
    of = [name for name in MEMBERS if name != "contact_method" or "click" in path]
    for absent in (..., None):
        for name in of:
            answer = world.client.post(path, event(CLICK, **{name: absent}))
            check_problem(answer, 422, "validation_failed", {name: CODE_MISSING.get(name, "field_missing")})
        answer = world.client.post(path, event(CLICK, **dict.fromkeys(of, absent)))
        check_problem(answer, 422, fields={name: CODE_MISSING.get(name, "field_missing") for name in of})


def test_members_of_wrong_types(world):
    for name in MEMBERS:
        for value in WRONG_TYPES:
            answer = world.client.post(CLICK, event(CLICK, **{name: value}))
            check_problem(answer, 422, "validation_failed", {name: CODE_OF_TYPE[name]})


def test_all_faults_at_once(world):
    answer = world.client.post(CLICK, event(CLICK, helpline_id="no-such", session_id="a@example.org",
                                            timestamp="yesterday", contact_method="pigeon"))
    check_problem(answer, 422, fields={"helpline_id": "helpline_unknown", "session_id": "session_id_personal",
                                       "timestamp": "timestamp_invalid", "contact_method": "contact_method_invalid"})
    answer = world.client.post(CLICK, event(CLICK, session_id="x" * 256, timestamp="2020-01-01T00:00:00Z"))
    check_problem(answer, 422, fields={"session_id": "session_id_too_long", "timestamp": "timestamp_too_old"})


@pytest.mark.parametrize("helpline", ["", " ", "no-such", HELPLINE.upper() + "x", f" {HELPLINE}", f"{HELPLINE} ",
                                      HELPLINE + "\0", "\0", "x" * 15_000, "' OR 1=1 --", "../1", "%00", "é" * 200])
def test_helpline_ids(world, helpline):
    check_problem(world.client.post(DISPLAY, event(DISPLAY, helpline_id=helpline)), 422,
                  fields={"helpline_id": "helpline_unknown"})


@pytest.mark.parametrize("session,code", [
    ("", "session_id_missing"), ("x" * 256, "session_id_too_long"), ("é" * 128, "session_id_too_long"),
    ("🙂" * 64, "session_id_too_long"), ("x" * 15_000, "session_id_too_long"),
    ("ann@example.org", "session_id_personal"), (" ann@example.org ", "session_id_personal"),
    ("ANN+tag@mail.example.co.uk", "session_id_personal"), ("+12025550123", "session_id_personal"),
    ("+1 202 555 0123", "session_id_personal"), ("+97714000000", "session_id_personal"),
    ("+12345678", "session_id_personal"), ("+123456789012345", "session_id_personal"),
    ("192.0.2.1", "session_id_personal"), ("2001:db8::1", "session_id_personal"), ("::ffff:192.0.2.1", "session_id_personal"),
    ("[2001:db8::1]", "session_id_personal"),
])
def test_session_ids(world, session, code):
    check_problem(world.client.post(DISPLAY, event(DISPLAY, session_id=session)), 422, fields={"session_id": code})


@pytest.mark.parametrize("stamp", [
    "", " ", "now", "2026-11-24", "2026-11-24T10:00:00", "2026-11-24T10:00Z", "2026-11-24T24:00:00Z",
    "2026-11-24T10:60:00Z", "2026-11-24T10:00:61Z", "2026-02-29T00:00:00Z", "2026-13-45T99:00:00Z",
    "2026-00-10T00:00:00Z", "0000-01-01T00:00:00Z", "2026-11-24T10:00:00.Z", "2026-11-24T10:00:00+24:00",
    "2026-11-24T10:00:00+0200", "2026-11-24T10:00:00+02", "2026-11-24T10:00:00+02:60", "2026-11-24T10:00:00 Z",
    " 2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z ", "2026-11-24T10:00:00Z\0", "+2026-11-24T10:00:00Z",
    "12026-11-24T10:00:00Z", "-2026-11-24T10:00:00Z", "２０２６-11-24T10:00:00Z", "1764000000", "1764000000000",
    "20261124T100000Z", "2026-W48-2T10:00:00Z", "2026-11-24T10:00:00,5Z", "2026-11-24T10:00:00Z[UTC]", "x" * 10_000,
    "2026-11-24T10:00:00." + "9" * 9_000, "2026-11-24T10:00:00" + "é", "2026-11-24X10:00:00Z",
])
def test_timestamps(world, stamp):
    check_problem(world.client.post(DISPLAY, event(DISPLAY, timestamp=stamp)), 422, fields={"timestamp": "timestamp_invalid"})


def test_the_window_of_time(world):
    now, day = figures.now_ms(), 86_400_000
    for at, code in ((now - 35 * day - 1_000, "timestamp_too_old"), (now + 320_000, "timestamp_in_future"),
                     (now - 4_000 * day, "timestamp_too_old"), (now + 4_000 * day, "timestamp_in_future")):
        answer = world.client.post(DISPLAY, event(DISPLAY, timestamp=figures.stamp(at)))
        check_problem(answer, 422, fields={"timestamp": code})
    for stamp, code in (("0001-01-01T00:00:00+23:59", "timestamp_too_old"), ("0001-01-01T00:00:00Z", "timestamp_too_old"),
                        ("9999-12-31T23:59:59-23:59", "timestamp_in_future"),
                        ("9999-12-31T23:59:59.999999999Z", "timestamp_in_future")):
        check_problem(world.client.post(DISPLAY, event(DISPLAY, timestamp=stamp)), 422, fields={"timestamp": code})


@pytest.mark.parametrize("method", ["", " ", "Phone", "PHONE", "phone ", "fax", "online chat", "carrier_pigeon",
                                    "phone\0", "x" * 10_000, "телефон"])
def test_contact_methods(world, method):
    check_problem(world.client.post(CLICK, event(CLICK, contact_method=method)), 422,
                  fields={"contact_method": "contact_method_invalid"})


# ------------------------------------------------------------------------------------------------ bodies

def bodies_that_are_no_json():
    good = json.dumps(event())
    return {
        "empty": b"", "spaces": b"   ", "text": b"hello", "null": b"null", "number": b"5", "string": b'"x"',
        "true": b"true", "empty array": b"[]", "array": f"[{good}]".encode(), "cut off": good[:-1].encode(),
        "more after it": good.encode() + b"x", "two": (good + good).encode(), "trailing comma": good[:-1].encode() + b",}",
        "single quotes": good.replace('"', "'").encode(), "comment": good.encode() + b"// x", "NaN": b'{"helpline_id": NaN}',
        "UTF-16": good.encode("utf-16"), "UTF-16 without a mark": good.encode("utf-16-le"), "UTF-32": good.encode("utf-32"),
        "Latin-1": good.replace("s-1", "s-é").encode("latin-1"), "invalid UTF-8": good.replace("s-1", "X").encode().replace(b"X", b"\xff\xfe"),
        "cut off UTF-8": good.replace("s-1", "X").encode().replace(b"X", b"\xf0\x9f\x99"),
        "surrogate in UTF-8": good.replace("s-1", "X").encode().replace(b"X", b"\xed\xa0\x80"),
        "overlong": good.replace("s-1", "X").encode().replace(b"X", b"\xc0\xaf"),
        "lone surrogate": good.replace("s-1", "\\ud800").encode(), "surrogates the wrong way round": good.replace("s-1", "\\udc00\\ud800").encode(),
        "NUL": b"\0" * 10, "NUL in a string": good.replace("s-1", "s\0").encode(), "newline in a string": good.replace("s-1", "s\n").encode(),
        "wrong escape": good.replace("s-1", "\\x41").encode(), "form": b"helpline_id=x&session_id=y",
        "deep arrays": nested(8_000).encode(), "values in the order of the members": json.dumps(list(event().values())).encode(),
        "values of a display": json.dumps(list(event(DISPLAY).values())).encode(),
        "unfinished depth": b"[" * 16_000, "gzip": b"\x1f\x8b\x08\x00" + b"\0" * 30, "xml": b"<event/>",
        "huge number": b'{"helpline_id": 1' + b"0" * 10_000 + b"}",
    }


@pytest.mark.parametrize("what", bodies_that_are_no_json())
def test_bodies_that_are_no_event(world, what):
    body = bodies_that_are_no_json()[what]
    for path in (DISPLAY, CLICK):
        answer = world.client.post(path, body, headers=JSON)
        check_problem(answer)
        # A huge number is JSON, but no text.
        assert answer.code() == "malformed_json" or (what == "huge number" and answer.status == 422), answer


def test_deep_nesting(world):
    """However deep: refused, or of an unknown member skipped; never a stack that overflows."""
    bad = json.dumps(event(helpline_id="no-such"))
    for body in ('{"a":' * 2_500 + "1" + "}" * 2_500, bad[:-1] + ', "x": ' + nested(7_000) + "}",
                 bad[:-1] + ', "x": ' + '{"a":[' * 1_500 + "]}" * 1_500 + "}",
                 *(json.dumps(event(**{name: "HERE"})).replace('"HERE"', nested(7_000)) for name in MEMBERS)):
        assert check_problem(world.client.post(CLICK, body.encode(), headers=JSON))["status"] in (400, 422)


def test_members_that_come_twice(world):
    """Two values for one member: which one was meant cannot be known."""
    good = json.dumps(event())
    for name in MEMBERS:
        twice = good[:-1] + f', "{name}": "other"}}'
        check_problem(world.client.post(CLICK, twice.encode(), headers=JSON))


def test_a_byte_order_mark_does_no_harm(world):
    check = world.storing.post(DISPLAY, b"\xef\xbb\xbf" + json.dumps(event(DISPLAY, session_id="bom")).encode(), headers=JSON)
    assert check.status == 202 or check_problem(check, 400, "malformed_json"), check


MEDIA_TYPES = {
    "none": None, "empty": "", "text": "text/plain", "form": "application/x-www-form-urlencoded", "xml": "application/xml",
    "multipart": "multipart/form-data; boundary=x", "UTF-16": "application/json; charset=utf-16",
    "Latin-1": "application/json; charset=iso-8859-1", "any": "*/*", "nonsense": ";;;", "text JSON": "text/json",
    "long": "application/" + "x" * 4_000,
}


@pytest.mark.parametrize("what", MEDIA_TYPES)
def test_media_types(world, what):
    headers = {"Content-Type": MEDIA_TYPES[what]} if MEDIA_TYPES[what] is not None else {}
    for path in (DISPLAY, CLICK):
        check_problem(world.client.post(path, json.dumps(event(path)).encode(), headers=headers), 415)


def test_content_encodings(world):
    for encoding in ("br", "deflate", "x", "gzip, gzip", "gzip, zstd"):
        answer = world.client.post(DISPLAY, json.dumps(event(DISPLAY)).encode(), headers=JSON | {"Content-Encoding": encoding})
        check_problem(answer, 415)
    for encoding in ("gzip", "zstd"):
        answer = world.client.post(DISPLAY, json.dumps(event(DISPLAY)).encode(), headers=JSON | {"Content-Encoding": encoding})
        check_problem(answer, 400, "malformed_json")


def sized(bytes_):
    whole = json.dumps(event(DISPLAY, padding=""))
    return whole.replace('"padding": ""', '"padding": "' + "x" * (bytes_ - len(whole)) + '"').encode()


def test_bodies_over_the_limit(world):
    for size in (EVENT_BYTES_MAX + 1, 100_000, 3_000_000):
        for path in (DISPLAY, CLICK):
            # The server may close the connection once it has answered.
            answer = upload(world, path, sized(size))
            check_problem(answer, 413, "body_too_large")


def upload(world, path, body, chunked=False, headers=JSON, token=...):
    """Posts a body that the server need not read to its end."""
    token = world.client.token if token is ... else token
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if chunked:
        head += "Transfer-Encoding: chunked\r\n\r\n"
        body = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 1000]), body[i:i + 1000]) for i in range(0, len(body), 1000))
        body += b"0\r\n\r\n"
    else:
        head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.made.port), timeout=20) as wire:
        try:
            wire.sendall(head.encode() + body)
        except OSError:
            pass  # it stopped reading
        return response_of(wire)


def response_of(wire):
    answer = http.client.HTTPResponse(wire, method="POST")
    answer.begin()
    content = answer.read()
    return reachline.Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)


def test_chunked_bodies_over_the_limit(world):
    for size in (EVENT_BYTES_MAX + 1, 500_000):
        check_problem(upload(world, DISPLAY, sized(size), chunked=True), 413, "body_too_large")


def test_chunked_bodies(world):
    """A body in chunks is as good as any; the largest allowed one, too."""
    for n, size in enumerate((300, EVENT_BYTES_MAX)):
        body = sized(size).replace(b'"s-1"', b'"c-%d"' % n)
        assert upload(world, DISPLAY, body, chunked=True, token=world.storing.token).status == 202
        assert upload(world, DISPLAY, body, chunked=False, token=world.storing.token).status == 202


RAW = {
    "no HTTP": b"hello\r\n\r\n",
    "a bad method": b"P\x00ST / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bad path": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is no UTF-8": b"GET /v1/helplines/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP of the future": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "too many headers": b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n",
    "a huge header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "a huge path": b"GET /" + b"y" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "length and chunks": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a huge length": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "bad chunks": b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
}


@pytest.mark.parametrize("what", RAW)
def test_requests_that_are_no_http(world, what):
    with socket.create_connection(("127.0.0.1", world.made.port), timeout=10) as wire:
        try:
            wire.sendall(RAW[what])
            wire.shutdown(socket.SHUT_WR)
            first = wire.recv(65_536)
        except OSError:
            first = b""
    assert not first or 200 <= int(first.split(b" ", 2)[1]) < 500, first[:300]
    assert world.client.get("/healthz").status == 200


def test_bodies_that_stop_in_the_middle(world):
    """A client that announces more than it sends: no event, and the server goes on."""
    for path in (DISPLAY, "/oauth/token"):
        with socket.create_connection(("127.0.0.1", world.made.port), timeout=10) as wire:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.client.token}\r\n"
            body = json.dumps(event(DISPLAY)).encode()
            wire.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body) + 5, body))
    assert world.client.get("/healthz").status == 200


# ------------------------------------------------------------------------------------------------ tokens

def test_tokens_that_are_missing_or_malformed(world):
    good = world.client.token
    routes = [("POST", DISPLAY), ("POST", CLICK), *(("GET", path) for path in CATALOGUE + ANALYTICS)]
    headers = {None: "token_missing", "": "token_missing", "Bearer": "token_missing", "Bearer ": "token_missing",
               "Basic eDp5": "token_missing", good: "token_missing", f"Token {good}": "token_missing",
               "Bearer x": "token_invalid", f"Bearer {good}x": "token_invalid", f"Bearer {good[:-1]}": "token_invalid",
               f"Bearer {good} x": "token_invalid", f"Bearer {good},{good}": "token_invalid",
               f"Bearer {flipped(good)}": "token_invalid", f"Bearer {good.upper()}": "token_invalid",
               "Bearer " + "x" * 7_000: "token_invalid", "Bearer \x80\xff": "token_invalid", "Bearer ' OR 1=1": "token_invalid",
               f"Bearer {good}=": "token_invalid", "Bearer rlt_": "token_invalid", "Bearer rlt_" + "A" * 82: "token_invalid"}
    for method, path in routes:
        for header, code in headers.items():
            body = json.dumps(event()).encode() if method == "POST" else None
            sent = JSON | ({"Authorization": header} if header is not None else {})
            check_problem(world.client.request(method, path, body, headers=sent, token=None), 401, code)


def flipped(token):
    """Another token in which one character of the middle differs."""
    at = len(token) // 2
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]


def test_a_token_in_the_wrong_place(world):
    """Tokens in the address or the body end up in logs: they are not looked for there."""
    token = world.client.token
    check_problem(world.client.get("/v1/topics", {"access_token": token}, token=None), 401, "token_missing")
    check_problem(world.client.post(DISPLAY, event(access_token=token), token=None), 401, "token_missing")


def test_a_token_without_the_scope(world):
    def token_for(scope):
        return world.client.post("/oauth/token", world.credentials | {"scope": scope}, token=None).json

    events, catalogue, analytics = (token_for(s) for s in ("events:write", "helplines:read", "analytics:read"))
    assert events["scope"] == "events:write"
    for path in CATALOGUE:
        for token in (events, analytics):
            check_problem(world.client.get(path, {"country_code": "GB"}, token=token["access_token"]), 403, "scope_missing")
    for path in ANALYTICS:
        for token in (events, catalogue):
            check_problem(world.client.get(path, QUESTION, token=token["access_token"]), 403, "scope_missing")
    for token in (catalogue, analytics):
        check_problem(world.client.post(DISPLAY, event(DISPLAY), token=token["access_token"]), 403, "scope_missing")
    both = token_for("helplines:read analytics:read")
    assert set(both["scope"].split()) == {"helplines:read", "analytics:read"}


def test_an_expired_token(world):
    with reachline.installation("sqlite", {"REACHLINE_TOKEN_TTL_SECONDS": "1"}) as made:
        application = made.application(made.customer(), "web")
        client = made.client(made.token(application))
        time.sleep(1.2)
        for path in (*CATALOGUE, *ANALYTICS):
            check_problem(client.get(path), 401, "token_expired")
        check_problem(client.post(DISPLAY, event(DISPLAY)), 401, "token_expired")


def test_a_token_of_another_installation(world):
    with reachline.installation("sqlite") as other:
        token = other.token(other.application(other.customer(), "web"))
    check_problem(world.client.get("/v1/topics", token=token), 401, "token_invalid")


def test_a_revoked_token(world):
    application = world.made.application(world.customer, "revoked")
    token = world.made.token(application)
    assert world.client.get("/v1/topics", token=token).status == 200
    world.made.command("application", "revoke", application.id)

    def refused():
        return (got := world.client.get("/v1/topics", token=token)).status != 200 and got

    answer = reachline.wait_for("the revocation", refused, 5)
    assert check_problem(answer)["code"] in ("token_invalid", "application_suspended"), answer
    again = world.client.post("/oauth/token", world.credentials | {
        "client_id": application.client_id, "client_secret": application.client_secret}, token=None)
    check_oauth_error(again, "invalid_client")


# ------------------------------------------------------------------------------------------------ the token endpoint

def ask(world, body, headers=JSON):
    return world.client.post("/oauth/token", body, headers=headers, token=None)


def test_the_three_forms_of_a_token_request(world):
    form = urllib.parse.urlencode(world.credentials).encode()
    header = {"Authorization": reachline.basic(world.application.client_id, world.application.client_secret)}
    for answer in (ask(world, form, FORM), ask(world, world.credentials),
                   ask(world, b"grant_type=client_credentials", FORM | header)):
        assert answer.status == 200, answer
        assert answer.json["token_type"] == "Bearer" and answer.json["expires_in"] == 3600
        assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
        assert "no-store" in answer.headers["cache-control"]
        assert world.client.get("/v1/topics", token=answer.json["access_token"]).status == 200


def test_token_requests_with_wrong_members(world):
    good = world.credentials
    cases = [({}, "invalid_request"), (good | {"grant_type": ...}, "invalid_request"),
             (good | {"grant_type": ""}, "invalid_request"), (good | {"grant_type": "password"}, "unsupported_grant_type"),
             (good | {"grant_type": "CLIENT_CREDENTIALS"}, "unsupported_grant_type"),
             (good | {"client_id": "x"}, "invalid_client"), (good | {"client_secret": "x"}, "invalid_client"),
             (good | {"client_secret": good["client_secret"][:-1]}, "invalid_client"),
             (good | {"client_secret": ""}, "invalid_client"), (good | {"client_id": "x" * 3_000}, "invalid_client"),
             (good | {"client_id": "' OR 1=1 --"}, "invalid_client"), (good | {"scope": "everything"}, "invalid_scope"),
             (good | {"scope": "events:write everything"}, "invalid_scope"), (good | {"scope": "x" * 3_000}, "invalid_scope")]
    for members, error in cases:
        members = {name: value for name, value in members.items() if value is not ...}
        check_oauth_error(ask(world, members), error)
        check_oauth_error(ask(world, urllib.parse.urlencode(members).encode(), FORM), error)
    for name in ("client_id", "client_secret"):
        part = {key: value for key, value in good.items() if key != name}
        for answer in (ask(world, part), ask(world, urllib.parse.urlencode(part).encode(), FORM)):
            check_oauth_error(answer)
            assert answer.json["error"] in ("invalid_request", "invalid_client"), answer


def test_token_requests_of_wrong_types(world):
    for name in ("grant_type", "client_id", "client_secret", "scope"):
        for value in (5, True, [], {}, [world.credentials[name] if name != "scope" else "x"]):
            check_oauth_error(ask(world, world.credentials | {name: value}))


def test_token_requests_that_cannot_be_read(world):
    form = urllib.parse.urlencode(world.credentials)
    for body in (b"", b"x", b"[]", json.dumps(list(world.credentials.values())).encode(), b"null", b'"x"', b"{", json.dumps(world.credentials).encode("utf-16"), nested(3_000).encode(),
                 b'{"grant_type":"\\ud800"}', b"\xff", b"\0", json.dumps(world.credentials)[:-1].encode()):
        check_oauth_error(ask(world, body), "invalid_request")
    for body in (form + "&client_id=x", form + "&grant_type=client_credentials", form + "&scope=%ff", form + "&scope=%zz",
                 form + "&scope=%", form + "&scope=%00", "grant_type=%E2%82"):
        check_oauth_error(ask(world, body.encode(), FORM), "invalid_request")
    check_oauth_error(ask(world, form.encode() + b"&scope=\xff", FORM), "invalid_request")
    for media_type in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16", ""):
        answer = ask(world, form.encode(), {"Content-Type": media_type})
        check_oauth_error(answer, "invalid_request")


def test_token_requests_over_the_limit(world):
    for body, headers in ((b"x=" + b"y" * TOKEN_BYTES_MAX, FORM), (b'{"x":"' + b"y" * 1_000_000 + b'"}', JSON)):
        for chunked in (False, True):
            answer = upload(world, "/oauth/token", body, chunked, headers, token=None)
            check_answer(answer)
            assert answer.status == 413 or (answer.status == 400 and answer.json["error"] == "invalid_request"), answer


def test_basic_authentication(world):
    good_id, good_secret = world.application.client_id, world.application.client_secret
    grant = b"grant_type=client_credentials"
    for line in ("Basic", "Basic ", "Basic ###", "Basic eA==", "Basic " + "A" * 5_000, "Bearer x", "Digest x",
                 reachline.basic(good_id, "x"), reachline.basic("x", good_secret), reachline.basic("", ""),
                 reachline.basic(good_id, good_secret)[:-4], "Basic /////w=="):
        answer = ask(world, grant, FORM | {"Authorization": line})
        check_oauth_error(answer)
        assert answer.json["error"] in ("invalid_client", "invalid_request"), answer
    # What has no value counts as left out: some clients send their id twice, or an empty secret.
    for rest in ("&client_id=", "&client_id=&client_secret=&scope=", f"&client_id={good_id}&client_secret="):
        answer = ask(world, grant + rest.encode(), FORM | {"Authorization": reachline.basic(good_id, good_secret)})
        assert answer.status == 200, answer
    both = urllib.parse.urlencode(world.credentials).encode()
    check_oauth_error(ask(world, both, FORM | {"Authorization": reachline.basic(good_id, good_secret)}), "invalid_request")


# ------------------------------------------------------------------------------------------------ paths and queries

@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/events", "/v1/events/", "/v1/events/helpline-display/",
                                  "/v1/events/helpline-view", "/v1/helplines/", "/v1/helplines/%00", "/v1/helplines/%ff",
                                  "/v1/helplines/no%20such", "/v1/helplines/..%2f..%2fetc%2fpasswd", "/v1/helplines/" + "x" * 5_000,
                                  "/v1/helplines/%zz", "/v1/helplines/%", "/v1/helplines/%F0%9F%99%82", "/v1/helplines/a/b",
                                  "/v1/helplines/%27%20OR%201%3D1", "/v1/analytics", "/v1/analytics/nothing", "/oauth",
                                  "/oauth/authorize", "/v1//helplines", "/v1/%2e%2e/healthz", "/V1/helplines"])
def test_paths_that_lead_nowhere(world, path):
    for method in ("GET", "POST"):
        answer = world.client.request(method, path, headers=JSON)
        if path.startswith("/v1") or path.startswith("/oauth"):
            check_problem(answer)
            assert answer.status == 404 or (method == "POST" and answer.status == 405), answer
        else:
            check_answer(answer)
            assert answer.status == 404 or (method == "POST" and answer.status in (403, 405)), answer


def test_methods(world):
    routes = {DISPLAY: "POST", CLICK: "POST", "/v1/events/batch": "POST", "/oauth/token": "POST", **dict.fromkeys(CATALOGUE + ANALYTICS, "GET"),
              "/openapi.json": "GET", "/healthz": "GET", "/readyz": "GET", "/metrics": "GET"}
    for path, allowed in routes.items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "PROPFIND"):
            if method != allowed:
                answer = world.client.request(method, path)
                check_problem(answer, 405, "method_not_allowed")
                assert allowed in answer.headers["allow"], answer


PARAMETERS = {
    "country_code": ("", " ", "G", "GBR", "G1", "é", "%00", "💥", "g b", "x" * 3_000),
    "topic": ("", " ", "x" * 121, "x" * 3_000),
    "specialty": ("", " ", "x" * 121),
    "contact_method": ("", "fax", "Phone", "x" * 3_000),
    "priority_only": ("", "yes", "1", "TRUE", "null"),
    "limit": ("", "0", "-1", "101", "1.5", "1e1", "x", "9" * 30, " 5", "+5", "٣", "0x10"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_of_the_catalogue(world, name):
    for value in PARAMETERS[name]:
        answer = world.client.get("/v1/helplines", {"country_code": "GB"} | {name: value})
        problem = check_problem(answer, 422)
        assert [fault["field"] for fault in problem["errors"]] == [name], answer


def test_the_catalogue_asks_for_a_country(world):
    check_problem(world.client.get("/v1/helplines"), 422, fields={"country_code": "field_missing"})
    answer = world.client.get("/v1/helplines", {"country_code": "XXX", "limit": "0", "contact_method": "fax"})
    assert {fault["field"] for fault in check_problem(answer, 422)["errors"]} == {"country_code", "limit", "contact_method"}


DATES = ("", " ", "2026", "2026-11", "2026-11-31", "2026-02-29", "2026-11-1", "2026-1-01", "26-11-01", "2026/11/01",
         "2026-11-01T00:00:00Z", "01.11.2026", "today", "-001-01-01", "99999-01-01", "٢٠٢٦-11-01", "2026-11-01 ",
         "2026-13-01", "%00", "x" * 3_000)
QUESTIONS = {
    "from": DATES, "to": DATES,
    "tier": ("", "staging", "Production", "x" * 3_000),
    "helpline_id": ("", " ", "\0", "no such", "x" * 300),
    "country_code": ("", "GBR", "1", "é"),
    "application_id": ("", "x", "1", "00000000", "g" * 36, "x" * 3_000),
    "contact_method": ("", "fax", "x" * 3_000),
    "interval": ("", "minute", "Day", "0", "x" * 3_000),
    "by": ("", "session", "session_id", "Helpline", "x" * 3_000),
    "limit": ("", "0", "-1", "1001", "x", "9" * 30),
    "cursor": ("", " ", "x", "\0", "0", "x" * 3_000, "é", "' OR 1=1"),
}
ONLY_FOR = {"interval": ANALYTICS[1:2], "by": ANALYTICS[2:], "limit": ANALYTICS[2:], "cursor": ANALYTICS[2:]}


@pytest.mark.parametrize("name", QUESTIONS)
def test_parameters_of_figures(world, name):
    for path in ONLY_FOR.get(name, ANALYTICS):
        for value in QUESTIONS[name]:
            question = QUESTION | ({"by": "helpline"} if path.endswith("breakdown") else {}) | {name: value}
            for target in (path, path + ".csv"):
                answer = world.client.get(target, question)
                if name == "cursor" and answer.status == 200:
                    continue  # a cursor is opaque: one that no page gave may be the place after some row
                problem = check_problem(answer, 422)
                assert name in [fault["field"] for fault in problem["errors"]], f"{value!r}: {answer}"


def test_periods(world):
    for path in ANALYTICS:
        more = {"by": "helpline"} if path.endswith("breakdown") else {}
        ask_ = lambda **query: world.client.get(path, {name: value for name, value in (QUESTION | more | query).items() if value})
        for name in ("from", "to"):
            check_problem(ask_(**{name: None}), 422, fields={name: "field_missing"})
        for start, end in (("2026-11-02", "2026-11-02"), ("2026-11-02", "2026-11-01"), ("0001-01-01", "9999-12-31"),
                           ("2000-01-01", "2026-01-01")):
            problem = check_problem(ask_(**{"from": start, "to": end}), 422)
            assert problem["errors"][0]["code"] == "period_invalid", problem
        answer = ask_(**{"from": "9999-12-30", "to": "9999-12-31"})
        assert answer.status in (200, 422), answer
        answer = ask_(**{"from": "0001-01-01", "to": "0001-01-02"})
        assert answer.status in (200, 422), answer
    answer = world.client.get(ANALYTICS[1], QUESTION | {"to": "2026-12-31", "interval": "hour"})
    check_problem(answer, 422)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Asia/Singapore", "Africa/Monrovia", "Pacific/Apia", "Europe/Amsterdam", "UTC"])
def test_periods_of_any_time(zone):
    """Years in which clocks followed the sun, and years that nobody has planned yet."""
    with reachline.installation("sqlite") as made:
        client = made.client(made.token(made.application(made.customer("Old", zone), "web")))
        for start, end in (("0001-01-01", "0001-01-03"), ("1849-12-31", "1850-01-02"), ("1899-12-31", "1900-01-02"),
                           ("1934-12-31", "1935-01-02"), ("1972-01-06", "1972-01-08"), ("2011-12-29", "2012-01-01"),
                           ("9999-12-30", "9999-12-31")):
            for interval in ("day", "week", "month", "hour"):
                answer = client.get("/v1/analytics/timeseries", {"from": start, "to": end, "interval": interval})
                check_answer(answer)
                if answer.status != 200:
                    check_problem(answer, 422)


def test_a_breakdown_asks_for_its_dimension(world):
    check_problem(world.client.get(ANALYTICS[2], QUESTION), 422, fields={"by": "field_missing"})


def test_ids_that_do_not_exist(world):
    for path in ANALYTICS:
        question = QUESTION | ({"by": "helpline"} if path.endswith("breakdown") else {})
        unknown = "01234567-89ab-7cde-8f01-23456789abcd"
        answer = world.client.get(path, question | {"application_id": unknown})
        assert check_problem(answer)["status"] in (404, 422), answer
        answer = world.client.get(path, question | {"helpline_id": "no-such-helpline"})
        assert check_problem(answer)["status"] in (404, 422), answer


ESCAPES = ("%", "%2", "%zz", "%ff", "%C3", "%00", "%ED%A0%80", "%c0%af", "%f4%90%80%80", "+%")


@pytest.mark.parametrize("escape", ESCAPES)
def test_percent_escapes(world, escape):
    for path, name in ((ANALYTICS[0], "from"), (ANALYTICS[0], "helpline_id"), ("/v1/helplines", "country_code"),
                       ("/v1/helplines", "topic"), (ANALYTICS[2], "by"), (ANALYTICS[2], "cursor")):
        good = urllib.parse.urlencode({n: v for n, v in (QUESTION | {"country_code": "GB", "by": "helpline"}).items() if n != name})
        check_problem(world.client.get(f"{path}?{good}&{name}={escape}"), 422)
        answer = world.client.get(f"{path}?{good}&{escape}={escape}")
        check_answer(answer)


def test_parameters_that_come_twice(world):
    good = urllib.parse.urlencode(QUESTION)
    for more, name in (("from=2026-11-02", "from"), ("to=2026-11-30", "to"), ("tier=sandbox&tier=production", "tier")):
        problem = check_problem(world.client.get(f"{ANALYTICS[0]}?{good}&{more}"), 422)
        assert name in [fault["field"] for fault in problem["errors"]]
    check_problem(world.client.get("/v1/helplines?country_code=GB&country_code=US"), 422)


def test_queries_of_any_length(world):
    for count in (10, 1_000):
        query = "&".join(f"x{n}=y" for n in range(count))
        check_answer(world.client.get(f"{ANALYTICS[0]}?{query}"))
    check_problem(world.client.get(f"{ANALYTICS[0]}?from={'x' * 30_000}"))


def test_quota_and_bursts():
    """Over a limit: 429, when to come back, and what the limits are. Events know only the burst."""
    limits = {"REACHLINE_CATALOGUE_QUOTA_PER_DAY": "5", "REACHLINE_EVENT_BURST_PER_SECOND": "3"}
    with reachline.installation("sqlite", limits) as made:
        figures.import_reference_helplines(made)
        customer = made.customer()
        first, second = (made.client(made.token(made.application(customer, name))) for name in "ab")
        for n in range(5):
            answer = (first, second)[n % 2].get("/v1/topics")
            assert answer.status == 200 and answer.headers["ratelimit-policy"] and answer.headers["ratelimit"], answer
        for client in (first, second):
            for path in CATALOGUE:
                answer = client.get(path, {"country_code": "GB"})
                check_problem(answer, 429)
                assert answer.headers["ratelimit-policy"] and answer.headers["ratelimit"], answer
        statuses = []
        for n in range(30):
            answer = first.post(DISPLAY, event(DISPLAY, session_id=f"s{n}"))
            assert "ratelimit" not in answer.headers and "ratelimit-policy" not in answer.headers, answer
            if answer.status != 202:
                check_problem(answer, 429)
            statuses.append(answer.status)
        assert set(statuses) == {202, 429}
    with reachline.installation("sqlite", {"REACHLINE_CATALOGUE_RATE_PER_IP": "5"}) as made:
        client = made.client(made.token(made.application(made.customer(), "web")))
        answers = [client.get("/v1/topics") for _ in range(20)]
        assert {answer.status for answer in answers} == {200, 429}
        for answer in answers:
            if answer.status == 429:
                check_problem(answer, 429)


# ------------------------------------------------------------------------------------------------ fuzz

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
                      lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=10)
LIKELY = st.sampled_from([HELPLINE, "s-1", "phone", "chat", "2026-11-24T10:00:00Z", "2026-11-01", "GB", "client_credentials"])
NAMES = st.sampled_from([*MEMBERS, "type", "application", "events", "grant_type", "client_id", "client_secret", "scope"]) | TEXT
MARKER = "refused"


@FUZZ
@given(path=st.sampled_from([DISPLAY, CLICK]), members=st.dictionaries(NAMES, VALUES | LIKELY, max_size=6))
def test_fuzz_members_of_events(world, path, members):
    # Without a timestamp that is good, no event is.
    body = json.dumps(members | {"timestamp": members.get("timestamp") if members.get("timestamp") != "2026-11-24T10:00:00Z" else "x"})
    answer = world.client.post(path, body.encode("utf-8", "surrogatepass"), headers=JSON)
    check_problem(answer)
    assert answer.status in (400, 413, 422), answer


@FUZZ
@given(path=st.sampled_from([DISPLAY, CLICK, "/oauth/token"]), body=st.binary(max_size=300),
       media_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "application/x-ndjson", "text/csv"]))
def test_fuzz_bytes(world, path, body, media_type):
    answer = world.client.post(path, body, headers={"Content-Type": media_type})
    if path == "/oauth/token":
        check_oauth_error(answer)
    else:
        check_problem(answer)


@FUZZ
@given(data=st.data())
def test_fuzz_broken_json(world, data):
    """A good body with some of its bytes replaced, left out or doubled, never one that still is a whole event."""
    body = bytearray(json.dumps(event(CLICK, helpline_id="no-such")).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["replace", "drop", "double"])):
            case "replace":
                body[at] = data.draw(st.integers(0, 255))
            case "drop":
                del body[at]
            case _:
                body[at:at] = body[at:at + 5]
    check_problem(world.client.post(CLICK, bytes(body), headers=JSON))


@FUZZ
@given(members=st.dictionaries(NAMES, VALUES | LIKELY, max_size=5))
def test_fuzz_token_requests(world, members):
    check_oauth_error(ask(world, json.dumps(members).encode("utf-8", "surrogatepass")))
    pairs = [(str(name), str(value)) for name, value in members.items()]
    check_oauth_error(ask(world, urllib.parse.urlencode(pairs, errors="surrogatepass").encode(), FORM))


@FUZZ
@given(path=st.sampled_from([*ANALYTICS, "/v1/helplines"]), names=st.lists(st.sampled_from([*QUESTIONS, *PARAMETERS]) | TEXT, max_size=6),
       data=st.data())
def test_fuzz_queries(world, path, names, data):
    values = [data.draw(TEXT | LIKELY | st.dates().map(str) | st.integers().map(str)) for _ in names]
    query = urllib.parse.urlencode(list(zip(names, values)), errors="surrogatepass")
    for accept in ("application/json", "text/csv", data.draw(st.text(string.printable.strip(), max_size=20))):
        answer = world.client.get(f"{path}?{query}", headers={"Accept": accept})
        check_answer(answer)
        if answer.status != 200:
            check_problem(answer, 422)


@FUZZ
@given(line=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=200))
def test_fuzz_authorization(world, line):
    for header in (line, f"Bearer {line}", f"Bearer rlt_{line}"):
        check_problem(world.client.get("/v1/topics", headers={"Authorization": header.strip() or "x"}, token=None), 401)


@FUZZ
@given(tail=st.text(st.sampled_from(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@%/[]|"), max_size=100))
def test_fuzz_paths(world, tail):
    for path in (f"/v1/helplines/{tail}", f"/v1/{tail}", f"/oauth/{tail}"):
        answer = world.client.get(path)
        check_answer(answer)
        if answer.status != 200:
            assert check_problem(answer)["status"] in (404, 405, 422), answer


# ------------------------------------------------------------------------------------------------ what is kept

def test_good_events_that_look_odd(world):
    """Opaque ids of any kind, all spellings: accepted."""
    for n, session in enumerate(["x" * 255, "é" * 127, "🙂", "a@b", "4930123456", "+1234567", "+1234567890123456", "user@", "1.2.3",
                                 "\\u0000".encode().decode("unicode_escape"), "\t", "' OR 1=1 --", "<script>", "\u202e", "0"]):
        answer = world.storing.post(DISPLAY, event(DISPLAY, session_id=session))
        assert answer.status == 202, f"{session!r}: {answer}"
    for method in ("phone", "sms", "online_chat", "chat", "online-chat", "website", "tty", "whatsapp", "reporting_form", "reporting-form"):
        assert world.storing.post(CLICK, event(CLICK, contact_method=method)).status == 202, method
    for media_type in ("application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/json; q=1"):
        answer = world.storing.post(DISPLAY, json.dumps(event(DISPLAY)).encode(), headers={"Content-Type": media_type})
        assert answer.status == 202, media_type
    shallow = event(DISPLAY, unknown=json.loads(nested(50)), surname="x", contact_method=None)
    assert world.storing.post(DISPLAY, shallow, headers={"Idempotency-Key": "x" * 200}).status == 202


def test_nothing_personal_is_kept(world):
    """Session ids, unknown members, addresses and user agents are nowhere in the database, nor in the log."""
    random_ = random.Random(7)
    marks = {what: f"{what}-" + "".join(random_.choices(string.ascii_letters, k=24))
             for what in ("session", "member", "value", "agent", "refused", "key", "long", "query")}
    headers = {"User-Agent": marks["agent"], "Idempotency-Key": marks["key"], "X-Forwarded-For": "203.0.113.77"}
    good = event(DISPLAY, session_id=marks["session"], **{marks["member"]: marks["value"]})
    assert world.storing.post(DISPLAY, good, headers=headers).status == 202
    assert world.storing.post(CLICK, good | {"contact_method": "phone"}, headers=headers).status == 202
    for bad in (event(session_id=marks["refused"], contact_method="fax"), event(session_id=f"{marks['refused']}@example.org"),
                event(session_id=marks["long"] * 20), event(helpline_id=marks["refused"])):
        check_problem(world.storing.post(CLICK, bad, headers=headers), 422)
    check_problem(world.storing.post(CLICK, f'{{"session_id": "{marks["refused"]}"'.encode(), headers=headers | JSON), 400)
    check_problem(world.storing.get("/v1/analytics/summary", {"from": marks["query"]}, headers=headers), 422)
    time.sleep(0.5)
    stored = world.made.stored()
    assert len(stored) > 1_000
    for what, mark in {**marks, "address": "203.0.113.77", "token": world.storing.token}.items():
        for form in (mark.encode(), mark.encode().hex().encode()):
            assert form not in stored, f"{what} was stored"

"""Whatever is sent as a batch: each event is answered on its own, and what is no batch is clearly refused."""

import gzip
import http.client
import json
import random
import socket
import string
import time

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import figures
import reachline
from problems import check_answer, check_problem
from test_bad_input import (CODE_MISSING, CODE_OF_TYPE, FUZZ, HELPLINE, LIKELY, MEMBERS, NAMES, TEXT, VALUES, WRONG_TYPES, World,
                            event, flipped, nested, response_of, upload)

BATCH = "/v1/events/batch"
EVENTS_MAX = 1_000
BYTES_MAX = 1 << 20
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
ERROR_CODES = {"malformed_json", "validation_failed"}


@pytest.fixture(scope="module", params=reachline.KINDS)
def world(request):
    with reachline.installation(request.param) as made:
        yield World(made)


@pytest.fixture(autouse=True)
def nothing_is_stored(request):
    """Everything that is sent with the first token is refused."""
    yield
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        time.sleep(0.05)
        before, world.counted = world.counted, world.gross()
        assert world.counted == before, "something that was refused has been counted"


def typed(kind="helpline_click", **changes):
    return event(**({"type": kind} | changes))


def results_of(answer):
    """The results of a batch, checked for what holds for all of them."""
    check_answer(answer)
    assert answer.status == 200 and answer.content_type == "application/json", answer
    body = answer.json
    assert set(body) == {"accepted", "duplicate", "rejected", "results"}, answer
    assert [result["index"] for result in body["results"]] == list(range(len(body["results"])))
    for status in ("accepted", "duplicate", "rejected"):
        assert body[status] == sum(result["status"] == status for result in body["results"]), answer
    for result in body["results"]:
        if result["status"] == "rejected":
            assert set(result) == {"index", "status", "error"}, result
            error = result["error"]
            assert error["code"] in ERROR_CODES and error["detail"], result
            assert (error["code"] == "validation_failed") == bool(error.get("errors")), result
            assert all(set(fault) == {"field", "code", "detail"} for fault in error.get("errors", ())), result
        else:
            assert set(result) == {"index", "status", "event_id"}, result
    return body["results"]


def faults_of(result):
    """`{field: code}` of a rejected event, or the code of one that is none."""
    error = result["error"]
    return {fault["field"]: fault["code"] for fault in error["errors"]} if "errors" in error else error["code"]


def rejected(world, *events):
    """What is wrong with each of some events (a text is sent as it is), sent as an array, in an object and as lines."""
    wanted = None
    texts = [one if isinstance(one, str) else json.dumps(one) for one in events]
    array = f"[{','.join(texts)}]"
    for body, headers in ((array, JSON), (f'{{"events":{array}}}', JSON), ("\n".join(texts), LINES)):
        results = results_of(world.client.post(BATCH, body.encode("utf-8", "surrogatepass"), headers=headers))
        assert len(results) == len(events)
        faults = [faults_of(result) for result in results]
        assert wanted in (None, faults)
        wanted = faults
    return wanted


# ------------------------------------------------------------------------------------------------ events

def test_types(world):
    assert rejected(world, typed(type=...), typed(type=None)) == [{"type": "field_missing"}] * 2
    wrong = ("", "display", "click", "Helpline_Display", "helpline_click ", "helpline", "helpline_view", "x" * 10_000, "\0", *WRONG_TYPES)
    assert rejected(world, *(typed(type=kind) for kind in wrong)) == [{"type": "type_invalid"}] * len(wrong)
    assert rejected(world, typed("helpline-click", contact_method=...), typed("x", contact_method="fax", session_id=...)) == [
        {"contact_method": "field_missing"}, {"type": "type_invalid", "session_id": "session_id_missing"}]


def test_members_of_events(world):
    for name in MEMBERS:
        missing = {name: CODE_MISSING.get(name, "field_missing")}
        assert rejected(world, typed(**{name: ...}), typed(**{name: None})) == [missing] * 2
        wrong = {name: CODE_OF_TYPE[name]}
        assert rejected(world, *(typed(**{name: value}) for value in WRONG_TYPES)) == [wrong] * len(WRONG_TYPES)
    now, day = figures.now_ms(), 86_400_000
    assert rejected(world, typed(session_id="x" * 256), typed(session_id="é" * 128), typed(session_id="ann@example.org"),
                    typed(helpline_id="x" * 15_000), typed(timestamp="9" * 10_000), typed(contact_method="x" * 10_000),
                    typed(timestamp=figures.stamp(now - 36 * day)), typed(timestamp=figures.stamp(now + 400_000)),
                    typed(helpline_id="no", session_id="", timestamp="", contact_method="")) == [
        {"session_id": "session_id_too_long"}, {"session_id": "session_id_too_long"}, {"session_id": "session_id_personal"},
        {"helpline_id": "helpline_unknown"}, {"timestamp": "timestamp_invalid"}, {"contact_method": "contact_method_invalid"},
        {"timestamp": "timestamp_too_old"}, {"timestamp": "timestamp_in_future"},
        {"helpline_id": "helpline_unknown", "session_id": "session_id_missing", "timestamp": "timestamp_invalid",
         "contact_method": "contact_method_invalid"}]


def test_events_that_are_none(world):
    """Values of other types, and objects that JSON allows but that cannot be read: each is rejected alone."""
    values = [5, 1.5, None, True, '"x"', [], [typed()], [[]], '""']
    assert rejected(world, *values) == ["malformed_json"] * len(values)
    good = json.dumps(typed(session_id="HERE"))
    twice = [good[:-1] + f', "{name}": "other"}}' for name in ("type", *MEMBERS)]
    odd = [*twice, good.replace("HERE", "\\ud800"), good.replace("HERE", "\\udc00\\ud800"), good.replace('"HERE"', "1e999"),
           good.replace('"HERE"', "1" + "0" * 10_000)]
    for faults in rejected(world, *odd):
        assert faults in ("malformed_json", {"session_id": "session_id_missing"})
    deep = [good.replace('"HERE"', nested(7_000)), good.replace('"HERE"', '{"a":' * 2_500 + "1" + "}" * 2_500)]
    assert rejected(world, *deep) == [{"session_id": "session_id_missing"}] * 2


def test_good_and_bad_ones_together(world):
    """Bad ones at all places cost no good one; the second of two equal ones is a duplicate."""
    good = [typed(kind, session_id=f"mixed-{n // 2}") for n, kind in enumerate(("helpline_display", "helpline-display", "helpline_click", "helpline-click") * 5)]
    sent = [part for one in good for part in (5, one, typed("x"))]
    results = results_of(world.storing.post(BATCH, sent))
    assert [result["status"] for result in results[0::3]] == ["rejected"] * len(good)
    assert [result["status"] for result in results[2::3]] == ["rejected"] * len(good)
    ids = [result["event_id"] for result in results[1::3]]
    assert [result["status"] for result in results[1::3]] == ["duplicate" if id_ in ids[:n] else "accepted" for n, id_ in enumerate(ids)]
    for one, id_ in zip(good, ids):
        answer = world.storing.post(f"/v1/events/{one['type']}", one)
        assert answer.json == {"event_id": id_, "status": "duplicate"}
    lines = "\r\n\r\n".join([json.dumps(good[0]), '{"type": "helpline', json.dumps(good[2]), ""]).encode()
    again = results_of(world.storing.post(BATCH, lines, headers=LINES))
    assert [result["status"] for result in again] == ["duplicate", "rejected", "duplicate"]


# ------------------------------------------------------------------------------------------------ bodies

def bodies_that_are_no_batch():
    good = json.dumps([typed()])
    return {
        "empty": b"", "spaces": b"   ", "text": b"hello", "null": b"null", "number": b"5", "string": b'"x"', "true": b"true",
        "cut off": good[:-1].encode(), "more after it": good.encode() + b"x", "two": (good + good).encode(),
        "lines": b"\n".join([json.dumps(typed()).encode()] * 2), "trailing comma": good[:-1].encode() + b",]",
        "single quotes": good.replace('"', "'").encode(), "comment": good.encode() + b"// x", "NaN": b"[NaN]",
        "UTF-16": good.encode("utf-16"), "UTF-16 without a mark": good.encode("utf-16-le"), "UTF-32": good.encode("utf-32"),
        "Latin-1": good.replace("s-1", "s-é").encode("latin-1"), "invalid UTF-8": good.replace("s-1", "X").encode().replace(b"X", b"\xff\xfe"),
        "invalid UTF-8 in an unknown member": b'[{"x": "\xff"}]', "surrogate in UTF-8": b'["\xed\xa0\x80"]', "overlong": b'["\xc0\xaf"]',
        "NUL": b"\0" * 10, "newline in a string": good.replace("s-1", "s\n").encode(), "wrong escape": good.replace("s-1", "\\x41").encode(),
        "form": b"events=x", "unfinished depth": b"[" * 1_000_000, "unfinished depth of objects": b'{"events":' * 100_000,
        "gzip": gzip.compress(good.encode()), "xml": b"<events/>", "events twice": b'{"events":[],"events":[]}', "byte order mark": b"\xef\xbb\xbf[]",
    }


@pytest.mark.parametrize("what", bodies_that_are_no_batch())
def test_bodies_that_are_no_batch(world, what):
    check_problem(world.client.post(BATCH, bodies_that_are_no_batch()[what], headers=JSON), 400, "malformed_json")


def test_objects_without_events(world):
    for body in (typed(), {}, {"events": None}, {"Events": [typed()]}):
        check_problem(world.client.post(BATCH, body), 422, fields={"events": "field_missing"})
    for value in (5, "x", {}, True, typed(), 1.5, "[]"):
        check_problem(world.client.post(BATCH, {"events": value}), 422, fields={"events": "field_invalid"})


def test_lines_that_are_no_json(world):
    good = json.dumps(typed("x")).encode()
    lines = [good, b"nonsense", good[:-1], good + good, b"\xff", json.dumps(typed()).encode("utf-16-le")[:40].replace(b"\n", b""), b"[" * 10_000,
             b"\0", good.replace(b"s-1", b"s-\xe9"), b"{} // x", b"\xef\xbb\xbf{}"]
    results = results_of(world.client.post(BATCH, b"\n".join(lines), headers=LINES))
    assert [faults_of(result) for result in results] == [{"type": "type_invalid"}, *["malformed_json"] * (len(lines) - 1)]
    pretty = json.dumps([typed()], indent=1).encode()
    assert {str(faults_of(result)) for result in results_of(world.client.post(BATCH, pretty, headers=LINES))} == {"malformed_json"}


def test_empty_batches(world):
    for body, headers in ((b"[]", JSON), (b'{"events": []}', JSON), (b"", LINES), (b"\n\n \r\n\t\n", LINES)):
        answer = world.client.post(BATCH, body, headers=headers)
        assert answer.status == 200 and answer.json == {"accepted": 0, "duplicate": 0, "rejected": 0, "results": []}, answer


MEDIA_TYPES = (None, "", "text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x", "text/x-ndjson",
               "application/json; charset=utf-16", "application/x-ndjson; charset=iso-8859-1", "*/*", ";;;", "application/jsonlines", "x" * 4_000)


def test_media_types(world):
    for media_type in MEDIA_TYPES:
        headers = {"Content-Type": media_type} if media_type is not None else {}
        check_problem(world.client.post(BATCH, json.dumps([typed()]).encode(), headers=headers), 415, "media_type_unsupported")
    for media_type in ("application/json", "Application/JSON; charset=UTF-8", "application/vnd.x+json"):
        assert len(results_of(world.client.post(BATCH, b"[5]", headers={"Content-Type": media_type}))) == 1
    for media_type in ("application/x-ndjson", "application/ndjson", "Application/X-NDJSON; charset=utf-8"):
        assert len(results_of(world.client.post(BATCH, b"5\n6", headers={"Content-Type": media_type}))) == 2


def test_encodings(world):
    bad = json.dumps([typed("x")] * 3).encode()
    stream = zstandard.ZstdCompressor(level=19).compressobj()
    good = {"gzip": [gzip.compress(bad), gzip.compress(bad[:9]) + gzip.compress(bad[9:])], "x-gzip": [gzip.compress(bad)],
            "zstd": [zstandard.compress(bad), stream.compress(bad) + stream.flush()], "identity": [bad], "GZIP": [gzip.compress(bad)]}
    for encoding, bodies in good.items():
        for body in bodies:
            assert len(results_of(world.client.post(BATCH, body, headers=JSON | {"Content-Encoding": encoding}))) == 3
    for encoding in ("br", "deflate", "compress", "x", "gzip, gzip", "gzip, zstd", "gzip;q=1", "x" * 4_000):
        check_problem(world.client.post(BATCH, bad, headers=JSON | {"Content-Encoding": encoding}), 415)
    huge_window = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27, write_content_size=0)).compressobj()
    broken = {"gzip": [b"", bad, b"\x1f\x8b", gzip.compress(bad)[:-1], gzip.compress(bad)[:20], gzip.compress(bad) + b"x", zstandard.compress(bad),
                       gzip.compress(bad)[:-8] + b"\0" * 8],
              "zstd": [b"", bad, zstandard.compress(bad)[:-1], zstandard.compress(bad) + b"x", gzip.compress(bad), b"\x28\xb5\x2f\xfd",
                       huge_window.compress(bad) + huge_window.flush()]}
    for encoding, bodies in broken.items():
        for body in bodies:
            check_problem(world.client.post(BATCH, body, headers=JSON | {"Content-Encoding": encoding}), 400, "malformed_json")


def test_bombs(world):
    """Little that would become much is not inflated, and quickly refused."""
    zeros = b"\0" * (256 << 20)
    inner = gzip.compress(zeros, 9)
    bombs = [("gzip", inner), ("zstd", zstandard.compress(zeros, 19)), ("gzip", gzip.compress(b"5\n" * BYTES_MAX)),
             ("gzip", gzip.compress(b"") * 30_000 + gzip.compress(zeros[:BYTES_MAX + 1])), ("zstd", zstandard.compress(b"x" * (BYTES_MAX + 1)))]
    del zeros
    for encoding, bomb in bombs:
        assert len(bomb) < BYTES_MAX
        began = time.monotonic()
        for headers in (JSON, LINES):
            check_problem(world.client.post(BATCH, bomb, headers=headers | {"Content-Encoding": encoding}), 413, "body_too_large")
        assert time.monotonic() - began < 2
    check_problem(world.client.post("/v1/events/helpline-display", inner, headers=JSON | {"Content-Encoding": "gzip"}), 413, "body_too_large")


def test_bodies_over_the_limit(world):
    for size in (BYTES_MAX + 1, 5_000_000):
        body = b"[" + b" " * (size - 2) + b"]"
        for chunked in (False, True):
            check_problem(upload(world, BATCH, body, chunked=chunked), 413, "body_too_large")
    for chunked in (False, True):
        answer = upload(world, BATCH, b"[" + b" " * (BYTES_MAX - 2) + b"]", chunked=chunked)
        assert answer.status == 200, answer


def test_a_batch_of_one_huge_event(world):
    """An event may be as long as its batch."""
    huge = typed("x", padding="y" * (BYTES_MAX - 1_000))
    assert rejected(world, huge) == [{"type": "type_invalid"}]


def test_batches_of_too_many(world):
    bad = [typed("x", session_id=str(n)) for n in range(EVENTS_MAX + 1)]
    for body, headers in ((json.dumps(bad), JSON), (json.dumps({"events": bad}), JSON), ("\n".join(map(json.dumps, bad)), LINES),
                          (json.dumps([5] * 200_000), JSON), ("5\n" * 200_000, LINES)):
        problem = check_problem(world.client.post(BATCH, body.encode(), headers=headers), 413, "too_many_events")
        assert str(EVENTS_MAX) in problem["detail"]
    assert len(results_of(world.client.post(BATCH, bad[1:]))) == EVENTS_MAX


def test_a_body_that_stops_in_the_middle(world):
    body = json.dumps([typed()] * 10).encode()
    with socket.create_connection(("127.0.0.1", world.made.port), timeout=10) as wire:
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.client.token}\r\n"
        wire.sendall(head.encode() + b"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s" % (len(body) + 5, body))
        wire.shutdown(socket.SHUT_WR)
        try:
            check_problem(response_of(wire), 400)
        except (OSError, http.client.HTTPException):
            pass  # or the connection just ends
    assert world.client.get("/healthz").status == 200


# ------------------------------------------------------------------------------------------------ who sends

def test_tokens(world):
    good, body = world.client.token, json.dumps([typed()]).encode()
    for header, code in ((None, "token_missing"), ("", "token_missing"), (f"Token {good}", "token_missing"), ("Bearer x", "token_invalid"),
                         (f"Bearer {flipped(good)}", "token_invalid"), (f"Bearer {good}x", "token_invalid")):
        sent = JSON | ({"Authorization": header} if header is not None else {})
        check_problem(world.client.post(BATCH, body, headers=sent, token=None), 401, code)
    for scope in ("helplines:read", "analytics:read", "helplines:read analytics:read"):
        token = world.client.post("/oauth/token", world.credentials | {"scope": scope}, token=None).json["access_token"]
        check_problem(world.client.post(BATCH, [typed()], token=token), 403, "scope_missing")


def test_the_same_batch_of_two_customers(world):
    """Is stored twice: each has its own events, with their own ids."""
    other = world.made.client(world.made.token(world.made.application(world.made.customer("Another"), "web")))
    batch = [typed("helpline_display", session_id=f"both-{n}", application_id=world.application.id) for n in range(5)]
    answers = [results_of(client.post(BATCH, batch)) for client in (world.storing, other, world.storing, other)]
    assert [{result["status"] for result in results} for results in answers] == [{"accepted"}, {"accepted"}, {"duplicate"}, {"duplicate"}]
    ids = [{result["event_id"] for result in results} for results in answers]
    assert ids[0] == ids[2] and ids[1] == ids[3] and not ids[0] & ids[1]


def test_events_of_a_batch_count_against_the_burst():
    """Each of them; more than a second's at once are taken, and what follows waits for as long as they are worth."""
    with reachline.installation("sqlite", {"REACHLINE_EVENT_BURST_PER_SECOND": "50"}) as made:
        figures.import_reference_helplines(made)
        customer = made.customer()
        first, second = (made.client(made.token(made.application(customer, name))) for name in "ab")
        batch = [typed(session_id=str(n)) for n in range(1_000)]
        assert len(results_of(first.post(BATCH, batch[:40]))) == 40
        check_problem(first.post(BATCH, batch[:40]), 429, "rate_limited")
        time.sleep(1)
        assert len(results_of(first.post(BATCH, batch[:50]))) == 50
        assert len(results_of(second.post(BATCH, batch))) == 1_000
        for body in (batch[:1], batch):
            answer = second.post(BATCH, body)
            check_problem(answer, 429, "rate_limited")
            assert 15 <= int(answer.headers["retry-after"]) <= 20, answer
            assert "ratelimit" not in answer.headers


def test_refusals_and_counts_for_operators(world):
    """What is refused is counted by kind and code, event by event."""
    def count(kind, outcome):
        text = world.client.get("/metrics", token=None).body.decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith(f'reachline_events_total{{kind="{kind}",outcome="{outcome}"}}'))

    names = [("click", "contact_method_invalid"), ("unknown", "type_invalid"), ("unknown", "malformed_json")]
    before = [count(*name) for name in names]
    assert rejected(world, *[typed(contact_method="fax")] * 3, typed("x"), 5, 6)
    assert [count(*name) - was for name, was in zip(names, before)] == [9, 3, 6]


# ------------------------------------------------------------------------------------------------ fuzz

# No event of these is good: none has a timestamp of now.
EVENTS = st.dictionaries(NAMES, VALUES | LIKELY | st.sampled_from(["helpline_display", "helpline-click"]), max_size=7).map(
    lambda members: members | {"timestamp": "x"})


@FUZZ
@given(elements=st.lists(EVENTS | VALUES, max_size=8), form=st.sampled_from(["array", "object", "lines"]),
       encoding=st.sampled_from(["identity", "gzip", "zstd"]))
def test_fuzz_events(world, elements, form, encoding):
    content_type, body = figures.batch_body(elements, form)
    encoding, body = figures.encoded(body, encoding)
    answer = world.client.post(BATCH, body, headers={"Content-Type": content_type, "Content-Encoding": encoding})
    if answer.status == 400:
        # What Python writes and JSON does not know.
        assert any(word in json.dumps(elements) for word in ("NaN", "Infinity")), answer
        check_problem(answer, 400, "malformed_json")
    else:
        assert [result["status"] for result in results_of(answer)] == ["rejected"] * len(elements)


@FUZZ
@given(body=st.binary(max_size=300) | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")), headers=st.sampled_from([JSON, LINES]),
       encoding=st.sampled_from(["identity", "gzip", "zstd"]), whole=st.booleans())
def test_fuzz_bytes(world, body, headers, encoding, whole):
    if whole:
        encoding, body = figures.encoded(body, encoding)
    answer = world.client.post(BATCH, body, headers=headers | {"Content-Encoding": encoding})
    if answer.status == 200:
        results_of(answer)
    else:
        check_problem(answer)
        assert answer.status in (400, 422), answer


@FUZZ
@given(data=st.data())
def test_fuzz_broken_batches(world, data):
    """A batch of bad events with some of its bytes replaced, left out or doubled, and one cut in compressed form."""
    bad = {"helpline_id": "no-such", "timestamp": "2026-11-24T10:00:00Z"}
    body = bytearray(json.dumps([typed(**bad), typed("helpline_display", **bad)]).encode())
    compressed = data.draw(st.booleans())
    if compressed:
        body = bytearray(gzip.compress(bytes(body), mtime=0))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["replace", "drop", "double"])):
            case "replace":
                body[at] = data.draw(st.integers(0, 255))
            case "drop":
                del body[at]
            case _:
                body[at:at] = body[at:at + 5]
    headers = JSON | ({"Content-Encoding": "gzip"} if compressed else {})
    answer = world.client.post(BATCH, bytes(body), headers=headers)
    if answer.status == 200:
        assert {result["status"] for result in results_of(answer)} == {"rejected"}
    else:
        assert check_problem(answer)["status"] in (400, 413, 422), answer


# ------------------------------------------------------------------------------------------------ what is kept

def test_nothing_personal_is_kept(world):
    """As of single events: session ids and unknown members are nowhere in the database, nor in the log."""
    random_ = random.Random(8)
    marks = {what: f"{what}-" + "".join(random_.choices(string.ascii_letters, k=24)) for what in ("session", "member", "value", "refused", "line")}
    good = typed("helpline_display", session_id=marks["session"], **{marks["member"]: marks["value"]})
    results_of(world.storing.post(BATCH, {"events": [good, typed(session_id=marks["refused"], contact_method="fax")], marks["member"]: 1}))
    results_of(world.storing.post(BATCH, gzip.compress(f'{{"{marks["line"]}'.encode()), headers=LINES | {"Content-Encoding": "gzip"}))
    check_problem(world.storing.post(BATCH, f'["{marks["refused"]}'.encode(), headers=JSON), 400)
    time.sleep(0.5)
    stored = world.made.stored()
    assert len(stored) > 1_000 and HELPLINE
    for what, mark in marks.items():
        for form in (mark.encode(), mark.encode().hex().encode()):
            assert form not in stored, f"{what} was stored"

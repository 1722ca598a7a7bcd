"""Exports: what the files hold, alone, against each other, and against the figures; and what goes wrong."""

import csv
import hashlib
import io
import json
import random
import re
import zipfile
import zoneinfo
from datetime import datetime
from xml.etree import ElementTree

import pytest

import figures
import oracle
import reachline
from problems import check_problem

FROM, TO = "2026-10-01", "2026-12-01"
PERIOD = {"from": FROM, "to": TO}
KINDS = ("events", "days", "helplines", "countries", "contact_methods", "applications")
FORMULA = "=cmd|' /C calc'!A0"
UNKNOWN = "01234567-89ab-7cde-8f01-23456789abcd"


class Side:
    def __init__(self, made, name, zone):
        self.customer = made.customer(name, zone)
        self.web = made.application(self.customer, FORMULA)
        self.sandbox = made.application(self.customer, f"{name} sandbox", "sandbox")
        self.sent = {"production": [], "sandbox": []}
        for application in (self.web, self.sandbox):
            client = made.client(made.token(application))
            rng = random.Random(name + application.tier)
            for n in range(150):
                event = {"helpline_id": rng.choice(list(oracle.CONFIG["helplines"])), "session_id": f"s{n % 20}",
                         "timestamp": figures.stamp(1_790_000_000_000 + rng.randrange(4_000_000) * 1_000 + n)}
                if n % 3:
                    answer = client.post("/v1/events/helpline-display", event)
                else:
                    event["contact_method"] = rng.choice(["phone", "sms", "online_chat"])
                    answer = client.post("/v1/events/helpline-click", event)
                assert answer.status == 202, answer
                if answer.json["status"] == "accepted":
                    self.sent[application.tier].append((event["timestamp"], answer.json["event_id"], event.get("contact_method")))
        self.client = made.client(self.web.token)


@pytest.fixture(scope="module", params=reachline.KINDS)
def made(request):
    with reachline.installation(request.param, reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        made.sides = [Side(made, "One", "Asia/Kathmandu"), Side(made, "Other", "America/St_Johns")]
        for side in made.sides:
            reachline.wait_for("the figures", lambda: counted(side.client) == len(side.sent["production"]), 10)
        yield made


def counted(client):
    of = client.get("/v1/analytics/summary", {"from": "2026-01-01", "to": "2027-06-01"}).json["figures"]
    return of["gross_displays"] + of["gross_clicks"]


def export(made, side, kind, format, tmp_path, *more):
    path = tmp_path / f"{kind}.{format}"
    manifest = made.command("export", kind, "--customer", side.customer.id, "--from", FROM, "--to", TO, "--format", format,
                            "--out", str(path), *more)
    content = path.read_bytes()
    assert manifest == json.loads((tmp_path / f"{kind}.{format}.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest() and manifest["bytes"] == len(content)
    assert manifest["file"] == path.name and manifest["format"] == format and manifest["export"] == kind
    assert manifest["customer_id"] == side.customer.id and manifest["time_zone"] == side.customer.time_zone
    assert (manifest["from"], manifest["to"]) == (FROM, TO)
    assert not list(tmp_path.glob("*.part"))
    return content, manifest


def rows_of_csv(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def rows_of_ndjson(content):
    return [json.loads(line) for line in content.decode("utf-8").splitlines()]


def defused(value):
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return "'" + value
    return "" if value is None else value


def as_text(row):
    """A row of NDJSON as CSV has it."""
    return {name: str(defused(value)) for name, value in row.items()}


def within(timestamp, side):
    local = datetime.fromisoformat(timestamp.replace("Z", "+00:00")).astimezone(zoneinfo.ZoneInfo(side.customer.time_zone))
    return FROM <= local.date().isoformat() < TO


@pytest.mark.parametrize("kind", KINDS)
def test_csv_and_ndjson_say_the_same(made, kind, tmp_path):
    for side in made.sides:
        plain, manifest = export(made, side, kind, "csv", tmp_path)
        lines, of_lines = export(made, side, kind, "ndjson", tmp_path)
        table, objects = rows_of_csv(plain), rows_of_ndjson(lines)
        assert table == [as_text(row) for row in objects]
        names = [column["name"] for column in manifest["columns"]]
        assert plain.split(b"\r\n")[0].decode() == ",".join(names) and all(list(row) == names for row in objects)
        assert manifest["rows"] == of_lines["rows"] == len(table) > 0
        assert all(column["definition"] for column in manifest["columns"])
        assert not any("session_id" in name for name in names)
        other = [other for other in made.sides if other is not side][0]
        assert other.customer.id.encode() not in lines and other.web.id.encode() not in lines
        with_bom, _ = export(made, side, kind, "csv", tmp_path, "--bom")
        assert with_bom == b"\xef\xbb\xbf" + plain


def test_every_accepted_event_once(made, tmp_path):
    for side in made.sides:
        for tier, sent in side.sent.items():
            rows = rows_of_ndjson(export(made, side, "events", "ndjson", tmp_path, "--tier", tier)[0])
            expected = sorted((event for event in sent if within(event[0], side)), key=lambda event: event[0])
            assert len(expected) > 50
            assert [(row["timestamp"], row["event_id"], row["contact_method"]) for row in rows] == \
                expected
            assert {row["tier"] for row in rows} == {tier}


def test_filters_are_those_of_the_figures(made, tmp_path):
    side = made.sides[0]
    helpline, country = next(iter(oracle.CONFIG["helplines"].items()))
    for options, query in (
        (("--helpline", helpline), {"helpline_id": helpline}),
        (("--country", country.lower()), {"country_code": country}),
        (("--contact-method", "sms"), {"contact_method": "sms"}),
        (("--application", side.web.id), {"application_id": side.web.id}),
        (("--tier", "sandbox"), {"tier": "sandbox"}),
    ):
        rows = rows_of_ndjson(export(made, side, "events", "ndjson", tmp_path, *options)[0])
        shown = side.client.get("/v1/analytics/summary", PERIOD | query).json["figures"]
        assert sum(row["type"] == "helpline_click" for row in rows) == shown["gross_clicks"] > 0
        assert sum(row["type"] == "helpline_display" for row in rows) == shown.get("gross_displays", 0)
        days = rows_of_ndjson(export(made, side, "days", "ndjson", tmp_path, *options)[0])
        assert sum(day["gross_clicks"] for day in days) == shown["gross_clicks"]


def test_a_workbook_says_the_same(made, tmp_path):
    side = made.sides[0]
    for kind in ("events", "days"):
        content, manifest = export(made, side, kind, "xlsx", tmp_path)
        objects = rows_of_ndjson(export(made, side, kind, "ndjson", tmp_path)[0])
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            assert book.testzip() is None
            sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
        rows = [[(cell.find(f".//{space}t") if cell.get("t") == "inlineStr" else cell.find(f"{space}v")).text
                 for cell in row.iter(f"{space}c")] for row in sheet.iter(f"{space}row")]
        assert manifest["rows"] == len(rows) - 1 == len(objects)
        assert rows[0] == [column["name"] for column in manifest["columns"]]
        assert not list(sheet.iter(f"{space}f")), "no cell is a formula"
        for row, told in zip(rows[1:], objects):
            assert row == [str(value) for value in told.values() if value is not None]


def test_parquet_is_whole(made, tmp_path):
    content, manifest = export(made, made.sides[0], "events", "parquet", tmp_path)
    assert content[:4] == content[-4:] == b"PAR1" and manifest["rows"] > 50


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_gives_the_same_file(made, kind, tmp_path):
    for side in made.sides:
        for format, media_type in (("csv", "text/csv"), ("ndjson", "application/x-ndjson")):
            content, manifest = export(made, side, kind, format, tmp_path)
            query = PERIOD | {"format": format}
            told = side.client.get(f"/v1/exports/{kind}/manifest", query).json
            if told["log_length"] is not None:
                query["as_of"] = told["log_length"]
            answer = side.client.get(f"/v1/exports/{kind}", query)
            assert answer.status == 200 and answer.content_type == media_type, answer
            assert answer.body == content
            assert told["file"] in answer.headers["content-disposition"]
            link = re.fullmatch(r'<(/v1/export-jobs/[0-9a-f-]{36}/manifest)>; rel="describedby"', answer.headers["link"])
            kept = side.client.get(link[1]).json
            once = ("file", "made_at")
            for other in (told, kept):
                assert {name: value for name, value in other.items() if name not in once} == \
                    {name: value for name, value in manifest.items() if name not in once}


def test_wrong_questions(made):
    client = made.sides[0].client
    for query, field in (
        ({"from": TO, "to": FROM}, "to"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "9000-01-01", "to": "9000-01-02"}, "from"),
        ({"helpline_id": "no-such-line"}, "helpline_id"),
        ({"application_id": made.sides[1].web.id}, "application_id"),
        ({"application_id": UNKNOWN}, "application_id"),
        ({"country_code": "X"}, "country_code"),
        ({"contact_method": "pigeon"}, "contact_method"),
        ({"format": "xlsx"}, "format"),
        ({"format": "ndjson", "bom": "true"}, "bom"),
        ({"as_of": "-1"}, "as_of"),
    ):
        for path in ("/v1/exports/events", "/v1/exports/events/manifest"):
            answer = client.get(path, PERIOD | query)
            check_problem(answer)
            assert answer.status == 422 and [fault["field"] for fault in answer.json["errors"]] == [field], answer
    for path in ("/v1/exports/sessions", "/v1/exports/sessions/manifest"):
        answer = client.get(path, PERIOD)
        check_problem(answer)
        assert answer.status == 404
    assert client.get("/v1/exports/events", PERIOD, token=None).status == 401


def test_a_command_that_fails_leaves_all_as_it_was(made, tmp_path):
    side = made.sides[0]
    path = tmp_path / "x.csv"
    path.write_text("before")
    common = {"--customer": side.customer.id, "--from": FROM, "--to": TO, "--format": "csv", "--out": str(path)}
    for wrong, named in (({"--to": FROM}, "to"), ({"--from": "9000-01-01", "--to": "9000-02-01"}, "from"), ({"--customer": UNKNOWN}, UNKNOWN),
                         ({"--helpline": "no-such-line"}, "helpline_id"), ({"--application": made.sides[1].web.id}, "application_id"),
                         ({"--format": "docx"}, "parquet"), ({"--out": str(tmp_path / "no" / "x.csv")}, "file"),
                         ({"--out": str(tmp_path)}, "directory"), ({"--from": "yesterday"}, "--from")):
        done = made.run("export", "events", *(part for option in (common | wrong).items() for part in option))
        assert done.returncode in (1, 2) and not done.stdout and named in done.stderr, done
        assert "panicked" not in done.stderr and ".rs:" not in done.stderr
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
    assert not list(tmp_path.parent.glob("*.part")) and not list(tmp_path.parent.glob("*.manifest.json"))


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_what_no_server_has_counted_is_counted_first(kind, tmp_path):
    with reachline.installation(kind, reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        customer = made.customer("Left")
        client = made.client(made.token(made.application(customer, "web")))
        helpline = next(iter(oracle.CONFIG["helplines"]))
        events = [{"type": "helpline_display", "helpline_id": helpline, "session_id": f"s{n}",
                   "timestamp": figures.stamp(1_791_000_000_000 + n)} for n in range(1_000)]
        answer = client.post("/v1/events/batch", events)
        made.kill()
        assert answer.status == 200 and {result["status"] for result in answer.json["results"]} == {"accepted"}, answer
        common = ("--customer", customer.id, "--from", FROM, "--to", TO, "--format", "ndjson", "--out")
        assert made.command("export", "events", *common, str(tmp_path / "events"))["rows"] == len(events)
        made.command("export", "days", *common, str(tmp_path / "days"))
        days = rows_of_ndjson((tmp_path / "days").read_bytes())
        assert sum(day["gross_displays"] for day in days) == len(events)


def test_a_long_export_takes_little_memory(made, tmp_path):
    customer, count = made.customer("Long"), 300_000
    made.application(customer, "web")
    helplines = list(oracle.CONFIG["helplines"])
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("timestamp,session_id,type,helpline_id\n")
        file.writelines(f"{figures.stamp(1_790_900_000_000 + n * 10_000)},session-{n // 4},helpline_display,{helplines[n % 4]}\n"
                        for n in range(count))
    made.peak("events", "import", str(path), "--customer", customer.id)

    def peak(format, since, until):
        out = tmp_path / f"long.{format}"
        mebibytes = made.peak("export", "events", "--customer", customer.id, "--from", since, "--to", until, "--format", format,
                              "--out", str(out))
        return mebibytes, json.loads((tmp_path / f"long.{format}.manifest.json").read_text())["rows"]

    for format in ("csv", "ndjson", "parquet", "xlsx"):
        (of_none, none), (of_all, rows) = peak(format, "2026-09-01", "2026-09-02"), peak(format, FROM, TO)
        assert (none, rows) == (0, count)
        assert of_all < of_none + 61, f"{format}: {of_none} MiB for no rows"

"""Imports of history: what the command takes, what it refuses and why, and what is counted then."""

import contextlib
import csv
import io
import json
import signal
import subprocess
import time
import urllib.parse

import pytest

import figures
import oracle
import reachline

ZONE = "Asia/Kathmandu"
# As in production: the API would refuse events that are older than 35 days. Generated ones are of October and November 2026.
DAYS = -365
KEPT = {"REACHLINE_EVENT_RETENTION_MONTHS": "60"}
HEADER = ["timestamp", "session_id", "type", "helpline_id", "contact_method"]
HELPLINES = list(oracle.CONFIG["helplines"])


class Made:
    def __init__(self, made):
        self.made = made
        figures.import_reference_helplines(made)

    def customer(self, name, applications=("web",)):
        customer = self.made.customer(name, ZONE)
        for application in applications:
            self.made.application(customer, application)
        return customer

    def arguments(self, customer, path, *more):
        return ("events", "import", str(path), "--customer", customer.id, *more)

    def load(self, customer, path, *more):
        return self.made.command(*self.arguments(customer, path, *more))

    def refused(self, customer, path, *more):
        """The lines that a refusal prints; nothing is imported then."""
        before = self.imports(customer)
        done = self.made.run(*self.arguments(customer, path, *more))
        assert done.returncode == 1 and not done.stdout, done
        assert self.imports(customer) == before
        return [line.strip() for line in done.stderr.splitlines()]

    def imports(self, customer):
        return self.made.command("events", "imports", "--customer", customer.id)["items"]

    def export(self, customer, kind, **more):
        out = self.made.directory / "export.ndjson"
        options = [text for name, value in more.items() for text in (f"--{name}", value)]
        self.made.command("export", kind, "--customer", customer.id, "--from", "2024-01-01", "--to", "2027-06-01", "--format",
                          "ndjson", "--out", str(out), *options)
        return [json.loads(line) for line in out.read_text().splitlines()]

    def verify(self):
        assert self.made.command("figures", "verify")["differences"] == []


@pytest.fixture(scope="module", params=[(kind, serves) for kind in reachline.KINDS for serves in (True, False)],
                ids=lambda param: f"{param[0]}-{'beside-a-server' if param[1] else 'alone'}")
def made(request):
    kind, serves = request.param
    with reachline.installation(kind, KEPT, start=serves) as installation:
        yield Made(installation)


def write(path, rows, header=HEADER, **options):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, **options)
        table.writerow(header)
        table.writerows(rows)
    return path


def rows_of(events):
    return [[event["timestamp"], event["session_id"], event["type"], event["helpline_id"], event.get("contact_method", "")]
            for event in events]


def generated(seed, count):
    """A stream of a year ago, all of one application, without what a rule refuses."""
    events = [event | {"application": "app-web"} for event in oracle.generate(seed, count, DAYS)]
    return [event for event in events if oracle.identity(event)]


def test_history_gives_the_figures_of_the_reference(made, tmp_path):
    customer = made.customer("History")
    events = generated(11, 3_000)
    expected = oracle.reference.figures(events, oracle.config(ZONE))
    path = write(tmp_path / "history.csv", rows_of(events))
    dry = made.load(customer, path, "--dry-run")
    assert dry["dry_run"] and dry["rows"] == len(events) and dry["import"] is None and made.imports(customer) == []
    assert sum(month["displays"] + month["clicks"] for month in dry["months"].values()) == len(events)
    done = made.load(customer, path)
    assert (done["accepted"], done["duplicates"], done["has_sessions"]) == (expected["accepted"], expected["duplicates"], True)
    check(made, customer, expected)

    # Once more, as lines of JSON in another order, and a part of it: nothing changes.
    again = made.load(customer, path)
    assert again["already_done"] and again["import"] == done["import"]
    lines = tmp_path / "again.ndjson"
    members = lambda event: {name: value for name, value in event.items() if name != "application"}
    lines.write_text("\ufeff" + "".join(json.dumps(members(event)) + "\r\n" for event in reversed(events)))
    assert made.load(customer, lines)["accepted"] == 0
    part = write(tmp_path / "part.csv", rows_of(events[500:900]), delimiter=";")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"delimiter": ";"}))
    assert made.load(customer, part, "--mapping", str(mapping))["accepted"] == 0
    check(made, customer, expected)
    made.verify()
    assert [item["file"] for item in made.imports(customer)] == ["part.csv", "again.ndjson", "history.csv"]
    assert {item["status"] for item in made.imports(customer)} == {"done"}


def check(made, customer, expected):
    expected = expected["tiers"]["production"]
    days = made.export(customer, "days")
    for figure in ("gross_displays", "net_displays", "unique_displays", "reach", "notifications", "gross_clicks", "conversions"):
        told = {day["date"]: day[figure] for day in days if day.get(figure)}
        assert told == {day: row[figure] for day, row in expected["by_day"].items() if row[figure]}, figure
    rows = {row["helpline_id"]: row for row in made.export(customer, "helplines")}
    for helpline, row in expected["by_helpline"].items():
        assert rows[helpline]["unique_displays"] == row["unique_displays"]


def test_what_was_posted_is_not_imported_again(made, tmp_path):
    customer = made.customer("Posted")
    with serving(made.made) as restart:
        post_and_import(made, customer, tmp_path, restart)
    made.verify()


@contextlib.contextmanager
def serving(installation):
    """Has a server for what is posted; gives a function that does something while there is none, if there was none."""
    if installation.process is not None:
        yield lambda action: action()
        return

    def without(action):
        installation.terminate()
        done = action()
        installation.start()
        return done

    installation.start()
    try:
        yield without
    finally:
        installation.terminate()
        installation.process = None


def post_and_import(made, customer, tmp_path, restart):
    client = made.made.client(made.made.token(customer.applications["web"]))
    now = int(time.time()) * 1_000
    event = lambda n: {"type": "helpline_display", "helpline_id": HELPLINES[n % 3], "session_id": f"s{n % 40}",
                       "timestamp": figures.stamp(now - 86_400_000 - n * 1_000)}
    answer = client.post("/v1/events/batch", [event(n) for n in range(300)])
    assert answer.json["accepted"] == 300, answer
    path = write(tmp_path / "overlap.csv", rows_of(event(n) for n in range(200, 500)))
    done = restart(lambda: made.load(customer, path))
    assert (done["accepted"], done["duplicates"]) == (200, 100)
    assert len(made.export(customer, "events")) == 500
    # And the other way round.
    answer = client.post("/v1/events/batch", [event(n) for n in range(450, 550)])
    assert (answer.json["accepted"], answer.json["duplicate"]) == (50, 50)


def many(count):
    """Displays of a month, some a second."""
    first = 1_746_057_600_000  # May 2025
    return ([figures.stamp(first + n * 700), f"session-{n // 4}", "helpline_display", HELPLINES[n % 4], ""]
            for n in range(count))


@pytest.mark.parametrize("without_sessions", (False, True), ids=("events", "counts"))
def test_a_killed_import_goes_on(made, tmp_path, without_sessions):
    customer = made.customer(f"Killed {without_sessions}")
    # So many that it is not over before the third kill: counts are quicker.
    count = 400_000 if without_sessions else 150_000
    path = write(tmp_path / "many.csv", many(count))
    more = ("--without-sessions",) if without_sessions else ()
    kills, rows_done = 0, 0
    while True:
        process = subprocess.Popen([reachline.binary(), *made.arguments(customer, path, *more, "--json")], env=made.made.environment(),
                                   cwd=made.made.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if kills < 3:
            def has_come_further():
                found = made.imports(customer)
                return process.poll() is not None or (found and found[0]["rows_done"] > rows_done)
            reachline.wait_for("the import to come further", has_come_further, 120)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                [item] = made.imports(customer)
                assert item["status"] == "running" and rows_done < item["rows_done"] <= count
                rows_done = item["rows_done"]
                continue
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        break
    assert kills >= 1, "it was over before it could be killed"
    done = json.loads(out)
    assert done["resumed_at"] == rows_done > 0 and done["rows"] == count
    [item] = made.imports(customer)
    assert (item["status"], item["rows_done"]) == ("done", count)
    if without_sessions:
        assert done["added"] == item["added"] == count
        assert sum(day["gross_displays"] for day in made.export(customer, "days")) == 0
    else:
        # What was repeated after a kill was known.
        assert count - 4_000 * kills <= done["accepted"] <= count
        days = made.export(customer, "days")
        assert sum(day["gross_displays"] for day in days) == count
        assert sum(day["reach"] for day in days) == count // 4
        made.verify()


@pytest.mark.parametrize("without_sessions", (False, True), ids=("events", "counts"))
def test_a_killed_import_of_a_file_that_changed_begins_anew(made, tmp_path, without_sessions):
    customer = made.customer(f"Changed {without_sessions}")
    # Counts are quicker.
    count = 600_000 if without_sessions else 200_000
    changed_row = count // 2
    path = write(tmp_path / "many.csv", many(count))
    good = path.read_bytes()
    more = ("--without-sessions",) if without_sessions else ()
    process = subprocess.Popen([reachline.binary(), *made.arguments(customer, path, *more, "--json")], env=made.made.environment(),
                               cwd=made.made.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def go_on():
        """Lets it run for a moment, and says how far it has come then: however slow it is to ask, it comes no further."""
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)
        assert process.poll() is None, "it was over before it could be killed"
        return sum(item["rows_done"] for item in made.imports(customer))

    try:
        # Not to be frozen while it starts: it might hold what keeps others from starting.
        reachline.wait_for("the second reading", lambda: made.imports(customer), 120)
        assert reachline.wait_for("the first rows", go_on, 120) < changed_row, "it has read the row already"
        # On another day, by which counts without sessions are told apart, too.
        start = good.index(f",session-{changed_row // 4},".encode()) - len("2025-05-01T00:00:00.000Z")
        assert good[start:start + 8] == b"2025-05-" and good[start + 8:start + 10] != b"28"
        with path.open("r+b") as file:
            file.seek(start + 8)
            file.write(b"28")
        reachline.wait_for("the row that changed to come in", lambda: go_on() >= changed_row + 4, 120)
    finally:
        process.kill()
        process.communicate()

    path.write_bytes(good)
    lines = [line.strip() for line in made.made.run(*made.arguments(customer, path, *more)).stderr.splitlines()]
    assert lines[1].startswith("file: An earlier try broke off") and "Import the file again" in lines[1], lines
    done = made.load(customer, path, *more)
    assert (done["resumed_at"], done["rows"]) == (0, count)
    days = made.export(customer, "days")
    if without_sessions:
        assert done["added"] == count
        assert [item["status"] for item in made.imports(customer)] == ["done", "withdrawn"]
    else:
        # Events stay: the row that changed is there as well.
        assert sum(day["gross_displays"] for day in days) == count + 1
        assert sum(day["reach"] for day in days) == count // 4
        made.verify()


def test_bad_files_are_told_by_their_lines(made, tmp_path):
    customer = made.customer("Bad")
    path = tmp_path / "bad.csv"
    head = (",".join(HEADER) + "\n").encode()
    row = f"2025-05-01T10:00:00Z,s,helpline_display,{HELPLINES[0]},\n".encode()
    for content, expected in (
        (head + row + b"2025-05-01T10:00:00Z,M\xfcller,helpline_display,x,\n" + row, "line 3: (encoding_invalid)"),
        ((head + row).decode().encode("utf-16"), "line 1: (encoding_invalid)"),
        ((head + row).decode().encode("utf-16-le"), "line 1: (encoding_invalid): Is not UTF-8: byte 2 of the line is zero"),
        (head + row + row.replace(b",s,", b",s\0,"), "line 3: (encoding_invalid)"),
        (head + row * 3 + b'2025-05-01T10:00:00Z,"s,helpline_display,x,\n' + row * 5_000, "line 5: (quote_unclosed)"),
        (head + row * 3 + b'2025-05-01T10:00:00Z,"s', "line 5: (quote_unclosed)"),
        (head + row + b"x" * 100_000, "line 3: (row_too_long)"),
        (head + row + b"a,b,c\n", "line 3: (columns_wrong)"),
        (head.replace(b"session_id", b"visitor") + row, "line 1: (column_unknown): The name of column 2 is not known"),
        (head.replace(b"session_id", b"type") + row, "line 1: (column_twice): Column 3 has the same name as column 2."),
        (row, "line 1: (column_unknown)"),
        (head.replace(b",session_id", b"") + row, "line 1: session_id (column_missing)"),
        (head + row + row.replace(b"T10", b" at 10"), "line 3: timestamp (timestamp_invalid)"),
        (head + row.replace(b"2025", b"1999"), "line 2: timestamp (timestamp_too_old)"),
        (head + row.replace(b"2025", b"2999"), "line 2: timestamp (timestamp_in_future)"),
        (head + row.replace(b",s,", b",ann@example.org,"), "line 2: session_id (session_id_personal)"),
        (b"", "file: It has no rows"),
        (head, "file: It has no rows"),
    ):
        path.write_bytes(content)
        lines = made.refused(customer, path)
        assert lines[1].startswith(expected), (expected, lines)
        assert not any("ller" in line or "ann@example" in line for line in lines)
    path = tmp_path / "bad.ndjson"
    path.write_text('{"type":"helpline_display"}\n\n[1]\n{"agent": 1}\n{')
    lines = made.refused(customer, path)
    codes = [line.split("(")[1].split(")")[0] for line in lines if line.startswith("line")]
    assert codes == ["field_missing", "session_id_missing", "field_missing", "malformed_json", "column_unknown", "malformed_json"]


def test_a_hundred_thousand_bad_rows_are_counted(made, tmp_path):
    customer = made.customer("Many bad")
    path = write(tmp_path / "bad.csv", ([stamp, session, "helpline_shown", "x", ""] for stamp, session, *_ in many(100_000)))
    lines = made.refused(customer, path)
    assert len([line for line in lines if line.startswith("line ")]) == 20
    assert lines[1].startswith("line 2: type (type_invalid)")
    assert lines[-2:] == ["… and 199980 more.", "200000 faults in 100000 rows."]


def test_a_long_file_takes_little_memory(made, tmp_path):
    customer = made.customer("Long")

    def peak(count):
        # Each of a session of its own: what is remembered of sessions is most of it.
        rows = ([stamp, f"session-{count}-{n}", *rest] for n, (stamp, _, *rest) in enumerate(many(count)))
        path = write(tmp_path / "long.csv", rows)
        return made.made.peak(*made.arguments(customer, path, "--json"))

    few, many_rows = peak(100), peak(400_000)
    assert many_rows < few + 61, f"{few} MiB for a few rows"


def test_a_mapping_reads_other_peoples_files(made, tmp_path):
    customer = made.customer("Mapped", ("web", "app"))
    path = tmp_path / "theirs.csv"
    path.write_text("when|what|who|line|surname\n2025-03-30 01:59:59|impression|a|One|x\n2025-03-30 03:00:00|call|a|One|y\n"
                    "2025-10-26 02:30:00|chat|a|One|z\n", encoding="utf-8")
    mapping = {
        "columns": {"timestamp": "when", "type": "what", "contact_method": "what", "session_id": "who", "helpline_id": "line"},
        "constants": {"application_id": customer.applications["app"].id},
        "values": {"type": {"impression": "helpline_display", "call": "helpline_click", "chat": "helpline_click"},
                   "contact_method": {"call": "phone"}, "helpline_id": {"One": HELPLINES[0]}},
        "timestamp": {"form": "pattern", "pattern": "%Y-%m-%d %H:%M:%S", "time_zone": "Europe/Berlin"},
        "delimiter": "|",
        "ignore": ["surname"],
    }
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(mapping))
    lines = made.refused(customer, path, "--mapping", str(file))
    assert lines[1].startswith("line 4: timestamp (timestamp_invalid): Is a local time that the clocks of its zone show twice")
    mapping["timestamp"]["overlap"] = "later"
    file.write_text(json.dumps(mapping))
    done = made.load(customer, path, "--mapping", str(file))
    assert (done["accepted"], done["applications"]) == (3, [customer.applications["app"].id])
    events = made.export(customer, "events")
    assert [(event["timestamp"], event["contact_method"]) for event in events] == [
        ("2025-03-30T00:59:59.000Z", None), ("2025-03-30T01:00:00.000Z", "phone"), ("2025-10-26T01:30:00.000Z", "online_chat")]
    path.write_text("when|what|who|line|surname\n2025-03-30 02:30:00|impression|a|One|x\n", encoding="utf-8")
    lines = made.refused(customer, path, "--mapping", str(file))
    assert "skip" in lines[1]
    file.write_text('{"colums": {}}')
    assert "no mapping" in made.refused(customer, path, "--mapping", str(file))[0]


def test_a_count_that_a_mapping_names_must_be_there(made, tmp_path):
    customer = made.customer("Misspelt")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"columns": {"count": "impressions"}, "ignore": ["*"]}))
    more = ("--mapping", str(mapping), "--without-sessions")
    row = ["2025-02-03T12:00:00Z", "helpline_display", HELPLINES[0]]
    head = ["timestamp", "type", "helpline_id"]
    lines = made.refused(customer, write(tmp_path / "counts.csv", [[*row, "40"]], [*head, "Impressions"]), *more)
    assert lines[1].startswith("line 1: count (column_missing): The file has no column"), lines
    lines = made.refused(customer, write(tmp_path / "counts.csv", [[*row, "40"], [*row, ""]], [*head, "impressions"]), *more)
    assert lines[1].startswith("line 3: count (field_missing)"), lines
    path = tmp_path / "counts.ndjson"
    path.write_text(json.dumps(dict(zip(head, row)) | {"Impressions": 40}))
    lines = made.refused(customer, path, *more)
    assert lines[1].startswith("line 1: count (field_missing)"), lines
    path.write_text(json.dumps(dict(zip(head, row)) | {"impressions": 40}))
    assert made.load(customer, path, *more)["added"] == 40


def test_counts_are_marked_in_reports_and_nowhere_else(made, tmp_path):
    customer = made.customer("Counted")
    path = write(tmp_path / "counts.csv", [["2025-02-03T12:00:00Z", "helpline_display", HELPLINES[0], "", "1200"],
                                           ["2025-02-04T12:00:00Z", "helpline_click", HELPLINES[1], "phone", "40"]],
                 ["timestamp", "type", "helpline_id", "contact_method", "count"])
    lines = made.refused(customer, path)
    assert "is a count" in lines[1] and "session_id (column_missing)" in lines[2] and "--without-sessions" in lines[2]
    done = made.load(customer, path, "--without-sessions")
    assert (done["added"], done["has_sessions"], done["first_day"], done["last_day"]) == (1_240, False, "2025-02-03", "2025-02-04")
    draft = lambda *more: made.made.command("report", "draft", "--customer", customer.id, "--template", "transparency",
                                            "--period", "2025", *more)
    report = draft()
    told = report["imported"]
    assert (told["displays"], told["clicks"]) == (1_200, 40)
    assert told["days"] == [{"first": "2025-02-03", "last": "2025-02-04"}] and "1,200 displays" in told["note"]
    assert set(report["figures"].values()) == {0}
    shown = made.made.run("report", "show", report["id"], "--customer", customer.id)
    assert told["note"] in shown.stdout, shown
    out = tmp_path / "report.csv"
    made.made.command("report", "export", report["id"], "--customer", customer.id, "--out", str(out))
    *rows, note = csv.reader(io.StringIO(out.read_text(encoding="utf-8"), newline=""))
    assert [row[1] for row in rows if row[0] == "note"][:1] == ["report"]
    assert note == ["note", "imported", told["note"]] + [""] * (len(rows[0]) - 3)
    assert not [row for row in rows if "1200" in row or "40" in row], rows
    # A law's own form has no place for it.
    (tmp_path / "text").write_text("We do.")
    texts = [f"--text={key}={tmp_path / 'text'}" for key in ("detection_protocol", "prohibition_protocol")]
    law = made.made.command("report", "draft", "--customer", customer.id, "--template", "california-sb-243", "--period", "2025", *texts)
    assert law["imported"]["displays"] is None and "displays and clicks of 2025-02-01 to 2025-02-28" in law["imported"]["note"]
    made.made.command("report", "export", law["id"], "--customer", customer.id, "--out", str(out))
    assert out.read_text().splitlines()[1:] == ["2025,0,We do.,We do."]
    assert all(not day["gross_displays"] for day in made.export(customer, "days"))
    assert made.export(customer, "events") == []

    overlap = write(tmp_path / "more.csv", [["2025-02-04T12:00:00Z", "helpline_display", HELPLINES[0]]],
                    ["timestamp", "type", "helpline_id"])
    lines = made.refused(customer, overlap, "--without-sessions")
    assert "counts.csv" in lines[1] and done["import"] in lines[1]
    withdrawn = made.made.command("events", "withdraw", "--customer", customer.id, "--import", done["import"])
    assert withdrawn["status"] == "withdrawn"
    assert draft()["imported"] is None
    # Now that day is free.
    assert made.load(customer, overlap, "--without-sessions")["added"] == 1
    assert draft()["imported"]["displays"] == "withheld"


PASSWORD = "correct horse battery staple"
PAGE = {"Accept": "text/html"}


def test_pages_say_what_was_imported_without_sessions(made, tmp_path):
    customer = made.customer("Shown")
    path = write(tmp_path / "counts.csv", [["2025-02-03T12:00:00Z", "helpline_display", HELPLINES[0], "1200"]],
                 ["timestamp", "type", "helpline_id", "count"])
    made.load(customer, path, "--without-sessions")
    report = made.made.command("report", "draft", "--customer", customer.id, "--template", "washington-disclosure", "--period", "2025")
    made.made.command("report", "approve", report["id"], "--customer", customer.id)
    public = made.made.command("report", "disclose", "--customer", customer.id)
    made.made.command("user", "create", "--email", "shown@example.org", "--role", "viewer", "--customer", customer.id,
                      "--password-stdin", stdin=PASSWORD)
    with serving(made.made):
        client = made.made.client()
        # A law's number is exact and may be of overlapping months: the counts would be numbers beside it.
        sentence = "Besides, displays and clicks of 2025-02-01 to 2025-02-28 were imported as counts without sessions."
        shown = client.get(f"/disclosures/{public['id']}")
        assert shown.status == 200 and sentence in shown.body.decode(), shown
        [told] = client.get(f"/disclosures/{public['id']}/report.json").json["reports"]
        assert told["imported"]["displays"] is None and told["figures"] == {"notifications": 0}
        form = urllib.parse.urlencode({"email": "shown@example.org", "password": PASSWORD, "next": ""}).encode()
        answer = client.post("/api/sign_in", form, headers=PAGE | {"Content-Type": "application/x-www-form-urlencoded"})
        cookie = answer.headers["set-cookie"].split(";")[0]
        page = client.get(f"/reports/{report['id']}", headers=PAGE | {"Cookie": cookie})
        assert page.status == 200 and sentence in page.body.decode(), page
        client.close()


@pytest.mark.parametrize("without_sessions", (False, True), ids=("events", "counts"))
def test_two_that_import_the_same_file_count_it_once(made, tmp_path, without_sessions):
    customer = made.customer(f"Twice {without_sessions}")
    count = 30_000
    path = write(tmp_path / "many.csv", many(count))
    more = ("--without-sessions",) if without_sessions else ()
    done = reachline.at_once(lambda _: made.made.run(*made.arguments(customer, path, *more, "--json")), range(3), 3)
    for one in done:
        assert one.returncode == 0 or "Another process" in one.stderr, one
    # Whoever was left over by the others is asked again.
    again = made.load(customer, path, *more)
    assert again["rows"] == count
    [item] = made.imports(customer)
    assert (item["status"], item["rows_done"]) == ("done", count)
    if without_sessions:
        assert again["added"] == item["added"] == count
    else:
        assert sum(day["gross_displays"] for day in made.export(customer, "days")) == count
        made.verify()


def test_who_and_what_must_be_known(made, tmp_path):
    customer = made.customer("Two", ("web", "app"))
    other = made.customer("Other")
    path = write(tmp_path / "a.csv", many(3))
    lines = made.refused(customer, path)
    assert customer.applications["web"].id in lines[1] and customer.applications["app"].id in lines[1]
    lines = made.refused(customer, path, "--application", other.applications["web"].id)
    assert lines[1].startswith("application:")
    done = made.made.run("events", "import", str(path), "--customer", "01234567-89ab-7cde-8f01-23456789abcd")
    assert done.returncode == 1 and "no customer" in done.stderr, done
    done = made.made.run("events", "import", str(tmp_path / "b.csv"), "--customer", customer.id)
    assert done.returncode == 1 and "cannot read" in done.stderr, done
    strange = path.rename(tmp_path / "a.txt")
    done = made.made.run(*made.arguments(customer, strange))
    assert done.returncode == 2 and "--format" in done.stderr, done
    assert made.load(customer, strange, "--format", "csv", "--application", customer.applications["app"].id)["accepted"] == 3

"""The commands of `reachline`, in the forms that scripts rely on."""

import contextlib
import copy
import csv
import io
import json
import pathlib
import sqlite3
import uuid

import pytest

import figures
import reachline
from problems import check_oauth_error

UNKNOWN = "01234567-89ab-7cde-8f01-23456789abcd"
PASSWORD = "correct horse battery staple"
REVOKED_WITHIN_SECONDS = 5
HELPLINES = [reachline.plain_helpline(f"line-{n}", country) for n, country in enumerate(("GB", "NP", "US"))]


@pytest.fixture(scope="module", params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param, start=False) as made:
        yield made


@pytest.fixture(scope="module")
def running(installation):
    installation.start()
    return installation


def fails(installation, *arguments, stdin=None, status=None, names=()):
    """The command ends with an error that names what is wrong, in words for people, and prints no JSON result."""
    done = installation.run(*arguments, stdin=stdin)
    assert done.returncode in ((1, 2) if status is None else (status,)), done
    assert not done.stdout.strip(), done.stdout
    for name in names:
        assert name.lower() in done.stderr.lower(), f"{name!r} is not in {done.stderr!r}"
    for internal in ("panicked", "sqlx", "SELECT", "INSERT", "RUST_BACKTRACE", ".rs:"):
        assert internal not in done.stderr, done.stderr
    return done


def is_id(text):
    return str(uuid.UUID(text)) == text


# ------------------------------------------------------------------------------------------------ a new installation

def test_commands_work_before_the_first_start(installation):
    """On an empty database, without a server."""
    customer = installation.command("customer", "create", "--name", "First", "--time-zone", "Asia/Kathmandu")
    assert is_id(customer["id"]) and customer["name"] == "First" and customer["time_zone"] == "Asia/Kathmandu"
    assert installation.command("migrate") == {"applied": 0}


def test_the_fixed_forms(installation):
    customer = installation.command("customer", "create", "--name", "Acme", "--time-zone", "Asia/Kathmandu")
    application = installation.command("application", "create", "--customer", customer["id"], "--name", "web", "--tier", "production")
    assert is_id(application["id"]) and application["client_id"] and application["client_secret"]
    assert application["tier"] == "production"
    operator = installation.command("user", "create", "--email", "a@example.org", "--role", "operator", "--password-stdin", stdin=PASSWORD)
    assert is_id(operator["id"])
    viewer = installation.command("user", "create", "--email", "v@example.org", "--role", "viewer", "--customer", customer["id"],
                                  "--password-stdin", stdin=PASSWORD + "\n")
    assert is_id(viewer["id"])
    listed = {kind: installation.command(kind, "list") for kind in ("customer", "application", "user")}
    texts = json.dumps(listed)
    for id_ in (customer["id"], application["id"], operator["id"], viewer["id"], application["client_id"]):
        assert id_ in texts
    assert application["client_secret"] not in texts and PASSWORD not in texts and "argon2" not in texts


def test_one_json_value_and_nothing_else(installation):
    for arguments in (("customer", "list"), ("application", "list"), ("user", "list"), ("migrate",), ("figures", "verify"),
                      ("rate-card", "list"), ("statement", "list"), ("statement", "issue", "--due")):
        done = installation.run(*arguments, "--json")
        assert done.returncode == 0 and json.loads(done.stdout) is not None, done
        people = installation.run(*arguments)
        assert people.returncode == 0 and people.stdout.strip() and not people.stdout.startswith("{"), people


def test_help_and_version(installation):
    for arguments in (("--help",), ("--version",), ("customer", "--help"), ("application", "create", "--help"), ("serve", "--help")):
        done = installation.run(*arguments)
        assert done.returncode == 0 and done.stdout.strip(), done


# ------------------------------------------------------------------------------------------------ wrong calls

def test_wrong_calls(installation):
    some = installation.customer().id
    for arguments, names in (
        ((), ()), (("fly",), ("fly",)), (("customer",), ()), (("customer", "create"), ("--name",)),
        (("customer", "create", "--name", "X", "--time-zone", "Mars/Olympus"), ("zone",)),
        (("customer", "create", "--name", "X", "--time-zone", ""), ("zone",)),
        (("customer", "create", "--name", "", "--time-zone", "UTC"), ("name",)),
        (("customer", "create", "--name", "  "), ("name",)),
        (("customer", "create", "--name", "x" * 121), ("name",)),
        (("customer", "create", "--name", "a\nb"), ("name",)),
        (("application", "create", "--customer", UNKNOWN, "--name", "x", "--tier", "production"), (UNKNOWN,)),
        (("application", "create", "--customer", "x", "--name", "x", "--tier", "production"), ("--customer",)),
        (("application", "create", "--customer", some, "--name", "x", "--tier", "staging"), ("--tier",)),
        (("application", "create", "--customer", some, "--name", "", "--tier", "sandbox"), ("name",)),
        (("application", "rotate", UNKNOWN), (UNKNOWN,)), (("application", "revoke", UNKNOWN), (UNKNOWN,)),
        (("application", "rotate"), ()), (("application", "revoke", "x"), ()),
        (("helplines", "import"), ()), (("helplines", "import", "/no/such/file.json"), ("/no/such/file.json",)),
        (("rate-card", "create"), ("--file",)), (("rate-card", "create", "--file", "/no/such/card.json"), ("/no/such/card.json",)),
        (("rate-card", "show", UNKNOWN), (UNKNOWN,)), (("rate-card", "show", "x"), ()),
        (("rate-card", "assign", "--customer", UNKNOWN, "--none", "--from", "2026-01"), (UNKNOWN,)),
        (("rate-card", "assign", "--customer", some, "--from", "2026-01"), ("--card",)),
        (("rate-card", "assign", "--customer", some, "--card", UNKNOWN, "--from", "2026-01"), ("card",)),
        (("rate-card", "assign", "--customer", some, "--none", "--from", "2026-13"), ("--from",)),
        (("statement", "show", UNKNOWN, "2026-01"), (UNKNOWN,)), (("statement", "show", some, "1-2"), ("1-2",)),
        (("statement", "issue", some), ("month",)), (("statement", "issue", some, "2020-01"), ("rate_card",)),
        (("statement", "issue", some, "9999-01"), ("month",)), (("statement", "recompute", some, "9999-01"), ("9999-01",)),
        (("statement", "export", some, "2020-01"), ("--lines",)), (("statement", "export", some, "2020-01", "--lines"), ("--output",)),
        (("serve", "--addr", "nonsense"), ("nonsense",)),
    ):
        fails(installation, *arguments, *(("--json",) if arguments and "serve" not in arguments else ()), names=names)


def test_users(installation):
    customer = installation.customer()
    create = ("user", "create", "--json", "--password-stdin")
    ok = installation.command("user", "create", "--email", "Taken@Example.org", "--role", "auditor", "--password-stdin", stdin=PASSWORD)
    assert ok["email"] == "taken@example.org"
    for arguments, stdin, names in (
        (("--email", "taken@example.ORG", "--role", "auditor"), PASSWORD, ("email",)),
        (("--email", "x", "--role", "auditor"), PASSWORD, ("email",)),
        (("--email", "b@example.org", "--role", "king"), PASSWORD, ("--role",)),
        (("--email", "b@example.org", "--role", "viewer"), PASSWORD, ("customer",)),
        (("--email", "b@example.org", "--role", "customer_admin", "--customer", UNKNOWN), PASSWORD, ("customer",)),
        (("--email", "b@example.org", "--role", "operator", "--customer", customer.id), PASSWORD, ("customer",)),
        (("--email", "b@example.org", "--role", "auditor"), "short", ("password",)),
        (("--email", "b@example.org", "--role", "auditor"), "", ("password",)),
        (("--email", "b@example.org", "--role", "auditor"), "x" * 129, ("password",)),
    ):
        fails(installation, *create, *arguments, stdin=stdin, names=names)
    assert "b@example.org" not in json.dumps(installation.command("user", "list"))


def test_secrets_never_come_as_arguments(installation):
    """There is no such option: arguments can be read by everybody on the machine."""
    for command in (("user", "create"), ("application", "create"), ("application", "rotate"), ("customer", "create")):
        help_ = installation.run(*command, "--help").stdout
        options = {word.strip(",.") for word in help_.split() if word.startswith("--")}
        assert not {o for o in options if ("password" in o and o != "--password-stdin") or o in ("--client-secret", "--token")}, help_
    fails(installation, "user", "create", "--email", "c@example.org", "--role", "operator", "--password", PASSWORD, status=2)
    fails(installation, "user", "create", "--email", "c@example.org", "--role", "operator", "--json", names=("password",))
    installation.env["REACHLINE_PASSWORD"] = PASSWORD
    try:
        made = installation.command("user", "create", "--email", "c@example.org", "--role", "operator")
    finally:
        del installation.env["REACHLINE_PASSWORD"]
    assert is_id(made["id"])


def test_configuration(installation):
    """Wrong settings are named; a file says the same as the variables, which win."""
    for name, value in (("REACHLINE_EVENT_AGE_MAX_DAYS", "-1"), ("REACHLINE_EVENT_AGE_MAX_DAYS", "x"), ("REACHLINE_ADDR", "nonsense"),
                        ("REACHLINE_DATABASE_URL", "mysql://x"), ("REACHLINE_TOKEN_TTL_SECONDS", "0"), ("REACHLINE_LOG_FORMAT", "xml"),
                        ("REACHLINE_LOG", "=,=loud")):
        with_it = reachline.Installation.__new__(reachline.Installation)
        with_it.__dict__ = installation.__dict__ | {"env": installation.env | {name: value}}
        fails(with_it, "serve", names=(name,) if name != "REACHLINE_ADDR" else (value,))
    mistyped = reachline.Installation.__new__(reachline.Installation)
    others = {"REACHLINE_CONFIG": "", "REACHLINE_PASSWORD": PASSWORD, "REACHLINE_LOG": "warn", "REACHLINE_ADDR": "nonsense"}
    mistyped.__dict__ = installation.__dict__ | {"env": installation.env | others | {"REACHLINE_DATABASE_URI": "x", "REACHLINE_TOKENS": "x"}}
    told = fails(mistyped, "serve", names=("no setting has this name",)).stderr
    assert "REACHLINE_DATABASE_URI, REACHLINE_TOKENS" in told and not any(name in told for name in others), told
    path = installation.directory / "settings.toml"
    path.write_text('REACHLINE_EVENT_AGE_MAX_DAYS = "many"')
    bare = {key: value for key, value in installation.env.items() if key != "REACHLINE_EVENT_AGE_MAX_DAYS"}
    with_file = reachline.Installation.__new__(reachline.Installation)
    with_file.__dict__ = installation.__dict__ | {"env": bare}
    fails(with_file, "--config", str(path), "serve", names=("REACHLINE_EVENT_AGE_MAX_DAYS",))
    with_nothing = reachline.Installation.__new__(reachline.Installation)
    empty = dict.fromkeys(("REACHLINE_EVENT_AGE_MAX_DAYS", "REACHLINE_SMTP_URL", "REACHLINE_LOG_FORMAT"), "")
    with_nothing.__dict__ = installation.__dict__ | {"env": installation.env | empty}
    assert with_nothing.command("customer", "list") == installation.command("customer", "list")


def test_a_database_that_cannot_be_reached(installation):
    for url in (f"sqlite://{installation.directory}/no/such/directory/x.db", "postgres://nobody@127.0.0.1:9/none"):
        gone = reachline.Installation.__new__(reachline.Installation)
        gone.__dict__ = installation.__dict__ | {"url": url}
        fails(gone, "customer", "list", "--json", status=1)


# ------------------------------------------------------------------------------------------------ helplines

def write(installation, content, ending):
    path = pathlib.Path(installation.directory) / f"file.{ending}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def import_(installation, content, ending="json"):
    return installation.command("helplines", "import", write(installation, content, ending))


def changed(entry, **changes):
    entry = copy.deepcopy(entry)
    for name, value in changes.items():
        if value is ...:
            entry.pop(name)
        else:
            entry[name] = value
    return entry


@pytest.fixture(scope="module")
def catalogue(running):
    """How the API shows the catalogue to a customer."""
    client = running.client(running.token(running.application(running.customer("Reader"), "reader")))

    class Catalogue:
        get = staticmethod(lambda id_: client.get(f"/v1/helplines/{id_}"))
        of = staticmethod(lambda country: {entry["id"] for entry in client.get(
            "/v1/helplines", {"country_code": country, "limit": "100"}).json["helplines"]})

        @staticmethod
        def soon(id_, what):
            return reachline.wait_for(f"{id_}", lambda: (got := client.get(f"/v1/helplines/{id_}")).status == 200
                                      and what(got.json["helpline"]) and got.json["helpline"], REVOKED_WITHIN_SECONDS)

    return Catalogue


def test_import_of_json(running, catalogue):
    assert import_(running, json.dumps(HELPLINES)) == {"created": 3, "updated": 0, "unchanged": 0}
    for entry in HELPLINES:
        got = catalogue.soon(entry["id"], lambda _: True)
        assert got == entry, "what is imported is answered as it was"
    assert import_(running, json.dumps({"helplines": HELPLINES})) == {"created": 0, "updated": 0, "unchanged": 3}
    renamed = [changed(HELPLINES[0], name="Renamed"), *HELPLINES[1:], reachline.plain_helpline("line-3", "FR")]
    assert import_(running, json.dumps(renamed)) == {"created": 1, "updated": 1, "unchanged": 2}
    assert catalogue.soon("line-0", lambda got: got["name"] == "Renamed")["name"] == "Renamed"


def test_absent_contacts_are_left_out(running, catalogue):
    bare = {"id": "bare-json", "name": "Bare", "country": {"name": "Nepal", "code": "np"}, "timezone": "Asia/Kathmandu"}
    assert import_(running, json.dumps([bare]))["created"] == 1
    got = catalogue.soon("bare-json", lambda _: True)
    for name in ("phoneNumber", "smsNumber", "webChatUrl", "whatsappUrl"):
        assert name not in got, got
    assert got["country"]["code"] == "NP"


def as_csv(rows):
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


ROW = {"id": "csv-1", "name": 'The "Night", Line', "description": "Two\nlines", "website": "https://line.example.org", "country_code": "nz",
       "country_name": "New Zealand", "emergency_number": "111", "timezone": "Pacific/Auckland",
       "topics": "Anxiety:anxiety;Grief and loss:grief", "supported_languages": "en;mi", "specialties": "Youth", "support_types": "listening",
       "always_open": "false", "hours": "mon 09:00-17:00;sun 10:00-24:00", "phone_number": "+64 800 0000", "sms_number": "",
       "web_chat_url": "", "whatsapp_url": "", "priority": "true", "availability": "limited"}


def test_import_of_csv(running, catalogue):
    other = {"id": "csv-2", "name": "=cmd()", "country_code": "GB", "timezone": "Europe/London"}
    content = as_csv([ROW, other])
    assert import_(running, content, "csv") == {"created": 2, "updated": 0, "unchanged": 0}
    got = catalogue.soon("csv-1", lambda _: True)
    assert got["name"] == ROW["name"] and got["country"] == {"name": "New Zealand", "code": "NZ", "emergencyNumber": "111"}
    assert got["topics"] == [{"name": "Anxiety", "code": "anxiety"}, {"name": "Grief and loss", "code": "grief"}]
    assert got["supported_languages"] == ["en", "mi"] and got["priority"] is True and got["availability"] == "limited"
    assert got["hours"]["periods"] == [{"day": "monday", "open": "09:00", "close": "17:00"}, {"day": "sunday", "open": "10:00", "close": "24:00"}]
    assert "smsNumber" not in got and got["phoneNumber"] == "+64 800 0000"
    assert import_(running, b"\xef\xbb\xbf" + content.replace("\r\n", "\n").encode(), "CSV") == {"created": 0, "updated": 0, "unchanged": 2}


BAD = {
    "id": (..., "", "a b", "x" * 65, "é", 5), "name": (..., "", " ", "x" * 121, 5, None), "timezone": (..., "Mars/Olympus", "", 5),
    "country": (..., 5, {}, {"name": "X", "code": "XXX"}, {"name": "X"}, {"name": "X", "code": 5}),
    "website": ("javascript:alert(1)", "ftp://x", "x" * 501, 5), "webChatUrl": ("javascript:alert(1)",), "whatsappUrl": ("data:x",),
    "topics": (5, ["x"], [{"name": "X", "code": "Not a code"}], [{"name": "X", "code": "x"}] * 41),
    "hours": (5, {"alwaysOpen": "yes"}, {"periods": [{"day": "funday", "open": "09:00", "close": "17:00"}]},
              {"periods": [{"day": "monday", "open": "9", "close": "17:00"}]}, {"periods": [{"day": "monday", "open": "09:00", "close": "25:00"}]}),
    "availability": ("perhaps", 5), "priority": ("yes", 5), "supported_languages": (5, [5]), "specialties": ("x", [""]),
    "phoneNumber": ("x" * 41, 5), "description": ("x" * 4_001, 5),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_helpline_is_named_and_nothing_is_imported(running, catalogue, name):
    """All or nothing: the file is refused for one bad value, with where it is and what."""
    for n, value in enumerate(BAD[name]):
        good = [reachline.plain_helpline(f"half-{name}-{n}-{i}", "GB") for i in range(3)]
        bad = [good[0], changed(good[1], **{name: value}), good[2]]
        done = fails(running, "helplines", "import", write(running, json.dumps(bad), "json"), "--json", status=1, names=(name,))
        assert "2" in done.stderr, f"the place of the bad entry is not in {done.stderr!r}"
        ndjson = "\n".join(json.dumps(entry) for entry in bad)
        fails(running, "helplines", "import", write(running, ndjson, "json"), "--json", status=1, names=("line 2", name))
    assert not [id_ for id_ in catalogue.of("GB") if id_.startswith("half-")]
    assert "half-" not in json.dumps(import_(running, json.dumps(HELPLINES[1:])))


def test_a_bad_row_of_a_table_is_named(running, catalogue):
    for column, value in (("id", ""), ("id", "a b"), ("name", ""), ("country_code", "XXX"), ("timezone", "Mars/Olympus"), ("hours", "funday 1-2"),
                          ("hours", "mon 09:00-25:00"), ("topics", "no code"), ("website", "javascript:x"), ("availability", "perhaps"),
                          ("priority", "perhaps"), ("always_open", "sometimes"), ("phone_number", "x" * 41)):
        rows = [ROW | {"id": f"row-{n}", "description": "one line"} for n in range(3)]
        rows[1] = rows[1] | {column: value}
        fails(running, "helplines", "import", write(running, as_csv(rows), "csv"), "--json", status=1, names=("line 3", column))
    assert not [id_ for id_ in catalogue.of("NZ") if id_.startswith("row-")]


def test_all_faults_of_a_file_are_named(running):
    rows = [ROW | {"id": f"many-{n}", "description": ""} for n in range(4)]
    rows[0] |= {"timezone": "x"}
    rows[2] |= {"name": "", "country_code": "1"}
    fails(running, "helplines", "import", write(running, as_csv(rows), "csv"), "--json",
          names=("line 2", "timezone", "line 4", "name", "country_code"))


def test_files_that_cannot_be_read(running):
    good = json.dumps(HELPLINES)
    table = as_csv([ROW | {"description": ""}])
    for content, ending in ((b"", "json"), (b"{", "json"), (b"null", "json"), (b"5", "json"), (good[:-1], "json"), (good.encode("utf-16"), "json"),
                            (b"\xff\xfe", "json"), (good.replace("Line", "\\ud800"), "json"), ("[" * 5_000 + "]" * 5_000, "json"),
                            (b"", "csv"), (b"\n\n", "csv"), (b"a,b\n1,2\n", "csv"), (b"id,name\nx,y\n", "csv"), (table.replace("csv-1", "csv-1,extra"), "csv"),
                            (table.replace("https://line", '"https://line'), "csv"), (table.encode("utf-16"), "csv"),
                            (table.replace("Youth", "X").encode().replace(b"X", b"\xff"), "csv"), (table.replace(",", ";"), "csv"), (b"\0" * 100, "csv")):
        fails(running, "helplines", "import", write(running, content, ending), "--json", status=1)


def test_an_id_that_comes_twice(running):
    twice = [HELPLINES[0], changed(HELPLINES[0], name="Other")]
    fails(running, "helplines", "import", write(running, json.dumps(twice), "json"), "--json", status=1, names=("id",))


def test_the_country_of_a_helpline_with_events_stays(running, catalogue):
    entry = reachline.plain_helpline("counted", "GB")
    import_(running, json.dumps([entry]))
    catalogue.soon("counted", lambda _: True)
    client = running.client(running.token(running.application(running.customer(), "web")))
    event = {"helpline_id": "counted", "session_id": "s", "timestamp": figures.stamp(figures.now_ms())}
    assert client.post("/v1/events/helpline-display", event).status == 202
    moved = changed(reachline.plain_helpline("counted", "FR"), id="counted")
    fails(running, "helplines", "import", write(running, json.dumps([moved]), "json"), "--json", status=1, names=("country",))


# ------------------------------------------------------------------------------------------------ secrets

def token_of(running, application, secret):
    return running.client().post("/oauth/token", {"grant_type": "client_credentials", "client_id": application["client_id"], "client_secret": secret})


def test_rotation(running):
    """Two secrets are valid at once; revoking the first ends its tokens, and those of the second go on."""
    customer = running.customer()
    first = running.command("application", "create", "--customer", customer.id, "--name", "rotated", "--tier", "production")
    reachline.wait_for("the application", lambda: token_of(running, first, first["client_secret"]).status == 200, 5)
    second = running.command("application", "rotate", first["id"])
    assert second["id"] == first["id"] and second["client_id"] == first["client_id"]
    assert second["client_secret"] and second["client_secret"] != first["client_secret"]
    reachline.wait_for("the second secret", lambda: token_of(running, first, second["client_secret"]).status == 200,
                       REVOKED_WITHIN_SECONDS)
    tokens = [token_of(running, first, secret["client_secret"]).json["access_token"] for secret in (first, second)]
    client = running.client()
    assert [client.get("/v1/topics", token=token).status for token in tokens] == [200, 200]
    fails(running, "application", "rotate", first["id"], "--json")  # a third is one too many
    secrets = {secret["id"]: secret["hint"] for secret in second["secrets"]}
    assert len(secrets) == 2
    [old] = [id_ for id_, hint in secrets.items() if first["client_secret"].endswith(hint)]
    running.command("application", "revoke", first["id"], "--secret", old)
    reachline.wait_for("the end of the first token", lambda: client.get("/v1/topics", token=tokens[0]).status == 401, REVOKED_WITHIN_SECONDS)
    assert client.get("/v1/topics", token=tokens[1]).status == 200
    check_oauth_error(token_of(running, first, first["client_secret"]), "invalid_client")
    assert token_of(running, first, second["client_secret"]).status == 200
    running.command("application", "rotate", first["id"])  # there is room again


def test_revocation_of_an_application(running):
    """Every token of it ends within 5 seconds, on every endpoint."""
    customer = running.customer()
    made = running.command("application", "create", "--customer", customer.id, "--name", "revoked", "--tier", "production")
    reachline.wait_for("the application", lambda: token_of(running, made, made["client_secret"]).status == 200, 5)
    client = running.client(token_of(running, made, made["client_secret"]).json["access_token"])
    assert client.get("/v1/topics").status == 200
    done = running.command("application", "revoke", made["id"])
    assert done["id"] == made["id"] and done["revoked_at"]
    reachline.wait_for("the end of the token", lambda: client.get("/v1/topics").status in (401, 403), REVOKED_WITHIN_SECONDS)
    for answer in (client.get("/v1/helplines", {"country_code": "GB"}), client.get("/v1/analytics/summary"),
                   client.post("/v1/events/helpline-display", {}), client.post("/v1/events/helpline_click", {})):
        assert answer.status in (401, 403), answer
    check_oauth_error(token_of(running, made, made["client_secret"]), "invalid_client")
    fails(running, "application", "rotate", made["id"], "--json")


# ------------------------------------------------------------------------------------------------ the server

def test_an_address_in_use(running):
    done = fails(running, "serve", status=1)
    assert f"127.0.0.1:{running.port}" in done.stderr, done.stderr
    assert running.client().get("/readyz").status == 200


def test_verify_names_what_differs():
    """A count that somebody has changed by hand is found."""
    with reachline.installation("sqlite") as made:
        client = made.client(made.token(made.application(made.customer("Changed"), "web")))
        made.import_helplines([reachline.plain_helpline("verified", "GB")])
        event = {"helpline_id": "verified", "session_id": "s", "timestamp": figures.stamp(figures.now_ms())}
        reachline.wait_for("the helpline", lambda: client.post("/v1/events/helpline-display", event).status == 202, 5)
        today = event["timestamp"][:10]
        query = {"from": figures.day_before(today), "to": figures.day_before(today, -2)}
        reachline.wait_for("its figures", lambda: client.get("/v1/analytics/summary", query).json["figures"]["reach"] == 1, 5)
        figures.verified(made)
        with contextlib.closing(sqlite3.connect(made.directory / "reachline.db", timeout=10)) as database, database:
            database.execute("UPDATE figures SET gross_displays = gross_displays + 1 WHERE gross_displays > 0")
        done = made.run("figures", "verify", "--json")
        found = json.loads(done.stdout)["differences"]
        assert done.returncode == 1 and found, done
        assert {(one["customer"], one["stored"], one["recomputed"]) for one in found} == {("Changed", 2, 1)}, found


def test_the_demo():
    """A whole installation to look at, which says how to log in."""
    with reachline.installation("sqlite", start=False) as made:
        demo = made.command("demo")
        made.start()
        assert {user["role"] for user in made.command("user", "list")["items"]} == {"viewer", "customer_admin", "auditor", "operator"}
        customers = made.command("customer", "list")["items"]
        applications = made.command("application", "list")["items"]
        assert len(customers) == 2 and {a["tier"] for a in applications} == {"production", "sandbox"}
        assert {application["id"] for application in demo["applications"]} == {application["id"] for application in applications}
        assert len(demo["logins"]) >= 4 and demo["helplines"] == 40
        first = demo["applications"][0]
        client = made.client(token_of(made, first, first["client_secret"]).json["access_token"])
        countries = client.get("/v1/countries").json["countries"]
        assert len(countries) == 12
        helplines = [entry for country in countries for entry in client.get(
            "/v1/helplines", {"country_code": country["code"], "limit": "100"}).json["helplines"]]
        assert len(helplines) == len({entry["id"] for entry in helplines}) == 40
        today = figures.stamp(figures.now_ms())[:10]
        query = {"from": figures.day_before(today, 95), "to": figures.day_before(today, -2)}
        reachline.wait_for("the demo's figures", lambda: client.get("/v1/analytics/summary", query).json["figures"]["reach"] > 100, 30)
        figures.verified(made)


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_more_traffic_for_the_demo(kind):
    """`--events` loads the demo where it is not there, and adds events of a whole year to it, each time new ones."""
    with reachline.installation(kind, start=False) as made:
        first = made.command("demo", "--events", "4000")
        assert first["loaded"] and 3_900 <= first["added"] <= 4_000, first
        events = figures.verified(made)["events"]
        assert events == first["events"] + first["added"]
        for seed in ("1", "2"):
            more = made.command("demo", "--events", "2500", "--seed", seed)
            assert not more["loaded"] and 2_400 <= more["added"] <= 2_500, more
            events += more["added"]
        assert figures.verified(made)["events"] == events
        assert made.command("demo", "--events", "0")["added"] == 0
        made.start()
        application = first["applications"][0]
        client = made.client(token_of(made, application, application["client_secret"]).json["access_token"])
        today = figures.stamp(figures.now_ms())[:10]
        query = {"from": figures.day_before(today, 360), "to": figures.day_before(today, -1), "interval": "month"}
        buckets = client.get("/v1/analytics/timeseries", query).json["buckets"]
        whole_months = buckets[1:-1]  # the months at both ends may be cut to a day, in which nobody need have been reached
        assert len(whole_months) >= 10 and all(bucket["figures"]["reach"] > 0 for bucket in whole_months), buckets
        for wrong in ("-1", "x", "1.5", ""):
            assert made.run("demo", "--events", wrong).returncode == 2, wrong
        assert made.run("demo", "--seed", "5").returncode == 2


def test_traffic_needs_the_demo():
    with reachline.installation("sqlite", start=False) as made:
        made.customer()
        assert made.run("demo", "--events", "10").returncode == 1
        assert made.command("demo", "--if-empty", "--events", "10") == {"loaded": False}
        assert made.command("figures", "verify")["events"] == 0

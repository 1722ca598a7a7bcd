"""The audit log, from outside: whoever changes something or takes a file out is in it, and it is found again."""

import json
import re
import urllib.parse

import pytest

import figures
import oracle
import reachline

PAGE = {"Accept": "text/html"}
FORM = PAGE | {"Content-Type": "application/x-www-form-urlencoded"}
PASSWORD = "correct horse battery staple"
CARD = {"name": "Standard", "effective_from": "2026-01", "currency": "EUR", "figure": "net_displays",
        "tiers": [{"unit_price": "0.5"}]}


@pytest.fixture(scope="module", params=reachline.KINDS)
def made(request):
    with reachline.installation(request.param) as made:
        figures.import_reference_helplines(made)
        made.acme = made.customer("Acme")
        made.web = made.application(made.acme, "web")
        made.api = made.client(made.token(made.web))
        made.me = f"application web ({made.web.client_id})"
        now = figures.now_ms()
        made.month = figures.stamp(now - 3_600_000)[:7]
        helpline = list(oracle.CONFIG["helplines"])[0]
        for n in range(7):
            event = {"helpline_id": helpline, "session_id": f"secret-{n}", "timestamp": figures.stamp(now - 3_600_000 + n)}
            assert made.api.post("/v1/events/helpline-display", event).status == 202
        period = {"from": figures.day_before(figures.stamp(now)[:10], 3), "to": figures.day_before(figures.stamp(now)[:10], -3)}
        made.period = urllib.parse.urlencode(period)
        reachline.wait_for("the figures", lambda: made.api.get("/v1/analytics/summary", period).json["figures"]["gross_displays"] == 7, 10)
        card = made.directory / "card.json"
        card.write_text(json.dumps(CARD))
        made.command("rate-card", "create", "--customer", made.acme.id, "--file", str(card))
        made.people = {role: sign_in(made, role) for role in ("customer_admin", "viewer", "operator")}
        link = made.command("access-link", "create", "--customer", made.acme.id, "--name", "Ada")
        opened = made.api.post(link["url"], b"", token=None, headers=FORM)
        made.people["link"] = opened.headers["set-cookie"].split(";")[0], f"link Ada (…{link['id'][-8:]})"
        yield made


def sign_in(made, role):
    of = () if role == "operator" else ("--customer", made.acme.id)
    email = f"{role}@example.org"
    made.command("user", "create", "--email", email, "--role", role, "--password-stdin", *of, stdin=PASSWORD)
    return log_in(made, email).headers["set-cookie"].split(";")[0], email


def log_in(made, email, password=PASSWORD):
    form = urllib.parse.urlencode({"email": email, "password": password}).encode()
    return made.api.post("/api/sign_in", form, token=None, headers=FORM)


def submit(made, who, call, **form):
    body = urllib.parse.urlencode(form).encode()
    return made.api.post(f"/api/{call}", body, token=None, headers=FORM | {"Cookie": made.people[who][0]})


def entries(made, *arguments):
    return made.command("audit-log", "--limit", "500", *arguments)["items"]


def new_entries(made, work, *arguments):
    """What work writes down, oldest first."""
    before = {entry["id"] for entry in entries(made, *arguments)}
    work()
    return [entry for entry in entries(made, *arguments) if entry["id"] not in before][::-1]


def told(found):
    return [(entry["action"], entry["actor"]) for entry in found]


def test_the_command_line_is_told(made):
    actions = {entry["action"] for entry in entries(made) if entry["actor"] == "command line"}
    assert {"customer_added", "application_added", "user_added", "helplines_imported", "rate_card_made", "rate_card_assigned",
            "link_made"} <= actions, actions


def test_files_that_people_take_out(made):
    """By whom, also through a link; a file that is refused is none."""
    report = draft(made)
    for who in ("viewer", "customer_admin", "link"):
        cookie, actor = made.people[who]
        of = f"?month={made.month}"
        for path, action in (
            (f"statement.pdf{of}", "statement_fetched"), (f"statement-lines.csv{of}", "statement_fetched"),
            (f"statement-days.csv{of}", "statement_fetched"), (f"statement-events.csv{of}", "statement_events_fetched"),
            *((f"report.{kind}?report={report}", "report_fetched") for kind in ("pdf", "csv", "json")),
            *((f"{name}.csv?{made.period}", "figures_fetched") for name in ("summary", "breakdown", "intake")),
            (f"timeseries.csv?{made.period}&interval=day", "figures_fetched"),
        ):
            def get(path=path, cookie=cookie):
                answer = made.api.get(f"/download/{path}", token=None, headers={"Cookie": cookie})
                assert answer.status == 200, answer
            found = new_entries(made, get)
            assert told(found) == [(action, actor)] and found[0]["customer_id"] == made.acme.id, (path, found)
    for path in ("statement.pdf?month=2999-01", "report.pdf?report=01234567-89ab-7cde-8f01-23456789abcd", "summary.csv?from=x",
                 f"statement-events.csv?month={made.month}&step=nothing"):
        def refused(path=path):
            assert made.api.get(f"/download/{path}", token=None, headers={"Cookie": made.people["viewer"][0]}).status >= 400
            assert made.api.get(f"/download/{path}", token=None).status in (302, 303), "nobody is signed in"
        assert new_entries(made, refused) == [], path


def draft(made):
    found = made.command("report", "list", "--customer", made.acme.id)["items"]
    if not found:
        for key in ("detection_protocol", "prohibition_protocol"):
            (made.directory / f"{key}.txt").write_text("How it is done.")
        made.command("report", "draft", "--customer", made.acme.id, "--template", "california-sb-243", "--period", "2025",
                     *(f"--text={key}={made.directory}/{key}.txt" for key in ("detection_protocol", "prohibition_protocol")))
        found = made.command("report", "list", "--customer", made.acme.id)["items"]
    return found[0]["id"]


def test_files_that_programs_take_out(made):
    report = draft(made)
    for path, action in ((f"/v1/reports/{report}.pdf", "report_fetched"), (f"/v1/reports/{report}.csv", "report_fetched"),
                         (f"/v1/statements/{made.month}.csv", "statement_fetched"), ("/v1/statements.csv", "statement_fetched"),
                         (f"/v1/usage/{made.month}.csv", "statement_fetched"),
                         (f"/v1/usage/{made.month}/events.csv", "statement_events_fetched"),
                         *((f"/v1/analytics/{name}{made.period}", "figures_fetched")
                           for name in ("summary.csv?", "timeseries.csv?", "breakdown.csv?by=helpline&"))):
        found = new_entries(made, lambda: made.api.get(path))
        assert told(found) == [(action, made.me)], (path, found)
    # What is looked at, rather than taken out.
    for path in (f"/v1/reports/{report}", f"/v1/statements/{made.month}", "/v1/reports", f"/v1/usage/{made.month}",
                 f"/v1/analytics/summary?{made.period}", f"/v1/analytics/breakdown?by=helpline&{made.period}"):
        assert new_entries(made, lambda: made.api.get(path)) == [], path
    # A further page of what was begun just now; and of what was not.
    for by, count in (("helpline", 0), ("country", 1), ("country", 0)):
        rows = made.api.get(f"/v1/analytics/breakdown?by={by}&{made.period}").json["rows"]
        path = f"/v1/analytics/breakdown.csv?by={by}&cursor={rows[0]['key']}&{made.period}"
        assert len(new_entries(made, lambda: made.api.get(path))) == count, path
    assert new_entries(made, lambda: made.api.get("/v1/analytics/summary.csv?from=x")) == []


def test_a_walk_through_events_is_one_entry(made):
    """However many pages it has; and none of it can be had without one."""
    path = f"/v1/usage/{made.month}/events"

    def walk():
        query, seen = {"limit": 2}, 0
        while True:
            page = made.api.get(path, query).json
            seen += len(page["events"])
            if not page["next_cursor"]:
                return seen
            query |= {"cursor": page["next_cursor"], "as_of": page["as_of"]}

    found = new_entries(made, lambda: walk() == 7 or pytest.fail("not all events"))
    assert told(found) == [("statement_events_fetched", made.me)], found
    # Of the same name, and yet another one.
    twin = made.application(made.acme, "web")
    other = made.client(made.token(twin))
    found = new_entries(made, lambda: other.get(path, {"cursor": "0.0"}), "--kind", "exports")
    assert told(found) == [("statement_events_fetched", f"application web ({twin.client_id})")], found
    assert new_entries(made, lambda: other.get(path, {"cursor": "0.0", "limit": 3}), "--kind", "exports") == []


def test_what_the_command_line_takes_out(made):
    report = draft(made)
    for arguments, action in (
        (("statement", "export", made.acme.id, made.month, "--events"), "statement_events_fetched"),
        (("statement", "export", made.acme.id, made.month, "--daily"), "statement_fetched"),
        (("statement", "pdf", made.acme.id, made.month, "--output", "bill.pdf"), "statement_fetched"),
        (("report", "export", report, "--customer", made.acme.id, "--out", "report.csv"), "report_fetched"),
    ):
        def run(arguments=arguments):
            done = made.run(*arguments)
            assert done.returncode == 0, done
        found = new_entries(made, run)
        assert told(found) == [(action, "command line")], (arguments, found)


def test_people_are_named_for_what_they_change(made):
    customer = made.acme.id
    _, admin = made.people["customer_admin"]
    found = new_entries(made, lambda: submit(made, "customer_admin", "create_application", customer=customer,
                                             **{"form[name]": "phone", "form[tier]": "sandbox"}))
    assert told(found) == [("application_added", admin)], found
    found = new_entries(made, lambda: submit(made, "customer_admin", "create_webhook", customer=customer,
                                             url="https://hooks.example.org/T0PSECRET?token=abc"))
    assert told(found) == [("webhook_made", admin)] and found[0]["subject"] == "https://hooks.example.org", found
    found = new_entries(made, lambda: submit(made, "operator", "save_customer", customer=customer,
                                             **{"form[name]": "Acme Ltd", "form[time_zone]": "UTC"}))
    assert told(found) == [("customer_changed", "operator@example.org")], found
    assert found[0]["details"] == {"name": {"from": "Acme", "to": "Acme Ltd"}}, found
    # Refused: of the form, and of the person.
    for who, call, form in (("customer_admin", "create_webhook", {"customer": customer, "url": "x"}),
                            ("viewer", "create_application", {"customer": customer, "form[name]": "x", "form[tier]": "sandbox"}),
                            ("link", "create_webhook", {"customer": customer, "url": "https://x.example.org"}),
                            ("customer_admin", "save_customer", {"customer": customer, "form[name]": "x", "form[time_zone]": "UTC"})):
        assert new_entries(made, lambda: submit(made, who, call, **form)) == [], (who, call)
    assert b"T0PSECRET" not in json.dumps(entries(made)).encode()


def test_signing_in_and_out(made):
    made.command("user", "create", "--email", "eve@example.org", "--role", "viewer", "--customer", made.acme.id, "--password-stdin",
                 stdin=PASSWORD)

    def work():
        log_in(made, "eve@example.org", "wrong")
        log_in(made, "nobody@example.org", "wrong")
        cookie = log_in(made, "eve@example.org").headers["set-cookie"].split(";")[0]
        made.api.post("/api/sign_out", b"", token=None, headers=FORM | {"Cookie": cookie})
        made.api.post("/api/sign_out", b"", token=None, headers=FORM | {"Cookie": cookie})
    assert told(new_entries(made, work)) == [("signed_in", "eve@example.org"), ("signed_out", "eve@example.org")]


def test_the_log_is_narrowed_by_kind(made):
    kinds = {"exports": "statement_fetched", "applications": "application_added", "users": "user_added", "billing": "rate_card_made",
             "access_links": "link_used", "helplines": "helplines_imported", "customers": "customer_added", "sign_ins": "signed_in"}
    everything = [entry["id"] for entry in entries(made)]
    of_kinds = []
    for kind, action in kinds.items():
        found = entries(made, "--kind", kind)
        assert action in {entry["action"] for entry in found}, kind
        of_kinds += [entry["id"] for entry in found]
    assert len(of_kinds) == len(set(of_kinds)) and set(of_kinds) <= set(everything)
    wrong = made.run("audit-log", "--kind", "nonsense")
    assert wrong.returncode == 2 and "sign_ins" in wrong.stderr, wrong

    def page(query, who="customer_admin"):
        return made.api.get(f"/audit-log{query}", token=None, headers=PAGE | {"Cookie": made.people[who][0]})

    shown = page("?kind=applications").body.decode()
    assert "Added an application" in shown and "Signed in" not in shown.split("<tbody>")[1]
    assert re.search(r'<option value="applications" selected', shown), "the address says what is chosen"
    # What is the installation's is not a customer's to read.
    assert "rate_card_made" not in {entry["action"] for entry in entries(made, "--customer", made.acme.id)}
    assert "Made a rate card" not in page("?kind=billing").body.decode()
    shown = page(f"?kind=billing&customer={made.acme.id}", "operator").body.decode()
    assert "Assigned a rate card" in shown and "Made a rate card" not in shown
    assert "Made a rate card" in page("?kind=billing", "operator").body.decode()
    assert page("?kind=nonsense").status == 404 and page("?kind=").status == 200
    assert page("?kind=exports", "viewer").status == 403


def test_no_secret_is_in_it(made):
    text = json.dumps(entries(made))
    assert made.web.client_secret not in text and PASSWORD not in text and "argon2" not in text and "secret-" not in text

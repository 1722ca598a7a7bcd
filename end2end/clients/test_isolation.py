"""Nobody sees another customer's data: every route and every id of one, tried with the token of the other."""

import json
import re
import urllib.parse

import pytest

import billing
import figures
import oracle
import reachline
from problems import check_answer, check_problem

HELPLINES = list(oracle.CONFIG["helplines"])
ANALYTICS = ("/v1/analytics/summary", "/v1/analytics/timeseries", "/v1/analytics/breakdown")
BILLING = ("/v1/usage/{month}", "/v1/usage/{month}.csv", "/v1/usage/{month}/events", "/v1/usage/{month}/events.csv",
           "/v1/usage/{month}/steps/{step}", "/v1/statements", "/v1/statements.csv", "/v1/statements/{month}",
           "/v1/statements/{month}.csv")
REPORTS = ("/v1/reports", "/v1/reports/{report}", "/v1/reports/{report}.csv", "/v1/reports/{report}.pdf")
EXPORTS = ("/v1/exports/{kind}", "/v1/exports/{kind}/manifest")
JOBS = ("/v1/export-jobs", "/v1/export-jobs/{job}", "/v1/export-jobs/{job}/file", "/v1/export-jobs/{job}/manifest")
WAYS = ("application/json", "text/csv")


class Side:
    """One of two customers, with events of its own."""

    def __init__(self, made, name, zone, count):
        self.made, self.name, self.count = made, name, count
        self.customer = made.customer(name, zone)
        self.web = made.application(self.customer, f"{name} web")
        self.sandbox = made.application(self.customer, f"{name} sandbox", "sandbox")
        self.client = made.client(made.token(self.web))
        listed = made.command("application", "list", "--customer", self.customer.id)["items"]
        [self.secret] = [secret["id"] for item in listed if item["id"] == self.web.id for secret in item["secrets"]]
        self.sandbox_client = made.client(made.token(self.sandbox))
        self.events = []
        # By kind, what else only this customer may see.
        self.more = {}
        self.now = figures.now_ms()
        for client in (self.client, self.sandbox_client):
            for n in range(count):
                # The same sessions, helplines and instants on both sides: only the application tells them apart.
                event = {"helpline_id": HELPLINES[n % 3], "session_id": f"shared-{n}",
                         "timestamp": figures.stamp(self.now // 1_000 * 1_000 - 3_600_000 - n)}
                answer = client.post("/v1/events/helpline-display", event)
                assert answer.status == 202 and answer.json["status"] == "accepted", answer
                self.events.append((client, event, answer.json["event_id"]))
        day = figures.stamp(self.now)[:10]
        self.period = {"from": figures.day_before(day, 3), "to": figures.day_before(day, -3)}

    def ask(self, path, client=None, accept="application/json", **query):
        more = {"by": "application"} if path.endswith("breakdown") and "by" not in query else {}
        return (client or self.client).get(path, self.period | more | query, headers={"Accept": accept})

    def ids(self):
        """Everything that only this customer may see."""
        return {self.customer.id, self.web.id, self.sandbox.id, self.web.client_id, self.sandbox.client_id, self.name,
                self.web.name, self.sandbox.name, *self.more.values()}


@pytest.fixture(scope="module", params=reachline.KINDS)
def sides(request):
    with reachline.installation(request.param) as made:
        figures.import_reference_helplines(made)
        both = Side(made, "Alpha", "Asia/Kathmandu", 12), Side(made, "Omega", "America/St_Johns", 5)
        for side in both:
            reachline.wait_for("the figures", lambda: all(
                side.ask(ANALYTICS[0], tier=tier).json["figures"]["gross_displays"] == side.count
                for tier in figures.TIERS), 10)
        yield both


def pairs(sides):
    return (sides, sides[::-1])


def test_the_same_events_of_two_customers_are_two_events(sides):
    one, other = ([event_id for *_, event_id in side.events] for side in sides)
    assert not set(one) & set(other)
    assert len(set(one)) == len(one) and len(set(other)) == len(other)
    for side in sides:
        for client, event, event_id in side.events:
            again = client.post("/v1/events/helpline-display", event).json
            assert again == {"event_id": event_id, "status": "duplicate"}


@pytest.mark.parametrize("accept", WAYS)
def test_figures_are_of_the_own_customer(sides, accept):
    """No question about everything brings up anything of the other one."""
    for mine, others in pairs(sides):
        for path in ANALYTICS:
            for tier in figures.TIERS:
                for by in ("application", "helpline", "country", "contact_method", "topic") if path.endswith("breakdown") else (None,):
                    answer = mine.ask(path, accept=accept, tier=tier, **({"by": by} if by else {}))
                    assert answer.status == 200, answer
                    found = [mark for mark in others.ids() if mark.encode() in answer.body]
                    assert not found, f"{found} in {answer}"
    for mine, others in pairs(sides):
        assert mine.ask(ANALYTICS[0]).json["figures"]["gross_displays"] == mine.count
        assert mine.ask(ANALYTICS[0]).json["time_zone"] == mine.customer.time_zone


@pytest.mark.parametrize("accept", WAYS)
def test_ids_of_another_customer(sides, accept):
    """They are answered exactly like ids that do not exist."""
    for mine, others in pairs(sides):
        for path in ANALYTICS:
            for tier in (*figures.TIERS, None):
                query = {"tier": tier} if tier else {}
                foreign = [mine.ask(path, accept=accept, application_id=id_, **query)
                           for id_ in (others.web.id, others.sandbox.id, others.customer.id, others.events[0][2])]
                unknown = mine.ask(path, accept=accept, application_id="01234567-89ab-7cde-8f01-23456789abcd", **query)
                for answer in foreign:
                    check_problem(answer)
                    assert (answer.status, answer.json) == (unknown.status, unknown.json), f"{answer} is not {unknown}"


def test_parameters_that_name_a_customer_change_nothing(sides):
    for mine, others in pairs(sides):
        for path in ANALYTICS:
            plain = mine.ask(path)
            for name in ("customer", "customer_id", "customerId", "tenant", "account_id"):
                answer = mine.ask(path, **{name: others.customer.id})
                assert answer.status == 422 or answer.json == plain.json, answer


def test_cursors_of_another_customer(sides):
    """A cursor only says where a page begins: it opens nothing."""
    for mine, others in pairs(sides):
        for by in ("application", "helpline"):
            page = others.ask(ANALYTICS[2], by=by, limit=1).json
            cursor = page.get("next_cursor") or "x"
            answer = mine.ask(ANALYTICS[2], by=by, limit=1, cursor=cursor)
            check_answer(answer)
            assert not [mark for mark in others.ids() if mark.encode() in answer.body], answer


def test_an_event_cannot_be_put_into_another_application(sides):
    """What the body says of customers and applications is ignored: the token decides."""
    for mine, others in pairs(sides):
        before = others.ask(ANALYTICS[0]).json["figures"]
        client, event, event_id = mine.events[0]
        claims = {"application_id": others.web.id, "application": others.web.id, "client_id": others.web.client_id,
                  "customer_id": others.customer.id, "customer": others.customer.id, "tier": "sandbox"}
        answer = client.post("/v1/events/helpline-display", event | claims)
        assert answer.json == {"event_id": event_id, "status": "duplicate"}, answer
        assert others.ask(ANALYTICS[0]).json["figures"] == before


def test_a_batch_cannot_be_put_into_another_application(sides):
    """As above, of each event of a batch and of the batch itself; and the ids of another's events are not given away."""
    for mine, others in pairs(sides):
        before = others.ask(ANALYTICS[0]).json["figures"]
        claims = {"application_id": others.web.id, "application": others.web.id, "client_id": others.web.client_id,
                  "customer_id": others.customer.id, "customer": others.customer.id, "tier": "sandbox"}
        own = [(event, event_id) for client, event, event_id in mine.events if client is mine.client]
        events = [event | claims | {"type": "helpline_display"} for event, _ in own]
        answer = mine.client.post("/v1/events/batch", claims | {"events": events})
        check_answer(answer)
        assert [(result["status"], result["event_id"]) for result in answer.json["results"]] == \
            [("duplicate", event_id) for _, event_id in own], answer
        assert others.ask(ANALYTICS[0]).json["figures"] == before


def test_credentials_do_not_mix(sides):
    for mine, others in pairs(sides):
        for id_, secret in ((mine.web.client_id, others.web.client_secret), (others.web.client_id, mine.web.client_secret),
                            (mine.web.client_id, mine.sandbox.client_secret), (mine.web.id, mine.web.client_secret),
                            (mine.customer.id, mine.web.client_secret)):
            body = {"grant_type": "client_credentials", "client_id": id_, "client_secret": secret}
            answer = mine.client.post("/oauth/token", body, token=None)
            assert answer.status == 401 and answer.json["error"] == "invalid_client", answer


def test_unknown_clients_are_answered_like_wrong_secrets(sides):
    mine = sides[0]
    answers = [mine.client.post("/oauth/token", {"grant_type": "client_credentials", "client_id": id_, "client_secret": "x"},
                                token=None) for id_ in (mine.web.client_id, "no-such-client")]
    assert answers[0].json == answers[1].json and answers[0].status == answers[1].status


@pytest.fixture(scope="module")
def cards(sides):
    """A rate card for each side: only its own customer may see its name."""
    for side in sides:
        card = billing.card("reach", "EUR", 0, ((None, "0.05"),)) | {"name": f"Terms of {side.name}"}
        made = side.made.command("rate-card", "create", "--file", "-", "--customer", side.customer.id, stdin=json.dumps(card))
        side.more["card"] = made["id"]


@pytest.mark.parametrize("accept", WAYS)
def test_bills_are_of_the_own_customer(sides, cards, accept):
    """Usage, statements and events hold nothing of the other one, whatever the parameters name."""
    months = {figures.stamp(side.now - 3_600_000)[:7] for side in sides} | {figures.stamp(sides[0].now)[:7]}
    for mine, others in pairs(sides):
        secret = others.ids() | {f"Terms of {others.name}"} | {event_id for *_, event_id in others.events}
        names = {"customer": others.customer.id, "customer_id": others.customer.id, "application_id": others.web.id,
                 "cursor": "0.0", "as_of": 1_000_000}
        for template in BILLING:
            for month in months:
                for step in billing.STEPS if "{step}" in template else (None,):
                    path = template.format(month=month, step=step)
                    for query in ({}, *({name: value} for name, value in names.items())):
                        answer = mine.client.get(path, query, headers={"Accept": accept})
                        check_answer(answer)
                        found = [mark for mark in secret if mark.encode() in answer.body]
                        assert not found, f"{path} {query}: {found} in {answer}"
        month = figures.stamp(mine.now)[:7]
        statement = mine.client.get(f"/v1/statements/{month}").json
        assert statement["rate_card"]["name"] == f"Terms of {mine.name}"


@pytest.fixture(scope="module")
def reports(sides):
    """An approved report and a draft of each side."""
    for side in sides:
        for name, period in (("approved", "2024"), ("report", "2025")):
            form = ("--customer", side.customer.id, "--template", "washington-disclosure", "--period", period)
            side.more[name] = side.made.command("report", "draft", *form)["id"]
        side.made.command("report", "approve", side.more["approved"], "--customer", side.customer.id)


def test_reports_are_of_the_own_customer(sides, reports):
    for mine, others in pairs(sides):
        listed = mine.client.get("/v1/reports").json["reports"]
        assert {report["id"] for report in listed} == {mine.more["approved"], mine.more["report"]}
        assert {report["customer"] for report in listed} == {mine.name}
        for suffix in ("", ".csv", ".pdf"):
            for name in ("approved", "report"):
                assert mine.client.get(f"/v1/reports/{mine.more[name]}{suffix}").status == 200
                answer = mine.client.get(f"/v1/reports/{others.more[name]}{suffix}")
                check_problem(answer)
                assert answer.status == 404, answer
        page = mine.client.get("/v1/reports", {"cursor": others.more["report"], "limit": 1})
        check_answer(page)
        assert not [mark for mark in others.ids() if mark.encode() in page.body], page


def test_exports_are_of_the_own_customer(sides):
    """Whatever the parameters name."""
    for mine, others in pairs(sides):
        secret = others.ids() | {event_id for *_, event_id in others.events}
        for kind in ("events", "days", "helplines", "countries", "contact_methods", "applications"):
            for template in EXPORTS:
                path = template.format(kind=kind)
                for query in ({}, {"customer": others.customer.id}, {"customer_id": others.customer.id}, {"as_of": 1_000_000},
                              {"tier": "sandbox"}, {"application_id": others.web.id}, {"application_id": others.customer.id}):
                    for format_ in ("csv", "ndjson"):
                        answer = mine.client.get(path, mine.period | query | {"format": format_})
                        check_answer(answer)
                        found = [mark for mark in secret if mark.encode() in answer.body]
                        assert not found, f"{path} {query}: {found} in {answer}"
                        assert answer.status == (422 if "application_id" in query or ("as_of" in query and kind != "events") else 200)
        events = mine.client.get("/v1/exports/events", mine.period | {"format": "ndjson"}).body.splitlines()
        assert {json.loads(line)["event_id"] for line in events} == \
            {event_id for client, _, event_id in mine.events if client is mine.client}


@pytest.fixture(scope="module")
def jobs(sides):
    """An export of each side that is done."""
    for side in sides:
        answer = side.client.post("/v1/export-jobs?" + urllib.parse.urlencode(side.period | {"kind": "days"}))
        assert answer.status == 201, answer
        side.more["job"] = answer.json["id"]
        reachline.wait_for("the export", lambda: side.client.get(answer.headers["location"]).json["status"] == "done", 20)


def test_export_jobs_are_of_the_own_customer(sides, jobs):
    for mine, others in pairs(sides):
        secret = others.ids() | {event_id for *_, event_id in others.events}
        listed = mine.client.get("/v1/export-jobs", {"limit": 100}).json["jobs"]
        assert mine.more["job"] in {job["id"] for job in listed}
        assert {job["requested_by"] for job in listed} == {f"application {mine.web.name} ({mine.web.client_id})"}
        for query in ({}, {"customer": others.customer.id}, {"cursor": others.more["job"]}):
            answer = mine.client.get("/v1/export-jobs", query)
            check_answer(answer)
            assert not [mark for mark in secret if mark.encode() in answer.body], answer
        for template in JOBS[1:]:
            own = mine.client.get(template.format(job=mine.more["job"]))
            assert own.status == 200 and not [mark for mark in secret if mark.encode() in own.body], own
            answer = mine.client.get(template.format(job=others.more["job"]))
            check_problem(answer)
            assert answer.status == 404, answer
        for job, client, status in ((others.more["job"], mine.client, 404), (mine.more["job"], mine.sandbox_client, 403)):
            answer = client.request("DELETE", f"/v1/export-jobs/{job}")
            check_problem(answer)
            assert answer.status == status, answer
        assert mine.client.get(f"/v1/export-jobs/{mine.more['job']}/file").status == 200
        for query in ({"application_id": others.web.id}, {"customer": others.customer.id}):
            answer = mine.client.post("/v1/export-jobs?" + urllib.parse.urlencode(mine.period | {"kind": "days"} | query))
            check_answer(answer)
            assert answer.status == (422 if "application_id" in query else 201), answer
            assert not [mark for mark in secret if mark.encode() in answer.body], answer


def test_a_tier_sees_both_tiers_of_its_own_customer_only(sides):
    """A sandbox application's token reads its customer's figures, apart from those of production."""
    for mine, others in pairs(sides):
        for client in (mine.client, mine.sandbox_client):
            assert mine.ask(ANALYTICS[0], client).json["figures"]["gross_displays"] == mine.count
            rows = mine.ask(ANALYTICS[2], client, tier="sandbox").json["rows"]
            assert [row["key"] for row in rows if row["figures"]["gross_displays"]] == [mine.sandbox.id]


def test_every_route_of_the_description_is_tried_here(sides):
    """A route that is new must be thought of: with the ids of the other customer in it."""
    known = {"/oauth/token", "/v1/events/helpline-display", "/v1/events/helpline-click", "/v1/helplines", "/v1/helplines/{id}",
             "/v1/countries", "/v1/topics", *ANALYTICS, *(f"{path}.csv" for path in ANALYTICS), *BILLING, *REPORTS, *EXPORTS, *JOBS, "/openapi.json", "/healthz",
             "/readyz", "/metrics", "/v1/events/helpline_display", "/v1/events/helpline_click", "/v1/events/batch", "/docs"}
    answer = sides[0].client.get("/openapi.json", token=None)
    new = set(json.loads(answer.body)["paths"]) - known
    assert not new, f"not tried for isolation: {sorted(new)}"


def test_public_pages_name_nobody(sides):
    """What is answered without a token holds nothing of any customer."""
    client = sides[0].client
    for path in ("/metrics", "/openapi.json", "/healthz", "/readyz", "/docs"):
        answer = client.get(path, token=None)
        check_answer(answer)
        for side in sides:
            assert not [mark for mark in side.ids() if re.search(rf"\b{re.escape(mark)}\b".encode(), answer.body)], path


# ------------------------------------------------------------------------------------------------ the dashboard

PASSWORD = "correct horse battery staple"
ROLES = ("viewer", "customer_admin")
# Whoever comes by an access link is as much a stranger to other customers.
VISITORS = (*ROLES, "link")
PAGES = ("/", "/overview", "/overview?customer={customer}", "/overview?by=application", "/overview?by=application&customer={customer}",
         "/overview?application_id={web}", "/applications", "/applications?customer={customer}", "/applications?cursor={web}", "/account",
         "/admin/customers", "/admin/customers/new", "/admin/customers/{customer}", "/admin/users", "/admin/users/new", "/admin/users/{user}",
         "/admin/helplines", "/admin/helplines/new", "/admin/helplines/{helpline}", "/admin/system",
         "/download/summary.csv?{period}", "/download/summary.csv?{period}&customer={customer}",
         "/download/intake.csv?{period}", "/download/intake.csv?{period}&customer={customer}",
         "/download/timeseries.csv?{period}&interval=day", "/download/timeseries.csv?{period}&interval=day&customer={customer}",
         "/download/breakdown.csv?{period}&by=application", "/download/breakdown.csv?{period}&by=application&customer={customer}",
         "/download/breakdown.csv?{period}&by=helpline&application_id={web}",
         "/billing", "/billing?customer={customer}", "/billing/{month}", "/billing/{month}?customer={customer}",
         "/billing/{month}?check=1&customer={customer}", "/billing/{month}/{step}", "/billing/{month}/{step}?customer={customer}",
         "/billing/{month}/{step}?application_id={web}", "/admin/statements", "/admin/statements?month={month}", "/admin/rate-cards",
         "/admin/rate-cards/new", "/admin/rate-cards/{card}", "/admin/rate-cards/{card}/versions/{version}",
         "/reports", "/reports?customer={customer}", "/reports?cursor={report}", "/reports/new?template=transparency",
         "/reports/new?template=transparency&customer={customer}", "/reports/{report}", "/reports/{report}?customer={customer}",
         "/download/reports.csv", "/download/reports.csv?template=transparency", "/reports?template=transparency",
         "/exports", "/exports?customer={customer}", "/exports?cursor={job}", "/exports/new", "/exports/new?customer={customer}",
         "/exports/new?application_id={web}", "/exports/{job}", "/exports/{job}?customer={customer}",
         *(f"/download/exports/{{job}}{part}{of}" for of in ("", "?customer={customer}") for part in ("", "/manifest")),
         "/audit-log", "/audit-log?customer={customer}", "/audit-log?cursor={job}", "/audit-log?kind=users",
         "/audit-log?kind=applications&customer={customer}",
         *(f"/download/report.{kind}?report={{report}}{of}" for of in ("", "&customer={customer}") for kind in ("csv", "json", "pdf")),
         "/alerts", "/alerts?customer={customer}", "/alerts?cursor={alert}", "/alerts/new", "/alerts/new?kind=silent&customer={customer}",
         "/access-links", "/access-links?customer={customer}", "/access-links?cursor={link}",
         "/alerts/{alert}", "/alerts/{alert}?customer={customer}", "/alerts/webhooks", "/alerts/webhooks?customer={customer}",
         "/alerts/deliveries", "/alerts/deliveries?customer={customer}", "/alerts/deliveries?cursor={alert}",
         *(f"/download/{file}?month={{month}}{of}" for of in ("", "&customer={customer}", "&application_id={web}")
           for file in ("statement.pdf", "statement-lines.csv", "statement-days.csv", "statement-events.csv")))
READS = ("/api/who_am_i", "/api/pages/login", "/api/pages/overview", "/api/pages/overview?query[customer]={customer}",
         "/api/pages/overview?query[customer]={customer}&query[by]=application", "/api/pages/overview?query[application_id]={web}",
         "/api/pages/overview?query[by]=application", "/api/pages/applications", "/api/pages/applications?customer={customer}",
         "/api/pages/account", "/api/pages/customers", "/api/pages/customer", "/api/pages/customer?customer={customer}", "/api/pages/users",
         "/api/pages/user", "/api/pages/user?user={user}", "/api/pages/helplines", "/api/pages/helpline", "/api/pages/helpline?helpline={helpline}",
         "/api/pages/system", "/api/pages/billing", "/api/pages/billing?customer={customer}",
         "/api/pages/statement?month={month}", "/api/pages/statement?month={month}&check=true&customer={customer}",
         "/api/pages/step?month={month}&step=gross", "/api/pages/step?month={month}&step=gross&query[customer]={customer}",
         "/api/pages/step?month={month}&step=gross&query[application_id]={web}", "/api/pages/statements?month={month}",
         "/api/due_statements?month={month}", "/api/pages/rate_cards", "/api/pages/rate_card?card={card}",
         "/api/pages/rate_card_version", "/api/pages/rate_card_version?card={card}&version=1",
         "/api/pages/reports", "/api/pages/reports?template=transparency", "/api/pages/reports?customer={customer}",
         "/api/pages/new_report?template=transparency",
         "/api/pages/new_report?template=transparency&customer={customer}", "/api/pages/report?report={report}",
         "/api/pages/report?report={report}&customer={customer}",
         "/api/pages/access_links", "/api/pages/access_links?customer={customer}", "/api/pages/access_links?cursor={link}",
         "/api/pages/exports", "/api/pages/exports?customer={customer}", "/api/pages/new_export",
         "/api/pages/new_export?query[customer]={customer}", "/api/pages/export?export={job}",
         "/api/pages/export?export={job}&customer={customer}", "/api/pages/audit_log", "/api/pages/audit_log?customer={customer}",
         "/api/pages/audit_log?kind=users", "/api/pages/audit_log?kind=users&customer={customer}",
         "/api/pages/alerts", "/api/pages/alerts?customer={customer}", "/api/pages/alert", "/api/pages/alert?alert={alert}",
         "/api/pages/alert?alert={alert}&customer={customer}", "/api/pages/webhooks", "/api/pages/webhooks?customer={customer}",
         "/api/pages/deliveries", "/api/pages/deliveries?customer={customer}")
WRITES = {
    "/api/create_application": {"customer": "{customer}", "form[name]": "planted", "form[tier]": "production"},
    "/api/rotate_application": {"customer": "{customer}", "application": "{web}"},
    "/api/revoke_application": {"customer": "{customer}", "application": "{web}"},
    "/api/revoke_secret": {"customer": "{customer}", "application": "{web}", "secret": "{secret}"},
    "/api/save_customer": {"customer": "{customer}", "form[name]": "planted", "form[time_zone]": "UTC"},
    "/api/save_user": {"user": "{user}", "form[email]": "planted@example.org", "form[name]": "planted", "form[role]": "operator"},
    "/api/set_user_disabled": {"user": "{user}", "disabled": "true"},
    "/api/save_helpline": {"helpline": "{helpline}", "form[id]": "{helpline}", "form[name]": "planted", "form[country_code]": "US",
                           "form[timezone]": "UTC"},
    "/api/issue_statement": {"customer": "{customer}", "month": "{month}", "before_end": "true"},
    "/api/issue_statements": {"month": "{month}"},
    "/api/save_rate_card": {"card": "{card}", "action": "save", "form[effective_from]": "{month}", "form[currency]": "EUR",
                            "form[figure]": "reach", "form[tiers][0][unit_price]": "9"},
    "/api/assign_rate_card": {"page_of": "{card}", "form[customer]": "{customer}", "form[card]": "", "form[from]": "{month}"},
    "/api/draft_report": {"customer": "{customer}", "template": "washington-disclosure", "form[period]": "2023"},
    "/api/approve_report": {"customer": "{customer}", "report": "{report}"},
    "/api/discard_report": {"customer": "{customer}", "report": "{report}"},
    "/api/set_disclosure": {"customer": "{customer}", "is_on": "true"},
    "/api/request_export": {"customer": "{customer}", "form[kind]": "events", "form[format]": "csv", "form[from]": "2026-01-01",
                            "form[last]": "2026-01-31", "form[tier]": "production"},
    "/api/cancel_export": {"customer": "{customer}", "export": "{job}"},
    "/api/delete_export": {"customer": "{customer}", "export": "{job}"},
    "/api/save_alert": {"customer": "{customer}", "alert": "{alert}", "form[name]": "planted", "form[kind]": "silent",
                        "form[hours]": "9", "form[webhook]": "{webhook}"},
    "/api/delete_alert": {"customer": "{customer}", "alert": "{alert}"},
    "/api/test_alert": {"customer": "{customer}", "alert": "{alert}"},
    "/api/create_webhook": {"customer": "{customer}", "url": "https://planted.example.org/"},
    "/api/rotate_webhook": {"customer": "{customer}", "webhook": "{webhook}"},
    "/api/set_webhook_disabled": {"customer": "{customer}", "webhook": "{webhook}", "disabled": "true"},
    "/api/delete_webhook": {"customer": "{customer}", "webhook": "{webhook}"},
    "/api/test_webhook": {"customer": "{customer}", "webhook": "{webhook}"},
    "/api/retry_delivery": {"customer": "{customer}", "delivery": "{delivery}"},
    "/api/make_access_link": {"customer": "{customer}", "form[name]": "planted", "form[days]": "9"},
    "/api/revoke_access_link": {"customer": "{customer}", "link": "{link}"},
}
# As above, of nothing that exists: a new customer, user, helpline, rate card and alert; and a link of whichever customer.
NEW = {"/api/save_customer": ("customer",), "/api/save_user": ("user",), "/api/save_helpline": ("helpline",),
       "/api/save_rate_card": ("card",), "/api/save_alert": ("alert",), "/api/revoke_access_link": ("customer",)}
# Calls that name nobody.
OWN = {"sign_in", "sign_out", "change_password"}


@pytest.fixture(scope="module")
def people(sides, cards, reports, jobs):
    """(side, role) -> the session cookie, id and name of a person or link. Each side has an alert, an endpoint and a delivery."""
    made = sides[0].made
    found = {}
    for side in sides:
        name = f"Auditor of {side.name}"
        link = made.command("access-link", "create", "--customer", side.customer.id, "--name", name)
        side.more["link"] = link["id"]
        found[side.name, "link"] = (open_link(side, link), link["id"], name)
    for side in sides:
        for role in ROLES:
            email = f"{role}@{side.name.lower()}.example"
            user = made.command("user", "create", "--email", email, "--role", role, "--customer", side.customer.id, "--password-stdin",
                                stdin=PASSWORD)
            found[side.name, role] = (sign_in(side, email), user["id"], email)
        set_alerts(side, found[side.name, "customer_admin"][0])
    return found


def set_alerts(side, cookie):
    """Sets an alert that calls an endpoint, and sends a test to it."""
    customer = {"customer": side.customer.id}

    def submit(call, form):
        body = urllib.parse.urlencode(customer | form).encode()
        answer = side.client.post(f"/api/{call}", body, token=None, headers=FORM | {"Cookie": cookie})
        assert answer.status in (302, 303) and "refused" not in answer.headers["location"], answer

    def shown(page, pattern):
        answer = side.client.get(page, token=None, headers=PAGE | {"Cookie": cookie})
        found = re.findall(pattern, answer.body.decode())
        assert found, f"{page} shows no {pattern}"
        return found[0]

    submit("create_webhook", {"url": f"https://{side.name.lower()}.example.org/hook"})
    side.more["webhook"] = shown("/alerts/webhooks", r'name="webhook"[^>]*value="([0-9a-f-]{36})"')
    submit("save_alert", {"form[name]": f"Watch of {side.name}", "form[kind]": "silent", "form[hours]": "5",
                          "form[webhook]": side.more["webhook"]})
    side.more["alert"] = shown("/alerts", r'/alerts/([0-9a-f-]{36})')
    submit("test_webhook", {"webhook": side.more["webhook"]})


def open_link(side, link):
    answer = side.client.post(link["url"], b"", token=None, headers=FORM)
    assert answer.status == 303 and answer.headers["location"] == "/overview", answer
    return answer.headers["set-cookie"].split(";")[0]


def sign_in(side, email):
    form = urllib.parse.urlencode({"email": email, "password": PASSWORD, "next": ""}).encode()
    answer = side.client.post("/api/sign_in", form, token=None, headers=FORM)
    assert answer.status in (302, 303), answer
    cookie = answer.headers["set-cookie"].split(";")[0]
    assert side.client.get("/overview", token=None, headers=PAGE | {"Cookie": cookie}).status == 200
    return cookie


PAGE = {"Accept": "text/html"}
FORM = PAGE | {"Content-Type": "application/x-www-form-urlencoded"}


def names_of(side, people):
    ids = [people[side.name, role][1] for role in ROLES]
    return {"customer": side.customer.id, "web": side.web.id, "secret": side.secret, "user": ids[0], "helpline": HELPLINES[0],
            "period": urllib.parse.urlencode(side.period), "month": figures.stamp(side.now - 3_600_000)[:7], "version": "1", "step": "gross",
            "delivery": side.more["alert"], **side.more}


def filled(text, names):
    for name, value in names.items():
        text = text.replace("{%s}" % name, value)
    return text


def check_page(answer, page, others, people):
    """Holds nothing of the other customer but what was asked with."""
    check_answer(answer)
    secret = others.ids() | {email for (side, _), (_, _, email) in people.items() if side == others.name}
    shown = [mark for mark in secret if re.search(rf"(?<![\w-]){re.escape(mark)}(?![\w-])".encode(), answer.body)]
    assert not [mark for mark in shown if mark not in page], f"{page}: {shown} in {answer.body[:3000]!r}"


def test_pages_and_ids_of_another_customer(sides, people):
    for mine, others in pairs(sides):
        names = names_of(others, people)
        for role in VISITORS:
            headers = {"Cookie": people[mine.name, role][0]}
            for template in (*PAGES, *READS):
                page = filled(template, names)
                for accept in ("text/html", "application/json", "*/*"):
                    answer = mine.client.get(page, token=None, headers=headers | {"Accept": accept})
                    check_page(answer, page, others, people)


def test_people_of_a_customer_administer_nothing(sides, people):
    for side in sides:
        names = names_of(side, people)
        for role in VISITORS:
            headers = PAGE | {"Cookie": people[side.name, role][0]}
            for page in PAGES:
                if page.startswith("/admin"):
                    answer = side.client.get(filled(page, names), token=None, headers=headers)
                    assert answer.status in (403, 404), f"{role} {page}: {answer.status}"


def everything(sides):
    made = sides[0].made
    kinds = ("customer", "application", "user", "rate-card", "access-link")
    statements = [made.command(kind, "list", "--customer", side.customer.id) for side in sides for kind in ("statement", "report")]
    return {kind: made.command(kind, "list") for kind in kinds}, statements, [
        side.client.get(f"/v1/helplines/{HELPLINES[0]}").json for side in sides]


def alerts(sides, people):
    """What the admins see of their alerts, endpoints and deliveries, but for what differs at each look."""
    found = []
    for side in sides:
        for page in ("alerts", "webhooks", "deliveries"):
            headers = {"Cookie": people[side.name, "customer_admin"][0], "Accept": "application/json"}
            answer = side.client.get(f"/api/pages/{page}", token=None, headers=headers)
            assert answer.status == 200, answer
            text = answer.body.decode()
            found.append((page, sorted(set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", text))), "planted" in text, "isabled" in text))
    return found


def test_changes_to_another_customer(sides, people):
    """Every call that changes something, as forms and as the page's script send it: refused, and nothing has changed."""
    before, alerts_before = everything(sides), alerts(sides, people)
    for mine, others in pairs(sides):
        names = names_of(others, people)
        for role in VISITORS:
            for path, template in WRITES.items():
                forms = [template] + ([{k: v for k, v in template.items() if k not in NEW[path]}] if path in NEW else [])
                for form in forms:
                    body = urllib.parse.urlencode({name: filled(value, names) for name, value in form.items()}).encode()
                    for accept in ("text/html", "application/json"):
                        headers = FORM | {"Accept": accept, "Cookie": people[mine.name, role][0]}
                        answer = mine.client.post(path, body, token=None, headers=headers)
                        check_page(answer, body.decode() + urllib.parse.unquote(body.decode()) + str(names), others, people)
                        assert answer.status >= 400 or answer.status in (302, 303), f"{role} {path}: {answer}"
                        assert "done=" not in answer.headers.get("location", ""), f"{role} {path}: {answer}"
    assert everything(sides) == before
    assert alerts(sides, people) == alerts_before


def test_a_viewer_changes_nothing_of_the_own_customer(sides, people):
    before = everything(sides)
    for side in sides:
        names = names_of(side, people)
        for path, form in WRITES.items():
            body = urllib.parse.urlencode({name: filled(value, names) for name, value in form.items()}).encode()
            answer = side.client.post(path, body, token=None, headers=FORM | {"Cookie": people[side.name, "viewer"][0]})
            assert "done=" not in answer.headers.get("location", "") and answer.status != 200, f"{path}: {answer}"
    assert everything(sides) == before


def test_an_access_link_reads_what_a_viewer_reads(sides, people):
    """Each page and call answers both with the same status; but a link is for auditors, and so reads the audit log."""
    for side in sides:
        names = names_of(side, people)
        for template in (*PAGES, *READS):
            page = filled(template, names)
            accept = {"Accept": "application/json" if page.startswith("/api/") else "text/html"}
            found = [side.client.get(page, token=None, headers=accept | {"Cookie": people[side.name, role][0]}).status
                     for role in ("viewer", "link")]
            if re.fullmatch(r"/(audit-log|api/pages/audit_log)\b.*", page):
                assert found == [403, 200], f"{page}: {found}"
            else:
                assert found[0] == found[1] < 500, f"{page}: {found}"


def test_where_endpoints_are_is_for_those_who_change_them(sides, people):
    """What follows a host may be a secret of the receiver's: whoever only reads is not shown it."""
    to_all = sides[0].made.command("access-link", "create", "--all", "--name", "Auditor of endpoints")
    cookie_of_all = open_link(sides[0], to_all)
    for side in sides:
        host = f"https://{side.name.lower()}.example.org"
        cookies = {role: people[side.name, role][0] for role in VISITORS} | {"link to all": cookie_of_all}
        for who, cookie in cookies.items():
            for page in ("/alerts", "/alerts/webhooks", "/alerts/deliveries"):
                for path in (page, "/api/pages" + (page if page == "/alerts" else page.removeprefix("/alerts"))):
                    answer = side.client.get(path, {"customer": side.customer.id}, token=None,
                                             headers={"Accept": "text/html" if path == page else "application/json", "Cookie": cookie})
                    assert answer.status == 200 and host.encode() in answer.body, f"{who} {path}: {answer}"
                    assert (f"{host}/hook".encode() in answer.body) == (who == "customer_admin"), f"{who} {path}: {answer.body!r}"


def test_an_access_link_changes_nothing(sides, people):
    """Every call that changes something is refused to a link to the own customer and to one to all, as what it may not do.
    Exports are a way of reading: whoever reads requests them, but ends no one else's."""
    made = sides[0].made
    to_all = made.command("access-link", "create", "--all", "--name", "Auditor of all")
    cookie_of_all = open_link(sides[0], to_all)
    before, alerts_before = everything(sides), alerts(sides, people)
    for side in sides:
        names = names_of(side, people)
        calls = {path: form for path, form in WRITES.items() if path != "/api/request_export"}
        calls |= {"/api/change_password": {"current": PASSWORD, "new": "planted by a link", "again": "another one"}}
        for cookie in (people[side.name, "link"][0], cookie_of_all):
            for path, template in calls.items():
                for form in [template] + ([{k: v for k, v in template.items() if k not in NEW[path]}] if path in NEW else []):
                    body = urllib.parse.urlencode({name: filled(value, names) for name, value in form.items()}).encode()
                    answer = side.client.post(path, body, token=None, headers=FORM | {"Accept": "application/json", "Cookie": cookie})
                    assert answer.status == 403, f"{path} {form}: {answer}"
                    answer = side.client.post(path, body, token=None, headers=FORM | {"Cookie": cookie})
                    assert answer.status in (302, 303) and "done=" not in answer.headers["location"], f"{path}: {answer}"
    assert everything(sides) == before
    assert alerts(sides, people) == alerts_before
    # It reads what an auditor does.
    for page in ("/admin/users", "/admin/customers", f"/billing?customer={sides[1].customer.id}"):
        assert sides[0].client.get(page, token=None, headers=PAGE | {"Cookie": cookie_of_all}).status == 200, page


def test_forms_with_line_breaks(sides, people):
    """What is sent back to its page names what it was about: whatever stands there, nothing breaks and nothing is changed."""
    before = everything(sides)
    one, other = sides
    names, cookie = names_of(other, people), people[one.name, "customer_admin"][0]
    for path, template in WRITES.items():
        form = {name: filled(value, names) for name, value in template.items()}
        for field in form:
            for odd in ("a\nb", "a\r\nSet-Cookie: x=y", "a\0b", "é/../?#%0A", "\x7f"):
                body = urllib.parse.urlencode(form | {field: odd}).encode()
                answer = one.client.post(path, body, token=None, headers=FORM | {"Cookie": cookie})
                assert answer.status < 500 and "x=y" not in answer.headers.get("set-cookie", ""), f"{path} {field} {odd!r}: {answer}"
                assert "done=" not in answer.headers.get("location", ""), f"{path} {field} {odd!r}: {answer}"
    # And of the form to sign in.
    for odd in ("a\nb", "a\rb", "é"):
        body = urllib.parse.urlencode({"email": odd, "password": odd, "next": odd}).encode()
        assert one.client.post("/api/sign_in", body, token=None, headers=FORM).status in (302, 303, 429)
    assert everything(sides) == before


def test_changes_that_another_site_asks_for(sides, people):
    """The browser of a customer's admin, sent here by a foreign page: refused, whatever says that it is foreign."""
    before = everything(sides)
    for side in sides:
        names, cookie = names_of(side, people), people[side.name, "customer_admin"][0]
        for path, form in (WRITES | {"/api/sign_out": {}, "/api/sign_in": {"email": "x", "password": "y"}}).items():
            body = urllib.parse.urlencode({name: filled(value, names) for name, value in form.items()}).encode()
            for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"},
                            {"Referer": "https://evil.example/x"}, {"Sec-Fetch-Site": "same-site"}):
                answer = side.client.post(path, body, token=None, headers=FORM | foreign | {"Cookie": cookie})
                assert answer.status == 403, f"{path} {foreign}: {answer}"
        assert side.client.get("/overview", token=None, headers=PAGE | {"Cookie": cookie}).status == 200
    assert everything(sides) == before


def test_without_a_session(sides, people):
    """Nobody is shown or may change anything."""
    before = everything(sides)
    for side in sides:
        names = names_of(side, people)
        for headers in ({}, {"Cookie": "reachline_session=x"}, {"Cookie": "reachline_session=" + "A" * 22}, {"Authorization": f"Bearer {side.client.token}"}):
            for template in (*PAGES, *READS):
                page = filled(template, names)
                answer = side.client.get(page, token=None, headers=PAGE | headers)
                check_page(answer, page, side, people)
                assert answer.status != 200 or "/login" in page or "who_am_i" in page, f"{page}: {answer}"
            for path, form in WRITES.items():
                body = urllib.parse.urlencode({name: filled(value, names) for name, value in form.items()}).encode()
                answer = side.client.post(path, body, token=None, headers=FORM | headers)
                assert "done=" not in answer.headers.get("location", "") and answer.status != 200, f"{path}: {answer}"
    assert everything(sides) == before


def test_an_old_session_is_worth_nothing(sides, people):
    """Signed out is signed out on the server, not only in the browser."""
    side = sides[0]
    cookie = sign_in(side, people[side.name, "viewer"][2])
    side.client.post("/api/sign_out", b"", token=None, headers=FORM | {"Cookie": cookie})
    for page in ("/overview", "/applications", "/account", "/api/pages/overview", "/download/summary.csv"):
        answer = side.client.get(page, token=None, headers=PAGE | {"Cookie": cookie})
        check_page(answer, page, side, people)
        assert answer.status in (302, 303, 401, 403), answer


def test_every_call_of_the_pages_is_tried_here():
    """A page or call that is new must be thought of: with the ids of the other customer in it."""
    app = reachline.ROOT / "app" / "src"
    sources = [app / "calls.rs", *(app / "calls").glob("*.rs")]
    calls = {call for source in sources for call in re.findall(r'endpoint = "([\w/]+)"', source.read_text())}
    tried = {call.split("?")[0].removeprefix("/api/") for call in (*READS, *WRITES)} | OWN
    assert calls == tried, calls ^ tried
    routes = {re.sub(r":\w+", "", route) for route in re.findall(r'path=path!\("([^"]+)"\)', (app / "routes.rs").read_text())}
    tried = {re.sub(r"\{\w+\}", "", page.split("?")[0]) for page in PAGES} | {"/login"}
    assert routes <= tried, routes - tried

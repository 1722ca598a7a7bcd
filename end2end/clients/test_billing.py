"""Bills: every number on a statement is that of an oracle, can be followed down to events, and stays as it was issued."""

import asyncio
import csv
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

import billing
import figures
import oracle
import reachline
from problems import check_problem

CONNECTIONS = 8
# The sessions of generated streams.
LIKE_A_SESSION = rb"s-[0-9a-z-]+"
SETTLE_SECONDS = 30
# Figure, zone, terms and number of events of each customer; the last one has more events than a page of an export.
CASES = (
    ("reach", "Asia/Kathmandu", ("EUR", 10, ((50, "0.0375"), (200, "0.012505"), (None, "0.000333")), "49.90", "60"), 900),
    ("unique_displays", "America/St_Johns", ("KWD", 0, ((100, "0.000357"), (None, "0.0125")), "1.250", "0"), 600),
    ("net_displays", "Pacific/Apia", ("JPY", 3, ((None, "0.5"),), "0", "0"), 600),
    ("net_clicks", "UTC", ("EUR", 0, ((7, "1.005"), (None, "0.333333")), "0", "1000"), 900),
    ("notifications", "Europe/Paris", ("EUR", 100, ((None, "0.015"),), "0.01", "0"), 600),
    ("reach", "Australia/Lord_Howe", ("EUR", 0, ((1_000, "0.01"), (None, "0.005")), "0", "0"), 12_000),
)


@dataclass
class Billed:
    """A customer, all that it has sent, and all that it was answered."""

    installation: object
    figure: str
    zone: str
    terms: dict
    seed: int
    count: int
    events: list = field(default_factory=list)
    identities: dict = field(default_factory=dict)       # event id -> identity
    bodies: list = field(default_factory=list)
    issued: bytes = None

    def __post_init__(self):
        made = self.installation
        self.name = f"{self.figure} in {self.zone}"
        self.rng = oracle.rng_of("billing", self.seed)
        self.last, self.running = billing.months_of(self.zone)
        self.customer = figures.make_customer(made, self.name, self.zone)
        created = made.command("rate-card", "create", "--name", f"Card {self.seed}", "--file", "-", "--customer", self.customer.id,
                               stdin=json.dumps(self.terms))
        self.card = created["id"]
        self.client = made.client(self.customer.applications["app-web"].token)
        self.post(oracle.generate(self.seed, self.count, billing.days_to(self.running)))

    def post(self, events):
        def take(batch, answer, sent):
            assert answer.status == 200, answer
            for event, result in zip(batch.events, answer.json["results"]):
                if "event_id" in result:
                    self.identities[result["event_id"]] = oracle.identity(event)

        events = oracle.shuffled(events, self.rng)
        batches = figures.batches_of(self.customer, events, self.rng)
        asyncio.run(reachline.deliver(self.installation.port, batches, take, CONNECTIONS))
        self.events += events

    def get(self, path, accept="application/json", **query):
        answer = self.client.get(path, query, headers={"Accept": accept})
        assert answer.status == 200, f"{path} {query}: {answer}"
        self.bodies.append(answer.body)
        return answer

    def oracle(self, month):
        return billing.Month(self.events, self.zone, month, self.figure, self.running)

    def settled(self, month):
        """The month's usage, once it is as the oracle has it."""
        wanted, got = self.oracle(month).waterfall(), None
        try:
            reachline.wait_for("usage", lambda: (got := self.get(f"/v1/usage/{month}").json)["waterfall"] == wanted, SETTLE_SECONDS, .2)
        except TimeoutError:
            got = self.get(f"/v1/usage/{month}").json["waterfall"]
            figures.same(f"{self.name}, {month}", got, wanted)
        return self.get(f"/v1/usage/{month}").json

    def command(self, *arguments):
        done = self.installation.run("statement", *arguments, "--json")
        self.bodies.append(done.stdout.encode())
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def pages(self, month, limit, **query):
        """All events of a list, page by page, each once and in the order of time."""
        found, more = [], {}
        while True:
            page = self.get(f"/v1/usage/{month}/events", limit=limit, **(query | more)).json
            assert len(page["events"]) <= limit
            found += page["events"]
            if not page["next_cursor"]:
                break
            more = {"cursor": page["next_cursor"], "as_of": page["as_of"]}
        order = [(event["timestamp"], event["place"]) for event in found]
        assert order == sorted(order) and len({event["event_id"] for event in found}) == len(found)
        return found


@pytest.fixture(scope="module", params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param, reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        yield made


@pytest.fixture(scope="module")
def customers(installation):
    def make(case):
        seed, (figure, zone, (currency, included, tiers, base_fee, minimum), count) = case
        return Billed(installation, figure, zone, billing.card(figure, currency, included, tiers, base_fee, minimum), 8_100 + seed, count)

    return [make(case) for case in enumerate(CASES)]


def check_own_lines(billed, statement, month):
    """The lines of a statement without adjustments, and its total."""
    waterfall = billed.oracle(month).waterfall()
    lines, total = billing.priced(billed.terms, waterfall["billable"])
    assert billing.printed(statement) == lines, billed.name
    assert statement["total"] == total and statement["currency"] == billed.terms["currency"], billed.name
    assert statement["waterfall"] == waterfall and statement["adjustments"] == []


def test_usage_and_drafts(customers):
    """Every step of the waterfall and every line, of both months."""
    for billed in customers:
        for month in (billed.last, billed.running):
            usage = billed.settled(month)
            statement = usage["statement"]
            assert usage["time_zone"] == statement["time_zone"] == billed.zone
            assert (statement["status"], statement["issued_at"], statement["month"]) == ("draft", None, month)
            assert statement["rate_card"]["id"] == billed.card and statement["rate_card"]["version"] == 1
            check_own_lines(billed, statement, month)
            alone = billed.get(f"/v1/statements/{month}").json
            assert alone["lines"] == statement["lines"]
        months = [one["month"] for one in billed.get("/v1/statements").json["statements"]]
        assert months == [billed.running], "the month before the customer was made is no draft until it is issued"


def listed_steps(billed, month):
    """Every list of events is as long as its step says, and says of each event what the oracle does."""
    oracle_ = billed.oracle(month)
    waterfall = oracle_.waterfall()
    whole = billed.pages(month, 1_000)
    assert len(whole) == sum(waterfall[step] for step in ("sandbox", "other_kind", "gross"))
    oracle_.check({billed.identities[event["event_id"]]: event["why"] for event in whole})
    over_the_turn = sum(event["why"]["is_billed"] and not event["why"]["is_kept"] for event in whole)
    for step in billing.STEPS:
        counts = billed.get(f"/v1/usage/{month}/steps/{step}").json
        stated = waterfall["rejected_total"] if step == "rejected" else waterfall[step]
        assert counts["stated"] == stated, f"{billed.name} {step}"
        # A burst that runs on into the next month is listed once more: see the description of the step.
        assert counts["total"] == stated + (over_the_turn if step == "not_unique" else 0), f"{billed.name} {step}"
        assert counts["total"] == sum(part["events"] for part in counts["by_day"]) == \
            sum(part["events"] for part in counts["by_application"])
        if step == "rejected":
            assert {part["code"]: part["events"] for part in counts["by_code"]} == waterfall["rejected"]
        if step in billing.LISTED:
            found = billed.pages(month, billed.rng.choice((97, 250, 1_000)), step=step)
            assert len(found) == counts["total"] == sum(part["events"] for part in counts["by_helpline"])
    return whole


def test_every_event_is_explained(customers):
    for billed in customers:
        for month in (billed.last, billed.running):
            whole = listed_steps(billed, month)
            # Filters take what they say.
            some = billed.rng.choice(whole)
            for name, value in (("application_id", some["application_id"]), ("helpline_id", some["helpline_id"])):
                found = billed.pages(month, 1_000, **{name: value})
                assert found == [event for event in whole if event[name] == value]
            days = Counter(oracle.reference.local(figures.millis(event["timestamp"]), oracle.ZoneInfo(billed.zone)).strftime("%Y-%m-%d")
                           for event in whole)
            for day, count in days.items():
                assert len(billed.pages(month, 1_000, day=day)) == count, f"{billed.name} {day}"
            # The same as one table.
            for path, accept in ((f"/v1/usage/{month}/events", "text/csv"), (f"/v1/usage/{month}/events.csv", "*/*")):
                rows = list(csv.DictReader(io.StringIO(billed.get(path, accept).body.decode())))
                assert [row["event_id"] for row in rows] == [event["event_id"] for event in whole]
                assert [row["outcome"] for row in rows] == [event["why"]["outcome"] for event in whole]


def test_a_month_is_issued(customers):
    """As its draft was; again it is the same; the months' sums by day are those of its steps."""
    for billed in customers:
        draft = billed.get(f"/v1/statements/{billed.last}").json
        issued = billed.command("issue", billed.customer.id, billed.last)
        assert issued["new"] and issued["statement"]["issued_by"]
        billed.issued = billed.get(f"/v1/statements/{billed.last}").body
        statement = json.loads(billed.issued)
        assert statement["status"] == "issued" and statement["issued_at"]
        changed = {"status", "issued_at"}
        assert {k: v for k, v in statement.items() if k not in changed} == {k: v for k, v in draft.items() if k not in changed}
        check_own_lines(billed, statement, billed.last)
        recomputed = billed.command("recompute", billed.customer.id, billed.last)
        assert recomputed["equal"] and recomputed["differences"] == recomputed["since"] == []
        assert recomputed["recomputed"] == recomputed["stated"] == recomputed["present"] == statement["waterfall"]
        done = billed.installation.run("statement", "export", billed.customer.id, billed.last, "--daily")
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        for step in billing.STEPS[:-2]:
            stated = statement["waterfall"]["rejected_total" if step == "rejected" else step]
            assert sum(int(row[step]) for row in rows) == stated, f"{billed.name} {step}"
        done = billed.installation.run("statement", "export", billed.customer.id, billed.last, "--lines")
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [(row["kind"], row["amount"]) for row in rows] == [(line["kind"], line["amount"]) for line in statement["lines"]]


def test_a_running_month_is_not_issued(customers):
    billed = customers[0]
    done = billed.installation.run("statement", "issue", billed.customer.id, billed.running)
    assert done.returncode == 1 and "month: " in done.stderr, done
    assert billed.installation.command("statement", "issue", "--due") == {"issued": 0}


def test_what_comes_late_is_adjusted(customers):
    """The issued statement stays to the byte; the next draft says what has changed, and what that costs."""
    amounts = []
    for billed in customers:
        before = billed.oracle(billed.last).waterfall()
        billed.post(billing.late_events(billed.events, billed.zone, billed.last, billed.rng))
        draft = billed.settled(billed.running)["statement"]
        after = billed.oracle(billed.last).waterfall()
        assert after["gross"] > before["gross"] and after["duplicates"] > before["duplicates"]
        wanted = lambda: billed.get(f"/v1/statements/{billed.running}").json["adjustments"][-1:]
        reachline.wait_for("the adjustment", lambda: (made := wanted()) and made[0]["after"] == after, SETTLE_SECONDS, .2)
        draft = billed.get(f"/v1/statements/{billed.running}").json
        [adjustment] = draft["adjustments"]
        (_, was), (_, is_) = (billing.priced(billed.terms, of["billable"]) for of in (before, after))
        amount = billing.money(Decimal(is_) - Decimal(was), billed.terms["currency"])
        assert adjustment == {"month": billed.last, "before": before, "after": after, "billed": was, "recomputed": is_,
                              "amount": amount}, billed.name
        lines, own = billing.priced(billed.terms, billed.oracle(billed.running).waterfall()["billable"])
        assert billing.printed(draft) == [*lines, ("adjustment", after["billable"] - before["billable"], None, amount)]
        assert draft["lines"][-1]["month"] == billed.last
        assert draft["total"] == billing.money(Decimal(own) + Decimal(amount), billed.terms["currency"])
        amounts.append(Decimal(amount))
        # Of the issued month nothing has changed, down to its events.
        assert billed.get(f"/v1/statements/{billed.last}").body == billed.issued, billed.name
        again = billed.command("issue", billed.customer.id, billed.last)
        assert not again["new"] and again["statement"]["waterfall"] == before
        assert billed.get(f"/v1/statements/{billed.last}").body == billed.issued, billed.name
        found = billed.pages(billed.last, 1_000, step="gross")
        assert len(found) == before["gross"]
        recomputed = billed.command("recompute", billed.customer.id, billed.last)
        assert recomputed["equal"] and recomputed["recomputed"] == before and recomputed["present"] == after, billed.name
        since = {one["step"]: (one["recomputed"], one["present"]) for one in recomputed["since"]}
        assert since["gross"] == (before["gross"], after["gross"])
    assert min(amounts) < 0 < max(amounts), f"both more and less should have come late: {amounts}"


def test_an_adjustment_is_issued_once(customers):
    """With the statement that carries it, before its month has ended; the one before stays."""
    for billed in customers:
        draft = billed.get(f"/v1/statements/{billed.running}").json
        statement = billed.command("issue", billed.customer.id, billed.running, "--before-end")["statement"]
        assert (statement["adjustments"], statement["total"]) == (draft["adjustments"], draft["total"])
        both = billed.get("/v1/statements").json["statements"]
        assert [one["status"] for one in both] == ["issued", "issued"]
        rows = list(csv.DictReader(io.StringIO(billed.get("/v1/statements.csv").body.decode())))
        assert [(row["number"], row["total"]) for row in rows] == [(one["number"], one["total"]) for one in both]
        assert billed.get(f"/v1/statements/{billed.last}").body == billed.issued, billed.name


def test_a_restart_changes_nothing(customers, installation):
    """Whatever was remembered: statements and lists are as they were."""
    lists = [billed.pages(billed.last, 1_000) for billed in customers]
    installation.terminate()
    installation.start()
    for billed, before in zip(customers, lists):
        assert billed.get(f"/v1/statements/{billed.last}").body == billed.issued, billed.name
        assert billed.pages(billed.last, 1_000) == before
    assert figures.verified(installation)


def test_another_customer_sees_nothing(customers):
    """Neither by a month nor by a place in the log or a cursor."""
    one, other = customers[0], customers[-1]
    page = one.get(f"/v1/usage/{one.last}/events", limit=1).json
    found = other.pages(one.last, 1_000, cursor=page["next_cursor"], as_of=page["as_of"])
    assert not {event["event_id"] for event in found} & set(one.identities)
    for name in ("web", "mobile", "sandbox"):
        id_ = one.customer.applications[f"app-{name}"].id
        answer = other.client.get(f"/v1/usage/{one.last}/events", {"application_id": id_})
        check_problem(answer, 422, fields={"application_id": "field_invalid"})


def test_no_answer_holds_a_session(customers):
    for billed in customers:
        sessions = {event["session_id"].encode() for event in billed.events}
        assert all(re.fullmatch(LIKE_A_SESSION, session) for session in sessions)
        assert sum(map(len, billed.bodies)) > 100_000
        assert not [found for body in billed.bodies for found in re.findall(LIKE_A_SESSION, body) if found in sessions], billed.name


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_issuing_without_a_server_counts_what_was_answered(kind):
    """The server was killed a moment after its last answer: the command takes in what the log holds before it issues."""
    with reachline.installation(kind, reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        billed = Billed(made, "reach", "UTC", billing.card("reach", "EUR", 0, ((None, "0.01"),)), 8_200, 3_000)
        made.kill()
        statement = billed.command("issue", billed.customer.id, billed.last)["statement"]
        # What was refused is counted a moment after its answer, and so not by a server that was killed.
        wanted = billed.oracle(billed.last).waterfall()
        counted = ("sandbox", "other_kind", "gross", "net", "billable")
        assert {step: statement["waterfall"][step] for step in counted} == {step: wanted[step] for step in counted}
        assert statement["total"] == billing.priced(billed.terms, wanted["billable"])[1]
        assert billed.command("recompute", billed.customer.id, billed.last)["equal"]


def test_statements_without_a_card(installation):
    """Usage there is, and no statement."""
    customer = figures.make_customer(installation, "without a card", "UTC")
    client = installation.client(customer.applications["app-web"].token)
    month = billing.months_of("UTC")[1]
    assert client.get(f"/v1/usage/{month}").json["statement"] is None
    assert client.get("/v1/statements").json == {"statements": [], "next_cursor": None}
    check_problem(client.get(f"/v1/statements/{month}"), 404, "not_found")
    done = installation.run("statement", "show", customer.id, month, "--json")
    assert done.returncode == 1 and not done.stdout and month in done.stderr, done

"""Compares what the API answers of a customer's figures with the oracle."""

import gzip
import json
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import zstandard

import oracle
import reachline
from oracle import FIGURES, FIGURES_OF, TABLES

SETTLE_SECONDS = 30
TIERS = ("production", "sandbox")


@dataclass
class Job:
    """One request with one event."""

    head: bytes
    body: bytes
    event: dict
    customer: object = None


def jobs_of(customer, events, rng):
    """The requests of a stream, in all the spellings that must make no difference."""
    jobs = []
    for event in events:
        name = "display" if event["type"] == "helpline_display" else "click"
        path = f"/v1/events/helpline{rng.choice('-_')}{name}"
        head = reachline.head(path, customer.applications[event["application"]].token)
        jobs.append(Job(head, json.dumps(oracle.as_sent(event, rng)).encode(), event, customer))
    return jobs


@dataclass
class Batch:
    """One request with many events of one application."""

    head: bytes
    body: bytes
    events: list
    customer: object = None


def batches_of(customer, events, rng, size_max=1_000):
    """The requests of a stream in batches of all sizes, in all forms and encodings."""
    batches = []
    for application, of in customer.applications.items():
        left = [event for event in events if event["application"] == application]
        while left:
            size = rng.choice((1, rng.randrange(1, size_max + 1), size_max))
            batch, left = left[:size], left[size:]
            sent = [oracle.as_sent(event, rng) | {"type": event["type"].replace("_", rng.choice("-_"))} for event in batch]
            content_type, body = batch_body(sent, rng.choice(("array", "object", "lines")))
            encoding, body = encoded(body, rng.choice(("identity", "gzip", "zstd")))
            head = reachline.head("/v1/events/batch", of.token, content_type) + f"Content-Encoding: {encoding}\r\n".encode()
            batches.append(Batch(head, body, batch, customer))
    rng.shuffle(batches)
    return batches


def batch_body(events, form):
    """The content type and body of a batch in one of its forms."""
    if form == "lines":
        return "application/x-ndjson", "\n".join(map(json.dumps, events)).encode()
    return "application/json", json.dumps(events if form == "array" else {"events": events}).encode()


def encoded(body, encoding):
    """The encoding and the body in it."""
    if encoding == "identity":
        return encoding, body
    return encoding, gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)


def make_customer(installation, name, zone):
    """A customer with the applications of the reference's configuration, each with a token."""
    customer = installation.customer(name, zone)
    for application, of in oracle.CONFIG["applications"].items():
        installation.token(installation.application(customer, application, of["tier"]))
    return customer


def import_reference_helplines(installation):
    return installation.import_helplines(
        [reachline.plain_helpline(*item) for item in oracle.CONFIG["helplines"].items()])


def period_of(rows):
    """Days that hold everything, with some to spare: more than the hours that are answered at once is not needed."""
    days = [datetime.fromisoformat(day) for day in rows] or [datetime(2026, 11, 1)]
    return f"{min(days) - timedelta(days=2):%Y-%m-%d}", f"{max(days) + timedelta(days=3):%Y-%m-%d}"


def shown(row, names):
    """A row of the reference as the API shows it."""
    has_rate = "ctr" in row
    return {name: row[name] for name in names} | ({"ctr": row["ctr"]} if has_rate else {})


def nothing(names):
    rate = {"ctr": None} if "reach" in names or "unique_displays" in names else {}
    return {name: 0 for name in names} | rate


def millis(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


class Reading:
    """One customer's figures, read through the API."""

    def __init__(self, installation, customer, whole):
        self.customer, self.zone = customer, customer.time_zone
        self.client = installation.client(next(iter(customer.applications.values())).token)
        days = {day for tier in TIERS for day in whole["tiers"][tier]["by_day"]}
        self.period = period_of(days)

    def get(self, what, **query):
        start, end = self.period
        answer = self.client.get(f"/v1/analytics/{what}", {"from": start, "to": end} | query)
        assert answer.status == 200, f"{what} {query}: {answer}"
        body = answer.json
        assert body["from"] == query.get("from", start) and body["to"] == query.get("to", end), body
        assert body["time_zone"] == self.zone
        return body

    def summary(self, **query):
        return self.get("summary", **query)["figures"]

    def buckets(self, interval, **query):
        buckets = self.get("timeseries", interval=interval, **query)["buckets"]
        assert all(one["end"] == next_["start"] for one, next_ in zip(buckets, buckets[1:])), "buckets are not gapless"
        return buckets

    def by_day(self, **query):
        """Local date -> figures; every day of the period has its bucket."""
        zone = oracle.ZoneInfo(self.zone)
        rows = {datetime.fromisoformat(b["start"]).astimezone(zone).strftime("%Y-%m-%d"): b["figures"]
                for b in self.buckets("day", **query)}
        first, last = (datetime.fromisoformat(query.get(name, day)) for name, day in zip(("from", "to"), self.period))
        wanted = [f"{first + timedelta(days=i):%Y-%m-%d}" for i in range((last - first).days)]
        # A date that a zone has skipped whole (Pacific/Apia, 2011-12-30) could have none; there is none such here.
        assert list(rows) == wanted, f"days are missing: {list(rows)}"
        return rows

    def rows(self, by, **query):
        """Key -> figures, over all pages."""
        rows, cursor = {}, {}
        while True:
            page = self.get("breakdown", by=by, **query, **cursor)
            for row in page["rows"]:
                assert row["key"] not in rows, f"{row['key']} comes twice"
                rows[row["key"]] = row["figures"]
            if not page.get("next_cursor"):
                return rows
            cursor = {"cursor": page["next_cursor"]}

    def close(self):
        self.client.close()


def settle(reading, whole, seconds=SETTLE_SECONDS):
    """Waits until the gross counts of both tiers fit. The caller compares everything else after that."""
    gross = ("gross_displays", "gross_clicks")
    wanted = {tier: [whole["tiers"][tier]["total"][name] for name in gross] for tier in TIERS}
    end, got = time.monotonic() + seconds, None
    while time.monotonic() < end:
        got = {tier: [reading.summary(tier=tier)[name] for name in gross] for tier in TIERS}
        if got == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{reading.customer.name}: after {seconds} s the gross counts are {got}, not {wanted}")


def same(what, got, wanted):
    """Equal, with a message that shows only what differs; the last printed decimal of a rate may be rounded either way."""
    rates = (got.get("ctr"), wanted.get("ctr"))
    if None not in rates and abs(rates[0] - rates[1]) < 1.5e-6:
        got = got | {"ctr": rates[1]}
    if got == wanted:
        return
    keys = [key for key in (*got, *(key for key in wanted if key not in got)) if got.get(key) != wanted.get(key)]
    raise AssertionError(f"{what}: " + "; ".join(f"{k}: got {got.get(k)}, wanted {wanted.get(k)}" for k in keys[:12]))


def same_rows(what, got, wanted, names):
    """The same rows, where rows of nothing may be left out or be there."""
    keys = set(got) | set(wanted)
    for key in sorted(keys):
        same(f"{what} {key}", got.get(key, nothing(names)), wanted.get(key, nothing(names)))


def compare_tables(reading, tier, figures):
    """Everything that the reference prints of a tier."""
    where = f"{reading.customer.name} ({reading.zone}) {tier}"
    same(f"{where} total", reading.summary(tier=tier), shown(figures["total"], FIGURES))
    same_rows(f"{where} by day", reading.by_day(tier=tier),
              {day: shown(row, FIGURES) for day, row in figures["by_day"].items()}, FIGURES)
    ids = {name: application.id for name, application in reading.customer.applications.items()}
    for by, table in TABLES.items():
        names = FIGURES_OF[by]
        wanted = {ids.get(key, key): shown(row, names) for key, row in figures[table].items()}
        same_rows(f"{where} by {by}", reading.rows(by, tier=tier), wanted, names)


FILTERS = {"application": "application_id", "country": "country_code", "helpline": "helpline_id", "method": "contact_method"}
NAMES_OF_FILTER = {"application": FIGURES, "country": FIGURES_OF["country"], "helpline": FIGURES_OF["helpline"],
                   "method": FIGURES_OF["contact_method"]}


def compare_filtered(reading, tier, facts, rng):
    """Questions with a filter: the events that pass it, measured alone, in total, by day, and broken down further."""
    for _ in range(3):
        kinds = rng.choice((("application",), ("country",), ("helpline",), ("method",), ("application", "country"),
                            ("application", "helpline"), ("application", "method"), ("country", "method"),
                            ("helpline", "method"), ("application", "helpline", "method")))
        chosen = {kind: rng.choice({
            "application": [n for n, t in facts.application_tiers.items() if t == tier],
            "country": sorted(set(oracle.CONFIG["helplines"].values())),
            "helpline": sorted(oracle.CONFIG["helplines"]), "method": oracle.METHODS}[kind]) for kind in kinds}
        alone = facts.measure(tier, **chosen)
        names = [name for name in FIGURES if all(name in NAMES_OF_FILTER[kind] for kind in kinds)]
        query = {FILTERS[kind]: value for kind, value in chosen.items()} | {"tier": tier}
        if "application" in chosen:
            query["application_id"] = reading.customer.applications[chosen["application"]].id
        where = f"{reading.customer.name} ({reading.zone}) {query}"
        in_part = lambda row: {name: row[name] for name in names}
        got = reading.summary(**query)
        rate = got.pop("ctr", None)
        same(f"{where} total", got, in_part(alone["total"]))
        if "helpline" in chosen:
            of, all_ = "conversions", "unique_displays"
        else:
            of, all_ = "converted_sessions", "reach"
        if all_ in names and got[all_]:
            assert abs(rate - got[of] / got[all_]) < 1.5e-6, f"{where}: ctr {rate} of {got}"
        else:
            assert rate is None, f"{where}: ctr {rate} of {got}"
        for day, row in reading.by_day(**query).items():
            row.pop("ctr", None)
            same(f"{where} {day}", row, in_part(alone["by_day"].get(day, dict.fromkeys(FIGURES, 0))))


def compare_sums(reading, tier, facts):
    """Whatever the buckets, they add up; the buckets of hours and weeks hold what falls into them."""
    where = f"{reading.customer.name} ({reading.zone}) {tier}"
    total = reading.summary(tier=tier)
    total.pop("ctr")
    seconds = facts.by_second(tier)
    starts = [at for at, _ in seconds]
    for interval in ("hour", "week", "month"):
        buckets = reading.buckets(interval, tier=tier)
        same(f"{where}: sum by {interval}", oracle.add(b["figures"] for b in buckets), total)
        for bucket in buckets:
            start, end = millis(bucket["start"]), millis(bucket["end"])
            inside = oracle.add(row for _, row in seconds[bisect_left(starts, start):bisect_left(starts, end)])
            got = {name: bucket["figures"][name] for name in FIGURES}
            same(f"{where}: {interval} from {bucket['start']} to {bucket['end']}", got, inside)
    for by in ("application", "helpline", "country"):
        names = [name for name in FIGURES_OF[by] if by != "country" or name not in ("reach", "converted_sessions")]
        same(f"{where}: sum by {by}", oracle.add(reading.rows(by, tier=tier).values(), names),
             {name: total[name] for name in names})
    clicks = ("gross_clicks", "net_clicks", "attributed_clicks", "unattributed_clicks")
    same(f"{where}: sum by contact method", oracle.add(reading.rows("contact_method", tier=tier).values(), clicks),
         {name: total[name] for name in clicks})


def compare(installation, customer, events, rng, deeply=True):
    """Waits until everything has been counted, then compares."""
    facts = oracle.Oracle(events, customer.time_zone)
    reading = Reading(installation, customer, facts.whole)
    settle(reading, facts.whole)
    for tier in TIERS:
        compare_tables(reading, tier, facts.whole["tiers"][tier])
        if deeply:
            compare_filtered(reading, tier, facts, rng)
            compare_sums(reading, tier, facts)
    reading.close()


def verified(installation):
    """`reachline figures verify` finds no difference."""
    found = installation.command("figures", "verify")
    assert found["differences"] == [], found
    return found


def day_before(text, days=1):
    return f"{datetime.fromisoformat(text) - timedelta(days=days):%Y-%m-%d}"


def now_ms():
    return int(datetime.now(timezone.utc).timestamp() * 1000)


def stamp(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"

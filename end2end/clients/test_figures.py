"""The figures that come out of the API are those of the reference program, whatever order and way the events came in."""

import asyncio
import csv
import io
import json
import time
import zoneinfo
from collections import Counter, defaultdict

import pytest

import figures
import oracle
import reachline

# What a stream is moved by, in days: as it is (clocks change in America, the month turns), and to where clocks change
# in Europe, Lord Howe Island, Chile, and with the month the year.
MOVES = (0, 0, 0, -3, -29, -54, 61, 150, -213)
AWKWARD = ("Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham", "UTC", "Pacific/Apia",
           "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Europe/Paris", "Africa/Casablanca",
           "Asia/Tehran", "Australia/Eucla", "America/Santiago", "Atlantic/Azores", "Asia/Kolkata")
SMALL, LARGE = 92, 8          # streams for each database
KILLED_SMALL, KILLED_LARGE = 6, 2
KILLS = 6
CONNECTIONS = 12


def zones():
    """All zones that both sides know by a plain name, the awkward ones first."""
    others = sorted(name for name in zoneinfo.available_timezones()
                    if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/")))
    return AWKWARD, others


def zone_of(index):
    awkward, others = zones()
    return awkward[index] if index < len(awkward) else oracle.rng_of("zone", index).choice(others)


class Stream:
    """A generated stream and the customer it belongs to."""

    def __init__(self, index, size, killed):
        self.index, self.killed = index, killed
        self.rng = oracle.rng_of("stream", index)
        self.zone = zone_of(index)
        self.events = oracle.generate(7_000 + index, size or self.rng.randrange(60, 201), self.rng.choice(MOVES))
        self.name = f"stream {index} of {len(self.events)}{' killed' if killed else ''}"
        self.customer = None

    def provision(self, installation):
        self.customer = figures.make_customer(installation, self.name, self.zone)

    def jobs(self):
        return figures.jobs_of(self.customer, oracle.shuffled(self.events, self.rng), self.rng)


class Answers:
    """What was answered, to be held against the reference."""

    def __init__(self):
        self.of_customer = defaultdict(Counter)
        self.ids = defaultdict(set)          # identity -> event ids
        self.unsettled = set()               # customers of whom a request was cut off

    def take_batch(self, batch, answer, sent):
        """Each result as if its event had been sent alone."""
        assert answer.status == 200, answer
        body = answer.json
        assert [result["index"] for result in body["results"]] == list(range(len(batch.events))), answer
        statuses = Counter(result["status"] for result in body["results"])
        assert {name: body[name] for name in ("accepted", "duplicate", "rejected")} == \
            {name: statuses[name] for name in ("accepted", "duplicate", "rejected")}, answer
        for event, result in zip(batch.events, body["results"]):
            alone = figures.Job(batch.head, batch.body, event, batch.customer)
            if result["status"] == "rejected":
                headers = {"content-type": "application/problem+json"}
                self.take(alone, reachline.Answer(422, headers, json.dumps(result["error"]).encode()), sent)
            else:
                self.take(alone, reachline.Answer(202, {}, json.dumps(result).encode()), sent)

    def take(self, job, answer, sent):
        counts, customer = self.of_customer[job.customer.id], job.customer.id
        if sent > 1:
            self.unsettled.add(customer)
        identity = oracle.identity(job.event)
        if answer.status == 202:
            body = answer.json
            assert identity and body["status"] in ("accepted", "duplicate"), f"{job.event}: {answer}"
            counts[body["status"]] += 1
            self.ids[customer, identity].add(body["event_id"])
        else:
            assert answer.status == 422 and identity is None, f"{job.event}: {answer}"
            assert answer.content_type == "application/problem+json", answer
            counts[answer.code()] += 1

    def check(self, stream):
        """The same identity has one event id, another identity another; the counts are the reference's."""
        facts = oracle.reference.figures(stream.events, oracle.config(stream.zone))
        counts = self.of_customer[stream.customer.id]
        ids = [found for (customer, _), found in self.ids.items() if customer == stream.customer.id]
        assert all(len(found) == 1 for found in ids) and len(set.union(*ids)) == len(ids), stream.name
        assert len(ids) == facts["accepted"], stream.name
        if stream.customer.id in self.unsettled:
            assert counts["accepted"] <= facts["accepted"]
            assert counts["accepted"] + counts["duplicate"] == facts["accepted"] + facts["duplicates"], stream.name
        else:
            assert (counts["accepted"], counts["duplicate"]) == (facts["accepted"], facts["duplicates"]), stream.name
        codes = {code: n for code, n in counts.items() if code not in ("accepted", "duplicate")}
        assert codes == facts["rejected"], stream.name


@pytest.fixture(scope="module", params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param, reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        yield made


@pytest.fixture(scope="module")
def streams(installation):
    sizes = [0] * SMALL + [2_000] * LARGE
    killed = set(range(KILLED_SMALL)) | set(range(SMALL, SMALL + KILLED_LARGE))
    made = [Stream(index, size, index in killed) for index, size in enumerate(sizes)]
    reachline.at_once(lambda stream: stream.provision(installation), made)
    return made


def mixed(streams, rng):
    """The requests of all streams in one random order."""
    jobs = [job for stream in streams for job in stream.jobs()]
    rng.shuffle(jobs)
    return jobs


def test_worked_stream(installation):
    """The worked stream gives what `expected.json` says: answers and figures."""
    customer = figures.make_customer(installation, "worked stream", oracle.CONFIG["time_zone"])
    rng, events, answers = oracle.rng_of("worked"), oracle.worked_stream(), Answers()
    jobs = figures.jobs_of(customer, events, rng)
    asyncio.run(reachline.deliver(installation.port, jobs, answers.take, CONNECTIONS))
    counts = answers.of_customer[customer.id]
    expected = dict(oracle.EXPECTED)
    assert {"accepted": counts.pop("accepted"), "duplicates": counts.pop("duplicate")} == \
        {name: expected[name] for name in ("accepted", "duplicates")}
    assert dict(counts) == expected["rejected"]
    assert len(jobs) == expected["received"]
    reading = figures.Reading(installation, customer, expected)
    figures.settle(reading, expected)
    for tier in figures.TIERS:
        figures.compare_tables(reading, tier, expected["tiers"][tier])
    reading.close()
    figures.compare(installation, customer, events, rng)


def test_streams_in_batches(installation):
    """The worked stream and a large one in batches, some of their events sent alone meanwhile: the same answers and figures."""
    for name, zone, events in (("worked stream in batches", oracle.CONFIG["time_zone"], oracle.worked_stream()),
                               ("large stream in batches", "Asia/Kathmandu", oracle.generate(4_711, 6_000))):
        customer = figures.make_customer(installation, name, zone)
        rng, answers = oracle.rng_of(name), Answers()
        events = oracle.shuffled(events, rng)
        alone = len(events) // 20
        jobs = figures.jobs_of(customer, events[:alone], rng) + figures.batches_of(customer, events[alone:], rng)
        rng.shuffle(jobs)

        def take(job, answer, sent):
            (answers.take if isinstance(job, figures.Job) else answers.take_batch)(job, answer, sent)

        asyncio.run(reachline.deliver(installation.port, jobs, take, CONNECTIONS))
        counts = answers.of_customer[customer.id]
        facts = oracle.reference.figures(events, oracle.config(zone))
        assert (counts.pop("accepted"), counts.pop("duplicate")) == (facts["accepted"], facts["duplicates"])
        assert dict(counts) == facts["rejected"]
        assert all(len(found) == 1 for (of, _), found in answers.ids.items() if of == customer.id)
        figures.compare(installation, customer, events, rng)
        # Once more, cut otherwise: nothing is new.
        again = Answers()
        asyncio.run(reachline.deliver(installation.port, figures.batches_of(customer, events, rng), again.take_batch, CONNECTIONS))
        assert again.of_customer[customer.id]["accepted"] == 0
        assert again.ids == answers.ids
        figures.compare(installation, customer, events, rng, deeply=False)


def test_generated_streams(installation, streams):
    """Streams of many customers at once, shuffled, over several connections."""
    calm = [stream for stream in streams if not stream.killed]
    answers = Answers()
    asyncio.run(reachline.deliver(installation.port, mixed(calm, oracle.rng_of("calm")), answers.take, CONNECTIONS))
    for stream in calm:
        answers.check(stream)
        figures.compare(installation, stream.customer, stream.events, stream.rng, deeply=stream.index % 3 == 0)


def test_streams_across_kills(installation, streams):
    """The same in pieces, the server killed in the middle of each: what was cut off is sent again."""
    killed = [stream for stream in streams if stream.killed]
    jobs, answers = mixed(killed, oracle.rng_of("killed")), Answers()
    kill_at = {len(jobs) * (n + 1) // (KILLS + 1) for n in range(KILLS)}
    done = 0

    async def take(job, answer, sent):
        nonlocal done
        answers.take(job, answer, sent)
        done += 1
        if done in kill_at:
            installation.kill()
            installation.start(wait=False)

    asyncio.run(reachline.deliver(installation.port, jobs, take, CONNECTIONS))
    installation.wait()
    assert answers.unsettled, "no request was cut off: the kills came at the wrong moments"
    for stream in killed:
        answers.check(stream)
        figures.compare(installation, stream.customer, stream.events, stream.rng)


def test_retries_change_nothing(installation, streams):
    """All of some streams once more, in another order: duplicates, with the figures and ids as they were."""
    again = streams[:4] + streams[SMALL:SMALL + 1]
    answers = Answers()
    asyncio.run(reachline.deliver(installation.port, mixed(again, oracle.rng_of("again")), answers.take, CONNECTIONS))
    for stream in again:
        counts = answers.of_customer[stream.customer.id]
        facts = oracle.reference.figures(stream.events, oracle.config(stream.zone))
        assert (counts["accepted"], counts["duplicate"]) == (0, facts["accepted"] + facts["duplicates"]), stream.name
    time.sleep(1)
    for stream in again:
        figures.compare(installation, stream.customer, stream.events, stream.rng, deeply=False)


def test_late_and_early_displays_move_what_they_must(installation):
    """Piece after piece, latest first: after each the figures are those of what has come so far."""
    customer = figures.make_customer(installation, "latest first", "America/St_Johns")
    rng, events = oracle.rng_of("late"), oracle.generate(99, 400)
    known = [event for event in events if oracle.identity(event)]
    known.sort(key=lambda event: oracle.reference.millis(event["timestamp"]), reverse=True)
    step = len(known) // 5
    for end in range(step, len(known) + 1, step):
        piece = known[end - step:end]
        asyncio.run(reachline.deliver(installation.port, figures.jobs_of(customer, piece, rng), lambda *_: None, 4))
        figures.compare(installation, customer, known[:end], rng)


def test_part_of_a_period(installation, streams):
    """Days, and months cut in two, add up: a period's figures are the sum of its days."""
    stream = streams[SMALL]
    facts = oracle.Oracle(stream.events, stream.zone)
    reading = figures.Reading(installation, stream.customer, facts.whole)
    figures.settle(reading, facts.whole)
    rows = facts.whole["tiers"]["production"]["by_day"]
    days = sorted(rows)
    for first, last in ((0, 1), (0, 4), (3, 6), (2, len(days))):
        start, end = days[first], days[last] if last < len(days) else reading.period[1]
        got = reading.summary(**{"from": start, "to": end})
        got.pop("ctr")
        figures.same(f"{start} to {end}", got, oracle.add(row for day, row in rows.items() if start <= day < end))
    reading.close()


def test_csv_says_the_same(installation, streams):
    """The figures as CSV are those of the JSON, by the header `Accept` and by the ending of the path."""
    stream = streams[0]
    reading = figures.Reading(installation, stream.customer, oracle.Oracle(stream.events, stream.zone).whole)
    start, end = reading.period
    for what, more, members in (("summary", {}, None), ("timeseries", {"interval": "day"}, "buckets"),
                                ("timeseries", {"interval": "hour"}, "buckets"), ("breakdown", {"by": "helpline"}, "rows"),
                                ("breakdown", {"by": "country"}, "rows"), ("breakdown", {"by": "application"}, "rows"),
                                ("breakdown", {"by": "contact_method"}, "rows")):
        query = {"from": start, "to": end} | more
        body = reading.client.get(f"/v1/analytics/{what}", query).json
        by_header = reading.client.get(f"/v1/analytics/{what}", query, headers={"Accept": "text/csv"})
        by_path = reading.client.get(f"/v1/analytics/{what}.csv", query)
        assert by_header.content_type == by_path.content_type == "text/csv", by_header
        assert by_header.body == by_path.body
        rows = list(csv.DictReader(io.StringIO(by_path.body.decode())))
        wanted = [one["figures"] for one in body[members]] if members else [body["figures"]]
        got = [{name: row[name] for name in figures_} for row, figures_ in zip(rows, wanted)]
        number = lambda text: float(text) if text else None
        assert [{name: number(text) for name, text in row.items()} for row in got] == wanted, f"{what} {more}"
        assert len(rows) == len(wanted)
    reading.close()


def test_pages_of_a_breakdown(installation, streams):
    """Pages of any length hold the rows of the whole, in its order, once each."""
    stream = streams[SMALL]
    client = installation.client(stream.customer.applications["app-web"].token)
    start, end = figures.Reading(installation, stream.customer, oracle.Oracle(stream.events, stream.zone).whole).period
    query = {"from": start, "to": end, "by": "helpline"}
    whole = client.get("/v1/analytics/breakdown", query).json["rows"]
    for limit in (1, 3, len(whole), 1_000):
        rows, cursor = [], {}
        while True:
            page = client.get("/v1/analytics/breakdown", query | {"limit": limit} | cursor).json
            assert len(page["rows"]) <= limit
            rows += page["rows"]
            if not page["next_cursor"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert rows == whole
    client.close()


def test_figures_show_an_event_within_two_seconds(installation):
    customer = figures.make_customer(installation, "lag", "UTC")
    token = customer.applications["app-web"].token
    client = installation.client(token)
    helpline = next(iter(oracle.CONFIG["helplines"]))
    for count in range(1, 6):
        body = {"helpline_id": helpline, "session_id": f"lag-{count}", "timestamp": figures.stamp(figures.now_ms())}
        assert client.post("/v1/events/helpline-display", body).status == 202
        day = figures.stamp(figures.now_ms())[:10]
        query = {"from": figures.day_before(day), "to": figures.day_before(day, -2)}
        reachline.wait_for(f"display {count} to be shown", lambda: client.get(
            "/v1/analytics/summary", query).json["figures"]["reach"] == count, 2)
    client.close()


def test_long_ago():
    """Days of a time when offsets from UTC were no whole quarters of an hour."""
    with reachline.installation("sqlite", reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        for zone, day in (("Africa/Monrovia", "1960-01-01"), ("Asia/Kolkata", "1943-01-01"), ("Asia/Singapore", "1935-01-01")):
            customer = figures.make_customer(made, f"long ago in {zone}", zone)
            base = oracle.reference.millis(f"{day}T00:00:00Z")
            events = [{"type": "helpline_display", "application": "app-web", "helpline_id": next(iter(oracle.CONFIG["helplines"])),
                       "session_id": f"s{n}", "timestamp": figures.stamp(base + n * 1_111_111)} for n in range(60)]
            rng = oracle.rng_of(zone)
            asyncio.run(reachline.deliver(made.port, figures.jobs_of(customer, events, rng), lambda *_: None, 4))
            figures.compare(made, customer, events, rng)


def test_verify_while_events_come(installation):
    """A recomputation finds nothing wrong while events are being counted."""
    customer = figures.make_customer(installation, "verified under load", "Asia/Kathmandu")
    rng, events = oracle.rng_of("verify"), oracle.generate(123, 3_000)
    jobs = figures.jobs_of(customer, events, rng)

    async def both():
        sending = asyncio.create_task(reachline.deliver(installation.port, jobs, lambda *_: None, 4))
        found = [await asyncio.to_thread(installation.command, "figures", "verify")]
        while not sending.done():
            found.append(await asyncio.to_thread(installation.command, "figures", "verify"))
        await sending
        return found

    for found in asyncio.run(both()):
        assert found["differences"] == [], json.dumps(found)[:2000]
    figures.compare(installation, customer, events, rng)


def test_verify_finds_no_differences(installation):
    """Last: what every customer's events give once more, recomputed by the server itself."""
    found = figures.verified(installation)
    assert found["events"] > 10_000 and found["customers"] > SMALL + LARGE

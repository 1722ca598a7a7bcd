"""Partners' programs that post events without end, and a ledger of what they were answered.

Events go out singly and in batches, new ones and ones that were sent before. Whatever happens to the server meanwhile,
the ledger knows what must be true of each event afterwards; `reckon` compares that with what is stored.
"""

import asyncio
import json
import os
import re
import threading
import time
from dataclasses import dataclass

import figures
import oracle
import reachline

HELPLINES = list(oracle.CONFIG["helplines"])
LONG = os.environ.get("REACHLINE_SOAK", "") not in ("", "0")
# No request may wait for longer than this, whatever the server's database does.
ANSWER_SECONDS = 12
AGE_MS = 3 * 86_400_000


def rounds(short, long):
    """How often something is done: seldom in `make test`, often in `make soak`."""
    return int(os.environ.get("REACHLINE_SOAK_ROUNDS") or long) if LONG else short


@dataclass
class Fate:
    """One event, and what became of it."""

    event: dict
    accepted: int = 0
    event_id: str = None  # known once it was answered
    lost: int = 0  # sendings that were not answered, or with "try again": they may have taken effect


class Ledger:
    """All events of one customer, by identity."""

    def __init__(self, customer, *seed):
        self.customer, self.rng = customer, oracle.rng_of("ledger", *seed)
        self.fates, self.list, self.faults = {}, [], []
        self.name = f"{seed}"
        self.now_ms = figures.now_ms

    def new(self, application):
        """An event that was never sent."""
        rng = self.rng
        while True:
            event = {"type": "helpline_display", "application": application, "helpline_id": rng.choice(HELPLINES),
                     "session_id": f"s-{rng.randrange(len(self.list) // 3 + 1)}-{self.name}",
                     "timestamp": figures.stamp(self.now_ms() - rng.randrange(AGE_MS))}
            if rng.random() < .3:
                event |= {"type": "helpline_click", "contact_method": rng.choice(oracle.METHODS)}
            key = oracle.identity(event)
            if key not in self.fates:
                self.fates[key] = fate = Fate(event)
                self.list.append(fate)
                return fate

    def some(self):
        """What one request may carry: a batch, or one event that is not in a list; some were sent before."""
        rng = self.rng
        application = rng.choice(list(self.customer.applications))
        if rng.random() < .15:
            batch = [self.new(application) for _ in range(rng.randrange(1, 40))]
            old = [rng.choice(self.list[-2_000:]) for _ in range(rng.randrange(6))]
            batch += [fate for fate in old if fate.event["application"] == application] + batch[:rng.randrange(3)]
            rng.shuffle(batch)
            return batch
        return rng.choice(self.list[-2_000:]) if self.list and rng.random() < .2 else self.new(application)

    def request(self, some):
        first = some[0] if isinstance(some, list) else some
        token = self.customer.applications[first.event["application"]].token
        bare = lambda fate, *without: {name: value for name, value in fate.event.items() if name not in without}
        if isinstance(some, list):
            body, path = [bare(fate, "application") for fate in some], "batch"
        else:
            body, path = bare(some, "application", "type"), some.event["type"].replace("_", "-")
        return reachline.head(f"/v1/events/{path}", token), json.dumps(body).encode()

    def note(self, fate, was_answered, result):
        """Notes an answer. `was_answered` says whether there was one before the event was sent this time."""
        status, event_id = result.get("status"), result.get("event_id")
        if status not in ("accepted", "duplicate"):
            self.faults.append(f"refused: {fate} {result}")
            return
        if status == "accepted":
            fate.accepted += 1
            if was_answered or fate.accepted > 1:
                self.faults.append(f"accepted again: {fate}")
        if fate.event_id not in (None, event_id):
            self.faults.append(f"two ids: {fate} {result}")
        fate.event_id = event_id

    @property
    def answered(self):
        return [fate for fate in self.list if fate.event_id]

    def check(self):
        """What must be true of the answers, without a look at what is stored."""
        for fate in self.list:
            # Of several sendings the first is the one that was new; if none went missing, its answer is known.
            if fate.event_id and not fate.lost and fate.accepted != 1:
                self.faults.append(f"never accepted: {fate}")
        assert not self.faults, f"{len(self.faults)} faults:\n" + "\n".join(map(str, self.faults[:10]))


@dataclass
class Refusal:
    """A 429 or a 503."""

    status: int
    at: float  # when it was sent, by time.monotonic()
    took: float


async def post(ledger, wire, some, refusals=None):
    """Sends one request and notes what comes of it. A refusal is a fault unless there is a list for them."""
    fates = some if isinstance(some, list) else [some]
    was_answered = [fate.event_id is not None for fate in fates]
    began, answer = time.monotonic(), None
    head, body = ledger.request(some)
    try:
        answer = await asyncio.wait_for(wire.request(head, body), ANSWER_SECONDS)
    except TimeoutError:
        ledger.faults.append(f"no answer within {ANSWER_SECONDS} s")
    except (OSError, EOFError):
        pass
    if answer is None or answer.status in (429, 503):
        for fate in fates:
            fate.lost += 1
        if answer is not None:
            if refusals is None:
                ledger.faults.append(f"refused: {answer}")
            elif not re.fullmatch(r"[1-9]\d?", answer.headers.get("retry-after", "")):
                ledger.faults.append(f"no Retry-After: {answer}")
            else:
                refusals.append(Refusal(answer.status, began, time.monotonic() - began))
        return answer
    if answer.status != (200 if isinstance(some, list) else 202):
        ledger.faults.append(f"{answer}")
        return answer
    results = answer.json["results"] if isinstance(some, list) else [answer.json]
    for fate, known, result in zip(fates, was_answered, results, strict=True):
        ledger.note(fate, known, result)
    return answer


class Traffic:
    """Posts to one or more servers from several connections, in a thread of its own, until it is left.

    What was not answered is sent again now and then, to any of the servers.
    """

    def __init__(self, ledger, servers, connections=12, pause=0.002):
        self.ledger, self.servers, self.connections, self.pause = ledger, servers, connections, pause
        self.refusals, self.answers, self.cut_off, self.running = [], 0, 0, True
        self.last_answer = 0
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            self.ledger.check()

    def stop(self):
        self.running = False
        self.thread.join(60)
        if self.thread.is_alive():
            self.ledger.faults.append("the traffic did not end")

    async def _run(self):
        done = await asyncio.gather(*(self._worker() for _ in range(self.connections)), return_exceptions=True)
        self.ledger.faults += [f"{fault!r}" for fault in done if fault]

    async def _worker(self):
        wires = [reachline.Wire(server.port) for server in self.servers]
        while self.running:
            answer = await post(self.ledger, self.ledger.rng.choice(wires), self.ledger.some(), self.refusals)
            if answer is None:
                self.cut_off += 1
            elif answer.status in (200, 202):
                self.answers += 1
                self.last_answer = time.monotonic()
            # Less than Retry-After says, so that many are refused; but not without a pause.
            await asyncio.sleep(self.pause if answer is not None and answer.status < 300 else 0.03)
        for wire in wires:
            wire.close()

    def more(self, answers=100, seconds=20):
        """Waits until that many more requests have been answered with success, and says how long it took."""
        began, wanted = time.monotonic(), self.answers + answers
        reachline.wait_for(f"{answers} more answers", lambda: self.answers >= wanted or self.ledger.faults, seconds)
        assert not self.ledger.faults, self.ledger.faults[:10]
        return time.monotonic() - began

    def refused(self, count=1, seconds=20):
        """Waits until that many more requests have been refused."""
        wanted = len(self.refusals) + count
        reachline.wait_for(f"{count} refusals", lambda: len(self.refusals) >= wanted, seconds)


def send_again(ledger, servers, fates, singly=False):
    """Sends events once more, which all must be answered now; says how many were new."""
    before = sum(fate.accepted for fate in fates)

    async def all_of_them():
        waiting = list(fates) if singly else batches(fates)
        refusals = []

        async def worker(n):
            wire = reachline.Wire(servers[n % len(servers)].port)
            while waiting:
                some = waiting.pop()
                answer = await post(ledger, wire, some, refusals)
                if answer is None:
                    ledger.faults.append(f"cut off, with nothing wrong: {some}")
            wire.close()

        await asyncio.gather(*(worker(n) for n in range(8)))
        assert not refusals, f"refused, with nothing wrong: {refusals[:3]}"

    asyncio.run(all_of_them())
    ledger.check()
    assert all(fate.event_id for fate in fates)
    return sum(fate.accepted for fate in fates) - before


def batches(fates, size=400):
    """Events in batches, each of one application."""
    by_application = {}
    for fate in fates:
        by_application.setdefault(fate.event["application"], []).append(fate)
    return [of[i:i + size] for of in by_application.values() for i in range(0, len(of), size)]


# ------------------------------------------------------------------------------------------------ what is stored


def gauge(server, name):
    """A number of /metrics without labels."""
    client = server.client()
    text = client.get("/metrics").body.decode()
    client.close()
    return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])


def is_ready(server, started=True):
    """Whether /readyz says so; it must say something soon, whatever the database does."""
    client = server.client()
    began = time.monotonic()
    try:
        answer = client.get("/readyz")
    except OSError:
        assert not started
        return False
    finally:
        client.close()
    assert answer.status in (200, 503) and time.monotonic() - began < 5, f"{answer} after {time.monotonic() - began} s"
    assert answer.status == 200 or "retry-after" in answer.headers, answer
    return answer.status == 200


def memory_mib(server):
    """VmRSS of the server."""
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def counted(server, customer, seconds=30):
    """Gross displays and clicks of a customer, once everything has been counted."""
    reachline.wait_for("the figures", lambda: gauge(server, "reachline_backlog_events") == 0, seconds)
    return gross(server, customer)


def gross(server, customer):
    """Gross displays and clicks of a customer, as far as they have been counted."""
    client = server.client(next(iter(customer.applications.values())).token)
    query = {"from": figures.stamp(figures.now_ms() - 90 * 86_400_000)[:10],
             "to": figures.stamp(figures.now_ms() + 90 * 86_400_000)[:10]}
    total = 0
    for tier in figures.TIERS:
        answer = client.get("/v1/analytics/summary", query | {"tier": tier})
        assert answer.status == 200, answer
        total += sum(answer.json["figures"][name] for name in ("gross_displays", "gross_clicks"))
    client.close()
    return total


def reckon(ledger, *servers, deeply=False):
    """Everything that was answered is stored once, everything else at most once; sent again, all of it is there, and
    the figures are those of the reference."""
    ledger.check()
    answered = ledger.answered
    before = counted(servers[0], ledger.customer)
    assert len(answered) <= before <= len(ledger.list), f"{before} stored, {len(answered)} answered of {len(ledger.list)}"
    # Most in batches; the newest one by one as well.
    new = send_again(ledger, servers, ledger.list)
    assert send_again(ledger, servers, ledger.list[-200:], singly=True) == 0
    assert before + new == len(ledger.list), f"{before} were stored and {new} new, of {len(ledger.list)}"
    events = [fate.event for fate in ledger.list]
    for server in servers:
        figures.compare(server, ledger.customer, events, oracle.rng_of("reckon", ledger.name), deeply=deeply)
    figures.verified(servers[0])

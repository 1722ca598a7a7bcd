"""Several servers on one Postgres, and clocks that cannot be trusted: the figures are as with one good server."""

import contextlib
import glob
import os
import signal
import threading
import time

import pytest

import figures
import reachline
import traffic
from traffic import Ledger, Traffic

TAKE_OVER_SECONDS = 10
HOUR = 3_600


@contextlib.contextmanager
def several(count):
    """Servers on one database."""
    with reachline.installation("postgres") as first:
        servers = [first]
        try:
            for _ in range(count - 1):
                servers.append(first.beside().start())
            figures.import_reference_helplines(first)
            yield servers
        finally:
            for server in servers[1:]:
                server.remove()


def known_everywhere(servers, customer):
    """Every server knows a customer that was made a moment ago."""
    for server in servers:
        for application in customer.applications.values():
            client = server.client(application.token)
            reachline.wait_for("the customer", lambda: client.get("/v1/topics").status == 200, 5)
            # An answer about the session says that the helplines are known, too.
            event = {"helpline_id": traffic.HELPLINES[-1], "session_id": "", "timestamp": "2000-01-01T00:00:00Z"}
            known = lambda: "helpline_unknown" not in client.post("/v1/events/helpline-display", event).body.decode()
            reachline.wait_for("the helplines", known, 5)
            client.close()


def aggregating(servers):
    return [server for server in servers if traffic.gauge(server, "reachline_aggregates") == 1]


def the_one_that_counts(servers):
    """Two may take themselves for it for a moment, one of which can write nothing any more."""
    return reachline.wait_for("one that counts", lambda: len(found := aggregating(servers)) == 1 and found, TAKE_OVER_SECONDS)[0]


@pytest.mark.parametrize("count", [2, 3] if traffic.LONG else [3])
def test_killed_in_turns(count):
    """Load over all servers, retries to others; one after the other is killed, now and then the one that counts."""
    with several(count) as servers:
        customer = figures.make_customer(servers[0], "several", "America/St_Johns")
        known_everywhere(servers, customer)
        ledger, took_over = Ledger(customer, "several", count), []
        with Traffic(ledger, servers) as load:
            for round_ in range(traffic.rounds(2, 40)):
                load.more(300)
                holder = the_one_that_counts(servers)
                victim = holder if round_ % 2 == 0 else ledger.rng.choice(servers)
                victim.kill()
                if victim is holder:
                    rest, began = [server for server in servers if server is not victim], time.monotonic()
                    reachline.wait_for("another to count", lambda: aggregating(rest), TAKE_OVER_SECONDS)
                    took_over.append(time.monotonic() - began)
                load.more(100)
                victim.start()
            load.more(100)
        print(f"taken over after {[f'{took:.1f}' for took in took_over]} s, {load.cut_off} requests cut off")
        assert not load.refusals, load.refusals[:5]
        traffic.reckon(ledger, *servers)


def test_one_that_freezes_is_taken_over():
    """The one that counts freezes, perhaps within a transaction that others wait for, and thaws when another counts."""
    with several(2) as servers:
        customer = figures.make_customer(servers[0], "frozen", "UTC")
        known_everywhere(servers, customer)
        ledger, took_over = Ledger(customer, "frozen"), []
        for _ in range(traffic.rounds(3, 20)):
            holder = the_one_that_counts(servers)
            [other] = [server for server in servers if server is not holder]
            with Traffic(ledger, [other]) as load:
                load.more(200)
                holder.process.send_signal(signal.SIGSTOP)
                began = time.monotonic()
                try:
                    reachline.wait_for("the other to count", lambda: aggregating([other]), 2 * TAKE_OVER_SECONDS)
                finally:
                    took_over.append(time.monotonic() - began)
                    holder.process.send_signal(signal.SIGCONT)
                load.more(50)
        print(f"taken over after {[f'{took:.1f}' for took in took_over]} s")
        assert max(took_over) < TAKE_OVER_SECONDS + 1, took_over
        traffic.reckon(ledger, *servers)


def test_one_that_freezes_while_it_counts_a_call():
    """It may hold the row of the customer's calls: the calls of others are answered all the same, after seconds at most."""
    with several(2) as (frozen, other):
        customer = figures.make_customer(frozen, "frozen calls", "UTC")
        known_everywhere((frozen, other), customer)
        token = next(iter(customer.applications.values())).token
        calling = threading.Event()
        calling.set()

        def call():
            client = frozen.client(token)
            while calling.is_set():
                with contextlib.suppress(OSError):
                    client.get("/v1/topics")
            client.close()

        callers = [threading.Thread(target=call, daemon=True) for _ in range(4)]
        for caller in callers:
            caller.start()
        client, took = other.client(token), []
        for _ in range(traffic.rounds(4, 20)):
            time.sleep(0.3)
            frozen.process.send_signal(signal.SIGSTOP)
            try:
                for _ in range(20):
                    began = time.monotonic()
                    assert client.get("/v1/topics").status == 200
                    took.append(time.monotonic() - began)
            finally:
                frozen.process.send_signal(signal.SIGCONT)
        calling.clear()
        for caller in callers:
            caller.join(20)
        print(f"the longest took {max(took):.1f} s")
        assert max(took) < 6, max(took)
        assert frozen.client(token).get("/v1/topics").status == 200


def test_stopped_in_turns():
    """A server that is told to stop leaves the figures to the others at once."""
    with several(2) as servers:
        customer = figures.make_customer(servers[0], "rolling", "UTC")
        known_everywhere(servers, customer)
        ledger = Ledger(customer, "rolling")
        with Traffic(ledger, servers) as load:
            for _ in range(traffic.rounds(1, 20)):
                load.more(200)
                holder = the_one_that_counts(servers)
                [other] = [server for server in servers if server is not holder]
                assert holder.terminate() < reachline.STOP_SECONDS and holder.process.returncode == 0
                reachline.wait_for("the other to count", lambda: aggregating([other]), 3)
                holder.start()
        traffic.reckon(ledger, *servers)


# ------------------------------------------------------------------------------------------------ clocks


class Clock:
    """What the clock of a server shows, by libfaketime; timers go on as they should."""

    def __init__(self, directory):
        found = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
        if not found:
            pytest.fail("libfaketime is missing (Debian: faketime)")
        self.file = directory / "clock"
        self.set(0)
        self.environment = {"LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        """So far ahead of the true time; behind it where negative."""
        self.seconds = seconds
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        os.replace(new, self.file)

    def now_ms(self):
        return figures.now_ms() + self.seconds * 1_000


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_clock_steps(kind, tmp_path):
    """The server's clock is put forward and back by hours, under load: what is known stays known."""
    clock = Clock(tmp_path)
    settings = clock.environment | {"REACHLINE_TOKEN_TTL_SECONDS": str(30 * 24 * HOUR)}
    with reachline.installation(kind, settings) as server:
        figures.import_reference_helplines(server)
        customer = figures.make_customer(server, "clock", "Asia/Kathmandu")
        ledger = Ledger(customer, kind, "clock")
        # Events of what all of the clocks take for the past days.
        ledger.now_ms = lambda: figures.now_ms() - 3 * 24 * HOUR * 1_000
        application = customer.applications["app-web"]
        with Traffic(ledger, [server]) as load:
            for _ in range(traffic.rounds(1, 15)):
                for seconds in (-2 * HOUR, 2 * HOUR, -40, 40, 26 * HOUR, -26 * HOUR, 0):
                    clock.set(seconds)
                    load.more(60)
                    follows(server, application, clock)
                    counting_goes_on(server, ledger)
        assert not load.refusals and not load.cut_off, (load.refusals[:5], load.cut_off)
        # A start with the clock behind what is stored.
        clock.set(-26 * HOUR)
        server.terminate()
        server.start()
        traffic.send_again(ledger, [server], ledger.list[-300:])
        clock.set(0)
        traffic.reckon(ledger, server)


def follows(server, application, clock):
    """What is too old or too far ahead is judged by the server's clock. Nothing of it is stored."""
    client = server.client(application.token)
    for ms, code in ((clock.now_ms() + 400_000, "timestamp_in_future"),
                     (clock.now_ms() - 36 * 24 * HOUR * 1_000, "timestamp_too_old")):
        event = {"helpline_id": traffic.HELPLINES[0], "session_id": "judged", "timestamp": figures.stamp(ms)}
        answer = client.post("/v1/events/helpline-display", event)
        assert answer.status == 422 and answer.code() == code, f"clock at {clock.seconds} s: {answer}"
    client.close()


def counting_goes_on(server, ledger):
    """What has been answered up to now is in the figures soon, though more comes in."""
    answered = len(ledger.answered)
    reachline.wait_for("the figures to follow", lambda: traffic.gross(server, ledger.customer) >= answered, 10)

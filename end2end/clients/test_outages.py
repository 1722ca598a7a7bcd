"""The database cannot be used, or not fast enough: partners are told to try again, and it heals without help."""

import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import time

import pytest

import figures
import reachline
import traffic
from traffic import Ledger, Traffic

# Whoever is the first to wait for a database that says nothing waits this long at most.
FIRST_SECONDS = 6.5
AT_ONCE = 1.5
# Beyond what a server takes that has just started.
GROWTH_MIB = 48


def refused_at_once(load, count=40):
    """More requests are refused, none of them after a wait."""
    known = len(load.refusals)
    load.refused(count)
    slow = [refusal for refusal in load.refusals[known + load.connections:] if refusal.took > AT_ONCE]
    assert not slow, slow[:5]


def turns_red(server, seconds=FIRST_SECONDS):
    reachline.wait_for("/readyz to turn red", lambda: not traffic.is_ready(server), seconds)


def unknown_helplines_are_refused_at_once(server, ledger):
    """Whether another process has added one cannot be looked up either."""
    for application in ledger.customer.applications.values():
        client = reachline.Client(server.port, application.token)
        event = {"helpline_id": "not-there", "session_id": "s", "timestamp": figures.stamp(ledger.now_ms())}
        for path, body in (("helpline-display", event), ("batch", [event | {"type": "helpline_display"}] * 3)):
            began = time.monotonic()
            answer = client.post(f"/v1/events/{path}", body)
            assert answer.status == 503 and answer.headers["retry-after"], answer
            assert time.monotonic() - began < AT_ONCE, path
        client.close()


def heals(server, load, seconds=10):
    """Without help, and says how long it took."""
    began = time.monotonic()
    load.more(200, seconds)
    reachline.wait_for("/readyz to turn green", lambda: traffic.is_ready(server), seconds)
    return time.monotonic() - began


def only_503(load):
    assert {refusal.status for refusal in load.refusals} <= {503}, load.refusals[:5]
    assert max((refusal.took for refusal in load.refusals), default=0) < FIRST_SECONDS
    assert not load.cut_off, f"{load.cut_off} requests were not answered at all"


# ------------------------------------------------------------------------------------------------ SQLite: full disk


@contextlib.contextmanager
def small_disk(mebibytes):
    """A file system of its own. Only root may mount one."""
    directory = tempfile.mkdtemp(prefix="reachline-disk-")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", directory]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        os.rmdir(directory)
        pytest.fail(f"this test mounts a small disk: run it as root, or below `unshare -rm` ({done.stderr.strip()})")
    try:
        yield pathlib.Path(directory)
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)
        os.rmdir(directory)


def fill(path):
    """Leaves no room on a disk."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12, 1 << 9):
            with contextlib.suppress(OSError):
                while ballast.write(b"\0" * size):
                    pass


@pytest.mark.parametrize("log", ["elsewhere", "on the same disk"])
def test_full_disk(log):
    """No room for events, nor, at times, for what the server says about it."""
    with small_disk(48) as disk, reachline.installation("sqlite", start=False, url=f"sqlite://{disk}/reachline.db") as server:
        if log != "elsewhere":
            server.log = disk / "log"
        server.start()
        figures.import_reference_helplines(server)
        ledger = Ledger(figures.make_customer(server, "full", "UTC"), "full", log)
        # With more rounds the write-ahead logs alone, of up to 32 MB each, would fill so small a disk.
        for _ in range(min(traffic.rounds(1 if log == "elsewhere" else 2, 12), 12)):
            with Traffic(ledger, [server]) as load:
                load.more(200)
                memory = traffic.memory_mib(server)
                fill(disk / "ballast")
                load.refused(20)
                turns_red(server)
                for _ in range(traffic.rounds(3, 10)):
                    refused_at_once(load, 100)
                    fill(disk / "ballast")
                grown = traffic.memory_mib(server) - memory
                (disk / "ballast").unlink()
                print(f"healed after {heals(server, load):.2f} s, {len(load.refusals)} refusals, {grown:+.1f} MiB")
                assert grown < GROWTH_MIB
                only_503(load)
        traffic.reckon(ledger, server)


# ------------------------------------------------------------------------------------------------ Postgres


@pytest.fixture(scope="module")
def cluster():
    """One that may be ill-treated."""
    made = reachline.Postgres(own=True)
    yield made
    made.stop()


@pytest.fixture
def server(cluster):
    with reachline.installation("postgres", postgres=cluster) as made:
        figures.import_reference_helplines(made)
        yield made


def test_paused_database(server):
    """Its processes stand still: connections are there, and nothing comes back."""
    ledger = Ledger(figures.make_customer(server, "paused", "UTC"), "paused")
    for _ in range(traffic.rounds(1, 20)):
        with Traffic(ledger, [server]) as load:
            load.more(200)
            memory = traffic.memory_mib(server)
            with server.postgres.paused():
                began = time.monotonic()
                load.refused(1, FIRST_SECONDS)
                first = time.monotonic() - began
                turns_red(server)
                refused_at_once(load)
                unknown_helplines_are_refused_at_once(server, ledger)
                assert traffic.memory_mib(server) - memory < GROWTH_MIB
            print(f"first refused after {first:.2f} s, healed after {heals(server, load):.2f} s")
            only_503(load)
    traffic.reckon(ledger, server)


def test_crashed_database(server):
    """It ends in the middle of things, is away for a while, and comes back."""
    ledger = Ledger(figures.make_customer(server, "crashed", "UTC"), "crashed")
    for _ in range(traffic.rounds(1, 20)):
        with Traffic(ledger, [server]) as load:
            load.more(200)
            began = time.monotonic()
            server.postgres.crash()
            try:
                load.refused(1, FIRST_SECONDS)
                first = time.monotonic() - began
                turns_red(server)
                refused_at_once(load)
            finally:
                server.postgres.start()
            print(f"first refused after {first:.2f} s, healed after {heals(server, load):.2f} s")
            only_503(load)
    traffic.reckon(ledger, server)


@contextlib.contextmanager
def away(postgres, how):
    if how == "paused":
        with postgres.paused():
            yield
        return
    postgres.crash()
    try:
        yield
    finally:
        postgres.start()


@pytest.mark.parametrize("how", ["paused", "crashed"])
def test_shutdown_without_the_database(server, how):
    """SIGTERM while it is away: whoever watches over the server need not wait for it."""
    ledger = Ledger(figures.make_customer(server, f"left {how}", "UTC"), "left", how)
    for _ in range(traffic.rounds(1, 10)):
        with Traffic(ledger, [server]) as load:
            load.more(200)
            with away(server.postgres, how):
                # At once, or when it is known to be away.
                if ledger.rng.random() < .5:
                    load.refused(1, FIRST_SECONDS)
                took = server.terminate()
            assert took < reachline.STOP_SECONDS and server.process.returncode == 0, (took, server.tail())
            server.start()
            load.more(100)
    traffic.reckon(ledger, server)


def test_clients_that_hang_up(server):
    """In the middle of what the database does for them, which is just then slow: whoever comes next is served all the same,
    and no connection to the database stays in a transaction."""
    customer = figures.make_customer(server, "impatient", "UTC")
    token, rng = next(iter(customer.applications.values())).token, traffic.oracle.rng_of("hang up")
    # It is noted, in a transaction, that a file leaves.
    path = "/v1/analytics/summary.csv?from=2026-11-01&to=2026-11-02"
    head = f"GET {path} HTTP/1.1\r\nHost: reachline\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    answers = []
    for _ in range(traffic.rounds(60, 600)):
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(24)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(head)
        time.sleep(rng.random() * 0.004)
        with server.postgres.paused():
            time.sleep(0.02)
            for client in clients:
                client.close()
            time.sleep(0.05)
        patient = server.client(token)
        answers += [patient.get(path).status for _ in range(5)]
        patient.close()
    assert set(answers) == {200}, [status for status in answers if status != 200]
    database = server.url.rpartition("/")[2]
    left = ("SELECT COUNT(*) FROM pg_stat_activity "
            f"WHERE datname = '{database}' AND state LIKE 'idle in transaction%' AND xact_start < now() - interval '2 s'")
    assert server.postgres.sql(left).strip() == "0"


def test_connections_cut(server):
    """The server's connections are ended again and again, in the middle of commits."""
    ledger = Ledger(figures.make_customer(server, "cut", "UTC"), "cut")
    database = server.url.rpartition("/")[2]
    cut = f"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
    with Traffic(ledger, [server]) as load:
        for _ in range(traffic.rounds(20, 1_000)):
            load.more(ledger.rng.randrange(1, 30))
            server.postgres.sql(cut)
        heals(server, load)
        print(f"{load.answers} answers, {len(load.refusals)} refusals")
        only_503(load)
    traffic.reckon(ledger, server)


class Cable:
    """Between a server and its database. While it is unplugged, nobody is told: what is sent is swallowed."""

    def __init__(self, port):
        self.target, self.listener = port, socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port, self.plugged, self.ends = self.listener.getsockname()[1], threading.Event(), []
        self.plugged.set()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if not self.plugged.is_set():
                    self.ends.append((near, None))
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
                self.ends.append((near, far))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one, other):
        """A connection that was there while it was unplugged never carries anything again."""
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                if not self.plugged.is_set():
                    return
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def unplug(self):
        self.plugged.clear()
        self.old, self.ends = self.ends, []
        # The database sees them end; the server does not.
        for _, far in self.old:
            if far:
                with contextlib.suppress(OSError):
                    far.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
        for near, far in getattr(self, "old", []) + self.ends:
            near.close()
            if far:
                far.close()


def test_silent_network(cluster):
    """The connections to the database go dead without a word, as behind a firewall; new ones work later."""
    with reachline.installation("postgres", postgres=cluster, start=False) as server:
        cable = Cable(cluster.port)
        server.url = server.url.replace(f":{cluster.port}/", f":{cable.port}/")
        server.start()
        figures.import_reference_helplines(server)
        ledger = Ledger(figures.make_customer(server, "silent", "UTC"), "silent")
        for _ in range(traffic.rounds(1, 6)):
            with Traffic(ledger, [server]) as load:
                load.more(200)
                began = time.monotonic()
                cable.unplug()
                load.refused(1, FIRST_SECONDS)
                first = time.monotonic() - began
                turns_red(server)
                refused_at_once(load)
                cable.plugged.set()
                print(f"first refused after {first:.2f} s, healed after {heals(server, load, 20):.2f} s")
                only_503(load)
        if traffic.LONG:
            # A statement of the aggregator that was under way is given up after half a minute only.
            reachline.wait_for("the figures", lambda: traffic.gauge(server, "reachline_backlog_events") == 0, 60)
            traffic.reckon(ledger, server)
        else:
            traffic.send_again(ledger, [server], ledger.list)
        cable.close()


# ------------------------------------------------------------------------------------------------ overload


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_overload(kind):
    """More than the server takes: it says so at once, and its memory stays flat."""
    tight = {"REACHLINE_QUEUE_REQUESTS_MAX": "2", "REACHLINE_EVENT_BURST_PER_SECOND": "300"}
    with reachline.installation(kind, tight) as server:
        figures.import_reference_helplines(server)
        ledger = Ledger(figures.make_customer(server, "too much", "UTC"), kind, "overload")
        with Traffic(ledger, [server], connections=48, pause=0) as load:
            load.more(100)
            memory = traffic.memory_mib(server)
            load.refused(traffic.rounds(1_000, 100_000), 300)
            grown = traffic.memory_mib(server) - memory
        shed = {status: sum(refusal.status == status for refusal in load.refusals) for status in (429, 503)}
        print(f"{load.answers} answered, shed {shed}, {grown:+.1f} MiB")
        assert shed[429] and shed[503] and not load.cut_off, shed
        assert grown < GROWTH_MIB
        assert max(refusal.took for refusal in load.refusals) < 5
        # What was shed comes again when there is room for it.
        server.terminate()
        server.env |= {name: "1000000" for name in tight}
        server.start()
        traffic.reckon(ledger, server)

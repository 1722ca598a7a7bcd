"""Nothing is lost and nothing counted twice, however the server ends."""

import asyncio
import json
import os
import signal
import time

import pytest

import figures
import oracle
import reachline

ROUNDS = 10
CONNECTIONS = 16
HELPLINES = list(oracle.CONFIG["helplines"])


@pytest.fixture(params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param) as made:
        figures.import_reference_helplines(made)
        yield made


class Load:
    """Posts events without end, each once, and keeps what was answered and what was not."""

    def __init__(self, installation, customer, seed):
        self.installation, self.customer = installation, customer
        self.rng = oracle.rng_of("load", seed)
        self.heads = {(name, kind): reachline.head(f"/v1/events/helpline-{kind}", application.token)
                      for name, application in customer.applications.items() for kind in ("display", "click")}
        self.answered, self.unanswered, self.refused = {}, [], []
        self.running, self.sent = True, 0

    def event(self):
        self.sent += 1
        display = self.rng.random() < .7
        event = {"type": "helpline_display" if display else "helpline_click", "helpline_id": self.rng.choice(HELPLINES),
                 "application": self.rng.choice(list(self.customer.applications)),
                 "session_id": f"s-{self.rng.randrange(self.sent // 3 + 1)}-{id(self)}",
                 "timestamp": figures.stamp(figures.now_ms() - self.rng.randrange(3 * 86_400_000))}
        return event if display else event | {"contact_method": self.rng.choice(oracle.METHODS)}

    def request(self, event):
        kind = "display" if event["type"] == "helpline_display" else "click"
        body = {name: value for name, value in event.items() if name not in ("application", "type")}
        return self.heads[event["application"], kind], json.dumps(body).encode()

    async def worker(self):
        wire = reachline.Wire(self.installation.port)
        while self.running:
            event = self.event()
            try:
                answer = await wire.request(*self.request(event))
            except ConnectionRefusedError:
                self.running = False  # it never got there
            except (OSError, EOFError):
                self.unanswered.append(event)
            else:
                if answer.status == 503:
                    self.refused.append((event, answer))
                else:
                    assert answer.status == 202, answer
                    self.answered[oracle.identity(event)] = (event, answer.json["event_id"])
        wire.close()

    async def until(self, seconds, end):
        """Runs for a time, then does something to the server."""
        workers = [asyncio.create_task(self.worker()) for _ in range(CONNECTIONS)]
        await asyncio.sleep(seconds)
        result = await asyncio.to_thread(end)
        self.running = False
        await asyncio.gather(*workers)
        return result

    async def post_again(self, events):
        """(event, answer) of each, posted once more."""
        waiting, got = list(events), []

        async def worker():
            wire = reachline.Wire(self.installation.port)
            while waiting:
                event = waiting.pop()
                got.append((event, await wire.request(*self.request(event))))
            wire.close()

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
        return got


def check_everything_is_there_once(load, events):
    """Every answered event is a duplicate now, with the id it had; the others are settled by a retry."""
    again = asyncio.run(load.post_again([event for event, _ in load.answered.values()]))
    for event, answer in again:
        assert answer.status == 202 and answer.json["status"] == "duplicate", f"answered, then lost: {event} {answer}"
        assert answer.json["event_id"] == load.answered[oracle.identity(event)][1]
    unsettled = load.unanswered + [event for event, _ in load.refused]
    for event, answer in asyncio.run(load.post_again(unsettled)):
        assert answer.status == 202, answer
    events += [event for event, _ in load.answered.values()] + unsettled


def test_kill_under_load(installation):
    """The server is killed in the middle of things, again and again."""
    customer = figures.make_customer(installation, "killed", "Asia/Kathmandu")
    events, cut_off = [], 0
    for round_ in range(ROUNDS):
        load = Load(installation, customer, (installation.kind, round_))
        asyncio.run(load.until(0.1 + load.rng.random() * 0.6, installation.kill))
        assert not load.refused, load.refused[0][1]
        installation.start()
        check_everything_is_there_once(load, events)
        cut_off += len(load.unanswered)
    assert cut_off, "no kill came in the middle of a request"
    figures.compare(installation, customer, events, oracle.rng_of("killed"))
    figures.verified(installation)


def test_shutdown_under_load(installation):
    """SIGTERM: what was taken is answered, within ten seconds."""
    customer = figures.make_customer(installation, "shut down", "UTC")
    events = []
    for round_ in range(3):
        load = Load(installation, customer, (installation.kind, "term", round_))
        took = asyncio.run(load.until(0.5, installation.terminate))
        assert took < reachline.STOP_SECONDS and installation.process.returncode == 0, installation.tail()
        installation.start()
        for event, answer in load.refused:
            assert "retry-after" in answer.headers, answer
        # A connection may be closed before a request on it is read, but then nothing of it is stored.
        for event, answer in asyncio.run(load.post_again(load.unanswered)):
            assert answer.json["status"] == "accepted", f"taken and not answered: {event}"
        check_everything_is_there_once(load, events)
    figures.compare(installation, customer, events, oracle.rng_of("term"))
    figures.verified(installation)


def test_kill_right_after_the_answer(installation):
    """An event that was answered is there, though the server was killed in the same moment."""
    customer = figures.make_customer(installation, "answered, then killed", "UTC")
    load = Load(installation, customer, (installation.kind, "answer"))
    for _ in range(ROUNDS):
        event = load.event()
        head, body = load.request(event)

        async def once():
            wire = reachline.Wire(installation.port)
            answer = await wire.request(head, body)
            os.kill(installation.process.pid, signal.SIGKILL)
            wire.close()
            return answer

        first = asyncio.run(once())
        installation.process.wait()
        installation.start()
        [(_, again)] = asyncio.run(load.post_again([event]))
        assert (first.json["status"], again.json["status"]) == ("accepted", "duplicate"), event
        assert first.json["event_id"] == again.json["event_id"]


def test_a_token_outlives_the_process(installation):
    customer = figures.make_customer(installation, "token", "UTC")
    client = installation.client(customer.applications["app-web"].token)
    installation.kill()
    installation.start()
    assert client.get("/v1/topics").status == 200


def test_start_is_quick(installation):
    """On an existing database; half a second is the bar on a quiet machine, twice that is asked for here."""
    installation.kill()
    began = time.monotonic()
    installation.start()
    assert time.monotonic() - began < 1


def test_several_servers_on_one_postgres():
    """Two processes take events of the same customers, one of them is killed: the figures are as with one."""
    with reachline.installation("postgres", reachline.ANY_TIME) as first:
        second = reachline.Installation("sqlite", reachline.ANY_TIME)
        second.kind, second.url = first.kind, first.url
        try:
            second.start()
            figures.import_reference_helplines(first)
            rng, streams = oracle.rng_of("two"), []
            for n, zone in enumerate(("Asia/Kathmandu", "America/St_Johns", "UTC")):
                streams.append((figures.make_customer(first, f"two servers {n}", zone), oracle.generate(300 + n, 900)))
            time.sleep(2)  # the second looks once a second whether there is anything new
            jobs = [job for customer, events in streams for job in figures.jobs_of(customer, events, rng)]
            rng.shuffle(jobs)
            half, done = len(jobs) // 2, 0

            async def kill_one(job, answer, sent):
                nonlocal done
                done += 1
                assert answer.status in (202, 422), answer
                if done == half // 2:
                    first.kill()
                    first.start(wait=False)

            async def both():
                # Some jobs go to both at once: they must be accepted once.
                await asyncio.gather(reachline.deliver(first.port, jobs[:half + 200], kill_one, 6),
                                     reachline.deliver(second.port, jobs[half - 200:], lambda *_: None, 6))

            asyncio.run(both())
            first.wait()
            for customer, events in streams:
                figures.compare(first, customer, events, rng, deeply=False)
                figures.compare(second, customer, events, rng, deeply=False)
            figures.verified(first)
        finally:
            second.remove()

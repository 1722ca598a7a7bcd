"""Nothing is lost and nothing counted twice, however the server ends."""

import time

import pytest

import figures
import reachline
import traffic
from traffic import Ledger, Traffic

HALF_SECOND = 0.5


@pytest.fixture(params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param) as made:
        figures.import_reference_helplines(made)
        yield made


def test_kill_under_load(installation):
    """The server is killed in the middle of things, again and again."""
    customer = figures.make_customer(installation, "killed", "Asia/Kathmandu")
    ledger, cut_off = Ledger(customer, installation.kind, "kill"), 0
    for _ in range(traffic.rounds(4, 100)):
        first = len(ledger.list)
        with Traffic(ledger, [installation]) as load:
            load.more(ledger.rng.randrange(50, 300))
            installation.kill()
        assert not load.refusals, load.refusals
        cut_off += load.cut_off
        installation.start()
        # At once: what was answered is known, though it may not be in the figures yet.
        of_now = ledger.list[first:]
        assert traffic.send_again(ledger, [installation], [fate for fate in of_now if fate.event_id][-150:], singly=True) == 0
        if ledger.rng.random() < .5:
            # Half of what was not answered is settled at once, the other rounds' at the end.
            traffic.send_again(ledger, [installation], [fate for fate in of_now if not fate.event_id])
    assert cut_off, "no kill came in the middle of a request"
    traffic.reckon(ledger, installation, deeply=True)


def test_kill_right_after_the_answer(installation):
    """An event that was answered is there, though the server was killed in the same moment."""
    customer = figures.make_customer(installation, "answered, then killed", "UTC")
    ledger = Ledger(customer, installation.kind, "answer")
    for round_ in range(traffic.rounds(4, 50)):
        events = [ledger.new("app-web") for _ in range(1 + round_ % 2 * 20)]
        client = installation.client(customer.applications["app-web"].token)
        bodies = [{name: value for name, value in fate.event.items() if name != "application"} for fate in events]
        answer = client.post("/v1/events/batch", bodies)
        installation.process.kill()
        installation.process.wait()
        client.close()
        for fate, result in zip(events, answer.json["results"], strict=True):
            ledger.note(fate, False, result)
        installation.start()
        assert traffic.send_again(ledger, [installation], events, singly=True) == 0
    ledger.check()


def test_shutdown_under_load(installation):
    """SIGTERM: what was taken is answered, within ten seconds, and the next start is quick."""
    customer = figures.make_customer(installation, "shut down", "UTC")
    ledger = Ledger(customer, installation.kind, "term")
    for _ in range(traffic.rounds(2, 30)):
        first = len(ledger.list)
        with Traffic(ledger, [installation]) as load:
            load.more(200)
            took = installation.terminate()
        assert took < reachline.STOP_SECONDS and installation.process.returncode == 0, installation.tail()
        installation.start()
        # A connection may be closed before a request on it is read, but then nothing of it is stored.
        unanswered = [fate for fate in ledger.list[first:] if not fate.event_id]
        new = traffic.send_again(ledger, [installation], unanswered)
        assert new == len(unanswered), f"{len(unanswered) - new} were taken and not answered"
        print(f"ended within {took:.2f} s, {len(unanswered)} events not taken, {len(load.refusals)} refusals")
    traffic.reckon(ledger, installation)


def test_start_is_quick(installation):
    """On an existing database. What else runs on the machine may disturb a start, but not each of them."""
    customer = figures.make_customer(installation, "quick", "UTC")
    ledger, took = Ledger(customer, installation.kind, "quick"), []
    with Traffic(ledger, [installation]) as load:
        load.more(300)
        installation.kill()
    while not took or (min(took) > HALF_SECOND and len(took) < 10):
        began = time.monotonic()
        installation.start(wait=False)
        reachline.wait_for("the server", lambda: traffic.is_ready(installation, started=False), 20, step=0.005)
        took.append(time.monotonic() - began)
        installation.kill()
    print(f"starts took {took}")
    assert min(took) <= HALF_SECOND, took


def test_a_token_outlives_the_process(installation):
    customer = figures.make_customer(installation, "token", "UTC")
    client = installation.client(customer.applications["app-web"].token)
    installation.kill()
    installation.start()
    assert client.get("/v1/topics").status == 200

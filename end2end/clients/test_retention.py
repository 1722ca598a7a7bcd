"""How long raw events are kept: as the server says, whatever a command is called with."""

import time

import pytest

import figures
import reachline

YEAR = 365 * 86_400_000


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_only_a_server_gives_up_events(kind, tmp_path):
    with reachline.installation(kind, start=False) as made:
        helpline = reachline.plain_helpline("line", "GB")
        made.import_helplines([helpline])
        customer = made.customer()
        made.application(customer, "web")
        now = int(time.time()) * 1_000

        def load(name, *ages):
            path = tmp_path / name
            rows = [f"helpline_display,{helpline['id']},s{age},{figures.stamp(now - age)}\n" for age in ages]
            path.write_text("type,helpline_id,session_id,timestamp\n" + "".join(rows))
            return made.command("events", "import", str(path), "--customer", customer.id)["accepted"]

        def too_old():
            [item] = made.command("retention")["items"]
            return item["events"]

        made.env = {"REACHLINE_EVENT_RETENTION_MONTHS": "60"}
        assert load("old.csv", 3 * YEAR, 2 * YEAR) == 2
        assert too_old() == 0
        # A shell that knows of the database alone: the server's settings are elsewhere.
        made.env = {}
        assert load("new.csv", 86_400_000) == 1
        assert too_old() == 2
        verified = made.command("figures", "verify")
        assert (verified["events"], verified["differences"]) == (3, [])

        # A server that is told so does.
        made.start()
        reachline.wait_for("old events to be given up", lambda: too_old() == 0, 20)
        verified = made.command("figures", "verify")
        assert (verified["events"], verified["differences"]) == (1, [])

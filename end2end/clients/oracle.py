"""The rules of metering, from the reference program, and its figures in the forms that the API answers."""

import contextlib
import importlib.util
import io
import json
import pathlib
import random
import re
from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "domain" / "tests" / "golden"
SECOND_MS = 1_000

_spec = importlib.util.spec_from_file_location("reference", GOLDEN / "reference.py")
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

CONFIG = json.loads((GOLDEN / "config.json").read_text())
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
FIGURES, METHODS = reference.FIGURES, reference.METHODS
FIGURES_OF = {
    "application": reference.FIGURES,
    "helpline": reference.OF_HELPLINE,
    "country": reference.OF_COUNTRY,
    "contact_method": reference.OF_METHOD,
}
# What the reference says of a part is found under these names.
TABLES = {"application": "by_application", "helpline": "by_helpline", "country": "by_country",
          "contact_method": "by_method"}
# All aliases that clients may send.
SPELLINGS = {"online_chat": ("online_chat", "chat", "online-chat"), "reporting_form": ("reporting_form", "reporting-form")}


def worked_stream():
    return [json.loads(line) for line in (GOLDEN / "events.ndjson").read_text().splitlines() if line.strip()]


def generate(seed, n, days=0):
    """`reference.py --generate SEED N`, moved by some days: to other turns of a month and of the clocks."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        reference.generate(seed, n)
    events = [json.loads(line) for line in printed.getvalue().splitlines()]
    for event in events if days else ():
        with contextlib.suppress(ValueError):
            date = datetime.fromisoformat(event["timestamp"][:10]) + timedelta(days=days)
            event["timestamp"] = f"{date:%Y-%m-%d}" + event["timestamp"][10:]
    return events


def as_sent(event, rng):
    """The event in one of the spellings that must make no difference."""
    sent = {name: value for name, value in event.items() if name not in ("application", "type")}
    if "contact_method" in sent:
        sent["contact_method"] = rng.choice(SPELLINGS.get(sent["contact_method"], (sent["contact_method"],)))
    stamp = sent["timestamp"]
    fraction = re.search(r"\.(\d{3})", stamp)
    match rng.randrange(6) if fraction else 5:
        case 0:
            stamp = stamp.replace(fraction[0], fraction[0] + f"{rng.randrange(1000):03d}")
        case 1:
            stamp = stamp.replace(fraction[0], fraction[0] + "999999")
        case 2:
            stamp = stamp.replace("Z", "z").replace("T", "t")
        case 3 if fraction[1] == "000":
            stamp = stamp.replace(fraction[0], "")
        case 4:
            stamp = stamp.replace("Z", "+00:00")
    sent["timestamp"] = stamp
    if rng.random() < .1:
        sent["unknown_member"] = {"is": ["ignored", None, 1.5e300]}
    return sent


def config(zone):
    return CONFIG | {"time_zone": zone}


def identity(event):
    """What makes two events the same, or None where the event is refused."""
    if reference.rejected(event, CONFIG, None):
        return None
    method = event["contact_method"] if event["type"] == "helpline_click" else None
    return (event["application"], event["type"], event["helpline_id"], event["session_id"],
            reference.millis(event["timestamp"]), method)


class Oracle:
    """The figures of one customer, by the reference program."""

    def __init__(self, events, zone):
        self.zone = ZoneInfo(zone)
        self.whole = reference.figures(events, config(zone))
        self.keys = {key for event in events if (key := identity(event))}
        self.application_tiers = {name: of["tier"] for name, of in CONFIG["applications"].items()}

    def of_tier(self, tier, application=None, helpline=None, country=None, method=None):
        """The identities that a question with these filters is about: displays stay when a method is asked for."""
        return [key for key in self.keys
                if self.application_tiers[key[0]] == tier and application in (None, key[0])
                and helpline in (None, key[2]) and country in (None, CONFIG["helplines"][key[2]])
                and (method in (None, key[5]) or key[1] == "helpline_display")]

    def measure(self, tier, **filters):
        return reference.measure(self.of_tier(tier, **filters), self.zone, CONFIG["helplines"].get)

    def by_second(self, tier, **filters):
        """(start of each second that holds something, in milliseconds, its figures), in their order; whatever the bucket,
        it is a sum of these."""
        class Second:
            def __init__(self, ms, local):
                self.ms, self.local = ms, local

            def strftime(self, form):
                return self.local.strftime(form) if form == "%Y-%m" else str(self.ms // SECOND_MS * SECOND_MS)

        local = reference.local
        reference.local = lambda ms, zone: Second(ms, local(ms, zone))
        try:
            rows = self.measure(tier, **filters)["by_day"]
        finally:
            reference.local = local
        return sorted((int(start), {name: row[name] for name in FIGURES}) for start, row in rows.items())


def add(rows, names=FIGURES):
    """The sum of rows of figures."""
    total = Counter()
    for row in rows:
        total.update({name: row[name] for name in names})
    return {name: total[name] for name in names}


def shuffled(events, rng):
    events = list(events)
    rng.shuffle(events)
    return events


def rng_of(*seed):
    return random.Random(repr(seed))

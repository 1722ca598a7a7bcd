"""What a month is billed at, worked out anew: the figures of the reference program, prices in decimal arithmetic."""

from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import figures
import oracle
from oracle import reference

FIGURES = ("reach", "unique_displays", "net_displays", "net_clicks", "notifications")
STEPS = ("received", "rejected", "duplicates", "sandbox", "other_kind", "gross", "repeats", "net", "not_unique", "billable")
LISTED = STEPS[3:]
DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}
LABELS = {"reach": "Reach", "unique_displays": "Unique displays", "net_displays": "Net displays", "net_clicks": "Net clicks",
          "notifications": "Notifications"}


def card(figure, currency, included, tiers, base_fee="0", minimum="0"):
    """The terms of a rate card as they are entered; `tiers` are (up to, unit price)."""
    return {"effective_from": "2020-01", "currency": currency, "figure": figure, "included": included, "base_fee": base_fee,
            "minimum": minimum, "tiers": [{"up_to": up_to, "unit_price": price} for up_to, price in tiers]}


def months_of(zone):
    """The month before the present one and the present one, as YYYY-MM."""
    first = datetime.now(ZoneInfo(zone)).replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}", f"{first:%Y-%m}"


def days_to(running):
    """Days by which a generated stream, which spans the turn to November 2026, is moved to the turn to this month."""
    return (datetime.fromisoformat(f"{running}-01") - datetime(2026, 11, 1)).days


# ------------------------------------------------------------------------------------------------ prices


def money(amount, currency):
    """Rounded once, half away from zero, and printed with the currency's decimals."""
    return f"{amount.quantize(Decimal(1).scaleb(-DECIMALS[currency]), ROUND_HALF_UP):f}"


def priced(terms, quantity):
    """The lines of a month's own usage as (kind, quantity, unit price, amount), and their sum."""
    currency = terms["currency"]
    zero = Decimal(0)
    lines = []
    if Decimal(terms["base_fee"]):
        lines.append(("base_fee", None, None, Decimal(terms["base_fee"])))
    free = min(quantity, terms["included"])
    if free:
        lines.append(("included", free, "0", zero))
    left, before = quantity - free, 0
    for tier in terms["tiers"]:
        units = left if tier["up_to"] is None else min(left, tier["up_to"] - before)
        if units > 0:
            price = Decimal(tier["unit_price"])
            lines.append(("tier", units, f"{price.normalize():f}", Decimal(money(units * price, currency))))
        left, before = left - units, tier["up_to"]
    total = sum((line[3] for line in lines), zero)
    missing = Decimal(terms["minimum"]) - total
    if missing > 0:
        lines.append(("minimum_top_up", None, None, missing))
        total += missing
    return [(kind, units, price, money(amount, currency)) for kind, units, price, amount in lines], money(total, currency)


def printed(statement):
    """The lines of a statement in the form of `priced`."""
    return [(line["kind"], line["quantity"], line["unit_price"], line["amount"]) for line in statement["lines"]]


# ------------------------------------------------------------------------------------------------ waterfalls


class Month:
    """A customer's month, from the events that were posted until now. Refusals are of the month in which they were received."""

    def __init__(self, events, zone, month, figure, received_in):
        self.zone, self.month, self.figure = ZoneInfo(zone), month, figure
        self.is_of_clicks = figure == "net_clicks"
        known = [key for event in events if (key := oracle.identity(event))]
        self.keys = set(known)
        tiers = oracle.Oracle(events, zone).whole["tiers"]
        self.of = {tier: oracle.add(row for day, row in tiers[tier]["by_day"].items() if day.startswith(month))
                   for tier in figures.TIERS}
        again = Counter(known)
        self.duplicates = sum(n - 1 for key, n in again.items() if self.is_within(key[4]))
        refused = Counter(code for event in events if (code := reference.rejected(event, oracle.CONFIG, None)))
        self.rejected = dict(refused) if received_in == month else {}

    def is_within(self, at):
        return reference.local(at, self.zone).strftime("%Y-%m") == self.month

    def waterfall(self):
        counts, sandbox = self.of["production"], self.of["sandbox"]
        gross, other = counts["gross_displays"], counts["gross_clicks"]
        if self.is_of_clicks:
            gross, other = other, gross
        billable = counts[self.figure]
        net = billable if self.figure in ("net_clicks", "notifications") else counts["net_displays"]
        rejected, trial = sum(self.rejected.values()), sandbox["gross_displays"] + sandbox["gross_clicks"]
        return {
            "figure": self.figure, "received": rejected + self.duplicates + trial + other + gross, "rejected": self.rejected,
            "rejected_total": rejected, "duplicates": self.duplicates, "sandbox": trial, "other_kind": other, "gross": gross,
            "repeats": gross - net, "net": net, "not_unique": net - billable, "billable": billable,
        }

    # -- single events

    def check(self, listed):
        """`listed`: identity -> what the API says of each accepted event of the month. Nothing else is listed, and each says
        rightly why it is on the bill or not."""
        within = {key for key in self.keys if self.is_within(key[4])}
        assert set(listed) == within
        tier_of = {name: of["tier"] for name, of in oracle.CONFIG["applications"].items()}
        billed_kind = "helpline_click" if self.is_of_clicks else "helpline_display"
        runs = defaultdict(list)        # what double-click filtering looks at: (application, session, helpline, method) -> instants
        for key in self.keys:
            if key[1] == billed_kind and tier_of[key[0]] == "production":
                runs[self.run(key)].append(key[4])
        for instants in runs.values():
            instants.sort()
        for key, why in listed.items():
            outcome = why["outcome"]
            if tier_of[key[0]] == "sandbox":
                assert why == {"outcome": "sandbox", "is_kept": False, "is_billed": False, "because_of": None, "attributed": None}
            elif key[1] != billed_kind:
                assert outcome == "other_kind" and not why["is_kept"] and not why["is_billed"], (key, why)
            else:
                assert outcome == ("billable" if why["is_billed"] else "not_unique" if why["is_kept"] else "repeats"), (key, why)
            self.check_attribution(key, why, tier_of)
        ours = {key: why for key, why in listed.items() if key[1] == billed_kind and tier_of[key[0]] == "production"}
        if self.figure == "notifications":
            self.check_notifications(ours)
        else:
            self.check_bursts(ours, runs)

    @staticmethod
    def run(key):
        application, _, helpline, session, _, method = key
        return application, session, helpline, method

    def check_attribution(self, key, why, tier_of):
        application, kind, helpline, session, at, _ = key
        if kind == "helpline_display" or tier_of[application] == "sandbox":
            assert why["attributed"] is None, (key, why)
            return
        shown = (k[4] for k in self.keys if k[:4] == (application, "helpline_display", helpline, session))
        assert why["attributed"] == any(0 <= at - of <= reference.ATTRIBUTION_MS for of in shown), (key, why)

    def check_bursts(self, ours, runs):
        for key, why in ours.items():
            instants = runs[self.run(key)]
            after = bisect_left(instants, key[4] + 1)
            goes_on = after < len(instants) and instants[after] - key[4] <= reference.REPEAT_MS
            assert why["is_kept"] != goes_on, (key, why)
            if goes_on and not why["is_billed"]:
                assert figures.millis(why["because_of"]) == instants[after], (key, why)
        if self.figure in ("net_displays", "net_clicks"):
            assert all(why["is_billed"] == why["is_kept"] for why in ours.values())
            return
        groups = defaultdict(list)
        for key in ours:
            groups[key[0], key[3], key[2] if self.figure == "unique_displays" else None].append(key)
        for keys in groups.values():
            first = min(key[4] for key in keys)
            [billed] = [key for key in keys if ours[key]["is_billed"]]
            instants = runs[self.run(billed)]
            start = bisect_left(instants, billed[4])
            while start and instants[start] - instants[start - 1] <= reference.REPEAT_MS:
                start -= 1
            assert instants[start] <= first <= billed[4] and first in instants, (billed, first)
            for key in keys:
                if ours[key]["outcome"] == "not_unique":
                    assert figures.millis(ours[key]["because_of"]) == first, (key, ours[key])

    def check_notifications(self, ours):
        shown = defaultdict(set)
        for key in self.keys:
            if key[1] == "helpline_display":
                shown[key[0], key[3]].add(key[4])
        begun = {(*of, at) for of, instants in shown.items() for at in instants
                 if not any(0 < at - other <= reference.NOTIFICATION_MS for other in instants)}
        kept = [(key[0], key[3], key[4]) for key, why in ours.items() if why["is_kept"]]
        assert len(kept) == len(set(kept)) and set(kept) == {of for of in begun if of in {(k[0], k[3], k[4]) for k in ours}}
        assert all(why["is_billed"] == why["is_kept"] for why in ours.values())


# ------------------------------------------------------------------------------------------------ what comes late


def late_events(events, zone, month, rng):
    """Events of a month that come after its statement: new sessions, retries, events of the sandbox, and ones between two
    others that were apart: those make one burst of two."""
    made, within = [], []
    for event in events:
        if (key := oracle.identity(event)) and reference.local(key[4], ZoneInfo(zone)).strftime("%Y-%m") == month:
            within.append((key, event))
    runs = defaultdict(list)
    for key, event in within:
        runs[Month.run(key) + (key[1],)].append((key[4], event))
    for run in runs.values():
        run.sort(key=lambda of: of[0])
        for (at, event), (after, _) in zip(run, run[1:]):
            if reference.REPEAT_MS < after - at <= 2 * reference.REPEAT_MS:
                made.append(event | {"timestamp": figures.stamp((at + after) // 2)})
    for number, (_, event) in enumerate(rng.sample(within, 8)):
        made.append(event | {"session_id": f"s-late{number:08d}"})
    made += [event for _, event in rng.sample(within, 5)]
    made.append(made[0] | {"application": "app-sandbox", "session_id": "s-late-sandbox"})
    return made

"""Backups that are taken under load, and copies from one kind of database to the other: nothing is lost on the way."""

import contextlib
import copy
import stat
import subprocess
import time

import pytest

import figures
import reachline
import traffic
from traffic import Ledger, Traffic


@pytest.fixture(params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param) as made:
        figures.import_reference_helplines(made)
        yield made


@contextlib.contextmanager
def empty(kind):
    """An installation on a database in which there is nothing yet; no server runs on it."""
    made = reachline.Installation(kind)
    try:
        yield made
    finally:
        made.remove()


def as_of(ledger, moment):
    """The ledger as it was: what was answered later may or may not have been stored by then."""
    then = Ledger(ledger.customer, ledger.name)
    for fate, was_answered in moment:
        known = copy.copy(fate) if was_answered else traffic.Fate(fate.event, lost=1)
        then.list.append(known)
        then.fates[identity_of(known)] = known
    return then


def identity_of(fate):
    return traffic.oracle.identity(fate.event)


@pytest.mark.parametrize("to", reachline.KINDS)
def test_a_backup_under_load(installation, to):
    """What was answered before it began is in it, whatever was going on, and its figures are those of the reference."""
    customer = figures.make_customer(installation, "backed up", "Asia/Kathmandu")
    ledger, backups = Ledger(customer, installation.kind, to, "backup"), []
    with Traffic(ledger, [installation]) as load:
        for number in range(traffic.rounds(2, 8)):
            load.more(400)
            answered = {id(fate) for fate in ledger.list if fate.event_id}
            path = installation.directory / f"{number}.backup"
            made = installation.command("backup", str(path))
            backups.append((path, made, [(fate, id(fate) in answered) for fate in ledger.list]))
        load.more(100)
    assert not load.refusals, load.refusals[:5]
    for path, made, moment in backups:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size == made["bytes"]
        with empty(to) as restored:
            assert restored.command("restore", str(path))["events"] == made["events"]
            then = as_of(ledger, moment)
            restored.start()
            # At once: what was only in the log is known as well.
            newest = [fate for fate in then.list if fate.event_id][-200:]
            assert traffic.send_again(then, [restored], newest, singly=True) == 0
            traffic.reckon(then, restored, deeply=True)


@pytest.mark.parametrize("kind", reachline.KINDS)
def test_a_move_to_the_other_kind(kind):
    """The server ends, is killed even, and goes on where all its data has been copied to."""
    other = next(of for of in reachline.KINDS if of != kind)
    with reachline.installation(kind) as first, empty(other) as second:
        figures.import_reference_helplines(first)
        customer = figures.make_customer(first, "moved", "America/St_Johns")
        ledger = Ledger(customer, kind, "move")
        with Traffic(ledger, [first]) as load:
            load.more(500)
            first.kill()
        first.command("copy", "--from", first.url, "--to", second.url)
        second.start()
        traffic.reckon(ledger, second, deeply=True)
        # Names, secrets and numbers go on.
        application = next(iter(customer.applications.values()))
        assert second.client(application.token).get("/v1/topics").status == 200
        second.application(second.customer("new there"), "app")
        actions = [entry["action"] for entry in second.command("audit-log")["items"]]
        assert "database_copied" in actions and "customer_added" in actions


def test_what_is_broken_off_leaves_nothing(installation):
    """A backup appears under its name when it is whole; a database that was being filled is still an empty one."""
    installation.command("demo", "--events", "200000")
    path = installation.directory / "a.backup"
    for pause in (0.02, 0.1, 0.3):
        broken_off(installation, pause, "backup", str(path))
        assert not path.exists()
    whole = installation.command("backup", str(path))
    again = installation.run("backup", str(path))
    assert again.returncode == 1 and "there already" in again.stderr
    for kind in reachline.KINDS:
        with empty(kind) as restored:
            for pause in (0.02, 0.2, 0.5):
                broken_off(restored, pause, "restore", str(path))
            assert restored.command("restore", str(path))["events"] == whole["events"]
            assert restored.command("figures", "verify")["events"] == whole["events"]
            taken = restored.run("restore", str(path))
            assert taken.returncode == 1 and "empty" in taken.stderr
    assert len(list(installation.directory.glob("a.backup*"))) == 1


def broken_off(installation, pause, *arguments):
    """Kills a command in the middle of things."""
    process = subprocess.Popen([reachline.binary(), *arguments], env=installation.environment(), cwd=installation.directory,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(pause)
    process.kill()
    assert process.wait() == -9, "it was over before"


def test_what_cannot_be_read_or_written(installation):
    with empty("sqlite") as other:
        for arguments, said in [
            (("copy", "--from", f"sqlite://{other.directory}/none.db", "--to", other.url), "no file"),
            (("restore", str(other.directory / "none")), "no backup"),
            (("restore", "/etc/hostname"), "no backup"),
            (("backup", str(other.directory / "none" / "a.backup")), "No such file"),
            (("copy", "--from", installation.url, "--to", installation.url), ""),
            (("copy", "--to", "mysql://there"), "--to: must begin with"),
        ]:
            done = installation.run(*arguments)
            assert done.returncode in (1, 2) and said in done.stderr, (arguments, done.stderr)
        # Nothing was made by asking for it.
        assert not (other.directory / "none.db").exists()

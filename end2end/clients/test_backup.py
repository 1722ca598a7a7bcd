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
from test_outages import fill, small_disk
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
        assert "copy_begun" in actions and "customer_added" in actions


def test_what_is_broken_off_leaves_nothing(installation):
    """A backup appears under its name when it is whole; a database that was being filled is still an empty one."""
    installation.command("demo", "--events", "100000")
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


def test_two_at_once(installation):
    """Of two backups to one file one is made, whole; of two restores into one database likewise."""
    installation.command("demo")
    path = installation.directory / "a.backup"
    for pause in (0, 0.2) if not traffic.LONG else (0, 0.01, 0.05, 0.2, 0.5):
        ended = at_once(installation, pause, "backup", str(path))
        assert sorted(ended) == [0, 1], ended
        for kind in reachline.KINDS:
            with empty(kind) as restored:
                # Both may find the other there, and none does it then.
                assert 0 not in (ended := sorted(at_once(restored, pause, "restore", str(path)))) or ended == [0, 1], ended
                if 0 not in ended:
                    restored.command("restore", str(path))
                assert restored.command("figures", "verify")["equal"]
        path.unlink()


def at_once(installation, pause, *arguments):
    processes = []
    for _ in range(2):
        processes.append(subprocess.Popen([reachline.binary(), *arguments], env=installation.environment(),
                                          cwd=installation.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(pause)
    return [process.wait(60) for process in processes]


def test_a_full_disk(tmp_path):
    """What does not fit is not there, and goes in when there is room."""
    with reachline.installation("sqlite") as installation:
        installation.command("demo", "--events", "100000")
        path = installation.directory / "a.backup"
        whole = installation.command("backup", str(path))
        mebibytes = whole["bytes"] >> 20
        with small_disk(mebibytes + 1) as disk:
            fill(disk / "ballast")
            (disk / "ballast").open("r+b").truncate((mebibytes << 19))
            failed = installation.run("backup", str(disk / "b.backup"))
            assert failed.returncode == 1 and [file.name for file in disk.iterdir()] == ["ballast"], failed.stderr
            restored = reachline.Installation("sqlite", url=f"sqlite://{disk}/r.db")
            for _ in range(2):
                failed = restored.run("restore", str(path))
                assert failed.returncode == 1 and "full" in failed.stderr, failed.stderr
            (disk / "ballast").unlink()
            subprocess.run(["mount", "-o", f"remount,size={4 * mebibytes}m", str(disk)], check=True)
            assert restored.command("restore", str(path))["events"] == whole["events"]
            assert restored.command("figures", "verify")["events"] == whole["events"]
            restored.remove()


def test_a_server_that_starts_meanwhile():
    """Nothing is filled that a server is connected to; one that starts later has all of it."""
    with reachline.installation("postgres") as installation, empty("postgres") as other:
        figures.import_reference_helplines(installation)
        customer = figures.make_customer(installation, "raced", "UTC")
        ledger = Ledger(customer, "raced")
        with Traffic(ledger, [installation]) as load:
            load.more(100)
        path = installation.directory / "a.backup"
        installation.command("backup", str(path))
        restored = False
        for pause in (0, 0.02, 0.05, 0.1, 0.2):
            with empty("postgres") as raced:
                raced.start(wait=False)
                time.sleep(pause)
                done = raced.run("restore", str(path))
                assert done.returncode in (0, 1)
                if done.returncode == 0:
                    restored = True
                    raced.wait()
                    traffic.reckon(copy.deepcopy(ledger), raced)
                else:
                    assert "nobody else is connected" in done.stderr, done.stderr
        print("restored before the server" if restored else "the server was first, always")


def broken_off(installation, pause, *arguments):
    """Kills a command in the middle of things."""
    process = subprocess.Popen([reachline.binary(), *arguments], env=installation.environment(), cwd=installation.directory,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(pause)
    process.kill()
    assert process.wait() == -9, "it was over before"


def test_what_cannot_be_read_or_written(installation):
    with empty("sqlite") as other:
        backup = other.directory / "file:odd name"
        made = other.run("backup", "file:odd name")
        assert made.returncode == 1 and "no file" in made.stderr
        done = subprocess.run([reachline.binary(), "backup", backup.name], env=installation.environment(),
                              cwd=other.directory, capture_output=True, text=True)
        assert done.returncode == 0 and backup.stat().st_size > 0 and stat.S_IMODE(backup.stat().st_mode) == 0o600, done
        for arguments, said in [
            (("copy", "--from", f"sqlite://{other.directory}/none.db", "--to", other.url), "no file"),
            (("restore", str(other.directory / "none")), "no file"),
            (("copy", "--from", f"sqlite://{backup}", "--to", other.url), "is a backup"),
            (("restore", "/etc/hostname"), "no backup"),
            (("backup", str(other.directory / "none" / "a.backup")), "No such file"),
            (("copy", "--from", installation.url, "--to", installation.url), ""),
            (("copy", "--to", "mysql://there"), "--to: must begin with"),
        ]:
            done = installation.run(*arguments)
            assert done.returncode in (1, 2) and said in done.stderr, (arguments, done.stderr)
        # Nothing was made by asking for it.
        assert not (other.directory / "none.db").exists()

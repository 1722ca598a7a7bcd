"""Exports that are written in the background: every format, kept and listed, cancelled, and through the death of the server."""

import csv
import hashlib
import io
import json
import re
import shutil
import tempfile
import time
import urllib.parse
import zipfile

import pytest

import figures
import oracle
import reachline
from problems import check_answer, check_problem

EVENTS = 3_000
PERIOD = {"from": "2026-10-01", "to": "2026-12-01"}
START_MS = 1_791_000_000_000


@pytest.fixture(scope="module", params=reachline.KINDS)
def made(request):
    with reachline.installation(request.param, reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        made.acme = made.customer("Acme", "Asia/Kathmandu")
        made.web = made.application(made.acme, "web")
        made.api = made.client(made.token(made.web))
        helplines = list(oracle.CONFIG["helplines"])
        for start in range(0, EVENTS, 1_000):
            batch = [{"type": "helpline_display", "helpline_id": helplines[n % 5], "session_id": f"secret-{n % 700}",
                      "timestamp": figures.stamp(START_MS + n * 900_000)} for n in range(start, start + 1_000)]
            answer = made.api.post("/v1/events/batch", batch)
            assert answer.status in (200, 202, 207), answer
        reachline.wait_for("the figures", lambda: counted(made) == EVENTS, 10)
        yield made


def directory_of(made):
    """Where the files are: on Postgres each database has a directory of its own."""
    [directory] = [path for path in made.directory.rglob("*exports") if path.is_dir()]
    if made.kind == "postgres":
        [directory] = [path for path in directory.iterdir() if re.fullmatch("[0-9a-f]{12}", path.name)]
    return directory


def counted(made):
    return made.api.get("/v1/analytics/summary", {"from": "2026-01-01", "to": "2027-06-01"}).json["figures"]["gross_displays"]


def request(made, **query):
    answer = made.api.post("/v1/export-jobs?" + urllib.parse.urlencode(PERIOD | query))
    check_answer(answer)
    return answer


def requested(made, **query):
    answer = request(made, **query)
    assert answer.status == 201 and answer.json["status"] in ("queued", "running", "done"), answer
    assert answer.headers["location"] == f"/v1/export-jobs/{answer.json['id']}"
    return answer.json["id"]


def job(made, id):
    return made.api.get(f"/v1/export-jobs/{id}").json


def ended(made, id, seconds=20):
    reachline.wait_for("the export", lambda: job(made, id)["status"] not in ("queued", "running"), seconds)
    return job(made, id)


def file(made, id):
    answer = made.api.get(f"/v1/export-jobs/{id}/file")
    assert answer.status == 200, answer
    return answer


def expected_csv(made):
    return made.api.get("/v1/exports/events", PERIOD).body


def test_every_format_is_made_kept_and_listed(made):
    plain = expected_csv(made)
    found = {}
    for format in ("csv", "ndjson", "xlsx", "parquet"):
        id = requested(made, kind="events", format=format)
        done = ended(made, id)
        assert (done["status"], done["progress"], done["error"]) == ("done", 1, None), done
        answer = file(made, id)
        assert done["file"]["sha256"] == hashlib.sha256(answer.body).hexdigest() and done["file"]["bytes"] == len(answer.body)
        assert done["file"]["rows"] == len(plain.splitlines()) - 1 > 1_000
        assert f'filename="{done["file"]["file"]}"' in answer.headers["content-disposition"]
        assert done["file"]["file"].endswith(f".{format}") and answer.headers["cache-control"] == "no-store"
        manifest = made.api.get(f"/v1/export-jobs/{id}/manifest").json
        assert manifest["sha256"] == done["file"]["sha256"] and manifest["versions"] == done["file"]["versions"]
        assert manifest["customer_id"] == made.acme.id and manifest["columns"]
        assert b"secret-" not in answer.body
        found[format] = answer.body
    assert found["csv"] == plain
    assert [json.loads(line)["event_id"] for line in found["ndjson"].splitlines()] == \
        [row["event_id"] for row in csv.DictReader(io.StringIO(plain.decode(), newline=""))]
    assert zipfile.ZipFile(io.BytesIO(found["xlsx"])).testzip() is None and found["parquet"][:4] == found["parquet"][-4:] == b"PAR1"
    listed = made.api.get("/v1/export-jobs", {"limit": 4}).json
    assert [entry["format"] for entry in listed["jobs"]] == ["parquet", "xlsx", "ndjson", "csv"] and listed["next_cursor"]
    rest = made.api.get("/v1/export-jobs", {"cursor": listed["next_cursor"]}).json["jobs"]
    # The answer above is listed too, though its file is not kept.
    assert (rest[0]["requested_by"], rest[0]["file"]["sha256"]) == (f"application web ({made.web.client_id})", hashlib.sha256(plain).hexdigest())
    assert rest[0]["file_expires_at"] is None
    assert made.api.get(f"/v1/export-jobs/{rest[0]['id']}/file").status == 404


def test_what_the_command_writes_is_listed(made, tmp_path):
    manifest = made.command("export", "days", "--customer", made.acme.id, "--from", PERIOD["from"], "--to", PERIOD["to"],
                            "--format", "xlsx", "--out", str(tmp_path / "days.xlsx"))
    newest = made.api.get("/v1/export-jobs", {"limit": 1}).json["jobs"][0]
    assert (newest["requested_by"], newest["export"], newest["format"]) == ("command line", "days", "xlsx")
    assert newest["file"]["sha256"] == manifest["sha256"] and newest["status"] == "done"


def test_an_export_outlives_the_server(made):
    """Killed again and again while it is asked for and written: the file is whole, once, and of the same events."""
    plain = expected_csv(made)
    ids = [requested(made, kind="events", format=format) for format in ("csv", "parquet", "csv")]
    made.api.post("/v1/events/helpline-display", {"helpline_id": next(iter(oracle.CONFIG["helplines"])), "session_id": "late",
                                                  "timestamp": figures.stamp(START_MS + 5_000)})
    for delay in (0.0, 0.1, 0.3):
        time.sleep(delay)
        made.kill()
        made.start()
    for id in ids:
        done = ended(made, id, 60)
        assert done["status"] == "done", done
        assert hashlib.sha256(file(made, id).body).hexdigest() == done["file"]["sha256"]
    assert file(made, ids[0]).body == file(made, ids[2]).body == plain
    directory = directory_of(made)
    reachline.wait_for("what was broken off to go", lambda: not list(directory.glob("*.part")), 10)
    assert directory.stat().st_mode & 0o077 == 0
    assert list(directory.iterdir())
    assert not [path for path in directory.iterdir() if path.stat().st_mode & 0o077]
    reachline.wait_for("the late event", lambda: counted(made) == EVENTS + 1, 10)


def test_a_server_that_is_told_to_stop_gives_its_export_back(made):
    """The next one goes on at once, more often than there are tries."""
    ids = [requested(made, kind="events", format="xlsx") for _ in range(8)]
    for _ in range(7):
        made.terminate()
        made.start()
    for id in ids:
        done = ended(made, id, 60)
        assert done["status"] == "done", done
        assert hashlib.sha256(file(made, id).body).hexdigest() == done["file"]["sha256"]


def test_cancelled_ones_leave_nothing(made):
    ids = [requested(made, kind="events", format="ndjson") for _ in range(8)]
    for id in ids:
        answer = made.api.request("DELETE", f"/v1/export-jobs/{id}")
        check_answer(answer)
        # One that was done before is deleted.
        assert answer.status == 204 and job(made, id)["status"] in ("cancelled", "done"), answer
        again = made.api.request("DELETE", f"/v1/export-jobs/{id}")
        check_problem(again)
        assert again.status == 422 and made.api.get(f"/v1/export-jobs/{id}/file").status == 404
    assert any(job(made, id)["status"] == "cancelled" for id in ids)
    directory = directory_of(made)
    reachline.wait_for("nothing left", lambda: not [path for path in directory.iterdir() if path.name.split(".")[0] in ids], 10)


def test_a_deleted_file_is_gone_at_once(made):
    """Its export stays in the list, with what its file was."""
    id = requested(made, kind="days", format="csv")
    done = ended(made, id)
    directory = directory_of(made)
    assert list(directory.glob(f"{id}.*"))
    answer = made.api.request("DELETE", f"/v1/export-jobs/{id}")
    check_answer(answer)
    assert answer.status == 204, answer
    reachline.wait_for("the file to go", lambda: not list(directory.glob(f"{id}.*")), 10)
    left = job(made, id)
    assert left["status"] == "done" and left["file"] == done["file"] and left["file_expires_at"] < done["file_expires_at"], left
    assert made.api.get(f"/v1/export-jobs/{id}/file").status == 404
    assert made.api.get(f"/v1/export-jobs/{id}/manifest").status == 200
    again = made.api.request("DELETE", f"/v1/export-jobs/{id}")
    check_problem(again)
    assert again.status == 422, again
    entries = made.command("audit-log", "--customer", made.acme.id)["items"]
    [entry] = [entry for entry in entries if entry["action"] == "export_deleted" and entry["details"]["export"] == id]
    assert entry["actor"] == f"application web ({made.web.client_id})", entry


def test_the_page_deletes_a_file_for_those_who_may(made):
    """The button is there for who requested the export or manages the customer's applications, and for nobody else."""
    password = "correct horse battery staple"
    page = {"Accept": "text/html"}

    def sign_in(role, email):
        made.command("user", "create", "--email", email, "--role", role, "--customer", made.acme.id, "--password-stdin", stdin=password)
        form = urllib.parse.urlencode({"email": email, "password": password}).encode()
        return post("sign_in", form, {}).headers["set-cookie"].split(";")[0]

    def post(call, body, headers):
        return made.api.post(f"/api/{call}", body, token=None,
                             headers=page | {"Content-Type": "application/x-www-form-urlencoded"} | headers)

    def look(cookie, id):
        answer = made.api.get(f"/exports/{id}", token=None, headers=page | {"Cookie": cookie})
        assert answer.status == 200, answer
        return answer.body.decode()

    admin, viewer, other = (sign_in(role, f"{name}@example.org") for role, name in
                            (("customer_admin", "admin"), ("viewer", "viewer"), ("viewer", "other")))
    form = {"customer": made.acme.id, "form[kind]": "days", "form[format]": "csv", "form[from]": "2026-10-01",
            "form[last]": "2026-10-31", "form[tier]": "production"}
    for cookie in (admin, viewer):
        asked = post("request_export", urllib.parse.urlencode(form).encode(), {"Cookie": viewer})
        id = asked.headers["location"].split("/exports/")[1].split("?")[0]
        assert ended(made, id)["status"] == "done"
        delete = urllib.parse.urlencode({"customer": made.acme.id, "export": id}).encode()
        assert "/api/delete_export" not in look(other, id)
        refused = post("delete_export", delete, {"Cookie": other})
        assert "done=" not in refused.headers["location"] and made.api.get(f"/v1/export-jobs/{id}/file").status == 200
        assert "/api/delete_export" in look(cookie, id)
        done = post("delete_export", delete, {"Cookie": cookie})
        assert "done=export_deleted" in done.headers["location"], done
        assert made.api.get(f"/v1/export-jobs/{id}/file").status == 404
        after = look(cookie, id)
        assert "/api/delete_export" not in after and "was kept until" in after and f"/download/exports/{id}" not in after


def test_one_that_cannot_be_removed_keeps_no_other_from_it(made):
    """A directory under the name of an export is no file. It stays, and what is left over beside it goes."""
    directory = directory_of(made)
    unknown = [f"01234567-89ab-7cde-8f01-{n:012x}.1.csv" for n in range(40)]
    for name in unknown[1::2]:
        (directory / name).mkdir()
    for name in unknown[::2]:
        (directory / name).write_text("left over")
    id = requested(made, kind="days", format="csv")
    ended(made, id)
    assert made.api.request("DELETE", f"/v1/export-jobs/{id}").status == 204
    reachline.wait_for("the files to go", lambda: not [name for name in unknown[::2] if (directory / name).exists()], 10)
    for name in unknown[1::2]:
        (directory / name).rmdir()


@pytest.mark.parametrize("query, fields", [
    ({}, ["kind"]),
    ({"kind": "people"}, ["kind"]),
    ({"kind": "days", "format": "pdf"}, ["format"]),
    ({"kind": "days", "format": "xlsx", "bom": "true"}, ["bom"]),
    ({"kind": "days", "from": "2026-12-02"}, ["to"]),
    ({"kind": "days", "from": "2999-01-01", "to": "2999-02-01"}, ["from"]),
    ({"kind": "events", "application_id": "01234567-89ab-7cde-8f01-23456789abcd"}, ["application_id"]),
    ({"kind": "events", "helpline_id": "nobody's"}, ["helpline_id"]),
])
def test_what_is_wrong_is_said_at_once(made, query, fields):
    before = made.api.get("/v1/export-jobs", {"limit": 1}).json["jobs"][0]["id"]
    answer = request(made, **query)
    check_problem(answer)
    assert answer.status == 422 and [error["field"] for error in answer.json["errors"]] == fields, answer
    assert made.api.get("/v1/export-jobs", {"limit": 1}).json["jobs"][0]["id"] == before


def test_a_file_that_is_gone_is_not_there(made):
    id = requested(made, kind="days", format="csv")
    assert ended(made, id)["status"] == "done"
    directory = directory_of(made)
    (directory / f"{id}.1.csv").unlink()
    answer = made.api.get(f"/v1/export-jobs/{id}/file")
    check_problem(answer)
    assert answer.status == 404, answer
    for unknown in ("01234567-89ab-7cde-8f01-23456789abcd", "none"):
        assert made.api.get(f"/v1/export-jobs/{unknown}").status == 404


def test_a_disk_that_cannot_be_written_fails_the_export(made):
    """And nothing else: what was wrong is said, and the next one is made."""
    directory = directory_of(made)
    aside = directory.with_name("aside")
    directory.rename(aside)
    directory.write_text("in the way")
    failed = ended(made, requested(made, kind="days"))
    assert failed["status"] == "failed" and "cannot be written" in failed["error"], failed
    directory.unlink()
    aside.rename(directory)
    assert ended(made, requested(made, kind="days"))["status"] == "done"


def test_two_databases_share_a_working_directory():
    """On Postgres, as a database that is a file has a directory beside it. Neither removes the other's files, and what lies
    where files were before is taken over by whose it is."""
    shared = tempfile.mkdtemp(prefix="reachline-")
    with reachline.installation("postgres", directory=shared) as one, reachline.installation("postgres", directory=shared) as other:
        files = []
        for side in (one, other):
            side.acme = side.customer("Acme")
            side.api = side.client(side.token(side.application(side.acme, "web")))
            id = requested(side, kind="days", format="csv")
            assert ended(side, id)["status"] == "done"
            files.append((side, id, side.api.get(f"/v1/export-jobs/{id}/file").body))
        for directory in [path for path in one.directory.glob("reachline-exports/*") if path.is_dir()]:
            for path in directory.iterdir():
                path.rename(directory.parent / path.name)
        stray = one.directory / "reachline-exports" / "01234567-89ab-7cde-8f01-23456789abcd.1.csv"
        stray.write_text("somebody else's")
        for side in (one, other, one, other):
            side.terminate()
            side.start()
            # It looks at its start.
            reachline.wait_for("the files", lambda: all(
                answer.status == 200 and answer.body == body for answer, body in (
                    (of.api.get(f"/v1/export-jobs/{id}/file"), body) for of, id, body in files if of is side)), 10)
        assert len(list(one.directory.glob("reachline-exports/*/*.1.csv"))) == 2
        assert stray.exists() and not list(one.directory.glob("reachline-exports/*.2.csv"))
    shutil.rmtree(shared, ignore_errors=True)

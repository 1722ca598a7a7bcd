"""Links with which somebody who has no account reads for a while: their command, and where their tokens never are."""

import re
import urllib.parse
import uuid

import pytest

import reachline

PAGE = {"Accept": "text/html"}
FORM = PAGE | {"Content-Type": "application/x-www-form-urlencoded"}
UNKNOWN = "01234567-89ab-7cde-8f01-23456789abcd"


@pytest.fixture(scope="module", params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param, env={"REACHLINE_LOG": "trace"}) as made:
        made.alpha = made.customer("Alpha", "Asia/Kathmandu")
        yield made


def create(installation, *arguments):
    return installation.command("access-link", "create", "--name", "Ada of Count & Sons", *arguments)


def listed(installation, *arguments):
    return {item["id"]: item for item in installation.command("access-link", "list", *arguments)["items"]}


def test_links_are_made_listed_and_revoked(installation):
    one = create(installation, "--customer", installation.alpha.id, "--days", "3")
    all_ = create(installation, "--all")
    for link, customer in ((one, installation.alpha.id), (all_, None)):
        assert str(uuid.UUID(link["id"])) == link["id"]
        assert link["customer_id"] == customer and link["status"] == "valid" and link["created_by"] == "command line"
        assert re.fullmatch(r"/access/rll_[\w-]{43}", link["url"]), link
    found = listed(installation)
    assert {one["id"], all_["id"]} <= set(found)
    assert one["id"] in listed(installation, "--customer", installation.alpha.id)
    assert all_["id"] not in listed(installation, "--customer", installation.alpha.id)
    assert "url" not in found[one["id"]] and found[one["id"]]["last_used_at"] is None
    assert installation.command("access-link", "revoke", one["id"])["status"] == "revoked"
    assert listed(installation)[one["id"]]["status"] == "revoked"
    again = installation.run("access-link", "revoke", one["id"])
    assert again.returncode == 1 and "no longer valid" in again.stderr, again
    text = installation.run("access-link", "list")
    assert text.returncode == 0 and "revoked" in text.stdout and "rll_" not in text.stdout, text


def test_the_whole_address_is_printed_where_it_is_known(installation):
    beside = installation.beside({"REACHLINE_PUBLIC_URL": "https://figures.example.org/"})
    assert create(beside, "--all")["url"].startswith("https://figures.example.org/access/rll_")


@pytest.mark.parametrize("arguments, names", [
    (("create", "--all", "--name", "", "--json"), ("name",)),
    (("create", "--all", "--name", "x" * 101), ("name", "100")),
    (("create", "--all", "--name", "Ada", "--days", "0"), ("days", "90")),
    (("create", "--all", "--name", "Ada", "--days", "91"), ("days", "90")),
    (("create", "--customer", UNKNOWN, "--name", "Ada"), (UNKNOWN,)),
    (("create", "--name", "Ada"), ("--customer",)),
    (("list", "--customer", UNKNOWN), (UNKNOWN,)),
    (("revoke", UNKNOWN), (UNKNOWN,)),
])
def test_what_is_wrong_is_said(installation, arguments, names):
    before = listed(installation)
    done = installation.run("access-link", *arguments)
    assert done.returncode in (1, 2) and not done.stdout.strip(), done
    for name in names:
        assert name in done.stderr, done.stderr
    assert listed(installation) == before


def test_a_token_is_neither_stored_nor_logged(installation):
    """However much is logged, and whatever is done with the link."""
    link = create(installation, "--customer", installation.alpha.id)
    client = installation.client()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.request(method, link["url"], headers=PAGE).status < 400
    opened = client.post(link["url"], b"", headers=FORM)
    assert opened.status == 303, opened
    cookie = opened.headers["set-cookie"].split(";")[0]
    assert client.get("/overview", headers=PAGE | {"Cookie": cookie}).status == 200
    installation.command("access-link", "revoke", link["id"])
    assert client.get("/overview", headers=PAGE | {"Cookie": cookie}).status in (302, 303)
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert client.request(method, link["url"], b"" if method == "POST" else None, headers=FORM).status in (404, 405)
    token = link["url"].removeprefix("/access/").encode()
    stored = installation.stored()
    assert b"Ada of Count & Sons" in stored
    assert token not in stored, "it is on the disk"
    assert token not in installation.log.read_bytes(), "it is in the log"
    assert b"/access/{token}" in installation.log.read_bytes(), "requests are logged, by their route"


def test_all_customers_are_a_choice(installation):
    """A form that names no customer opens nothing, of whoever sees all of them; of who belongs to one, that one's data."""
    password = "correct horse battery staple"
    client = installation.client()

    def sign_in(role, *arguments):
        email = f"{role}@example.org"
        installation.command("user", "create", "--email", email, "--role", role, "--password-stdin", *arguments, stdin=password)
        form = urllib.parse.urlencode({"email": email, "password": password}).encode()
        return client.post("/api/sign_in", form, headers=FORM).headers["set-cookie"].split(";")[0]

    def make(cookie, **choice):
        before = listed(installation)
        form = urllib.parse.urlencode(choice | {"form[name]": "Bo", "form[days]": "3"}).encode()
        answer = client.post("/api/make_access_link", form, headers=FORM | {"Accept": "application/json", "Cookie": cookie})
        made = [link["customer_id"] for id_, link in listed(installation).items() if id_ not in before]
        return answer.status, made

    operator, admin = sign_in("operator"), sign_in("customer_admin", "--customer", installation.alpha.id)
    for choice in ({}, {"customer": ""}):
        assert make(operator, **choice) == (422, [])
        assert make(admin, **choice) == (200, [installation.alpha.id])
    assert make(operator, customer="all") == (200, [None])
    assert make(admin, customer="all") == (404, [])
    for cookie in (operator, admin):
        assert make(cookie, customer=installation.alpha.id) == (200, [installation.alpha.id])
    # The page's own form says which it is.
    for query, value in (("", "all"), (f"?customer={installation.alpha.id}", installation.alpha.id)):
        page = client.get(f"/access-links{query}", headers=PAGE | {"Cookie": operator}).body.decode()
        [form] = re.findall(r'<form[^>]*action="/api/make_access_link".*?</form>', page, re.S)
        assert re.search(rf'name="customer"[^>]*value="{value}"', form), form


def test_opening_is_noted(installation):
    link = create(installation, "--customer", installation.alpha.id)
    client = installation.client()
    client.get(link["url"], headers=PAGE)
    assert listed(installation)[link["id"]]["last_used_at"] is None, "looking is not opening"
    client.post(link["url"], b"", headers=FORM)
    assert listed(installation)[link["id"]]["last_used_at"]


def test_what_is_done_through_a_link_is_by_its_name(installation):
    """An export is a way of reading: it can be asked for, and the audit log says by whom."""
    link = create(installation, "--customer", installation.alpha.id)
    client = installation.client()
    cookie = client.post(link["url"], b"", headers=FORM).headers["set-cookie"].split(";")[0]
    form = {"customer": installation.alpha.id, "form[kind]": "days", "form[format]": "csv", "form[from]": "2026-01-01",
            "form[last]": "2026-01-31", "form[tier]": "production"}
    asked = client.post("/api/request_export", urllib.parse.urlencode(form).encode(), headers=FORM | {"Cookie": cookie})
    assert asked.status in (302, 303) and "/exports/" in asked.headers["location"], asked
    export = re.search(r"/exports/([0-9a-f-]{36})", asked.headers["location"]).group(1)
    file = reachline.wait_for("the export", lambda: (got := client.get(
        f"/download/exports/{export}", headers={"Cookie": cookie})).status == 200 and got, 20)
    assert file.body.startswith(b"date"), file
    by = {(entry["action"], entry["actor"]) for entry in
          installation.command("audit-log", "--customer", installation.alpha.id)["items"]}
    me = f"link Ada of Count & Sons (…{link['id'][-8:]})"
    assert {("link_made", "command line"), ("link_used", me), ("export_requested", me), ("export_fetched", me)} <= by, by
    log = client.get("/audit-log", headers=PAGE | {"Cookie": cookie})
    assert log.status == 200 and me.replace("&", "&amp;").encode() in log.body, log

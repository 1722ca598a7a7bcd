"""Reports: what is printed is what the reference counts, and what is not printed does not follow from what is."""

import asyncio
import csv
import io
import urllib.parse

import pypdf
import pytest

import figures
import oracle
import reachline
from problems import check_problem

ZONE = "Pacific/Apia"
# Generated streams are around October and November 2026: a year earlier all of it is over.
DAYS = -365
K = 10
PASSWORD = "correct horse battery"
FORM = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
TABLES = {"helpline": "by_helpline", "country": "by_country", "contact_method": "by_method"}
FIGURES = ("gross_displays", "net_displays", "unique_displays", "reach", "notifications", "gross_clicks", "net_clicks",
           "attributed_clicks", "conversions", "converted_sessions")


class Reported:
    """A customer with a generated stream of 2025, and what the reference makes of it."""

    def __init__(self, made):
        self.made = made
        self.customer = figures.make_customer(made, "Reported", ZONE)
        events = oracle.generate(31, 700, DAYS)
        batches = figures.batches_of(self.customer, events, oracle.rng_of("reports"))
        asyncio.run(reachline.deliver(made.port, batches, lambda batch, answer, sent: None, 4))
        self.expected = oracle.reference.figures(events, oracle.config(ZONE))["tiers"]["production"]
        self.client = made.client(self.customer.applications["app-web"].token)

    def draft(self, template, period, *more):
        return self.made.command("report", "draft", "--customer", self.customer.id, "--template", template, "--period", period, *more)

    def approve(self, report):
        return self.made.command("report", "approve", report["id"], "--customer", self.customer.id)


@pytest.fixture(scope="module", params=reachline.KINDS)
def reported(request):
    with reachline.installation(request.param, env=reachline.ANY_TIME) as made:
        figures.import_reference_helplines(made)
        yield Reported(made)


def test_the_yearly_number_is_that_of_the_reference(reported, tmp_path):
    texts = []
    for key, text in (("detection_protocol", "We look, \"carefully\".\nAlways."), ("prohibition_protocol", "=It declines")):
        (tmp_path / key).write_text(text)
        texts += ["--text", f"{key}={tmp_path / key}"]
    report = reported.approve(reported.draft("california-sb-243", "2025", *texts))
    days = [row for day, row in reported.expected["by_day"].items() if day.startswith("2025-")]
    number = sum(row["notifications"] for row in days)
    assert 0 < number < sum(row["gross_displays"] for row in days)
    assert report["figures"] == {"notifications": number} and report["tables"] == []
    assert reported.client.get(f"/v1/reports/{report['id']}").json == report

    body = reported.client.get(f"/v1/reports/{report['id']}.csv").body.decode()
    [row] = csv.DictReader(io.StringIO(body, newline=""))
    assert row == {"period": "2025", "notifications": str(number), "detection_protocol": "We look, \"carefully\".\nAlways.",
                   "prohibition_protocol": "'=It declines"}
    out = tmp_path / "report.csv"
    reported.made.command("report", "export", report["id"], "--customer", reported.customer.id, "--out", out)
    assert out.read_bytes().decode() == body

    again = reported.made.run("report", "draft", "--customer", reported.customer.id, "--template", "california-sb-243", "--period", "2025")
    assert again.returncode == 1 and "reason" in again.stderr, again


def signed_in(client, email):
    form = urllib.parse.urlencode({"email": email, "password": PASSWORD}).encode()
    return {"Cookie": client.post("/api/sign_in", form, headers=FORM, token=None).headers["set-cookie"].split(";")[0]}


def given_away(report):
    """A report as files and public pages have it: they name nobody."""
    return {name: value for name, value in report.items() if name not in ("created_by", "approved_by")}


def cells_of(reported, table, figure):
    """Key -> the true count, of every row that there can be."""
    if table == "month":
        rows = reported.expected["by_day"].items()
        return {month: sum(row[figure] for day, row in rows if day.startswith(month)) for month in ("2025-10", "2025-11")}
    return {key: row[figure] for key, row in reported.expected[TABLES[table]].items() if figure in row}


def check_cell(printed, count, what):
    if isinstance(printed, int):
        assert printed == count and not 0 < printed < K, f"{what}: {printed}, {count}"
    else:
        assert printed in (f"<{K}", "withheld") and count > 0, f"{what}: {printed}, {count}"
        assert printed != f"<{K}" or count < K, f"{what}: {printed}, {count}"


def test_a_transparency_report_prints_the_truth_and_hides_what_is_small(reported):
    report = reported.approve(reported.draft("transparency", "2025-10/2025-11"))
    assert set(report["figures"]) == set(FIGURES) and report["rules"]["suppress_below"] == K
    assert [table["by"] for table in report["tables"]] == ["month", "country", "helpline", "contact_method"]
    hidden = 0
    for figure in FIGURES:
        months = cells_of(reported, "month", figure)
        check_cell(report["figures"][figure], sum(months.values()), figure)
        for table in report["tables"]:
            true = cells_of(reported, table["by"], figure)
            for row in table["rows"]:
                printed = row["figures"][figure]
                if row["key"] not in true:
                    assert printed is None, f"{figure} of {row}"
                    continue
                check_cell(printed, true[row["key"]], f"{figure} of {row['key']}")
                hidden += not isinstance(printed, int)
    assert hidden

    # What is missing in a sum is never one cell alone.
    countries = {row["key"]: row for table in report["tables"] if table["by"] == "country" for row in table["rows"]}
    for table in report["tables"]:
        for figure in ("gross_displays", "unique_displays", "gross_clicks"):
            groups = [(table["rows"], report["figures"][figure])]
            if table["by"] == "helpline":
                of = oracle.CONFIG["helplines"]
                groups = [([row for row in table["rows"] if of[row["key"]] == code], country["figures"][figure])
                          for code, country in countries.items()]
            for rows, whole in groups:
                open_ = [row for row in rows if isinstance(row["figures"][figure], str)]
                assert len(open_) != 1 or isinstance(whole, str), f"{figure}: {open_}"


def printed_in(report):
    """Every number that a report prints, as people read it."""
    cells = [*report["figures"].values(), *(cell for table in report["tables"] for row in table["rows"] for cell in row["figures"].values())]
    return {f"{cell:,}" if isinstance(cell, int) else cell for cell in cells if cell is not None}


def pdf_of(reported, report, tmp_path):
    """The text of a report's PDF, by page, which is the same however it is asked for."""
    answer = reported.client.get(f"/v1/reports/{report['id']}.pdf")
    assert answer.status == 200 and answer.content_type == "application/pdf", answer
    assert answer.headers["content-disposition"].endswith('.pdf"') and answer.body.startswith(b"%PDF-1.7")
    assert reported.client.get(f"/v1/reports/{report['id']}.pdf").body == answer.body
    out = tmp_path / f"{report['id']}.pdf"
    written = reported.made.command("report", "export", report["id"], "--customer", reported.customer.id, "--out", out)
    assert out.read_bytes() == answer.body and written["bytes"] == len(answer.body)
    document = pypdf.PdfReader(io.BytesIO(answer.body))
    assert report["customer"] in document.metadata.title and document.root_object["/MarkInfo"]["/Marked"]
    return [" ".join(page.extract_text().replace("\xa0", " ").split()) for page in document.pages]


def check_pdf(reported, report, tmp_path):
    pages = pdf_of(reported, report, tmp_path)
    text = " ".join(pages)
    for expected in (*printed_in(report), *(it["definition"] for it in report["definitions"]), *report["notes"],
                     report["template"]["title"], report["template"]["law"], report["time_zone"], report["id"],
                     f"({report['template']['key']}), version {report['template']['version']}"):
        assert expected in text, f"{expected} in {text}"
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert ("DRAFT" in page) == (report["status"] == "draft"), page
    assert "command line" not in text, "files name nobody"
    return text


def as_read(cell):
    return f"{cell:,}" if isinstance(cell, int) else cell


def rows_of(report):
    """Of every row of every table: the table, the name, and what is printed, as people read it."""
    figures_ = [it["name"] for it in report["definitions"]]
    for table in report["tables"]:
        for row in table["rows"]:
            yield table["by"], row["name"], {figure: as_read(row["figures"][figure]) for figure in figures_ if row["figures"][figure] is not None}


def alternatives(node):
    """The texts that stand for what cannot be read aloud."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [text for child in node for text in alternatives(child)]
    if not isinstance(node, dict):
        return []
    return ([str(node["/Alt"])] if "/Alt" in node else []) + alternatives(node.get("/K"))


def test_an_impact_report_is_drawn_from_what_is_printed(reported, tmp_path):
    (tmp_path / "introduction").write_text("Why we do this.\n\nAnd for whom.")
    form = ("impact-report", "2025-10/2025-11", "--text", f"impact_introduction={tmp_path / 'introduction'}")
    draft = reported.draft(*form)
    assert "Why we do this. And for whom." in check_pdf(reported, draft, tmp_path)
    report = reported.approve(draft)
    assert [it["key"] for it in report["texts"]] == ["impact_introduction"] and report["rules"]["suppress_below"] == K
    text = check_pdf(reported, report, tmp_path)
    assert "Reach by month" in text and "Click-through rate" in text and "Hatched: not printed." in text
    # Each row as it is printed: what is hidden stands in its place as hidden.
    for _, name, cells in rows_of(report):
        assert " ".join((name, *cells.values())) in text, f"{name} {cells} in {text}"
    body = reported.client.get(f"/v1/reports/{report['id']}.pdf").body
    charts = {alt.split(".")[0]: alt for alt in alternatives(pypdf.PdfReader(io.BytesIO(body)).root_object["/StructTreeRoot"])}
    assert list(charts) == [f"Bar chart of {what}" for what in ("reach by month", "reach by country", "net clicks by contact method",
                                                                "unique displays by helpline")]
    hatched = 0
    for by, figure, chart in (("month", "reach", "reach by month"), ("country", "reach", "reach by country"),
                              ("contact_method", "net_clicks", "net clicks by contact method"),
                              ("helpline", "unique_displays", "unique displays by helpline")):
        told = charts[f"Bar chart of {chart}"].split(". ", 1)[1].rstrip(".").split(", ")
        rows = [f"{name} {cells[figure]}" for of, name, cells in rows_of(report) if of == by]
        assert set(told) <= set(rows) and len(told) == len([row for row in rows if by == "month" or not row.endswith(" 0")]), (told, rows)
        hatched += len([row for row in told if row.endswith((f"<{K}", "withheld"))])
    assert hatched
    with_nothing = reported.made.run("report", "export", report["id"], "--customer", reported.customer.id, "--out", tmp_path / "x.doc")
    assert with_nothing.returncode == 2 and ".pdf" in with_nothing.stderr, with_nothing


def test_pdfs_of_all_other_kinds(reported, tmp_path):
    kinds = {}
    for report in reported.client.get("/v1/reports").json["reports"]:
        kinds[report["template"]["key"]] = report
    assert {"california-sb-243", "transparency"} <= set(kinds)
    for report in kinds.values():
        check_pdf(reported, report, tmp_path)
    text = check_pdf(reported, kinds["california-sb-243"], tmp_path)
    assert "We look, \"carefully\". Always." in text and "California Business and Professions Code § 22603" in text


def test_what_overlaps_is_refused_and_says_why(reported):
    answer = reported.made.run("report", "draft", "--customer", reported.customer.id, "--template", "transparency", "--period", "2025-11")
    assert answer.returncode == 1 and "overlap" in answer.stderr, answer
    for period in ("2999", "2025-11/2025-10", "twenty", "2020-01/2025-12"):
        answer = reported.made.run("report", "draft", "--customer", reported.customer.id, "--template", "transparency", "--period", period)
        assert answer.returncode == 1 and answer.stderr.startswith("error: period:"), answer


def test_a_public_page_shows_what_is_approved(reported):
    page = reported.made.command("report", "disclose", "--customer", reported.customer.id)
    path = f"/disclosures/{page['id']}"
    assert reported.client.get(f"{path}/report.json", token=None).json == {"reports": []}
    report = reported.approve(reported.draft("washington-disclosure", "2025"))
    shown = reported.client.get(f"{path}/report.json", token=None)
    assert shown.json == {"reports": [given_away(report)]} and shown.headers["access-control-allow-origin"] == "*"
    for of in (path, f"{path}/widget"):
        answer = reported.client.get(of, token=None)
        assert answer.status == 200 and f"<strong>{report['figures']['notifications']:,}</strong>" in answer.body.decode(), answer
        assert "set-cookie" not in answer.headers
    widget = reported.client.get(f"{path}/widget", token=None).body.decode()
    assert f"Days in {ZONE}. Version 1. <a href=\"{path}\" target=\"_blank\" rel=\"noopener\">" in widget, widget
    reported.made.command("report", "disclose", "--customer", reported.customer.id, "--off")
    for of in (path, f"{path}/widget", f"{path}/report.json", "/disclosures/x", "/disclosures/01a2e5b8-7200-78ee-ae6c-d418921477fc"):
        assert reported.client.get(of, token=None).status == 404


def test_files_and_public_pages_name_nobody(reported, tmp_path):
    made, customer, email = reported.made, reported.made.customer("Unnamed"), "approver@example.org"
    client = made.client(made.token(made.application(customer, "web")))
    made.command("user", "create", "--email", email, "--role", "customer_admin", "--customer", customer.id, "--password-stdin",
                 stdin=PASSWORD)
    cookie = signed_in(client, email)

    def submit(call, **form):
        body = urllib.parse.urlencode(form | {"customer": customer.id}).encode()
        answer = client.post(f"/api/{call}", body, headers=FORM | cookie, token=None)
        assert answer.status in (302, 303), answer

    def check(body, what):
        assert email.encode() not in body, what
        if body.startswith(b"%PDF"):
            document = pypdf.PdfReader(io.BytesIO(body))
            assert email not in "".join(page.extract_text() for page in document.pages) + str(document.metadata), what

    for template, period in (("washington-disclosure", "2025"), ("transparency", "2025-10/2025-11")):
        submit("draft_report", template=template, **{"form[period]": period})
        id = client.get("/v1/reports").json["reports"][0]["id"]
        submit("approve_report", report=id)
        report = client.get(f"/v1/reports/{id}").json
        assert report["created_by"] == report["approved_by"] == email, report
        for kind in ("pdf", "csv", "json"):
            answer = client.get(f"/download/report.{kind}", {"report": id}, headers=cookie, token=None)
            assert answer.status == 200, answer
            check(answer.body, f"{kind} of {template}")
            out = tmp_path / f"report.{kind}"
            made.command("report", "export", id, "--customer", customer.id, "--out", out)
            check(out.read_bytes(), f"{kind} of {template}, by command")
        assert client.get("/download/report.json", {"report": id}, headers=cookie, token=None).json == given_away(report)
        for kind in ("pdf", "csv"):
            check(client.get(f"/v1/reports/{id}.{kind}").body, f"{kind} of {template}, over the API")
    page = f"/disclosures/{made.command('report', 'disclose', '--customer', customer.id)['id']}"
    for of in (page, f"{page}/widget", f"{page}/report.json"):
        answer = client.get(of, token=None)
        assert answer.status == 200 and b"Unnamed" in answer.body, answer
        check(answer.body, of)


def test_a_table_says_what_it_is(reported, tmp_path):
    """At the end of the file; the files that laws ask for have nothing but what they ask for."""
    month = ("transparency", "2025-09")
    report = reported.approve(reported.draft(*month))
    again = reported.draft(*month, "--reason", "Again.")
    assert again["predecessor"] == 1
    for of, version, status in ((report, "Version 1 of the report", "Approved"),
                                (again, "Version 2 of the report, which corrects version 1", "Draft, not approved")):
        body = reported.client.get(f"/v1/reports/{of['id']}.csv").body.decode()
        header, *rows = csv.reader(io.StringIO(body, newline=""))
        assert {len(row) for row in rows} == {len(header)}
        first = next(n for n, row in enumerate(rows) if row[0] == "note")
        assert all(row[0] == "note" and not any(row[3:]) for row in rows[first:]), rows
        notes = [(row[1], row[2]) for row in rows[first:]]
        assert notes == [
            ("report", f"{of['template']['title']} (transparency), version {of['template']['version']} of the template. {version}. {status}."),
            *((it["name"], f"{it['label']}: {it['definition']}") for it in of["definitions"]),
            *(("rules", sentence) for sentence in of["notes"]),
        ]


def test_a_draft_warns_whoever_approves_it(reported):
    """Eleven months of a year are printed, and then the year's number: the twelfth month follows."""
    made, customer = reported.made, reported.made.customer("Warned")
    client = made.client(made.token(made.application(customer, "web")))
    days = ["2025-06-01"] * 20 + ["2025-12-01"] * 3
    events = [{"type": "helpline_display", "helpline_id": next(iter(oracle.CONFIG["helplines"])), "session_id": f"s{n}", "timestamp": f"{day}T12:00:00Z"}
              for n, day in enumerate(days)]
    assert client.post("/v1/events/batch", events).json["accepted"] == len(events)

    def draft(template, period):
        made.command("report", "draft", "--customer", customer.id, "--template", template, "--period", period)
        return client.get("/v1/reports").json["reports"][0]

    def approve(report):
        return made.command("report", "approve", report["id"], "--customer", customer.id)

    eleven = draft("transparency", "2025-01/2025-11")
    assert eleven["warning"] is None and approve(eleven)["figures"]["notifications"] == 20
    year = draft("washington-disclosure", "2025")
    assert f"a count below {K}" in year["warning"], year
    assert approve(year)["warning"] is None


def test_reports_are_listed_in_pages(reported):
    first = reported.client.get("/v1/reports", {"limit": 1}).json
    rest = reported.client.get("/v1/reports", {"cursor": first["next_cursor"]}).json
    whole = reported.client.get("/v1/reports").json
    assert first["reports"] + rest["reports"] == whole["reports"] and whole["next_cursor"] is None
    listed = reported.made.command("report", "list", "--customer", reported.customer.id)["items"]
    assert [item["id"] for item in listed] == [report["id"] for report in whole["reports"]]
    assert {item["rules_version"] for item in listed} == {1}
    for query in ({"limit": 0}, {"limit": 101}, {"cursor": ""}):
        check_problem(reported.client.get("/v1/reports", query))
    assert reported.client.get("/v1/reports/x").status == 404


def test_the_reports_of_all_customers_are_one_table(reported, tmp_path):
    made, kind = reported.made, "washington-disclosure"
    other = figures.make_customer(made, "=Other, Ltd", "UTC")

    def filed(customer, *more):
        draft = made.command("report", "draft", "--customer", customer.id, "--template", kind, "--period", "2024", *more)
        return made.command("report", "approve", draft["id"], "--customer", customer.id)

    first, second = filed(reported.customer), filed(other)
    corrected = filed(reported.customer, "--reason", "Looked at again.")
    words = tmp_path / "words.txt"
    words.write_text("We look.")
    draft = made.command("report", "draft", "--customer", other.id, "--template", "california-sb-243", "--period", "2024",
                         "--text", f"detection_protocol={words}", "--text", f"prohibition_protocol={words}")

    listed = made.command("report", "list")["items"]
    assert [item["id"] for item in listed[:4]] == [draft["id"], corrected["id"], second["id"], first["id"]]
    assert [item["customer"] for item in listed[:2]] == ["=Other, Ltd", "Reported"]
    own = made.command("report", "list", "--customer", other.id, "--template", kind)["items"]
    assert [item["id"] for item in own] == [second["id"]]
    for of in ((), ("--customer", other.id)):
        assert made.run("report", "list", "--template", "horoscope", *of).returncode == 1

    assert [item["in_force"] for item in listed[:4]] == [False, True, True, False]

    def table(*arguments):
        made.command("report", "table", *arguments, "--out", out)
        return {row["report_id"]: row for row in csv.DictReader(io.StringIO(out.read_bytes().decode(), newline=""))}

    # All of them, the suppressed numbers as they are printed; drafts have none.
    out = tmp_path / "reports.csv"
    reports = {item["id"]: made.command("report", "show", item["id"], "--customer", item["customer_id"]) for item in listed}
    rows = table()
    assert list(rows) == list(reports)
    for id_, report in reports.items():
        row, approved = rows[id_], report["status"] == "approved"
        shown = {figure: "" if value is None or not approved else str(value) for figure, value in report["figures"].items()}
        assert {figure: row[figure] for figure in shown} == shown and row["status"] == report["status"], row
    assert rows[draft["id"]]["in_force"] == "false"

    rows = table("--template", kind)
    assert {row["template"] for row in rows.values()} == {kind}
    told = [(rows[it["id"]]["version"], rows[it["id"]]["corrects"], rows[it["id"]]["in_force"]) for it in (first, corrected, second)]
    assert told == [("1", "", "false"), ("2", "1", "true"), ("1", "", "true")]
    row = rows[second["id"]]
    assert (row["customer_id"], row["customer"], row["period"]) == (other.id, "'=Other, Ltd", "2024")
    assert (row["status"], row["notifications"], row["reach"], row["approved_at"]) == ("approved", "0", "", second["approved_at"])

    # On the dashboard: for those who see all, and noted.
    page = f"/download/reports.csv?template={kind}"
    made.command("user", "create", "--email", "auditor@reports.example", "--role", "auditor", "--password-stdin", stdin=PASSWORD)
    made.command("user", "create", "--email", "admin@reports.example", "--role", "customer_admin", "--customer", other.id,
                 "--password-stdin", stdin=PASSWORD)
    client = reported.client
    auditor, admin = (signed_in(client, f"{who}@reports.example") for who in ("auditor", "admin"))
    answer = client.get(page, token=None, headers=auditor)
    assert (answer.status, answer.body) == (200, out.read_bytes())
    assert client.get(page, token=None, headers=admin).status == 403
    for wrong in (f"{page}&customer={other.id}", "/download/reports.csv?template=horoscope"):
        assert client.get(wrong, token=None, headers=auditor).status == 422
    entries = made.command("audit-log")["items"]
    told = [(entry["actor"], entry["details"]) for entry in entries if entry["subject"] == "Reports of all customers, CSV"]
    assert told == [("auditor@reports.example", {"template": kind}), ("command line", {"template": kind}),
                    ("command line", {"template": None})]

"""A schema-driven fuzzer finds no answer that `/openapi.json` does not describe."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

import billing
import figures
import reachline

EXAMPLES = 60
SECONDS_MAX = 110
# One worker: Python 3.11 cannot parse source in two threads at once, which the fuzzer does.
# A token that lacks nothing is sent with every call; that calls without one are refused is tested elsewhere and here.
CHECKS = ",".join(("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
                   "response_schema_conformance", "negative_data_rejection", "missing_required_header",
                   "unsupported_method", "allow_header_conformance", "ignored_auth"))


@pytest.fixture(scope="module")
def installation():
    with reachline.installation("sqlite") as made:
        figures.import_reference_helplines(made)
        yield made


def program():
    beside = pathlib.Path(sys.executable).with_name("schemathesis")
    return str(beside) if beside.exists() else shutil.which("schemathesis")


def test_the_description_is_openapi_3_1(installation):
    client = installation.client()
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1"), document["openapi"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("operationId") and operation.get("summary") and operation["responses"], f"{method} {path}"
    routes = {"/oauth/token", "/v1/events/helpline-display", "/v1/events/helpline-click", "/v1/events/batch", "/v1/helplines", "/v1/helplines/{id}",
              "/v1/countries", "/v1/topics", "/v1/analytics/summary", "/v1/analytics/timeseries", "/v1/analytics/breakdown",
              "/v1/usage/{month}", "/v1/usage/{month}/events", "/v1/usage/{month}/steps/{step}", "/v1/statements",
              "/v1/statements/{month}"}
    assert routes <= set(document["paths"])
    assert client.get("/docs").content_type == "text/html"


def test_no_answer_is_undescribed(installation, tmp_path):
    customer = installation.customer()
    token = installation.token(installation.application(customer, "fuzzer"))
    # So that there is a statement of whatever month is asked for, and its like of the month that is the example.
    card = billing.card("reach", "EUR", 1, (("10", "0.05"), (None, "0.01"))) | {"name": "Fuzzed", "effective_from": "0001-01"}
    installation.command("rate-card", "create", "--file", "-", "--customer", customer.id, stdin=json.dumps(card))
    statement = installation.client(token).get("/v1/statements/2000-01")
    assert statement.status == 200, statement
    command = [program(), "run", f"http://127.0.0.1:{installation.port}/openapi.json", "--header", f"Authorization: Bearer {token}",
               "--checks", CHECKS, "--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--seed", "1",
               "--workers", "1", "--request-timeout", "10", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert installation.client().get("/readyz").status == 200

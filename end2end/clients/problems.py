"""What every refusal must look like, and what no answer may hold."""

import re

STATUS_OF = {
    "malformed_json": 400, "token_missing": 401, "token_invalid": 401, "token_expired": 401,
    "application_suspended": 403, "scope_missing": 403, "forbidden": 403, "not_found": 404, "method_not_allowed": 405,
    "body_too_large": 413, "too_many_events": 413, "media_type_unsupported": 415, "validation_failed": 422, "rate_limited": 429,
    "quota_exceeded": 429, "unavailable": 503,
}
FIELD_CODES = {
    "helpline_unknown", "session_id_missing", "session_id_too_long", "session_id_personal", "timestamp_invalid",
    "timestamp_in_future", "timestamp_too_old", "contact_method_invalid", "type_invalid", "field_missing", "field_invalid",
    "field_too_long", "field_taken", "period_invalid", "time_zone_unknown", "country_unknown", "currency_unknown",
    "month_issued",
}
OAUTH_STATUS_OF = {
    "invalid_request": 400, "invalid_client": 401, "invalid_grant": 400, "unauthorized_client": 400,
    "unsupported_grant_type": 400, "invalid_scope": 400,
}
# No answer tells how the server is made.
INTERNALS = re.compile(rb"sqlx|SQLSTATE|sqlite_|SELECT .+ FROM|INSERT INTO|panicked|RUST_BACKTRACE|\.rs:\d|serde|"
                       rb"at line \d+ column|postgres(ql)?://|tokio")
# RFC 6749 section 5.2: error_description is printable ASCII without the quote and the backslash.
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")


def check_answer(answer):
    """What holds for any answer at all."""
    assert answer.status < 500, answer
    assert answer.headers.get("x-request-id"), answer
    assert not INTERNALS.search(answer.body), answer


def check_problem(answer, status=None, code=None, fields=None):
    """A documented problem: with this status and code, and of a validation these `{field: code}`, if they are given."""
    check_answer(answer)
    assert answer.content_type == "application/problem+json", answer
    problem = answer.json
    assert {"type", "title", "status", "detail", "code"} <= set(problem), answer
    assert STATUS_OF.get(problem["code"]) == answer.status == problem["status"], answer
    assert code is None or problem["code"] == code, answer
    assert status is None or answer.status == status, answer
    if answer.status == 401:
        assert answer.headers.get("www-authenticate", "").startswith("Bearer"), answer
    if answer.status == 405:
        assert answer.headers.get("allow"), answer
    if answer.status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1, answer
    if answer.status == 422:
        faults = problem["errors"]
        assert faults and all(set(fault) == {"field", "code", "detail"} for fault in faults), answer
        assert {fault["code"] for fault in faults} <= FIELD_CODES, answer
        if fields is not None:
            assert {fault["field"]: fault["code"] for fault in faults} == fields, answer
    else:
        assert "errors" not in problem, answer
    return problem


def check_oauth_error(answer, error=None):
    """An error of the token endpoint in the form of RFC 6749 section 5.2."""
    check_answer(answer)
    assert answer.content_type == "application/json", answer
    body = answer.json
    assert OAUTH_STATUS_OF.get(body["error"]) == answer.status, answer
    assert error is None or body["error"] == error, answer
    assert set(body) <= {"error", "error_description", "error_uri"}, answer
    assert DESCRIPTION.fullmatch(body.get("error_description", "")), answer
    assert "no-store" in answer.headers.get("cache-control", ""), answer
    assert answer.status != 401 or answer.headers.get("www-authenticate"), answer

"""Programs that partners have: OAuth and HTTP clients from PyPI, used as their manuals say, with nothing of ours between."""

import time
import uuid
from datetime import UTC, datetime

import authlib.integrations.httpx_client
import authlib.integrations.requests_client
import httpx
import oauthlib.oauth2
import pytest
import requests
import requests.auth
import requests_oauthlib

import reachline


@pytest.fixture(scope="module", params=reachline.KINDS)
def installation(request):
    with reachline.installation(request.param) as made:
        made.import_helplines([reachline.plain_helpline("line-off-the-shelf", "NP")])
        yield made


@pytest.fixture(scope="module")
def application(installation):
    made = installation.application(installation.customer(), "web")
    installation.token(made)  # The server knows it from here on.
    return made


@pytest.fixture(scope="module")
def base(installation):
    return f"http://127.0.0.1:{installation.port}"


@pytest.fixture(autouse=True)
def plain_http_is_fine(monkeypatch):
    """Both OAuth libraries refuse plain HTTP unless told so; in production a proxy terminates TLS."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def events():
    """A display and the click that follows it, of a session of their own."""
    common = {"helpline_id": "line-off-the-shelf", "session_id": f"session-{uuid.uuid4()}"}
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    display = common | {"timestamp": stamp}
    return display, common | {"timestamp": stamp, "contact_method": "phone"}


def post_both(session, base, **arguments):
    """Posts a display and a click with a session of either library, then both again: the second time is a retry."""
    display, click = events()
    seen = {}
    for expected in ("accepted", "duplicate"):
        for kind, event in (("display", display), ("click", click)):
            answer = session.post(f"{base}/v1/events/helpline-{kind}", json=event, **arguments)
            assert answer.status_code == 202, answer.text
            body = answer.json()
            assert body["status"] == expected
            assert seen.setdefault(kind, body["event_id"]) == body["event_id"]
    assert seen["display"] != seen["click"]


def is_token(answer):
    assert answer["token_type"].lower() == "bearer"
    assert answer["expires_in"] == 3600
    # A text as the server sends it; newer versions of oauthlib hand it on as a list.
    assert answer["access_token"] and answer["scope"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib(base, application, method):
    session = authlib.integrations.requests_client.OAuth2Session(
        application.client_id, application.client_secret, token_endpoint_auth_method=method)
    is_token(session.fetch_token(f"{base}/oauth/token", grant_type="client_credentials"))
    post_both(session, base)


def test_authlib_over_httpx_renews_its_token_itself(base, application):
    with authlib.integrations.httpx_client.OAuth2Client(
            application.client_id, application.client_secret, token_endpoint=f"{base}/oauth/token",
            grant_type="client_credentials") as client:
        first = client.fetch_token()
        is_token(first)
        post_both(client, base)
        client.token = dict(first, expires_at=int(time.time()) - 10)
        post_both(client, base)
        assert client.token["access_token"] != first["access_token"]


@pytest.mark.parametrize("form", ["basic", "body"])
def test_requests_oauthlib(base, application, form):
    client = oauthlib.oauth2.BackendApplicationClient(client_id=application.client_id)
    session = requests_oauthlib.OAuth2Session(client=client)
    if form == "basic":
        pair = requests.auth.HTTPBasicAuth(application.client_id, application.client_secret)
        token = session.fetch_token(f"{base}/oauth/token", auth=pair)
    else:
        token = session.fetch_token(f"{base}/oauth/token", client_id=application.client_id,
                                    client_secret=application.client_secret, include_client_id=True)
    is_token(token)
    post_both(session, base)


@pytest.mark.parametrize("library", [requests, httpx])
@pytest.mark.parametrize("form", ["data", "json"])
def test_without_an_oauth_library(base, application, library, form):
    credentials = {"grant_type": "client_credentials", "client_id": application.client_id,
                   "client_secret": application.client_secret}
    answer = library.post(f"{base}/oauth/token", **{form: credentials})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    is_token(answer.json())
    assert isinstance(answer.json()["scope"], str)
    post_both(library, base, headers={"Authorization": f"Bearer {answer.json()['access_token']}"})


def test_one_token_serves_many_calls_and_the_catalogue(base, application):
    token = requests.post(f"{base}/oauth/token", auth=(application.client_id, application.client_secret),
                          data={"grant_type": "client_credentials"}).json()["access_token"]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for _ in range(20):
            post_both(session, base)
        answer = session.get(f"{base}/v1/helplines", params={"country_code": "np"})
        assert [line["id"] for line in answer.json()["helplines"]] == ["line-off-the-shelf"]


def test_a_library_understands_the_refusal_of_a_wrong_secret(base, application):
    client = oauthlib.oauth2.BackendApplicationClient(client_id=application.client_id)
    session = requests_oauthlib.OAuth2Session(client=client)
    with pytest.raises(oauthlib.oauth2.InvalidClientError):
        session.fetch_token(f"{base}/oauth/token", auth=requests.auth.HTTPBasicAuth(application.client_id, "wrong"))

"""Drives the real `reachline` binary from outside: an installation on a database of its own, its commands, its API.

Nothing here knows the rules of metering; those are in `oracle.py`.
"""

import asyncio
import atexit
import base64
import contextlib
import glob
import http.client
import json
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("sqlite", "postgres")
START_SECONDS = 20
STOP_SECONDS = 10

# The worked stream and the generated ones have fixed dates: let events of a hundred years around now pass.
ANY_TIME = {"REACHLINE_EVENT_AGE_MAX_DAYS": "36500", "REACHLINE_EVENT_AHEAD_MAX_SECONDS": "3153600000"}
# Nothing of what the tests do on purpose shall meet a limit on the number of calls.
NO_LIMITS = {
    "REACHLINE_CATALOGUE_QUOTA_PER_DAY": "1000000",
    "REACHLINE_CATALOGUE_RATE_PER_IP": "1000000",
    "REACHLINE_EVENT_BURST_PER_SECOND": "1000000",
}

HELPLINE_COUNTRIES = {
    "US": ("United States", "911"),
    "NZ": ("New Zealand", "111"),
    "NP": ("Nepal", "100"),
    "FR": ("France", "112"),
    "GB": ("United Kingdom", "999"),
}


def binary():
    """The path of the release binary, or of the debug one where that is newer or alone."""
    if named := os.environ.get("REACHLINE_BINARY"):
        return named
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    built = [path for kind in ("release", "debug") if (path := target / kind / "reachline").is_file()]
    if not built:
        raise RuntimeError(f"there is no reachline binary in {target}; build it, or set REACHLINE_BINARY")
    return str(built[0])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds, step=0.02):
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(step)


def children(pid):
    """The processes that a process has started."""
    of = lambda stat: int(stat.rpartition(")")[2].split()[1])
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may have ended
            if of(stat.read_text()) == pid:
                found.append(int(stat.parent.name))
    return found


# ------------------------------------------------------------------------------------------------ databases


class Postgres:
    """A throw-away cluster, or the one that `REACHLINE_TEST_POSTGRES_URL` names; a database of its own per installation."""

    _shared = None

    @classmethod
    def shared(cls):
        if cls._shared is None:
            cls._shared = cls()
            atexit.register(cls._shared.stop)
        return cls._shared

    def __init__(self, own=False):
        """`own` is for tests that do to the cluster what others must not see."""
        self.directory = None
        self.base = None if own else os.environ.get("REACHLINE_TEST_POSTGRES_URL")
        if not self.base:
            self._make()

    def _program(self, name):
        if self._bin is None:
            found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
            on_path = shutil.which("initdb")
            if not found and not on_path:
                raise RuntimeError("Postgres is not installed: its server programs are needed (Debian: postgresql)")
            self._bin = pathlib.Path(found[-1] if found else on_path).parent
        return str(self._bin / name)

    _bin = None

    def _run(self, *command):
        """Runs a program of Postgres; it refuses root, so as the user postgres where we are root."""
        as_user = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [user.pw_gid]}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **as_user)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def _make(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reachline-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        self.port = free_port()
        data = str(self.directory / "data")
        self._run(self._program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        self.base = f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self):
        # Processes are killed here, never the machine: nothing needs to reach the disk.
        options = (f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1 -c max_connections=200 "
                   "-c fsync=off -c full_page_writes=off")
        self._control("-l", str(self.directory / "log"), "-w", "-o", options, "start")

    def crash(self):
        """Ends it without a clean shutdown."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments):
        self._run(self._program("pg_ctl"), "-D", str(self.directory / "data"), *arguments)

    @contextlib.contextmanager
    def paused(self):
        """None of its processes runs, though the system still takes connections for it."""
        main = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        stopped = [main]
        os.kill(main, signal.SIGSTOP)  # first, so that it starts no more of them
        try:
            for pid in children(main):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def sql(self, statement):
        program = shutil.which("psql") or self._program("psql")
        done = subprocess.run([program, "-XAtq", self.base, "-c", statement], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def create(self):
        """A new database; answers its URL."""
        name = f"reachline_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name}")
        parts = urllib.parse.urlsplit(self.base)
        return urllib.parse.urlunsplit(parts._replace(path=f"/{name}"))

    def dump(self, url):
        """Everything that is stored, as text."""
        program = shutil.which("pg_dump") or self._program("pg_dump")
        return subprocess.run([program, "--data-only", url], capture_output=True, check=True).stdout

    def stop(self):
        if self.directory:
            with contextlib.suppress(RuntimeError):
                self.crash()
            shutil.rmtree(self.directory, ignore_errors=True)


# ------------------------------------------------------------------------------------------------ answers


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def content_type(self):
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def code(self):
        """The code of the first fault of a problem, else that of the problem."""
        return first_code(self.json)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:2000]!r}"


def first_code(problem):
    """The first field code of an error object, else its own code."""
    if isinstance(problem, str):
        return problem
    faults = problem.get("errors") or []
    return faults[0]["code"] if faults else problem["code"]


class Client:
    """One keep-alive connection, for one thread."""

    def __init__(self, port, token=None):
        self.port, self.token, self.connection = port, token, None

    def request(self, method, target, body=None, headers=None, token=...):
        headers = {name: value for name, value in (headers or {}).items() if value is not None}
        token = self.token if token is ... else token
        if token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
            try:
                self.connection.request(method, target, body=body, headers=headers)
                answer = self.connection.getresponse()
                content = answer.read()
                break
            except (ConnectionError, http.client.HTTPException):
                self.close()
                if fresh or attempt == 2:
                    raise
        if answer.will_close:
            self.close()
        # Fields that come more than once are joined, as HTTP allows.
        names = {name.lower() for name, _ in answer.getheaders()}
        return Answer(answer.status, {name: answer.headers.get_all(name) and ", ".join(answer.headers.get_all(name))
                                      for name in names}, content)

    def get(self, path, query=None, **kwargs):
        return self.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


@dataclass
class Application:
    id: str
    client_id: str
    client_secret: str
    tier: str
    name: str
    token: str = None


@dataclass
class Customer:
    id: str
    name: str
    time_zone: str
    applications: dict = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------ installation


class CommandFailed(Exception):
    def __init__(self, command, done):
        self.command, self.status, self.stdout, self.stderr = command, done.returncode, done.stdout, done.stderr
        super().__init__(f"{' '.join(command)}: status {done.returncode}: {done.stdout} {done.stderr}")


class Installation:
    """A server process on a database of its own."""

    def __init__(self, kind, env=None, directory=None, postgres=None, url=None):
        self.kind = kind
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="reachline-"))
        self.postgres = (postgres or Postgres.shared()) if kind == "postgres" else None
        self.url = url or (self.postgres.create() if kind == "postgres" else f"sqlite://{self.directory}/reachline.db")
        self.port = free_port()
        self.env = NO_LIMITS | (env or {})
        self.process = None
        self.log = self.directory / "log"

    def beside(self, env=None):
        """One more server on the same database."""
        return Installation(self.kind, self.env | (env or {}), postgres=self.postgres, url=self.url)

    def environment(self, port=None):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REACHLINE_")}
        own = {"REACHLINE_DATABASE_URL": self.url, "REACHLINE_ADDR": f"127.0.0.1:{port or self.port}"}
        return inherited | own | self.env

    # -- the server

    def start(self, wait=True):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([binary(), "serve"], env=self.environment(), cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait()
        return self

    def wait(self):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}:\n{self.tail()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                return Client(self.port).get("/readyz").status == 200
        wait_for("the server to be ready", ready, START_SECONDS)

    def kill(self):
        """Ends the server as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        """Asks the server to end and answers how long that took, in seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_SECONDS + 5)
        return time.monotonic() - began

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def stored(self):
        """Every byte the installation has written: its database and its log."""
        files = b"".join(path.read_bytes() for path in self.directory.rglob("*") if path.is_file())
        return files + (self.postgres.dump(self.url) if self.kind == "postgres" else b"")

    # -- its commands

    def run(self, *arguments, stdin=None):
        """Runs a command and answers the finished process, whatever its status."""
        return subprocess.run([binary(), *arguments], env=self.environment(), cwd=self.directory, timeout=120,
                              input=stdin if stdin is not None else "", capture_output=True, text=True)

    def command(self, *arguments, stdin=None):
        """Runs a command with `--json` and answers what it printed."""
        done = self.run(*arguments, "--json", stdin=stdin)
        if done.returncode:
            raise CommandFailed(arguments, done)
        return json.loads(done.stdout)

    def peak(self, *arguments):
        """Runs a command and answers how much memory it took at most, in MiB."""
        process = subprocess.Popen([binary(), *arguments], env=self.environment(), cwd=self.directory, stdout=subprocess.DEVNULL)
        mebibytes = 0
        while process.poll() is None:
            # One that is over has no memory any more.
            with contextlib.suppress(OSError, IndexError):
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                mebibytes = int(status.split("VmHWM:")[1].split()[0]) / 1024
            time.sleep(0.01)
        assert process.returncode == 0, arguments
        return mebibytes

    def customer(self, name="Customer", zone="UTC"):
        made = self.command("customer", "create", "--name", name, "--time-zone", zone)
        return Customer(made["id"], name, zone)

    def application(self, customer, name, tier="production"):
        made = self.command("application", "create", "--customer", customer.id, "--name", name, "--tier", tier)
        new = Application(made["id"], made["client_id"], made["client_secret"], tier, name)
        customer.applications[name] = new
        return new

    def import_helplines(self, helplines):
        path = self.directory / f"helplines-{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(helplines))
        return self.command("helplines", "import", str(path))

    # -- its API

    def client(self, token=None):
        return Client(self.port, token)

    def token(self, application):
        """A token for the application; a new one may need a moment to be known to the server."""
        form = {"grant_type": "client_credentials", "client_id": application.client_id,
                "client_secret": application.client_secret}
        client = self.client()
        answer = wait_for("a token", lambda: (got := client.post("/oauth/token", form)).status == 200 and got, 5)
        client.close()
        application.token = answer.json["access_token"]
        return application.token


@contextlib.contextmanager
def installation(kind, env=None, start=True, **kwargs):
    """A started installation that is removed afterwards; its log is shown where a test fails."""
    made = Installation(kind, env, **kwargs)
    try:
        yield made.start() if start else made
    except BaseException:
        print(made.tail())
        raise
    finally:
        made.remove()


def at_once(function, items, threads=4):
    """`function` of every item, several at a time; the first failure is raised."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def plain_helpline(helpline_id, country):
    name, emergency = HELPLINE_COUNTRIES[country]
    return {
        "id": helpline_id, "name": f"Line {helpline_id[-4:]}", "description": "A line for tests.",
        "website": "https://line.example.org",
        "country": {"name": name, "code": country, "emergencyNumber": emergency}, "timezone": "UTC",
        "topics": [{"name": "Anxiety", "code": "anxiety"}], "supported_languages": ["en"], "specialties": ["youth"],
        "supportTypes": ["listening"], "hours": {"alwaysOpen": True, "periods": []}, "phoneNumber": "+1 555 0100",
        "smsNumber": "55501", "webChatUrl": "https://line.example.org/chat",
        "whatsappUrl": "https://wa.example.org/55501", "priority": False, "availability": "available",
    }


def basic(client_id, client_secret):
    """HTTP Basic of RFC 6749 section 2.3.1: both halves form-encoded first."""
    pair = ":".join(urllib.parse.quote_plus(part) for part in (client_id, client_secret))
    return "Basic " + base64.b64encode(pair.encode()).decode()


# ------------------------------------------------------------------------------------------------ load


class Wire:
    """One raw keep-alive connection for load: as little work per request as Python allows."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def request(self, head, body):
        """Sends a request whose head ends before Content-Length; raises OSError or EOFError if it is not answered."""
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writer.write(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
            raw = await self.reader.readuntil(b"\r\n\r\n")
            lines = raw.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])}
            content = await self._body(headers)
        except BaseException:
            self.close()
            raise
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(lines[0].split(" ", 2)[1]), headers, content)

    async def _body(self, headers):
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        parts = []
        while size := int(await self.reader.readline(), 16):
            parts.append(await self.reader.readexactly(size + 2))
        await self.reader.readline()
        return b"".join(part[:-2] for part in parts)

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


def head(path, token, content_type="application/json"):
    """The head of a POST, up to Content-Length."""
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: {content_type}\r\n").encode()


async def deliver(port, jobs, answered, connections=8, give_up_seconds=60):
    """Posts every job (an object with `head` and `body`) until it is answered, over several connections.

    A request that is cut off is sent again; 429 and 503 are obeyed. `answered(job, answer, sent)` is called with the
    number of times the job was sent: above 1, an earlier sending may already have taken effect.
    """
    waiting = list(reversed(jobs))

    async def worker():
        wire = Wire(port)
        while waiting:
            job = waiting.pop()
            sent, end = 0, time.monotonic() + give_up_seconds
            while True:
                sent += 1
                try:
                    answer = await wire.request(job.head, job.body)
                except (OSError, EOFError):
                    if time.monotonic() > end:
                        raise
                    await asyncio.sleep(0.02)
                    continue
                if answer.status not in (429, 503):
                    break
                assert "retry-after" in answer.headers, answer
                await asyncio.sleep(min(float(answer.headers["retry-after"]), 0.2))
            result = answered(job, answer, sent)
            if asyncio.iscoroutine(result):
                await result
        wire.close()

    await asyncio.gather(*(worker() for _ in range(connections)))

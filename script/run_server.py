"""Runs the whole of Gatehouse for development: Valkey, both services, a demo account.

Started by script/server, inside .venv. Everything it starts is stopped again with it. When code changes, the
services reload it (docs/how-to/development.md).
"""

import argparse
import os
import secrets
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from itertools import takewhile
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import redis

from gatehouse.private_files import write_server_addresses
from script.services import Services, own_frames
from script.valkey_binary import valkey_binary
from script.watch import Watch, services_of

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DEMO_EMAIL = "demo@example.com"
PATIENCE = 30  # seconds until everything must be ready
_LOOK = 0.5  # seconds between two looks for changed code
_PREFIXES: dict[str, tuple[str, ...]] = {"auth": (), "web": ("site",)}  # of a command for a service


class Stop(Exception):
    """Ctrl-C or SIGTERM, or something that cannot start; the text is for the user."""


def main() -> int:
    arguments = _arguments()
    os.umask(0o077)  # for all child processes: their files are private to the owner
    running: list[subprocess.Popen[bytes] | Services] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_stop)
    try:
        _run(arguments, running)
    except Stop as stop:
        if str(stop):
            print(f"gatehouse: {stop}", file=sys.stderr)
            return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _stop(running)
    print("gatehouse: stopped; var/ keeps accounts and sessions")
    return 0


def _run(
    arguments: argparse.Namespace, running: "list[subprocess.Popen[bytes] | Services]"
) -> None:
    environment = _environment(arguments)
    var = Path(environment["GATEHOUSE_VAR"])
    for name in ("FRONTEND_PORT", "AUTH_API_PORT"):
        _require_free_port(int(environment[name]), name)
    if "REDIS_URL" not in os.environ:
        running.append(_start_valkey(var))
    print("gatehouse: database and static files")
    _manage(environment, "migrate", "--no-input", "--verbosity", "0")
    if environment.get("GATEHOUSE_APPS"):
        _manage(environment, "site", "migrate", "--no-input", "--verbosity", "0")
    for project in _PREFIXES.values():
        _manage(environment, *project, "collectstatic", "--no-input", "--verbosity", "0")
    password = _demo_password(environment, var)
    addresses = write_server_addresses(var, environment)  # for commands in other terminals
    print("gatehouse: starting the services", flush=True)
    watch = Watch(ROOT)
    services = Services(("auth", "web", "mail"), environment)
    running.append(services)
    try:
        _wait_until_ready(environment, services)
        _say_where(environment, password)
        _reload_for_ever(services, environment, watch)
    finally:
        addresses.unlink(missing_ok=True)


def _reload_for_ever(services: Services, environment: dict[str, str], watch: Watch) -> None:
    """Load what changes. Raises Stop when a service ends that runs the code with which it started."""
    waiting: list[Path] = []
    was_reloaded = told = False
    while True:
        time.sleep(_LOOK)
        if changed := watch.changed():
            waiting = _reload(services, environment, sorted({*waiting, *changed}))
            was_reloaded, told = True, False
        if (name := services.ended) and not told:
            reason = f"{name} stopped by itself; its last lines are above"
            if not was_reloaded:
                raise Stop(reason)
            print(f"gatehouse: {reason}. It starts again when its code changes.", flush=True)
            told = True


def _say_where(environment: dict[str, str], password: str) -> None:
    """Print the addresses. From here on, one short line a request follows, and errors in full."""
    address, port = environment["GATEHOUSE_PUBLIC_ORIGIN"], environment["FRONTEND_PORT"]
    private = environment["AUTH_API_PORT"]
    lines = [
        f"ready at {address}  (sign in as {DEMO_EMAIL} with: {password})",
        f"the admin is at http://localhost:{private}/admin/, with the same password",
        f"the mails are at http://localhost:{private}/dev/mail",
        f"both on this machine only; from another, first run: ssh -L {private}:127.0.0.1:{private} <this host>",
        "changes of code and templates are loaded; Ctrl-C stops everything",
    ]
    if urlsplit(address).port != int(port):
        lines.insert(0, f"{address} must lead to port {port} (docs/how-to/front-end.md)")
    print("", *(f"gatehouse: {line}" for line in lines), "", sep="\n", flush=True)


def _reload(services: Services, environment: dict[str, str], changed: list[Path]) -> list[Path]:
    """Reload what runs the changed code, unless it cannot be loaded: then the services go on as they are.

    Return what is still to be loaded.
    """
    names = services_of(changed)
    for prefix in sorted({_PREFIXES.get(name, ()) for name in names}):
        try:
            _manage(environment, *prefix, "check")
        except Stop as failed:
            print(f"gatehouse: not reloaded: {own_frames(str(failed))}", flush=True)
            return changed
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    print(f"gatehouse: {changed[0]}{more} changed: reloading {', '.join(names)}", flush=True)
    for name in names:
        services.reload(name)
    return []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/server")
    parser.add_argument("--port", type=int, default=int(os.environ.get("FRONTEND_PORT", "8000")))
    parser.add_argument("--https", action="store_true", help="with a certificate made here")
    return parser.parse_args()


def _raise_stop(number: int, frame: FrameType | None) -> None:
    raise Stop


def _environment(arguments: argparse.Namespace) -> dict[str, str]:
    var = Path(os.environ.get("GATEHOUSE_VAR", ROOT / "var")).resolve()
    _close_to_others(var)
    scheme = "https" if arguments.https else "http"
    environment = {
        "GATEHOUSE_ENV": "development",
        "AUTH_API_PORT": "8001",
        "GATEHOUSE_PUBLIC_ORIGIN": f"{scheme}://localhost:{arguments.port}",
        "PYTHONUNBUFFERED": "1",
        "GATEHOUSE_GRACE": "1",
        **os.environ,
        "FRONTEND_PORT": str(arguments.port),
        "GATEHOUSE_VAR": str(var),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    if environment.pop("DJANGO_SETTINGS_MODULE", None):  # it would be that of both services
        print(
            "gatehouse: DJANGO_SETTINGS_MODULE is not used. For the site, set GATEHOUSE_SITE_SETTINGS."
        )
    if arguments.https:
        certificate, key = _certificate(var)
        environment |= {"GATEHOUSE_CERTFILE": str(certificate), "GATEHOUSE_KEYFILE": str(key)}
    return environment


def _close_to_others(var: Path) -> None:
    """Create var/, or make an existing one private, with everything in it from earlier runs.

    The folder of static files, which are public, keeps its permissions inside var/.
    """
    var.mkdir(parents=True, exist_ok=True)
    if var.stat().st_mode & stat.S_ISVTX:
        raise Stop(f"{var} is shared with other users. Set GATEHOUSE_VAR to a folder of its own.")
    top = [path for path in var.iterdir() if path.name != "static"]
    for path in (var, *top, *(inner for folder in top for inner in folder.rglob("*"))):
        with suppress(FileNotFoundError):  # a temporary file of a running Valkey
            found = path.lstat()
            if found.st_uid == os.geteuid() and not path.is_symlink():
                path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def _require_free_port(port: int, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            hint = (
                "script/server --port N" if name == "FRONTEND_PORT" else f"{name}=N script/server"
            )
            raise Stop(f"port {port} is in use. Free it, or take another: {hint}") from None


def _start_valkey(var: Path) -> subprocess.Popen[bytes]:
    path = var / "valkey.sock"
    if len(str(path)) > 100:
        raise Stop(f"{path} is too long for a socket. Set GATEHOUSE_VAR to a shorter folder.")
    client = redis.Redis(unix_socket_path=str(path))
    if _answers(client):
        raise Stop(f"another Gatehouse is running on {var}. Stop it first.")
    command = [str(valkey_binary()), "--port", "0", "--unixsocket", str(path)]
    command += ["--unixsocketperm", "700", "--dir", str(var), "--save", "", "--appendonly", "yes"]
    command += ["--maxmemory-policy", "noeviction", "--logfile", str(var / "valkey.log")]
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while not _answers(client):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Stop(f"Valkey does not start; see {var / 'valkey.log'}")
        time.sleep(0.05)
    return process


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _manage(environment: dict[str, str], *arguments: str, stdin: str = "") -> None:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=stdin, text=True, capture_output=True
    )
    if done.returncode:
        words = " ".join(takewhile(lambda word: not word.startswith("-"), arguments))
        raise Stop(f"manage.py {words} failed:\n{done.stdout}{done.stderr}")


def _demo_password(environment: dict[str, str], var: Path) -> str:
    """Make the demo account once; its random password stays in var/, readable by its owner."""
    path = var / "demo-password"
    if not path.exists():
        password = secrets.token_urlsafe(18)
        _manage(
            environment, "createuser", "--email", DEMO_EMAIL, "--name", "Demo", "--superuser",
            "--password-stdin", stdin=password + "\n",
        )  # fmt: skip
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
    return path.read_text()


def _wait_until_ready(environment: dict[str, str], services: Services) -> None:
    """Ask the site's own port: a proxy or dev server at the public origin may start later."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if services.ended:
            raise Stop(f"{services.ended} did not start; its last lines are above")
        if _is_ready(environment):
            return
        time.sleep(0.1)
    raise Stop(f"the services are not ready after {PATIENCE} seconds")


def _is_ready(environment: dict[str, str]) -> bool:
    connection = _own_port(environment)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _own_port(environment: dict[str, str]) -> HTTPConnection:
    """Return a connection to frontend_site itself, whatever its certificate is made out to."""
    bind, port = environment.get("FRONTEND_BIND", ""), int(environment["FRONTEND_PORT"])
    host = "127.0.0.1" if bind in ("", "0.0.0.0") else bind.strip("[]")  # noqa: S104 - not bound here
    host = "::1" if host == "::" else host
    if certificate := environment.get("GATEHOUSE_CERTFILE"):
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # this one, whoever signed it
        return HTTPSConnection(host, port, timeout=2, context=context)
    return HTTPConnection(host, port, timeout=2)


def _certificate(var: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    certificate_path, key_path = var / "localhost.crt", var / "localhost.key"
    if certificate_path.exists() and key_path.exists():
        return certificate_path, key_path
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=397))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_path, key_path


def _stop(running: "list[subprocess.Popen[bytes] | Services]") -> None:
    """Stop in the reverse order of starting, so that no service loses Redis before it ends."""
    for started in reversed(running):
        if isinstance(started, Services):
            started.stop()
        elif started.poll() is None:
            started.terminate()
            try:
                started.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait(5)


if __name__ == "__main__":
    sys.exit(main())

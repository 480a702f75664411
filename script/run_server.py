"""Runs the whole of Gatehouse for development: Valkey, both services, a demo account.

Started by script/server, inside .venv. Everything it starts is stopped again with it.
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
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import redis

from script.valkey_binary import valkey_binary

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DEMO_EMAIL = "demo@example.com"
PATIENCE = 30  # seconds until everything must be ready


class Stop(Exception):
    """Ctrl-C or SIGTERM, or something that cannot start; the text is for the user."""


def main() -> int:
    arguments = _arguments()
    os.umask(0o077)  # for all child processes: their files are private to the owner
    processes: list[subprocess.Popen[bytes]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_stop)
    try:
        _run(arguments, processes)
    except Stop as stop:
        if str(stop):
            print(f"gatehouse: {stop}", file=sys.stderr)
            return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _stop(processes)
    print("gatehouse: stopped; var/ keeps accounts and sessions")
    return 0


def _run(arguments: argparse.Namespace, processes: list[subprocess.Popen[bytes]]) -> None:
    environment = _environment(arguments)
    var = Path(environment["GATEHOUSE_VAR"])
    for name in ("FRONTEND_PORT", "AUTH_API_PORT"):
        _require_free_port(int(environment[name]), name)
    if "REDIS_URL" not in os.environ:
        processes.append(_start_valkey(var))
    print("gatehouse: database and static files")
    _manage(environment, "migrate", "--no-input", "--verbosity", "0")
    _manage(environment, "site", "migrate", "--no-input", "--verbosity", "0")
    for project in ("auth_api", "frontend_site"):
        _manage(
            environment, "collectstatic", "--no-input", "--verbosity", "0",
            "--settings", f"{project}.settings",
        )  # fmt: skip
    password = _demo_password(environment, var)
    print("gatehouse: starting the services")
    command = [str(BIN / "honcho"), "--no-colour", "start", "auth", "web", "mail"]
    services = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    processes.append(services)
    _wait_until_ready(environment, services)
    address = environment["GATEHOUSE_PUBLIC_ORIGIN"]
    port = environment["FRONTEND_PORT"]
    if urlsplit(address).port != int(port):
        print(f"gatehouse: {address} must lead to port {port} (docs/how-to/front-end.md)")
    print(f"gatehouse: ready at {address}  (sign in as {DEMO_EMAIL} with: {password})", flush=True)
    port = environment["AUTH_API_PORT"]
    print(
        f"gatehouse: the admin is at http://localhost:{port}/admin/, on this machine only",
        flush=True,
    )
    print(
        f"gatehouse: from another machine, first run: ssh -L {port}:127.0.0.1:{port} <this host>",
        flush=True,
    )
    services.wait()
    raise Stop("a service stopped by itself; its last lines are above")


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
    environment.pop("DJANGO_SETTINGS_MODULE", None)
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
        raise Stop(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")


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


def _wait_until_ready(environment: dict[str, str], services: subprocess.Popen[bytes]) -> None:
    """Ask the site's own port: a proxy or dev server at the public origin may start later."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if services.poll() is not None:
            raise Stop("the services do not start; their last lines are above")
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


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Stop in the reverse order of starting, so that no service loses Redis before it ends."""
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


if __name__ == "__main__":
    sys.exit(main())

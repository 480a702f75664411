"""nginx with TLS, by the files of docs/how-to/deploy/, in front of a Gatehouse in production."""

import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.e2e.proxies import DEPLOY, NGINX, App, copy_sample
from tests.mailbox import Mailbox
from tests.ports import free_port
from tests.processes import Stack, wait_for
from tests.secure_redis import Certificates


class FrontDoor:
    """The proxy. It runs while a `with` block of `open` does, with changes to the sample."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.folder, self.port = folder, free_port()
        self.origin = f"https://localhost:{self.port}"
        self.certificates = Certificates(folder)
        self.app = App()

    def stack(self, **settings: str) -> Stack:
        """Return a Gatehouse behind this door, in production, with mails over TLS."""
        stack = Stack(
            GATEHOUSE_ENV="production",
            GATEHOUSE_PUBLIC_ORIGIN=self.origin,
            GATEHOUSE_PROXY_HOPS="1",
            GATEHOUSE_ACCESS_RULES="/app/=signed-in",
            DEFAULT_FROM_EMAIL="Gatehouse <noreply@example.com>",
            SSL_CERT_FILE=str(self.certificates.authority),
            **settings,
        )
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificates.certificate, self.certificates.key)
        stack.mailbox = Mailbox(tls)
        return stack

    @contextmanager
    def open(self, stack: Stack, changes: Mapping[str, str] | None = None) -> Iterator[None]:
        """Run nginx with the sample, in which each text of `changes` is replaced."""
        self._configure(stack, changes or {})
        command = ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_for(self._answers, "nginx to answer")
            yield
        finally:
            process.terminate()
            process.wait(15)

    def _configure(self, stack: Stack, changes: Mapping[str, str]) -> None:
        target = self.folder / "gatehouse"
        target.mkdir(exist_ok=True)
        copy_sample(DEPLOY / "nginx", target, stack.web_port, self.app, self.port)
        files = f"ssl_certificate {self.certificates.certificate}; ssl_certificate_key {self.certificates.key};"
        changes = {f":{self.port};": f":{self.port} ssl; {files}", **changes}
        texts = {path: path.read_text() for path in target.iterdir()}
        missing = [old for old in changes if not any(old in text for text in texts.values())]
        assert not missing, f"the sample does not contain {missing}"
        for path, text in texts.items():
            for old, new in changes.items():
                text = text.replace(old, new)
            path.write_text(text)
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder))

    def _answers(self) -> bool:
        authority = str(self.certificates.authority)
        try:
            return requests.get(f"{self.origin}/healthz", verify=authority, timeout=5).ok
        except requests.RequestException:
            return False

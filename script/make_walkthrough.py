"""Writes docs/tutorial/walkthrough.md: each call by curl, its answer, and what it left in Redis.

Started by script/walkthrough. Secrets and times are masked, so that two runs differ in nothing.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.processes import Stack  # noqa: E402 - needs the path above

EMAIL, PASSWORD = "ada@example.com", "a lantern in the orchard"
KEPT = (
    "location",
    "set-cookie",
    "cache-control",
    "retry-after",
    "allow",
    "content-type",
    "clear-site-data",
)
INTRO = """# Walkthrough

Made by `script/walkthrough`: curl against the running services, with the keys in Redis before and
after each call that changes them. Secrets, ids and times are masked; of the headers, those that
matter here are shown.
"""


class Walk:
    """Collects the calls of one browser."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.cookies: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.parts = [INTRO]

    def call(self, title: str, path: str, body: object = None, *, csrf: str = "") -> str:
        """Make one call, note it, and return the answer's body."""
        before = self.keys()
        shown = self._curl(path, body, csrf)
        command = ["curl", "-si", *shlex.split(shown.replace("https://example.com", ""))[2:]]
        command[-1] = self.stack.address + path
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        head, _, content = answer.partition("\n\n")
        self._keep_cookies(head)
        lines = [line for line in head.splitlines() if self._matters(line)]
        self.parts.append(
            f"## {title}\n\n```console\n$ {self.mask(shown)}\n"
            + self.mask("\n".join(lines))
            + (f"\n\n{self.mask(_short(content))}" if content.strip() else "")
            + "\n```\n"
        )
        if (after := self.keys()) != before:
            self.parts.append(f"Redis before: {_listed(before)}; after: {_listed(after)}\n")
        return content

    def keys(self) -> list[str]:
        found = self.stack.valkey.client().keys("gh:*")
        return sorted(self.mask(key.decode()) for key in found)

    def mask(self, text: str) -> str:
        text = re.sub(r"(__Host-session=)[\w-]{16}\.[\w-]{43}", r"\1<ref>.<secret>", text)
        text = re.sub(r"(__Host-csrf=)[\w.-]+", r"\1<csrf>", text)
        text = re.sub(r"(X-CSRF-Token: )[\w.-]+", r"\1<csrf>", text)
        text = re.sub(r"\"csrfToken\": ?\"[^\"]+\"", '"csrfToken": "<csrf>"', text)
        text = re.sub(r"\"token\": ?\"[^\"]+\"", '"token": "<mailed token>"', text)
        text = re.sub(r"gh:\{[\w-]{16}\}", "gh:{<ref>}", text)
        text = re.sub(r":s:[\w-]{43}", ":s:<id hash>", text)
        text = re.sub(r"gh:throttle:\{\w+\}(:\w+)?", "gh:throttle:{<hash>}", text)
        text = re.sub(r"\"handle\": ?\"[\w-]{16}\"", '"handle": "<handle>"', text)
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "<uuid>", text)
        text = re.sub(r"\b[0-9a-f]{32}\b", "<request id>", text)
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>", text)

    def _curl(self, path: str, body: object, csrf: str) -> str:
        parts = ["curl", "-si"]
        if self.cookies:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            parts += ["-H", f"Cookie: {cookie}"]
        if body is not None:
            parts += ["-H", "Content-Type: application/json"]
            if csrf:
                parts += ["-H", f"X-CSRF-Token: {csrf}"]
            parts += ["-d", json.dumps(body)]
        return shlex.join([*parts, f"https://example.com{path}"])

    def _matters(self, line: str) -> bool:
        return line.startswith("HTTP/") or line.partition(":")[0].lower() in KEPT

    def _keep_cookies(self, head: str) -> None:
        for value in re.findall(r"(?im)^set-cookie: ([^;\r\n]+)", head):
            name, _, content = value.partition("=")
            self.cookies[name] = content
            if not content:
                del self.cookies[name]


def _short(content: str) -> str:
    if content.lstrip().startswith("<"):
        title = re.search(r"<title>([^<]*)</title>", content)
        return f"<!doctype html> ... <title>{title[1].strip() if title else ''}</title> ..."
    return content.strip()


def _listed(keys: list[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "nothing"


def _csrf(walk: Walk, title: str) -> str:
    token: str = json.loads(walk.call(title, "/api/auth/csrf"))["csrfToken"]
    return token


def main() -> None:
    with Stack() as stack:
        walk = Walk(stack)
        walk.call("A protected page without a cookie", "/account")
        walk.call("A protected call without a cookie", "/api/auth/session")
        csrf = _csrf(walk, "A script asks for its CSRF token")
        form = {"email": EMAIL, "password": PASSWORD, "name": "Ada"}
        walk.call("Register: the answer tells nothing", "/api/auth/register", form, csrf=csrf)
        login = {"email": EMAIL, "password": PASSWORD}
        walk.call("Not before the address is verified", "/api/auth/login", login, csrf=csrf)
        token = parse_qs(urlsplit(stack.mailed_link(EMAIL)).query)["token"][0]
        verify = {"token": token, "password": PASSWORD}
        walk.call("Verify the address", "/api/auth/email/verify", verify, csrf=csrf)
        walk.call("A login without the CSRF token", "/api/auth/login", login)
        walk.call("Sign in", "/api/auth/login", login, csrf=csrf)
        walk.call("Who am I", "/api/auth/session")
        walk.call("My sessions", "/api/auth/sessions")
        walk.call("A protected page", "/account")
        dead = dict(walk.cookies)
        csrf = _csrf(walk, "Signing in changed the CSRF token")
        walk.call("Sign out", "/api/auth/logout", {}, csrf=csrf)
        walk.cookies = dead
        walk.call("The dead cookie again", "/api/auth/session")
    (ROOT / "docs" / "tutorial" / "walkthrough.md").write_text("\n".join(walk.parts))
    print("docs/tutorial/walkthrough.md is written")


if __name__ == "__main__":
    main()

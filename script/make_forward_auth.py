"""Writes docs/how-to/forward-auth-transcript.md: each answer of /auth/verify. Started by script/walkthrough."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.processes import JsonClient, Stack  # noqa: E402 - needs the path above

EMAIL = "ada@example.com"
KEPT = ("cookie", "location", "gatehouse-", "retry-after", "cache-control", "content-type")
INTRO = """# Forward auth: a transcript

Made by `script/walkthrough`: what a proxy asks, and what it gets, on the real services. Tokens and ids are masked.
"""
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
PAGE = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
ASKED = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/app/page?x=1"}


class Transcript:
    """Collects calls to /auth/verify."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.parts = [INTRO]

    def ask(self, title: str, headers: dict[str, str], query: str = "?audience=app") -> None:
        lines = [part for pair in headers.items() for part in ("-H", ": ".join(pair))]
        address = f"{self.stack.address}/auth/verify{query}"
        command = ["curl", "-si", *lines, address]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        head, _, body = answer.partition("\n\n")
        kept = [x for x in head.splitlines() if x.startswith("HTTP/") or x.lower().startswith(KEPT)]
        shown = shlex.join(command).replace(self.stack.address, "http://127.0.0.1:8000")
        text = f"$ {shown}\n" + "\n".join(kept) + (f"\n\n{body.strip()}" if body.strip() else "")
        self.parts.append(f"## {title}\n\n```console\n{_masked(text)}\n```\n")


def _masked(text: str) -> str:
    text = re.sub(r"(__Host-session=)[\w-]{16}\.[\w-]{43}", r"\1<ref>.<secret>", text)
    text = re.sub(r"(__Host-csrf=)[\w.-]+", r"\1<csrf>", text)
    text = re.sub(r"(?i)(gatehouse-identity: )[\w.-]+", r"\1<token>", text)
    text = re.sub(r"(?i)(gatehouse-session: )[\w-]+", r"\1<handle>", text)
    text = re.sub(r"(?i)(gatehouse-auth-time: )\d+", r"\1<seconds>", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "<uuid>", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "<request id>", text)


def main() -> None:
    with Stack(
        GATEHOUSE_PROXY_HOPS="1", GATEHOUSE_ACCESS_RULES="/app/=signed-in,/ops/=group:ops"
    ) as stack:
        walk = Transcript(stack)
        walk.ask("A page, nobody signed in", {**ASKED, **PAGE})
        walk.ask("The same for nginx", {**ASKED, **PAGE}, "?audience=app&redirect=no")
        walk.ask("A fetch, nobody signed in", {**ASKED, **FETCH})
        client = JsonClient(stack.address)
        client.login(EMAIL, stack.make_user(EMAIL))
        cookie = {"Cookie": f"theme=dark; __Host-session={client.cookies['__Host-session']}"}
        walk.ask("Signed in", {**cookie, **ASKED, **PAGE})
        walk.ask(
            "Signed in, in no group that has access",
            {**cookie, **ASKED, **FETCH, "X-Forwarded-Uri": "/ops/"},
        )
        walk.ask(
            "An app that asks for the groups",
            {**cookie, **ASKED, **FETCH},
            "?audience=app&claims=name,groups",
        )
        foreign = {"X-Forwarded-Method": "POST", "Sec-Fetch-Site": "cross-site"}
        walk.ask("A form of another site", {**cookie, **ASKED, **foreign})
        walk.ask("A proxy that does not say the method", cookie)
        walk.ask(
            "A way back that leads off the site",
            {**PAGE, **ASKED, "X-Forwarded-Uri": "//evil.example/"},
        )
        stack.valkey.pause()
        walk.ask("Redis does not answer", {**cookie, **ASKED, **PAGE})
        stack.valkey.resume()
        client.post("/api/auth/logout")
        walk.ask("After the sign-out, with the old cookie", {**cookie, **ASKED, **FETCH})
    (ROOT / "docs" / "how-to" / "forward-auth-transcript.md").write_text("\n".join(walk.parts))
    print("docs/how-to/forward-auth-transcript.md is written")


if __name__ == "__main__":
    main()

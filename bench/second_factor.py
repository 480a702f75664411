"""What a sign-in with an authenticator app costs, beside one with the password alone.

Usage: .venv/bin/python -m bench.second_factor [--rounds 6] [--write]

Accounts of both kinds sign in by the JSON API, in turns. Counted is the processor time of all processes for the
POSTs of a sign-in: one with the password, two with a code. --write puts the table into docs/reference/benchmarks.md.
"""

import argparse
import statistics
from base64 import b32encode
from collections import Counter
from collections.abc import Callable

from tests.authenticator import App
from tests.processes import JsonClient, Stack

from .login import must, spent
from .page import write_block
from .systems import System, gatehouse

ACCOUNTS = 20  # of each kind: a code works once, so an account signs in once a round
AIM = 1.15
_SECRET = bytes(range(20))
_KINDS = ("the password", "the password and a code")
_PREPARE = f"""
from django.utils import timezone
from auth_api.users.factors.sealing import seal_secret
from auth_api.users.models import TotpDevice, User
password = User.objects.get().password
for number in range({ACCOUNTS}):
    for kind in (0, 1):
        email = f"user{{number}}-{{kind}}@example.com"
        user = User(email=email, password=password, email_verified=True, has_second_factor=bool(kind))
        user.save()
        if kind:
            device = TotpDevice(user=user, name="App", confirmed_at=timezone.now())
            secret = bytes(range({len(_SECRET)}))
            device.sealed_secret = seal_secret(secret, user_id=user.pk, device_id=device.pk)
            device.save()
"""
# As if half a minute had passed, which is longer than a round.
_UNUSE = "from auth_api.users.models import TotpDevice; TotpDevice.objects.update(last_step=0)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found: list[list[Counter[str]]] = [[], []]
    with gatehouse() as (system, stack):
        stack.manage("shell", "-c", _PREPARE)
        _round(system, stack)  # the workers import what they need
        for _ in range(options.rounds):
            for kind, cost in enumerate(_round(system, stack)):
                found[kind].append(cost)
    report = _render(found)
    print(report)
    if options.write:
        write_block("bench.second_factor", report)


def _round(system: System, stack: Stack) -> list[Counter[str]]:
    """Let each account sign in once; return what a sign-in of each kind costs, in CPU-ms by process."""
    stack.manage("shell", "-c", _UNUSE)
    costs: list[Counter[str]] = [Counter(), Counter()]
    for number in range(ACCOUNTS):
        for kind in (0, 1):
            act = _sign_in(system, stack, f"user{number}-{kind}@example.com", by_code=bool(kind))
            costs[kind] += spent(system, [act])
    return [Counter({name: s * 1000 / ACCOUNTS for name, s in cost.items()}) for cost in costs]


def _sign_in(system: System, stack: Stack, email: str, *, by_code: bool) -> Callable[[], None]:
    client = JsonClient(stack.address)
    token = {"X-CSRF-Token": client.csrf()}
    app = App(b32encode(_SECRET).decode())
    form = {"email": email, "password": system.password}

    def sign_in() -> None:
        must(client.post("/api/auth/login", form, **token), 200)
        if by_code:
            proof = {"method": "totp", "code": app.code()}
            must(client.post("/api/auth/login/factor", proof, **token), 200)

    return sign_in


def _render(found: list[list[Counter[str]]]) -> str:
    """Medians of the rounds; the ratio is that of each round, so that both sides met the same machine."""
    plain, coded = ([cost.total() for cost in costs] for costs in found)
    ratios = [b / a for a, b in zip(plain, coded, strict=True)]
    lines = [
        f"Medians of {len(ratios)} rounds of {ACCOUNTS} sign-ins each; 2 workers of each service.",
        "",
        "| CPU-ms of a sign-in with | " + " | ".join(found[0][0]) + " | everything |",
        "| --- | " + "--- | " * len(found[0][0]) + "--- |",
    ]
    for title, costs in zip(_KINDS, found, strict=True):
        cells = [statistics.median(cost[name] for cost in costs) for name in found[0][0]]
        cells.append(statistics.median(cost.total() for cost in costs))
        lines.append(f"| {title} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    lines += ["", f"The ratio is {statistics.median(ratios):.2f} ({spread}); the aim is {AIM}."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Reads forms, converts them to JSON for auth_api, and keeps fields that must be shown again."""

import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from django.http import QueryDict

_LABELS = {
    "email": "E-mail address",
    "name": "Name",
    "password": "Password",
    "current_password": "Current password",
    "new_password": "New password",
    "reauthentication_password": "Your password",
    "code": "Code",
    "reauthentication_code": "Code",
}
_APP_DIGITS = 6
_CODES = ("code", "reauthentication_code")
_INPUT_TYPES = {"email": "email", "name": "text", **dict.fromkeys(_CODES, "text")}
_AUTOCOMPLETE = {
    "email": "username",
    "name": "name",
    "password": "current-password",
    "current_password": "current-password",
    "new_password": "new-password",
    "reauthentication_password": "current-password",
    **dict.fromkeys(_CODES, "one-time-code"),
}


@dataclass(frozen=True)
class LoginForm:
    email: str = ""
    password: str = field(default="", repr=False)
    remember: bool = False

    @classmethod
    def read(cls, data: QueryDict) -> "LoginForm":
        return cls(
            email=data.get("email", "").strip(),
            password=data.get("password", ""),
            remember=bool(data.get("remember")),
        )


@dataclass(frozen=True)
class RegisterForm:
    email: str = ""
    password: str = field(default="", repr=False)
    name: str = ""

    @classmethod
    def read(cls, data: QueryDict) -> "RegisterForm":
        return cls(
            email=data.get("email", "").strip(),
            password=data.get("password", ""),
            name=data.get("name", "").strip(),
        )


def typed(data: QueryDict, *names: str) -> dict[str, str]:
    """Return text fields as they were sent (passwords and tokens too), but the address trimmed."""
    values = {name: data.get(name, "") for name in names}
    if "email" in values:
        values["email"] = values["email"].strip()
    return values


def code_form(text: str) -> dict[str, str]:
    """Return a typed code with its method: six digits are an app's, anything else a recovery code."""
    digits = re.sub(r"[\s-]", "", text)
    is_of_app = len(digits) <= _APP_DIGITS and digits.isdecimal()
    return {"method": "totp" if is_of_app else "recovery", "code": text.strip()[:64]}


def as_json(form: LoginForm | RegisterForm | dict[str, str]) -> bytes:
    """Return the body that auth_api gets."""
    return json.dumps(form if isinstance(form, dict) else asdict(form)).encode()


@dataclass(frozen=True)
class KeptField:
    """One field of a form that is offered again."""

    name: str
    value: str = field(repr=False)
    label: str
    input_type: str  # "hidden" for what nobody needs to see
    autocomplete: str = ""

    @property
    def required(self) -> bool:
        return self.input_type in ("email", "password")


def kept_fields(data: QueryDict, *, without: Collection[str]) -> list[KeptField]:
    """Return the fields of a form to be sent again; passwords and codes come empty, to be typed again."""
    pairs = [(name, value) for name, values in data.lists() for value in values]
    return [_kept(name, value) for name, value in pairs if name not in without]


def _kept(name: str, value: str) -> KeptField:
    secret = "password" in name.lower()
    return KeptField(
        name=name,
        value="" if secret or name in _CODES else value,
        label=_LABELS.get(name, name.replace("_", " ").capitalize()),
        input_type="password" if secret else _INPUT_TYPES.get(name, "hidden"),
        autocomplete=_AUTOCOMPLETE.get(name, ""),
    )


def marked_fields(errors: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """Return name, label and first message of each field of ours that has errors."""
    return [(name, _LABELS[name], errors[name][0]) for name in _LABELS if errors.get(name)]


def field_errors(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return `errors` of a problem document as far as it has the agreed shape."""
    errors = document.get("errors")
    if not isinstance(errors, dict):
        return {}
    return {
        str(name): [str(message) for message in messages]
        for name, messages in errors.items()
        if isinstance(messages, list)
    }

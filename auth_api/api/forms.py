"""Parses request bodies: strict JSON into typed forms; anything else is a 4xx."""

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_origin, get_type_hints

from django.core.exceptions import RequestDataTooBig
from django.http.request import RawPostDataException

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType

MAX_BODY = 64 * 1024  # bytes
_JSON = re.compile(r"application/json(\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_UNREADABLE = "Remove characters that cannot be stored."
_NAMES = {str: "text", bool: "true or false", dict: "an object", list: "an array"}

Form = TypeVar("Form")


def read_form(request: ApiRequest, form: type[Form]) -> Form:
    """Return the body as the dataclass `form`.

    Refuses unknown fields, wrong types, duplicate keys, NaN, lone surrogates, NUL, and nesting
    that json would choke on. Raises InvalidRequest, PayloadTooLarge, UnsupportedMediaType.
    """
    values = _read_json(request)
    hints, errors = get_type_hints(form), {}
    kinds = {name: get_origin(hint) or hint for name, hint in hints.items()}
    for name in values.keys() - kinds.keys():
        errors[name[:64]] = ["Unknown field."]
    for field in fields(form):  # type: ignore[arg-type]
        if field.name not in values:
            if field.default is MISSING:
                errors[field.name] = ["Required."]
        elif type(values[field.name]) is not kinds[field.name]:
            errors[field.name] = [f"Must be {_NAMES[kinds[field.name]]}."]
        elif message := _text_error(values[field.name], **field.metadata):
            errors[field.name] = [message]
    if errors:
        raise InvalidRequest(errors)
    return form(**values)


def require_empty_body(request: ApiRequest) -> None:
    """For calls that take nothing: no body, or `{}`."""
    if _body(request).strip():
        _check_type(request)
        if _parse(_body(request)):
            raise InvalidRequest({"body": ["Send no fields with this call."]})


def _read_json(request: ApiRequest) -> dict[str, Any]:
    body = _body(request)
    _check_type(request)
    return _parse(body)


def _check_type(request: ApiRequest) -> None:
    if not _JSON.fullmatch(request.META.get("CONTENT_TYPE", "")):
        raise UnsupportedMediaType


def _body(request: ApiRequest) -> bytes:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > MAX_BODY:
        raise PayloadTooLarge
    try:
        return request.body
    except (RequestDataTooBig, RawPostDataException):
        raise PayloadTooLarge from None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidRequest(
            {"body": ["Send valid JSON, with unique keys and without NaN or Infinity."]}
        ) from None
    if not isinstance(values, dict):
        raise InvalidRequest({"body": ["Send a JSON object."]})
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    for key in found:
        key.encode()  # UnicodeEncodeError is a ValueError
    return found


def _no_constant(name: str) -> Callable[[], None]:
    raise ValueError(name)


def _text_error(value: Any, *, shortest: int = 0, longest: int = 4096) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) < shortest:
        return "Required."
    if len(value) > longest:
        return f"Use at most {longest} characters."
    try:
        value.encode()
    except UnicodeEncodeError:
        return _UNREADABLE
    return _UNREADABLE if "\0" in value else None

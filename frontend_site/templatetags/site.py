"""What templates of this site are written with.

Django's own `static`, `date` and `csrf_token` do the same and cost several times as much.
"""

import re
from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.template.base import Node, Parser, Token
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from frontend_site.csrf import FIELD

register = template.Library()
_TOKEN = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_FIELD = f'<input type="hidden" name="{FIELD}" value="%s">'
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class AssetNode(Node):
    """The address of a static file: the same for as long as the process lives."""

    def __init__(self, path: str) -> None:
        self.path = path

    def render(self, context: Any) -> str:
        return _address(self.path)


@cache
def _address(path: str) -> str:
    return static(path)


@register.tag
def asset(parser: Parser, token: Token) -> AssetNode:
    """`{% asset 'frontend_site/site.css' %}`"""
    _, path = token.split_contents()
    return AssetNode(path.strip("'\""))


class CsrfTokenNode(Node):
    """The hidden field of a form; nothing on a page without a token."""

    def render(self, context: Any) -> SafeString:
        token = str(context.get("csrf_token") or "")
        return mark_safe(_FIELD % token) if _TOKEN.fullmatch(token) else mark_safe("")  # noqa: S308


@register.tag
def csrf_token(parser: Parser, token: Token) -> CsrfTokenNode:
    """Django's `{% csrf_token %}`, for our tokens."""
    return CsrfTokenNode()


# Dates have no character that HTML knows; said once here, they are not escaped one by one.


@register.filter
def iso(moment: datetime) -> SafeString:
    """`2026-11-24T02:40:00Z`, of a time in UTC."""
    return mark_safe(f"{moment:%Y-%m-%dT%H:%M:%SZ}")  # noqa: S308


@register.filter
def in_words(moment: datetime) -> SafeString:
    """`24 November 2026, 02:40 UTC`, of a time in UTC."""
    day = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    return mark_safe(f"{day}, {moment:%H:%M} UTC")  # noqa: S308


@register.filter
def day_in_words(moment: datetime) -> SafeString:
    """`24 November 2026`"""
    return mark_safe(f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}")  # noqa: S308

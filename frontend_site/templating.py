"""The Jinja2 environment of the templates, through Django's backend.

Django's own engine was the largest single cost of a page (docs/reference/benchmarks.md).
"""

import re
from datetime import datetime
from typing import Any

from django.templatetags.static import static
from jinja2 import ChainableUndefined, Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup, escape

from frontend_site.security.csrf import FIELD, CsrfState
from frontend_site.security.groups import in_group

_ASSET = re.compile(r"""{%\s*asset\s+(["'])([^"']+)\1\s*%}""")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_FIELD = f'<input type="hidden" name="{FIELD}" value="%s">'
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def environment(**options: Any) -> Environment:
    """Make the environment of all templates; Django calls it with its own `options`.

    What a template is not given is empty in it, and so is what it asks of that.
    """
    # Django's backend asks for escaping already; everything hangs on it, so it is said here, too.
    made = Environment(  # noqa: S701 - it is in the options
        extensions=[AssetTag, CsrfTokenTag],
        **options | {"autoescape": True, "undefined": ChainableUndefined},
        cache_size=-1,  # all of them: there are few, and a bounded cache takes a lock
    )
    made.filters.update(
        csrf_field=csrf_field,
        iso=iso,
        in_words=in_words,
        day_in_words=day_in_words,
        in_group=in_group,
    )
    made.tests["in_group"] = in_group
    return made


class AssetTag(Extension):
    """`{% asset 'frontend_site/site.css' %}`: the address of a static file, put into the text around it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return _ASSET.sub(lambda found: escape(static(found[2])), source)


class CsrfTokenTag(Extension):
    """`{% csrf_token %}`, as in Django's templates."""

    tags = {"csrf_token"}  # noqa: RUF012 - as Jinja2 has it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        state = nodes.Name("csrf_state", "load")
        field = nodes.Filter(state, "csrf_field", [], [], None, None)
        return nodes.Output([field]).set_lineno(line)


def csrf_field(state: CsrfState | None) -> Markup:
    """The hidden field of a form; nothing on a page without a token."""
    text = state.token() if state else ""
    return Markup(_FIELD % text) if _TOKEN.fullmatch(text) else Markup("")  # noqa: S704


def iso(moment: datetime) -> str:
    """`2026-11-24T02:40:00Z`, of a time in UTC."""
    return f"{moment.isoformat()[:19]}Z"


def in_words(moment: datetime) -> str:
    """`24 November 2026, 02:40 UTC`, of a time in UTC."""
    return f"{day_in_words(moment)}, {moment.hour:02}:{moment.minute:02} UTC"


def day_in_words(moment: datetime) -> str:
    """`24 November 2026`"""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"

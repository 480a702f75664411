"""What templates are written with."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.template import engines
from jinja2 import TemplateSyntaxError


def rendered(source: str, **context: Any) -> str:
    return str(engines.all()[0].from_string(source).render(context))


@pytest.mark.parametrize("tag", ["{% asset 'a/b.css' %}", '{% asset "a/b.css" %}', "{%asset  'a/b.css'%}"])  # fmt: skip
def test_an_asset_is_its_address(tag: str) -> None:
    assert rendered(f'<link href="{tag}">') == '<link href="/static/a/b.css">'


def test_an_address_is_escaped() -> None:
    assert rendered("{% asset 'a&b<c.css' %}") == "/static/a%26b%3Cc.css"


@pytest.mark.parametrize("tag", ["{% asset a.css %}", "{% asset 'a.css\" %}", "{% asset %}"])
def test_a_misspelt_asset_is_an_error(tag: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="asset"):
        rendered(tag)


def test_values_are_escaped_and_missing_ones_empty() -> None:
    assert rendered("{{ a }}|{{ b.c.d }}", a="<script>'\"&") == "&lt;script&gt;&#39;&#34;&amp;|"


@pytest.mark.parametrize("token", ["abc.def", '"><script>', ""])
def test_a_form_gets_a_token_and_nothing_else(token: str) -> None:
    page = rendered("{% csrf_token %}", csrf_state=SimpleNamespace(token=lambda: token))
    field = f'<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
    assert page == (field if token == "abc.def" else "")


def test_a_page_without_a_token_has_no_field() -> None:
    assert rendered("a{% csrf_token %}b") == "ab"

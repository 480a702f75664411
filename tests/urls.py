"""Every address of a project, out of its own resolver: what is new is walked without being asked for."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib.admindocs.views import extract_views_from_urlpatterns, simplify_regex
from django.urls import resolve

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROBNICATE")


def every_path(patterns: list[Any], samples: Mapping[str, str]) -> Iterator[str]:
    """Yield one path for each route; `samples`: a value for each argument by name, or a path by route.

    Raises KeyError for an argument without a sample, Resolver404 for a path that leads nowhere.
    """
    for path, _ in every_route(patterns, samples):
        yield path


def every_route(
    patterns: list[Any], samples: Mapping[str, str]
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Like `every_path`, with the view of each path."""
    for _, route, _, _ in extract_views_from_urlpatterns(patterns):
        path = samples.get(route) or re.sub(
            r"<(?:\w+:)?(\w+)>", lambda found: samples[found[1]], simplify_regex(route)
        )
        yield path, resolve(path).func

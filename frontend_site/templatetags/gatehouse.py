"""Tags and filters of this site for Django's templates, which have them without `{% load %}`."""

from django import template
from django.templatetags.static import static

from frontend_site.security import groups

register = template.Library()
register.filter("in_group", groups.in_group)


@register.simple_tag
def asset(path: str) -> str:
    """`{% asset 'notes/notes.css' %}`: the address of a static file, as `{% static %}`."""
    return static(path)

"""What views of apps import: the decorators by which they declare what they take, and who may use them.

docs/how-to/adopting.md shows each.
"""

from frontend_site.security.bodies import accepts
from frontend_site.security.csp import csp
from frontend_site.security.endpoints import endpoint, page, require_level, webhook
from frontend_site.security.groups import group_required
from frontend_site.site_request import SiteRequest

__all__ = [
    "SiteRequest",
    "accepts",
    "csp",
    "endpoint",
    "group_required",
    "page",
    "require_level",
    "webhook",
]

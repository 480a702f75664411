"""Answers `manage.py doctor`, which checks this site through its front door."""

import platform
import time

import django
from django.http import Http404, HttpResponse, JsonResponse

from frontend_site.backend.caller import client_address
from frontend_site.checks import CHECKS, DEPLOYMENT_CHECKS, weak_secrets
from frontend_site.options import options
from frontend_site.readiness import readiness
from frontend_site.security.endpoints import probe
from frontend_site.security.largest_body import largest_body
from frontend_site.site_apps.database_state import database_report
from frontend_site.site_request import SiteRequest
from gatehouse.doctor import HEADER, SiteReport, judge_question, sealed_answer


@probe
def doctor(request: SiteRequest) -> HttpResponse:
    """How this request arrived, sealed; 404 for everybody but a doctor that knows a service key.

    A question of another time gets a 403 with ours, so that the doctor can ask again and say by how much the
    clocks differ.
    """
    question = judge_question(request.headers.get(HEADER, ""), options().service_keys)
    if question is None:
        raise Http404
    if not question.is_current:
        return JsonResponse({"time": time.time()}, status=403)
    return JsonResponse(sealed_answer(_report(request), question))


def _report(request: SiteRequest) -> SiteReport:
    gatehouse, now, ready = options(), time.time(), readiness()
    largest, path = largest_body()
    return SiteReport(
        time=now,
        client_address=client_address(request),
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        is_secure=request.is_secure(),
        host=request.META.get("HTTP_HOST", ""),
        request_id=request.request_id,
        environment=gatehouse.environment,
        public_origin=gatehouse.public_origin,
        proxy_hops=gatehouse.proxy_hops,
        hsts=gatehouse.hsts,
        forward_auth_paths=gatehouse.forward_auth_paths,
        groups=sorted(set().union(*(rule.groups for rule in gatehouse.access_rules))),
        body_limit=gatehouse.body_limit,
        largest_body=largest,
        largest_body_path=path,
        weak_secrets=weak_secrets(),
        warnings=_warnings(),
        status=ready.status,
        missing=ready.missing,
        database=database_report(),
        python=platform.python_version(),
        django=django.get_version(),
    )


def _warnings() -> list[dict[str, str]]:
    found = [message for check in (*CHECKS, *DEPLOYMENT_CHECKS) for message in check(None)]
    return [{"found": message.msg, "mend": message.hint or ""} for message in found]

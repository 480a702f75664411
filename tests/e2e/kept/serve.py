"""`python -m tests.e2e.kept.serve PORT NAME=ID...`: make the tables and users with their Gatehouse ids, and serve."""

import sys
from wsgiref.simple_server import make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


def main(port: str, *users: str) -> None:
    """Run until the process is ended."""
    django.setup()
    call_command("migrate", verbosity=0, run_syncdb=True)
    from django.contrib.auth.models import User

    from tests.e2e.kept.models import GatehouseId

    for name, _, value in (user.partition("=") for user in users):
        GatehouseId.objects.create(user=User.objects.create_user(name), value=value)
    make_server("127.0.0.1", int(port), get_wsgi_application()).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""gunicorn for the public site: gevent, since the BFF waits for others most of its time."""

import os

_production = os.environ.get("GATEHOUSE_ENV", "production") == "production"
_host = os.environ.get("FRONTEND_BIND", "0.0.0.0" if _production else "127.0.0.1")  # noqa: S104
bind = f"{_host}:{os.environ.get('FRONTEND_PORT', '8000')}"
workers = int(os.environ.get("FRONTEND_WORKERS", "2"))
worker_class = "gevent"
worker_connections = 1000
reuse_port = True  # else kept-alive connections may all land on one worker
keepalive = 15  # seconds
timeout = 30
graceful_timeout = int(os.environ.get("GATEHOUSE_GRACE", "5"))  # seconds for requests under way
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
accesslog = None
loglevel = "warning"
forwarder_headers = ""  # nobody may set SCRIPT_NAME or PATH_INFO by a header
forwarded_allow_ips = "127.0.0.1"
secure_scheme_headers: dict[str, str] = {}
header_map = "drop"  # names with an underscore are look-alikes
control_socket_disable = True
if os.environ.get("GATEHOUSE_CERTFILE"):  # script/server --https
    certfile = os.environ["GATEHOUSE_CERTFILE"]
    keyfile = os.environ["GATEHOUSE_KEYFILE"]

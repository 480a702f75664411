"""The headers by which apps and proxies learn who a user is: a browser must not choose them."""

# A name may end in `*`. The names that Authelia, authentik, oauth2-proxy, Grafana and others set, and ours.
IDENTITY_HEADERS = (
    "Remote-*", "X-Remote-*", "WebAuth-*", "X-WebAuth-*", "Authentik-*", "X-Authentik-*", "Auth-Request-*",
    "X-Auth-Request-*", "Gatehouse-*", "X-Gatehouse-*", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token",
)  # fmt: skip

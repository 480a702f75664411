"""HTTP to the servers behind this one: auth_api and the upstreams (docs/decisions/0006)."""

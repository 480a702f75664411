"""Django's PostgreSQL backend, for a pool whose connections are checked before they are used."""

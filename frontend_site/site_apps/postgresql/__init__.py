"""Django's PostgreSQL backend, for a pool whose connections are looked at before they are used."""

"""Services behind this site: `/api/<name>/` goes to one of them, with a proof of who is signed in."""

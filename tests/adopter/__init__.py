"""A site built on ours by docs/adopting.md: its views, its lines in urls.py, its template."""

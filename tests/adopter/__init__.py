"""An adopter's site, built as in docs/how-to/adopting.md: views, lines of urls.py, a template."""

"""An adopter's site, built as in docs/adopting.md: views, lines of urls.py, a template."""

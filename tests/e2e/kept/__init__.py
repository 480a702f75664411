"""A Django project of its own, kept as a service behind the site as in docs/how-to/django-project.md."""

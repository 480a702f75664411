"""An app of an existing project, moved into the site as in docs/how-to/django-project.md."""

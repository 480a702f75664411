"""The team's own Django apps in this site (GATEHOUSE_APPS; docs/decisions/0020-apps-in-the-site.md)."""

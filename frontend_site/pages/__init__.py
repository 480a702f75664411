"""The pages of the site. They work without JavaScript."""

"""The pages: rendered here, complete without JavaScript."""

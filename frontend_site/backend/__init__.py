"""Calls auth_api. No other package does, except for its event stream."""

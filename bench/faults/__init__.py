"""Faults under load: what Gatehouse answers while its servers fail, against what it acknowledged before.

Usage: .venv/bin/python -m bench.faults [--only TEXT] [--seconds N] [--write]
"""

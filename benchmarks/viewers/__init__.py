"""Thousands of real viewers in one process, at any WHEP server. See `python -m benchmarks.viewers --help`."""

"""The gateway floor: the HTTP API, live events and the dashboard. It imports only the floors below it.

What it needs beside the rest of questline is the extra `questline[gateway]`, so nothing below imports it.
"""

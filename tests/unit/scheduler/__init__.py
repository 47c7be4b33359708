"""Tests of the scheduler that need no server."""

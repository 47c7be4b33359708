"""Tests of the public names and of the command line, run in this process."""

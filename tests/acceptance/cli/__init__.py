"""Tests of the command line as users meet it: real processes in a folder of their own."""

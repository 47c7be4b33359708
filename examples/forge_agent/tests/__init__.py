"""Tests of the agent, with the kit that everybody has: `questline.testing`."""

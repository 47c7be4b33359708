"""Tests of one class or function, without servers."""

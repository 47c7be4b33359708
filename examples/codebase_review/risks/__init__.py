"""Risky patterns in code: their rules, and the search for them."""

from .rules import SEVERITIES, Severity
from .search import MAX_LISTED_PER_RULE, Finding, Risks, find_risks

__all__ = ["MAX_LISTED_PER_RULE", "SEVERITIES", "Finding", "Risks", "Severity", "find_risks"]

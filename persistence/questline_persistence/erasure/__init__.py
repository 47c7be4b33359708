"""Erasure: all that quests of one subject have left, removed for good, with a receipt.

It imports `records` and what is below.
"""

from questline_persistence.erasure.erasing import SUBJECT, Erasing
from questline_persistence.erasure.receipt import Receipt

__all__ = ["SUBJECT", "Erasing", "Receipt"]

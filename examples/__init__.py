"""Worked examples: quests and Lords that do something real."""

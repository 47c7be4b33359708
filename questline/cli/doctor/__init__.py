"""`questline doctor`: what may keep quests from running, one file for each thing that is looked at.

It imports the commands and the frame.
"""

from questline.cli.doctor.command import register

__all__ = ["register"]

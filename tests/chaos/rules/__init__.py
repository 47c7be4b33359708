"""The rules that a history must keep, one file per subject; each yields what breaks it."""

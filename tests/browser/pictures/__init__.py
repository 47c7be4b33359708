"""The pictures of the documentation, taken from the dashboard over made-up quests: `make pictures`."""

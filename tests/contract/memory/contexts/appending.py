"""A program that changes one context again and again, from whatever version is there: URL, name, how often."""

import sys

from questline.memory import Conflict, ContextPersistence

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with ContextPersistence(url) as persistence:
    context = persistence.load_context("w1")
    for number in range(count):
        while True:
            context.phase_history.append(f"{name}-{number}")
            try:
                context.version = persistence.save_context(context, expected_version=context.version)
                break
            except Conflict as conflict:
                context = conflict.current

"""The risky patterns: what each is called, how bad it is, why, and what to do instead."""

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["high", "medium", "low"]

#: From the worst to the least.
SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Rule:
    """A risky pattern, why it is one, and what to do instead."""

    code: str
    severity: Severity
    title: str
    advice: str


_RULES: Final = (
    Rule(
        "eval",
        "high",
        "eval or exec",
        "Text becomes code. Parse it: ast.literal_eval, json, a table of functions.",
    ),
    Rule(
        "pickle",
        "high",
        "Unpickling",
        "Loading a pickle runs what its author chose. Use JSON, or sign the data.",
    ),
    Rule(
        "shell",
        "high",
        "Command through the shell",
        "A quote in an argument becomes a command. Pass a list, no shell.",
    ),
    Rule(
        "yaml-load",
        "high",
        "yaml.load that builds objects",
        "Use yaml.safe_load, or Loader=yaml.SafeLoader.",
    ),
    Rule(
        "secret",
        "high",
        "Secret in the code",
        "Whoever reads the code has it. Read it from the environment, and replace it.",
    ),
    Rule(
        "no-verify",
        "high",
        "TLS certificate not checked",
        "Anyone on the way can answer. Trust the right authority instead.",
    ),
    Rule(
        "bare-except",
        "medium",
        "Bare except",
        "It also catches KeyboardInterrupt and SystemExit. Name what you expect.",
    ),
    Rule(
        "swallowed",
        "medium",
        "Exception swallowed",
        "The error leaves no trace. Log it, or catch what you expect.",
    ),
    Rule(
        "mutable-default",
        "medium",
        "Mutable default argument",
        "All calls share one object. Default to None.",
    ),
    Rule(
        "mktemp",
        "medium",
        "tempfile.mktemp",
        "Another process can take the name first. Use mkstemp or NamedTemporaryFile.",
    ),
    Rule(
        "weak-hash",
        "low",
        "MD5 or SHA-1",
        "Neither resists collisions. Use sha256, or say usedforsecurity=False.",
    ),
    Rule(
        "assert",
        "low",
        "assert outside of tests",
        "python -O removes it. Raise an exception where the check matters.",
    ),
    Rule(
        "equals-none",
        "low",
        "== None",
        "A class may answer == as it likes. Use is None.",
    ),
)

#: Every rule by its code, the worst first.
RULES: Final[dict[str, Rule]] = {rule.code: rule for rule in _RULES}

import json

import pytest

from examples.codebase_review.budget import MAX_OUTPUT_BYTES
from examples.codebase_review.risks import find_risks
from examples.codebase_review.risks import search as searching
from examples.codebase_review.risks.reader import RiskReader
from examples.codebase_review.risks.rules import RULES, SEVERITIES
from examples.codebase_review.source import parse

from .conftest import Tree


def hits(code: str, *, in_tests: bool = False) -> list[tuple[str, int]]:
    return [(hit.code, hit.line) for hit in RiskReader(parse(code.encode()), in_tests=in_tests).hits()]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("eval(x)", "eval"),
        ("exec(x)", "eval"),
        ("import builtins\nbuiltins.eval(x)", "eval"),
        ("import pickle\npickle.loads(x)", "pickle"),
        ("from pickle import load as take\ntake(x)", "pickle"),
        ("import marshal as m\nm.loads(x)", "pickle"),
        ("import shelve\nshelve.open(x)", "pickle"),
        ("import subprocess as sp\nsp.run(x, shell=True)", "shell"),
        ("from subprocess import Popen\nPopen(x, shell=True)", "shell"),
        ("import os\nos.system(x)", "shell"),
        ("import os.path\nos.popen(x)", "shell"),
        ("import asyncio\nasyncio.create_subprocess_shell(x)", "shell"),
        ("import yaml\nyaml.load(x)", "yaml-load"),
        ("import yaml\nyaml.load(x, Loader=yaml.Loader)", "yaml-load"),
        ("from yaml import load, Loader\nload(x, Loader)", "yaml-load"),
        ("import requests\nrequests.get(x, verify=False)", "no-verify"),
        ("session().post(x, verify=False)", "no-verify"),
        ("import ssl\nssl._create_unverified_context()", "no-verify"),
        ("try: pass\nexcept: pass", "bare-except"),
        ("try: pass\nexcept Exception: pass", "swallowed"),
        ("try: pass\nexcept (ValueError, BaseException): ...", "swallowed"),
        ("def f(\n a=[]): pass", "mutable-default"),
        ("def f(a, *,\n b={}): pass", "mutable-default"),
        ("async def f(\n a=dict()): pass", "mutable-default"),
        ("import collections\nlambda a=collections.defaultdict(int): a", "mutable-default"),
        ("import tempfile\ntempfile.mktemp()", "mktemp"),
        ("import hashlib\nhashlib.md5(x)", "weak-hash"),
        ("from hashlib import sha1\nsha1(x)", "weak-hash"),
        ("import hashlib\nhashlib.new('SHA-1')", "weak-hash"),
        ("\nassert x", "assert"),
        ("x == None", "equals-none"),
        ("1 < x != None", "equals-none"),
    ],
)
def test_a_risky_pattern_is_found_on_its_line(code: str, rule: str) -> None:
    last_line = code.count("\n") + 1
    assert hits(code) == [(rule, last_line)]


@pytest.mark.parametrize(
    "code",
    [
        "import ast\nast.literal_eval(x)",
        "model.eval()",
        "from mine import eval\neval(x)",
        "def exec_all(): pass\nexec_all()",
        "import pickle\npickle.dumps(x)",
        "import json\njson.loads(x)",
        "pickle.loads(x)",
        "from .pickle import loads\nloads(x)",
        "import subprocess\nsubprocess.run(x, shell=False)",
        "run(x, shell=True)",
        "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
        "import yaml\nyaml.load(x, yaml.CSafeLoader)",
        "import yaml\nyaml.safe_load(x)",
        "import requests\nrequests.get(x, verify=True)",
        "check(x, verify=False)",
        "try: pass\nexcept:\n close()\n raise",
        "try: pass\nexcept Exception: log()",
        "try: pass\nexcept OSError: pass",
        "def f(a=(), b=None, c=frozenset()): pass",
        "import hashlib\nhashlib.sha256(x)",
        "import hashlib\nhashlib.md5(x, usedforsecurity=False)",
        "import tempfile\ntempfile.mkstemp()",
        "x is None",
        "x == 1",
    ],
)
def test_a_harmless_likeness_is_not_reported(code: str) -> None:
    assert hits(code) == []


def test_an_assert_in_a_test_is_how_tests_speak() -> None:
    assert hits("assert x", in_tests=True) == []


def test_every_place_in_a_file_is_found_in_order() -> None:
    code = "import os\nos.system(a)\n\ndef f(x=[]):\n    eval(x)\n    return x == None\n"
    assert hits(code) == [("shell", 2), ("mutable-default", 4), ("eval", 5), ("equals-none", 6)]


@pytest.mark.parametrize(
    "code",
    [
        "password = 'hunter22'",
        "self.db_password = 'hunter22'",
        "config['password'] = 'hunter22'",
        "PASSWORD: str = 'hunter22'",
        "connect(password='hunter22')",
        "{'password': 'hunter22'}",
        "def f(secret='hunter22'): pass",
        "api_key = 'a1b2c3d4e5f6a7b8'",
        "x = 'AKIA" + "A1B2" * 4 + "'",
        "x = 'see ghp_" + "a1B2" * 9 + "'",
        "x = '''-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE'''",
    ],
)
def test_a_secret_is_found_and_its_value_kept_out_of_the_finding(code: str) -> None:
    found = RiskReader(parse(code.encode()), in_tests=False).hits()
    assert [(hit.code, hit.line) for hit in found] == [("secret", 1)]
    assert not any(value in found[0].detail for value in ("hunter22", "a1b2", "AKIA", "ghp_", "MIIE"))


@pytest.mark.parametrize(
    "code",
    [
        "password = ''",
        "password = 'short'",
        "password = getpass()",
        "password = '<password>'",
        "password = 'your-password'",
        "password = 'changeme'",
        "PASSWORD = 'password'",
        "PASSWORD = 'db_password'",
        "password_field = 'hunter22'",
        "password = 'what a user may type here'",
        "token = 'NEWLINE'",
        "token = 'abcdefghijklmnopqrst'",
        "api_key = 'API_KEY_FROM_ENV_1234 '",
        "x = 'ghp_too_short'",
    ],
)
def test_a_name_a_placeholder_or_a_word_is_no_secret(code: str) -> None:
    assert hits(code) == []


def test_findings_outside_of_tests_come_first_and_the_worst_before_the_rest(tree: Tree) -> None:
    root = tree(
        {
            "a.py": "assert x\nx == None\n",
            "b.py": "eval(x)\ntry: pass\nexcept: pass\n",
            "tests/test_a.py": "assert eval(x)\n",
        }
    )
    result = find_risks(root, ["a.py", "b.py", "tests/test_a.py"])
    assert [(found["severity"], found["file"], found["line"]) for found in result["findings"]] == [
        ("high", "b.py", 1),
        ("medium", "b.py", 3),
        ("low", "a.py", 1),
        ("low", "a.py", 2),
        ("high", "tests/test_a.py", 1),
    ]
    assert result["by_severity"] == {"high": 1, "medium": 1, "low": 2}
    assert (result["total"], result["in_tests"], result["truncated"]) == (5, 1, False)
    counts = {row["rule"]: (row["count"], row["in_tests"], row["files"]) for row in result["rules"]}
    assert counts == {"eval": (1, 1, 2), "bare-except": (1, 0, 1), "assert": (1, 0, 1), "equals-none": (1, 0, 1)}
    assert result["risky_files"][0] == {"file": "b.py", "high": 1, "medium": 1, "low": 0}


def test_one_pattern_cannot_crowd_out_the_others(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MAX_LISTED_PER_RULE", 3)
    result = find_risks(tree({"a.py": "eval(x)\n" * 9 + "x == None\n"}), ["a.py"])
    assert [found["rule"] for found in result["findings"]] == ["eval"] * 3 + ["equals-none"]
    assert (result["total"], result["truncated"], result["by_severity"]["high"]) == (10, True, 9)


def test_the_output_stays_small_whatever_is_found(tree: Tree) -> None:
    worst = "import os\n" + "eval(x)\nos.system(x)\nassert x == None\ntry: pass\nexcept: pass\n" * 100
    names = [f"{'é' * 100}/{'y' * 100}/{number}.py" for number in range(20)]
    result = find_risks(tree(dict.fromkeys(names, worst)), names)
    assert result["total"] == 20 * 500
    assert len(json.dumps(result)) < MAX_OUTPUT_BYTES


def test_files_that_do_not_parse_are_only_counted(tree: Tree) -> None:
    result = find_risks(tree({"bad.py": "eval(", "good.py": "eval(x)"}), ["bad.py", "good.py"])
    assert (result["files"], result["unparsed"], result["total"]) == (1, 1, 1)


def test_no_files_hold_no_risks(tree: Tree) -> None:
    result = find_risks(tree({}), [])
    assert (result["total"], result["rules"], result["findings"]) == (0, [], [])


def test_every_rule_has_a_severity_a_reason_and_stands_in_order() -> None:
    order = [SEVERITIES.index(rule.severity) for rule in RULES.values()]
    assert order == sorted(order)
    assert all(rule.title and rule.advice.endswith(".") for rule in RULES.values())

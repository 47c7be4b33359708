import random
import subprocess
import sys

import pytest

from questline_persistence.ids import MAX_NAME, is_name, new_claim_id

_FORKED = """
import os
import pytest

from questline_persistence.ids import MAX_NAME, is_name, new_claim_id
new_claim_id()
if os.fork() == 0:
    print(new_claim_id(), flush=True)
    os._exit(0)
os.wait()
print(new_claim_id())
"""


def test_a_claim_has_a_name_of_32_hexadecimal_digits_and_no_other_has_it() -> None:
    names = {new_claim_id() for _ in range(1_000)}
    assert len(names) == 1_000
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)


def test_a_forked_process_names_its_claims_otherwise() -> None:
    told = subprocess.run([sys.executable, "-c", _FORKED], capture_output=True, text=True, check=True)
    child, parent = told.stdout.split()
    assert child != parent


def test_a_handler_that_seeds_pythons_random_numbers_makes_no_claims_name_come_again() -> None:
    names = set()
    for _ in range(2):
        random.seed(1)
        names.add(new_claim_id())
    assert len(names) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("design.system-2_x", True),
        ("a" * MAX_NAME, True),
        ("a" * (MAX_NAME + 1), False),
        ("", False),
        ("-a", False),
        ("a b", False),
        ("a\n", False),
        (5, False),
    ],
)
def test_a_name_is_letters_digits_and_a_few_signs(value: object, *, expected: bool) -> None:
    assert is_name(value) is expected

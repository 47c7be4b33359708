"""How to run PostgreSQL, which refuses to run as root, when the tests run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.servers.process import ServerError

#: Every system knows this account, and initdb asks for the name of the account that it runs as.
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """What to put before a command, and which user to start it as."""

    prefix: tuple[str, ...] = ()
    user: str | None = None

    def give(self, path: Path) -> None:
        """Make the account the owner of a folder that we made for it."""
        if self.user is not None:
            shutil.chown(path, self.user)

    def can_run(self, program: Path) -> bool:
        """Tell whether a command runs under this account on this machine."""
        command = [*self.prefix, str(program), "--version"]
        try:
            return subprocess.run(command, user=self.user, capture_output=True, check=False).returncode == 0
        except OSError:  # no `unshare`, or the account may not look into the program's folder
            return False


@cache
def unprivileged_account(program: Path) -> Account:
    """Choose an account other than root that can run `program`.

    A user namespace comes before `nobody`, because it also works when the program lies in a folder that only root
    may enter; containers with a strict seccomp profile forbid it.
    """
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam(NOBODY)
    namespace = Account(prefix=("unshare", "-U", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"))
    for account in (namespace, Account(user=NOBODY)):
        if account.can_run(program):
            return account
    raise ServerError(
        f"PostgreSQL does not run as root, user namespaces are forbidden here, and {NOBODY!r} cannot run {program}. "
        "Run the tests as another user, or set QUESTLINE_TEST_PG_URL to a server of yours."
    )

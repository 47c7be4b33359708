"""What a process that a test starts does with signals, however the test run itself was started."""

import signal


def answer_to_ctrl_c() -> None:
    """Handle SIGINT as at a terminal; to be called in the child, between fork and exec.

    A shell without job control has its background commands ignore it, and so does whatever they start.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)

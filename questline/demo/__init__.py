"""The demonstration: real reviews of the standard library, with a worker killed, a pause, a resume and a replay."""

from questline.demo.run import run

__all__ = ["run"]

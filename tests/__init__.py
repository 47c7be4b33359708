"""The tests, by speed and reach: unit, property, integration, acceptance, typing.

They look into stores with `sqlite3`, too: it is to be the library that a worker uses, so that is decided before all.
"""

from questline_persistence.dialects.sqlite.library import driver

driver()

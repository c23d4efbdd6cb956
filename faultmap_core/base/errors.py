"""Every way in which this project's own code can fail, in one tree.

    FaultmapError
    ├── ConfigurationError      a setting, an argument or an option has a value that is not allowed
    ├── EvalFileError           an eval file cannot be read at all (a bad row is quarantined instead)
    │   └── EmptyFileError          it holds no rows: nothing is wrong with the others
    ├── EmbeddingError          the embedder is missing, failed, or returned something else than vectors
    ├── ScoringError            scores cannot be computed from what is given
    ├── ClusteringError         vectors cannot be clustered (wrong shape, not finite)
    ├── ClaimError              figures that contradict each other cannot be told as a claim
    ├── LanguageModelError      calls cannot be made or recorded at all (a failed call is an outcome instead)
    └── WarehouseError          the DuckDB warehouse cannot be opened, read or written
        ├── WarehouseLockedError    another process holds it and did not let go in time
        └── WarehouseVersionError   it was written by a newer version of this project

Each message says what was wrong, where, what was expected and what to do next, in one line, so that a
front door can print it as it is.
"""


class FaultmapError(Exception):
    """Base of all errors that this project raises on purpose."""


class ConfigurationError(FaultmapError, ValueError):
    """A setting, an argument or an option has a value that is not allowed."""


class EvalFileError(FaultmapError):
    """An eval file cannot be read at all."""


class EmptyFileError(EvalFileError):
    """An eval file or a log holds no rows."""


class EmbeddingError(FaultmapError):
    """The embedder is missing, failed, or returned something else than vectors."""


class ScoringError(FaultmapError):
    """Scores cannot be computed from what is given."""


class ClusteringError(FaultmapError):
    """Vectors cannot be clustered."""


class ClaimError(FaultmapError, ValueError):
    """The parts of a claim contradict each other, so that it cannot be rendered."""


class LanguageModelError(FaultmapError):
    """Calls of a language model cannot be made or recorded at all: prompt template, call store, price, arguments."""


class WarehouseError(FaultmapError):
    """The warehouse cannot be opened, read or written."""


class WarehouseLockedError(WarehouseError):
    """Another process holds the warehouse and did not let go in time."""


class WarehouseVersionError(WarehouseError):
    """The warehouse was written by a newer version of this project."""

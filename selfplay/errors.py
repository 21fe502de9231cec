"""The error tree. Every error a user can cause is one sentence with its remedy, and ends the command with exit code 2.

    SelfplayError
    ├── ConfigError (ValueError)        a key, value or file of the experiment
    ├── RunError (RuntimeError)         a run directory that cannot be used or continued
    ├── EngineError (RuntimeError)      an engine that cannot start, or died with its log's tail
    │   └── WeightsMismatch             the engine does not hold the weights of the folder it was given
    ├── ModelError (ValueError)         a model folder or Hub id that cannot be used
    ├── TrainingError (RuntimeError)    a training that failed, or did no work
    │   └── LossNotFinite               its loss became NaN or infinite
    └── Interrupted                     a signal ended the command, whose exit code is the signal's (signals.py)

All are picklable, because Ray carries them between processes: each takes exactly its message.
"""

from __future__ import annotations


class SelfplayError(Exception):
    """Root of the tree; the message is meant for a person."""


class ConfigError(SelfplayError, ValueError):
    """A key, a value or a file of the experiment is wrong."""


class RunError(SelfplayError, RuntimeError):
    """A run directory cannot be created, read or continued."""


class EngineError(SelfplayError, RuntimeError):
    """An engine cannot start, or died."""


class WeightsMismatch(EngineError):
    """The engine's output is not that of the weights it was told to load."""


class ModelError(SelfplayError, ValueError):
    """A model folder or Hub id cannot be used."""


class TrainingError(SelfplayError, RuntimeError):
    """A training failed, or ended without having trained."""


class LossNotFinite(TrainingError):
    """The loss of a training became NaN or infinite; there is no student."""

"""Finding distillation methods: by name through the group `selfplay.distill`, or `path/to/file.py:name`."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, ValidationInfo, ValidatorFunctionWrapHandler

from selfplay.distill.method import DistillSettings, Method
from selfplay.errors import ConfigError
from selfplay.tasks.plugins import Found, PluginGroup


def _declared(found: Found) -> type[Method]:
    value, where = found.value, found.where
    if not (isinstance(value, type) and issubclass(value, Method)):
        raise ConfigError(f"{where} is not a subclass of selfplay.distill.method.Method")
    if not isinstance(getattr(value, "name", None), str) or getattr(value.train, "__isabstractmethod__", False):
        raise ConfigError(f"{where} lacks a `name` or `train`; a method has both")
    if not (isinstance(value.Settings, type) and issubclass(value.Settings, DistillSettings)):
        raise ConfigError(f"{where} has `Settings` that do not derive from selfplay.distill.method.DistillSettings")
    return value


METHODS = PluginGroup(
    "selfplay.distill", "distillation method", unknown=ConfigError, broken=ConfigError, declared=_declared
)


class RecordedSettings(DistillSettings):
    """The settings of a run that was made: whatever its method's keys are, without asking the method."""

    model_config = ConfigDict(extra="allow")


def distill_settings(value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> DistillSettings:
    """The section `distill` as the settings of the method that it names: for pydantic, as a wrap validator."""
    method = value.get("method", DistillSettings.model_fields["method"].default) if isinstance(value, dict) else None
    if isinstance(value, dict) and (info.context or {}).get("recorded"):
        return RecordedSettings.model_validate(value)
    if not isinstance(method, str):
        found: DistillSettings = validate(value)
        return found
    # an error in it keeps its own key: pydantic takes a ValidationError over as it is
    try:
        settings = METHODS.find(method).Settings
    except ConfigError as error:
        raise ConfigError(f"`method`: {error}") from None
    return settings.model_validate(value)

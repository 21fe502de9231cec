"""A verifier with its settings: as a config names it (`VerifierSpec`), and built, ready to judge (`LoadedVerifier`).

spec = VerifierSpec(verifier="math", settings={"answer": "whole"})
spec.load().verify({"answer": "1/2"}, "0.5").outcome        "accepted", in this process and without limits
Supervisor(spec, workers=2)                                 the same in worker processes with limits
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from selfplay.tasks.errors import error_text
from selfplay.tasks.plugins import absolute_in
from selfplay.tasks.problem import content_hash
from selfplay.verifiers.contract.registry import VERIFIERS, check_built
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.errors import BadReference, BadSettings, BrokenVerifier, VerifierError, first_complaint

Read = TypeVar("Read")


class VerifierSpec(BaseModel):
    """One verifier and its settings. Not yet looked up: the plugin may not be installed here."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    verifier: str = Field(min_length=1)
    """A registered name, or `path/to/file.py:name`."""
    settings: dict[str, JsonValue] = {}

    @classmethod
    def of(cls, verifier: VerifierSpec | str, settings: Mapping[str, JsonValue] | None = None) -> VerifierSpec:
        """From a name and settings, as a person or another stack gives them; a spec stays as it is.

        Raises:
            BadSettings: settings that JSON cannot carry, or that are given beside a spec.
        """
        if isinstance(verifier, VerifierSpec):
            if settings:
                raise BadSettings(f"the VerifierSpec of {verifier.verifier} has its own settings; leave out the others")
            return verifier
        try:
            plain = json.loads(json.dumps(dict(settings or {}), allow_nan=False))
            return cls(verifier=verifier, settings=plain)
        except ValidationError as error:
            raise BadSettings(f"the verifier {verifier!r:.100}, {first_complaint(error)}") from error
        except (TypeError, ValueError, RecursionError) as error:
            raise BadSettings(
                f"the settings of {verifier} are not JSON ({error}); use text, numbers, lists and objects"
            ) from error

    def load(self) -> LoadedVerifier:
        """Find it and build it, to judge in this process without limits.

        Raises:
            UnknownVerifier: nothing of that name, or no such file.
            BrokenVerifier: it cannot be imported or built, breaks the contract, or needs a package that is missing.
            BadSettings: an unknown key or a wrong value; names the key and the known keys.
        """
        declared = VERIFIERS.find(self.verifier)
        settings = _settings(declared, self.settings)
        try:
            plugin = declared(settings)
            if not hasattr(plugin, "settings"):
                plugin.settings = settings  # its own `__init__` does not call ours
            check_built(plugin)
            settings_hash = content_hash(plugin.identity())
        except VerifierError:
            raise
        except Exception as error:
            raise BrokenVerifier(
                f"the {declared.name} verifier cannot be built ({error_text(error)}); repair the plugin"
            ) from error
        if missing := plugin.needs.missing:
            raise BrokenVerifier(
                f"the {declared.name} verifier needs the package `{missing[0]}`, which is not installed; install it"
            )
        return LoadedVerifier(plugin, settings, settings_hash)

    def absolute(self) -> Self:
        """The same with every plugin file named by its absolute path, so that it means the same in other processes."""
        return self.model_copy(update={"verifier": absolute_in(self.verifier), "settings": absolute_in(self.settings)})

    @property
    def key(self) -> str:
        """Canonical JSON of both: equal for equal specs."""
        return json.dumps([self.verifier, self.settings], sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def load(verifier: str, settings: Mapping[str, JsonValue] | None = None) -> LoadedVerifier:
    """Find a verifier and build it. Raises as `VerifierSpec.of` and `VerifierSpec.load`."""
    return VerifierSpec.of(verifier, settings).load()


def _settings(declared: type[Verifier], given: Mapping[str, JsonValue]) -> BaseModel:
    model = declared.Settings
    try:
        return model.model_validate(given)
    except ValidationError as error:
        known = ", ".join(f"`{key}`" for key in model.model_fields) or "none"
        raise BadSettings(
            f"settings of the {declared.name} verifier, {first_complaint(error)}; it has these keys: {known}"
        ) from error
    except VerifierError:
        raise
    except Exception as error:
        raise BadSettings(
            f"settings of the {declared.name} verifier cannot be read ({error_text(error)}); correct them, "
            "or repair the plugin"
        ) from error


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier ready to judge in this process, without limits. What the plugin returns is checked here."""

    plugin: Verifier
    settings: BaseModel
    settings_hash: str
    """16 hex digits of the canonical JSON of the plugin's `identity`: by default its settings, defaults included."""

    @property
    def name(self) -> str:
        return self.plugin.name

    @property
    def version(self) -> str:
        return self.plugin.version

    @property
    def batch(self) -> int:
        """Most completions to judge at once; 1 where there is no batch form."""
        return max(1, int(self.plugin.batch)) if self.plugin.has_batch_form() else 1

    def verify(
        self,
        reference: Mapping[str, JsonValue],
        completion: str,
        *,
        prompt: str | None = None,
        timeout: float | None = None,
    ) -> Verdict:
        """Validate the reference and judge. Raises BadReference, TypeError where the plugin returned something that is
        no `Verdict`, and whatever the plugin raises."""
        return self.judge(Asked(self.read_reference(reference), completion, prompt, timeout))

    def judge(self, asked: Asked) -> Verdict:
        """The verdict for a reference that `read_reference` gave. Raises as `verify`."""
        return self._checked(self.plugin.verify(asked))

    def judge_many(self, asked: Sequence[Asked]) -> list[Verdict]:
        """The verdicts of the batch form, or of `verify` one by one where there is none, in order. Raises as `verify`,
        and TypeError where the plugin did not return one `Verdict` for each completion."""
        verdicts = [self._checked(verdict) for verdict in self.plugin.verify_many(asked)]
        if len(verdicts) != len(asked):
            raise TypeError(f"{self.name} returned {len(verdicts)} verdicts for {len(asked)} completions")
        return verdicts

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the plugin takes it. Raises BadReference, which names the key."""
        return self._reading(self.plugin.read_reference, reference)

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Asked before a run. Raises BadReference where no completion could be accepted with the reference."""
        self._reading(self.plugin.check_reference, reference)

    def _reading(self, read: Callable[[Mapping[str, JsonValue]], Read], reference: Mapping[str, JsonValue]) -> Read:
        try:
            return read(reference)
        except ValidationError as error:
            raise BadReference(
                f"the reference does not fit the {self.name} verifier, {first_complaint(error)}"
            ) from error
        except (VerifierError, MemoryError):
            raise
        except Exception as error:
            raise BadReference(
                f"the {self.name} verifier cannot read the reference ({error_text(error)[:300]})"
            ) from error

    def _checked(self, verdict: object) -> Verdict:
        if not isinstance(verdict, Verdict):
            raise TypeError(f"{self.name} returned {type(verdict).__name__} where a Verdict is due")
        return verdict

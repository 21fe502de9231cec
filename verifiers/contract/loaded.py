"""A verifier with its settings: found, validated and ready to judge in this process, without limits.

`Supervisor` is what judges under limits; this is what it runs inside its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from selfplay.tasks.errors import error_text
from selfplay.tasks.problem import content_hash
from selfplay.verifiers.contract.conformance import check_built
from selfplay.verifiers.contract.needs import Needs
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.errors import BadReference, BadSettings, BrokenVerifier, VerifierError, first_complaint

Read = TypeVar("Read")


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier ready to judge. What a plugin gives is checked here: its references, its verdicts."""

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
    def needs(self) -> Needs:
        return self.plugin.needs

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
        """Validate the reference and judge.

        Raises:
            BadReference: the reference does not fit the verifier's model.
            TypeError: the plugin returned something that is no `Verdict`.
            Exception: whatever the plugin raises.
        """
        return self.judge(Asked(self.read_reference(reference), completion, prompt, timeout))

    def judge(self, asked: Asked) -> Verdict:
        """The verdict for a reference that `read_reference` gave. Raises as `verify`."""
        return self._checked(self.plugin.verify(asked))

    def judge_many(self, asked: Sequence[Asked]) -> list[Verdict]:
        """The verdicts of the batch form, or of `verify` one by one where there is none, in order.

        Raises:
            TypeError: the plugin did not return one `Verdict` for each completion.
            Exception: whatever the plugin raises.
        """
        verdicts = [self._checked(verdict) for verdict in self.plugin.verify_many(asked)]
        if len(verdicts) != len(asked):
            raise TypeError(f"{self.name} returned {len(verdicts)} verdicts for {len(asked)} completions")
        return verdicts

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the plugin takes it.

        Raises:
            BadReference: it does not fit, or the plugin fails on it; names the key.
        """
        return self._reading(self.plugin.read_reference, reference)

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Whether anything could be accepted with this reference; asked before a run.

        Raises:
            BadReference: it does not fit, or leaves a composed verifier undecided or worse whatever the completion.
        """
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


def build(declared: type[Verifier], settings: Mapping[str, JsonValue]) -> LoadedVerifier:
    """Resolve the settings and build the verifier.

    Raises:
        BadSettings: an unknown key or a wrong value; names the key and the known keys.
        BrokenVerifier: a package that it needs is not installed, or it raises while it is built.
    """
    model = declared.Settings
    try:
        resolved = model.model_validate(settings)
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
    try:
        plugin = declared(resolved)
        if not hasattr(plugin, "settings"):
            plugin.settings = resolved  # its own `__init__` did not hand them on
        check_built(plugin, f"the {declared.name} verifier")
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
    return LoadedVerifier(plugin, resolved, settings_hash)

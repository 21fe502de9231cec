"""A verifier with its settings: found, validated and ready to judge in this process, without limits.

`Supervisor` is what judges under limits; this is what it runs inside its workers. Everything that a plugin may leave
out (a reference model, settings, the batch form, needs) is given its default here, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from selfplay.tasks.problem import content_hash
from selfplay.tasks.said import said
from selfplay.verifiers.contract.conformance import OFFERED, asked_for, check_built
from selfplay.verifiers.contract.needs import Needs
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import NOTHING, AnyReference, NoSettings, Verifier
from selfplay.verifiers.errors import BadReference, BadSettings, BrokenVerifier, VerifierError, first_complaint

DEFAULT_TIMEOUT = 10.0
"""Seconds for a completion where neither the caller nor the verifier's settings say."""


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier ready to judge."""

    plugin: Verifier
    name: str
    version: str
    settings: BaseModel
    settings_hash: str
    """16 hex digits of the canonical JSON of the resolved settings, and of the parts of a composed verifier."""
    arguments: frozenset[str]
    """Which of `prompt` and `timeout` the plugin's `verify` asks for."""
    many_arguments: frozenset[str]
    """Which of `prompts` and `timeout` its `verify_many` asks for."""

    @property
    def sandbox_level(self) -> str | None:
        return getattr(self.plugin, "sandbox_level", None)

    @property
    def needs(self) -> Needs:
        return getattr(self.plugin, "needs", NOTHING)

    @property
    def batch(self) -> int:
        """Most completions to judge at once; 1 where there is no batch form."""
        wanted = getattr(self.plugin, "batch", 0)
        return max(1, int(wanted)) if callable(getattr(self.plugin, "verify_many", None)) else 1

    @property
    def timeout(self) -> float:
        """A completion's own budget in seconds, as the settings give it."""
        for place in (self.plugin, self.settings):
            budget = getattr(place, "timeout", None)
            if isinstance(budget, int | float) and budget > 0:
                return float(budget)
        return DEFAULT_TIMEOUT

    @property
    def budgets(self) -> int:
        """How many times a completion may use a budget that the caller gives: the parts of a composed verifier."""
        return int(getattr(self.plugin, "budgets", 1))

    def warm(self) -> None:
        warm = getattr(self.plugin, "warm", None)
        if warm is not None:
            warm()

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
        return self.judge(self.read_reference(reference), completion, prompt, timeout)

    def judge(self, reference: Any, completion: str, prompt: str | None, timeout: float | None) -> Verdict:
        """The verdict for a reference that `read_reference` gave. Raises as `verify`."""
        offered = {"prompt": prompt, "timeout": timeout}
        extra = {key: value for key, value in offered.items() if key in self.arguments}
        verdict = self.plugin.verify(reference, completion, **extra)
        if not isinstance(verdict, Verdict):
            raise TypeError(f"{self.name} returned {type(verdict).__name__} where a Verdict is due")
        return verdict

    def judge_many(
        self,
        references: Sequence[Any],
        completions: Sequence[str],
        prompts: Sequence[str | None],
        timeout: float | None,
    ) -> list[Verdict]:
        """The verdicts of the batch form, or of `verify` one by one where there is none, in order.

        Raises:
            TypeError: the plugin did not return one `Verdict` for each completion.
            Exception: whatever the plugin raises.
        """
        if self.batch == 1:
            asked = zip(references, completions, prompts, strict=True)
            return [self.judge(reference, text, prompt, timeout) for reference, text, prompt in asked]
        offered = {"prompts": list(prompts), "timeout": timeout}
        extra = {key: value for key, value in offered.items() if key in self.many_arguments}
        many: Any = self.plugin
        verdicts = list(many.verify_many(list(references), list(completions), **extra))
        wrong = next((type(verdict).__name__ for verdict in verdicts if not isinstance(verdict, Verdict)), None)
        if wrong is not None:
            raise TypeError(f"{self.name} returned {wrong} where a Verdict is due")
        if len(verdicts) != len(completions):
            raise TypeError(f"{self.name} returned {len(verdicts)} verdicts for {len(completions)} completions")
        return verdicts

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the plugin's own model (or as a dict where it declares none).

        Raises:
            BadReference: it does not fit, or the plugin fails on it; names the key.
        """
        own = getattr(self.plugin, "read_reference", None)
        model = getattr(self.plugin, "Reference", AnyReference)
        if own is None and model is AnyReference:
            return dict(reference)
        try:
            return model.model_validate(reference) if own is None else own(reference)
        except ValidationError as error:
            raise BadReference(
                f"the reference does not fit the {self.name} verifier, {first_complaint(error)}"
            ) from error
        except (VerifierError, MemoryError):
            raise
        except Exception as error:
            raise BadReference(f"the {self.name} verifier cannot read the reference ({said(error)[:300]})") from error

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Whether anything could be accepted with this reference; asked before a run.

        Raises:
            BadReference: it does not fit, or leaves a composed verifier undecided or worse whatever the completion.
        """
        own = getattr(self.plugin, "check_reference", None)
        if own is None:
            self.read_reference(reference)
        else:
            own(reference)


def build(declared: type[Verifier], settings: Mapping[str, JsonValue]) -> LoadedVerifier:
    """Resolve the settings and build the verifier.

    Raises:
        BadSettings: an unknown key or a wrong value; names the key and the known keys.
        BrokenVerifier: a package that it needs is not installed, or it raises while it is built.
    """
    model = getattr(declared, "Settings", NoSettings)
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
            f"settings of the {declared.name} verifier cannot be read ({said(error)}); correct them, "
            "or repair the plugin"
        ) from error
    try:
        plugin = declared(resolved)
        check_built(plugin, f"the {declared.name} verifier")
        identity = getattr(plugin, "identity", None)
        settings_hash = content_hash(identity() if identity else resolved.model_dump(mode="json"))
    except VerifierError:
        raise
    except Exception as error:
        raise BrokenVerifier(
            f"the {declared.name} verifier cannot be built ({said(error)}); repair the plugin"
        ) from error
    missing = getattr(plugin, "needs", NOTHING).missing
    if missing:
        raise BrokenVerifier(
            f"the {declared.name} verifier needs the package `{missing[0]}`, which is not installed; install it"
        )
    return LoadedVerifier(
        plugin=plugin,
        name=declared.name,
        version=str(declared.version),
        settings=resolved,
        settings_hash=settings_hash,
        arguments=asked_for(declared.verify, OFFERED["verify"]),
        many_arguments=asked_for(getattr(declared, "verify_many", None), OFFERED["verify_many"]),
    )

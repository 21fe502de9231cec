"""The code verifier: is this program right, by its unit tests?

What is covered: with `seal: apart`, the default, the program runs in a process of its own inside the sandbox, expected
values never go there, what comes back is plain data, and the comparison happens here (or, for tests that are more than
`f(x) == value`, in a second sandboxed process that holds the tests). Nothing that the program prints, raises, patches
or exits with can be read as a pass. With `seal: shared` tests and program share an interpreter in the sandbox, which a
program can exploit; each verdict then says so. What is not covered: a program that is right on the tests and wrong
elsewhere, one that tells the tests' inputs apart, and tests that can be met without solving the problem.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from selfplay.verifiers.code import asserts, extract, sealed_tests, whole_programs
from selfplay.verifiers.code.program_run import Failed, ProgramRun
from selfplay.verifiers.code.reference import CodeReference, Plan, plan
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.errors import BrokenVerifier
from selfplay.verifiers.sandbox.open_sandbox import check, open_sandbox
from selfplay.verifiers.sandbox.protocol import LevelRefused, Limits, Sandbox, SandboxError

MAX_COMPLETION = 1 << 20


class CodeSettings(BaseModel):
    """Limits of one program; a limit that it reaches is its own failure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout: float = Field(default=3.0, gt=0, le=3600)
    """Seconds of CPU time for all tests of a program together, in at most twice as much wall time."""
    memory_mb: int = Field(default=256, ge=16, le=1 << 20)
    """On top of the interpreter."""
    scratch_mb: int = Field(default=16, ge=1, le=4096)
    """All files that it writes; there is a place for them at the level `namespaces` only."""
    output_kb: int = Field(default=64, ge=1, le=1 << 20)
    """What it may print."""
    result_kb: int = Field(default=1024, ge=1, le=1 << 18)
    """One returned value, as it crosses to the tests."""
    seal: Literal["apart", "shared"] = "apart"
    """Whether tests run in a process of their own (`apart`), or in the program's interpreter (`shared`), with real
    pytest where `packages` names it. Only `apart` holds against a program that sets out to forge its verdict."""
    sandbox: Annotated[str, AfterValidator(check)] = "landlock"
    """The lowest isolation to accept (`namespaces`, `landlock` or `process`; better is taken where the machine gives
    it), or the address of a remote sandbox, such as `https://sandbox.example:9000`."""
    packages: tuple[Annotated[str, Field(pattern=r"^[^\W\d]\w*$")], ...] = ()
    """What programs and tests may import besides the standard library, such as `numpy` or `pytest`, with what it needs;
    must be installed here."""


class CodeVerifier(Verifier):
    """Judges a response that contains a Python program by asserts, a check function or input and output."""

    name: ClassVar[str] = "code"
    version: ClassVar[str] = "4"
    judges: ClassVar[str] = "that the program passes every unit test of the problem, run in a sandbox"
    does_not_catch: ClassVar[str] = "programs that are wrong only where the tests do not look"
    Reference: ClassVar[type[BaseModel]] = CodeReference
    Settings: ClassVar[type[BaseModel]] = CodeSettings

    def __init__(self, settings: CodeSettings, sandbox: Sandbox | None = None) -> None:
        """Args:
        sandbox: one that is already there; by default `warm` starts the best that the machine gives.
        """
        super().__init__(settings)
        self._sandbox = sandbox
        self.sandbox_level: str | None = sandbox.level if sandbox else None
        """The level reached; None until `warm`."""

    def warm(self) -> None:
        """Start the sandbox. Raises BrokenVerifier where the machine refuses the level that is asked for."""
        if self._sandbox is not None:
            return
        try:
            self._sandbox = open_sandbox(self.settings.sandbox, self.settings.packages)
        except LevelRefused as error:
            raise BrokenVerifier(str(error)) from error
        self.sandbox_level = self._sandbox.level
        if self.settings.seal == "shared" and not self.sandbox_level.endswith("namespaces"):
            level = self.sandbox_level
            self.close()
            raise BrokenVerifier(
                f"`seal: shared` needs the sandbox level `namespaces`, where tests may write files, and this one is "
                f"`{level}`; allow user namespaces on this machine, or use `seal: apart`"
            )

    def close(self) -> None:
        """End the sandbox; the next `verify` starts another. It ends by itself with this process."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()

    def verify(self, asked: Asked) -> Verdict:
        """Judge one response; its own budget, where it has one, takes the place of the setting.

        Raises:
            BrokenVerifier: no sandbox of the accepted level can be had here.
        """
        reference: CodeReference = asked.reference
        completion = asked.completion
        if len(completion) > MAX_COMPLETION:
            return Verdict.reject("too_large", characters=len(completion), allowed=MAX_COMPLETION)
        made = plan(reference)
        if made.broken is not None:
            return Verdict.fault(f"the tests of this problem cannot be read ({made.broken})")
        programs = extract.readings(completion, made.names, reference.prefix)[: extract.MAX_READINGS]
        if not programs:
            return Verdict.reject("no_program")
        self.warm()
        assert self._sandbox is not None
        seconds = asked.timeout or self.settings.timeout
        limits = Limits(
            cpu_seconds=seconds,
            memory_mb=self.settings.memory_mb,
            scratch_mb=self.settings.scratch_mb,
            output_kb=self.settings.output_kb,
            message_kb=self.settings.result_kb,
        )
        run = ProgramRun(self._sandbox, limits, seconds, programs)
        try:
            return self._judge(run, reference, made)
        except Failed as failed:
            return failed.verdict
        except SandboxError as error:
            # a warm parent that failed once is not trusted with the next program
            self.close()
            return Verdict.fault(f"the sandbox failed: {error}", **run.evidence)

    def _judge(self, run: ProgramRun, reference: CodeReference, made: Plan) -> Verdict:
        if reference.cases:
            return whole_programs.judge(run, reference)
        if self.settings.seal == "shared":
            return sealed_tests.judge_shared(run, reference, made)
        if made.checks:
            return asserts.judge(run, made.checks, made.program_setup)
        return sealed_tests.judge_apart(run, reference, made)

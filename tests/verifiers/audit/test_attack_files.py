"""The attacks ship with the package and can be read."""

from __future__ import annotations

from selfplay.verifiers.audit.attack_files import attacks, hostile_texts


def test_attacks_ship_with_the_package() -> None:
    texts = hostile_texts()
    assert len({text.name for text in texts}) == len(texts) > 40
    assert any(len(text.text) > 50_000 for text in texts)
    assert any("\x1b" in text.text for text in texts)
    assert len(attacks()) > 300

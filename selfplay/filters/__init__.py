"""Group filters: which samples of a problem an arm keeps when nobody knows the answer.

    arms:
      - {name: voted, data: human+synthetic, keep: {filter: majority, threshold: 0.5}}

A filter looks at all samples of one problem together and at no reference. docs/group-filters.md says what each can
and cannot show, and how to write one.
"""

from __future__ import annotations

from selfplay.filters.group_filter import Candidate, Choice, Circumstances, Group, GroupFilter

__all__ = ["Candidate", "Choice", "Circumstances", "Group", "GroupFilter"]

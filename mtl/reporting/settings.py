"""The settings that a cell was made with, as its stages recorded them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mtl.experiment.jobs import SPECS
from mtl.reporting.cell_records import STAGES
from mtl.specs.reading import defaults_of, flat

Specs = Mapping[str, Mapping[str, Any]]


class Setting(NamedTuple):
    """A setting of a stage; `differs` says whether it has a default and another value."""

    value: Any
    differs: bool = False
    default: Any = None


def settings_of(specs: Specs) -> dict[str, dict[str, Setting]]:
    """The settings of each stage by dotted name. A spec leaves out what has its default; here it is filled in.

    Args:
        specs: the recorded specs, by the names of stages. They may be of an earlier version.
    """
    return {stage: _with_defaults(stage, spec) for stage, spec in specs.items()}


def _with_defaults(stage: str, spec: Mapping[str, Any]) -> dict[str, Setting]:
    defaults = defaults_of(SPECS[stage])
    found = {}
    for name, value in flat(spec).items():
        # A setting of a learner has a default only together with its siblings: `method.options`.
        known = next((key for key in (name, name.rpartition(".")[0]) if key in defaults), None)
        differs = known is not None and value != defaults[known]
        found[name] = Setting(value, differs, defaults[known] if known == name else None)
    missing = {name: value for name, value in defaults.items() if name not in found and _has_section(spec, name)}
    return found | {name: Setting(value) for name, value in missing.items() if not isinstance(value, Mapping)}


def _has_section(spec: Mapping[str, Any], name: str) -> bool:
    """Whether a spec has the section that a dotted name is in; a stage that does not use it has none."""
    *sections, _ = name.split(".")
    inner: Any = spec
    for section in sections:
        inner = inner.get(section) if isinstance(inner, Mapping) else None
    return isinstance(inner, Mapping)


def by_section(specs: Specs) -> dict[str, list[str]]:
    """The settings in words, by section; those outside of any section are under "".

    What differs from its default is marked by a star. A setting that stages disagree about is said once for each.
    """
    stages = settings_of(specs)
    sections: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for settings in stages.values() for name in settings):
        section, _, key = name.partition(".") if "." in name else ("", "", name)
        by_text: dict[str, list[str]] = {}
        for stage, settings in stages.items():
            if name in settings:
                by_text.setdefault(_text(key, settings[name]), []).append(STAGES[stage])
        for text, where in by_text.items():
            alike = len(by_text) == 1
            sections.setdefault(section, []).append(text if alike else f"{text} in {' and '.join(where)}")
    return sections


def _text(key: str, setting: Setting) -> str:
    default = f" (default {in_words(setting.default)})" if setting.differs and setting.default is not None else ""
    return f"{'*' * setting.differs}{key} {in_words(setting.value)}{default}"


def in_words(value: Any) -> str:
    """A value as a config would have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def different(first: Specs, second: Specs) -> Iterator[tuple[str, str, str]]:
    """The settings in which two cells differ, over the stages that both have: name, and both values in words."""
    ours, theirs = settings_of(first), settings_of(second)
    pairs: dict[str, dict[str, tuple[str, str]]] = {}
    for stage in ours:
        for name in {**ours[stage], **theirs.get(stage, {})} if stage in theirs else ():
            sides = (settings[stage].get(name) for settings in (ours, theirs))
            was, now = ("–" if setting is None else in_words(setting.value) for setting in sides)
            pairs.setdefault(name, {})[stage] = (was, now)
    for name, values in pairs.items():
        # A section that only one of them has is said key by key.
        if any(other.startswith(f"{name}.") for other in pairs):
            continue
        alike = len(set(values.values())) == 1
        for stage, (was, now) in list(values.items())[: 1 if alike else None]:
            if was != now:
                yield name if alike else f"{name} in {STAGES[stage]}", was, now

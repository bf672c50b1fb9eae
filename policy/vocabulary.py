"""The federation's vocabulary of purposes. A purpose is part of a token and of an agreement."""

from __future__ import annotations

PURPOSES: dict[str, str] = {
    "traffic-planning": "Planning and control of traffic (Verkehrsplanung)",
    "urban-planning": "Urban development and construction planning (Stadtplanung)",
    "environment": "Environment, climate and noise protection (Umwelt- und Klimaschutz)",
    "statistics": "Official municipal statistics (Kommunalstatistik)",
    "research": "Scientific research (Forschung)",
    "public-information": "Information of the public (Information der Öffentlichkeit)",
    "ai-training": "Training of machine learning models (Training von KI)",
    "ai-assistance": "Answers of AI assistants from the data (Auskunft durch KI)",
    "operations": "Running and testing the federation itself (Betrieb)",
}

# Off unless a dataset's assessment allows them.
AI_PURPOSES = frozenset({"ai-training", "ai-assistance"})


def is_purpose(name: str) -> bool:
    """True if the federation knows this purpose."""
    return name in PURPOSES

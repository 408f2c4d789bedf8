"""Which voice speaks which language: the pairs a `<Say>` may name.

The one rule: voice and language must be a listed pair, else the Say fails (docs/voice/twiml/say). The table is short
on purpose: the languages a line of ours is likely to speak, from Polly's list of available voices as of spring 2026.

>>> fits("Polly.Amy-Neural", "en-GB"), fits("Polly.Amy-Neural", "de-DE"), fits("Polly.Nobody", "en-GB")
(True, False, False)
"""

_BASIC = frozenset({"en", "en-us", "en-gb", "es", "es-es", "fr", "fr-fr", "de", "de-de"})
BASIC_LANGUAGES = {"man": _BASIC, "woman": _BASIC}
"""The two free voices; they read no SSML."""

_STANDARD, _NEURAL, _GENERATIVE = "", "-Neural", "-Generative"
_OLD = frozenset({_STANDARD})
_NEW = frozenset({_NEURAL, _GENERATIVE})
_BOTH = frozenset({_STANDARD, _NEURAL})
_ALL = frozenset({_STANDARD, _NEURAL, _GENERATIVE})

POLLY = {
    "Joanna": ("en-US", _ALL),
    "Matthew": ("en-US", _ALL),
    "Salli": ("en-US", _ALL),
    "Kendra": ("en-US", _BOTH),
    "Joey": ("en-US", _BOTH),
    "Ruth": ("en-US", _NEW),
    "Stephen": ("en-US", _NEW),
    "Amy": ("en-GB", _ALL),
    "Brian": ("en-GB", _ALL),
    "Emma": ("en-GB", _BOTH),
    "Arthur": ("en-GB", frozenset({_NEURAL})),
    "Olivia": ("en-AU", _NEW),
    "Vicki": ("de-DE", _ALL),
    "Daniel": ("de-DE", _NEW),
    "Marlene": ("de-DE", _OLD),
    "Hans": ("de-DE", _OLD),
    "Lea": ("fr-FR", _ALL),
    "Remi": ("fr-FR", _NEW),
    "Mathieu": ("fr-FR", _OLD),
    "Lucia": ("es-ES", _ALL),
    "Sergio": ("es-ES", _NEW),
    "Lupe": ("es-US", _ALL),
    "Pedro": ("es-US", _NEW),
    "Mia": ("es-MX", _ALL),
    "Bianca": ("it-IT", _ALL),
    "Laura": ("nl-NL", _NEW),
    "Camila": ("pt-BR", _ALL),
    "Kazuha": ("ja-JP", frozenset({_NEURAL})),
    "Tomoko": ("ja-JP", frozenset({_NEURAL})),
    "Takumi": ("ja-JP", _BOTH),
    "Zhiyu": ("cmn-CN", _BOTH),
    "Kajal": ("hi-IN", _NEW),
    "Hala": ("ar-AE", frozenset({_NEURAL})),
    "Zayd": ("ar-AE", frozenset({_NEURAL})),
}


HEARD = frozenset({"en-US", "en-GB", "es-ES", "fr-FR", "de-DE", "pt-BR", "ja-JP", "cmn-Hans-CN", "hi-IN", "ar-AE"})
"""Languages in which speech is understood, of the provider's list for a Gather, which is not the list of voices."""


def fits(voice: str, language: str) -> bool:
    """Whether the pair is listed. An empty side leaves the choice to the other, and both empty to the account."""
    if not voice:
        return True
    if voice in BASIC_LANGUAGES:
        return not language or language.lower() in BASIC_LANGUAGES[voice]
    if voice.startswith("Google."):
        spoken = "-".join(voice.removeprefix("Google.").split("-")[:2])
        return len(spoken) >= 5 and language in {"", spoken}
    name, dash, engine = voice.removeprefix("Polly.").partition("-")
    if not voice.startswith("Polly.") or name not in POLLY:
        return False
    spoken, engines = POLLY[name]
    return dash + engine in engines and language in {"", spoken}


def longest(voice: str) -> int:
    """The most characters one Say may hold (error 13521): Polly 3,000, Google 5,000, the basic voices 4,096."""
    if voice.startswith("Google."):
        return 5000
    return 4096 if voice in BASIC_LANGUAGES else 3000

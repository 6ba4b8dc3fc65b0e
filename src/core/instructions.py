"""Text that speaks to whoever reads it as a model, instead of telling what is so. It is flagged, and stays as it is.

What is looked for are the shapes of known attacks (OWASP LLM01, prompt injection), each narrow: a memory is full of
rules for agents, and a flag on every second of them would say nothing. So it warns, and proves nothing where it is not.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

Flags = tuple[Literal["instructions", "hidden_text"], ...]
"""`instructions`: it speaks to its reader as a model. `hidden_text`: it holds characters that nobody sees."""

_BEFORE = r"(?:previous|prior|above|earlier|preceding|former|existing|original|system|other)"
_SPEAK = (
    r"(?:respond|reply|answer|speak|output)\s+(?:(?:only|always|exclusively)\s+)?(?:in\s+(?!the\b|an?\b|our\b|this\b"
    r"|that\b|one\b|each\b)\w+|(?:as|like)\s+an?\b(?!\s+(?:team|group|whole)\b)|with\s+(?:only|nothing|just)\b|(?<=only\s)with\b)"
)
_OWNER = r"(?:user|human|operator|owner)"
_BEHIND = (
    "the user",
    "your user",
    "any user",
    "the human",
    "your human",
    "the operator",
    "your operator",
    "owner",
)


class _Shape(NamedTuple):
    """In every text of this shape stands one of `words`, as a run of the letters a to z that nothing else of them
    touches, and one of `cues`, anywhere. All in lower case. Without `words` the cues have to do.
    """

    words: str
    cues: tuple[str, ...]
    pattern: str


SHAPES = (
    # Set aside what was said before.
    _Shape(
        "ignore disregard forget override bypass",
        ("ignore", "disregard", "forget", "override", "bypass"),
        r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:(?:all|any|every|each)\s+)?(?:of\s+)?"
        rf"(?:(?:the|your|these|those|my)\s+)?{_BEFORE}\s+(?:\w+\s+){{0,2}}?"
        r"(?:instructions?|prompts?|directives?|messages?|guidelines?|rules|orders|commands)\b"
        r"|\b(?:ignore|disregard|forget)\s+(?:all\s+|everything\s+)?(?:of\s+)?(?:"
        r"your\s+(?:\w+\s+)?(?:instructions?|prompts?|guidelines|rules|training|programming)"
        r"|everything\s+(?:above|before|you\s+(?:were|have\s+been)\s+told)|what\s+you\s+were\s+told)",
    ),
    _Shape(
        "follow following",
        ("follow",),
        rf"\b(?:do\s+not|don't|stop)\s+follow(?:ing)?\s+(?:any\s+|the\s+|your\s+)?{_BEFORE}\s+(?:\w+\s+)?"
        r"(?:instructions?|prompts?|directives?|guidelines?|rules|orders)\b",
    ),
    _Shape(
        "instruction instructions task goal objective purpose prompt",
        (
            "your new",
            "your real",
            "your true",
            "your actual",
            "the new",
            "the real",
            "the true",
            "the actual",
        ),
        r"\b(?:your|the)\s+(?:new|real|true|actual)\s+(?:instructions?|task|goal|objective|purpose|prompt)\s+(?:is|are)\b"
        r"(?=[^.\n]{0,80}\b(?:you|ignore|send|reveal|delete|obey|must)\b)",
    ),
    # Another role.
    _Shape(
        "system assistant developer",
        ("system", "assistant", "developer"),
        r"(?:^|\n)[ \t>*#-]{0,8}\[?(?:system|assistant|developer)\]?(?:\s+(?:prompt|message|note|override))?"
        r"\s{0,3}:\s{0,3}"
        r"(?:you\b|your\b|ignore\b|disregard\b|override(?=\s*(?:$|\n|[!,:;]|\.(?:\s|$))"
        r"|\s+(?:mode|all|any|your|safety|security"
        r"|instructions?|previous|prior|protocols?|accepted|engaged|enabled|code)\b)|always\s+(?:respond|reply|answer|say)|never\s+(?:mention|refuse|tell)"
        r"|from\s+now\b|respond\b|reply\b|act\s+as\b|pretend\b|new\s+instructions)"
        r"|</?(?:system[-_ ](?:reminder|prompt|message|instructions?)|assistant_instructions)\s*>",
    ),
    _Shape(
        "override",
        ("system override",),
        r"(?:^|\n)[ \t>*#-]{0,8}system\s+override\s{0,3}(?:!|:(?!\s{0,3}(?:none|no|see|off)\b))",
    ),
    _Shape(
        "instruction instructions",
        ("instructions:", "instruction:", "instructions for"),
        r"(?:^|\n|[.!?:][ \t]{1,3})[ \t>*#-]{0,8}(?:new|updated)\s+(?:system\s+)?instructions?"
        r"(?:\s+for\s+(?:you|(?:the|an?|every|any|all)\s+(?:ai|llm|assistant|agent|model)s?))?\s{0,3}:"
        r"(?!\s{0,3}(?:see\b|in\b|are\b|https?:|$))",
    ),
    _Shape(
        "im system assistant user start eot inst sys",
        ("<|", "inst]", "sys>>"),
        r"<\|(?:im_start|im_end|system|assistant|user|start_header_id|eot_id)\|>|\[/?inst\]|<</?sys>>",
    ),
    _Shape(
        "now",
        ("from now on", "you are now"),
        r"\bfrom\s+now\s+on,?\s+you\s+(?:are|must|will|shall|should|only)\b"
        rf"|\bfrom\s+now\s+on,?\s+(?:please\s+|always\s+|only\s+){{0,2}}(?:{_SPEAK}|(?:ignore|disregard)\s+"
        rf"(?:what\s+)?(?:the|your)\s+{_OWNER}\b|pretend\b|obey\b)"
        r"|\byou\s+are\s+now\s+(?:an?\s|dan\b|free\s|unrestricted|jailbroken|no\s+longer)",
    ),
    _Shape(
        "mode anything",
        ("r mode", "n mode", "k mode", "d mode", "do anything now"),
        r"\b(?:developer|dan|jailbreak|god)\s+mode\s+(?:is\s+)?(?:enabled|activated|on)\b|\bdo\s+anything\s+now\b",
    ),
    # What to do at the sight of it.
    _Shape(
        "see seeing read reading recall",
        (
            "you see this",
            "you read this",
            "you have read this",
            "reading this",
            "you recall this",
            "seeing this",
        ),
        r"\b(?:(?:when(?:ever)?|if|once|as\s+soon\s+as)\s+you\s+(?:see|read|have\s+read|are\s+reading|recall)|(?:after|(?:up)?on)\s+(?:seeing|reading))\s+this"
        r"(?:\s+(?:note|memory|entry|text|message))?\s{0,3}[,:;]?\s+(?:please\s+|then\s+|you\s+(?:must|should|will)\s+){0,2}"
        rf"(?:(?:call|invoke|use|run|execute)\s+(?:the\s+)?[`'\"]?(?:memory_\w+|mcp__\w+|\w{{1,40}}[`'\"]?\s+tool\b)|{_SPEAK})"
        r"|\b(?:when(?:ever)?|if|once|as\s+soon\s+as)\s+you\s+(?:read|have\s+read|are\s+reading|recall)\s+this"
        r"(?:\s+(?:note|memory|entry|text))?\s{0,3}[,:;]\s+(?:please\s+|then\s+|you\s+(?:must|should|will)\s+){0,2}"
        r"(?:run|execute|install|delete|forget|send|upload|push|merge|approve|disable|remove|visit|fetch)\b",
    ),
    _Shape(
        "curl wget",
        ("curl", "wget"),
        r"\b(?:please|you\s+(?:must|have\s+to|need\s+to)|immediately)\s+(?:now\s+|first\s+|also\s+){0,2}(?:run|execute)\b"
        r"[^\n]{0,40}?(?:\b(?:curl|wget)\b[^\n|]{0,200}\|\s{0,3}(?:sudo\s{1,3})?(?:ba|z|da)?sh\b"
        r"|\b(?:ba|z|da)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()\s{0,3}(?:curl|wget)\b)",
    ),
    # Calls, as models write them.
    _Shape(
        "function tool invoke",
        ("tool_", "tool-", "<tool", "function_", "<invoke", ":invoke"),
        r"<(?:antml:)?(?:function_calls|tool_calls?|tool_use|function_results|tool_results?)\s*>"
        r"|<(?:antml:)?invoke\s+name\s*=",
    ),
    # Behind the user's back.
    _Shape(
        "user human operator owner",
        _BEHIND,
        r"\b(?:do\s+not|don't|never)\s+(?:tell|inform|alert|warn|mention\s+(?:this|it|any\s+of\s+this)\s+to"
        rf"|(?:reveal|disclose|show)\s+(?:this|it)\s+to)\s+(?:the|your|any)\s+{_OWNER}\b"
        rf"|\bwithout\s+(?:asking|telling|informing|alerting|notifying)\s+(?:the|your)\s+{_OWNER}\b"
        rf"|\bwithout\s+the\s+{_OWNER}(?:'s)?\s+(?:knowing|noticing|knowledge|consent)\b"
        rf"|\b(?:keep|hide)\s+this\s+(?:secret\s+|hidden\s+)?from\s+(?:the|your)\s+{_OWNER}\b",
    ),
    # To whoever reads.
    _Shape(
        "reading reads read processing processes summarizing summarising",
        ("reading this", "reads this", "read this", "processing this", "processes this", "ing this text"),
        r"\b(?:ai|llm|language\s+model|chatbot)s?(?:\s+(?:assistant|agent|model)s?)?\b[^.\n]{0,30}"
        r"\b(?:reading|reads|read|processing|processes|summari[sz]ing)\s+this"
        r"(?=\s*(?:[,.:;!]|$|(?:must|should|has|have|needs?|will|shall|please|text|note|message|entry|page|document)\b))",
    ),
    _Shape(
        "prompt instructions message",
        (
            "your system",
            "the system",
            "your initial",
            "your hidden",
            "your original",
            "your full",
            "the hidden",
            "the full",
        ),
        r"\b(?:reveal|print|repeat|output|leak|disclose)\s+(?:me\s+)?(?:your|the)\s+"
        r"(?:system|initial|hidden|original|full)\s+(?:prompt|instructions|message)\b",
    ),
    _Shape(
        "send post upload forward exfiltrate leak email mail",
        ("to http", "@"),
        r"\b(?:send|post|upload|forward|exfiltrate|leak|e-?mail)\b[^.\n]{0,60}\b(?:api[ _-]keys?|passwords?|credentials"
        r"|secrets|private\s+keys?|system\s+prompt|conversation|chat\s+history|environment\s+variables)\b[^.\n]{0,40}"
        r"\bto\s+(?:https?://|[\w.+-]{1,64}@)",
    ),
    # The first of them in other languages.
    _Shape(
        "",
        ("ignor",),
        r"\bignorier\w*\s+(?:alle\s+)?(?:vorherigen|bisherigen|obigen)\s+(?:anweisungen|instruktionen|befehle)"
        r"|\bignor(?:a|e|ez|er|i)\s+(?:todas?\s+|toutes\s+|tutte\s+)?(?:las|les|le|as)\s+"
        r"(?:instrucciones|instructions|istruzioni|instruções)\s+(?:anteriores|previas|précédentes|precedenti)",
    ),
    _Shape(
        "",
        ("忽略", "инструкции", "指示", "命令"),
        r"忽略(?:之前|以上|上面|先前|所有)的?(?:所有)?(?:指令|指示|说明|提示)"
        r"|игнорируй\w*\s+(?:все\s+)?предыдущие\s+инструкции|(?:以前|これまで|上記)の(?:指示|命令)を(?:無視|忘れ)",
    ),
)

_BY_WORD = {
    word.encode(): [shape for shape in SHAPES if word in shape.words.split()]
    for word in dict.fromkeys(" ".join(shape.words for shape in SHAPES).split())
}
_WORDS = frozenset(_BY_WORD)
_WORDLESS = tuple(shape for shape in SHAPES if not shape.words)
_LETTERS = bytes(byte if byte in range(ord("a"), ord("z") + 1) else ord(" ") for byte in range(256))
"""Everything else to blanks."""

_OVERRIDES = "\u202d\u202e"
_TURNS = "\u202a\u202b\u2066\u2067\u2068"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_SMUGGLED = re.compile(
    "(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001-\U000e007f]{2}|[\U000e0100-\U000e01ef\ufe00-\ufe0e]{4}"
    "|[A-Za-z][\u200b\u2060\ufeff\u180e]+[A-Za-z]|[\u200b-\u200d\u2060\ufeff]{4}"
)
"""Tags that are not a flag's, variation selectors by the dozen, blanks of no width within a word or in rows."""
_NO_WIDTH = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u180e\u00ad" + _OVERRIDES + _TURNS + "\u202c\u2069"))


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    return re.compile(shape, re.IGNORECASE)


def flags_of(*texts: str) -> Flags:
    """Of an entry's texts together, each flag once."""
    instructions = hidden = False
    for text in texts:
        if not text.isascii():
            hidden = hidden or _hides(text)
            text = text.translate(_NO_WIDTH)  # noqa: PLW2901 - the same without what hides in it
        instructions = instructions or _instructs(text)
    if hidden:
        return ("instructions", "hidden_text") if instructions else ("hidden_text",)
    return ("instructions",) if instructions else ()


def _instructs(text: str) -> bool:
    """Most texts hold no word that matters, and asking a set for all words at once is the cheapest way to know."""
    if not text:
        return False
    # As a pattern that ignores case sees it: a long s is an s, a dotless i an i.
    lower = text.lower() if text.isascii() else text.casefold().replace("\u0131", "i")
    words = _WORDS.intersection(lower.encode("utf-8", "replace").translate(_LETTERS).split())
    shapes = [*_WORDLESS, *(shape for word in words for shape in _BY_WORD[word])] if words else _WORDLESS
    for shape in shapes:
        for cue in shape.cues:
            if cue in lower:
                if _compiled(shape.pattern).search(text) is not None:
                    return True
                break
    return False


def _hides(text: str) -> bool:
    if any(character in text for character in _OVERRIDES) or _SMUGGLED.search(text) is not None:
        return True
    return any(character in text for character in _TURNS) and _RIGHT_TO_LEFT.search(text) is None

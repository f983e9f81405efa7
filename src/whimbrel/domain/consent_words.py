"""What people say about consent, by language: rows of data, each with where it is from, as of when, and how sure it is.

`whole` are words that mean it when they are all that a text says. `first` mean it also with up to four words behind
them ("stop please"). `phrases` mean it wherever they stand in a short text ("please don't text me"). Case, accents and
punctuation do not count.
"""

from typing import Final, Literal, NamedTuple

Keyword = Literal["stop", "start", "help", "join"]
"""`join`: a word of an account's own, by which somebody agrees to its texts."""
Confidence = Literal["primary", "secondary", "recommended"]

_FCC: Final = "47 CFR 64.1200(a)(10)"
_CTIA: Final = "CTIA Messaging Principles and Best Practices"
_AWS: Final = "AWS End User Messaging SMS: opt-out keywords"
_TWILIO: Final = "Twilio: default opt-out keywords"
_TWILIO_FR: Final = "Twilio: SMS guidelines for France"
_OURS: Final = "Whimbrel: candidate, to be reviewed by native speakers"


class Row(NamedTuple):
    """Words of one meaning, language and source. `everything`: they stop all senders, however far a STOP reaches."""

    meaning: Keyword
    language: str
    source: str
    as_of: str
    confidence: Confidence
    whole: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    everything: bool = False


ROWS: Final[tuple[Row, ...]] = (
    Row(
        "stop", "en", _FCC, "2025-04-11", "primary",
        whole=("quit", "end", "revoke", "cancel"), first=("stop", "opt out", "optout", "unsubscribe"),
    ),
    Row("stop", "en", _TWILIO, "2025-05-14", "primary", first=("stopall", "stop all"), everything=True),
    Row("stop", "en", _AWS, "2026-01-01", "primary", whole=("remove", "td")),
    Row("stop", "fr", _TWILIO_FR, "2025-05-14", "primary", first=("arret", "arrete", "arrett")),
    Row("help", "en", _CTIA, "2025-05-14", "secondary", whole=("help", "info")),
    Row("help", "fr", _TWILIO_FR, "2025-05-14", "primary", whole=("contact",)),
    Row("start", "en", _TWILIO, "2025-05-14", "primary", whole=("start", "unstop", "yes")),
    Row(
        "stop", "es", _OURS, "2026-11-27", "recommended", whole=("baja", "alto", "cancelar", "parar"), first=("no mas",)
    ),
    Row("stop", "pt", _OURS, "2026-11-27", "recommended", whole=("parar", "sair", "cancelar")),
    Row("stop", "de", _OURS, "2026-11-27", "recommended", whole=("abmelden", "abbestellen"), first=("stopp",)),
    Row("stop", "nl", _OURS, "2026-11-27", "recommended", whole=("afmelden", "uitschrijven")),
    Row("stop", "it", _OURS, "2026-11-27", "recommended", whole=("annulla", "basta", "cancellami")),
    Row("stop", "sv", _OURS, "2026-11-27", "recommended", whole=("avsluta",), first=("stopp",)),
    Row("stop", "pl", _OURS, "2026-11-27", "recommended", whole=("rezygnuj", "rezygnuje")),
    Row("stop", "tr", _OURS, "2026-11-27", "recommended", whole=("iptal", "ret")),
    Row("stop", "ar", _OURS, "2026-11-27", "recommended", whole=("إلغاء", "توقف")),
    Row("stop", "ru", _OURS, "2026-11-27", "recommended", whole=("отписаться", "отмена"), first=("стоп",)),
    Row("stop", "hi", _OURS, "2026-11-27", "recommended", whole=("रोकें", "बंद करें")),
    Row("stop", "zh", _OURS, "2026-11-27", "recommended", whole=("退订", "退訂", "取消订阅")),
    Row("stop", "ja", _OURS, "2026-11-27", "recommended", whole=("停止", "配信停止")),
    Row("help", "es", _OURS, "2026-11-27", "recommended", whole=("ayuda",)),
    Row("help", "pt", _OURS, "2026-11-27", "recommended", whole=("ajuda",)),
    Row("help", "fr", _OURS, "2026-11-27", "recommended", whole=("aide",)),
    Row("help", "de", _OURS, "2026-11-27", "recommended", whole=("hilfe",)),
    Row("help", "it", _OURS, "2026-11-27", "recommended", whole=("aiuto",)),
    Row("help", "sv", _OURS, "2026-11-27", "recommended", whole=("hjälp",)),
    Row("help", "pl", _OURS, "2026-11-27", "recommended", whole=("pomoc",)),
    Row("help", "tr", _OURS, "2026-11-27", "recommended", whole=("yardım", "yardim")),
    Row("help", "ar", _OURS, "2026-11-27", "recommended", whole=("مساعدة",)),
    Row("help", "ru", _OURS, "2026-11-27", "recommended", whole=("помощь",)),
    Row("help", "hi", _OURS, "2026-11-27", "recommended", whole=("मदद", "सहायता")),
    Row("help", "zh", _OURS, "2026-11-27", "recommended", whole=("帮助", "幫助")),
    Row("help", "ja", _OURS, "2026-11-27", "recommended", whole=("ヘルプ",)),
    Row(
        "stop", "en", _OURS, "2026-11-27", "recommended",
        phrases=(
            "please stop", "stop texting", "stop messaging", "stop sending", "stop contacting", "stop spamming",
            "stop these", "dont text me", "do not text me", "dont message me", "do not message me", "dont contact me",
            "do not contact me", "dont send me", "do not send me", "no more texts", "no more messages", "no more sms",
            "take me off", "remove me", "remove my number", "delete my number", "leave me alone", "wrong number",
            "wrong person", "opt me out", "unsubscribe me", "cancel texts", "cancel messages", "cancel my subscription",
        ),
    ),
    Row(
        "stop", "es", _OURS, "2026-11-27", "recommended",
        phrases=(
            "no mas mensajes", "no mas sms", "no me escriban", "no me escriba", "no me mande", "no me manden",
            "dejen de escribir", "dejen de mandar", "darme de baja", "numero equivocado", "no quiero mas mensajes",
        ),
    ),
    Row(
        "stop", "fr", _OURS, "2026-11-27", "recommended",
        phrases=(
            "plus de sms", "plus de messages", "ne menvoyez plus", "ne mecrivez plus", "desabonnez moi",
            "me desabonner", "mauvais numero", "arretez de", "retirez moi", "laissez moi tranquille",
        ),
    ),
    Row(
        "stop", "de", _OURS, "2026-11-27", "recommended",
        phrases=(
            "keine sms mehr", "keine nachrichten mehr", "nicht mehr schreiben", "schreiben sie mir nicht",
            "falsche nummer", "bitte abmelden", "hort auf", "horen sie auf", "lassen sie mich in ruhe",
        ),
    ),
    Row(
        "stop", "pt", _OURS, "2026-11-27", "recommended",
        phrases=(
            "nao quero mais mensagens", "nao quero receber", "nao me mande", "nao me mandem", "pare de enviar",
            "parem de enviar", "numero errado", "me descadastre",
        ),
    ),
    Row(
        "stop", "it", _OURS, "2026-11-27", "recommended",
        phrases=("non scrivetemi", "non voglio piu", "basta messaggi", "numero sbagliato", "smettetela"),
    ),
    Row(
        "stop", "nl", _OURS, "2026-11-27", "recommended",
        phrases=("geen sms meer", "geen berichten meer", "verkeerd nummer", "verkeerde nummer", "meld mij af"),
    ),
    Row(
        "stop", "ru", _OURS, "2026-11-27", "recommended",
        phrases=("не пишите мне", "больше не пишите", "не присылайте", "ошиблись номером", "отпишите меня"),
    ),
)  # fmt: skip

AGREEMENTS: Final[tuple[Row, ...]] = (
    Row("start", "en", _TWILIO, "2025-05-14", "primary", whole=("yes", "start", "unstop")),
    Row("start", "en", _OURS, "2026-11-27", "recommended", whole=("y", "ok", "agree", "i agree", "confirm")),
    Row("start", "es", _OURS, "2026-11-27", "recommended", whole=("si", "acepto", "de acuerdo")),
    Row("start", "pt", _OURS, "2026-11-27", "recommended", whole=("sim", "aceito")),
    Row("start", "fr", _OURS, "2026-11-27", "recommended", whole=("oui", "jaccepte", "daccord")),
    Row("start", "de", _OURS, "2026-11-27", "recommended", whole=("ja", "einverstanden")),
    Row("start", "nl", _OURS, "2026-11-27", "recommended", whole=("ja", "akkoord")),
    Row("start", "it", _OURS, "2026-11-27", "recommended", whole=("si", "accetto")),
    Row("start", "sv", _OURS, "2026-11-27", "recommended", whole=("ja",)),
    Row("start", "pl", _OURS, "2026-11-27", "recommended", whole=("tak",)),
    Row("start", "tr", _OURS, "2026-11-27", "recommended", whole=("evet",)),
    Row("start", "ar", _OURS, "2026-11-27", "recommended", whole=("نعم",)),
    Row("start", "ru", _OURS, "2026-11-27", "recommended", whole=("да", "согласен", "согласна")),
    Row("start", "hi", _OURS, "2026-11-27", "recommended", whole=("हाँ", "हां")),
    Row("start", "zh", _OURS, "2026-11-27", "recommended", whole=("是", "同意")),
    Row("start", "ja", _OURS, "2026-11-27", "recommended", whole=("はい", "同意する")),
)
"""What agrees, of somebody who was asked for consent and has not answered; from others they are ordinary words."""

REVOCATIONS: Final = frozenset({"stop", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe"})
"""What 47 CFR 64.1200(a)(10) takes for a revocation whatever a sender says: no account can switch these off."""

NOT_AFTER: Final = frozenset({"by", "of", "over", "sign", "watch", "motion", "light", "lights"})
"""What makes something else of what stands before it: "stop by at six" and "the wrong number of shirts" are answers."""
NOT_BEFORE: Final = frozenset({"dont", "not", "never", "cant", "wont"})
"""What turns a phrase round: "please don't stop sending these"."""

CONFIRMATIONS: Final[dict[str, dict[Keyword, tuple[str, ...]]]] = {
    "en": {
        "stop": (
            "{name}: you are opted out and will get no more texts from us. Reply START to opt in again.",
            "{name}: opted out. START to opt in.",
        ),
        "start": (
            "{name}: you are opted in again. Reply HELP for help, STOP to opt out.",
            "{name}: opted in. STOP to opt out.",
        ),
        "help": (
            "{name}: reply STOP to opt out, START to opt in. Msg & data rates may apply.",
            "{name}: STOP to opt out.",
        ),
    },
    "es": {
        "stop": (
            "{name}: te has dado de baja y no te enviaremos nada. Responde START para volver.",
            "{name}: baja hecha. START: volver.",
        ),
        "start": (
            "{name}: has vuelto a suscribirte. Responde HELP para ayuda, STOP para darte de baja.",
            "{name}: alta hecha. STOP: baja.",
        ),
        "help": ("{name}: responde STOP para darte de baja, START para volver.", "{name}: STOP: baja. START: alta."),
    },
    "pt": {
        "stop": (
            "{name}: o seu cancelamento foi feito. Responda START para voltar.",
            "{name}: cancelado. START: voltar.",
        ),
        "start": (
            "{name}: voltou a receber. Responda HELP para ajuda, STOP para cancelar.",
            "{name}: ativo. STOP: cancelar.",
        ),
        "help": ("{name}: responda STOP para cancelar, START para voltar.", "{name}: STOP: cancelar. START: voltar."),
    },
    "fr": {
        "stop": (
            "{name}: désinscription faite. Répondez START pour vous réinscrire.",
            "{name}: désinscrit. START: retour.",
        ),
        "start": (
            "{name}: inscription faite. Répondez HELP pour de l'aide, STOP pour vous désinscrire.",
            "{name}: inscrit. STOP: sortir.",
        ),
        "help": (
            "{name}: répondez STOP pour vous désinscrire, START pour vous réinscrire.",
            "{name}: STOP: sortir. START: retour.",
        ),
    },
    "de": {
        "stop": (
            "{name}: Sie sind abgemeldet. Mit START melden Sie sich wieder an.",
            "{name}: abgemeldet. START: anmelden.",
        ),
        "start": (
            "{name}: Sie sind wieder angemeldet. Hilfe mit HELP, abmelden mit STOP.",
            "{name}: angemeldet. STOP: abmelden.",
        ),
        "help": ("{name}: abmelden mit STOP, anmelden mit START.", "{name}: STOP: abmelden. START: anmelden."),
    },
    "nl": {
        "stop": (
            "{name}: u bent afgemeld. Antwoord START om u weer aan te melden.",
            "{name}: afgemeld. START: aanmelden.",
        ),
        "start": (
            "{name}: u bent weer aangemeld. HELP voor hulp, STOP om u af te melden.",
            "{name}: aangemeld. STOP: afmelden.",
        ),
        "help": ("{name}: antwoord STOP om u af te melden, START om u aan te melden.", "{name}: STOP: afmelden."),
    },
    "it": {
        "stop": ("{name}: iscrizione annullata. Rispondi START per tornare.", "{name}: annullato. START: tornare."),
        "start": (
            "{name}: sei di nuovo iscritto. Rispondi HELP per aiuto, STOP per annullare.",
            "{name}: iscritto. STOP: annullare.",
        ),
        "help": ("{name}: rispondi STOP per annullare, START per tornare.", "{name}: STOP: annullare."),
    },
    "sv": {
        "stop": ("{name}: du är avanmäld. Svara START för att anmäla dig igen.", "{name}: avanmäld. START: anmäl."),
        "start": (
            "{name}: du är anmäld igen. Svara HELP för hjälp, STOP för att avanmäla dig.",
            "{name}: anmäld. STOP: avanmäl.",
        ),
        "help": ("{name}: svara STOP för att avanmäla dig, START för att anmäla dig.", "{name}: STOP: avanmäl."),
    },
    "pl": {
        "stop": ("{name}: wypisano z listy. Odpisz START, aby wrócić.",),
        "start": ("{name}: zapisano ponownie. STOP: wypis.",),
        "help": ("{name}: STOP: wypis. START: zapis.",),
    },
    "tr": {
        "stop": ("{name}: listeden çıktınız. Dönmek için START.",),
        "start": ("{name}: yeniden listedesiniz. Çıkmak için STOP.",),
        "help": ("{name}: çıkmak için STOP, dönmek için START.",),
    },
    "ar": {
        "stop": ("{name}: تم إلغاء اشتراكك. أرسل START للعودة.",),
        "start": ("{name}: تم اشتراكك من جديد. أرسل STOP للإلغاء.",),
        "help": ("{name}: أرسل STOP للإلغاء وSTART للعودة.",),
    },
    "ru": {
        "stop": ("{name}: вы отписаны. Вернуться: START.",),
        "start": ("{name}: вы снова подписаны. Отписаться: STOP.",),
        "help": ("{name}: STOP – отписаться, START – вернуться.",),
    },
    "hi": {
        "stop": ("{name}: अब आपको संदेश नहीं भेजे जाएंगे। वापसी: START",),
        "start": ("{name}: आप फिर जुड़ गए। रोकने के लिए: STOP",),
        "help": ("{name}: रोकने के लिए STOP, वापसी START",),
    },
    "zh": {
        "stop": ("{name}：您已退订。回复 START 可重新订阅。",),
        "start": ("{name}：您已重新订阅。回复 STOP 可退订。",),
        "help": ("{name}：回复 STOP 退订，START 重新订阅。",),
    },
    "ja": {
        "stop": ("{name}：配信を停止しました。再開は START と返信。",),
        "start": ("{name}：配信を再開しました。停止は STOP と返信。",),
        "help": ("{name}：停止は STOP、再開は START と返信。",),
    },
}
"""By language; the first that fits is taken, and the account's name is cut where none does. No marketing in them:
47 CFR 64.1200(a)(12)."""

QUESTIONS: Final[dict[str, str]] = {
    "en": "{name}: reply YES to get our texts. Msg & data rates may apply. HELP for help, STOP to opt out.",
    "es": "{name}: responde YES para recibir nuestros mensajes. HELP: ayuda. STOP: baja.",
    "pt": "{name}: responda YES para receber as nossas mensagens. HELP: ajuda. STOP: cancelar.",
    "fr": "{name} : répondez YES pour recevoir nos SMS. HELP : aide. STOP : fin.",
    "de": "{name}: Antworten Sie YES, um unsere SMS zu bekommen. Hilfe mit HELP, Ende mit STOP.",
    "nl": "{name}: antwoord YES om onze sms'en te krijgen. HELP: hulp. STOP: afmelden.",
    "it": "{name}: rispondi YES per ricevere i nostri SMS. HELP: aiuto. STOP: fine.",
}
"""What asks for consent, by language. Its own words for yes count as well (`AGREEMENTS`)."""

SPOKEN_IN: Final[dict[str, tuple[str, ...]]] = {
    "es": (
        "ES",
        "MX",
        "AR",
        "CO",
        "CL",
        "PE",
        "EC",
        "GT",
        "CU",
        "BO",
        "DO",
        "HN",
        "PY",
        "SV",
        "NI",
        "CR",
        "PA",
        "UY",
        "VE",
    ),
    "pt": ("PT", "BR", "AO", "MZ"),
    "fr": ("FR", "MC", "SN", "CI", "ML", "BF", "GA", "CG", "BJ", "TG", "NE"),
    "de": ("DE", "AT", "LI"),
    "nl": ("NL", "SR"),
    "it": ("IT", "SM"),
    "sv": ("SE",),
    "pl": ("PL",),
    "tr": ("TR",),
    "ar": ("SA", "AE", "EG", "JO", "KW", "QA", "BH", "OM", "YE", "IQ", "LY", "SD"),
    "ru": ("RU", "BY", "KZ", "KG"),
    "zh": ("CN", "TW", "HK", "MO"),
    "ja": ("JP",),
}
"""Countries where a STOP is confirmed in a language other than English. Those with several languages that many speak
(Belgium, Switzerland, Canada, India) are left to the word that was used."""

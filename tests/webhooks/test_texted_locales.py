"""A whole text in every language: a wrong group told and sent again, the blocks in one segment, a word of its own."""

import re
from dataclasses import replace

import pytest

from ivr.lines import Lines
from tests.conftest import CATALOGUES
from webhooks.segments import segments

from .conftest import Texts

TOLD = {
    "en-US": ("Groups 1-3, 5-9 are in. Group 4 is not right: send that group again.", "Approved.", "Status"),
    "en-GB": ("Groups 1-3, 5-9 are in. Group 4 is not right: send that group again.", "Approved.", "Status"),
    "es": ("Grupos 1-3, 5-9 recibidos. El grupo 4 no es correcto: mande ese grupo otra vez.", "Aprobado.", "Estado"),
    "fr": ("Groupes 1-3, 5-9 bien notés. Le groupe 4 n'est pas bon: renvoyez ce groupe.", "Accepté.", "État"),
    "de": ("Gruppen 1-3, 5-9 sind da. Gruppe 4 stimmt nicht: bitte noch einmal senden.", "Genehmigt.", "Stand"),
    "pt-BR": ("Grupos 1-3, 5-9 recebidos. O grupo 4 veio errado: envie de novo.", "Aprovado.", "Situação"),
    "ja": ("グループ1-3, 5-9を受信しました。 グループ4が違います。再送してください。", "承認しました", "状況"),
    "zh-Hans": ("已收到第 1-3, 5-9 组。 第 4 组不对\uff0c请重发。", "已批准", "进度"),
    "hi": ("ग्रुप 1-3, 5-9 मिले। ग्रुप 4 गलत है, फिर भेजें।", "मंजूर", "स्थिति।"),
    "ar": ("وصلت 1-3, 5-9. 4 خطأ: أعد إرسالها.", "مقبول", "الحالة"),
}
"""By locale: what is answered to an ID whose group 4 is wrong, how the answer with the blocks begins, and a word that
asks how far one is, as people write it."""
ISOLATES = str.maketrans("", "", "\u2068\u2069")
"""What sets a list of numbers apart in a sentence from right to left; it is not seen."""


def test_every_released_locale_has_its_whole_text_here():
    assert set(TOLD) == set(CATALOGUES)


@pytest.mark.parametrize("locale", sorted(TOLD))
def test_a_whole_text_in_the_language_of_the_line(texting, clock, groups, locale):
    texts = Texts(replace(texting, lines=Lines((replace(texting.lines.all[0], locale=locale),))), clock)
    told, approved, status = TOLD[locale]
    wrong = [*groups[:3], f"{(int(groups[3][0]) + 1) % 10}{(int(groups[3][1]) + 2) % 10}{groups[3][2:]}", *groups[4:]]
    (answer,) = texts.send(" ".join(wrong))
    assert answer.translate(ISOLATES) == told
    (answer,) = texts.send(groups[3])
    assert re.fullmatch(rf"{approved}[^\n]*" + "".join(rf"\n{letter} ?\d{{6}}" for letter in "ABCDEFGH"), answer)
    assert segments(answer).count == 1
    assert texts.send(status) == [answer]

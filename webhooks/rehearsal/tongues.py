"""What a caller listens for, in each language that a line may speak: the words for a group, a block, a case number.

The one rule: these are ears, not the line's own words. They are written down apart from any catalogue, as patterns, so
that a change of wording which people would still understand is understood here, and one which they would not is seen.

>>> spoken_digits("एक दो तीन"), spoken_digits("meia, 7, zwo")
('123', '672')
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language. All are patterns: `group` with one place (`#`) for its number, and so `how_many` blocks.

    `opening` is what an installation ID is called, `case` what stands before a case number, `confirm` before the key
    for yes, `fault` what is said when the line itself fails. `letters` are the words for A to H. `refusals` are pieces
    of sentences that refuse. `digits` are the words for 0 to 9 that are not figures.
    """

    locale: str
    group: str
    opening: str
    how_many: str
    case: str
    confirm: str
    fault: str
    letters: str
    refusals: str
    digits: str = ""


TONGUES = (
    Tongue(
        "en",
        r"\bgroup #\b|\b(?:first) group\b",
        r"\binstallation id\b",
        r"\b# blocks\b",
        r"\bcase number(?: is)?",
        r"\bif (?:that is|this is|it is) (?:right|correct), press",
        r"\bwrong on our side\b|\bapplication error\b",
        "Alpha|Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel",
        r"\bactivations? of this product key are used|does not match any product key|(?:has been|is) blocked"
        r"|has (?:expired|run out)|(?:not|no longer) activated|not in force|is not for a product"
        r"|does not fit its product|was returned|too many wrong tries|activated again too often|cannot be approved"
        r"|has to look at this activation first|not for a copy of this kind"
        r"|has (?:activated as many|been activated again as often)",
    ),
    Tongue(
        "es",
        r"\bgrupo #\b",
        r"\bID de instalación\b",
        r"\b# bloques\b",
        r"\bnúmero de caso(?: es)?|\bcaso es el",
        r"\bsi es correcto, pulse",
        r"\balgo falla por nuestra parte\b",
        "Alfa Bravo Charlie Delta Eco Foxtrot Golf Hotel",
        r"no corresponde a ninguna clave|sido bloqueada|ha caducado|no se activan? |se han agotado|ya ha activado todos"
        r"|reactivado (?:todas|demasiadas)|no se encuentra en vigor|no sirve para una copia|no es de un producto"
        r"|ya no se activa|no se ajusta a su producto|fue devuelto|ha vencido|demasiados intentos"
        r"|una persona debe revisar|no se puede aprobar",
    ),
    Tongue(
        "fr",
        r"\bgroupe #\b",
        r"\bID d'installation\b",
        r"\b# blocs\b",
        r"\bnuméro de dossier(?: est le)?",
        r"\bsi c'est juste, appuyez sur",
        r"\bquelque chose ne va pas chez nous\b",
        "Anatole Berthe Célestin Désiré Eugène François Gaston Henri",
        r"ne correspond à aucune|a été bloquée|a expiré|ne s'active (?:pas|plus)|sont utilisées|a déjà activé tous"
        r"|déjà été réactivé|réactivée trop souvent|n'est pas en vigueur|n'est pas faite pour une copie"
        r"|n'est pas celui d'un produit|ne va pas avec son produit|a été rendue|est périmée|trop d'essais manqués"
        r"|doit d'abord examiner|ne peut être acceptée",
    ),
    Tongue(
        "de",
        r"\bGruppe #\b",
        r"\bInstallations-ID\b",
        r"\b# Blöcke\b",
        r"\bVorgangsnummer(?: ist)?",
        r"\bwenn das stimmt, drücken Sie die",
        r"\bbei uns ist etwas gestört\b",
        "Aachen Berlin Chemnitz Düsseldorf Essen Frankfurt Goslar Hamburg",
        r"passt zu keinem Produktschlüssel|ist gesperrt|ist abgelaufen|nicht (?:mehr|auf diesem Weg)? ?aktiviert"
        r"|sind verbraucht|hat schon so viele|wurde (?:schon so|zu) oft neu aktiviert|nicht in Kraft"
        r"|gilt nicht für eine Kopie|gehört zu keinem Produkt|passt nicht zu ihrem Produkt|zurückgegeben|ist verfallen"
        r"|zu viele Fehlversuche|muss sich erst ein Mitarbeiter|kann nicht genehmigt",
        "null eins zwo|zwei drei vier fünf sechs sieben acht neun",
    ),
    Tongue(
        "pt",
        r"\bgrupo #\b",
        r"\bID de instalação\b",
        r"\b# blocos\b",
        r"\bnúmero de protocolo(?: é)?",
        r"\bse estiver certo, tecle",
        r"\balgo está errado do nosso lado\b",
        "avião bola casa dado escola faca gato hotel",
        r"nenhuma das nossas chaves combina|foi bloqueada|desta máquina venceu|não é (?:mais )?ativad[ao]"
        r"|usos desta chave do produto foram gastos|já ativou todos|reativad[ao] (?:quantas|vezes demais)"
        r"|não está em vigor|não serve para este tipo|não é de um produto|não combina com o produto|foi devolvido"
        r"|reservada para você venceu|tentativas erradas demais|antes de ativar, uma pessoa|não pode ser aprovada",
        "zero um dois três quatro cinco meia|seis sete oito nove",
    ),
    Tongue(
        "ja",
        r"グループ#(?!\d)",
        r"インストールID",
        r"ブロックを#個",
        r"受付番号(?:は、|は)?",
        r"よろしければ",
        r"こちらの不具合",
        "アメリカ ブラジル カナダ デンマーク エジプト フランス ゴルフ ホテル",
        r"プロダクトキーとも一致しません|使用を停止|期限切れ|認証できません|すべて使われて|数に達して|回数に達して|回数が多すぎ"
        r"|有効ではありません|種類の製品には使えません|製品のものではありません|製品と合っていません|返却済み|期限が切れました"
        r"|誤った入力が多すぎ|まず担当者が確認|承認できません",
        "ゼロ いち に さん よん ご ろく なな はち きゅう",
    ),
    Tongue(
        "zh",
        r"第 ?# ?组",
        r"安装 ?ID",
        r"# ?段数字",
        r"工单号(?:是)?",
        r"如果正确\W请按",
        r"我们这边出了故障",
        "Apple Boy Cat Dog Egg Fish Girl Hello",
        r"产品密钥都不匹配|已被停用|已过期|不能用这种方式激活|全部用完|数量已用完|次数已用完|激活的次数过多|错误次数过多|许可协议未生效"
        r"|不适用于这类副本|不属于本热线的产品|不再在新设备上激活|与其产品不符|已退回|已失效|须先由人工查看|不能批准",
        "零 幺|一 二 三 四 五 六 七 八 九",
    ),
    Tongue(
        "hi",
        r"ग्रुप #(?!\d)",
        r"इंस्टॉलेशन आईडी",
        r"# ब्लॉक",
        r"केस नंबर(?: है)?",
        r"अगर यह सही है, तो",
        r"हमारी ओर कुछ खराबी",
        "एप्पल बॉल कैट डॉग एलिफ़ेंट फ़िश गर्ल हाउस",
        r"किसी प्रोडक्ट की से मेल नहीं|रोक दी गई|अवधि समाप्त|सक्रिय नहीं होत|इस्तेमाल हो चुके|कर चुकी है|हो चुका है"
        r"|फिर से सक्रिय की जा चुकी|लागू नहीं|कॉपी के लिए नहीं|प्रोडक्ट की नहीं है|अपने प्रोडक्ट से मेल नहीं"
        r"|लौटाया जा चुका|समाप्त हो गया|गलत कोशिशें|पहले किसी व्यक्ति को|मंज़ूर नहीं हो सकता",
        "शून्य एक दो तीन चार पाँच छह सात आठ नौ",
    ),
    Tongue(
        "ar",
        r"مجموع(?:ة|ته) #(?!\d)",
        r"معرّف (?:ال)?تثبيت",
        r"# كتل",
        r"رقم ملفك(?: هو|،)?",
        r"إن كان هذا صحيحا، اضغط",
        r"هناك خلل لدينا",
        "أمريكا برازيل كندا دنمارك إنجلترا فرنسا غانا هولندا",
        r"أي مفتاح منتج لدينا|تم حظر|انتهت (?:صلاحية|مهلة)|لا يُفعَّل|استُخدمت كل|فعّل مفتاح المضيف|أعيد تفعيل"
        r"|غير سارية|ليس لنسخة|ليس لأحد منتجات|لم يعد هذا المنتج|لا يناسب منتجه|أُعيد هذا التثبيت|محاولات خاطئة كثيرة"
        r"|يجب أن ينظر موظف|لا يمكن الموافقة",
        "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة",
    ),
)

_WORDS = {
    word.lower(): str(value)
    for tongue in TONGUES
    for value, words in enumerate(tongue.digits.split())
    for word in words.split("|")
}
DIGIT = r"(?:\d(?!\d)|(?<![^\W\d_])(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")(?![^\W\d_]))"
"""One digit as it is heard: a figure that stands alone, or a word for one."""
_DIGIT = re.compile(r"\d|[^\W\d_](?:[^\s,.]*)")


def spoken_digits(words: str) -> str:
    """The digits that are heard one by one, in figures."""
    return "".join(_WORDS.get(each.lower(), each) for each in _DIGIT.findall(words))

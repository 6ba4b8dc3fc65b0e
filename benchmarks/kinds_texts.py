"""What `kinds.py` remembers and asks: texts of our own, each with a question that only it answers."""

# ruff: noqa: RUF001 - letters of other alphabets are what this is about

from __future__ import annotations

Pair = tuple[str, str]

IDENTIFIERS: tuple[Pair, ...] = (
    ("parseInvoiceLine() returns None for a line without a tax code.", "parseInvoiceLine"),
    ("The flag retry_after_seconds is ignored by the old client.", "what ignores retry_after_seconds?"),
    ("HttpConnectionPool leaks a socket when the peer resets.", "connection pool leak"),
    ("std::chrono::steady_clock is used for all deadlines.", "steady_clock"),
    ("src/billing/ledger.py holds the rounding rules.", "what is src/billing/ledger.py about?"),
    ("MAX_UPLOAD_BYTES was raised for the video team.", "max upload bytes"),
    ("We pinned libwebp to 1.3.2 because of the heap overflow.", "libwebp 1.3.2"),
    ("Commit 9f8e7d6c broke the nightly import.", "9f8e7d6c"),
    ("getUserById is slow without the index on tenants.", "user by id slow"),
    ("The error ERR_QUOTA_EXCEEDED means the bucket is full.", "ERR_QUOTA_EXCEEDED"),
)
TICKETS: tuple[Pair, ...] = (
    ("PAY-1042: refunds are rounded twice.", "PAY-1042"),
    ("PAY-1043: the receipt lacks the VAT number.", "what is PAY-1043 about?"),
    ("PAY-2042: card expiry is shown in the wrong order.", "status of PAY-2042"),
    ("OPS-17 is about the broken backup of the wiki.", "OPS-17"),
    ("OPS-171 replaces the load balancer in Oslo.", "OPS-171"),
    ("Fixed in #8841: the calendar forgets time zones.", "#8841"),
    ("Fixed in #8814: the calendar shows weekends twice.", "#8814"),
    ("CVE-2024-3094 does not concern our images.", "CVE-2024-3094"),
    ("RFC 9110 says how a Retry-After header is read.", "RFC 9110"),
    ("Order 4711-0815 was sent to the wrong warehouse.", "4711-0815"),
)
TYPOS: tuple[Pair, ...] = (
    (
        "The certificate of the staging gateway expires in March.",
        "when does the certifcate of the gatway expire",
    ),
    ("Marguerite maintains the inventory service.", "who maintians the inventroy service"),
    ("The accommodation in Reykjavik was cancelled.", "acommodation in Reykjavic"),
    ("Our telescope needs a new eyepiece.", "telescop eyepeice"),
    ("The veterinarian vaccinated both rabbits.", "vetrinarian rabits"),
    ("The orchestra rehearses on Wednesdays.", "when does the orchestar reherse"),
    ("Deployments are frozen during the holidays.", "deploymnets frozn"),
    ("The parliament building is being renovated.", "parliment bulding renovation"),
    ("We lease two excavators from the quarry.", "exavators from the quary"),
    ("The thermostat in the greenhouse is defective.", "thermostate greenhous"),
)
GERMAN: tuple[Pair, ...] = (
    ("Der Mietvertrag der Werkstatt endet im September.", "Wann endet der Mietvertrag?"),
    ("Sabine kümmert sich um die Buchhaltung.", "Wer macht die Buchhaltung?"),
    ("Die Sicherung läuft jede Nacht um drei Uhr.", "Um wie viel Uhr läuft die Sicherung?"),
    ("Für Rechnungen über 5000 Euro braucht es zwei Unterschriften.", "Rechnungen zwei Unterschriften"),
    ("Der Drucker im Erdgeschoss ist kaputt.", "Welcher Drucker ist kaputt?"),
    ("Unser Großvater baute Geigen.", "Was baute Grossvater?"),
    ("Das Passwort des Gästenetzes wird monatlich geändert.", "Gästenetz Passwort"),
    ("Die Straßenbahn hält nicht mehr am Rathaus.", "Wo hält die Strassenbahn nicht?"),
)
GERMAN_FORMS: tuple[Pair, ...] = (
    ("Die Häuser am Fluss wurden verkauft.", "Welches Haus wurde verkauft?"),
    ("Die Server werden dienstags neu gestartet.", "Neustart des Servers"),
    ("Alle Verträge liegen im Schrank.", "Wo liegt der Vertrag?"),
    ("Er bestellte drei neue Bildschirme.", "Bestellung Bildschirm"),
    ("Die Lieferanten zahlen in Franken.", "Womit zahlt der Lieferant?"),
    ("Nachts wird die Datenbank gesichert.", "Datenbanksicherung"),
    ("Die Prüfungen beginnen im Mai.", "Wann beginnt die Prüfung?"),
    ("Anna spricht fließend Finnisch.", "Wer kann Finnisch sprechen?"),
)
RUSSIAN: tuple[Pair, ...] = (
    ("Договор аренды заканчивается в сентябре.", "Когда заканчивается договор аренды?"),
    ("Бухгалтерию ведёт Светлана.", "Кто ведет бухгалтерию?"),
    ("Принтер на первом этаже сломан.", "Какой принтер сломан?"),
    ("Сервер перезагружается по вторникам.", "сервер перезагружается"),
    ("Пароль гостевой сети меняется ежемесячно.", "пароль гостевой сети"),
    ("Дедушка делал скрипки.", "что делал дедушка"),
    ("Трамвай больше не останавливается у ратуши.", "трамвай у ратуши"),
    ("Ольга говорит по-фински.", "Кто говорит по-фински?"),
)
RUSSIAN_FORMS: tuple[Pair, ...] = (
    ("Дома у реки проданы.", "Кто продал дом у рек?"),
    ("Все договоры лежат в шкафу.", "Где лежит договор?"),
    ("Он заказал три новых монитора.", "заказ мониторов"),
    ("Поставщики платят в рублях.", "Чем платит поставщик?"),
    ("Экзамены начинаются в мае.", "Когда начнётся экзамен?"),
    ("Кошка спит на подоконнике.", "где спала кошка"),
    ("Ключи от склада у Ивана.", "ключ от склада"),
    ("Новая лампа стоит на столе.", "где новую лампу поставили"),
)
CHINESE: tuple[Pair, ...] = (
    ("车间的租约在九月到期。", "租约什么时候到期？"),
    ("财务由王芳负责。", "谁负责财务？"),
    ("一楼的打印机坏了。", "哪台打印机坏了？"),
    ("数据库每天凌晨三点备份。", "数据库几点备份？"),
    ("访客网络的密码每月更换。", "访客网络密码"),
    ("爷爷会做小提琴。", "谁会做小提琴？"),
    ("电车不再停靠市政厅。", "电车停靠哪里？"),
    ("供应商用欧元付款。", "供应商怎么付款？"),
)
JAPANESE: tuple[Pair, ...] = (
    ("作業場の賃貸契約は九月に終わります。", "賃貸契約はいつ終わりますか？"),
    ("経理は佐藤さんが担当しています。", "経理の担当は誰ですか？"),
    ("一階のプリンターが壊れています。", "壊れたプリンターはどれ？"),
    ("データベースは毎晩三時にバックアップされます。", "データベースのバックアップは何時？"),
    ("来客用ネットワークのパスワードは毎月変わります。", "来客用ネットワークのパスワード"),
    ("祖父はバイオリンを作っていました。", "バイオリンを作ったのは誰？"),
    ("路面電車は市役所に停まりません。", "路面電車はどこに停まらない？"),
    ("仕入先はユーロで支払います。", "仕入先の支払いは？"),
)
ACROSS: tuple[Pair, ...] = (
    ("Unser Nachbar züchtet Schafe.", "Who keeps sheep?"),
    ("Der Fahrstuhl bleibt oft stecken.", "problem with the elevator"),
    ("Кот боится пылесоса.", "What is the cat afraid of?"),
    ("Лекция переносится на пятницу.", "When is the lecture?"),
    ("会议改到星期五。", "meeting moved to which day"),
    ("猫怕吸尘器。", "cat and vacuum cleaner"),
    ("図書館は月曜日が休みです。", "library closed"),
    ("妹は医者です。", "Which relative is a doctor?"),
)
KINDS = {
    "code identifiers": IDENTIFIERS,
    "ticket numbers": TICKETS,
    "typos in the question": TYPOS,
    "German": GERMAN,
    "German, other word forms": GERMAN_FORMS,
    "Russian": RUSSIAN,
    "Russian, other word forms": RUSSIAN_FORMS,
    "Chinese": CHINESE,
    "Japanese": JAPANESE,
    "asked in English": ACROSS,
}
